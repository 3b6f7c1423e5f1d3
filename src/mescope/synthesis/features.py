"""The parts of a drawn face: folds, eyes, brows, nose and mouth, one function each."""

from __future__ import annotations

import numpy as np

from mescope.synthesis.painter import Floats, Painter, closed_curve, curve


def folds(painter: Painter) -> None:
    """Draw the folds beside the nose and mouth, on the forehead and at the eyes."""
    plan, age = painter.traits.plan, painter.traits.wrinkles
    lines, fine = [], []
    for wing, corner, eye, side in ((31, 48, 36, -1), (35, 54, 45, 1)):
        start = plan[wing] + (side * 0.06, -0.08)
        end = plan[corner] + (side * 0.1, 0.02)
        lines.append(curve(np.array([start, (start + end) / 2 + (side * 0.06, 0), end])))
        for k in (-1, 0, 1):
            foot = plan[eye] + (side * 0.09, 0.02 + 0.05 * k)
            fine.append(np.array([foot, np.add(foot, (side * 0.13, 0.06 * k))]))
    for k in range(3):
        y = plan[19, 1] - 0.17 - 0.12 * k
        wave = [
            (x, y + 0.02 * painter.rng.standard_normal()) for x in np.linspace(-0.5, 0.5, 5)
        ]
        fine.append(curve(np.array(wave)))
    painter.shade(1 - (0.16 + 0.3 * age) * painter.strokes(lines, 0.012, 0.022))
    painter.shade(1 - 0.35 * age * painter.strokes(fine, 0.006, 0.009))


def eye(painter: Painter, side: int) -> None:
    """Draw one eye (0 image left, 1 image right): ball, iris, lids, lashes, crease."""
    traits = painter.traits
    ring = traits.plan[36:42] if side == 0 else traits.plan[42:48][[3, 2, 1, 0, 5, 4]]
    upper, lower = curve(ring[:4]), curve(ring[[0, 5, 4, 3]])
    opening = painter.mask(closed_curve(ring[:4], ring[[0, 5, 4, 3]]), 0.006)
    centre = (ring[[1, 2, 4, 5]]).mean(axis=0)
    painter.shade(
        1 - 0.28 * painter.bump(centre[0], centre[1] - 0.08, 0.2, 0.07) * (1 - opening)
    )
    painter.lay(np.array([226.0, 220, 216]) * (0.62 + 0.38 * traits.skin.mean() / 200), opening)
    radius = 0.118
    gap = np.hypot(painter.u - centre[0], painter.v - centre[1] + 0.006)
    disc = np.clip((radius - gap) * painter.unit + 0.5, 0, 1).astype(np.float32) * opening
    rays = 1 + 0.12 * painter.grain(0.02)
    painter.lay(np.clip(traits.iris * rays[..., None], 0, 255), disc)
    rim = np.clip(1 - np.abs(gap - radius) / 0.02, 0, 1).astype(np.float32) * opening
    painter.lay(traits.iris * 0.35, rim, 0.7)
    pupil = np.clip((0.05 - gap) * painter.unit + 0.5, 0, 1).astype(np.float32) * opening
    painter.lay(np.array([12.0, 10, 10]), pupil)
    painter.shade(
        1 - 0.35 * painter.strokes([np.add(upper, (0, 0.02))], 0.035, 0.015) * opening
    )
    glint = painter.bump(centre[0] + 0.035, centre[1] - 0.035, 0.014, 0.014)
    painter.lay(np.array([250.0, 250, 250]), glint * opening, 0.9)
    painter.lay(traits.skin * (0.95, 0.7, 0.68), painter.strokes([lower], 0.012, 0.008), 0.5)
    dark = np.minimum(traits.hair, traits.skin * 0.35)
    painter.lay(dark, painter.strokes([upper], 0.022, 0.008), 0.85)
    crease = np.add(upper[2:-2], (0, -0.065))
    painter.shade(1 - 0.33 * painter.strokes([crease], 0.012, 0.012))
    bag = np.add(lower[3:-3], (0, 0.1))
    painter.shade(1 - (0.07 + 0.15 * traits.wrinkles) * painter.strokes([bag], 0.012, 0.02))


def brow(painter: Painter, side: int) -> None:
    """Draw one brow (0 image left, 1 image right) as a soft shape with single hairs."""
    traits = painter.traits
    line = curve(traits.plan[17:22] if side == 0 else traits.plan[22:27][::-1], 60)
    thick = (
        0.05
        * traits.brow_weight
        * np.interp(np.linspace(0, 1, 60), [0, 0.5, 1], [0.35, 0.9, 1])
    )
    shape = np.vstack(
        [
            line - np.column_stack([0 * thick, thick]),
            (line + np.column_stack([0 * thick, thick]))[::-1],
        ]
    )
    dark = np.minimum(traits.hair * 0.7, traits.skin * 0.45)
    painter.lay(dark, painter.mask(shape, 0.022), 0.65)
    outward = -1 if side == 0 else 1
    hairs = []
    for _ in range(150):
        k = int(painter.rng.integers(60))
        root = line[k] + (0, painter.rng.uniform(-1, 1) * thick[k])
        lean = outward * painter.rng.uniform(0.03, 0.09)
        hairs.append(np.array([root, root + np.array([lean, painter.rng.uniform(-0.05, 0.0)])]))
    painter.lay(dark * 0.7, painter.strokes(hairs, 0.0, 0.0), 0.5)


def nose(painter: Painter) -> None:
    """Draw the nostrils, the wings and the shadow below the nose."""
    plan = painter.traits.plan
    shadow = painter.bump(plan[33, 0], plan[33, 1] + 0.03, 0.2, 0.03)
    painter.shade(1 - 0.3 * shadow)
    for wing, side in ((31, -1), (35, 1)):
        x, y = (plan[wing] + plan[33]) / 2
        hole = painter.bump(x - side * 0.005, y - 0.005, 0.05, 0.024)
        painter.shade(1 - 0.75 * np.clip(hole * 1.4 - 0.25, 0, 1))
        arc = np.array([(plan[wing, 0] + side * 0.015, plan[wing, 1] - 0.16),
                        (plan[wing, 0] + side * 0.05, plan[wing, 1] - 0.07),
                        (plan[wing, 0] + side * 0.005, plan[wing, 1])])  # fmt: skip
        painter.shade(1 - 0.3 * painter.strokes([curve(arc)], 0.012, 0.015))


def mouth(painter: Painter) -> None:
    """Draw closed lips with a dark line between them."""
    traits = painter.traits
    plan = traits.plan
    upper, lower = plan[48:55], plan[[48, 59, 58, 57, 56, 55, 54]]
    line = curve(
        np.vstack(
            [
                plan[[48]],
                (plan[[60, 61, 62, 63, 64]] + plan[[60, 67, 66, 65, 64]]) / 2,
                plan[[54]],
            ]
        ),
        40,
    )
    top = np.vstack([curve(upper, 40), line[::-1]])
    bottom = np.vstack([line, curve(lower, 40)[::-1]])
    tone = 1 + 0.05 * painter.grain(0.03)
    for shape, gain in ((top, 0.82), (bottom, 1.0)):
        lit = np.clip(traits.lips * gain * (tone * _shading_lips(painter))[..., None], 0, 255)
        painter.lay(lit, painter.mask(shape, 0.012), 0.85)
    painter.lay(traits.lips * 0.28, painter.strokes([line], 0.016, 0.008), 0.9)
    for corner, side in ((48, -1), (54, 1)):
        spot = painter.bump(plan[corner, 0] + side * 0.02, plan[corner, 1], 0.03, 0.025)
        painter.shade(1 - 0.35 * spot)
    under = painter.bump(plan[57, 0], plan[57, 1] + 0.07, 0.2, 0.04)
    painter.shade(1 - 0.16 * under)


def _shading_lips(painter: Painter) -> Floats:
    plan = painter.traits.plan
    shine = painter.bump(plan[57, 0] + 0.02, (plan[57, 1] + plan[66, 1]) / 2, 0.13, 0.03)
    return np.asarray(0.95 + 0.22 * shine, np.float32)
