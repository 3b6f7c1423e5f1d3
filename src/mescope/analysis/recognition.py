"""Name the emotion of one expression whose onset and apex are known, by one model or more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from mescope.errors import MescopeError, VideoError
from mescope.face.aligned import align
from mescope.face.detector import default_finder
from mescope.face.nasal_crop import Smoothing, crop_clip
from mescope.models.weights import Card
from mescope.samples.clip_features import (
    Choice,
    Feature,
    FlowFeature,
    FramesFeature,
    MapFeature,
    OnsetFlowFeature,
)
from mescope.samples.rsmix.plan import FaceMarks
from mescope.samples.sparse_frames import middle
from mescope.training.recipe import FACES, ONSET_FLOW, SIMULATED
from mescope.training.recognizer import Learned, Preparation, load_learned
from mescope.video.reading import Video, open_video

DEFAULT_RECOGNISER = "merba-s28"

SIDE = 224
"""Side of the aligned faces that flow is measured in, px, as in training."""


@dataclass(frozen=True)
class Recognition:
    """What one model says about an expression."""

    model: str  # the name the weights were asked for by
    emotion: str
    shares: dict[str, float]  # of every class, together 1
    simulated: bool  # the weights saw simulated faces only
    scores: dict[str, float]  # of the card: what the weights are worth


@dataclass(frozen=True)
class Recognitions:
    """One expression and what every model says about it.

    ``onset`` and ``apex`` are frames of the recording from 0; ``pictures`` the aligned onset
    and apex (2, 224, 224) uint8; ``flow`` (3, 224, 224): u, v in px of them, and strain.
    """

    source: str
    onset: int
    apex: int
    onset_s: float
    apex_s: float
    found: tuple[Recognition, ...]
    warnings: tuple[str, ...]
    pictures: NDArray[np.uint8]
    flow: NDArray[np.float32]

    def to_dict(self) -> dict[str, object]:
        """Return everything but pictures and flow, for JSON."""
        return {
            "source": self.source,
            "onset": self.onset,
            "apex": self.apex,
            "onset_s": self.onset_s,
            "apex_s": self.apex_s,
            "models": [vars(one) for one in self.found],
            "warnings": list(self.warnings),
        }


def recognize(
    source: str | Path | NDArray[np.uint8] | Video,
    onset: int,
    apex: int,
    *,
    offset: int | None = None,
    models: Sequence[str | Path] = (DEFAULT_RECOGNISER,),
    rate: float | None = None,
) -> Recognitions:
    """Name the emotion of the expression between ``onset`` and ``apex``.

    Args:
        source: a file, a folder of numbered pictures, an array (n, H, W[, 3]) or a Video.
        onset: last frame before the face moves, from 0.
        apex: frame of the strongest motion, from 0.
        offset: frame in which it ends; only models of whole clips need it.
        models: names that ``mescope models`` lists, or files; each is asked.
        rate: frames per second of a folder or array.

    Raises:
        VideoError: a frame is not there, or the frames are not in order.
        FaceError: no face in the onset frame, or too small.
        WeightsError: unknown or damaged weights, or of a model that names no clips.
    """
    if not models:
        raise MescopeError("expected a model or more, found none; `mescope models` lists them")
    loaded = [(str(name), *load_learned(name)) for name in models]
    video = source if isinstance(source, Video) else open_video(source, rate=rate)
    _check_frames(video, [f for f in (onset, apex, offset) if f is not None])
    pair = _Clip(video, (onset, apex))
    flow = FlowFeature(SIDE, SIDE, "tvl1").compute(pair.greys, pair.choice, default_finder())
    pictures, notes = align(pair.greys, SIDE)
    found = []
    for name, learned, card in loaded:
        inputs, more = _inputs(learned.prepare, video, pair, offset)
        notes += more
        found.append(_named(name, card, learned, inputs))
    return Recognitions(
        source=video.name,
        onset=onset,
        apex=apex,
        onset_s=float(video.times[onset]),
        apex_s=float(video.times[apex]),
        found=tuple(found),
        warnings=tuple(dict.fromkeys((*video.warnings, *notes))),
        pictures=pictures,
        flow=flow.values,
    )


class _Clip:
    """Grey pictures of some frames of a recording."""

    def __init__(self, video: Video, frames: Sequence[int]) -> None:
        self.frames = tuple(frames)
        seen = video.read(sorted(set(self.frames)), grey=True)
        if missing := [frame for frame in self.frames if frame not in seen]:
            raise VideoError(
                f"{video.name}: frame {missing[0]} is missing or damaged; choose another one"
            )
        self.greys = [seen[frame] for frame in self.frames]
        self.choice = Choice(self.frames)


def _check_frames(video: Video, frames: Sequence[int]) -> None:
    names = ("onset", "apex", "offset")
    for name, frame in zip(names, frames, strict=False):
        if not 0 <= frame < len(video):
            raise VideoError(
                f"{video.name}: expected frames 0 to {len(video) - 1}, found {name} {frame}; "
                "frames count from 0"
            )
    if list(frames[:2]) != sorted(set(frames[:2])) or frames[-1] < frames[-2]:
        said = ", ".join(f"{n} {f}" for n, f in zip(names, frames, strict=False))
        raise VideoError(f"expected the apex after the onset and no later offset, found {said}")


def _inputs(
    preparation: Preparation, video: Video, pair: _Clip, offset: int | None
) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Return the one input (1, c, ...) that a model is given."""
    size, clip = preparation.size, pair
    feature: Feature
    if preparation.data in ("flow28", SIMULATED):
        feature = MapFeature.of(size)
    elif preparation.data == "flow":
        feature = FlowFeature(size, max(SIDE, size), "tvl1")
    elif preparation.data == ONSET_FLOW:
        feature = OnsetFlowFeature(FlowFeature(size, max(SIDE, size), "tvl1"))
    elif preparation.data == FACES and offset is not None:
        return _faces(preparation, video, range(pair.frames[0], offset + 1)), ()
    elif offset is None:
        raise VideoError("a model of whole clips needs the offset too, found none")
    else:
        spread = np.linspace(pair.frames[0], offset, preparation.channels)
        clip = _Clip(video, [int(frame) for frame in np.rint(spread)])
        feature = FramesFeature(preparation.channels, size)
    made = feature.compute(clip.greys, clip.choice, default_finder())
    values = np.asarray(made.values[None], np.float32)
    return values / np.float32(255) if isinstance(
        feature, FramesFeature
    ) else values, made.notes


def _faces(preparation: Preparation, video: Video, span: range) -> NDArray[np.uint8]:
    """Return the crops (1, c, frames, size, size) of the frames that a test shows."""
    crops = crop_clip(
        FaceMarks(video, default_finder()).of(span),
        size=preparation.size,
        smoothing=cast(Smoothing, preparation.smoothing),
    ).crops
    chosen = middle(len(span), preparation.frames).tolist()
    grey = preparation.channels == 1
    seen = video.read(sorted({span[j] for j in chosen}), grey=grey)
    if missing := [span[j] for j in chosen if span[j] not in seen]:
        raise VideoError(f"{video.name}: frame {missing[0]} is missing or damaged")
    cut = np.stack([crops[j].cut(seen[span[j]]) for j in chosen])
    return cut[None, None] if grey else cut.transpose(3, 0, 1, 2)[None]


def _named(name: str, card: Card, learned: Learned, inputs: NDArray[Any]) -> Recognition:
    shares = learned.scores(inputs)[0]
    return Recognition(
        model=Path(name).stem if name.endswith(".safetensors") else name,
        emotion=learned.classes[int(shares.argmax())],
        shares={c: float(s) for c, s in zip(learned.classes, shares, strict=True)},
        simulated=card.simulated,
        scores=card.scores,
    )
