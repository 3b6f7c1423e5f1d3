"""The result of an analysis: what was found, the evidence for it, and how it was found.

``Analysis`` holds everything a reader needs to judge a detection: traces, gaps, the decode
report, the parameters, the warnings.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mescope.events import Detection, EventKind, FaceEvent, Interval

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
    """One way to tell that a detection is wrong, and what was measured of it.

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
    """A stretch of the recording that could not be judged; silence there is no absence."""

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


@dataclass(kw_only=True)
class Analysis:
    """The result for one recording.  Detections are proposals, never annotations.

    ``findings`` are what is shown: expressions whose score reaches ``floor``.  ``candidates``
    are all others down to a low floor, and movements that an event explains.  ``noise_px`` is
    the motion (px of the 320-px face crop) that this recording shows where nothing moves:
    less is not told as evidence.
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

    @property
    def detections(self) -> tuple[Detection, ...]:
        """Return the detections in order of time."""
        return tuple(finding.detection for finding in self.findings)

    def save(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the analysis; the suffix chooses the format.

        ``.json``, ``.csv`` and ``.html`` for people; ``.eaf``, ``.boris``, ``.vtt`` and
        ``.activitynet.json`` for the programs of coders.

        Raises:
            OutputError: the suffix is unknown, the file exists and ``force`` is False, or the
                folder cannot be written.
        """
        from mescope import reports  # a later layer: loaded only when somebody writes

        return reports.write(self, Path(path), force=force)
