"""Films of a public-domain portrait that sways, and of a room without a face."""

import cv2
import numpy as np
import skimage.data

from mescope.motion.roi_flow import Timing

SHORT = Timing(16, 8, 1, 30.0)


def portrait():
    grey = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2GRAY)
    return cv2.resize(grey[20:260, 100:340], (240, 240))


def film(frames, *, sway=2.0, noise=1.0, seed=0):
    """A face that sways by whole and part pixels, with sensor noise."""
    rng = np.random.default_rng(seed)
    picture = portrait()
    out = np.empty((frames, 240, 240), np.uint8)
    for i in range(frames):
        shift = np.float32([[1, 0, sway * np.sin(i / 5)], [0, 1, sway * np.cos(i / 7)]])
        image = cv2.warpAffine(picture, shift, (240, 240), borderMode=cv2.BORDER_REPLICATE)
        out[i] = np.clip(image + rng.normal(0, noise, image.shape), 0, 255)
    return out


def empty(frames, seed=1):
    """A dim room without a face."""
    rng = np.random.default_rng(seed)
    return rng.normal(60, 1.0, (frames, 240, 240)).clip(0, 255).astype(np.uint8)
