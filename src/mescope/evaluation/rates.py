"""How often something happens a minute, with an interval.

Of one person the number of events is taken as Poisson, and the interval is the exact one of
Garwood 1936, Fiducial limits for the Poisson distribution, Biometrika 28 (quantiles of gamma
distributions).  Of a group it is what happens to the rate when its people are drawn anew:
events of one person cluster, and people differ by more than chance would have them, so that a
Poisson interval of the pooled number would be too narrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincinv

from mescope.evaluation.bootstrap import RESAMPLES, middle, resampled

LEAST_PEOPLE = 5
"""Fewer people say too little of how people differ: no interval is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Events a minute; None where no time was judged, or where an interval is not known."""

    number: int
    seconds: float
    people: int
    a_minute: float | None
    low: float | None = None
    high: float | None = None


def of_person(number: int, seconds: float) -> Rate:
    """Return the rate of one person with its exact Poisson interval.

    >>> rate = of_person(5, 60.0)
    >>> rate.a_minute, round(rate.low, 3), round(rate.high, 3)
    (5.0, 1.623, 11.668)
    """
    if seconds <= 0:
        return Rate(number=number, seconds=0.0, people=1, a_minute=None)
    minutes = seconds / 60
    low = float(gammaincinv(number, 0.025)) if number else 0.0
    high = float(gammaincinv(number + 1, 0.975))
    return Rate(
        number=number, seconds=seconds, people=1, a_minute=number / minutes,
        low=low / minutes, high=high / minutes,
    )  # fmt: skip


def of_group(people: Sequence[tuple[int, float]], *, seed: int = 0) -> Rate:
    """Return events over minutes of all people together, its interval from people drawn anew.

    Args:
        people: number of events and judged seconds of each.
        seed: equal seeds draw equally.
    """
    there = [(number, seconds) for number, seconds in people if seconds > 0]
    number, seconds = sum(n for n, _ in there), sum(s for _, s in there)
    if not there:
        return Rate(number=0, seconds=0.0, people=0, a_minute=None)
    rate = Rate(
        number=number, seconds=seconds, people=len(there), a_minute=60 * number / seconds
    )
    if len(there) < LEAST_PEOPLE:
        return rate
    # whole milliseconds: what is drawn are counts
    sums = resampled(
        [(n, max(1, round(1000 * s))) for n, s in there], resamples=RESAMPLES, seed=seed
    )
    low, high = middle(60_000 * sums[:, 0] / np.asarray(sums[:, 1], dtype=np.float64))
    return Rate(
        number=number, seconds=seconds, people=len(there), a_minute=rate.a_minute,
        low=low, high=high,
    )  # fmt: skip
