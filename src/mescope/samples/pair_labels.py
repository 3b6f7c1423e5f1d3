"""Labels of pairs of frames, for networks that see the flow from frame i to i + k_p.

Source: the papers of SOFTNet and MEAN, "pseudo-labelling": the pair that begins at frame i
stands for the frames i to i + k_p - 1; it is labelled 1 if they share any frame with an
expression (an IoU above 0, the Heaviside step of the papers), else 0.
Differences: half the usual length of expressions, the k_p behind the network, comes from
training people only, and may come from the median length; the published codes take the mean
over all people, the person tested too, and take it for the distance of a pair as well, which
here is a constant of the recipe.
All frames here are decimated frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mescope.events import Expression, Interval


def half_length(lengths: Sequence[float], of: Literal["mean", "median"] = "mean") -> float:
    """Return k_p: half the usual length, offset - onset + 1 frames or in seconds.

    Raises:
        ValueError: there are none.

    >>> half_length([10, 14])
    6.0
    """
    if not lengths:
        raise ValueError("expected the lengths of expressions, found none")
    return float(np.mean(lengths) if of == "mean" else np.median(lengths)) / 2


def pair_labels(expressions: Iterable[Expression], frames: int, k: int) -> NDArray[np.float32]:
    """Return the label of every pair, (frames - k,) 0 or 1; nothing if there are k or fewer.

    Args:
        expressions: the targets; leave kinds out that the network is not for.
        frames: of the recording.
        k: k_p.

    >>> smile = Expression(interval=Interval(4, 5), kind="micro")
    >>> pair_labels([smile], 10, 2).tolist()
    [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0]
    """
    out = np.zeros(max(0, frames - k), np.float32)
    for one in expressions:
        out[max(0, one.interval.first - k + 1) : one.interval.last + 1] = 1.0
    return out


def pair_classes(
    expressions: Iterable[Expression], frames: int, k: int, classes: Sequence[str]
) -> NDArray[np.int64]:
    """Return the emotion of every pair that begins within an expression, else -1.

    MEAN learns to name from onset and apex; on recordings, what it is asked about are the pairs
    that begin from the onset to the apex (the middle, where no apex is known).

    Args:
        expressions: the targets; an emotion that is none of ``classes`` labels nothing.
        frames: of the recording.
        k: k_p.
        classes: names of the classes.
    """
    out = np.full(max(0, frames - k), -1, np.int64)
    for one in expressions:
        if one.emotion in classes:
            span: Interval = one.interval
            apex = (span.first + span.last) // 2 if one.apex is None else one.apex
            out[span.first : apex + 1] = classes.index(one.emotion)
    return out
