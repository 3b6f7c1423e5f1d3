"""Landmarks that another program found: result tables of OpenFace, py-feat and MediaPipe.

The landmark model that comes with mescope was trained on data whose licence excludes commercial
use.  Whoever may not use it measures the landmarks elsewhere and brings them along; no detector
is loaded then, and the picture is not searched.

| program | told by | frames | points |
|---|---|---|---|
| OpenFace (FeatureExtraction, FaceLandmarkVidMulti) | ``success`` | from 1 | 68, px |
| py-feat (``Fex.to_csv``) | ``FaceScore`` or ``FaceRectX`` | from 0 | 68 or 478, px |
| MediaPipe (a table of your own) | a column ``frame`` | from 0 | 468 or 478, 0 to 1 or px |

Columns ``x_0`` … and ``y_0`` …; ``x0``, ``lm_0_x`` and ``landmark_0_x`` will do.  Several rows
of a frame are several faces.  A table of 68 points with a column ``frame`` and nothing of
OpenFace or py-feat is read likewise, its frames counted from 0.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mescope.errors import FaceError
from mescope.face.box import Box
from mescope.face.detector import Face, FaceFinder, FaceTracker, Grey
from mescope.face.landmark_track import BOX_DOWN, BOX_WIDTH, SPREADS, spread
from mescope.face.mesh_points import MESH_SIZES, from_mesh

if TYPE_CHECKING:
    from pandas import DataFrame

Floats = npt.NDArray[np.float32]

NEAR = 0.5  # widths from a face to where it is in the frames around
LEAST_SURE = 0.5
"""Confidence (OpenFace) or score (py-feat) below which a row counts as no face."""

_POINT = re.compile(r"(?:lm_|landmark_|point_)?(?:([xy])_?(\d+)|(\d+)_([xy]))", re.IGNORECASE)
_SURE = ("confidence", "facescore")
_FRAME = ("frame", "frame_number", "frame_index")
_UNIT = 2.0  # a largest coordinate up to here means shares of the picture, not px


@dataclass(frozen=True)
class LandmarkTable:
    """Landmarks of the faces in the frames of one recording.

    Attributes:
        source: the program, for provenance.
        frames: native frame, from 0, to the faces seen there, each (68, 2) x, y.
        shares: coordinates are shares of width and height, not px.
        digest: SHA-256 of the file.
        name: of the file.
    """

    source: str
    frames: Mapping[int, tuple[Floats, ...]]
    shares: bool
    digest: str
    name: str

    def in_px(
        self, width: int, height: int, stored: tuple[int, int] | None = None
    ) -> LandmarkTable:
        """Return the table in px of pictures of this size.

        Args:
            width: px.
            height: px.
            stored: width and height of the pictures before their pixels were made square: what
                other programs see, and count px in.  None: the same.

        Raises:
            FaceError: hardly any point lies in the picture: it is of another recording.
        """
        size = np.array([width, height], np.float32)
        scale = size if self.shares else size / np.array(stored or size, np.float32)
        frames = {
            f: tuple(np.asarray(one * scale, np.float32) for one in faces)
            for f, faces in self.frames.items()
        }
        everything = np.concatenate([one for faces in frames.values() for one in faces])
        inside = (everything >= 0).all(1) & (everything < (width, height)).all(1)
        if inside.mean() < 0.5:
            raise FaceError(
                f"{self.name}: expected landmarks within {width}x{height} px, found "
                f"{1 - inside.mean():.0%} of them outside; give the table of this recording"
            )
        return LandmarkTable(self.source, frames, False, self.digest, self.name)

    def told(self, count: int) -> list[str]:
        """Return what speaks against its being the table of a recording of ``count`` frames."""
        last = max(self.frames)
        if last < count:
            return []
        return [
            f"{self.name} has landmarks up to frame {last}, the recording ends with frame "
            f"{count - 1} (counted from 0): the table may be of another file, or its frames "
            "may be shifted"
        ]


def read_landmarks(path: str | Path) -> LandmarkTable:
    """Read the landmarks of a recording from another program's result table.

    Raises:
        FaceError: the file cannot be read, is no such table, or holds no face.
    """
    path = Path(path)
    table = _table(path)
    columns = _by_lower_case(table.columns)
    source, first = _source(columns)
    numbers = table[_one_of(columns, _FRAME, path)].to_numpy(np.float64)
    points = _points(table, columns, path)
    good = np.isfinite(points).all((1, 2)) & np.isfinite(numbers) & _seen(table, columns)
    frames: dict[int, list[Floats]] = {}
    for number, marks in zip(numbers[good].astype(np.int64) - first, points[good], strict=True):
        if number < 0:
            raise FaceError(
                f"{path.name}: expected frames from {first} ({source}), found {number + first}"
            )
        frames.setdefault(int(number), []).append(marks)
    if not frames:
        raise FaceError(f"{path.name}: no row shows a face with all its points")
    shares = float(np.abs(points[good]).max()) <= _UNIT
    kept = {frame: tuple(map(_as_68, faces)) for frame, faces in frames.items()}
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return LandmarkTable(source, kept, shares, digest, path.name)


def _by_lower_case(names: Iterable[Any]) -> dict[str, Any]:
    """Return the columns by their names in small letters.

    Those that are written so come before others: OpenFace writes px as ``x_0``, mm as ``X_0``.
    """
    found: dict[str, Any] = {}
    for name in names:
        plain = str(name).strip()
        if plain == plain.lower() or plain.lower() not in found:
            found[plain.lower()] = name
    return found


def _table(path: Path) -> DataFrame:
    import pandas as pd

    def wanted(name: Any) -> bool:
        plain = str(name).strip().lower()
        kept = plain in (*_FRAME, *_SURE, "success", "facerectx")
        return kept or _POINT.fullmatch(plain) is not None

    try:
        table = pd.read_csv(path, skipinitialspace=True, usecols=wanted, encoding="utf-8-sig")
        numbers: DataFrame = table.apply(pd.to_numeric, errors="coerce")
        return numbers
    except (OSError, ValueError) as error:  # ValueError: pandas' own errors, wrong text
        raise FaceError(
            f"{path.name}: expected a table of landmarks (CSV), it cannot be read: {error}"
        ) from error


def _source(columns: Mapping[str, Any]) -> tuple[str, int]:
    """Return the program that wrote a table, and the number of its first frame."""
    if "success" in columns:
        return "OpenFace", 1
    if "facescore" in columns or "facerectx" in columns:
        return "py-feat", 0
    return "a table of landmarks", 0


def _one_of(columns: Mapping[str, Any], names: tuple[str, ...], path: Path) -> Any:
    for name in names:
        if name in columns:
            return columns[name]
    raise FaceError(
        f"{path.name}: expected a column {names[0]}, found "
        f"{', '.join(list(columns)[:6]) or 'no column of landmarks'}; give the result table "
        "of OpenFace, py-feat or MediaPipe"
    )


def _points(table: DataFrame, columns: Mapping[str, Any], path: Path) -> Floats:
    """Return (rows, points, 2) x, y."""
    found: dict[tuple[str, int], Any] = {}
    for plain, name in columns.items():
        if match := _POINT.fullmatch(plain):
            axis, number = match[1] or match[4], match[2] or match[3]
            found[axis, int(number)] = name
    count = 1 + max((number for _, number in found), default=-1)
    wanted = [(axis, i) for i in range(count) for axis in "xy"]
    known = (68, *MESH_SIZES)
    if count not in known or any(key not in found for key in wanted):
        raise FaceError(
            f"{path.name}: expected the columns x_0 and y_0 to x_67 and y_67, or of "
            f"{' or '.join(map(str, MESH_SIZES))} points, found {len(found)} of them"
        )
    values = table[[found[key] for key in wanted]].to_numpy(np.float32)
    return values.reshape(len(values), count, 2)


def _seen(table: DataFrame, columns: Mapping[str, Any]) -> npt.NDArray[np.bool_]:
    seen = np.ones(len(table), bool)
    if "success" in columns:
        seen &= table[columns["success"]].to_numpy(np.float64) > 0
    for name in _SURE:
        if name in columns:
            sure = table[columns[name]].to_numpy(np.float64)
            seen &= ~(sure < LEAST_SURE)  # not known is no reason
    return seen


def _as_68(points: Floats) -> Floats:
    return points if len(points) == 68 else from_mesh(points)


@dataclass
class TableTracker(FaceTracker):
    """Follows one face through a table in place of pictures."""

    finder: FaceFinder | None = None
    table: LandmarkTable = field(kw_only=True)

    def see(
        self, index: int, grey: Grey, *, whole: bool = False, thorough: bool = True
    ) -> Face | None:
        """Return the face of a frame: at first sight the one asked for, then the nearest."""
        faces = [_face(marks) for marks in self.table.frames.get(index, ())]
        back = self._nearest(faces, self.home) if self.home and faces else None
        if back is not None and self._is_back(index, back):
            return back
        found = self._choose(index, faces, grey)
        if found is not None:
            self._found(found, faces)
        return found

    def known(self, index: int, near: Floats) -> Floats | None:
        """Return the landmarks of the face of a frame that lies at ``near``, or None.

        Where the program missed that face, the one it saw beside it is somebody else's.
        """
        place, size = spread(near)
        found = [(*spread(one), one) for one in self.table.frames.get(index, ())]
        here = [
            (math.dist(where, place), number)
            for number, (where, own, _) in enumerate(found)
            if math.dist(where, place) <= NEAR * BOX_WIDTH * size
            and SPREADS[0] < own / max(size, 1e-6) < SPREADS[1]
        ]
        return found[min(here)[1]][2] if here else None

    def _looked_at(self, grey: Grey, best: Face) -> Face:
        return best


def _face(marks: Floats) -> Face:
    """Return a face with the box that dlib would give it."""
    (x, y), size = spread(marks)
    half = BOX_WIDTH * size / 2
    middle = y + BOX_DOWN * size
    edges = (x - half, middle - half, x + half, middle + half)
    return Face(Box(*(round(v) for v in edges)), np.asarray(marks, np.float32), 1.0)
