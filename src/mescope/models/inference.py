"""Run a spotting model over windows of any number, in batches of bounded memory."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

BATCH = 128
"""Windows that go through the model at a time; results do not depend on it."""


def score_windows(
    model: torch.nn.Module, windows: NDArray[np.float32], *, device: str = "cpu"
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the score (W, k), 0 to 1, and the class logits (W, k, c) of windows (W, 2R, k)."""
    spotting, emotion = [], []
    with torch.inference_mode():
        for at in range(0, len(windows), BATCH):
            output = model(torch.from_numpy(windows[at : at + BATCH]).to(device))
            spotting.append(output.spotting.float().cpu().numpy())
            emotion.append(output.emotion.float().cpu().numpy())
    return np.concatenate(spotting), np.concatenate(emotion)
