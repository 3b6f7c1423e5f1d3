"""A portrait and a script become a recording whose every motion is known."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mescope.events import Expression, FaceEvent
from mescope.synthesis.camera import Camera, Noise, coded
from mescope.synthesis.portraits import Portrait
from mescope.synthesis.timecourse import Script, truth, truth_events
from mescope.synthesis.warp import FaceWarp
from mescope.video.decode_report import DecodeReport, rate_of
from mescope.video.source import Video

Picture = NDArray[np.uint8]


class SyntheticVideo(Video):
    """A rendered recording, to be used wherever a video file is.

    Frames are rendered when they are asked for, and each depends on its number alone: any
    subset, in any order, has the same pixels (behind a codec, to read a frame is to render its
    group of pictures up to it).  Without a ``camera`` the noise and JPEG quality of the script
    apply.  ``times`` (n,) may be irregular; by default the
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
        camera: Camera | None = None,
    ) -> None:
        if times is None:
            times = np.arange(max(1, round(script.duration * rate))) / rate
        self.portrait, self.script, self.camera = portrait, script, camera
        self.times: NDArray[np.float64] = np.asarray(times, np.float64)
        self.rate, variable = rate_of(self.times) if len(times) > 1 else (rate, False)
        self.name = name or f"{portrait.name}-{script.seed}"
        self.path = None
        self.width, self.height = camera.size(*portrait.size) if camera else portrait.size
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

    @property
    def events(self) -> tuple[FaceEvent, ...]:
        """Blinks, speech, head movements and glances that were planted, in native frames."""
        return truth_events(self.script, self.times)

    def frames(
        self, *, grey: bool = True, step: int = 1, start: int = 0, stop: int | None = None
    ) -> Iterator[tuple[int, Picture]]:
        """Yield (frame number, picture): (h, w) grey or (h, w, 3) RGB, uint8."""
        self._check_step(step)
        end = len(self) if stop is None else min(stop, len(self))
        first = max(0, start)
        if self.camera is not None and self.camera.codec is not None:
            every = self._coded(first, end, grey)
            yield from (pair for pair in every if (pair[0] - first) % step == 0)
            return
        for index in range(first, end, step):
            yield index, self._frame(index, grey)

    def read(self, indices: Sequence[int], *, grey: bool = False) -> dict[int, Picture]:
        """Return single frames by number; VideoError for one outside the recording."""
        found = {}
        for i in self._check_indices(indices):
            if i not in found:
                *_, (_, found[i]) = self._coded(i, i + 1, grey)
        return found

    def fingerprint(self) -> str:
        """Return a hash (hex) of everything that decides the pixels."""
        recipe = [asdict(self.script), asdict(self.camera) if self.camera else None]
        digest = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode())
        worn = self.portrait.glasses
        layers: list[NDArray[Any]] = [self.portrait.image, self.portrait.landmarks, self.times]
        if worn is not None:
            layers += [worn.frame, worn.lens, worn.gloss]
        for eye in self.portrait.shut or ():
            layers += [] if eye is None else [eye.ring, eye.share, eye.skin]
        for array in layers:
            digest.update(repr(array.shape).encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    @cached_property
    def _warp(self) -> FaceWarp:
        portrait = self.portrait
        return FaceWarp(portrait.landmarks, portrait.size, portrait.glasses, portrait.shut)

    @cached_property
    def _courses(
        self,
    ) -> tuple[
        NDArray[np.float32], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]
    ]:
        """Return activations, head poses, brightness and parting of the lips of all frames.

        The script is asked once for all frames: in a long recording it holds hundreds of
        events, and asking it frame by frame would take longer than drawing.
        """
        script, times = self.script, self.times
        return (
            script.activations(times).astype(np.float32),
            script.head(times),
            script.light(times),
            script.parting(times),
        )

    @cached_property
    def _grey(self) -> Picture:
        return np.asarray(cv2.cvtColor(self.portrait.image, cv2.COLOR_RGB2GRAY), np.uint8)

    @cached_property
    def _noise(self) -> Noise:
        camera, size = self.camera, (self.width, self.height)
        return Noise(self._noise_std, size, self.script.seed, camera.grain if camera else 0.0)

    @property
    def _noise_std(self) -> float:
        return self.script.noise if self.camera is None else self.camera.noise

    def _coded(self, start: int, stop: int, grey: bool) -> Iterator[tuple[int, Picture]]:
        """Yield the frames from ``start`` to before ``stop``, whole groups coded."""
        codec = self.camera.codec if self.camera else None
        if codec is None:
            yield from ((index, self._frame(index, grey)) for index in range(start, stop))
            return
        for first in range(start // codec.group * codec.group, stop, codec.group):
            # Later frames of a group do not change the earlier ones, so they may be left out.
            numbers = range(first, min(first + codec.group, stop))
            pictures = (self._frame(index, grey) for index in numbers)
            for index, picture in zip(numbers, coded(pictures, codec, self.rate), strict=True):
                if index >= start:
                    yield index, picture

    def _frame(self, index: int, grey: bool) -> Picture:
        """Return a frame as it leaves the sensor."""
        activations, poses, gains, parting = self._courses
        picture = self._grey if grey else self.portrait.image
        picture = self._warp.render(
            picture, activations[index], poses[index], float(parting[index])
        )
        if self.camera is not None:
            picture = self.camera.see(picture)
        gain = float(gains[index])
        if gain != 1.0:
            picture = np.asarray(cv2.convertScaleAbs(picture, alpha=gain), np.uint8)
        if self._noise_std > 0:
            picture = self._noise.add(picture, index)
        if self.script.quality is not None:
            picture = _compress(picture, self.script.quality)
        return picture


def _compress(picture: Picture, quality: int) -> Picture:
    """Return the picture after a round trip through JPEG, which stands for a video codec."""
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    flag = cv2.IMREAD_GRAYSCALE if picture.ndim == 2 else cv2.IMREAD_COLOR
    return np.asarray(cv2.imdecode(data, flag), np.uint8)
