"""From annotated expressions to labelled training windows.

All frames here are decimated frames, counted from 0, intervals with both ends.
The rules are those of the code that the authors of ME-TST published.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mescope.events import Expression, Interval
from mescope.labels import SPOTTING_CLASSES

Label = TypeVar("Label", bound=np.generic)


def decimate(interval: Interval, step: int) -> Interval:
    """Return the interval in frames of a recording of which every ``step``-th frame is kept.

    Both ends are divided with truncation, as the published code does.

    >>> decimate(Interval(1911, 1987), 7)
    Interval(first=273, last=283)
    """
    return Interval(interval.first // step, interval.last // step)


def frame_labels(
    expressions: Iterable[Expression], frames: int, classes: Sequence[str] = SPOTTING_CLASSES
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Label every frame of a recording.

    An expression labels the frames strictly between its onset and offset, hard, without a ramp
    to the apex; later expressions overwrite earlier ones; every other frame is neutral.  One
    of fewer than three frames labels nothing.

    Args:
        expressions: the targets; leave macro-expressions out, their frames are neutral.
        frames: number of decimated frames; what lies past them is ignored.
        classes: names of the classes, neutral last.

    Returns:
        The spotting target (frames,), 0 or 1, and the class of every frame (frames,).

    Raises:
        ValueError: an emotion is not one of ``classes``.
    """
    spotting = np.zeros(frames, np.float32)
    index = np.full(frames, len(classes) - 1, np.int64)
    for expression in expressions:
        if expression.emotion not in classes[:-1]:
            raise ValueError(
                f"expected an emotion of {', '.join(classes[:-1])}, got {expression.emotion!r}"
            )
        inside = slice(expression.interval.first + 1, expression.interval.last)
        spotting[inside] = 1.0
        index[inside] = classes.index(expression.emotion)
    return spotting, index


def window_labels(labels: NDArray[Label], window: int, hop: int) -> NDArray[Label]:
    """Cut labels (n,) with the windows' own rule into (W, window), W = n // hop - 1.

    Raises:
        ValueError: the window is not twice the hop, or the recording is shorter than a window.
    """
    if window != 2 * hop:
        raise ValueError(f"a window must be two hops long, got {window} and {hop}")
    count = len(labels) // hop - 1
    if count < 1:
        raise ValueError(f"{len(labels)} frames are fewer than a window of {window}")
    starts = np.arange(count) * hop
    cut: NDArray[Label] = labels[starts[:, None] + np.arange(window)]
    return cut


def sample_windows(
    spotting: NDArray[Any], ratio: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Choose training windows: all with a positive frame, and some without.

    Args:
        spotting: spotting target of every window, (W, k).
        ratio: ``int(n * ratio)`` windows without a positive frame are drawn, without
            replacement, for n windows with one.
        rng: source of the draw.

    Returns:
        Indices of the chosen windows in increasing order.

    Where there are fewer negatives than asked for, all are taken; the published code then
    leaves two of them out.
    """
    positive = (spotting > 0).any(axis=1)
    others = np.flatnonzero(~positive)
    wanted = min(int(positive.sum() * ratio), len(others))
    drawn = rng.choice(others, wanted, replace=False)
    return np.sort(np.concatenate([np.flatnonzero(positive), drawn])).astype(np.int64)
