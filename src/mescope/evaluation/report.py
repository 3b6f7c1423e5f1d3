"""The report of an evaluation: every prediction, and the figures counted from them.

A report keeps predictions and counts them anew whenever it is asked, so no figure in it can
differ from its predictions.
"""

from __future__ import annotations

from typing import Any

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

__all__ = ["CLEAN", "DRAWN", "SUBJECT_DEPENDENT", "Prediction", "Report", "environment"]


class Report(Evaluation):
    """An :class:`~mescope.evaluation.predictions.Evaluation` with its figures."""

    __slots__ = ()

    def summary(self) -> dict[str, Any]:
        """Return every figure by name, as plain values for JSON.

        See :func:`mescope.evaluation.figures.figures_of` for what stands where.
        """
        return figures_of(self)

    def compare(self) -> str:
        """Return the figures as text, above papers' tables of the same data and classes.

        Every table names its mode; papers' figures never share a table with these.
        """
        return compared(self)
