"""A portrait and a script become a recording whose every motion is known."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from mescope.events import Expression
from mescope.synthesis.dynamics import Script, truth
from mescope.synthesis.portraits import Portrait
from mescope.synthesis.warp import FaceWarp
from mescope.video.report import DecodeReport, rate_of
from mescope.video.source import Video

Picture = NDArray[np.uint8]

_NOISE_FIELDS = 4
_NOISE_SLACK = 64  # px by which a noise field is larger than the picture


class SyntheticVideo(Video):
    """A rendered recording, to be used wherever a video file is.

    Frames are rendered when they are asked for, and each depends on its number alone: any
    subset, in any order, has the same pixels.  ``times`` (n,) may be irregular; by default the
    recording has a constant ``rate``.  The grey picture is rendered from the grey portrait, so
    it equals the grey of the coloured one up to the rounding of interpolation and compression.
    """

    def __init__(
        self,
        portrait: Portrait,
        script: Script,
        rate: float = 30.0,
        *,
        name: str | None = None,
        times: NDArray[np.float64] | None = None,
    ) -> None:
        if times is None:
            times = np.arange(max(1, round(script.duration * rate))) / rate
        self.portrait, self.script = portrait, script
        self.times: NDArray[np.float64] = np.asarray(times, np.float64)
        self.rate, variable = rate_of(self.times) if len(times) > 1 else (rate, False)
        self.name = name or f"{portrait.name}-{script.seed}"
        self.path = None
        self.width, self.height = portrait.size
        self.first_frame, self.last_frame = 0, len(self.times) - 1
        self.report = DecodeReport(
            len(self.times),
            self.rate,
            codec="rendered",
            variable_rate=variable,
            decoded=len(self.times),  # nothing can be damaged
            finished=True,
        )
        self.warnings = []

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """What was planted, in native frames (from 0, ends included)."""
        return truth(self.script, self.times)

    def frames(
        self, *, grey: bool = True, step: int = 1, start: int = 0, stop: int | None = None
    ) -> Iterator[tuple[int, Picture]]:
        """Yield (frame number, picture): (h, w) grey or (h, w, 3) RGB, uint8."""
        self._check_step(step)
        end = len(self) if stop is None else min(stop, len(self))
        for index in range(max(0, start), end, step):
            yield index, self._frame(index, grey)

    def read(self, indices: Sequence[int], *, grey: bool = False) -> dict[int, Picture]:
        """Return single frames by number; VideoError for one outside the recording."""
        return {i: self._frame(i, grey) for i in self._check_indices(indices)}

    def fingerprint(self) -> str:
        """Return a hash (hex) of everything that decides the pixels."""
        digest = hashlib.sha256(json.dumps(asdict(self.script), sort_keys=True).encode())
        for array in (self.portrait.image, self.portrait.landmarks, self.times):
            digest.update(repr(array.shape).encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    @cached_property
    def _warp(self) -> FaceWarp:
        return FaceWarp(self.portrait.landmarks, self.portrait.size)

    @cached_property
    def _courses(self) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64]]:
        """Return activations, head poses and brightness of all frames.

        The script is asked once for all frames: in a long recording it holds hundreds of
        events, and asking it frame by frame would take longer than drawing.
        """
        script, times = self.script, self.times
        return (
            script.activations(times).astype(np.float32),
            script.head(times),
            script.light(times),
        )

    @cached_property
    def _grey(self) -> Picture:
        return np.asarray(cv2.cvtColor(self.portrait.image, cv2.COLOR_RGB2GRAY), np.uint8)

    @cached_property
    def _noise(self) -> NDArray[np.int16]:
        """Return fields of sensor noise in grey levels, larger than the picture."""
        rng = np.random.default_rng([0x6E6F6973, self.script.seed])
        shape = (_NOISE_FIELDS, self.height + _NOISE_SLACK, self.width + _NOISE_SLACK)
        drawn = rng.standard_normal(shape, dtype=np.float32) * self.script.noise
        return np.round(drawn).astype(np.int16)

    def _frame(self, index: int, grey: bool) -> Picture:
        activations, poses, gains = self._courses
        picture = self._grey if grey else self.portrait.image
        picture = self._warp.render(picture, activations[index], poses[index])
        gain = float(gains[index])
        if gain != 1.0:
            picture = np.asarray(cv2.convertScaleAbs(picture, alpha=gain), np.uint8)
        if self.script.noise > 0:
            picture = self._add_noise(picture, index)
        if self.script.quality is not None:
            picture = _compress(picture, self.script.quality)
        return picture

    def _add_noise(self, picture: Picture, index: int) -> Picture:
        """Add the noise of frame ``index``.

        White noise is uncorrelated with itself at any other offset, so a few large fields at
        random offsets and signs serve as fresh noise at a fraction of its price.
        """
        rng = np.random.default_rng([self.script.seed, index])
        which, y, x, sign = rng.integers((_NOISE_FIELDS, _NOISE_SLACK, _NOISE_SLACK, 2))
        noise = self._noise[which, y : y + self.height, x : x + self.width]
        if picture.ndim == 3:
            noise = cv2.merge([noise, noise, noise])
        mix = cv2.subtract if sign else cv2.add
        return np.asarray(mix(picture, noise, dtype=cv2.CV_8U), np.uint8)


def _compress(picture: Picture, quality: int) -> Picture:
    """Return the picture after a round trip through JPEG, which stands for a video codec."""
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    flag = cv2.IMREAD_GRAYSCALE if picture.ndim == 2 else cv2.IMREAD_COLOR
    return np.asarray(cv2.imdecode(data, flag), np.uint8)
