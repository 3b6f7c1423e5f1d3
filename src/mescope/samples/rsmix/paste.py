"""Regional selective mixup (RSMix): the moving part of an expression on a neutral face.

The cells of a 14 x 14 grid that hold landmarks of the clip's action units, and their eight
neighbours, are pasted from every frame of an expression (the source) into a neutral frame of
the same video (the target).  Edges stay hard, nothing is blended, and the label stays the
source's.  Source: the RSMix paper; docs/augmentation.md says which readings are ours.

What cannot be mixed is not an error: the outcome then has no clip, and its account says why.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mescope.errors import DatasetError, FaceError
from mescope.face.nasal_crop import filled
from mescope.facs import Table, region_of

GRID = 14
"""Cells along each side of the crop."""

FEWEST = 2
"""Frames of the shortest source: one alone shows no motion."""

MaskRule = Literal["frame", "union"]
Pictures = NDArray[np.uint8]
Cells = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What was done to one source.

    Attributes:
        units: action units that decided the mask.
        unmapped: tokens without landmarks, which were left out.
        filled: frames of the source (from 0) whose landmarks were interpolated.
        outside: landmarks of the region beyond the crop, over all frames; the nearest border
            cell stands for each.
        cells: mean number of cells pasted in a frame.
        changing: cells pasted in some frames but not in all; they flicker.
        repeated: how often the target's last frame was repeated.
        skipped: why there is no clip; "" if there is one.
    """

    units: tuple[str, ...] = ()
    unmapped: tuple[str, ...] = ()
    filled: tuple[int, ...] = ()
    outside: int = 0
    cells: float = 0.0
    changing: int = 0
    repeated: int = 0
    skipped: str = ""


@dataclass(frozen=True, slots=True)
class Mixed:
    """A mixed clip: ``frames`` (k, S, S) or (k, S, S, 3) uint8, ``mask`` (k, S, S) bool."""

    frames: Pictures
    mask: Cells


class Outcome(NamedTuple):
    """A mixed clip, or None, and what was done or why not."""

    mixed: Mixed | None
    account: Account


class Regions(NamedTuple):
    """The cells (k, 14, 14) to be pasted, or None, and the account so far."""

    cells: Cells | None
    account: Account


def mix(
    source: Pictures,
    target: Pictures,
    landmarks: NDArray[np.floating] | None,
    units: str | Iterable[str],
    *,
    table: Table = "clean",
    mask: MaskRule = "frame",
) -> Outcome:
    """Paste the moving regions of one clip into another.

    Args:
        source: (k, S, S) grey or (k, S, S, 3) RGB, uint8: crops of the expression, onset to
            offset.
        target: (m, S, S) or (m, S, S, 3): neutral crops, cut in the same way; the first k are
            used, and the last one is repeated where m is less than k.
        landmarks: (k, 68, 2) x, y in px of the source's crops, nan where a frame has no face;
            None where the clip has none.
        units: action units of the source, such as ``"L12+6"``.
        table: ``"clean"``, or the table ``"as_published"``.
        mask: ``"frame"``: the cells of each frame, as published; ``"union"``: those of any
            frame, in all frames, so that none flickers.

    Returns:
        A new clip like ``source``, or none: no unit has landmarks, too many frames lack a
        face, the source has one frame only, or there is no target frame.

    Raises:
        DatasetError: the arrays do not belong together.
    """
    _check(source, target, landmarks)
    cells, account = find_regions(
        landmarks, units, source.shape[1], frames=len(source), table=table, mask=mask
    )
    if cells is not None and not len(target):
        cells, account = None, replace(account, skipped="there is no neutral frame")
    if cells is None:
        return Outcome(None, account)
    chosen = np.minimum(np.arange(len(source)), len(target) - 1)
    account = replace(account, repeated=max(0, len(source) - len(target)))
    frames = paste(source, target[chosen], cells)
    return Outcome(Mixed(frames, pixels(cells, source.shape[1])), account)


def find_regions(
    landmarks: NDArray[np.floating] | None,
    units: str | Iterable[str],
    size: int,
    *,
    frames: int,
    table: Table = "clean",
    mask: MaskRule = "frame",
) -> Regions:
    """Return the cells to be pasted in every frame of a source, see :func:`mix`.

    Args:
        landmarks: (frames, 68, 2) x, y in px of the crops, or None.
        units: action units of the source.
        size: side of the crops, px.
        frames: frames of the source.
        table: which table of action units.
        mask: per frame, or the union over the clip.
    """
    account = opening_account(units, frames, table)
    if account.skipped:
        return Regions(None, account)
    if landmarks is None:
        return Regions(None, replace(account, skipped="the source has no landmarks"))
    try:
        marks, gaps = filled(landmarks)
    except FaceError as error:
        return Regions(None, replace(account, skipped=f"source: {error}"))
    points = marks[:, list(region_of(account.units, table).landmarks)]
    cells = dilated(cells_of(points, size))
    changing = int((cells.any(axis=0) & ~cells.all(axis=0)).sum())
    if mask == "union":
        cells = np.broadcast_to(cells.any(axis=0), cells.shape)
    rounded = np.rint(points)
    account = replace(
        account,
        filled=gaps,
        outside=int(((rounded < 0) | (rounded >= size)).any(axis=-1).sum()),
        cells=float(cells.sum(axis=(1, 2)).mean()),
        changing=changing,
    )
    return Regions(cells, account)


def opening_account(units: str | Iterable[str], frames: int, table: Table) -> Account:
    """Return what the action units and the number of frames alone decide."""
    region = region_of(units, table)
    skipped = ""
    if frames < FEWEST:
        skipped = f"the source has {frames} frame, at least {FEWEST} are needed"
    elif not region.landmarks:
        skipped = "no action unit has landmarks"
    return Account(units=region.units, unmapped=region.unmapped, skipped=skipped)


def cells_of(points: NDArray[np.floating], size: int) -> Cells:
    """Return the grid cells (..., 14, 14), row first, that hold points (..., n, 2) x, y in px.

    Points are rounded to whole px; one outside the crop counts for the nearest border cell.

    >>> np.argwhere(cells_of(np.array([[31.0, 0.0], [500.0, 16.0]]), 224)).tolist()
    [[0, 1], [1, 13]]
    """
    places = np.clip(GRID * np.rint(points).astype(np.int64) // size, 0, GRID - 1)
    hot = np.asarray(places[..., None] == np.arange(GRID))  # (..., n, 2, 14)
    columns, rows = hot[..., 0, :], hot[..., 1, :]
    found: Cells = (rows[..., :, None] & columns[..., None, :]).any(axis=-3)
    return found


def dilated(cells: Cells) -> Cells:
    """Return cells (..., 14, 14) grown by their eight neighbours; the border ends them."""
    around = [(0, 0)] * (cells.ndim - 2)
    tall = np.pad(cells, [*around, (1, 1), (0, 0)])
    tall = tall[..., :-2, :] | tall[..., 1:-1, :] | tall[..., 2:, :]
    wide = np.pad(tall, [*around, (0, 0), (1, 1)])
    grown: Cells = wide[..., :-2] | wide[..., 1:-1] | wide[..., 2:]
    return grown


def pixels(cells: Cells, size: int) -> Cells:
    """Return the pixels (..., size, size) of cells (..., 14, 14).

    A pixel belongs to the cell that a landmark on it counts for; at 224 px, cell (r, c) has
    the rows 16 r to 16 r + 15.
    """
    place = GRID * np.arange(size) // size
    spread: Cells = cells[..., place[:, None], place]
    return spread


def paste(source: Pictures, target: Pictures, cells: Cells) -> Pictures:
    """Return ``target`` with the pixels of ``source`` in the given cells.

    Args:
        source: (..., S, S) grey or (..., S, S, 3) RGB.
        target: the same shape.
        cells: (..., 14, 14).
    """
    mask = pixels(cells, source.shape[cells.ndim - 1])
    if source.ndim > mask.ndim:
        mask = mask[..., None]
    return np.where(mask, source, target)


def _check(source: Pictures, target: Pictures, landmarks: NDArray[np.floating] | None) -> None:
    """Refuse arrays that do not belong together."""
    shape = source.shape
    square = source.ndim in (3, 4) and shape[1] == shape[2] >= GRID and shape[3:] in ((), (3,))
    if not square or shape[0] < 1 or source.dtype != np.uint8:
        raise DatasetError(
            f"expected a source (k, S, S) or (k, S, S, 3) of uint8, S at least {GRID}, found "
            f"{shape} of {source.dtype}; cut the faces out first"
        )
    if target.shape[1:] != shape[1:] or target.dtype != source.dtype:
        raise DatasetError(
            f"expected a target with frames {shape[1:]} of uint8 as in the source, found "
            f"{target.shape[1:]} of {target.dtype}; cut both in the same way"
        )
    if landmarks is not None and landmarks.shape != (shape[0], 68, 2):
        raise DatasetError(
            f"expected landmarks ({shape[0]}, 68, 2), found {landmarks.shape}; one set for "
            "every frame of the source"
        )
