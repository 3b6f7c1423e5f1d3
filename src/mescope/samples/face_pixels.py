"""The pixels of clips of faces: a few crops of each expression, and copies pasted of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mescope.events import Recording
from mescope.samples.provenance import Origin, Role, runs
from mescope.samples.rsmix.paste import paste
from mescope.samples.rsmix.plan import Layer, Plan, Settings
from mescope.samples.sparse_frames import pool
from mescope.video.source import Picture, Video

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceClips:
    """What is made of each expression.

    Attributes:
        frames: that a model is shown.
        size: side of the crops, px.
        channels: 3 for RGB, 1 for grey.
        draws: training draws kept of each clip; with 0, training sees the middles.
        views: of each clip in a test (:func:`mescope.samples.sparse_frames.views`).
        macro: macro-expressions too.
        mixes: RSMix copies too.
        controls: control clips of micro-expressions too.
        macro_others: also macro-expressions of the class "others", three in four of all.
        settings: crops and how clips are mixed.
    """

    frames: int
    size: int
    channels: int = 3
    draws: int = 4
    views: int = 1
    macro: bool = False
    mixes: bool = False
    controls: bool = False
    macro_others: bool = True
    settings: Settings = field(default_factory=Settings)

    @property
    def learned(self) -> range:
        """Which of the rows of frames that are kept of each clip are for training.

        Those before them, and the first one where they are all, are the views of a test.
        """
        if self.views == 1 and not self.draws:
            return range(1)
        return range(self.views, self.views + max(self.draws, 1))

    def wants(self, origin: Origin) -> bool:
        """Say whether examples of that origin are asked for."""
        if origin.role == "control":
            return self.controls and origin.kind == "micro"
        asked = self.mixes or origin.role == "original"
        return asked and (self.macro or origin.kind == "micro")


class Clip(NamedTuple):
    """One clip to be cut: ``above`` alone, or pasted as ``plan`` says."""

    number: int
    role: Role
    above: Layer
    plan: Plan | None = None

    def origin(self, recording: Recording) -> Origin:
        """Return where it comes from: it counts as showing every frame from onset to offset."""
        expression = recording.expressions[self.number]
        shown = list(self.above.frames)
        if self.plan and self.plan.below:
            shown += self.plan.below.frames
        return Origin(
            role=self.role,
            kind=expression.kind,
            recording=(recording.dataset, recording.name),
            source=expression.interval,
            shown=runs(shown),
        )


def cut(clips: list[Clip], video: Video, recording: Recording, asked: FaceClips) -> Pixels:
    """Return the pixels (n, c, kept * frames, size, size) of the clips.

    Every picture is decoded once and none kept.
    """
    chosen = [_chosen(clip, recording, asked) for clip in clips]
    wanted: dict[int, list[tuple[int, int, Layer]]] = defaultdict(list)  # by frame
    for number, (clip, frames) in enumerate(zip(clips, chosen, strict=True)):
        for j in set(frames.tolist()):
            for layer in (clip.above, clip.plan.below if clip.plan else None):
                if layer is not None:
                    wanted[layer.frames[j]].append((number, j, layer))
    pieces: dict[tuple[int, int, bool], Pixels] = {}
    grey = asked.channels == 1
    if wanted:
        for frame, picture in video.frames(grey=grey, start=min(wanted), stop=max(wanted) + 1):
            for number, j, layer in wanted.get(frame, ()):
                above = layer is clips[number].above
                pieces[number, j, above] = layer.crops[j].cut(picture)
    made = np.empty(
        (len(clips), asked.channels, len(chosen[0]) if chosen else 0, asked.size, asked.size),
        np.uint8,
    )
    for number, (clip, frames) in enumerate(zip(clips, chosen, strict=True)):
        for place, j in enumerate(frames.tolist()):
            crop = _pasted(clip, j, pieces[number, j, True], pieces.get((number, j, False)))
            made[number, :, place] = crop[None] if grey else crop.transpose(2, 0, 1)
    return made


def _pasted(clip: Clip, j: int, above: Picture, below: Picture | None) -> Picture:
    if below is None or clip.plan is None or clip.plan.cells is None:
        return above
    return paste(above, below, clip.plan.cells[j])


def _chosen(clip: Clip, recording: Recording, asked: FaceClips) -> NDArray[np.int64]:
    """Return which frames of a clip are kept, (kept * frames,), from 0: its onset.

    Where an expression begins decides the draws: the same for an original and its copies.
    """
    seed = recording.expressions[clip.number].interval.first
    available = len(clip.above.frames)
    return pool(available, asked.frames, asked.draws, seed, asked.views).ravel()
