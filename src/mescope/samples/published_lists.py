"""What the authors of ME-TST+ published as features, and reading it: lists of windows.

Source: zizheng-guo/ME-TST and zizheng-guo/BoostingVRME, beside their code.  A file is a pickled
list of recordings, each a list of windows, each a (36, k) array (ME-TST: (10, k)) of float64;
CAS(ME)^3 comes in five parts.  Nothing is unpickled: :mod:`mescope.io.array_pickle`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mescope.datasets import casme3, samm_long
from mescope.errors import DatasetError
from mescope.io.array_pickle import read_nested_arrays
from mescope.io.progress import Progress
from mescope.motion.windows import Timing
from mescope.samples.spotting_kinds import REGION_SETS

Windows = NDArray[np.float32]  # (W, 2R, k) of one recording


@dataclass(frozen=True, kw_only=True)
class Published:
    """What the published features of one data set are.

    Attributes:
        title: of the data set.
        timing: of their windows.
        recordings: how many the authors have.
        folderless: how many more the sheets name: those without a folder of pictures.
        trimmed: expressions may go on after the end of a video.
    """

    title: str
    timing: Timing
    recordings: int
    folderless: int = 0
    trimmed: bool = False

    def covered(self, windows: int) -> int:
        """Return how many native frames windows show."""
        return (windows + 1) * self.timing.hop * self.timing.step

    def most(self, windows: int) -> int:
        """Return how many native frames a video of so many windows can have."""
        return ((windows + 2) * self.timing.hop - 1) * self.timing.step


PUBLISHED: dict[str, Published] = {
    casme3.NAME_A: Published(
        title=casme3.TITLE_A, timing=Timing(50, 25, 1, 30.0), recordings=462, folderless=1
    ),
    samm_long.NAME: Published(
        title=samm_long.TITLE, timing=Timing(30, 15, 7, 200 / 7), recordings=79, trimmed=True
    ),
}
"""Data set -> its published features."""


def published_of(dataset: str) -> tuple[str, Published]:
    """Return a data set's name as it is registered, and what its published features are.

    Raises:
        DatasetError: there are none.
    """
    name = dataset.strip().lower().replace("_", "-")
    if name not in PUBLISHED:
        raise DatasetError(
            f"features were published for {' and '.join(PUBLISHED)}, found {dataset!r}"
        )
    return name, PUBLISHED[name]


def read_lists(
    files: Sequence[Path], about: Published, progress: Progress | None = None
) -> list[Windows]:
    """Return the windows of every recording, float32 (W, 2R, k), of all parts in order.

    Raises:
        DatasetError: a file is no such list, or windows are not those of this data set.
    """
    if not files:
        raise DatasetError("expected at least one file of features, found none")
    sizes = [path.stat().st_size if path.is_file() else 0 for path in files]
    found: list[Windows] = []
    for number, path in enumerate(files):
        before = sum(sizes[:number])

        def tell(done: int, _: int, before: int = before) -> None:
            if progress:
                progress(before + done, sum(sizes))

        lists = read_nested_arrays(path, tell)
        if not lists:
            raise DatasetError(f"{path}: expected recordings, found an empty list")
        for place, windows in enumerate(lists, 1):
            where = f"{path}, recording {place} of {len(lists)}"
            found.append(_stacked(windows, where, about, found))
            windows.clear()  # their bytes are many
    return found


def _stacked(
    windows: list[NDArray[Any]], where: str, about: Published, before: Sequence[Windows]
) -> Windows:
    """Return the windows of a recording, checked."""
    if not windows:
        raise DatasetError(f"{where}: expected windows, found none; fetch the file again")
    first = windows[0].shape
    for number, one in enumerate(windows, 1):
        at = f"{where}, window {number} of {len(windows)}"
        _check_shape(one, at, about)
        if one.shape != first:
            raise DatasetError(
                f"{at}: expected {first} as the windows before it, found {one.shape}; the "
                "file mixes features of several kinds"
            )
    if before and before[0].shape[1] != first[0]:
        raise DatasetError(
            f"{where}: expected {before[0].shape[1]} channels as in the recordings before it, "
            f"found {first[0]}; give the parts of one kind of features"
        )
    with np.errstate(over="ignore"):
        stacked = np.stack(windows).astype(np.float32)
    good = np.isfinite(stacked).all(axis=(1, 2))
    if not good.all():
        raise DatasetError(
            f"{where}, window {int(np.argmin(good)) + 1}: expected finite numbers, found NaN "
            "or infinity; fetch the file again"
        )
    return stacked


def _check_shape(one: NDArray[Any], at: str, about: Published) -> None:
    """Refuse a window that is not (36, k) or (10, k) of this data set."""
    channels = sorted((2 * len(s) for s in REGION_SETS.values()), reverse=True)
    k = about.timing.window
    if one.ndim != 2 or one.dtype.kind != "f":
        raise DatasetError(
            f"{at}: expected an array (channels, frames) of float64, found "
            f"{one.dtype.name} {one.shape}"
        )
    if one.shape[0] not in channels:
        turned = "; it seems to be turned round" if one.shape[1] in channels else ""
        raise DatasetError(
            f"{at}: expected {' or '.join(map(str, channels))} channels, found "
            f"{one.shape[0]} in {one.shape}{turned}"
        )
    if one.shape[1] % 2:
        raise DatasetError(
            f"{at}: expected an even number of frames, {k} for {about.title}, found "
            f"{one.shape[1]}: windows overlap by half"
        )
    if one.shape[1] != k:
        others = [n for n, p in PUBLISHED.items() if p.timing.window == one.shape[1]]
        hint = f"; are they those of {others[0]}?" if others else ""
        raise DatasetError(
            f"{at}: expected {k} frames for {about.title}, found {one.shape[1]}{hint}"
        )
