"""Small recordings whose frames tell their number."""

import numpy as np

from mescope.synthesis.encode import write_video
from mescope.video.arrays import ArrayVideo

SIDE = 16  # px of a cell; 8 cells make a number


def picture(number, width=128, height=48):
    """Return a grey picture that shows ``number`` as eight black or white cells."""
    image = np.full((height, width, 3), 128, np.uint8)
    for bit in range(8):
        image[8:40, bit * SIDE : (bit + 1) * SIDE] = 235 if number >> bit & 1 else 20
    return image


def number_of(image):
    """Read the number back from a picture (H, W, 3)."""
    scale = image.shape[1] / 128
    cells = [image[int(24 * scale), int((bit + 0.5) * SIDE * scale)].mean() for bit in range(8)]
    return sum(1 << bit for bit, cell in enumerate(cells) if cell > 128)


def write_numbered(path, frames=120, rate=30.0, first=0):
    """Write a recording whose frame n shows first + n."""
    pictures = np.stack([picture((first + n) % 256) for n in range(frames)])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_video(ArrayVideo(pictures, rate), path)
    return path
