"""Flow as colours: hue is the direction, strength of colour how far."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def flow_colours(flow: NDArray[np.float32], full: float) -> NDArray[np.uint8]:
    """Return flow (2, h, w) as colours (h, w, 3): hue is direction, saturation is length."""
    angle = np.degrees(np.arctan2(flow[1], flow[0])) % 360
    length = np.clip(np.hypot(flow[0], flow[1]) / full, 0.0, 1.0)
    hsv = np.stack([angle, length, np.ones_like(angle)], -1).astype(np.float32)
    return np.asarray(np.rint(255 * cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)), np.uint8)


def colour_wheel(side: int) -> NDArray[np.uint8]:
    """Return the colours of all directions and lengths, (side, side, 3); white outside."""
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    colours = flow_colours(np.stack([x, y]).astype(np.float32), 1.0)
    colours[np.hypot(x, y) > 1.0] = 255
    return colours
