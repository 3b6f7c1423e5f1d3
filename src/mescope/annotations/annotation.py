"""What coders and models marked in a video, as annotation programs exchange it.

An :class:`Annotation` is one interval, whoever made it; an :class:`AnnotationSet` holds all of
one video.  Frames count from 0 and both ends are included; seconds count from the first frame.
Formats that know seconds only get the half-open ``[onset_s, end_s)``, where ``end_s`` is when
the frame after the offset begins.  Programs that show the video count from its file's zero:
what is written for them is later by the set's ``start_offset``.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from mescope.annotations.coded import CodedTier, normal_coded
from mescope.annotations.text import one_line, paragraphs
from mescope.annotations.tiers import Tier, normal_tiers
from mescope.errors import DatasetError
from mescope.events import Detection, FaceEvent, Interval, Kind
from mescope.moved import renamed

Origin = Literal["model", "coder"]

STATUSES = ("", "proposed", "accepted", "rejected", "edited", "added")
"""What became of an annotation: ``proposed`` by a model, ``added`` by a person, or reviewed."""

__getattr__ = renamed(
    __name__,
    {
        "Mark": "mescope.annotations.annotation.Annotation",
        "Sheet": "mescope.annotations.annotation.AnnotationSet",
    },
)

_MOST_FRAMES = 10**12  # 30 years at 1000 per second


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """One interval, from onset to offset, that a model proposed or a coder marked.

    ``source`` is the id of the model or of the coder.  The times are those of the frames
    ``interval.first``, ``apex`` and ``interval.last``; ``end_s`` is when the last one ends.
    ``reason`` says what a rejected one was instead (``blink``); ``taken`` which values of a
    coder's are a model's that the coder let stand (``onset+apex+offset+emotion``).

    Raises:
        ValueError: the apex lies outside, a number is not finite, times run backwards, or a
            word is not one of those allowed.
    """

    interval: Interval
    kind: Kind
    origin: Origin = "coder"
    source: str = ""
    apex: int | None = None
    emotion: str | None = None
    action_units: str = ""  # as written in FACS, such as 4+L10
    score: float | None = None
    status: str = ""  # one of STATUSES
    face: str = "0"
    id: str = ""
    note: str = ""
    reason: str = ""
    taken: str = ""
    onset_s: float | None = None
    apex_s: float | None = None
    offset_s: float | None = None
    end_s: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in ("micro", "macro"):
            raise ValueError(f"expected the kind micro or macro, found {self.kind!r}")
        if self.origin not in ("model", "coder"):
            raise ValueError(f"expected the origin model or coder, found {self.origin!r}")
        if self.status not in STATUSES:
            known = ", ".join(STATUSES[1:])
            raise ValueError(f"expected a status of {known}, found {self.status!r}")
        if self.apex is not None and not self.interval.first <= self.apex <= self.interval.last:
            raise ValueError(
                f"expected the apex within {self.interval.first} to {self.interval.last}, "
                f"found {self.apex}"
            )
        if self.interval.last > _MOST_FRAMES:
            raise ValueError(
                f"expected a frame number, found {str(self.interval.last)[:20]}..."
            )
        if self.score is not None and not math.isfinite(self.score):
            raise ValueError(f"expected a finite score, found {self.score}")
        times = [
            t for t in (self.onset_s, self.apex_s, self.offset_s, self.end_s) if t is not None
        ]
        if not all(math.isfinite(t) and t >= 0 for t in times) or times != sorted(times):
            raise ValueError(f"expected times from 0 on in order, found {times}")

    @property
    def span_s(self) -> tuple[float, float] | None:
        """Return when it starts and ends in seconds; None where that is not known."""
        if self.onset_s is None or self.end_s is None:
            return None
        return self.onset_s, self.end_s


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotationSet:
    """All annotations of one video: its file name, person, frames per second and frames.

    ``events`` (blinks, speech, head movements, glances) are written beside the marks, and
    never read back as such.  ``coded`` is what was coded on the tiers of a code scheme, and
    ``tiers`` are what other programs' files say besides: they go out again and come back.
    ``start_offset`` is when players show the first frame, in seconds
    (:attr:`mescope.video.source.Video.start_offset`); None where that is not known, and
    ``mpv_zero`` where of these seconds mpv, and BORIS with it, begins to count.  ``part`` is
    what a file that holds several sets calls this one, if not by its video.
    """

    video: str
    subject: str = ""
    rate: float | None = None
    frames: int | None = None
    marks: tuple[Annotation, ...] = ()
    events: tuple[FaceEvent, ...] = ()
    coded: tuple[CodedTier, ...] = ()
    tiers: tuple[Tier, ...] = ()
    start_offset: float | None = None
    mpv_zero: float = field(default=0.0, compare=False)
    part: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if self.rate is not None and not (math.isfinite(self.rate) and self.rate > 0):
            raise ValueError(f"expected frames per second above 0, found {self.rate}")
        if self.frames is not None and self.frames < 0:
            raise ValueError(f"expected the number of frames, found {self.frames}")
        start = self.start_offset
        if start is not None and not (math.isfinite(start) and start >= 0):
            raise ValueError(f"expected when the first frame is shown, found {start}")

    @property
    def shown_from(self) -> float:
        """When players show the first frame, in seconds; 0 where that is not known."""
        return self.start_offset or 0.0


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file held: a set per video, and remarks on what was left out or changed.

    ``lost`` counts the marks that were left out because they make no sense, ``lost_cells`` the
    cells of tiers, by the name of the tier; each has a remark.
    """

    sets: tuple[AnnotationSet, ...]
    remarks: tuple[str, ...] = ()
    lost: int = 0
    lost_cells: Mapping[str, int] = field(default_factory=dict)

    @property
    def sheets(self) -> tuple[AnnotationSet, ...]:
        """Return the sets; their name in version 0.1.0."""
        warnings.warn(
            "Contents.sheets is now Contents.sets; the old name goes with the next version",
            DeprecationWarning,
            stacklevel=2,
        )
        return self.sets


def from_detection(
    found: Detection,
    *,
    source: str,
    rate: float | None,
    id: str = "",
    action_units: Sequence[str] = (),
    note: str = "",
    face: str = "0",
) -> Annotation:
    """Return a model's detection as a proposal.

    Args:
        found: what the model found.
        source: the id of the model.
        rate: frames per second: it ends one nominal frame after its offset began.
        id: of the annotation.
        action_units: as written in FACS, one by one.
        note: why it was proposed.
        face: whose face it was found on, where several were followed.
    """
    end = None if found.offset_s is None or not rate else found.offset_s + 1 / rate
    return Annotation(
        interval=found.interval,
        kind=found.kind,
        origin="model",
        source=source,
        apex=found.apex,
        emotion=found.emotion,
        action_units="+".join(action_units),
        score=float(found.score),
        status="proposed",
        face=face,
        id=id,
        note=note,
        onset_s=found.onset_s,
        apex_s=found.apex_s,
        offset_s=found.offset_s,
        end_s=end,
    )


def normal(sheet: AnnotationSet) -> AnnotationSet:
    """Return a set as any format gives it back, times to the nanosecond.

    See :func:`one_line` and :func:`paragraphs` for what becomes of text.
    """
    return replace(
        sheet,
        video=one_line(sheet.video),
        subject=one_line(sheet.subject),
        marks=tuple(_normal(mark) for mark in sheet.marks),
        coded=normal_coded(sheet.coded),
        tiers=normal_tiers(sheet.tiers),
        start_offset=_nanoseconds(sheet.start_offset),
    )


def _normal(mark: Annotation) -> Annotation:
    return replace(
        mark,
        source=one_line(mark.source),
        emotion=one_line(mark.emotion or "") or None,
        action_units=one_line(mark.action_units),
        face=one_line(mark.face) or "0",
        id=one_line(mark.id),
        note=paragraphs(mark.note),
        reason=one_line(mark.reason),
        taken=one_line(mark.taken),
        onset_s=_nanoseconds(mark.onset_s),
        apex_s=_nanoseconds(mark.apex_s),
        offset_s=_nanoseconds(mark.offset_s),
        end_s=_nanoseconds(mark.end_s),
    )


def _nanoseconds(second: float | None) -> float | None:
    return None if second is None else round(second, 9)


def spans(sheet: AnnotationSet) -> list[tuple[float, float]]:
    """Return start and end of every annotation in seconds.

    Raises:
        DatasetError: an annotation has no times; the message says how to give it some.
    """
    found = [mark.span_s for mark in sheet.marks]
    known = [span for span in found if span is not None]
    if len(known) < len(found):
        raise DatasetError(
            f"{sheet.video}: expected times in seconds, found {len(found) - len(known)} marks "
            "with frames only; name the recording with --video"
        )
    return known


def milliseconds(sheet: AnnotationSet) -> list[tuple[int, int]]:
    """Return start and end of every annotation in whole ms, as players count.

    That is from the file's zero, not from the first frame; each is at least 1 ms long.

    Raises:
        DatasetError: an annotation has no times.
    """
    from_zero = sheet.shown_from
    return [widened(start + from_zero, end + from_zero) for start, end in spans(sheet)]


def flags_of(sheet: AnnotationSet) -> tuple[str, ...]:
    """Return what formats in whole milliseconds cannot show of a set."""
    short = sum(end - start < 0.001 for start, end in spans(sheet))
    if not short:
        return ()
    return (f"{sheet.video}: {short} marks below 1 ms are shown 1 ms long; frames are kept",)


def widened(start: float, end: float, digits: int = 3) -> tuple[int, int]:
    """Round a span in seconds to units of so many digits, by default ms; at least 1.

    >>> widened(0.1, 0.1002)
    (100, 101)
    """
    first, last = round(start * 10**digits), round(end * 10**digits)
    return first, max(last, first + 1)


def lanes(marks: Sequence[Annotation], ends: Sequence[tuple[int, int]]) -> list[int]:
    """Return a lane from 0 for each, so that no two of one face and source overlap in it.

    ``ends`` are the start and end of each, half-open.  Earlier ones take lower lanes.
    Annotation programs forbid overlap on one tier.
    """
    chosen = [0] * len(marks)
    free_from: dict[tuple[str, str, str], list[int]] = {}
    for i in sorted(range(len(marks)), key=lambda i: (*ends[i], i)):
        mark = marks[i]
        rows = free_from.setdefault((mark.face, mark.origin, mark.source), [])
        start, end = ends[i]
        lane = next((n for n, free in enumerate(rows) if free <= start), len(rows))
        rows[lane : lane + 1] = [end]
        chosen[i] = lane
    return chosen


def in_order(marks: Iterable[Annotation]) -> tuple[Annotation, ...]:
    """Return annotations by time, then by maker, so that files do not depend on chance."""
    return tuple(
        sorted(marks, key=lambda m: (m.interval, m.face, m.origin, m.source, m.id, m.kind))
    )


def face_of(row: str) -> str:
    """Return the face of a row of a file: further lanes are called ``face.2``, ``face.3``.

    >>> face_of("0.2"), face_of("p1")
    ('0', 'p1')
    """
    stem, dot, number = row.rpartition(".")
    return stem if dot and number.isdigit() else row
