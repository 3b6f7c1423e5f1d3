"""The report of an evaluation on recordings: detections, and the figures counted from them."""

from __future__ import annotations

import copy
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

from mescope.evaluation import report_frames
from mescope.evaluation.spotted import Frames, Spotted, SpottedBy, SpottedRun, SpottedVideo
from mescope.evaluation.spotting_figures import figures_of
from mescope.evaluation.spotting_tables import compared

if TYPE_CHECKING:
    from pandas import DataFrame

SpottingTable = Literal["detections", "truth", "figures", "people"]
"""What :meth:`SpottingReport.to_pandas` makes a table of."""

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

    def to_pandas(self, what: SpottingTable = "detections") -> DataFrame:
        """Return a table for further work; frames are native, from 0, both ends included.

        Args:
            what: ``detections`` (of every method and seed), ``truth``, ``figures`` (a row for
                each method and metric, ``low`` and ``high`` being the 95 % interval over
                people), or ``people``.

        Raises:
            MescopeError: there is no such table.
        """
        if what in ("detections", "truth"):
            rows = report_frames.detections if what == "detections" else report_frames.truth
            return report_frames.table_of(rows(self), ("onset", "apex", "offset"))
        if what == "figures":
            return report_frames.table_of(report_frames.spotting_figures(self._figures))
        if what == "people":
            return report_frames.table_of(report_frames.people_of_recordings(self._figures))
        raise report_frames.unknown(what, get_args(SpottingTable))

    def compare(self) -> str:
        """Return the figures as text, below papers' tables of the same data."""
        return compared(self.summary())
