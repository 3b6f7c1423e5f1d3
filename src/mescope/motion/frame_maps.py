"""Flow maps of single frames: what moved from frame i to i + k, brows above, mouth below.

Input of SOFTNet and MEAN (see :mod:`mescope.models.softnet`, :mod:`mescope.models.mean`), whose
code was read and not copied.  For every frame i, in a crop of 128 px:

1. Flow u, v from i to i + k, and its optical strain.
2. Style ``softnet``: the mean over 11 x 11 px of the nose bridge is taken off (the head's
   motion), u and v by their size; the eyes, with 15 px around them, are set to 0.  Style
   ``mean``: each channel is scaled to 0 to 1 over the whole face.
3. The box around brows and eyes and the box around the mouth, 12 px wider than their landmarks,
   are brought to 42 x 21 px each and put one above the other.
4. Style ``softnet``: each channel is scaled to 0 to 1.  A map without motion is 0.

Differences from the published code:
* The crop is that of the region flow, which follows the face and is laid anew at every window
  (about every 0.8 s); published is one detection, in the first frame, for the whole video.
  Both frames of a pair are cut with the crop of the first.
* Pairs with a frame that shows no face, is damaged, or lies behind a scene cut are marked as
  not valid; the published code measures whatever is there.
* Strain is by central differences, theirs by differences to one side.
* Flow is Farnebäck's, some thirty times faster; ``tvl1`` measures as published.
All frames here are decimated frames; k is the k_p of the networks, half the mean length of the
expressions.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
import numpy.typing as npt

from mescope.motion.flow import Flow, farneback, strain, tvl1

if TYPE_CHECKING:
    from mescope.motion.roi_flow import RoiFlow
    from mescope.video.source import Picture, Video

VERSION = 1
"""Raised whenever the same input would give other maps; part of cache keys."""

SIZE, CROP = 42, 128
NOSE, NOSE_HALF = 28, 5  # landmark, px around it
BEYOND, AROUND_EYES = 12, 15  # px of the crop
LEAST_SPAN = 1e-3  # px, and px per px of strain
CHUNK = 64
"""Frames that are measured at a time: bounds the memory."""

Style = Literal["softnet", "mean"]
Method = Literal["tvl1", "farneback"]
Floats = npt.NDArray[np.float32]

_METHODS = MappingProxyType({"tvl1": tvl1, "farneback": farneback})
_OUTWARDS: Mapping[int, tuple[int, int]] = MappingProxyType(
    {0: (-1, 0), 1: (0, -1), 2: (0, -1), 3: (1, 0), 4: (0, 1), 5: (0, 1)}
)
"""Which way the landmarks of an eye are moved to widen it."""


@dataclass(frozen=True, slots=True)
class Maps:
    """Maps of the frames from ``first`` on.

    ``values`` (m, 3, 42, 42) float32, u, v and strain, 0 to 1; ``valid`` (m,), and 0 where not.
    """

    first: int
    values: Floats
    valid: npt.NDArray[np.bool_]


def frame_maps(
    video: Video,
    flow: RoiFlow,
    k: int,
    *,
    style: Style = "softnet",
    method: Method = "farneback",
    jobs: int | None = None,
) -> Iterator[Maps]:
    """Yield the maps of all frames of a recording but the last k, in order.

    Args:
        video: the recording.
        flow: of the same recording, for its frames, crops, landmarks, and what was seen.
        k: decimated frames from the first to the second of a pair.
        style: of which network.
        method: of the flow.
        jobs: threads; by default one per core.

    Raises:
        ValueError: ``k`` is no number of frames above 0, or style or method are unknown.
        VideoError: the recording cannot be read any more.
    """
    if k < 1 or style not in ("softnet", "mean") or method not in _METHODS:
        raise ValueError(
            f"expected k >= 1, style softnet or mean, method tvl1 or farneback, got {k!r}, "
            f"{style!r}, {method!r}"
        )
    n = (len(flow.windows) + 1) * flow.timing.hop - flow.padded
    pairs = windows_of_pairs(flow, k)[: max(0, n - k)]
    cores = os.cpu_count() or 1
    threads = cv2.getNumThreads()
    greys: dict[int, Picture] = {}
    coming = _greys(video, flow.frames[:n])
    with ThreadPoolExecutor(jobs or cores) as pool:
        for first in range(0, len(pairs), CHUNK):
            frames = range(first, min(first + CHUNK, len(pairs)))
            while (not greys or max(greys) < frames[-1] + k) and (got := next(coming, None)):
                greys[got[0]] = got[1]

            def one(i: int, greys: dict[int, Picture] = greys) -> Floats | None:
                if pairs[i] < 0 or i not in greys or i + k not in greys:
                    return None
                return _map(greys[i], greys[i + k], flow, int(pairs[i]), style, method)

            cv2.setNumThreads(1)  # one pair per thread
            try:
                made = list(pool.map(one, frames))
            finally:
                cv2.setNumThreads(threads)
            values = np.zeros((len(made), 3, SIZE, SIZE), np.float32)
            for row, image in enumerate(made):
                if image is not None:
                    values[row] = image
            yield Maps(first, values, np.array([image is not None for image in made]))
            for old in [i for i in greys if i <= frames[-1]]:
                del greys[old]


def windows_of_pairs(flow: RoiFlow, k: int) -> npt.NDArray[np.int64]:
    """Return (n,): the window whose crop serves the pair of frames i and i + k, else -1.

    It is the one that began last before i, or the one before that; -1 where neither shows the
    face in both frames, or where a frame between them does not.
    """
    hop, (count, window) = flow.timing.hop, flow.valid.shape
    n = (count + 1) * hop
    seen = np.zeros(n, bool)
    for j in range(count):
        seen[j * hop : j * hop + window] |= flow.valid[j]
    missing = np.concatenate([[0], np.cumsum(~seen)])
    placed = np.atleast_1d(~np.isnan(flow.boxes).any(axis=1))
    out = np.full(n, -1, np.int64)
    for i in range(n - k):
        if missing[i + k + 1] != missing[i]:
            continue
        last = min(i // hop, count - 1)
        for j in (last, last - 1):
            at = i - j * hop
            inside = at + k < window
            if j < 0 or not placed[j] or at >= window or (j < last and not inside):
                continue
            if flow.valid[j, at] and (not inside or flow.valid[j, at + k]):
                out[i] = j
                break
    return out


def _greys(video: Video, frames: npt.NDArray[np.int64]) -> Iterator[tuple[int, Picture]]:
    """Yield (decimated frame, grey picture) of all frames that can be decoded, in order."""
    if not len(frames):
        return
    at = 0
    stop = int(frames[-1]) + 1
    for number, grey in video.frames(grey=True, start=int(frames[0]), stop=stop):
        while at < len(frames) and frames[at] < number:
            at += 1
        while at < len(frames) and frames[at] == number:
            yield at, grey
            at += 1


def _map(
    first: Picture, second: Picture, flow: RoiFlow, j: int, style: Style, method: Method
) -> Floats:
    """Return the map of a pair of frames with the crop of window j, (3, 42, 42)."""
    left, top, right, bottom = (round(float(v)) for v in flow.boxes[j])
    crops = [
        np.asarray(
            cv2.resize(
                grey[top:bottom, left:right], (CROP, CROP), interpolation=cv2.INTER_AREA
            ),
            np.uint8,
        )
        for grey in (first, second)
    ]
    size = np.array([right - left, bottom - top])
    points = np.rint((flow.landmarks[j] - (left, top)) * CROP / size).astype(int)
    return face_map(_METHODS[method](*crops), points, style)


def face_map(flow: Flow, points: npt.NDArray[np.int_], style: Style) -> Floats:
    """Return the map (3, 42, 42) of flow (128, 128, 2) over a face with landmarks (68, 2)."""
    planes = np.stack([flow[..., 0], flow[..., 1], strain(flow)]).astype(np.float32)
    if style == "softnet":
        x, y = np.clip(points[NOSE], NOSE_HALF, CROP - NOSE_HALF - 1)
        nose = planes[:, y - NOSE_HALF : y + NOSE_HALF + 1, x - NOSE_HALF : x + NOSE_HALF + 1]
        planes -= nose.mean((1, 2), keepdims=True)
        planes[:2] = np.abs(planes[:2])
        planes[:, _eyes(points)] = 0.0
        return scaled(_cut(planes, points))
    return _cut(scaled(planes), points)


def _eyes(points: npt.NDArray[np.int_]) -> npt.NDArray[np.bool_]:
    """Return (128, 128): where the eyes and what is around them lie."""
    mask = np.zeros((CROP, CROP), np.uint8)
    for first in (36, 42):
        outline = [points[first + i] + AROUND_EYES * np.array(d) for i, d in _OUTWARDS.items()]
        cv2.fillPoly(mask, [np.array(outline, np.int32)], (1,))
    return mask.astype(bool)


def _cut(planes: Floats, points: npt.NDArray[np.int_]) -> Floats:
    """Return brows above mouth, (3, 42, 42), of planes (3, 128, 128)."""
    boxes = (
        (points[17, 0], min(points[19, 1], points[24, 1]),
         points[26, 0], max(points[41, 1], points[46, 1])),
        (points[60, 0], points[50, 1], points[64, 0], points[57, 1]),
    )  # fmt: skip
    out = np.zeros((3, SIZE, SIZE), np.float32)
    half = SIZE // 2
    for row, (x0, y0, x1, y1) in enumerate(boxes):
        left, top = max(0, int(x0) - BEYOND), max(0, int(y0) - BEYOND)
        right, bottom = min(CROP, int(x1) + BEYOND), min(CROP, int(y1) + BEYOND)
        if right <= left or bottom <= top:
            continue  # landmarks that are no face
        for channel, plane in enumerate(planes):
            part = np.ascontiguousarray(plane[top:bottom, left:right])
            out[channel, row * half : (row + 1) * half] = cv2.resize(part, (SIZE, half))
    return out


def scaled(planes: Floats) -> Floats:
    """Return planes (c, h, w), each 0 to 1 from its least to its largest.

    A plane whose values are alike (:data:`LEAST_SPAN`) is 0: rounding is no motion.

    >>> scaled(np.array([[[-1.0, 0.0, 3.0]], [[2.0, 2.0, 2.0]]], np.float32)).tolist()
    [[[0.0, 0.25, 1.0]], [[0.0, 0.0, 0.0]]]
    """
    low = planes.min((1, 2), keepdims=True)
    span = planes.max((1, 2), keepdims=True) - low
    alike = span < LEAST_SPAN
    return np.asarray(np.where(alike, 0, (planes - low) / np.where(alike, 1, span)), np.float32)
