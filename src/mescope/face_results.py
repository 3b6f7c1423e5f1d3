"""The result for a recording of several faces: an Analysis of each, under one roof.

One face is an :class:`~mescope.results.Analysis` as ever; :class:`FacesAnalysis` holds one for
every face, with its name, where it was followed, and what has to be asked of a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from mescope.errors import MescopeError, OutputError
from mescope.results import EVENT_COLUMNS, INTERVAL_COLUMNS, Analysis, Rows, What

if TYPE_CHECKING:
    from pandas import DataFrame

FACE_COLUMN = "face_id"
"""The column that tables of several faces have behind all others: the name of the face."""


@dataclass(frozen=True, kw_only=True)
class FaceStretch:
    """Where a face was followed without a break, frames from 0, both ends included.

    ``box`` is left, top, right, bottom of its crop in frame ``first``, px.
    """

    id: str
    first: int
    last: int
    start_s: float
    end_s: float
    box: tuple[int, int, int, int]


@dataclass(frozen=True, kw_only=True)
class FaceQuestion:
    """Two stretches that may be one person's face; a person has to say.

    ``shape`` is by how much the shapes of brows, eyes and nose differ, in units of their
    spread (within a person mostly below 0.05, between two mostly above 0.06); ``moved`` the
    distance in widths of the face.
    """

    earlier: str
    later: str
    faces: tuple[str, str]  # names
    frame: int  # from which on the later one is seen
    seconds: float
    shape: float
    moved: float


@dataclass(frozen=True, kw_only=True)
class AnalyzedFace:
    """One face: its name, where it was followed, what happened on it.

    ``picture`` is (at most 256, 256, 3) RGB uint8, the face when it was first seen for long;
    None where no pictures were asked for.
    """

    name: str
    stretches: tuple[FaceStretch, ...]
    analysis: Analysis
    picture: NDArray[np.uint8] | None = None


class FacesWriter(Protocol):
    """Writes the analyses of all faces in the format of the suffix."""

    def __call__(self, analysis: FacesAnalysis, path: Path, *, force: bool) -> Path:
        """Return the path that was written."""


@dataclass(kw_only=True)
class FacesAnalysis:
    """The result for a recording of several faces, in order of their first appearance.

    Findings have ids of their own across all faces, such as ``f2d1``.  ``warnings`` are about
    the recording; those about one face stand in its analysis.
    """

    video: dict[str, Any]
    faces: tuple[AnalyzedFace, ...]
    questions: tuple[FaceQuestion, ...] = ()
    warnings: tuple[str, ...] = ()
    writer: FacesWriter | None = field(default=None, repr=False, compare=False)

    def __iter__(self) -> Iterator[AnalyzedFace]:
        """Yield the faces."""
        return iter(self.faces)

    def __len__(self) -> int:
        """Return how many faces there are."""
        return len(self.faces)

    def face(self, name: str) -> AnalyzedFace:
        """Return a face by its name.

        Raises:
            MescopeError: there is none of this name.
        """
        found = next((one for one in self.faces if one.name == name), None)
        if found is None:
            names = ", ".join(one.name for one in self.faces)
            raise MescopeError(f"expected one of the faces {names}, found {name!r}")
        return found

    @property
    def provenance(self) -> Mapping[str, Any]:
        """How all of them came to be: the same for every face."""
        return self.faces[0].analysis.provenance if self.faces else {}

    @property
    def all_warnings(self) -> tuple[str, ...]:
        """Warnings about the recording, and those about a face behind its name."""
        own = [
            f"{one.name}: {text}"
            for one in self.faces
            for text in one.analysis.warnings
            if text not in self.warnings
        ]
        return (*self.warnings, *own)

    def save(self, path: str | Path, *, force: bool = False) -> Path:
        """Write all faces into one file; the suffix chooses the format.

        Args:
            path: as in :meth:`mescope.results.Analysis.save`.
            force: replace a file that exists.

        Raises:
            OutputError: as there.
        """
        if self.writer is None:
            raise OutputError(
                "this analysis was put together by hand and knows no writer; "
                "use mescope.reports.write(analysis, path)"
            )
        return self.writer(self, Path(path), force=force)

    def to_pandas(self, what: What = "detections") -> DataFrame:
        """Return a table as :meth:`mescope.results.Analysis.to_pandas`, of all faces.

        Its last column, :data:`FACE_COLUMN`, is the name of the face.

        Raises:
            MescopeError: there is no such table.
        """
        import pandas as pd

        if what not in get_args(What):
            raise MescopeError(f"expected {', '.join(get_args(What))}, found {what!r}")
        tables = [
            one.analysis.to_pandas(what).assign(**{FACE_COLUMN: one.name}) for one in self.faces
        ]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()

    def interval_rows(self) -> Rows:
        """Return a row for each detection of each face, in order of time."""
        rows = self._rows(lambda one: one.interval_rows())
        return sorted(rows, key=lambda row: (row["onset"], row["offset"]))

    def event_rows(self) -> Rows:
        """Return the events of each face and what could not be judged, in order of time."""
        rows = self._rows(lambda one: one.event_rows())
        return sorted(rows, key=lambda row: (row["onset"], row["offset"]))

    def _rows(self, rows: Callable[[Analysis], Rows]) -> Rows:
        return [
            row | {FACE_COLUMN: one.name} for one in self.faces for row in rows(one.analysis)
        ]


INTERVALS = (*INTERVAL_COLUMNS, FACE_COLUMN)
"""Columns of a table of detections of several faces."""

EVENTS = (*EVENT_COLUMNS, FACE_COLUMN)
"""Columns of a table of events of several faces."""
