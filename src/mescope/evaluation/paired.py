"""Two evaluations of the same people: differences, people drawn together.

Intervals of two figures may overlap although one model is better for nearly everybody: the same
people are hard for both.  Here every draw of people is scored by both reports, and the interval
is that of the difference.  Conventions: ``docs/protocols.md``, Differences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mescope.errors import DatasetError
from mescope.evaluation.bootstrap import RESAMPLES, middle, resampled
from mescope.evaluation.figures import confusions
from mescope.evaluation.metrics import ABSENT, reported, tallies_of
from mescope.evaluation.predictions import Evaluation
from mescope.evaluation.spotted import Spotted
from mescope.evaluation.spotting_figures import drawn_figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One figure of two reports; each is a mean over its seeds.

    ``interval`` (low, high): where 95 % of ``first`` - ``second`` lie when people are drawn
    anew; None with fewer than two people, or where the counts of a person cannot be drawn.
    """

    metric: str
    title: str
    first: float
    second: float
    interval: tuple[float, float] | None
    people: int

    @property
    def value(self) -> float:
        """First minus second."""
        return self.first - self.second


def differences(first: Evaluation | Spotted, second: Evaluation | Spotted) -> list[Difference]:
    """Return the differences of two evaluations on clips, or of two on recordings.

    Of evaluations on recordings the first methods are compared, those that the recipes ask for.

    Raises:
        DatasetError: they are of different kinds, modes, classes, clips, recordings or
            annotations: then no person's answers can be set beside each other.
    """
    if isinstance(first, Evaluation) and isinstance(second, Evaluation):
        return _of_clips(first, second)
    if isinstance(first, Spotted) and isinstance(second, Spotted):
        return _of_recordings(first, second)
    raise DatasetError(
        f"expected two evaluations on clips or two on recordings, found {first.name} and "
        f"{second.name}, one of each"
    )


def _of_clips(first: Evaluation, second: Evaluation) -> list[Difference]:
    known = [{p.clip: p.truth for p in report.predictions} for report in (first, second)]
    check_same(first, second, "mode", first.mode, second.mode)
    check_same(first, second, "classes", first.classes, second.classes)
    if known[0] != known[1]:
        shared = len(known[0].items() & known[1].items())
        raise DatasetError(
            f"expected the same clips and labels, found {len(known[0])} in {first.name} and "
            f"{len(known[1])} in {second.name}, {shared} of them alike"
        )
    tables = []
    for report in (first, second):
        pairs = [(p, p.predicted) for p in report.predictions]
        tables.append(confusions(pairs, report.classes, report.seeds)[1])
    people = len(tables[0])
    # Equal seeds draw equal people, which are in one order in both tables.
    drawn = [tallies_of(resampled(table)) for table in tables] if people > 1 else None
    found = []
    for metric in reported():
        once = [
            float(metric.of(tallies_of(table.sum(axis=0)), ABSENT).mean()) for table in tables
        ]
        draws = [metric.of(one, ABSENT).mean(axis=1) for one in drawn] if drawn else None
        found.append(_difference(metric.name, metric.title, once, draws, people))
    return found


def _of_recordings(first: Spotted, second: Spotted) -> list[Difference]:
    check_same(first, second, "mode", first.mode, second.mode)
    if first.truth_hash() != second.truth_hash():
        raise DatasetError(
            f"expected the same recordings and annotations, found others in {first.name} than "
            f"in {second.name}"
        )
    one, two = drawn_figures(first), drawn_figures(second)
    people = len({video.person for video in first.videos})
    return [
        _difference(
            name, _TITLES.get(name, name), [one.once[name], two.once[name]],
            [one.draws[name], two.draws[name]] if one.draws and two.draws else None, people,
        )
        for name in one.once
    ]  # fmt: skip


_TITLES = {"f1": "F1", "uf1": "UF1", "uar": "UAR", "harmonic_f1": "recog. F1", "strs": "STRS"}


def _difference(
    name: str,
    title: str,
    once: Sequence[float],
    draws: Sequence[NDArray[np.float64]] | None,
    people: int,
) -> Difference:
    return Difference(
        metric=name, title=title, first=once[0], second=once[1],
        interval=None if draws is None else middle(draws[0] - draws[1]), people=people,
    )  # fmt: skip


def check_same(
    first: Evaluation | Spotted, second: Evaluation | Spotted, what: str, a: object, b: object
) -> None:
    """Refuse two evaluations of which ``what`` is ``a`` in one and ``b`` in the other."""
    if a != b:
        raise DatasetError(
            f"expected one {what}, found {a} in {first.name} and {b} in {second.name}"
        )


HEADS = ("", "first", "second", "difference", "95 %", "people")
"""Columns of :func:`rows`."""


def rows(found: Sequence[Difference]) -> list[tuple[str, ...]]:
    """Return differences as rows of :data:`HEADS`; a star marks an interval without 0."""
    return [
        (
            d.title, f"{d.first:.4f}", f"{d.second:.4f}", f"{d.value:+.4f}",
            "" if d.interval is None else _span(*d.interval), str(d.people),
        )
        for d in found
    ]  # fmt: skip


def _span(low: float, high: float) -> str:
    return f"{low:+.3f} to {high:+.3f}{'' if low <= 0 <= high else ' *'}"


NOTE = (
    f"Differences: the mean over the seeds of the first less that of the second; 95 % of "
    f"{RESAMPLES:,} draws of people, the same people for both. A star: 0 lies outside. Several "
    "figures, or several pairs, make one star by chance likely."
)
