"""Skin as a camera sees it: faint blotches at every scale, pores, shine, soft shadows.

Skin in photographs is nearly scale-free: the contrast of its blotches falls slowly with their
size, and most faces are smoother than one thinks, which is why optical flow fails on cheeks
and foreheads.  How strong all this is differs from person to person and from light to light.
"""

from __future__ import annotations

import numpy as np

from mescope.synthesis.painter import Floats, Painter

_SCALES = (0.015, 0.03, 0.06, 0.12, 0.25, 0.5)  # plan units


def texture(painter: Painter) -> Floats:
    """Return the gain of skin (h, w), around 1: blotches of all sizes, pores, freckles."""
    traits, rng = painter.traits, painter.rng
    slope = rng.uniform(0.2, 0.7)  # contrast grows with size to this power
    blotches = np.zeros(painter.u.shape, np.float32)
    for size in _SCALES:
        blotches += np.float32((size / 0.1) ** slope) * painter.grain(size)
    gain = 1 + np.float32(0.012 * traits.grain) * blotches
    pores = np.clip(painter.grain(0.02) - 1.2, 0, 1.5)
    coarse = np.clip(0.6 + 0.5 * painter.grain(0.5), 0, 1.5)  # some places have more
    gain -= np.float32(0.05 * traits.grain) * pores * coarse
    spots = np.clip(painter.grain(0.05) - 2.1, 0, 0.6) * np.float32(traits.freckles)
    return np.asarray(gain * (1 - 0.5 * spots), np.float32)


def stubble(painter: Painter) -> Floats:
    """Return how much a beard darkens the skin (h, w), 0 to 1: soft shade and single hairs."""
    traits, rng = painter.traits, painter.rng
    if traits.beard == 0:
        return np.zeros(painter.u.shape, np.float32)
    plan = traits.plan
    where = painter.bump(0.0, float(plan[8, 1]) - 0.15, 0.75, 0.32)
    where = np.clip(where + painter.bump(0.0, 0.93, 0.4, 0.1), 0, 1)
    hairs = []
    for _ in range(900):
        root = np.array([rng.uniform(-0.9, 0.9), rng.uniform(0.8, float(plan[8, 1]))])
        lean = np.array([rng.normal(0, 0.015), rng.uniform(0.015, 0.045)])
        hairs.append(np.array([root, root + lean]))
    single = painter.strokes(hairs, 0.0, 0.0)
    soft = 0.55 + 0.2 * painter.grain(0.02)
    return np.asarray(traits.beard * where * np.clip(soft + 0.4 * single, 0, 1), np.float32)


def shine(painter: Painter) -> Floats:
    """Return specular highlights (h, w), 0 to 1: forehead, nose, cheeks, chin, lower lids."""
    traits, rng = painter.traits, painter.rng
    plan = traits.plan
    side = 0.25 * float(traits.light[0])
    total = np.zeros(painter.u.shape, np.float32)
    spots = (
        (side, -0.62, 0.28, 0.1),
        (float(plan[30, 0]) + 0.2 * side, float(plan[30, 1]) - 0.05, 0.05, 0.06),
        (float(plan[28, 0]) + 0.2 * side, 0.25, 0.03, 0.16),
        (-0.62 + side, 0.42, 0.13, 0.1),
        (0.62 + side, 0.42, 0.13, 0.1),
        (side, float(plan[8, 1]) - 0.2, 0.1, 0.06),
    )
    rough = np.clip(1 + 0.35 * painter.grain(0.04), 0.2, 2)
    for x, y, sx, sy in spots:
        total += np.float32(rng.uniform(0.2, 1.0)) * painter.bump(x, y, sx, sy)
    return np.asarray(np.clip(total * rough * traits.oiliness, 0, 1), np.float32)


def cast_shadow(painter: Painter) -> Floats:
    """Return a soft shadow over one side of the face (h, w), the share of light that stays."""
    traits = painter.traits
    if traits.shadow == 0:
        return np.ones(painter.u.shape, np.float32)
    side = np.sign(traits.light[0]) or 1.0
    edge = painter.u * side + 0.12 * np.sin(2.2 * painter.v) + 0.25
    dark = 1 / (1 + np.exp(edge / (0.08 + 0.2 * (1 - traits.shadow))))
    return np.asarray(1 - traits.shadow * dark, np.float32)
