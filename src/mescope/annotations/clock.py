"""From frames to seconds and back, and what to do when somebody moved a mark.

Times of a recording come from its own time stamps; a constant rate is used only where the
caller gives one or the file itself states one.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mescope.annotations.annotation import Annotation, AnnotationSet, Contents, widened
from mescope.errors import DatasetError
from mescope.events import Interval

_NEAR = 0.3  # share of a frame: a time that close before a frame is meant to be that frame


@dataclass(frozen=True, slots=True)
class Clock:
    """When frames begin: by the time stamps of a recording, or at a constant rate.

    ``times`` are seconds from the first frame, one for each frame; None counts at ``rate``.
    """

    rate: float
    times: Sequence[float] | None = None

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

    def interval(self, start: float, end: float) -> Interval:
        """Return the frames of a half-open span in seconds; at least one."""
        first = self.frame_at(start)
        return Interval(first, max(first, self._last_before(end)))

    def _last_before(self, end: float) -> int:
        if self.times is None:
            return self.frame_at(end) - 1
        found = bisect.bisect_right(self.times, end + _NEAR / self.rate) - 1
        # the end of the last frame lies behind every time stamp
        if found == len(self.times) - 1 and end > float(self.times[-1]) + 0.5 / self.rate:
            return found
        return found - 1


def timed(sheet: AnnotationSet, clock: Clock | None = None) -> AnnotationSet:
    """Return a set whose marks have times, from ``clock`` or else where the file has some.

    Without a clock, marks keep their own times, and an end that is missing is one frame of
    the set's rate after the offset.

    Raises:
        DatasetError: a frame lies past the end of the recording.
    """
    try:
        marks = tuple(_timed(mark, sheet.rate, clock) for mark in sheet.marks)
    except ValueError as error:
        raise DatasetError(f"{sheet.video}: {error}; is it another recording?") from None
    if clock is None:
        return replace(sheet, marks=marks)
    frames = sheet.frames if clock.times is None else len(clock.times)
    return replace(sheet, marks=marks, rate=clock.rate, frames=frames)


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


def all_timed(contents: Contents, clock: Clock | None = None) -> Contents:
    """Return contents with :func:`timed` sets.

    Raises:
        DatasetError: a clock of one recording for several, or a frame past its end.
    """
    if clock is not None and clock.times is not None and len(contents.sets) > 1:
        raise DatasetError(
            f"expected marks of one recording, found {len(contents.sets)}; leave out --video"
        )
    return replace(contents, sets=tuple(timed(sheet, clock) for sheet in contents.sets))


def reconciled(
    mark: Annotation,
    start: float,
    end: float,
    *,
    digits: int,
    rate: float | None,
    clock: Clock | None,
) -> tuple[Annotation, str]:
    """Return a stored mark as its file now shows it, and a remark if somebody moved it.

    Args:
        mark: as mescope stored it beside the visible interval, times included.
        start: where the visible interval starts now, in seconds.
        end: where it ends now.
        digits: decimals of the format; a smaller difference is rounding.
        rate: frames per second as the file states them, used if there is no ``clock``.
        clock: the recording's own times.

    Moved boundaries win; an apex that is outside then is dropped.

    Raises:
        ValueError: it was moved and neither ``clock`` nor ``rate`` gives the frames.
    """
    span = mark.span_s
    if span is None:
        return mark, ""
    # rounded as the writers do: an edit by one frame of 1000 per second is an edit
    if widened(start, end, digits) == widened(*span, digits):
        return mark, ""
    moved = _moved(mark, start, end, span, rate, clock)
    was, now = mark.interval, moved.interval
    if was == now:
        return mark, ""
    remark = f"moved from frames {was.first}-{was.last} to {now.first}-{now.last}"
    return moved, remark + (", the apex is outside now" if moved.apex != mark.apex else "")


def _moved(
    mark: Annotation,
    start: float,
    end: float,
    span: tuple[float, float],
    rate: float | None,
    clock: Clock | None,
) -> Annotation:
    if clock is not None:
        now = clock.interval(start, end)
    elif rate:
        # counted from where the boundary was, so a variable rate before it does no harm
        first = max(0, mark.interval.first + round((start - span[0]) * rate))
        last = mark.interval.last + round((end - span[1]) * rate)
        now = Interval(first, max(first, last))
    else:
        raise ValueError("was moved, and the file has no frame rate; name it with --rate")
    apex = mark.apex if mark.apex is not None and now.first <= mark.apex <= now.last else None
    status = "edited" if mark.status in ("proposed", "accepted") else mark.status
    moved = replace(mark, interval=now, apex=apex, status=status)
    if clock is not None:
        return _timed(moved, rate, clock)
    offset = max(start, end - 1 / rate) if rate else None
    if apex is None or mark.apex_s is None or offset is None:
        apex_s = None
    else:
        apex_s = min(max(mark.apex_s, start), offset)
    return replace(moved, onset_s=start, apex_s=apex_s, offset_s=offset, end_s=end)


def with_apex(
    mark: Annotation,
    found: Sequence[float],
    expected: float,
    rate: float | None,
    clock: Clock | None,
) -> tuple[Annotation, str]:
    """Return a mark with the apex as its file now shows it, and a remark if that is new.

    Args:
        mark: as :func:`reconciled` returned it.
        found: the times of apexes shown within the mark, in seconds; the first counts.
        expected: where the stored apex would be shown, in seconds; nan where it has none.
        rate: frames per second, used if there is no ``clock``.
        clock: the recording's own times.
    """
    if any(abs(at - expected) < 5e-4 for at in found):
        return mark, ""
    if not found:
        if mark.apex is None or math.isnan(expected):
            return mark, ""
        return replace(mark, apex=None, apex_s=None), "the apex was taken away"
    if clock is not None:
        apex = clock.frame_at(found[0])
    elif rate and mark.onset_s is not None:
        apex = mark.interval.first + round((found[0] - mark.onset_s) * rate)
    else:
        return mark, "the apex was moved; name --video or --rate to find its frame"
    apex = min(max(apex, mark.interval.first), mark.interval.last)
    if apex == mark.apex:
        return mark, ""
    last = found[0] if mark.offset_s is None else mark.offset_s
    second = min(max(found[0], mark.onset_s or 0.0), last)
    return replace(mark, apex=apex, apex_s=second), f"the apex was moved to frame {apex}"
