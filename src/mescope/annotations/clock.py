"""From frames to seconds and back, and what to do when somebody moved a mark.

Times of a recording come from its own time stamps; a constant rate is used only where the
caller gives one or the file itself states one.  A :class:`Clock` counts from the first frame,
files of programs that show the video from its file's zero; a :class:`Timeline` is between them.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from mescope.annotations.annotation import Annotation, AnnotationSet, widened
from mescope.annotations.coded import CodedTier
from mescope.annotations.problems import OutsideError
from mescope.errors import DatasetError
from mescope.events import Interval

_NEAR = 0.3  # share of a frame: a time that close before a frame is meant to be that frame


@dataclass(frozen=True, slots=True)
class Clock:
    """When frames begin: by the time stamps of a recording, or at a constant rate.

    ``times`` are seconds from the first frame, one for each frame; None counts at ``rate``.
    ``start_offset`` is when players show the first frame, ``mpv_zero`` when mpv begins to
    count, ``video`` the name of the recording's file, by which its marks are found among
    others, and ``frames`` how many there are.
    """

    rate: float
    times: Sequence[float] | None = None
    start_offset: float = 0.0
    video: str = ""
    frames: int | None = None
    mpv_zero: float = 0.0

    @property
    def length(self) -> float:
        """When the last frame ends, in seconds from the first; inf where that is not known."""
        if self.times is not None:
            return self.end_of(len(self.times) - 1)
        return math.inf if self.frames is None else self.frames / self.rate

    def start_of(self, frame: int) -> float:
        """Return when a frame begins, in seconds.

        Raises:
            ValueError: the recording has no such frame.
        """
        if self.times is None:
            return frame / self.rate
        if not 0 <= frame < len(self.times):
            raise ValueError(f"frame {frame}, but the recording has 0 to {len(self.times) - 1}")
        return float(self.times[frame])

    def end_of(self, frame: int) -> float:
        """Return when a frame ends: when the next begins, or one nominal frame later."""
        if self.times is not None and frame + 1 < len(self.times):
            return float(self.times[frame + 1])
        return self.start_of(frame) + 1 / self.rate

    def frame_at(self, second: float) -> int:
        """Return the frame shown at a time; just before a frame means that frame.

        Written times are rounded, so a time within 0.3 frames of the next one is the next.
        """
        if self.times is None:
            return max(0, int(second * self.rate + _NEAR))
        found = bisect.bisect_right(self.times, second + _NEAR / self.rate) - 1
        return min(max(found, 0), len(self.times) - 1)

    def shown_at(self, second: float) -> int:
        """Return the frame that a player shows at a time written in whole milliseconds.

        Other than :meth:`frame_at` this takes a time shortly before a frame for the one before
        it, unless only the rounding to a millisecond lies between.
        """
        return self.frame_at(second + 0.000999 - _NEAR / self.rate)

    def interval(self, start: float, end: float) -> Interval:
        """Return the frames of a half-open span in seconds; at least one."""
        first = self.frame_at(start)
        return Interval(first, max(first, self._last_before(end)))

    def holds(self, start: float, end: float) -> bool:
        """Say whether a span lies in the recording; programs round its ends to a frame."""
        slack, near = 1 / self.rate, _NEAR / self.rate
        begins = -slack <= start < self.length - near
        return begins and near < end <= self.length + slack

    def _last_before(self, end: float) -> int:
        if self.times is None:
            return self.frame_at(end) - 1
        found = bisect.bisect_right(self.times, end + _NEAR / self.rate) - 1
        # the end of the last frame lies behind every time stamp
        if found == len(self.times) - 1 and end > float(self.times[-1]) + 0.5 / self.rate:
            return found
        return found - 1


@dataclass(frozen=True, slots=True)
class Timeline:
    """What the seconds in a file mean.

    Attributes:
        clock: the recording's own times, or the rate that the caller gives; None: neither.
        rate: frames per second as the file states them, used where there is no ``clock``.
        frames: how many frames the file says there are.
        start_offset: when its seconds show the first frame, if the file says so.
    """

    clock: Clock | None
    rate: float | None = None
    frames: int | None = None
    start_offset: float | None = None

    @classmethod
    def of(cls, sheet: AnnotationSet, clock: Clock | None) -> Timeline:
        """Return that of a file with these facts; a clock goes before its rate."""
        rate = clock.rate if clock else sheet.rate
        return cls(clock, rate, sheet.frames, sheet.start_offset)

    @property
    def kept_from(self) -> float:
        """When the first frame is shown, for marks that mescope wrote into the file."""
        return self.start_offset or 0.0

    @property
    def added_from(self) -> float:
        """The same for marks that a person set where a player showed them."""
        if self.start_offset is not None:
            return self.start_offset
        return self.clock.start_offset if self.clock else 0.0

    def end_of_frame_at(self, second: float) -> float:
        """Return when the frame ends that a player shows at a time of the file, in its seconds.

        Raises:
            ValueError: nothing says how long a frame is.
        """
        clock = self._any_clock()
        at = second - self.added_from
        if at > clock.length:  # it is told that this is outside
            return second
        return clock.end_of(clock.shown_at(at)) + self.added_from

    def _any_clock(self) -> Clock:
        if self.clock is not None:
            return self.clock
        if not self.rate:
            raise ValueError("it has times only and no frame rate; name --video or --rate")
        return Clock(self.rate, frames=self.frames)

    def placed(self, start: float, end: float, apex: float | None = None) -> dict[str, Any]:
        """Return interval, apex and times of a mark of which only the file's seconds are known.

        Args:
            start: when it starts, in seconds of the file.
            end: when it ends.
            apex: when its strongest moment is, if that is known.

        Raises:
            ValueError: nothing says which frames these are.
            OutsideError: it lies outside the recording.
        """
        clock = self._any_clock()
        interval = _inside(clock, start, end, self.added_from)
        zero = self.added_from
        onset_s, end_s = max(0.0, start - zero), max(0.0, end - zero)
        last_s = min(max(onset_s, clock.start_of(interval.last)), end_s)
        placed: dict[str, Any] = {
            "interval": interval, "onset_s": onset_s, "offset_s": last_s, "end_s": end_s,
        }  # fmt: skip
        if apex is not None:
            at = min(max(clock.frame_at(apex - zero), interval.first), interval.last)
            placed |= {"apex": at, "apex_s": min(max(onset_s, clock.start_of(at)), last_s)}
        return placed


def _inside(clock: Clock, start: float, end: float, zero: float) -> Interval:
    """Return the frames of a span in seconds of a file whose first frame is at ``zero``."""
    if not clock.holds(start - zero, end - zero):
        until = "" if clock.length == math.inf else f" to {clock.length + zero:.3f}"
        raise OutsideError(
            f"{start:.3f} to {end:.3f} s, but the recording is shown from {zero:.3f}{until} s"
        )
    return clock.interval(start - zero, end - zero)


def timed(sheet: AnnotationSet, clock: Clock | None = None) -> AnnotationSet:
    """Return a set whose marks have times, from ``clock`` or else where the file has some.

    Without a clock, marks keep their own times, and an end that is missing is one frame of
    the set's rate after the offset.

    Raises:
        DatasetError: a frame lies past the end of the recording.
    """
    try:
        marks = tuple(_timed(mark, sheet.rate, clock) for mark in sheet.marks)
        coded = sheet.coded if clock is None else _timed_codes(sheet.coded, clock)
    except ValueError as error:
        raise DatasetError(f"{sheet.video}: {error}; is it another recording?") from None
    if clock is None:
        return replace(sheet, marks=marks)
    if clock.times is None:
        return replace(sheet, marks=marks, coded=coded, rate=clock.rate)
    return replace(
        sheet,
        marks=marks,
        coded=coded,
        rate=clock.rate,
        frames=len(clock.times),
        start_offset=clock.start_offset,
        mpv_zero=clock.mpv_zero,
    )


def _timed(mark: Annotation, rate: float | None, clock: Clock | None) -> Annotation:
    if clock is not None:
        return replace(
            mark,
            onset_s=clock.start_of(mark.interval.first),
            apex_s=None if mark.apex is None else clock.start_of(mark.apex),
            offset_s=clock.start_of(mark.interval.last),
            end_s=clock.end_of(mark.interval.last),
        )
    if mark.end_s is None and mark.offset_s is not None and rate:
        return replace(mark, end_s=mark.offset_s + 1 / rate)
    return mark


def _timed_codes(coded: Sequence[CodedTier], clock: Clock) -> tuple[CodedTier, ...]:
    return tuple(
        replace(
            tier,
            spans=tuple(
                replace(
                    span,
                    onset_s=clock.start_of(span.interval.first),
                    offset_s=clock.start_of(span.interval.last),
                    end_s=clock.end_of(span.interval.last),
                )
                for span in tier.spans
            ),
        )
        for tier in coded
    )


def reconciled(
    mark: Annotation, start: float, end: float, *, digits: int, timeline: Timeline
) -> tuple[Annotation, str]:
    """Return a stored mark as its file now shows it, and a remark if somebody moved it.

    Args:
        mark: as mescope stored it beside the visible interval, times included.
        start: where the visible interval starts now, in seconds of the file.
        end: where it ends now.
        digits: decimals of the format; a smaller difference is rounding.
        timeline: what the file's seconds mean.

    Moved boundaries win; an apex that is outside then is dropped.

    Raises:
        ValueError: it was moved and neither clock nor rate gives the frames.
        OutsideError: it was moved out of the recording.
    """
    span = mark.span_s
    if span is None:
        return mark, ""
    zero = timeline.kept_from
    # rounded as the writers do: an edit by one frame of 1000 per second is an edit
    if widened(start, end, digits) == widened(span[0] + zero, span[1] + zero, digits):
        return mark, ""
    moved = _moved(mark, start, end, span, timeline)
    was, now = mark.interval, moved.interval
    if was == now:
        return mark, ""
    remark = f"moved from frames {was.first}-{was.last} to {now.first}-{now.last}"
    return moved, remark + (", the apex is outside now" if moved.apex != mark.apex else "")


def _moved(
    mark: Annotation, start: float, end: float, span: tuple[float, float], timeline: Timeline
) -> Annotation:
    clock, rate, zero = timeline.clock, timeline.rate, timeline.kept_from
    if clock is not None and timeline.start_offset is None and clock.start_offset:
        raise ValueError(
            f"it was moved, and the file does not say that the first frame is shown at "
            f"{clock.start_offset:.3f} s; write the file anew and move it there"
        )
    if clock is not None:
        now = _inside(clock, start, end, zero)
    elif rate:
        # counted from where the boundary was, so a variable rate before it does no harm
        first = max(0, mark.interval.first + round((start - zero - span[0]) * rate))
        last = mark.interval.last + round((end - zero - span[1]) * rate)
        now = Interval(first, max(first, last))
        if timeline.frames is not None and now.last >= timeline.frames:
            _inside(Clock(rate, frames=timeline.frames), start, end, zero)
    else:
        raise ValueError("was moved, and the file has no frame rate; name it with --rate")
    apex = mark.apex if mark.apex is not None and now.first <= mark.apex <= now.last else None
    status = "edited" if mark.status in ("proposed", "accepted") else mark.status
    moved = replace(mark, interval=now, apex=apex, status=status)
    if clock is not None:
        return _timed(moved, rate, clock)
    start, end = max(0.0, start - zero), max(0.0, end - zero)
    offset = max(start, end - 1 / rate) if rate else None
    if apex is None or mark.apex_s is None or offset is None:
        apex_s = None
    else:
        apex_s = min(max(mark.apex_s, start), offset)
    return replace(moved, onset_s=start, apex_s=apex_s, offset_s=offset, end_s=end)


def with_apex(
    mark: Annotation, found: Sequence[float], expected: float, timeline: Timeline
) -> tuple[Annotation, str]:
    """Return a mark with the apex as its file now shows it, and a remark if that is new.

    Args:
        mark: as :func:`reconciled` returned it.
        found: the times of apexes shown within the mark, in seconds of the file; the first
            counts.
        expected: where the stored apex would be shown; nan where it has none.
        timeline: what the file's seconds mean.
    """
    if any(abs(at - expected) < 5e-4 for at in found):
        return mark, ""
    if not found:
        if mark.apex is None or math.isnan(expected):
            return mark, ""
        return replace(mark, apex=None, apex_s=None), "the apex was taken away"
    at, rate = found[0] - timeline.kept_from, timeline.rate
    if timeline.clock is not None:
        apex = timeline.clock.frame_at(at)
    elif rate and mark.onset_s is not None:
        apex = mark.interval.first + round((at - mark.onset_s) * rate)
    else:
        return mark, "the apex was moved; name --video or --rate to find its frame"
    apex = min(max(apex, mark.interval.first), mark.interval.last)
    if apex == mark.apex:
        return mark, ""
    last = at if mark.offset_s is None else mark.offset_s
    second = min(max(at, mark.onset_s or 0.0), last)
    return replace(mark, apex=apex, apex_s=second), f"the apex was moved to frame {apex}"
