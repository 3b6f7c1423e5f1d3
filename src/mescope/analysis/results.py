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

from mescope.events import Detection, Interval

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


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A detection with its evidence and pictures.

    The pictures are RGB uint8 crops of the same box at onset, apex and offset, or None where
    the frame could not be read.
    """

    id: str  # "d1", "d2", ... in order of time
    detection: Detection
    evidence: Evidence
    onset_picture: NDArray[np.uint8] | None = None
    apex_picture: NDArray[np.uint8] | None = None
    offset_picture: NDArray[np.uint8] | None = None


@dataclass(frozen=True, kw_only=True)
class Gap:
    """A stretch of the recording that could not be analyzed."""

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


@dataclass(kw_only=True)
class Analysis:
    """The result for one recording.  Detections are proposals, never annotations."""

    video: dict[str, Any]  # name, width, height, rate, frames, duration_s, fingerprint
    findings: tuple[Finding, ...]
    traces: Traces
    gaps: tuple[Gap, ...] = ()
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
