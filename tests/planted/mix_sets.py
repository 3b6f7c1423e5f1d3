"""Long recordings whose grey level is their frame number, for the tests of RSMix."""

from __future__ import annotations

import numpy as np
from PIL import Image

from mescope.datasets.base import Dataset
from mescope.events import Expression, Interval, Recording
from mescope.face.box import Box
from mescope.face.detector import Face

# fmt: off
FACE_PLAN = [
    (40, 140), (42, 162), (46, 184), (53, 205), (63, 225), (78, 242), (98, 256), (126, 266),
    (160, 270), (194, 266), (222, 256), (242, 242), (257, 225), (267, 205), (274, 184),
    (278, 162), (280, 140), (60, 95), (75, 85), (95, 82), (115, 85), (132, 92), (188, 92),
    (205, 85), (225, 82), (245, 85), (260, 95), (160, 115), (160, 132), (160, 150), (160, 167),
    (138, 182), (149, 186), (160, 188), (171, 186), (182, 182), (80, 118), (92, 110),
    (108, 110), (120, 120), (108, 124), (92, 124), (200, 120), (212, 110), (228, 110),
    (240, 118), (228, 124), (212, 124), (115, 228), (130, 220), (148, 215), (160, 218),
    (172, 215), (190, 220), (205, 228), (190, 240), (175, 246), (160, 248), (145, 246),
    (130, 240), (122, 229), (148, 225), (160, 227), (172, 225), (198, 229), (172, 234),
    (160, 236), (148, 234),
]
# fmt: on
"""68 landmarks (x, y), whole px of a 320 x 320 picture (spec_metst, section 11)."""

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
