"""SLSTT: plain classification of sequences of flow maps."""

from __future__ import annotations

from typing import ClassVar

from mescope.models import slstt
from mescope.training.tasks.base import TASKS
from mescope.training.tasks.classification import Classification


@TASKS.register("slstt")
class SlsttTask(Classification):
    """Trains SLSTT on the flow from the onset to frames over the whole clip."""

    models: ClassVar[tuple[str, ...]] = tuple(slstt.PRESETS)
    kinds: ClassVar[tuple[str, ...]] = ("flow-sequence",)
