"""The flow of one window, written as plainly as can be; the fast path is held to it.

Source: the published code of ME-TST.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mescope.face.box import Box, Mode
from mescope.face.crop import CroppedFace, cut, shifted
from mescope.face.detector import Grey
from mescope.motion.flow import Flow, farneback
from mescope.motion.regions import GLOBAL, Placed, Region, Shares, place

MAX_SHIFTS = 3  # crops that follow the head, per frame
STILL = 1.0  # px²: a head that moved less is not followed
MAX_FLOW = 50.0  # px: more is no motion of a face but a failure of the flow


class WindowFlow(NamedTuple):
    """Flow of one window: (2R, k) float32 px, and how many vectors were nonsense (set to 0)."""

    values: npt.NDArray[np.float32]
    dropped: int


def plain_window_flow(
    frames: Sequence[Grey | None],
    reference: Grey,
    face: CroppedFace,
    regions: Sequence[Region],
    *,
    mode: Mode = "clean",
    shares: Shares = "default",
    spared: Sequence[int] = (),
) -> WindowFlow:
    """Return the motion of every region from ``reference`` to each frame, less the nose's.

    Args:
        frames: The k frames of the window; None where there is no image (its values are 0).
            ``frames[0]`` is the reference's own place and gets zeros.
        reference: The reference image; a frame that is the same object gets zeros.
        face: Crop and landmarks in the reference image.
        regions: As for :func:`mescope.motion.regions.place`.
        mode: Likewise.
        shares: Likewise.
        spared: Frames in which the head is followed only; their values are 0.
    """
    (nose,) = place(face.landmarks, (GLOBAL,), mode=mode)
    placed = place(face.landmarks, regions, mode=mode, shares=shares)
    outers = {region.outer for region in placed}
    start = cut(reference, face.box)
    values = np.zeros((2 * len(placed), len(frames)), dtype=np.float32)
    dropped = 0
    box = face.box
    for i, frame in enumerate(frames):
        if i == 0 or frame is None or frame is reference:
            continue
        box, crop, head = follow(start, frame, box, nose, mode)
        if i in spared:
            continue
        flows = {outer: _flow(start, crop, outer) for outer in outers}
        for j, region in enumerate(placed):
            patch = _inner(flows[region.outer], region)
            motion = _strongest_mean(patch, region.percent) - head if patch.size else head * 0
            if not np.all(np.abs(motion) <= MAX_FLOW):  # also true of nan
                motion, dropped = np.zeros(2), dropped + 1
            values[2 * j : 2 * j + 2, i] = motion
    return WindowFlow(values, dropped)


def follow(
    start: Grey, frame: Grey, box: Box, nose: Placed, mode: Mode
) -> tuple[Box, Grey, npt.NDArray[np.float64]]:
    """Return the box that follows the head, its crop, and the nose motion that is left."""
    for attempt in range(MAX_SHIFTS + 1):
        crop = cut(frame, box)
        patch = _inner(_flow(start, crop, nose.outer), nose)
        head = _strongest_mean(patch, nose.percent) if patch.size else np.zeros(2)
        if not np.all(np.abs(head) <= MAX_FLOW):
            return box, crop, np.zeros(2)
        if attempt == MAX_SHIFTS or float(head @ head) <= STILL:
            break
        box = shifted(box, float(head[0]), float(head[1]), frame.shape, mode)
    return box, crop, head


def _flow(start: Grey, crop: Grey, outer: Box) -> Flow:
    """Return the flow in an outer box, which may be empty in ``as_published`` mode."""
    if outer.area == 0:
        return np.zeros((0, 0, 2), dtype=np.float32)
    rows, cols = slice(outer.top, outer.bottom), slice(outer.left, outer.right)
    return farneback(start[rows, cols], crop[rows, cols])


def _inner(flow: Flow, region: Placed) -> Flow:
    """Return the part of an outer box's flow that is averaged."""
    outer, inner = region.outer, region.inner
    return flow[
        inner.top - outer.top : inner.bottom - outer.top,
        inner.left - outer.left : inner.right - outer.left,
    ]


def _strongest_mean(patch: npt.NDArray[np.float32], share: float) -> npt.NDArray[np.float64]:
    """Return the mean vector of the strongest ``share`` (0 to 1) by sorting everything.

    Of n vectors the ``int(n * (1 - share))`` weakest are left out.
    """
    vectors = patch.reshape(-1, 2).astype(np.float64)
    order = np.argsort((vectors**2).sum(axis=1), kind="stable")
    skip = min(int(len(vectors) * (1 - share)), len(vectors) - 1)
    return np.asarray(vectors[order[skip:]].mean(axis=0))
