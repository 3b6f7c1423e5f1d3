"""dlib's 68-landmark model, read from dlib's file and run without the interpreter lock.

dlib holds the lock while it predicts, so one core waits for the other; and it adds 7500 leaves
of 136 numbers that lie scattered in memory.  Here they lie one after the other.  The arithmetic
is dlib's (single precision, in dlib's order), so landmarks are dlib's to the pixel, and a test
holds this file to it.

Source: V. Kazemi and J. Sullivan, CVPR 2014; rounding and file format follow dlib's
``shape_predictor`` (Boost licence).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mescope.compiling import Index, apart, compiled
from mescope.errors import FaceError

F32 = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]

_POWERS = 2.0 ** np.arange(-255, 256)
"""Of two, by exponent from -255."""


@dataclass(frozen=True, eq=False)
class ShapeModel:
    """A cascade of forests of regression trees, all of one size.

    ``start`` (2p,) x, y of the mean shape, 0 to 1 of the box; ``pairs`` (f, t, s, 2) int32 the
    two pixels that each split compares and ``limits`` (f, t, s) float32 by how much; ``leaves``
    (f, t, s + 1, 2p) what is added to the shape; ``anchors`` (f, m) int32 and ``offsets``
    (f, m, 2) where the m pixels of each forest lie: beside which landmark, and how far.
    """

    start: F32
    pairs: npt.NDArray[np.int32]
    limits: F32
    leaves: F32
    anchors: npt.NDArray[np.int32]
    offsets: F32

    @classmethod
    def read(cls, path: Path) -> ShapeModel:
        """Read dlib's file.

        Raises:
            FaceError: It is none, or its trees differ in size.
        """
        data, words = _bytes_of(path)
        try:
            found = _read(data, words)
        except (IndexError, ValueError, MemoryError) as error:
            raise FaceError(f"{path} is no landmark model of dlib: {error}") from error
        return cls(*found)

    def __call__(
        self, grey: npt.NDArray[np.uint8], left: int, top: int, right: int, bottom: int
    ) -> F32:
        """Return (p, 2) float32 landmarks x, y in whole px of an (h, w) image.

        The edges of the box are those of :class:`~mescope.face.box.Box`.
        """
        h, w = grey.shape
        return self._points(grey, (left, top, right, bottom), (1.0, 0.0, 0.0), (h, w))

    def enlarged(
        self,
        grey: npt.NDArray[np.uint8],
        box: tuple[int, int, int, int],
        scale: float,
        corner: tuple[float, float],
        side: int,
    ) -> F32:
        """Return what a call gives for a square cut out of the image and brought to ``side``.

        The square is never made: of its pixels a few thousand are looked at, and only these
        are interpolated.

        Args:
            grey: (h, w) uint8; beyond its edges these are repeated.
            box: of the face, px of the square.
            scale: px of the image per px of the square.
            corner: x, y of the square's first pixel in the image.
            side: of the square, px.

        Returns:
            (p, 2) float32 x, y in whole px of the square.
        """
        return self._points(grey, box, (scale, *corner), (side, side))

    def _points(
        self,
        grey: npt.NDArray[np.uint8],
        box: tuple[int, int, int, int],
        view: tuple[float, float, float],
        size: tuple[int, int],
    ) -> F32:
        left, top, right, bottom = box
        shape = self.start.copy()
        corners = np.array([left, top, right - 1, bottom - 1], np.float64)
        _fit(
            np.ascontiguousarray(grey), np.array(view, np.float32), np.array(size), corners,
            self.start, self.pairs, self.limits, self.leaves, self.anchors, self.offsets, shape,
        )  # fmt: skip
        points = shape.reshape(-1, 2).astype(np.float64)
        points = corners[:2] + points * (corners[2:] - corners[:2])
        return np.floor(points + 0.5).astype(np.float32)


def _bytes_of(path: Path) -> tuple[Bytes, Words]:
    """Return the bytes of a file, and the same memory as whole words, zeros behind it."""
    size = path.stat().st_size
    words = np.empty(size // 8 + 2, np.uint64)
    words[-2:] = 0
    with path.open("rb") as file:
        size = file.readinto(words.view(np.uint8)[:size].data)
    return words.view(np.uint8)[:size], words


@compiled
def _fit(
    grey: Bytes, view: F32, size: npt.NDArray[np.int64], corners: npt.NDArray[np.float64],
    start: F32, pairs: npt.NDArray[np.int32], limits: F32, leaves: F32,
    anchors: npt.NDArray[np.int32], offsets: F32, shape: F32,
) -> None:  # fmt: skip
    """Move ``shape`` (2p,) from the mean shape to the face in the box."""
    trees = pairs.shape[1]
    pixels, chosen = np.empty(anchors.shape[1], np.float32), np.empty(trees, np.int64)
    for forest in range(len(pairs)):
        a, b = _turn(start, shape)
        _look_up(
            grey, view, size, corners, shape, a, b, anchors[forest], offsets[forest], pixels
        )
        _choose(pairs[forest], limits[forest], pixels, chosen)
        tree = 0
        while tree + 4 <= trees:
            _add_four(leaves[forest], tree, chosen, shape)
            tree += 4
        while tree < trees:
            shape += leaves[forest, tree, chosen[tree]]
            tree += 1


@compiled
def _turn(start: F32, shape: F32) -> tuple[np.float32, np.float32]:
    """Return cosine and sine, times the scale, that best bring the mean shape to ``shape``."""
    count = len(start) // 2
    from_x, from_y, to_x, to_y = 0.0, 0.0, 0.0, 0.0
    for i in range(count):
        from_x, from_y = from_x + start[2 * i], from_y + start[2 * i + 1]
        to_x, to_y = to_x + shape[2 * i], to_y + shape[2 * i + 1]
    from_x, from_y, to_x, to_y = (
        from_x / count,
        from_y / count,
        to_x / count,
        to_y / count,
    )
    along, across, size = 0.0, 0.0, 0.0
    for i in range(count):
        x, y = start[2 * i] - from_x, start[2 * i + 1] - from_y
        u, v = shape[2 * i] - to_x, shape[2 * i + 1] - to_y
        along, across = along + (x * u + y * v), across + (x * v - y * u)
        size += x * x + y * y
    return np.float32(along / size), np.float32(across / size)


@compiled
def _look_up(
    grey: Bytes, view: F32, size: npt.NDArray[np.int64], corners: npt.NDArray[np.float64],
    shape: F32, a: np.float32, b: np.float32,
    anchors: npt.NDArray[np.int32], offsets: F32, out: F32,
) -> None:  # fmt: skip
    """Put the grey levels of a forest's pixels into ``out`` (m,); 0 outside the picture.

    The picture has ``size`` h, w and shows the image through ``view``: px of the image per px
    of the picture, and x, y of its first pixel.
    """
    h, w = size
    left, top = corners[0], corners[1]
    width, height = corners[2] - left, corners[3] - top
    same = view[0] == np.float32(1) and view[1] == np.float32(0) and view[2] == np.float32(0)
    for i in range(len(anchors)):
        j, dx, dy = anchors[i], offsets[i, 0], offsets[i, 1]
        x = np.float64(a * dx - b * dy + shape[2 * j])
        y = np.float64(b * dx + a * dy + shape[2 * j + 1])
        column = int(np.floor(left + x * width + 0.5))
        row = int(np.floor(top + y * height + 0.5))
        if not (0 <= column < w and 0 <= row < h):
            out[i] = np.float32(0)
        elif same:
            out[i] = np.float32(grey[row, column])
        else:
            out[i] = _between(grey, view, row, column)


@compiled
def _between(grey: Bytes, view: F32, row: int, column: int) -> np.float32:
    """Return a pixel of an enlarged picture, rounded to whole grey levels.

    As ``cv2.warpAffine`` of OpenCV 5 rounds: along a row product and sum are rounded once, down
    a column one after the other.  One grey level can move all landmarks by a pixel.
    """
    h, w = grey.shape
    x = np.float32(np.float64(view[0]) * column + np.float64(view[1]))
    y = view[0] * np.float32(row) + view[2]
    i, j = int(np.floor(y)), int(np.floor(x))
    down, along = y - np.float32(i), x - np.float32(j)
    i0, i1 = min(max(i, 0), h - 1), min(max(i + 1, 0), h - 1)
    j0, j1 = min(max(j, 0), w - 1), min(max(j + 1, 0), w - 1)
    p, q = np.float32(grey[i0, j0]), np.float32(grey[i0, j1])
    r, s = np.float32(grey[i1, j0]), np.float32(grey[i1, j1])
    above, under = p + along * (q - p), r + along * (s - r)
    return np.float32(np.rint(above + down * (under - above)))


@compiled
def _choose(
    pairs: npt.NDArray[np.int32], limits: F32, pixels: F32, out: npt.NDArray[np.int64]
) -> None:
    """Put the leaf that each tree of a forest ends in into ``out`` (t,)."""
    trees, splits = limits.shape
    for tree in range(trees):
        i = Index(0)
        while i < splits:
            one, other = Index(pairs[tree, i, 0]), Index(pairs[tree, i, 1])
            more = Index(pixels[one] - pixels[other] > limits[tree, i])
            i = Index(2) * i + Index(2) - more
        out[tree] = i - Index(splits)


@apart
def _add_four(leaves: F32, tree: int, chosen: npt.NDArray[np.int64], shape: F32) -> None:
    """Add the leaves of four trees one after the other; together, memory waits less."""
    t0, t1, t2, t3 = Index(tree), Index(tree + 1), Index(tree + 2), Index(tree + 3)
    c0, c1, c2, c3 = Index(chosen[t0]), Index(chosen[t1]), Index(chosen[t2]), Index(chosen[t3])
    for i in range(len(shape)):
        both = shape[i] + leaves[t0, c0, i] + leaves[t1, c1, i]
        shape[i] = both + leaves[t2, c2, i] + leaves[t3, c3, i]


@compiled
def _read(
    data: Bytes, words: Words
) -> tuple[F32, npt.NDArray[np.int32], F32, F32, npt.NDArray[np.int32], F32]:
    """Return the fields of :class:`ShapeModel` from the bytes of dlib's file."""
    version, at = _integer(data, 0)
    if version != 1:
        raise ValueError("unknown version")
    start, at = _column(data, words, at)
    forests, at = _integer(data, at)
    trees, ahead = _integer(data, at)
    splits, _ = _integer(data, ahead)
    pairs = np.empty((forests, trees, splits, 2), np.int32)
    limits = np.empty((forests, trees, splits), np.float32)
    leaves = np.empty((forests, trees, splits + 1, len(start)), np.float32)
    for i in range(forests):
        at = _expect(data, at, trees)
        for j in range(trees):
            at = _tree(data, words, at, pairs[i, j], limits[i, j], leaves[i, j])
    at = _expect(data, at, forests)
    pixels, _ = _integer(data, at)
    anchors = np.empty((forests, pixels), np.int32)
    for i in range(forests):
        at = _expect(data, at, pixels)
        for k in range(pixels):
            anchors[i, k], at = _integer(data, at)
    offsets = np.empty((forests, pixels, 2), np.float32)
    at = _expect(data, at, forests)
    for i in range(forests):
        at = _expect(data, at, pixels)
        for k in range(pixels):
            offsets[i, k, 0], at = _real(data, at)
            offsets[i, k, 1], at = _real(data, at)
    return start, pairs, limits, leaves, anchors, offsets


@compiled
def _tree(
    data: Bytes, words: Words, at: int, pairs: npt.NDArray[np.int32], limits: F32, leaves: F32
) -> int:
    """Read one tree and return the place behind it."""
    at = _expect(data, at, len(limits))
    for k in range(len(limits)):
        pairs[k, 0], at = _integer(data, at)
        pairs[k, 1], at = _integer(data, at)
        limits[k], at = _real(data, at)
    at = _expect(data, at, len(leaves))
    for k in range(len(leaves)):
        leaves[k], at = _column(data, words, at)
    return at


@compiled
def _expect(data: Bytes, at: int, wanted: int) -> int:
    """Return the place behind a number that must be ``wanted``."""
    found, at = _integer(data, at)
    if found != wanted:
        raise ValueError("trees or forests of different sizes")
    return at


@compiled
def _integer(data: Bytes, at: int) -> tuple[int, int]:
    """Return a number and the place behind it: length and sign, then the bytes, low first."""
    count = np.int64(data[at] & 0x0F) if at < len(data) else 0
    if at + count >= len(data):
        raise ValueError("the file is cut off")
    value = np.int64(0)
    for k in range(count):
        value |= np.int64(data[at + 1 + k]) << (8 * k)
    return int(-value if data[at] & 0x80 else value), at + 1 + int(count)


@compiled
def _real(data: Bytes, at: int) -> tuple[np.float32, int]:
    """Return a number stored as mantissa and power of two."""
    mantissa, at = _integer(data, at)
    exponent, at = _integer(data, at)
    return np.float32(mantissa * 2.0**exponent), at


@compiled
def _column(data: Bytes, words: Words, at: int) -> tuple[F32, int]:
    """Return a matrix of one column; dlib stores its size as negative numbers."""
    rows, at = _integer(data, at)
    at = _expect(data, at, -1)
    out = np.empty(-rows, np.float32)
    done = 0
    while done < -rows:
        done, at = _short(words, at, len(data), out, done)
        if done < -rows:
            out[done], at = _real(data, at)
            done += 1
    return out, at


@compiled
def _short(words: Words, at: int, size: int, out: F32, done: int) -> tuple[int, int]:
    """Read on while numbers are short, and return how many there are, and the place behind.

    There are sixteen million, nearly all within eight bytes.  These are taken as one word:
    byte by byte the processor guesses wrongly how many there are, and waits.
    """
    place = Index(at)
    while done < len(out) and place + Index(8) < Index(size):
        first, bits = place >> Index(3), Index(8) * (place & Index(7))
        above = words[first + Index(1)] << (Index(63) - bits) << Index(1)
        mantissa = words[first] >> bits | above
        count = mantissa & Index(0x0F)
        exponent = mantissa >> (Index(8) * (count + Index(1)))
        if count > Index(5) or exponent & Index(0x0F) != Index(1):
            break
        number = np.int64((mantissa >> Index(8)) & ((Index(1) << Index(8) * count) - Index(1)))
        power = np.int64((exponent >> Index(8)) & Index(0xFF))
        number = -number if mantissa & Index(0x80) else number
        power = -power if exponent & Index(0x80) else power
        out[done] = np.float32(number * _POWERS[power + 255])
        place += count + Index(3)
        done += 1
    return done, int(np.int64(place))
