"""Krippendorff's alpha of names: agreement of any number of coders, some of whom may be silent.

Source: Krippendorff 2011, Computing Krippendorff's Alpha-Reliability (University of
Pennsylvania), section C: nominal data, any number of observers, missing data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction

Values = Sequence[str | None]


def krippendorffs_alpha(
    units: Sequence[Values] | Mapping[tuple[str | None, ...], int],
) -> float | None:
    """Return 1 minus observed over expected disagreement, for nominal values.

    A unit in which fewer than two coders say something pairs nothing and does not count.

    Args:
        units: of every unit what each coder called it, None where a coder said nothing; or how
            many units there are of each such row, for rows that come often (frames).

    Returns:
        At most 1; None where no two values can be paired, or all are one and the same, since
        nothing could have been told apart then.

    >>> krippendorffs_alpha([("a", "a"), ("b", "b"), ("a", "b"), ("b", "b")])
    0.5333333333333333
    """
    rows = units if isinstance(units, Mapping) else Counter(map(tuple, units))
    totals: Counter[str] = Counter()
    observed = Fraction(0)
    for row, times in rows.items():
        said = Counter(value for value in row if value is not None)
        values = said.total()
        if values < 2 or times <= 0:
            continue
        for name, number in said.items():
            totals[name] += number * times
        different = values * values - sum(n * n for n in said.values())  # ordered pairs
        observed += Fraction(different * times, values - 1)
    n = totals.total()
    expected = n * n - sum(number * number for number in totals.values())
    if not expected:
        return None
    return float(1 - observed * (n - 1) / expected)
