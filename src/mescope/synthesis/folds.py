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
        for sign, wing, corner, eye, brow, side in (
            (-1, 31, 48, 36, slice(17, 22), "R"), (1, 35, 54, 45, slice(22, 27), "L"),
        ):  # fmt: skip
            out = np.array([sign * unit, 0.0])
            down = np.array([0.0, unit])
            start, end = marks[wing] + 0.08 * out - 0.1 * down, marks[corner] + 0.14 * out
            cheek = (start + end) / 2 + 0.22 * out - 0.06 * down
            fold = [start, (start + end) / 2 + 0.08 * out, end + 0.05 * down]
            self._add((f"{side}12", f"{side}10"), [fold], 0.03, unit, -0.3)
            self._add((f"{side}12", f"{side}6"), [[cheek, cheek]], 0.16, unit, 0.13)
            foot = marks[eye] + 0.08 * out
            feet = [
                [foot + 0.05 * k * down, foot + 0.16 * out + 0.1 * k * down] for k in (-1, 0, 1)
            ]
            self._add((f"{side}6", f"{side}12"), feet, 0.014, unit, -0.16)
            above = marks[brow].mean(axis=0)
            lines = [
                [above - h * down - 0.3 * out, above - h * down + 0.25 * out]
                for h in (0.16, 0.27, 0.38)
            ]
            self._add((f"{side}1", f"{side}2"), lines, 0.022, unit, -0.2)
            inner = marks[21 if side == "R" else 22] - 0.07 * out
            self._add(
                (f"{side}4",), [[inner - 0.1 * down, inner + 0.12 * down]], 0.02, unit, -0.3
            )
            ridge = marks[28] + 0.1 * out
            self._add((f"{side}9",), [[ridge, ridge + 0.12 * down]], 0.022, unit, -0.25)
        chin = marks[57] * 0.55 + marks[8] * 0.45
        self._add(
            ("17",), [[chin - (0.12 * unit, 0), chin + (0.12 * unit, 0)]], 0.04, unit, -0.2
        )

    def _add(
        self,
        units: tuple[str, ...],
        lines: list[list[NDArray[np.floating]]],
        soft: float,
        unit: float,
        depth: float,
    ) -> None:
        left, top, right, bottom = self.box
        mask = np.zeros((max(1, bottom - top), max(1, right - left)), np.float32)
        fixed = [np.round(np.array(line) * 16).astype(np.int32) for line in lines]
        cv2.polylines(mask, fixed, False, 1.0, max(1, round(soft * unit)), cv2.LINE_8, 4)
        mask = cv2.GaussianBlur(mask, (0, 0), max(0.5, soft * unit))
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
