"""Where things lie in one row of the timeline; units are those of the drawing."""

from __future__ import annotations

from dataclasses import dataclass

from mescope.events import EventKind

AXIS = 20.0
SCORE, MOVEMENT, EMOTION = 84.0, 44.0, 46.0
_BETWEEN = 7.0
BAND = 13.0  # of one kind of event

LABELS: dict[EventKind, str] = {
    "blink": "blinks",
    "speech": "speech",
    "head": "head",
    "gaze": "gaze",
}
"""What stands before a band."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: ``start`` to ``end`` in seconds lie over ``left`` to ``right`` in units.

    ``movement`` says whether there is a training-free score; ``kinds`` are those of the events
    that have a band.
    """

    start: float
    end: float
    left: float
    right: float
    top: float  # of the score plot
    movement: bool = False
    kinds: tuple[EventKind, ...] = ()

    def x(self, seconds: float) -> float:
        """Return where a time lies, within the row."""
        share = (seconds - self.start) / (self.end - self.start)
        return self.left + min(max(share, 0.0), 1.0) * (self.right - self.left)

    def y_score(self, score: float) -> float:
        """Return where a score of 0 to 1 lies."""
        return self.top + (1 - min(max(score, 0.0), 1.0)) * SCORE

    def y_movement(self, score: float) -> float:
        """Return where a training-free score of 0 to 1 lies."""
        return self.movement_top + (1 - min(max(score, 0.0), 1.0)) * MOVEMENT

    def y_emotion(self, share: float) -> float:
        """Return where a probability lies, counted from the bottom."""
        return self.emotion_bottom - share * EMOTION

    @property
    def score_bottom(self) -> float:
        """Return where a score of 0 lies."""
        return self.top + SCORE

    @property
    def movement_top(self) -> float:
        """Return the top of the training-free score."""
        return self.score_bottom + _BETWEEN

    @property
    def movement_bottom(self) -> float:
        """Return the bottom of the training-free score, or of what is above without one."""
        return self.movement_top + MOVEMENT if self.movement else self.score_bottom

    @property
    def emotion_top(self) -> float:
        """Return the top of the emotions."""
        return self.movement_bottom + _BETWEEN

    @property
    def emotion_bottom(self) -> float:
        """Return where a probability of 0 lies."""
        return self.emotion_top + EMOTION

    def band_top(self, kind: EventKind) -> float:
        """Return the top of the band of a kind of event."""
        return self.emotion_bottom + _BETWEEN + BAND * self.kinds.index(kind)

    @property
    def bottom(self) -> float:
        """Return the bottom of everything but the axis."""
        return self.emotion_bottom + (_BETWEEN + BAND * len(self.kinds) if self.kinds else 0.0)

    @property
    def papers(self) -> list[tuple[float, float]]:
        """Return top and height of the plots that have a frame."""
        found = [(self.top, SCORE)]
        if self.movement:
            found.append((self.movement_top, MOVEMENT))
        found.append((self.emotion_top, EMOTION))
        if self.kinds:
            found.append((self.band_top(self.kinds[0]), BAND * len(self.kinds)))
        return found
