"""Pictures that are named by the time at which they were taken, not by a number.

Recognised are, at the end of every name: seconds with a decimal point (``12.345``), a time of
day with or without the date (``09-30-15-123``, ``20230802_093015_123``), and whole milli- or
microseconds (``12345``).  The last look like frame numbers; they are taken for times only if
the steps between them are those of a clock: two lengths next to each other, as 6 and 7 ms are
at 150 frames per second.  Every seventh frame of a recording has one length, a folder with gaps
others.

``S01.0001`` and ``clip_101112_0003`` look like times, too, and count frames.  So times are
believed only where they fit the pictures a second, or, where nobody says how many those are,
what a camera takes; and never where the last number goes up by one from picture to picture.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from mescope.io.natural_order import natural

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
_CAMERA = (2e-3, 1.0)  # s between two pictures, where the rate is not known
_FITS = (0.5, 2.0)  # times the interval that the rate says
_DOUBT = 1e-6  # share; stamps are written in decimals


def time_stamps(stems: Sequence[str], rate: float | None = None) -> list[float] | None:
    """Return seconds by the names of pictures without their endings, None if they have none.

    Args:
        stems: the names.
        rate: pictures a second, if it is known: other times are none.

    >>> time_stamps(["f_1.200", "f_1.207"]), time_stamps(["img7", "img8"])
    ([1.2, 1.207], None)
    >>> time_stamps(["00-00-15-125", "00-00-15-250"])
    [15.125, 15.25]
    >>> time_stamps(["S01.0002", "S01.0004"], rate=200)
    """
    found = _read(stems)
    return found if found is not None and _fits(found, rate) else None


def _read(stems: Sequence[str]) -> list[float] | None:
    """Return what the names say if they are taken for times."""
    decimals = [_DECIMAL.search(stem) for stem in stems]
    if stems and all(decimals) and not _counts(stems):
        return [float(found[1]) for found in decimals if found]
    clocks = [_CLOCK.search(stem) for stem in stems]
    if stems and all(clocks) and not _counts(stems):
        return [_seconds(found) for found in clocks if found]
    return _whole(stems)


def _fits(seconds: Sequence[float], rate: float | None) -> bool:
    """Say whether times lie as far apart as pictures do; one alone tells nothing."""
    steps = np.diff(np.unique(seconds))
    if not len(steps):
        return False
    shortest, longest = _CAMERA if rate is None else (_FITS[0] / rate, _FITS[1] / rate)
    usual = float(np.median(steps))
    return shortest * (1 - _DOUBT) <= usual <= longest * (1 + _DOUBT)


def _counts(stems: Sequence[str]) -> bool:
    """Say whether the last number only rises, usually by one: so pictures are counted."""
    last = [int(re.findall(r"\d+", stem)[-1]) for stem in sorted(stems, key=natural)]
    steps = np.diff(np.array(last, dtype=np.float64))
    return bool(len(steps)) and bool(steps.min() > 0) and float(np.median(steps)) == 1.0


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
