"""Paint a drawn identity: skin over a lit height map, then hair, brows, eyes, nose, mouth."""

from __future__ import annotations

import cv2
import numpy as np

from mescope.synthesis import features
from mescope.synthesis.drawn import Traits
from mescope.synthesis.painter import Floats, Painter, Points, curve


def paint(
    traits: Traits, size: tuple[int, int], unit: float, centre: Points, seed: int
) -> Floats:
    """Return the picture (h, w, 3), float32, 0 to 255 RGB, of one drawn identity.

    ``unit`` is the distance between the eye centres and ``centre`` the point between them, px.
    """
    painter = Painter(traits, size, unit, centre, seed)
    _backdrop(painter)
    _hair_behind(painter)
    _body(painter)
    _head(painter)
    features.folds(painter)
    for side in (0, 1):
        features.eye(painter, side)
        features.brow(painter, side)
    features.nose(painter)
    features.mouth(painter)
    _hair_front(painter)
    painter.canvas *= 1 + 0.006 * painter.rng.standard_normal(painter.u.shape)[..., None]
    return np.clip(painter.canvas, 0, 255)


def _backdrop(painter: Painter) -> None:
    traits = painter.traits
    painter.canvas[:] = traits.backdrop
    painter.shade(1 + 0.08 * painter.grain(2.5) + 0.02 * painter.grain(0.08))
    for _ in range(6):
        corner = painter.rng.uniform((-4, -2.5), (4, 2.5))
        span = painter.rng.uniform(0.3, 1.5, 2)
        box = corner + np.array([(0, 0), (span[0], 0), span, (0, span[1])])
        painter.lay(
            traits.backdrop * painter.rng.uniform(0.5, 1.4), painter.mask(box, 0.08), 0.6
        )


def _outline(painter: Painter, widen: float = 1.0) -> Points:
    """Return the outline of the face, jaw and forehead, in plan coordinates."""
    jaw = painter.traits.plan[:17]
    angle = np.linspace(0, np.pi, 24)[1:-1]
    half = np.abs(jaw[[0, 16], 0]).mean()
    x = half * np.cos(angle) + jaw[[0, 16], 0].mean()
    y = jaw[[0, 16], 1].mean() - (painter.traits.hairline + 0.22) * np.sin(angle) ** 0.8
    return np.vstack([curve(jaw, 48), np.column_stack([x, y])]) * (widen, 1.0)


def _hair_behind(painter: Painter) -> None:
    traits = painter.traits
    half = np.abs(traits.plan[[0, 16], 0]).max() + 0.16
    top = -(traits.hairline + 0.45)
    fall = traits.hair_length
    side = [(-half, 0.0), (-half - 0.12, fall)] if fall > 0.5 else [(-half + 0.05, 0.1)]
    angle = np.linspace(np.pi, 0, 30)
    dome = np.column_stack([half * np.cos(angle), -0.1 + (top + 0.1) * np.sin(angle) ** 0.75])
    shape = np.vstack([side[::-1], dome, [(-x, y) for x, y in side]])
    hair = painter.mask(shape, 0.03)
    painter.lay(traits.hair, hair)
    painter.shade(1 + hair * 0.18 * painter.grain(0.05))


def _body(painter: Painter) -> None:
    traits = painter.traits
    chin = traits.plan[8, 1]
    neck = np.array(
        [(-0.6, chin - 0.7), (0.6, chin - 0.7), (0.66, chin + 1), (-0.66, chin + 1)]
    )
    painter.lay(traits.skin * 0.72, painter.mask(neck, 0.04))
    arch = np.array(
        [(-2.6, chin + 2.5), (-2.1, chin + 0.75), (-0.75, chin + 0.35), (0.0, chin + 0.7)]
    )
    cloth = np.vstack([curve(arch), curve(_flip(arch))])
    mask = painter.mask(cloth, 0.02)
    painter.lay(traits.cloth, mask)
    painter.shade(1 + mask * (0.12 * painter.grain(0.5) + 0.08 * painter.grain(0.04)))


def _flip(points: Points) -> Points:
    return np.asarray(points[::-1] * (-1, 1))


def _height(painter: Painter) -> Floats:
    """Return the relief of the face in plan units; only its slope matters."""
    plan, bump = painter.traits.plan, painter.bump
    middle = float(plan[27:36, 0].mean())
    z = np.sqrt(np.maximum(0.02, 1.05 - ((painter.u - middle) / 1.3) ** 2
                           - ((painter.v - 0.45) / 1.65) ** 2))  # fmt: skip
    tip_y, base_y = float(plan[30, 1]), float(plan[33, 1])
    for k in np.linspace(0.0, 1.0, 7):
        z += (0.045 + 0.065 * k) * bump(middle, tip_y * k, 0.075 + 0.05 * k, 0.09)
    z += 0.12 * bump(middle, tip_y, 0.13, 0.11)
    for wing in (31, 35):
        z += 0.07 * bump(float(plan[wing, 0]), base_y - 0.09, 0.06, 0.075)
    for eye, brow, cheek in (
        (plan[36:42], plan[17:22], -0.72),
        (plan[42:48], plan[22:27], 0.72),
    ):
        x, y = eye.mean(axis=0)
        z -= 0.11 * bump(x, y - 0.02, 0.26, 0.14)
        z += 0.05 * bump(x, y + 0.01, 0.2, 0.1)
        z += 0.05 * bump(brow[2, 0], brow[2, 1] + 0.02, 0.3, 0.08)
        z += 0.05 * bump(cheek, 0.45, 0.28, 0.22)
    lip = float(plan[62, 1])
    z += 0.05 * bump(float(plan[62, 0]), lip, 0.34, 0.16)
    z -= 0.045 * bump(float(plan[62, 0]), lip + 0.27, 0.24, 0.06)
    z += 0.05 * bump(float(plan[8, 0]), float(plan[8, 1]) - 0.18, 0.22, 0.12)
    z -= 0.02 * bump(float(plan[51, 0]), float(plan[51, 1]) - 0.1, 0.04, 0.08)
    return np.asarray(z, np.float32)


def _head(painter: Painter) -> None:
    traits = painter.traits
    face = painter.mask(_outline(painter), 0.02)
    for side in (-1, 1):
        ear = np.array([traits.plan[0 if side < 0 else 16, 0] + side * 0.04, 0.2])
        hill = painter.bump(float(ear[0]), float(ear[1]), 0.09, 0.2)
        painter.lay(traits.skin * 0.85, np.clip(hill * 2 - 0.6, 0, 1))
    neck_shadow = painter.bump(0.0, float(traits.plan[8, 1]) + 0.12, 0.55, 0.2)
    painter.shade(1 - 0.35 * neck_shadow * (1 - face))
    skin = np.broadcast_to(traits.skin.astype(np.float32), painter.canvas.shape).copy()
    skin[..., 0] *= 1 + 0.05 * (
        painter.bump(-0.65, 0.6, 0.3, 0.25) + painter.bump(0.65, 0.6, 0.3, 0.25)
    )
    skin *= (1 + 0.02 * painter.grain(0.3) + 0.018 * painter.grain(0.06)
             + 0.022 * painter.grain(0.025))[..., None]  # fmt: skip
    spots = np.clip(painter.grain(0.05) - 2.1, 0, 0.6) * traits.freckles
    skin *= (1 - 0.5 * spots)[..., None]
    shadow = painter.bump(0.0, float(traits.plan[8, 1]) - 0.15, 0.75, 0.32)
    stubble = traits.beard * np.clip(shadow + painter.bump(0, 0.93, 0.4, 0.1), 0, 1)
    skin *= (1 - stubble * (0.55 + 0.2 * painter.grain(0.02)))[..., None]
    painter.lay(np.clip(skin * _shading(painter)[..., None], 0, 255), face)


def _shading(painter: Painter) -> Floats:
    z = cv2.GaussianBlur(_height(painter), (0, 0), 0.02 * painter.unit)
    zx = cv2.Sobel(z, cv2.CV_32F, 1, 0, scale=painter.unit / 8)
    zy = cv2.Sobel(z, cv2.CV_32F, 0, 1, scale=painter.unit / 8)
    norm = np.sqrt(1 + zx**2 + zy**2)
    light = painter.traits.light.astype(np.float32)
    lit = np.maximum(0, (-zx * light[0] - zy * light[1] + light[2]) / norm)
    gloss = np.maximum(0, (-zx * light[0] * 0.5 - zy * light[1] * 0.5 + 1) / norm) ** 24
    return np.asarray(0.3 + 0.72 * lit + 0.07 * gloss, np.float32)


def _hair_front(painter: Painter) -> None:
    traits = painter.traits
    half = np.abs(traits.plan[[0, 16], 0]).max() + 0.14
    outer_y, inner_y = -(traits.hairline + 0.42), -traits.hairline
    angle = np.linspace(np.pi, 0, 30)
    outer = np.column_stack(
        [half * np.cos(angle), -0.05 + (outer_y + 0.05) * np.sin(angle) ** 0.75]
    )
    inner_x = (half - 0.2) * np.cos(angle)
    inner = np.column_stack([inner_x, -0.15 + (inner_y + 0.15) * np.sin(angle) ** 0.6])
    cap = painter.mask(np.vstack([outer, inner[::-1]]), 0.025)
    painter.lay(traits.hair, cap)
    strands = []
    for _ in range(250):
        a = painter.rng.uniform(0, np.pi)
        root = np.array([(half - 0.12) * np.cos(a), -0.1 + (inner_y - 0.02) * np.sin(a) ** 0.7])
        along = np.array([np.cos(a) * 0.1 + painter.rng.normal(0, 0.05), -0.3 * np.sin(a)])
        strands.append(curve(np.array([root, root + along * 0.5, root + along]), 6))
    painter.lay(traits.hair * 1.35 + 12, painter.strokes(strands, 0.0, 0.004), 0.45)
