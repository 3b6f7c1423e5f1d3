"""Results as plain data: what was found, the evidence for it, and how it was found.

``Analysis`` holds everything a reader needs to judge a detection of a recording: traces, gaps,
the decode report, the parameters, the warnings.  ``Recognitions`` and ``MagnifiedMotion`` are
about one expression.  :mod:`mescope.analysis` makes them, :mod:`mescope.reports` writes them,
and neither is needed to read them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mescope.errors import OutputError
from mescope.events import Detection, EventKind, FaceEvent, Interval

SPOKEN: dict[str, str] = {
    "BROW_L": "right brow", "BROW_L_20": "right inner brow", "BROW_L_19": "right mid brow",
    "BROW_L_18": "right outer brow", "BROW_R": "left brow", "BROW_R_23": "left inner brow",
    "BROW_R_24": "left mid brow", "BROW_R_25": "left outer brow", "MOUTH": "mouth",
    "MOUTH_48": "right mouth corner", "MOUTH_54": "left mouth corner",
    "MOUTH_51": "upper lip", "MOUTH_57": "lower lip", "MOUTH_62": "lip line",
    "NOSE_31": "right nostril wing", "NOSE_35": "left nostril wing",
    "LID_L": "right lower lid", "LID_R": "left lower lid",
}  # fmt: skip
"""What a region is called in a sentence.  Sides are the person's own, as in FACS."""

VISIBLE = 0.3
"""Motion in crop px below which nothing is claimed to have moved, however still a recording."""

_DIRECTIONS = ("right", "down-right", "down", "down-left", "left", "up-left", "up", "up-right")


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionMotion:
    """How one facial region moved from onset to apex.

    ``dx`` and ``dy`` are pixels of the 320-px face crop, x to the image right and y down, the
    motion of the nose removed.
    """

    region: str
    dx: float
    dy: float

    @property
    def magnitude(self) -> float:
        """Return the length of the motion in crop pixels."""
        return math.hypot(self.dx, self.dy)

    @property
    def direction(self) -> str:
        """Return the direction in the image, such as ``"up"`` or ``"down-left"``.

        >>> RegionMotion(region="BROW_L", dx=0.0, dy=-1.5).direction
        'up'
        """
        octant = round(math.atan2(self.dy, self.dx) / (math.pi / 4)) % 8
        return _DIRECTIONS[octant]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Why an interval was proposed: what moved, in numbers and in a sentence."""

    regions: tuple[RegionMotion, ...]  # strongest first
    action_units: tuple[str, ...]  # likely action units by rule, never a measurement
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question that could show a detection to be wrong, and what was measured of it.

    >>> Check(question="Are the eyes shut?", answer="No: open at 96 % of usual", doubt=False)
    Check(question='Are the eyes shut?', answer='No: open at 96 % of usual', doubt=False)
    """

    question: str
    answer: str
    doubt: bool  # the measured fact speaks against an expression


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A detection with its evidence and pictures.

    The pictures are RGB uint8 crops of the same box at onset, apex and offset, or None where
    the frame could not be read; ``clip`` is the same box from just before the onset to just
    after the offset, for a loop, ``clip_rate`` frames a second of real time; empty without.
    ``explained_by`` names the event that most of the movement is, or None.
    """

    id: str  # "d1", "d2", ... in order of time; "c1", ... for candidates
    detection: Detection
    evidence: Evidence
    explained_by: EventKind | None = None
    checks: tuple[Check, ...] = ()
    clip: tuple[NDArray[np.uint8], ...] = ()
    clip_rate: float = 0.0
    onset_picture: NDArray[np.uint8] | None = None
    apex_picture: NDArray[np.uint8] | None = None
    offset_picture: NDArray[np.uint8] | None = None


@dataclass(frozen=True, kw_only=True)
class Gap:
    """A stretch that could not be judged: finding nothing there says nothing."""

    interval: Interval  # native frames
    start_s: float
    end_s: float
    reason: str


@dataclass(frozen=True, kw_only=True)
class Traces:
    """What the model saw over time; n analyzed frames, R regions."""

    frames: NDArray[np.int64]  # (n,) native frame numbers
    times: NDArray[np.float64]  # (n,) seconds
    spotting: NDArray[np.float64]  # (n,) score 0 to 1; nan where there is no face
    emotion: NDArray[np.float64]  # (n, 5) probabilities, labels.SPOTTING_CLASSES; nan likewise
    motion: NDArray[np.float64]  # (n, R) length of every region's motion, crop pixels
    valid: NDArray[np.bool_]  # (n,)
    regions: tuple[str, ...]
    movement: NDArray[np.float64] | None = None  # (n,) training-free score; nan likewise
    openness: NDArray[np.float64] | None = None  # (n,) eye opening, 1 = usual; nan likewise


class Writer(Protocol):
    """Writes an analysis in the format of the suffix; :func:`mescope.reports.write` is one."""

    def __call__(self, analysis: Analysis, path: Path, *, force: bool) -> Path:
        """Return the path that was written."""


@dataclass(kw_only=True)
class Analysis:
    """The result for one recording.  Detections are proposals, never annotations.

    ``findings`` are what is shown: expressions whose score reaches ``floor``.  ``candidates``
    are all others down to a low floor, and movements that an event explains.  ``noise_px`` is
    the motion (px of the 320-px face crop) that this recording shows where nothing moves:
        less is not given as evidence.
    ``writer`` writes it for :meth:`save`; an ``Analyzer`` sets it.
    """

    video: dict[str, Any]  # name, width, height, rate, frames, duration_s, fingerprint
    findings: tuple[Finding, ...]
    traces: Traces
    gaps: tuple[Gap, ...] = ()
    candidates: tuple[Finding, ...] = ()
    events: tuple[FaceEvent, ...] = ()  # in order of time
    floor: float = 0.0
    noise_px: float | None = None
    decode: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    writer: Writer | None = field(default=None, repr=False, compare=False)

    @property
    def detections(self) -> tuple[Detection, ...]:
        """Return the detections in order of time."""
        return tuple(finding.detection for finding in self.findings)

    def save(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the analysis; the suffix chooses the format.

        ``.json``, ``.csv`` and ``.html`` for people; ``.eaf``, ``.boris``, ``.vtt`` and
        ``.activitynet.json`` for the programs of coders.

        Args:
            path: its suffix chooses the format.
            force: replace a file that exists.

        Raises:
            OutputError: the suffix is unknown, the file exists and ``force`` is False, the
                folder cannot be written, or the analysis was put together by hand.
        """
        if self.writer is None:
            raise OutputError(
                "this analysis was put together by hand and knows no writer; "
                "use mescope.reports.write(analysis, path)"
            )
        return self.writer(self, Path(path), force=force)


@dataclass(frozen=True)
class Recognition:
    """What one model says about an expression."""

    model: str  # the name the weights were asked for by
    emotion: str
    shares: dict[str, float]  # of every class, together 1
    simulated: bool  # the weights saw simulated faces only
    scores: dict[str, float]  # of the card: what the weights are worth


@dataclass(frozen=True)
class Recognitions:
    """One expression and what every model says about it.

    ``onset`` and ``apex`` are frames of the recording from 0; ``pictures`` the aligned onset
    and apex (2, 224, 224) uint8; ``flow`` (3, 224, 224): u, v in px of them, and strain.
    """

    source: str
    onset: int
    apex: int
    onset_s: float
    apex_s: float
    found: tuple[Recognition, ...]
    warnings: tuple[str, ...]
    pictures: NDArray[np.uint8]
    flow: NDArray[np.float32]

    def to_dict(self) -> dict[str, object]:
        """Return everything but pictures and flow, for JSON."""
        return {
            "source": self.source,
            "onset": self.onset,
            "apex": self.apex,
            "onset_s": self.onset_s,
            "apex_s": self.apex_s,
            "models": [vars(one) for one in self.found],
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True)
class MagnifiedMotion:
    """Motion from ``onset`` to ``apex``, frames from 0, and the same magnified.

    ``flow`` and ``magnified`` (2, s, s) are u (right) and v (down) in px of the aligned faces
    ``pictures`` (2, 224, 224) uint8; s is 224, or the side a network works at.
    """

    source: str
    onset: int
    apex: int
    factor: float
    by: str  # "plain scaling", or the weights
    pictures: NDArray[np.uint8]
    flow: NDArray[np.float32]
    magnified: NDArray[np.float32]
    warnings: tuple[str, ...]
