"""A mouth that opens: upper lip, lower lip and what lies between, in three layers.

The upper lip hangs on the skull and the lower lip on the jaw, so skin above the line between
the lips follows the field plus a lift, skin below it the field plus a drop, and the gap shows
a dark inside with the upper teeth and the tongue.  The edges are anti-aliased.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from mescope.synthesis.fields import Box, Field, Floats, Picture, clip_box, pick
from mescope.synthesis.motion import displacement_basis, inter_ocular

LIFT, DROP = 0.3, 0.7
"""Shares of the gap by which the upper lip rises and the lower lip falls."""

LEAST = 0.12  # px: a narrower gap is not drawn


class Mouth:
    """The mouth of one face at rest.

    Args:
        landmarks: (68, 2) of the face at rest, px.
        size: width and height of the picture, px.
    """

    def __init__(self, landmarks: Floats, size: tuple[int, int]) -> None:
        self.unit = inter_ocular(landmarks)
        line = landmarks[[60, 61, 62, 63, 64]] / 2 + landmarks[[60, 67, 66, 65, 64]] / 2
        self.x = np.linspace(line[0, 0], line[-1, 0], 48).astype(np.float32)
        self.line = np.interp(self.x, line[:, 0], line[:, 1]).astype(np.float32)
        pad = np.array([0.3, 0.5, 0.3, 0.9]) * self.unit * (-1, -1, 1, 1)
        self.box = clip_box(np.array([*line.min(axis=0), *line.max(axis=0)]) + pad, size)
        self.step = max(2, round(self.unit / 24))
        margin = round(0.3 * self.unit)
        left, top, right, bottom = self.box
        around = (left - margin, top - margin, right + margin, bottom + margin)
        self.field = Field.around(landmarks, around, self.step)
        along = np.column_stack([self.x, self.line])
        self.along = displacement_basis(landmarks, along).astype(np.float32)
        self.lift, self.drop = self._lips()
        self.inside = self._paint_inside()

    def draw(
        self,
        out: Picture,
        source: Picture,
        activation: Floats,
        gap: float,
        locate: Callable[[Box], tuple[Floats, Box]],
    ) -> None:
        """Draw the mouth over ``out``, parted by ``gap`` px in the middle.

        ``locate`` returns, for a box at rest, where the pixels of the moved box lie at rest
        (h, w, 2), and that box.
        """
        rest, (left, top, right, bottom) = locate(self.box)
        if right - left < 8 or bottom - top < 8:
            return
        size = (right - left, bottom - top)
        small = (max(4, size[0] // self.step), max(4, size[1] // self.step))
        coarse = cv2.resize(rest, small, interpolation=cv2.INTER_AREA)
        mixed = self.field.mix(activation)
        upper, lower = self._edges(coarse[..., 0], activation, gap)
        upper, lower = (cv2.resize(edge, size) for edge in (upper, lower))
        y = rest[..., 1]
        above = np.clip(upper - y + 0.5, 0, 1)
        below = np.clip(y + 0.5 - lower, 0, 1)
        patch = np.zeros((size[1], size[0], *out.shape[2:]), np.float32)
        layers = (
            (
                above,
                lambda: pick(source, self._unmove(coarse, mixed + gap * self.lift, -1, rest)),
            ),
            (
                below,
                lambda: pick(source, self._unmove(coarse, mixed + gap * self.drop, 1, rest)),
            ),
            (np.clip(1 - above - below, 0, 1), lambda: self._look_inside(source, rest)),
        )
        for share, look in layers:
            weight = share.astype(np.float32)
            patch += look() * (weight[..., None] if out.ndim == 3 else weight)
        out[top:bottom, left:right] = np.clip(np.round(patch), 0, 255).astype(np.uint8)

    def _unmove(self, coarse: Floats, mixed: Floats, side: int, rest: Floats) -> Floats:
        """Return the points of one lip's skin, above (-1) or below (1), moved to ``rest``."""
        points = coarse
        for _ in range(8):
            points = points + np.float32(0.7) * (
                coarse - self.field.sample(mixed, points) - points
            )
        shift = cv2.resize(points - coarse, (rest.shape[1], rest.shape[0]))
        full = rest + shift
        x, y = full[..., 0], full[..., 1]
        border = cv2.resize(
            np.interp(points[..., 0], self.x, self.line).astype(np.float32),
            (rest.shape[1], rest.shape[0]),
        )
        held = (np.minimum if side < 0 else np.maximum)(y, border)
        within = (self.x[0] <= x) & (x <= self.x[-1])
        full[..., 1] = np.where(within, held, y)
        return np.asarray(full, np.float32)

    def _share(self, x: NDArray[np.floating]) -> Floats:
        """Return the share of the full gap at ``x`` px: 1 in the middle, 0 at the corners."""
        middle, half = (self.x[0] + self.x[-1]) / 2, (self.x[-1] - self.x[0]) / 2
        off = np.clip(np.abs(x - middle) / half, 0, 1)
        return np.asarray((1 - off * off) ** 0.8, np.float32)

    def _lips(self) -> tuple[Floats, Floats]:
        """Return what a gap of 1 px does to the skin of both lips, on the grid, (h, w, 2)."""
        shape = self.field.basis.shape[1:3]
        x = self.field.left + self.step * np.arange(shape[1])
        y = self.field.top + self.step * np.arange(shape[0])
        gx, gy = np.meshgrid(x, y)
        away = (gy - np.interp(gx, self.x, self.line)) / self.unit
        opened = self._share(gx)
        reach = np.where(away < 0, np.clip(-away / 0.4, 0, 1), 0)
        lift = -LIFT * opened * np.cos(np.pi / 2 * reach) ** 2
        reach = np.where(away > 0, np.clip(away / 0.75, 0, 1), 0)
        drop = DROP * opened * np.cos(np.pi / 2 * reach) ** 2
        flat = np.zeros(shape)
        up, down = np.stack([flat, lift], axis=-1), np.stack([flat, drop], axis=-1)
        return up.astype(np.float32), down.astype(np.float32)

    def _edges(self, x: Floats, activation: Floats, gap: float) -> tuple[Floats, Floats]:
        """Return y of the moved upper and lower edge at columns ``x`` (h, w) px at rest."""
        moved = np.tensordot(activation, self.along, axes=1)
        columns, rows = self.x + moved[:, 0], self.line + moved[:, 1]
        opened = self._share(self.x) * np.float32(gap)
        order = np.argsort(columns)
        upper = np.interp(x, columns[order], (rows - LIFT * opened)[order])
        lower = np.interp(x, columns[order], (rows + DROP * opened)[order])
        return upper.astype(np.float32), lower.astype(np.float32)

    def _paint_inside(self) -> NDArray[np.float32]:
        """Return the inside of the mouth over ``box``, (h, w), share of the light of skin."""
        left, top, right, bottom = self.box
        x, y = np.meshgrid(np.arange(left, right), np.arange(top, bottom))
        middle, half = (self.x[0] + self.x[-1]) / 2, (self.x[-1] - self.x[0]) / 2
        across = (x - middle) / half
        down = (y - np.interp(x, self.x, self.line)) / self.unit
        inside = np.full(x.shape, 0.16)
        tongue = np.exp(-0.5 * ((across / 0.5) ** 2 + ((down - 0.24) / 0.08) ** 2))
        inside += 0.3 * tongue
        end = 0.075 - 0.03 * across**2  # the edge of the upper teeth
        teeth = np.clip((end - down) * self.unit + 0.5, 0, 1) * (np.abs(across) < 0.92)
        tooth = 0.5 + 0.5 * np.cos(2 * np.pi * across * half / (0.085 * self.unit))
        tone = (0.95 - 0.45 * across**2) * (1 - 0.22 * tooth**6)
        return np.asarray(inside * (1 - teeth) + tone * teeth, np.float32)

    def _look_inside(self, source: Picture, points: Floats) -> Floats:
        """Return the inside at points (h, w, 2) px in the light of ``source``, (h, w[, 3])."""
        left, top, right, bottom = self.box
        cheek = source[top : top + max(1, (bottom - top) // 4), left:right]
        bright = np.minimum(1.15 * cheek.reshape(-1, *source.shape[2:]).mean(axis=0), 235)
        share = cv2.remap(
            self.inside,
            points - np.array([left, top], np.float32),
            None,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        if source.ndim == 2:
            return np.asarray(share * np.float32(bright), np.float32)
        # Teeth are white, what is dark is red.
        tint = bright.mean() * (np.ones(3) * share[..., None])
        tint[..., 1:] *= np.clip(0.45 + 0.7 * share[..., None], 0, 1) * (0.97, 0.9)
        return np.asarray(tint, np.float32)
