"""What happened on a face, and when.

Frame convention, everywhere in mescope: frames count from 0, and an interval includes both of
its ends.  Readers convert a data set's own numbering once, on the way in; no code after them
adds or subtracts one.  Seconds come from the recording's own time stamps, relative to its first
frame, never from index divided by rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["micro", "macro"]
EventKind = Literal["blink", "speech", "head", "gaze"]

MICRO_MAX_S = 0.5
"""Longest micro-expression in seconds; a longer detection is a macro-expression.

Source: the MEGC spotting rule.  Ground truth is never re-typed.
"""


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """Frames ``first`` to ``last`` of one recording, both included.

    Example:
        >>> len(Interval(10, 19))
        10
        >>> Interval(0, 9).iou(Interval(0, 19))
        0.5
    """

    first: int
    last: int

    def __post_init__(self) -> None:
        if not 0 <= self.first <= self.last:
            raise ValueError(f"need 0 <= first <= last, got {self.first}..{self.last}")

    def __len__(self) -> int:
        return self.last - self.first + 1

    def shared(self, other: Interval) -> int:
        """Return the number of frames that lie in both intervals."""
        return max(0, min(self.last, other.last) - max(self.first, other.first) + 1)

    def iou(self, other: Interval) -> float:
        """Return shared frames over all frames of the two intervals, 0 to 1."""
        shared = self.shared(other)
        return shared / (len(self) + len(other) - shared)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """An expression as a person annotated it (or as a synthesiser planted it).

    Example:
        >>> smile = Expression(
        ...     interval=Interval(30, 42), kind="micro", apex=36, emotion="positive",
        ...     action_units=("6", "12"),
        ... )
        >>> len(smile.interval), smile.apex
        (13, 36)
    """

    interval: Interval
    kind: Kind
    apex: int | None = None
    emotion: str | None = None
    action_units: tuple[str, ...] = ()
    objective_class: int | None = None  # 1 (I) to 7 (VII), where a sheet has them


def expression_of(values: Mapping[str, Any]) -> Expression:
    """Return the expression that ``dataclasses.asdict`` made into values, also through JSON.

    Raises:
        KeyError, TypeError, ValueError: the values are not those of an expression.
    """
    kept = {"interval": Interval(**values["interval"])}
    return Expression(**{**values, **kept, "action_units": tuple(values["action_units"])})


@dataclass(frozen=True, slots=True)
class Seconds:
    """Times of an expression's frames, in seconds from frame 0 of its record."""

    onset: float
    apex: float | None
    offset: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """An expression as a model found it.  Never mixed up with an annotation.

    ``onset_s``, ``apex_s`` and ``offset_s`` are the times of the frames ``interval.first``,
    ``apex`` and ``interval.last`` in seconds; None where no time table is known.

    Example:
        >>> found = Detection(interval=Interval(31, 43), kind="micro", score=0.8, apex=36)
        >>> round(found.interval.iou(Interval(30, 42)), 2)
        0.86
    """

    interval: Interval
    kind: Kind
    score: float  # confidence of the interval, 0 to 1
    apex: int
    emotion: str | None = None
    emotion_scores: dict[str, float] | None = None  # class name -> probability
    onset_s: float | None = None
    apex_s: float | None = None
    offset_s: float | None = None

    def __post_init__(self) -> None:
        if not self.interval.first <= self.apex <= self.interval.last:
            raise ValueError(f"apex {self.apex} lies outside {self.interval}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceEvent:
    """What a face does that is not an expression: a blink, speech, a head movement, a glance.

    ``onset_s`` and ``offset_s`` are the times of the first and the last frame in seconds.
    ``strength`` says how strong it was, in the unit of its kind: blink, share of the usual eye
    opening that was lost (0 to 1); speech, px of mouth motion in the 320-px face crop; head,
    degrees; gaze, share of the eye's width.  It is nan where a file of an older version
    lacks it.  ``face`` says on whose face, as in annotations.
    """

    kind: EventKind
    interval: Interval
    onset_s: float
    offset_s: float
    strength: float
    face: str = "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One long video of one person with what happens in it; no pixels.

    A person is ``(dataset, subject)``: subject 01 of two data sets is two people.

    Example:
        >>> interview = Recording(
        ...     dataset="folder", subject="01", name="interview", frames=900, rate=30.0
        ... )
        >>> interview.frames / interview.rate, interview.expressions
        (30.0, ())
    """

    dataset: str
    subject: str
    name: str
    frames: int
    rate: float  # nominal frames per second
    expressions: tuple[Expression, ...] = ()
    path: str | None = None
