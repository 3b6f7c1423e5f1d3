"""Paint a drawn identity: skin over a lit height map, then hair, brows, eyes, nose, mouth."""

from __future__ import annotations

import cv2
import numpy as np

from mescope.synthesis import features
from mescope.synthesis.drawn import Traits
from mescope.synthesis.painter import Floats, Painter, Points, curve
from mescope.synthesis.skin import cast_shadow, shine, stubble
from mescope.synthesis.skin import texture as skin_texture


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
    above = 0.1 if painter.traits.hair_volume > 0 else 0.3  # the skull shows where no hair is
    y = jaw[[0, 16], 1].mean() - (painter.traits.hairline + above) * np.sin(angle) ** 0.8
    return np.vstack([curve(jaw, 48), np.column_stack([x, y])]) * (widen, 1.0)


def _half_head(painter: Painter) -> float:
    """Return half the width of the head with its hair."""
    return float(np.abs(painter.traits.plan[[0, 16], 0]).mean()) + 0.06


def _hair_behind(painter: Painter) -> None:
    """Draw the hair that falls behind the face and beside the neck."""
    traits, rng = painter.traits, painter.rng
    if traits.hair_volume == 0:
        return
    half, fall = _half_head(painter), traits.hair_length
    half += 0.25 * traits.hair_volume
    side = [(-half, -0.2), (-half - 0.06, 0.4 * fall), (-half + 0.02, 0.85 * fall)]
    side += [(-half + 0.3, fall + 0.05)]
    if fall < 0.5:
        side = [(-half, -0.2), (-half + 0.04, 0.05), (-half + 0.2, 0.15)]
    left = curve(np.array(side), 20)
    top = -(traits.hairline + traits.hair_volume)
    angle = np.linspace(np.pi, 0, 30)[1:-1]
    dome = np.column_stack([half * np.cos(angle), -0.2 + (top + 0.2) * np.sin(angle) ** 0.75])
    hair = painter.mask(np.vstack([left[::-1], dome, _flip(left)[::-1]]), 0.02)
    painter.lay(traits.hair * 0.75, hair)
    strands = []
    for _ in range(260 if fall > 0.5 else 60):
        x = rng.uniform(half - 0.32, half + 0.04) * rng.choice([-1, 1])
        down = np.linspace(-0.4, fall * rng.uniform(0.6, 1.05), 5)
        wave = 0.025 * np.sin(3 * down + rng.uniform(0, 6.3))
        strands.append(curve(np.column_stack([x + wave, down]), 14))
    for gain, some in ((1.3, strands[::2]), (0.55, strands[1::2])):
        painter.lay(traits.hair * gain + 4, painter.strokes(some, 0.008, 0.004) * hair, 0.5)


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
                           - ((painter.v - 0.35) / 1.8) ** 2))  # fmt: skip
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
    skin *= skin_texture(painter)[..., None]
    skin *= (1 - stubble(painter))[..., None]
    lit = skin * (_shading(painter) * cast_shadow(painter))[..., None]
    gloss = shine(painter)[..., None]
    painter.lay(np.clip(lit + gloss * (235 - lit), 0, 255), face)


def _shading(painter: Painter) -> Floats:
    z = cv2.GaussianBlur(_height(painter), (0, 0), 0.02 * painter.unit)
    zx = cv2.Sobel(z, cv2.CV_32F, 1, 0, scale=painter.unit / 8)
    zy = cv2.Sobel(z, cv2.CV_32F, 0, 1, scale=painter.unit / 8)
    norm = np.sqrt(1 + zx**2 + zy**2)
    light = painter.traits.light.astype(np.float32)
    lit = np.maximum(0, (-zx * light[0] - zy * light[1] + light[2]) / norm)
    gloss = np.maximum(0, (-zx * light[0] * 0.5 - zy * light[1] * 0.5 + 1) / norm) ** 24
    return np.asarray(0.3 + 0.72 * lit + 0.07 * gloss, np.float32)


def _dome(painter: Painter, angle: Points, depth: float | Points) -> Points:
    """Return points over the head: ``depth`` 0 at the hairline, 1 at the top of the hair."""
    traits = painter.traits
    half = _half_head(painter) - 0.14 + (0.16 + 0.25 * traits.hair_volume) * depth
    side = np.cos(angle) * np.sign(-traits.parting if traits.parting else 1)
    low = traits.hairline - traits.fringe * np.clip(side * np.sin(angle) * 2, 0, 1)
    top = low + (traits.hairline + traits.hair_volume - low) * depth
    return np.column_stack([half * np.cos(angle), -0.18 - (top - 0.18) * np.sin(angle) ** 0.7])


def _hair_front(painter: Painter) -> None:
    """Draw the hair over the forehead, combed away from a parting."""
    traits, rng = painter.traits, painter.rng
    if traits.hair_volume == 0:
        return
    angle = np.linspace(np.pi, 0, 40)
    shape = np.vstack([_dome(painter, angle, 1.0), _dome(painter, angle, 0.0)[::-1]])
    painter.lay(traits.hair, painter.mask(shape, 0.025))
    parting = float(np.arccos(traits.parting))
    light: list[Points] = []
    dark: list[Points] = []
    for number in range(420):
        start = rng.uniform(0, np.pi)
        away = np.sign(start - parting) * rng.uniform(0.2, 0.6)
        along = np.clip(np.linspace(start, start + away, 5), 0.02, np.pi - 0.02)
        depth = rng.uniform(-0.02, 1.0) - np.linspace(0, 0.25, 5) * rng.uniform(0, 1)
        strand = curve(_dome(painter, along, np.maximum(depth, -0.04)), 12)
        (light if number % 2 else dark).append(strand)
    painter.lay(traits.hair * 1.35 + 6, painter.strokes(light, 0.006, 0.004), 0.45)
    painter.lay(traits.hair * 0.5, painter.strokes(dark, 0.006, 0.004), 0.45)
    if traits.hair_volume > 0.1:
        seam = _dome(painter, np.full(5, parting), np.linspace(0, 0.9, 5))
        painter.lay(traits.hair * 0.45, painter.strokes([seam], 0.008, 0.012), 0.6)
