"""A mixed clip beside what it was made of: a strip to print, frames for a video.

Both show source, target, the pasted part on grey, and the result.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Pictures = NDArray[np.uint8]

TITLES = ("source", "neutral target", "pasted cells", "mixed")

_GREY = 128  # what is not pasted
_GAP = 4  # px between pictures
_LABEL = 22  # px of a line of text
_PAPER, _INK = 255, 40


def mix_strip(
    source: Pictures,
    target: Pictures,
    mask: NDArray[np.bool_],
    mixed: Pictures,
    *,
    columns: int = 6,
) -> Pictures:
    """Return one picture (h, w, 3): a row for each of the four clips, with its title.

    Args:
        source: (k, S, S, 3) RGB.
        target: the same shape.
        mask: (k, S, S), where ``source`` was pasted.
        mixed: the same shape as ``source``.
        columns: frames shown, from the first to the last, evenly.
    """
    chosen = np.unique(np.linspace(0, len(source) - 1, columns).round().astype(int))
    rows = []
    for title, clip in zip(TITLES, _clips(source, target, mask, mixed), strict=True):
        pictures = [_framed(clip[i]) for i in chosen]
        row = np.hstack(pictures)
        rows += [_line(title, row.shape[1]), row]
    numbers = [_line(f"frame {i}", source.shape[2] + _GAP) for i in chosen]
    return np.vstack([np.hstack(numbers), *rows])


def side_by_side(
    source: Pictures, target: Pictures, mask: NDArray[np.bool_], mixed: Pictures
) -> Pictures:
    """Return a clip (k, S + 22, 4 S, 3) with the four clips of :func:`mix_strip`."""
    clips = _clips(source, target, mask, mixed)
    head = np.hstack([_line(title, source.shape[2]) for title in TITLES])
    return np.stack(
        [np.vstack([head, np.hstack(frames)]) for frames in zip(*clips, strict=True)]
    )


def _clips(
    source: Pictures, target: Pictures, mask: NDArray[np.bool_], mixed: Pictures
) -> tuple[Pictures, ...]:
    pasted = np.where(mask[..., None], source, np.uint8(_GREY))
    return source, target, pasted, mixed


def _framed(picture: Pictures) -> Pictures:
    return np.pad(picture, ((0, _GAP), (0, _GAP), (0, 0)), constant_values=_PAPER)


def _line(text: str, width: int) -> Pictures:
    """Return a line of text (22, width, 3), dark on white."""
    line = np.full((_LABEL, width, 3), _PAPER, np.uint8)
    where, size, ink = (2, _LABEL - 7), 0.45, (_INK,) * 3
    cv2.putText(line, text, where, cv2.FONT_HERSHEY_SIMPLEX, size, ink, 1, cv2.LINE_AA)
    return line
