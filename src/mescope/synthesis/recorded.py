"""One call for training data: a rendered recording of somebody, somehow filmed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mescope.synthesis.camera import Camera, draw_camera
from mescope.synthesis.dynamics import log_uniform
from mescope.synthesis.glasses import draw_glasses
from mescope.synthesis.natural import Temper, natural_script
from mescope.synthesis.portraits import FACE_WIDTH, Portrait, drawn_portrait
from mescope.synthesis.render import SyntheticVideo

RATES = {24.0: 0.15, 25.0: 0.3, 30.0: 0.55}
"""Frames a second and how often they are drawn.

Faster recordings are decimated to about these rates before anything is measured, so rendering
them would cost twice to seven times as much and show nothing new.
"""

FACE_PX = (60.0, 240.0)
"""Smallest and largest width of the jaw in the portrait, px; a camera may magnify it to 600.

The face crop of the extraction shows a jaw of about 256 px, so larger portraits would only be
reduced again."""

DARKEST = 40.0
"""Mean grey level of the darkest face; in darker pictures no face is found."""

GLASSES = 0.2
"""Share of the recordings whose person wears glasses."""


def rendered_recording(
    seed: int | Sequence[int],
    duration: float,
    *,
    temper: Temper | None = None,
    rate: float | None = None,
    camera: Camera | None = None,
) -> SyntheticVideo:
    """Return a recording of a drawn person, as varied as real ones; grey frames are cheap.

    ``expressions`` and ``events`` of the result are its truth.  Everything follows from
    ``seed``.

    Args:
        seed: seed of identity, camera, script and rate.
        duration: seconds.
        temper: what happens; drawn by default.
        rate: frames a second; drawn by default.
        camera: drawn by default.
    """
    rng = np.random.default_rng(seed)
    portrait = draw_sitter(rng)
    drawn_rate = float(rng.choice(list(RATES), p=list(RATES.values())))
    drawn_camera = draw_camera(rng)
    script = natural_script(rng, duration, temper=temper)
    script = replace(script, exposure=max(script.exposure, DARKEST / _brightness(portrait)))
    return SyntheticVideo(
        portrait, script, rate or drawn_rate, camera=drawn_camera if camera is None else camera
    )


def draw_sitter(rng: np.random.Generator) -> Portrait:
    """Draw a portrait: identity, size of the face, width of the picture, glasses."""
    face = log_uniform(rng, *FACE_PX)
    height = 2 * round(face * 360 / FACE_WIDTH / 2)
    width = 2 * round(height * rng.choice([1.0, 1.1, 4 / 3]) / 2)
    portrait = drawn_portrait(int(rng.integers(2**31)), (width, height))
    if rng.random() < GLASSES:
        glasses = draw_glasses(rng, portrait.landmarks, portrait.size)
        portrait = replace(portrait, glasses=glasses)
    return portrait


def _brightness(portrait: Portrait) -> float:
    """Return the mean grey level between brows and chin."""
    left, top = portrait.landmarks.min(axis=0).astype(int)
    right, bottom = portrait.landmarks.max(axis=0).astype(int)
    return max(1.0, float(portrait.image[top:bottom, left:right].mean()))
