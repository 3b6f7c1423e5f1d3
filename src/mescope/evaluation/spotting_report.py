"""The report of an evaluation on recordings: detections, and the figures counted from them."""

from __future__ import annotations

import copy
from functools import cached_property
from typing import Any

from mescope.evaluation.spotted import Frames, Spotted, SpottedBy, SpottedRun, SpottedVideo
from mescope.evaluation.spotting_figures import figures_of
from mescope.evaluation.spotting_tables import compared

__all__ = ["Frames", "SpottedBy", "SpottedRun", "SpottedVideo", "SpottingReport"]


class SpottingReport(Spotted):
    """What was :class:`~mescope.evaluation.spotted.Spotted`, with its figures."""

    def summary(self) -> dict[str, Any]:
        """Return every figure by name; see :func:`mescope.evaluation.spotting_figures`."""
        return copy.deepcopy(self._figures)

    @cached_property
    def _figures(self) -> dict[str, Any]:
        """Figures, counted once: the chance rows of a large data set take seconds."""
        return figures_of(self)

    def compare(self) -> str:
        """Return the figures as text, above papers' tables of the same data."""
        return compared(self.summary())
