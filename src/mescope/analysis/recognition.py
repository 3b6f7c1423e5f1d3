"""Name the emotion of one expression whose onset and apex are known, by one model or more."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mescope import defaults
from mescope.errors import MescopeError, VideoError
from mescope.face.aligned import align
from mescope.face.detector import default_finder
from mescope.io.devices import checked_device
from mescope.models.weights import Card
from mescope.moved import renamed
from mescope.results import Recognition, Recognitions
from mescope.samples.clip_features import Choice, Computed, FlowFeature
from mescope.samples.clip_kinds import SIDE
from mescope.samples.kinds import SAMPLES
from mescope.samples.one_clip import OneClip
from mescope.training.recognizer import TrainedRecognizer
from mescope.training.recognizers import load_recognizer
from mescope.video.reading import Video, open_video

Loaded = list[tuple[str, TrainedRecognizer, Card]]
"""Models that name clips: what they were asked for by, the model, and its card."""


def recognize(
    source: str | Path | NDArray[np.uint8] | Video,
    onset: int,
    apex: int,
    *,
    offset: int | None = None,
    models: Sequence[str | Path] = (defaults.RECOGNISER,),
    rate: float | None = None,
    device: str = "cpu",
) -> Recognitions:
    """Name the emotion of the expression between ``onset`` and ``apex``.

    Args:
        source: a file, a folder of numbered pictures, an array (n, H, W[, 3]) or a Video.
        onset: last frame before the face moves, from 0.
        apex: frame of the strongest motion, from 0.
        offset: frame in which it ends; only models of whole clips need it.
        models: names that ``mescope models`` lists, or files; each is asked.
        rate: frames per second of a folder or array.
        device: where the networks run: cpu, cuda, a card such as cuda:1, mps or auto.

    Raises:
        VideoError: a frame is not there, or the frames are not in order.
        FaceError: no face in the onset frame, or too small.
        WeightsError: unknown or damaged weights, or of a model that names no clips.
        MescopeError: the device is not there.
    """
    loaded = load_models(models, device)
    video = source if isinstance(source, Video) else open_video(source, rate=rate)
    check_frames(video, [f for f in (onset, apex, offset) if f is not None])
    clip = OneClip(video, onset, apex, offset)
    flow = flow_of(clip, SIDE)
    pictures, notes = align(clip.pair, SIDE)
    found, more = named_by(loaded, clip)
    notes += more
    return Recognitions(
        source=video.name,
        onset=onset,
        apex=apex,
        onset_s=float(video.times[onset]),
        apex_s=float(video.times[apex]),
        found=found,
        warnings=tuple(dict.fromkeys((*video.warnings, *notes))),
        pictures=pictures,
        flow=flow.values,
    )


def load_models(models: Sequence[str | Path], device: str = "cpu") -> Loaded:
    """Return models that name clips, each on the device, with its name and its card.

    Raises:
        MescopeError: none is asked for, or the device is not there.
        WeightsError: unknown or damaged weights, or of a model that names no clips.
    """
    if not models:
        raise MescopeError("expected a model or more, found none; `mescope models` lists them")
    chosen = checked_device(device)
    loaded: Loaded = [(str(name), *load_recognizer(name)) for name in models]
    for _, recognizer, _ in loaded:
        recognizer.model.to(chosen)
    return loaded


def named_by(loaded: Loaded, clip: OneClip) -> tuple[tuple[Recognition, ...], tuple[str, ...]]:
    """Return what each model says of an expression, and notes on the way.

    Raises:
        VideoError: a frame is missing or damaged, or a model needs the offset.
        FaceError: no face, or too small.
    """
    found, notes = [], list[str]()
    for name, recognizer, card in loaded:
        preparation = recognizer.prepare
        inputs, more = SAMPLES.named(preparation.data).of_one(preparation, clip)
        notes += more
        found.append(_named(name, card, recognizer, inputs))
    return tuple(found), tuple(notes)


def flow_of(clip: OneClip, size: int) -> Computed:
    """Return the flow from onset to apex, (3, size, size): u, v in px, and strain."""
    feature = FlowFeature(size, max(SIDE, size), "tvl1")
    return feature.compute(clip.pair, Choice((clip.onset, clip.apex)), default_finder())


def check_frames(video: Video, frames: Sequence[int]) -> None:
    """Refuse an onset, apex and offset that a video lacks, or that are out of order.

    Raises:
        VideoError: with the frame.
    """
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


def _named(
    name: str, card: Card, recognizer: TrainedRecognizer, inputs: NDArray[Any]
) -> Recognition:
    shares = recognizer.scores(inputs)[0]
    return Recognition(
        model=Path(name).stem if name.endswith(".safetensors") else name,
        emotion=recognizer.classes[int(shares.argmax())],
        shares={c: float(s) for c, s in zip(recognizer.classes, shares, strict=True)},
        simulated=card.simulated,
        scores=card.scores,
    )


__getattr__ = renamed(__name__, {"DEFAULT_RECOGNISER": "mescope.defaults.RECOGNISER"})
