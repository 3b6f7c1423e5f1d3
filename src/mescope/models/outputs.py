"""What models return that look at one clip, or at one frame, at a time."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class EmotionOutput(NamedTuple):
    """One row of logits for each clip."""

    emotion: Tensor  # (b, classes), logits


class FrameOutput(NamedTuple):
    """One score for each frame."""

    spotting: Tensor  # (b,), towards 1 within an expression


class FrameEmotionOutput(NamedTuple):
    """One score and one row of logits for each frame."""

    spotting: Tensor  # (b,), towards 1 within an expression
    emotion: Tensor  # (b, classes), logits
