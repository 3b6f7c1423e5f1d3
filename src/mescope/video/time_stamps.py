"""Pictures that are named by the time at which they were taken, not by a number.

Recognised are, at the end of every name: seconds with a decimal point (``12.345``), a time of
day with or without the date (``09-30-15-123``, ``20230802_093015_123``), and whole milli- or
microseconds (``12345``).  The last look like frame numbers; they are taken for times only if
the steps between them are those of a clock: two lengths next to each other, as 6 and 7 ms are
at 150 frames per second.  Every seventh frame of a recording has one length, a folder with gaps
others.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

_DECIMAL = re.compile(r"(?<![\d.])(\d+\.\d{2,})$")
_CLOCK = re.compile(
    r"(?:(?:19|20)\d\d\D?(?P<month>\d\d)\D?(?P<day>\d\d)\D?)?"
    r"(?P<h>[01]\d|2[0-3])(?P<gap>\D?)(?P<m>[0-5]\d)(?P=gap)(?P<s>[0-5]\d)\D(?P<part>\d{2,6})$"
)
_LEAST = 8  # pictures, to tell a clock by its steps
_UNITS = (
    (1e-3, 2, 60),
    (1e-6, 2000, 60_000),
)  # s, shortest and longest step
_DAY = 86_400.0


def time_stamps(stems: Sequence[str]) -> list[float] | None:
    """Return seconds by the names of pictures without their endings, None if they have none.

    >>> time_stamps(["f_1.200", "f_1.207"]), time_stamps(["img7", "img8"])
    ([1.2, 1.207], None)
    >>> time_stamps(["00-00-15-125", "00-00-15-250"])
    [15.125, 15.25]
    """
    decimals = [_DECIMAL.search(stem) for stem in stems]
    if stems and all(decimals):
        return [float(found[1]) for found in decimals if found]
    clocks = [_CLOCK.search(stem) for stem in stems]
    if stems and all(clocks):
        parts = np.array([int(found["part"]) for found in clocks if found])
        if len(parts) == 1 or (np.diff(np.sort(parts)) != 1).any():  # or it counts frames
            return [_seconds(found) for found in clocks if found]
    return _whole(stems)


def _seconds(found: re.Match[str]) -> float:
    days = 31 * int(found["month"] or 0) + int(found["day"] or 0)
    whole = int(found["h"]) * 3600 + int(found["m"]) * 60 + int(found["s"])
    return days * _DAY + whole + float(f"0.{found['part']}")


def _whole(stems: Sequence[str]) -> list[float] | None:
    """Return the seconds of whole numbers that step as a clock does."""
    digits = [re.findall(r"\d+", stem) for stem in stems]
    if len(stems) < _LEAST or not all(digits):
        return None
    numbers = [int(found[-1]) for found in digits]
    steps = np.diff(np.sort(np.array(numbers, dtype=np.float64)))
    common = Counter(steps.tolist()).most_common(2)
    for unit, shortest, longest in _UNITS:
        if not shortest <= float(np.median(steps)) <= longest:
            continue
        if unit == 1e-3:  # of microseconds hardly two steps are the same
            lengths = [length for length, _ in common]
            if len(common) < 2 or abs(lengths[0] - lengths[1]) != 1:
                return None
            if common[1][1] < 2 or sum(n for _, n in common) < 0.7 * len(steps):
                return None
        elif len(set(steps.tolist())) < 2 or float(np.std(steps)) > 0.2 * np.median(steps):
            return None
        return [number * unit for number in numbers]
    return None
