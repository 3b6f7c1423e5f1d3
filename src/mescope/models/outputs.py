"""What models that name the emotion of one clip return."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class EmotionOutput(NamedTuple):
    """One row of logits for each clip."""

    emotion: Tensor  # (b, classes), logits
