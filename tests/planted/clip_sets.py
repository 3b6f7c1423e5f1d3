"""Small data sets of clips for the tests: a texture that moves, and rendered faces."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

from mescope.datasets.base import Clip, Dataset, seconds_at
from mescope.events import Expression, Interval
from mescope.face.aligned import TEMPLATE
from mescope.face.box import Box
from mescope.face.detector import Face
from mescope.synthesis.dynamics import PlantedExpression, Script, Waves
from mescope.synthesis.render import SyntheticVideo

SIDE = 160
STILL = Waves(amplitudes=(), frequencies=(), phases=())


class FixedFinder:
    """Finds the same face everywhere but in dark pictures."""

    def __init__(self):
        marks = np.zeros((68, 2))
        for rows, goal in zip(
            (slice(36, 42), slice(42, 48), slice(31, 36)), TEMPLATE, strict=True
        ):
            marks[rows] = goal
        self.marks = (marks * 50 + (80, 60)).astype(np.float32)

    def find(self, grey):
        if grey.mean() < 20:
            return []
        return [Face(Box(30, 30, 130, 130), self.marks, 1.0)]

    def landmarks(self, grey, box):
        return self.marks


def texture(seed=0):
    noise = np.random.default_rng(seed).uniform(0, 255, (SIDE, SIDE)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 3)
    return cv2.normalize(soft, None, 40, 230, cv2.NORM_MINMAX).astype(np.uint8)


def shifted(picture, x):
    return cv2.warpAffine(
        picture, np.float32([[1, 0, x], [0, 1, 0]]), (SIDE, SIDE),
        flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101,
    )  # fmt: skip


def write(folder, pictures, first=46):
    folder.mkdir(parents=True)
    for i, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"img{first + i}.png")


def record(
    folder, frames, *, emotion="surprise", apex=3, first=46, dataset="casme2", subject="s1"
):
    expression = Expression(
        interval=Interval(0, frames - 1), kind="micro", apex=apex, emotion=emotion
    )
    return Clip(
        dataset=dataset, subject=subject, name=folder.name, folder=folder, first_number=first,
        frames=frames, rate=200.0, expression=expression, seconds=seconds_at(expression, 200.0),
    )  # fmt: skip


def moving_clip(root, name, planted=(0, 0.5, 1.0, 1.5, 1.0, 0.4), seed=0, **options):
    """A texture at the given places (px to the right)."""
    image = texture(seed)
    write(root / name, [shifted(image, x) for x in planted])
    return record(root / name, len(planted), **options)


def moving_set(root, count=3, **options):
    emotions = ("happiness", "surprise", "disgust")
    clips = [
        moving_clip(
            root, f"EP{i:02d}", seed=i, emotion=emotions[i % 3], subject=f"sub{i % 2:02d}",
            **options,
        )
        for i in range(count)
    ]  # fmt: skip
    return Dataset(name="casme2", clips=tuple(clips))


def rendered(portrait, units, peak=1.0, rate=50, apex_s=0.16, noise=0.0):
    """Frames of an expression of 0.4 s whose onset is frame 0; grey."""
    planted = PlantedExpression(
        onset_s=0.0, apex_s=apex_s, offset_s=0.38, kind="micro", emotion="positive",
        action_units=units, peak=peak,
    )  # fmt: skip
    script = Script(
        duration=0.4, expressions=(planted,), disturbances=(), sway=(STILL,) * 4, nods=(),
        flicker=STILL, noise=noise, quality=None, seed=3, level="calm",
    )  # fmt: skip
    video = SyntheticVideo(portrait, script, rate=rate)
    return [picture for _, picture in video.frames(grey=True)]
