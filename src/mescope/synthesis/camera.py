"""What a camera and a codec do to rendered pictures: blur, size, noise, real compression.

Compression is real: the pictures go through an encoder and a decoder in memory, so still parts
freeze, small motion is dropped and comes late, blocks show.  Groups of pictures are coded apart
from each other, so a frame depends on its group alone and not on where reading began.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from mescope.synthesis.dynamics import log_uniform
from mescope.synthesis.encode import default_codec

Picture = NDArray[np.uint8]

_FIELDS = 4
_SLACK = 64  # px by which a noise field is larger than the picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """How pictures are compressed."""

    name: str  # of the encoder in FFmpeg: libx264, mpeg4 or mpeg1video
    quality: int  # crf of libx264 (18 good, 35 bad), qscale of the others (2 good, 20 bad)
    group: int  # frames from one key frame to the next
    preset: str = "veryfast"  # of libx264


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """What lies between a face and the frames of its recording."""

    scale: float = 1.0  # size of the frame per size of the portrait
    blur: float = 0.0  # standard deviation, px of the portrait
    noise: float = 0.0  # standard deviation, grey levels
    grain: float = 0.0  # blur of the noise by demosaicing and denoising, px of the frame
    codec: Codec | None = None

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Return width and height of the frame for a portrait; even, as 4:2:0 needs."""
        if self.scale == 1.0 and self.codec is None:
            return width, height
        return 2 * round(width * self.scale / 2), 2 * round(height * self.scale / 2)

    def see(self, picture: Picture) -> Picture:
        """Return the picture blurred and in the size of the frame."""
        if self.blur > 0.2:
            picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), self.blur), np.uint8)
        size = self.size(picture.shape[1], picture.shape[0])
        if size == (picture.shape[1], picture.shape[0]):
            return picture
        how = cv2.INTER_AREA if self.scale < 1 else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(picture, size, interpolation=how), np.uint8)


class Noise:
    """Sensor noise that is fresh in every frame at a fraction of its price.

    Noise is uncorrelated with itself at any offset beyond its grain, so a few large fields at
    random offsets and signs serve as new noise.
    """

    def __init__(
        self, std: float, size: tuple[int, int], seed: int, grain: float = 0.0
    ) -> None:
        rng = np.random.default_rng([0x6E6F6973, seed])
        self.seed = seed
        shape = (_FIELDS, size[1] + _SLACK, size[0] + _SLACK)
        drawn = rng.standard_normal(shape, dtype=np.float32)
        if grain > 0:
            drawn = np.stack([cv2.GaussianBlur(field, (0, 0), grain) for field in drawn])
            drawn /= drawn.std()
        self.fields = np.round(drawn * np.float32(std)).astype(np.int16)

    def add(self, picture: Picture, index: int) -> Picture:
        """Return the picture with the noise of frame ``index``."""
        rng = np.random.default_rng([self.seed, index])
        which, y, x, sign = rng.integers((_FIELDS, _SLACK, _SLACK, 2))
        height, width = picture.shape[:2]
        noise = self.fields[which, y : y + height, x : x + width]
        if picture.ndim == 3:
            noise = cv2.merge([noise, noise, noise])
        mix = cv2.subtract if sign else cv2.add
        return np.asarray(mix(picture, noise, dtype=cv2.CV_8U), np.uint8)


def coded(pictures: Iterable[Picture], codec: Codec, rate: float) -> Iterator[Picture]:
    """Yield the pictures of one group, (h, w) grey or (h, w, 3) RGB, after compression.

    Sides must be even.  One thread and one pass: equal pictures give equal results.
    """
    coder: _Coder | None = None
    for picture in pictures:
        coder = coder or _Coder(codec, picture, rate)
        yield from coder.push(picture)
    if coder is not None:
        yield from coder.flush()


class _Coder:
    """An encoder and its decoder, for pictures like ``first``."""

    def __init__(self, codec: Codec, first: Picture, rate: float) -> None:
        self.height, self.width = first.shape[:2]
        self.grey = first.ndim == 2
        self.count = 0
        exact = Fraction(rate).limit_denominator(1001)
        if codec.name == "mpeg1video":  # knows a few rates only; frames do not depend on it
            exact = Fraction(25)
        encoder: Any = av.CodecContext.create(codec.name, "w")
        encoder.width, encoder.height, encoder.pix_fmt = self.width, self.height, "yuv420p"
        encoder.time_base = 1 / exact
        encoder.framerate = exact
        encoder.thread_count = 1
        encoder.gop_size = 100_000  # one key frame, at the start of the group
        if codec.name == "libx264":
            options = {"preset": codec.preset, "crf": str(codec.quality), "bf": "0"}
            encoder.options = options | {"tune": "zerolatency", "sc_threshold": "0"}
        else:
            encoder.options = {"flags": "+qscale", "sc_threshold": "1000000000"}
            encoder.global_quality = codec.quality * 118  # FF_QP2LAMBDA
            encoder.flags |= 2
        self.encoder = encoder
        self.decoder: Any = av.CodecContext.create(
            "h264" if codec.name == "libx264" else codec.name, "r"
        )
        self.decoder.thread_count = 1
        self.planes = np.full((self.height * 3 // 2, self.width), 128, np.uint8)

    def push(self, picture: Picture) -> Iterator[Picture]:
        """Encode a picture; yield what comes out."""
        if self.grey:
            self.planes[: self.height] = picture
            frame = av.VideoFrame.from_ndarray(self.planes, format="yuv420p")
        else:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame = frame.reformat(format="yuv420p")
        frame.pts = self.count
        self.count += 1
        for packet in self.encoder.encode(frame):
            yield from self._decode(packet)

    def flush(self) -> Iterator[Picture]:
        """Yield the pictures that encoder and decoder still hold."""
        for packet in self.encoder.encode(None):
            yield from self._decode(packet)
        yield from self._decode(None)

    def _decode(self, packet: Any) -> Iterator[Picture]:
        for frame in self.decoder.decode(packet):
            if self.grey:
                plane = frame.planes[0]
                rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
                yield rows[: self.height, : self.width].copy()
            else:
                yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def draw_camera(rng: np.random.Generator) -> Camera:
    """Draw a camera: from a clean studio camera to a dim webcam in a compressed call."""
    way = rng.random()
    codec = None
    if way > 0.15:
        x264 = default_codec() == "libx264" and way > 0.3
        group = int(log_uniform(rng, 24, 250))
        if x264:
            preset = str(rng.choice(["ultrafast", "superfast", "veryfast"]))
            codec = Codec(
                name="libx264", quality=int(rng.integers(20, 36)), group=group, preset=preset
            )
        else:
            name = str(rng.choice(["mpeg4", "mpeg1video"]))
            codec = Codec(name=name, quality=int(rng.integers(2, 12)), group=group)
    return Camera(
        scale=1.0 if rng.random() < 0.85 else log_uniform(rng, 0.8, 2.5),
        blur=float(rng.choice([0.0, rng.uniform(0.3, 1.6)], p=[0.4, 0.6])),
        noise=log_uniform(rng, 0.3, 5.0),
        grain=float(rng.choice([0.0, rng.uniform(0.4, 1.3)], p=[0.3, 0.7])),
        codec=codec,
    )
