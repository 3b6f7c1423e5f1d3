"""What a project keeps, one record each: recordings, their facts, analyses, jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mescope.video.picture_lists import SUFFIX


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFacts:
    """What the first look at a file shows; ``warnings`` are for whoever judges it.

    ``start_offset`` is when players show the first frame, None in projects of earlier versions;
    ``mpv_zero`` is where mpv begins to count.
    """

    seconds: float
    rate: float  # frames per second
    frames: int
    width: int
    height: int
    variable_rate: bool = False
    warnings: tuple[str, ...] = ()
    start_offset: float | None = None
    mpv_zero: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the facts as they are kept."""
        return {**asdict(self), "warnings": list(self.warnings)}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> VideoFacts:
        """Return the facts that :meth:`to_json` made into values."""
        known = {name: kept[name] for name in cls.__slots__ if name in kept}
        return cls(**known | {"warnings": tuple(kept.get("warnings", ()))})


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecording:
    """A video of the project: ``path`` is relative to the folder of the project.

    ``facts`` come from the first look at the file; None before it.  ``error`` says why it
    cannot be used.
    """

    id: str
    name: str
    path: str
    size: int
    mtime_ns: int
    sha256: str | None
    fingerprint: str | None
    added: str
    facts: VideoFacts | None
    error: str | None

    @property
    def video(self) -> str:
        """The name of its file, or of its folder of pictures."""
        return Path(self.path).name.removesuffix(SUFFIX)

    @property
    def version(self) -> str:
        """Another one for every content of the file; part of the addresses of pictures."""
        return f"{self.size:x}-{self.mtime_ns:x}"

    @property
    def rate(self) -> float:
        """Frames per second; 0 before the first look."""
        return 0.0 if self.facts is None else self.facts.rate

    @property
    def start_offset(self) -> float | None:
        """When players show the first frame, in seconds; None where that is not known."""
        return None if self.facts is None else self.facts.start_offset

    @property
    def mpv_zero(self) -> float:
        """Where mpv, and BORIS with it, begins to count, in seconds of other players."""
        return 0.0 if self.facts is None else self.facts.mpv_zero

    @property
    def frames(self) -> int:
        """How many frames it has; 0 before the first look."""
        return 0 if self.facts is None else self.facts.frames


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisJob:
    """One analysis that was asked for; ``state`` is queued, running, done, failed, cancelled.

    ``attempts`` counts how often a worker began it.
    """

    number: int
    recording: str
    state: str
    attempts: int
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAnalysis:
    """A finished analysis: its document without traces, and the file name of the traces."""

    number: int
    recording: str
    document: dict[str, Any]
    traces: str


def now() -> str:
    """Return the time as people read it; nothing is ever ordered by it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
