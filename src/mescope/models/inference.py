"""Run a spotting model over windows of any number, in batches of bounded memory.

On a CPU every batch has a thread for itself.  Torch's own threads share every small operation
of a batch and wait for each other by spinning: the layers here are so small that this costs
several times what it saves.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray

BATCH = 32
"""Windows that go through the model at a time; results do not depend on it."""

Scores = tuple[NDArray[np.float32], NDArray[np.float32]]


def score_windows(
    model: torch.nn.Module, windows: NDArray[np.float32], *, device: str = "cpu"
) -> Scores:
    """Return the score (W, k), 0 to 1, and the class logits (W, k, c) of windows (W, 2R, k)."""
    starts = range(0, len(windows), BATCH)

    def score(at: int) -> Scores:
        with torch.inference_mode():
            output = model(torch.from_numpy(windows[at : at + BATCH]).to(device))
            return output.spotting.float().cpu().numpy(), output.emotion.float().cpu().numpy()

    if device == "cpu":
        with _threads_of_their_own() as pool:
            parts = list(pool.map(score, starts))
    else:
        parts = [score(at) for at in starts]
    spotting, emotion = zip(*parts, strict=True)
    return np.concatenate(spotting), np.concatenate(emotion)


def score_frames(
    model: torch.nn.Module, maps: NDArray[np.float32], *, device: str = "cpu"
) -> Scores:
    """Return scores (m,) and class logits (m, c) of maps of frames (m, 3, size, size).

    The logits of a model that names nothing are (m, 0).
    """
    scores, logits = [np.empty(0, np.float32)], []
    for at in range(0, len(maps), BATCH):
        with torch.inference_mode():
            part = torch.from_numpy(np.ascontiguousarray(maps[at : at + BATCH])).to(device)
            output = model(part)
            named = getattr(output, "emotion", None)
            scores.append(output.spotting.float().cpu().numpy())
            if named is not None:
                logits.append(named.float().cpu().numpy())
    score = np.concatenate(scores)
    return score, np.concatenate(logits) if logits else np.empty((len(score), 0), np.float32)


@contextmanager
def _threads_of_their_own() -> Iterator[ThreadPoolExecutor]:
    """Give as many threads as torch uses, in each of which it uses one."""
    count = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(count, "mescope-model", torch.set_num_threads, (1,)) as pool:
            yield pool
    finally:
        torch.set_num_threads(count)  # what later threads begin with is one setting for all
