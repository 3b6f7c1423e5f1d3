"""Long recordings whose grey level is their frame number, for the tests of RSMix."""

from __future__ import annotations

import numpy as np
from PIL import Image
from planted_landmarks import LANDMARKS as FACE_PLAN

from mescope.datasets.base import Dataset
from mescope.events import Expression, Interval, Recording
from mescope.face.box import Box
from mescope.face.detector import Face

DARK = 5
"""Grey level of a frame in which nobody is found."""

FIRST = 10  # grey level of frame 0


class PlanFinder:
    """Finds the face of the acceptance checks everywhere but in dark pictures."""

    def __init__(self):
        self.marks = np.array(FACE_PLAN, np.float32)
        self.looks = 0

    def find(self, grey):
        self.looks += 1
        box = Box(0, 0, grey.shape[1], grey.shape[0])
        return [] if grey.mean() < FIRST - 1 else [Face(box, self.marks, 1.0)]

    def landmarks(self, grey, box):
        return self.marks


def expression(first, last, units="12", kind="micro", apex=None, emotion="surprise"):
    return Expression(
        interval=Interval(first, last), kind=kind, apex=apex, emotion=emotion,
        action_units=tuple(u for u in units.split("+") if u),
    )  # fmt: skip


def recording(root, name, frames, expressions, *, subject="s1", rate=30.0, dark=(), absent=()):
    """A folder of pictures; frame f is a picture of grey level ``FIRST + f``, number f + 1."""
    folder = root / name
    folder.mkdir(parents=True)
    for f in range(frames):
        if f not in absent:
            level = DARK if f in dark else FIRST + f
            picture = Image.new("RGB", (320, 320), (level, level, level))
            picture.save(folder / f"{f + 1}.png")
    return Recording(
        dataset="casme3a", subject=subject, name=name, frames=frames, rate=rate,
        expressions=tuple(expressions), path=str(folder),
    )  # fmt: skip


def data_set(*recordings):
    return Dataset(name="casme3a", recordings=recordings)


def frames_in(clip, mask):
    """Return the frame numbers that a clip (k, S, S, 3) shows inside and outside of a mask."""
    inside = [np.unique(f[m]) for f, m in zip(clip, mask, strict=True)]
    outside = [np.unique(f[~m]) for f, m in zip(clip, mask, strict=True)]
    assert all(len(v) == 1 for v in (*inside, *outside))
    return [int(v[0]) - FIRST for v in inside], [int(v[0]) - FIRST for v in outside]
