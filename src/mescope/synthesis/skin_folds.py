"""Skin that folds: strong expressions change the light on a face, not only its geometry."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mescope.synthesis.motion import UNITS, inter_ocular

Floats = NDArray[np.float32]
Picture = NDArray[np.uint8]

_FULL = 5.0  # activation at which a fold is as deep as it gets


class Folds:
    """Folds and bulges of one face as shares of light, each with the unit that makes it.

    Args:
        landmarks: (68, 2) of the face at rest, px.
        size: width and height of the picture, px.
    """

    def __init__(self, landmarks: Floats, size: tuple[int, int]) -> None:
        unit = inter_ocular(landmarks)
        low, high = landmarks.min(axis=0) - 0.5 * unit, landmarks.max(axis=0) + 0.1 * unit
        left, top = (max(0, int(v)) for v in low)
        right, bottom = (min(limit, int(v)) for limit, v in zip(size, high, strict=True))
        self.box = (left, top, right, bottom)
        self.masks: list[tuple[tuple[int, ...], Floats]] = []
        marks = landmarks - np.array([left, top], np.float32)
        for side in "RL":
            for units, lines, soft, depth in _side(marks, side, unit):
                self._add(tuple(side + u for u in units), lines, soft * unit, depth)
        chin = marks[57] * 0.55 + marks[8] * 0.45
        half = np.array([0.12 * unit, 0.0])
        self._add(("17",), [[chin - half, chin + half]], 0.04 * unit, -0.2)

    def _add(
        self,
        units: tuple[str, ...],
        lines: list[list[NDArray[np.floating]]],
        soft: float,
        depth: float,
    ) -> None:
        left, top, right, bottom = self.box
        mask = np.zeros((max(1, bottom - top), max(1, right - left)), np.float32)
        fixed = [np.round(np.array(line) * 16).astype(np.int32) for line in lines]
        cv2.polylines(mask, fixed, False, 1.0, max(1, round(soft)), cv2.LINE_8, 4)
        mask = cv2.GaussianBlur(mask, (0, 0), max(0.5, soft))
        mask *= np.float32(depth / max(1e-6, float(mask.max())))
        self.masks.append((tuple(UNITS.index(u) for u in units), np.asarray(mask, np.float32)))

    def shade(self, picture: Picture, activation: Floats) -> Picture:
        """Return the picture (h, w[, 3]) with the folds of the active units."""
        total = None
        for units, mask in self.masks:
            strength = float(np.clip(activation[list(units)].max() / _FULL, 0, 1)) ** 1.5
            if strength > 0.02:
                total = (
                    mask * strength if total is None else cv2.scaleAdd(mask, strength, total)
                )
        if total is None:
            return picture
        left, top, right, bottom = self.box
        out = picture.copy()
        region = out[top:bottom, left:right]
        gain = 1 + (total if picture.ndim == 2 else cv2.merge([total] * 3))
        out[top:bottom, left:right] = cv2.multiply(region, gain, dtype=cv2.CV_8U)
        return out


def _side(
    marks: Floats, side: str, unit: float
) -> list[tuple[tuple[str, ...], list[list[NDArray[np.floating]]], float, float]]:
    """Return the folds of one side, R (image left) or L: units, lines, width, depth.

    ``marks`` is (68, 2) px; widths are in inter-ocular distances; a negative depth is darker.
    """
    right = side == "R"
    wing, corner, eye, inner = (31, 48, 36, 21) if right else (35, 54, 45, 22)
    brow = marks[17:22] if right else marks[22:27]
    out = np.array([-unit if right else unit, 0.0])
    down = np.array([0.0, unit])
    start, end = marks[wing] + 0.08 * out - 0.1 * down, marks[corner] + 0.14 * out
    middle = (start + end) / 2
    cheek = middle + 0.22 * out - 0.06 * down
    foot = marks[eye] + 0.08 * out
    feet = [[foot + 0.05 * k * down, foot + 0.16 * out + 0.1 * k * down] for k in (-1, 0, 1)]
    above = [brow.mean(axis=0) - h * down for h in (0.16, 0.27, 0.38)]
    frown = marks[inner] - 0.07 * out
    ridge = marks[28] + 0.1 * out
    return [
        (("12", "10"), [[start, middle + 0.08 * out, end + 0.05 * down]], 0.03, -0.3),
        (("12", "6"), [[cheek, cheek]], 0.16, 0.13),
        (("6", "12"), feet, 0.014, -0.16),
        (("1", "2"), [[at - 0.3 * out, at + 0.25 * out] for at in above], 0.022, -0.2),
        (("4",), [[frown - 0.1 * down, frown + 0.12 * down]], 0.02, -0.3),
        (("9",), [[ridge, ridge + 0.12 * down]], 0.022, -0.25),
    ]
