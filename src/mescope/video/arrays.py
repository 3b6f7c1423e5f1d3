"""Recordings that are already in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from mescope.errors import VideoError
from mescope.video.decode_report import DecodeReport, Repeats, rate_warnings
from mescope.video.source import Picture, Video


class ArrayVideo(Video):
    """A recording held as an array (n, H, W) grey or (n, H, W, 3) RGB of uint8."""

    def __init__(self, pictures: NDArray[np.uint8], rate: float) -> None:
        shape = pictures.shape
        if pictures.dtype != np.uint8 or len(shape) not in (3, 4) or 0 in shape:
            raise VideoError(
                "expected a uint8 array (n, H, W) or (n, H, W, 3) with at least one frame, "
                f"found {pictures.dtype} {shape}; convert it first"
            )
        if len(shape) == 4 and shape[3] != 3:
            raise VideoError(f"expected 3 colour channels (RGB), found {shape[3]}")
        self._pictures = pictures
        self.name, self.path = "array", None
        self.height, self.width = shape[1], shape[2]
        self.rate = float(rate)
        self.times = np.arange(shape[0]) / self.rate
        self.first_frame, self.last_frame = 0, shape[0] - 1
        self.report = DecodeReport(frames=shape[0], measured_rate=self.rate)
        self.report.pixel_format = "gray" if len(shape) == 3 else "rgb24"
        self.warnings = rate_warnings(self.report)

    def frames(
        self, *, grey: bool = True, step: int = 1, start: int = 0, stop: int | None = None
    ) -> Iterator[tuple[int, Picture]]:
        """See :meth:`Video.frames`."""
        self._check_step(step)
        first = max(start, self.first_frame)
        last = self.last_frame if stop is None else min(stop - 1, self.last_frame)
        repeats = Repeats()
        for index in range(first, last + 1):
            here = self._pictures[index]
            if index > first and np.array_equal(here, self._pictures[index - 1]):
                repeats.note(index, index - 1)
            if (index - start) % step == 0:
                yield index, self._convert(here, grey)
        if first == self.first_frame and last == self.last_frame:
            self.report.decoded, self.report.finished = last - first + 1, True
            repeats.report_to(self.report, self.times)
            self._tell_run()

    def read(self, indices: Sequence[int], *, grey: bool = False) -> dict[int, Picture]:
        """See :meth:`Video.read`."""
        return {i: self._convert(self._pictures[i], grey) for i in self._check_indices(indices)}

    def fingerprint(self) -> str:
        """SHA-256 of shape, rate, range and all bytes."""
        text = f"array {self._pictures.shape} {self.rate} {self.first_frame} {self.last_frame}"
        digest = hashlib.sha256(text.encode())
        for picture in self._pictures:
            digest.update(np.ascontiguousarray(picture).data)
        return digest.hexdigest()

    def _convert(self, picture: Picture, grey: bool) -> Picture:
        """The picture in the form asked for, in memory of its own."""
        if grey == (picture.ndim == 2):
            return np.array(picture, order="C")
        code = cv2.COLOR_RGB2GRAY if grey else cv2.COLOR_GRAY2RGB
        return np.asarray(cv2.cvtColor(np.ascontiguousarray(picture), code), np.uint8)
