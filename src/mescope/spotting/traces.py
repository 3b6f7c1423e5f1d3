"""From the scores of overlapping windows to one trace per recording.

Window j of k frames starts at frame ``j * hop`` with ``hop = k / 2``; W windows cover
``(W + 1) * hop`` frames.  All frames here are decimated frames.  Source: the code of ME-TST;
the differences stand in docs/models/me-tst.md.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


def stitch(
    windows: Floats, hop: int, *, valid: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """Put windows together: the first writes both halves, every other its second half.

    So every frame after the first ``hop`` is scored by the window whose reference frame lies
    ``hop`` to ``2 * hop - 1`` frames earlier, whatever batches the windows came in.  The
    published test loop takes the first window of a *batch* for the first of a video, so its
    traces change with the batch size; that is not reproduced in any mode.

    Args:
        windows: scores of every window, (W, k) or (W, k, c).
        hop: frames from one window to the next, k / 2.
        valid: (W, k), False where a window has no face.  A frame whose own window is invalid
            there is taken from the next window's first half if that one is valid; if not, it
            is nan.

    Returns:
        The trace, ``((W + 1) * hop,)`` or ``((W + 1) * hop, c)``.

    Raises:
        ValueError: shapes do not fit together.

    >>> stitch(np.array([[1, 2, 3, 4], [11, 12, 13, 14]]), 2).tolist()
    [1.0, 2.0, 3.0, 4.0, 13.0, 14.0]
    """
    _check(windows, hop)
    ok = np.ones(windows.shape[:2], bool) if valid is None else np.asarray(valid)
    if ok.shape != windows.shape[:2]:
        raise ValueError(f"valid must have shape {windows.shape[:2]}, got {ok.shape}")
    trace = np.full(((len(windows) + 1) * hop, *windows.shape[2:]), np.nan)
    for j in reversed(range(len(windows))):  # first halves last: they only fill what is left
        at = (j + 1) * hop
        seen = ok[j, hop:]
        trace[at : at + hop][seen] = windows[j, hop:][seen]
    for j in range(len(windows)):
        part = trace[j * hop : (j + 1) * hop]
        empty = np.isnan(part).reshape(hop, -1).any(axis=1) & ok[j, :hop]
        part[empty] = windows[j, :hop][empty]
    return trace


def _check(windows: Floats, hop: int) -> None:
    if windows.ndim not in (2, 3) or len(windows) == 0 or windows.shape[1] != 2 * hop:
        raise ValueError(
            f"windows must be (W, {2 * hop}) or (W, {2 * hop}, c), got {windows.shape}"
        )


def box_smooth(trace: Floats, half: int) -> NDArray[np.float64]:
    """Average ``trace[n - half] .. trace[n + half - 1]``, zeros outside: the published box.

    Always as long as the trace (with NumPy's ``same`` it would be as long as a longer box).
    """
    box = np.full(2 * half, 1.0 / (2 * half))
    return np.convolve(trace, box)[half - 1 :][: len(trace)].astype(np.float64)


def centred_smooth(trace: Floats, length: int) -> NDArray[np.float64]:
    """Average the ``length`` (odd) frames around each frame, fewer at the ends.

    >>> centred_smooth(np.array([0.0, 3.0, 0.0, 0.0]), 3).tolist()
    [1.5, 1.0, 1.0, 0.0]
    """
    half = length // 2
    sums = np.concatenate([[0.0], np.cumsum(trace, dtype=np.float64)])
    n = np.arange(len(trace))
    first, last = np.maximum(n - half, 0), np.minimum(n + half + 1, len(trace))
    return np.asarray((sums[last] - sums[first]) / (last - first), dtype=np.float64)


def valid_runs(trace: Floats) -> list[tuple[int, int]]:
    """Return (first, last) of every run of frames that are not nan, ends included.

    >>> valid_runs(np.array([np.nan, 1.0, 2.0, np.nan, 3.0]))
    [(1, 2), (4, 4)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[True], np.isnan(trace), [True]])))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]
