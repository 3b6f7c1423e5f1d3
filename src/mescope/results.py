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
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from mescope.annotations.face_events import STRENGTH_UNITS, UNITS
from mescope.errors import MescopeError, OutputError
from mescope.events import Detection, EventKind, FaceEvent, Interval
from mescope.labels import SPOTTING_CLASSES

if TYPE_CHECKING:
    from pandas import DataFrame

Rows = list[dict[str, Any]]
What = Literal["detections", "candidates", "events", "frames"]
"""What :meth:`Analysis.to_pandas` makes a table of."""

INTERVAL_COLUMNS = (
    "subject", "video", "onset", "offset", "emotion", "apex", "type", "au", "score",
    "onset_s", "apex_s", "offset_s", "status", "source", "id", "note",
)  # fmt: skip
"""Columns of a table of detections: frames from 0, both ends included; ``_s`` seconds.  The
first five are those of the public MEGC scorer."""

EVENT_COLUMNS = (
    "subject", "video", "kind", "facs", "onset", "offset", "onset_s", "offset_s",
    "duration_ms", "strength", "strength_unit", "note",
)  # fmt: skip
"""Columns of a table of events, frames and seconds likewise."""

UNJUDGED = "not_judged"
"""Kind of a row that is a stretch of the recording in which nothing could be judged."""

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

    def to_pandas(self, what: What = "detections") -> DataFrame:
        """Return a table for further work, with the columns of the CSV files.

        Args:
            what: ``detections`` (a row each, :data:`INTERVAL_COLUMNS`), ``candidates``
                (likewise), ``events`` (blinks and so on, and what could not be judged,
                :data:`EVENT_COLUMNS`), or ``frames`` (a row per analyzed frame: ``frame``,
                ``timestamp`` s, ``success``, ``me_score`` and the other traces).

        Raises:
            MescopeError: there is no such table.
        """
        import pandas as pd

        if what == "frames":
            return pd.DataFrame(self.frame_columns())
        if what == "events":
            return pd.DataFrame(self.event_rows(), columns=list(EVENT_COLUMNS))
        if what not in get_args(What):
            raise MescopeError(f"expected {', '.join(get_args(What))}, found {what!r}")
        some = self.findings if what == "detections" else self.candidates
        return pd.DataFrame(self.interval_rows(some), columns=list(INTERVAL_COLUMNS))

    def interval_rows(self, findings: tuple[Finding, ...] | None = None) -> Rows:
        """Return a row for each finding, detections by default; :data:`INTERVAL_COLUMNS`."""
        some = self.findings if findings is None else findings
        return [_interval_row(self, finding) for finding in some]

    def event_rows(self) -> Rows:
        """Return events and what could not be judged, in order; :data:`EVENT_COLUMNS`."""
        name = str(self.video.get("name", ""))
        rows = [(e.interval, _event_row(name, e)) for e in self.events]
        rows += [(gap.interval, _gap_row(name, gap)) for gap in self.gaps]
        return [row for _, row in sorted(rows, key=lambda pair: pair[0])]

    def frame_columns(self) -> dict[str, NDArray[Any]]:
        """Return the traces by column, each (n,), nan where there is no value.

        ``frame`` (native, from 0), ``timestamp`` (s), ``success`` (1: a face was there),
        ``me_score`` (0 to 1), ``movement`` (the training-free score, 0 to 1), ``eye_openness``
        (1 = usual), ``emotion_<class>`` (probabilities), ``roi_<region>_mag`` (length of the
        region's motion, px of the 320-px crop).
        """
        traces = self.traces
        nowhere = np.full(len(traces.frames), np.nan)
        named = {f"emotion_{n}": traces.emotion[:, i] for i, n in enumerate(SPOTTING_CLASSES)}
        moved = {f"roi_{n}_mag": traces.motion[:, i] for i, n in enumerate(traces.regions)}
        return {
            "frame": traces.frames,
            "timestamp": traces.times,
            "success": traces.valid.astype(np.int64),
            "me_score": traces.spotting,
            "movement": nowhere if traces.movement is None else traces.movement,
            "eye_openness": nowhere if traces.openness is None else traces.openness,
            **named,
            **moved,
        }


def _interval_row(analysis: Analysis, finding: Finding) -> dict[str, Any]:
    d = finding.detection
    return {
        "subject": "",
        "video": str(analysis.video.get("name", "")),
        "onset": d.interval.first,
        "offset": d.interval.last,
        "emotion": d.emotion or "",
        "apex": d.apex,
        "type": f"{d.kind}-expression",
        "au": "+".join(finding.evidence.action_units),
        "score": d.score,
        "onset_s": d.onset_s,
        "apex_s": d.apex_s,
        "offset_s": d.offset_s,
        "status": "proposed",
        "source": str(analysis.provenance.get("model", "")),
        "id": finding.id,
        "note": finding.evidence.sentence,
    }


def _event_row(video: str, event: FaceEvent) -> dict[str, Any]:
    return {
        "subject": "",
        "video": video,
        "kind": event.kind,
        "facs": UNITS.get(event.kind, ""),
        **_ends(event.interval, event.onset_s, event.offset_s),
        "strength": event.strength,
        "strength_unit": STRENGTH_UNITS[event.kind],
        "note": "",
    }


def _gap_row(video: str, gap: Gap) -> dict[str, Any]:
    ends = _ends(gap.interval, gap.start_s, gap.end_s)
    return {
        "subject": "", "video": video, "kind": UNJUDGED, "facs": "", **ends, "strength": None,
        "strength_unit": "", "note": gap.reason,
    }  # fmt: skip


def _ends(interval: Interval, onset_s: float, offset_s: float) -> dict[str, Any]:
    return {
        "onset": interval.first,
        "offset": interval.last,
        "onset_s": onset_s,
        "offset_s": offset_s,
        "duration_ms": (offset_s - onset_s) * 1000,
    }


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

    def to_pandas(self) -> DataFrame:
        """Return a row for each model: model, emotion, simulated, share of each class."""
        import pandas as pd

        return pd.DataFrame(
            {
                "model": one.model, "emotion": one.emotion, "simulated": one.simulated,
                **{f"share_{name}": share for name, share in one.shares.items()},
            }
            for one in self.found
        )  # fmt: skip

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
