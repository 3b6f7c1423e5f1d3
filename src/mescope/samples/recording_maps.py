"""Flow maps of annotated recordings: measured once, kept by listing, read row by row.

Beside the windows of :mod:`mescope.samples.recording_windows`, which say how frames and crops
lie.  A frame is 10.6 kB, so an hour at 30 frames a second 1.1 GB: what is kept is a plain .npy
file, of which training and tests read the rows they need.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from mescope.errors import DatasetError, OutputError, TooShortError
from mescope.io.arrays import map_array
from mescope.io.cache import Store
from mescope.io.json_text import json_value
from mescope.motion.frame_maps import SIZE, VERSION, frame_maps
from mescope.motion.roi_flow import RoiFlow
from mescope.samples.frame_kinds import AnnotatedFrames

if TYPE_CHECKING:
    from mescope.motion.frame_maps import Method, Style
    from mescope.video.source import Video

Maps = NDArray[np.float16]

_AT_ONCE = 1024  # rows that are read to check a file


@dataclass(frozen=True)
class PairMaps:
    """Maps of the m pairs i, i + k of a recording, in decimated frames.

    Attributes:
        style: of which network; ``flow``: how the flow was measured.
        k: frames from the first to the second of a pair.
        valid: (m,) bool; False where a frame shows no face, or another scene begins.
        digest: SHA-256 of the values.
        kept: (m, 3, 42, 42) float16, 0 to 1, or the .npy file of them.
    """

    style: str
    flow: str
    k: int
    valid: NDArray[np.bool_]
    digest: str
    kept: Maps | Path

    def rows(self, which: NDArray[np.int64]) -> Maps:
        """Return the maps of some pairs; from a file no others are read.

        Raises:
            DatasetError: the file is gone.
        """
        if not isinstance(self.kept, Path):
            return self.kept[which]
        try:
            every = map_array(self.kept)
        except (OSError, ValueError) as error:
            raise DatasetError(
                f"expected flow maps in {self.kept}, found none that can be read ({error}); "
                "run the command again: it measures them anew"
            ) from None
        return np.asarray(every[which])


def pair_maps(
    wanted: AnnotatedFrames,
    store: Store | None,
    flow: RoiFlow,
    opened: Callable[[], Video],
    measured: Callable[[], RoiFlow],
) -> PairMaps:
    """Return the maps of a recording, or read what was kept of them.

    Args:
        wanted: which maps.
        store: what the windows of the recording are kept under; None keeps nothing.
        flow: of the recording; its crops and landmarks may be nan.
        opened: gives the recording.
        measured: gives its region flow with crops and landmarks; asked for only if they are
            not kept.

    Raises:
        TooShortError: the recording has no pair.
        MescopeError: it cannot be read.
        OutputError: the cache cannot be written.
    """
    k = wanted.distance(flow.timing.rate)
    count = (len(flow.windows) + 1) * flow.timing.hop - flow.padded - k
    if count < 1:
        raise TooShortError(
            f"expected more than {k} frames, the distance of a pair ([data] half_s), found "
            f"{count + k}"
        )
    if store is None:
        return _measured(wanted, k, opened(), measured(), None, count)
    plan = [flow.timing.window, flow.timing.step, flow.timing.rate]
    how = {"windows": store.key, "timing": plan}
    faces = Store(store.folder, how | {"faces": 1})
    made = {"maps": VERSION, "style": wanted.style, "flow": wanted.flow, "k": k}
    maps = Store(store.folder, how | made)
    kept = _read(maps, wanted, k, count)
    if kept is not None:
        return kept
    seen = _with_faces(flow, faces.load("faces"))
    if seen is None:
        seen = measured()
        faces.save("faces", {"boxes": seen.boxes, "landmarks": seen.landmarks})
    found = _measured(wanted, k, opened(), seen, _file(maps), count)
    about = np.frombuffer(json.dumps({"digest": found.digest}).encode(), np.uint8)
    maps.save("maps", {"valid": found.valid, "about": about})
    return found


def _file(store: Store) -> Path:
    return store.path("maps").with_suffix(".npy").absolute()


def _read(store: Store, wanted: AnnotatedFrames, k: int, count: int) -> PairMaps | None:
    """Return what was kept, or None if there is nothing whole."""
    arrays = store.load("maps")
    if arrays is None or len(arrays["valid"]) != count:
        return None
    digest = str(json_value(arrays["about"].tobytes())["digest"])
    try:
        every = map_array(_file(store))
    except (OSError, ValueError):
        return None
    if every.shape != (count, 3, SIZE, SIZE) or _digest(every) != digest:
        return None
    return PairMaps(wanted.style, wanted.flow, k, arrays["valid"], digest, _file(store))


def _with_faces(flow: RoiFlow, faces: dict[str, NDArray[Any]] | None) -> RoiFlow | None:
    if faces is None or len(faces["boxes"]) != len(flow.windows):
        return None
    return replace(flow, boxes=faces["boxes"], landmarks=faces["landmarks"])


def _measured(
    wanted: AnnotatedFrames, k: int, video: Video, flow: RoiFlow, path: Path | None, count: int
) -> PairMaps:
    """Measure the maps of a recording, into a file if there is a place for one."""
    valid, digest = np.zeros(count, bool), hashlib.sha256()
    kept: list[Maps] = []
    with _written(path, (count, 3, SIZE, SIZE)) if path else nullcontext(None) as file:
        for part in frame_maps(
            video, flow, k, style=cast("Style", wanted.style),
            method=cast("Method", wanted.flow), jobs=1,
        ):  # fmt: skip
            valid[part.first : part.first + len(part.valid)] = part.valid
            values = part.values.astype(np.float16)
            digest.update(values.tobytes())
            if file is None:
                kept.append(values)
            else:
                file.write(values.tobytes())
    return PairMaps(
        wanted.style, wanted.flow, k, valid, digest.hexdigest(), path or np.concatenate(kept)
    )


@contextmanager
def _written(path: Path, shape: tuple[int, ...]) -> Iterator[BinaryIO]:
    """Give a .npy file of float16 that lacks its values; whole, it takes its name."""
    draft = path.with_name(f".{path.name[:40]}.{uuid.uuid4().hex[:8]}.part")
    about = {"descr": "<f2", "fortran_order": False, "shape": shape}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("xb") as file:
            np.lib.format.write_array_header_1_0(file, about)
            yield file
        draft.replace(path)
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}; choose a cache with room"
        ) from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _digest(values: NDArray[Any]) -> str:
    digest = hashlib.sha256()
    for first in range(0, len(values), _AT_ONCE):
        digest.update(np.ascontiguousarray(values[first : first + _AT_ONCE]).tobytes())
    return digest.hexdigest()
