"""Glasses: rims that follow the head and no expression, and reflections that slide.

A reflection is a mirror image of the room, so it stays where it is while the head turns: it
moves against rims and skin.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from mescope.synthesis.fields import Box, Floats, Picture, clip_box
from mescope.synthesis.motion import inter_ocular

_SLIDE = 1.2
"""Inter-ocular distances by which a reflection moves in a lens for a turn of one radian."""


@dataclass(frozen=True, eq=False)
class Glasses:
    """One pair of glasses on one face at rest, drawn over the box ``box`` of the picture.

    ``frame`` and ``lens`` are opacities (h, w) float32, ``gloss`` (h, w) is the light that is
    reflected, grey levels; ``tone`` is the grey level of the frame.
    """

    box: Box
    frame: Floats
    lens: Floats
    gloss: Floats
    tone: float

    def draw(
        self,
        out: Picture,
        unit: float,
        pose: Floats,
        locate: Callable[[Box], tuple[Floats, Box]],
    ) -> None:
        """Draw over ``out``; ``locate`` as in :meth:`mescope.synthesis.lids.Eye.draw`."""
        rest, (left, top, right, bottom) = locate(self.box)
        if right - left < 2 or bottom - top < 2:
            return
        place = rest - np.array(self.box[:2], np.float32)
        yaw, pitch = (float(v) for v in pose[4:6]) if len(pose) > 4 else (0.0, 0.0)
        slid = place + np.array([yaw, pitch], np.float32) * np.float32(_SLIDE * unit)
        frame, lens = (_at(self.frame, place), _at(self.lens, place))
        light = _at(self.gloss, slid) * lens
        part = out[top:bottom, left:right].astype(np.float32)
        if out.ndim == 3:
            frame, light = frame[..., None], light[..., None]
        part += light
        part += frame * (np.float32(self.tone) - part)
        out[top:bottom, left:right] = np.clip(part, 0, 255).astype(np.uint8)


def draw_glasses(rng: np.random.Generator, landmarks: Floats, size: tuple[int, int]) -> Glasses:
    """Draw a pair of glasses for a face with these landmarks (68, 2) px."""
    unit = inter_ocular(landmarks)
    eyes = [landmarks[first : first + 6].mean(axis=0) for first in (36, 42)]
    across = (eyes[1] - eyes[0]) / np.linalg.norm(eyes[1] - eyes[0])
    down = np.array([-across[1], across[0]])
    half = np.array([rng.uniform(0.34, 0.44), rng.uniform(0.24, 0.36)], np.float32) * unit
    middle = (eyes[0] + eyes[1]) / 2
    reach = np.array([1.25, 0.7]) * unit
    box = clip_box(np.array([*(middle - reach), *(middle + reach)]), size)
    shape = (box[3] - box[1], box[2] - box[0])
    thick = rng.choice([0.018, 0.03, 0.06]) * unit
    power = rng.uniform(2.0, 5.0)  # 2: an ellipse, more: a rounded rectangle
    frame, lens = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    drop = rng.uniform(0.0, 0.1) * unit
    rims = [_rim(eye + drop * down - box[:2], half, across, down, power) for eye in eyes]
    for rim in rims:
        fixed = np.round(rim * 16).astype(np.int32)
        cv2.fillPoly(lens, [fixed], 255, cv2.LINE_AA, 4)
        cv2.polylines(frame, [fixed], True, 255, max(1, round(thick)), cv2.LINE_AA, 4)
    bars = [(rims[0][0], rims[1][len(rims[1]) // 2])]
    bars.append((rims[0][len(rims[0]) // 2], landmarks[0] - box[:2] - 0.1 * unit * down))
    bars.append((rims[1][0], landmarks[16] - box[:2] - 0.1 * unit * down))
    for a, b in bars:
        ends = np.round(np.array([a, b]) * 16).astype(np.int32)
        cv2.polylines(frame, [ends], False, 255, max(1, round(thick)), cv2.LINE_AA, 4)
    return Glasses(
        box,
        frame.astype(np.float32) * np.float32(rng.uniform(0.7, 1.0) / 255),
        lens.astype(np.float32) * np.float32(1 / 255),
        _gloss(rng, shape, unit),
        float(rng.choice([20.0, 40.0, 90.0, 150.0])),
    )


def _rim(centre: Floats, half: Floats, across: Floats, down: Floats, power: float) -> Floats:
    """Return the outline of one lens, a superellipse, (40, 2); point 0 is image right."""
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    x = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** (2 / power) * half[0]
    y = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** (2 / power) * half[1]
    return np.asarray(centre + x[:, None] * across + y[:, None] * down, np.float32)


def _gloss(rng: np.random.Generator, shape: tuple[int, int], unit: float) -> Floats:
    """Return reflections: a window or lamp, or hardly anything, (h, w) grey levels."""
    gloss = np.zeros(shape, np.float32)
    for _ in range(int(rng.integers(0, 4))):
        x, y = rng.uniform(0, shape[1]), rng.uniform(0.2, 0.8) * shape[0]
        wide, tall = rng.uniform(0.04, 0.3, 2) * unit
        lean = rng.uniform(-0.3, 0.3) * tall
        corners = np.array(
            [
                (x + lean, y),
                (x + wide + lean, y),
                (x + wide - lean, y + tall),
                (x - lean, y + tall),
            ]
        )
        cv2.fillPoly(gloss, [np.round(corners).astype(np.int32)], float(rng.uniform(15, 130)))
    veil = np.float32(rng.uniform(0, 8))
    return np.asarray(cv2.GaussianBlur(gloss, (0, 0), max(0.5, 0.02 * unit)) + veil, np.float32)


def _at(layer: Floats, place: Floats) -> Floats:
    """Return a layer at points (h, w, 2); nothing beyond its border."""
    return np.asarray(
        cv2.remap(layer, place, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    )
