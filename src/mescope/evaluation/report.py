"""The report of an evaluation: every prediction, and the figures counted from them.

A report keeps predictions and counts them anew whenever it is asked, so no figure in it can
differ from its predictions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

from mescope.evaluation import report_frames
from mescope.evaluation.figures import figures_of
from mescope.evaluation.predictions import (
    CLEAN,
    DRAWN,
    SUBJECT_DEPENDENT,
    Evaluation,
    Prediction,
    environment,
)
from mescope.evaluation.report_tables import compared

if TYPE_CHECKING:
    from pandas import DataFrame

ClipTable = Literal["predictions", "figures", "people"]
"""What :meth:`Report.to_pandas` makes a table of."""

__all__ = ["CLEAN", "DRAWN", "SUBJECT_DEPENDENT", "Prediction", "Report", "environment"]


class Report(Evaluation):
    """An :class:`~mescope.evaluation.predictions.Evaluation` with its figures."""

    __slots__ = ()

    def summary(self) -> dict[str, Any]:
        """Return every figure by name, as plain values for JSON.

        See :func:`mescope.evaluation.figures.figures_of` for what stands where.
        """
        return figures_of(self)

    def to_pandas(self, what: ClipTable = "predictions") -> DataFrame:
        """Return a table for further work.

        Args:
            what: ``predictions`` (a row each, as ``predictions.csv``), ``figures`` (a row for
                each part of the data and metric, ``low`` and ``high`` being the 95 % interval
                over people), or ``people``.

        Raises:
            MescopeError: there is no such table.
        """
        if what == "predictions":
            return report_frames.table_of(report_frames.predictions(self))
        if what == "figures":
            return report_frames.table_of(report_frames.clip_figures(self.summary()))
        if what == "people":
            return report_frames.table_of(report_frames.people_of_clips(self.summary()))
        raise report_frames.unknown(what, get_args(ClipTable))

    def compare(self) -> str:
        """Return the figures as text, below papers' tables of the same data and classes.

        Every table names its mode; papers' figures never share a table with these.
        """
        return compared(self)
