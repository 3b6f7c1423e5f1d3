"""What decoding a recording found: the report that goes into every analysis.

"Complete" means that every frame of the time-stamp table is accounted for, as decoded or as
missing (``docs/decisions/0002-time-and-damaged-files.md``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

SLOWEST_RATE = 24.0
"""Below this many frames a second a micro-expression lasts fewer than about five frames."""

_OF_A_RUN = (
    "decoded", "missing", "doubtful", "bad_packets", "duplicates", "frozen", "finished"
)  # fmt: skip
_FROZEN = 0.5  # seconds: a brief expression that lies within is not seen at all
_LONG = 1.0  # seconds without a frame
_OFTEN = 1 / 3  # of the intervals: so many long ones are another rate
_NEARLY = 0.1  # 24000/1001 frames a second are 24


def is_slow(rate: float) -> bool:
    """Say whether so many frames a second are too few for micro-expressions.

    >>> is_slow(23.976), is_slow(22.5)
    (False, True)
    """
    return 0 < rate < SLOWEST_RATE - _NEARLY


@dataclass
class DecodeReport:
    """What a recording declares and what decoding it gave.

    The fields up to ``sample_aspect`` are known once the recording is open; ``decoded``,
    ``missing``, ``doubtful``, ``bad_packets`` and ``duplicates`` are those of the last run of
    :meth:`Video.frames` over the whole range, and so is ``frozen``.  Frames count from 0.
    """

    frames: int
    """Frames in the time-stamp table that lie in the range asked for."""
    measured_rate: float
    """Frames per second, from the time stamps."""
    declared_rate: float | None = None
    """Frames per second the file's header states; None where it states none."""
    declared_frames: int | None = None
    """Frames the file's header states; None where it states none."""
    variable_rate: bool = False
    dropped: int = 0
    """Frames that the camera left out: all longer intervals are multiples of the usual."""
    longest_gap: float = 0.0
    """Seconds between two frames, at most."""
    irregular_stamps: int = 0
    """Time stamps that were repeated, absent or out of order and have been repaired."""
    joints: tuple[int, ...] = ()
    """First frames of recordings that were put behind another one in the same file."""
    truncated: bool = False
    appended: bool = False
    """Whether the file goes on with another recording, which is not read."""
    start_offset: float = 0.0
    """Seconds from what players show as 0:00 to the first displayed frame, from which times
    count; rarely more than a few hundredths, but minutes where a recording was cut."""
    codec: str = ""
    pixel_format: str = ""
    rotation: int = 0
    """Degrees clockwise by which stored pictures were turned for display."""
    mirrored: bool = False
    interlaced: bool = False
    sample_aspect: float = 1.0
    """Width of one pixel over its height, as stored; pictures are stretched by it."""
    decoded: int = 0
    missing: tuple[int, ...] = ()
    """Frames in the table that could not be decoded, or only in parts."""
    doubtful: tuple[int, ...] = ()
    """Decoded frames that build on missing ones and may show traces of the damage."""
    bad_packets: int = 0
    duplicates: int = 0
    """Frames whose picture equals that of the frame before them."""
    frozen: tuple[tuple[int, int], ...] = ()
    """First and last frame of stretches of half a second or more that show one picture: a call
    that hung, a camera that stopped.  Nothing is seen there, whatever happened."""
    finished: bool = False
    """Whether the whole range has been decoded."""

    @property
    def complete(self) -> bool:
        """Whether decoding has finished and decoded + missing = frames."""
        return self.finished and self.decoded + len(self.missing) == self.frames

    @property
    def effective_rate(self) -> float:
        """Frames per second that show something new: the rate without the duplicates."""
        shown = self.decoded - self.duplicates
        return self.measured_rate * shown / self.decoded if self.decoded else self.measured_rate

    def recall(self, known: Mapping[str, Any]) -> None:
        """Take over what a run over the whole range met from its :meth:`to_dict`."""
        for name in _OF_A_RUN:
            if name in known:
                setattr(self, name, _fixed(known[name]))

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values for JSON."""
        return {
            **asdict(self),
            "joints": list(self.joints),
            "missing": list(self.missing),
            "doubtful": list(self.doubtful),
            "frozen": [list(stretch) for stretch in self.frozen],
            "complete": self.complete,
            "effective_rate": self.effective_rate,
        }


def _fixed(value: Any) -> Any:
    """Return lists of JSON as the tuples that they were made from."""
    return tuple(map(_fixed, value)) if isinstance(value, list) else value


class Repeats:
    """The frames of a run that repeat the one before, noted in order."""

    def __init__(self) -> None:
        self.count = 0
        self._stretches: list[list[int]] = []

    def note(self, index: int, before: int) -> None:
        """Note that a frame shows what the one before it showed that was looked at."""
        self.count += 1
        if self._stretches and self._stretches[-1][1] == before:
            self._stretches[-1][1] = index
        else:
            self._stretches.append([before, index])

    def report_to(self, report: DecodeReport, times: NDArray[np.float64]) -> None:
        """Enter what was noted into the report; ``times`` (n,) seconds of all frames."""
        report.duplicates = self.count
        report.frozen = tuple(
            (first, last)
            for first, last in self._stretches
            if times[last] - times[first] >= _FROZEN
        )


def rate_of(times: NDArray[np.float64], tick: float = 0.0) -> tuple[float, bool]:
    """Frames per second, and whether the rate varies.

    Args:
        times: (n,) seconds, increasing.
        tick: seconds to which the stamps are rounded (1 ms in Matroska); rounding is not
            variation.

    Returns:
        The rate is that of the median interval, sharpened by averaging the intervals near it
        (stamps rounded to 1 ms would give 30.3 instead of 30 frames/s); 0.0 for fewer than two
        frames.  The rate varies if more than 2 % of the intervals differ from the usual one by
        more than a tenth and by more than the rounding.
    """
    gaps = np.diff(times)
    gaps = gaps[gaps > 0]
    if not len(gaps):
        return 0.0, False
    middle = float(np.median(gaps))
    near = np.abs(gaps - middle) <= max(0.1 * middle, 1.5 * tick)
    # The median of two unlike intervals lies near neither.
    usual = float(gaps[near].mean()) if near.any() else middle
    return 1.0 / usual, bool((~near).mean() > 0.02)


def dropped_frames(times: NDArray[np.float64], rate: float) -> int:
    """Frames left out of a recording that is even but for them; 0 where it is not.

    >>> dropped_frames(np.array([0, 1, 2, 4, 5, 6, 9, 10]) / 30, 30.0)
    3
    """
    steps = np.diff(times) * rate
    whole = np.rint(steps)
    if not len(steps) or np.abs(steps - whole).max() > 0.1 or (whole < 1).any():
        return 0
    many = (whole > 1).mean() > _OFTEN
    return 0 if many else int((whole - 1).sum())


def rate_warnings(report: DecodeReport) -> list[str]:
    """Sentences about a frame rate that weakens the analysis."""
    found = []
    rate, declared = report.measured_rate, report.declared_rate
    if is_slow(rate):
        found.append(
            f"{rate:.4g} frames/s is too slow for micro-expressions (0.04-0.5 s): "
            "results have low confidence"
        )
    if declared and rate and not report.variable_rate and abs(declared / rate - 1) > 0.05:
        found.append(
            f"the header declares {declared:.4g} frames/s, the time stamps say {rate:.4g}; "
            "the time stamps are used"
        )
    if report.dropped:
        were = "frame was" if report.dropped == 1 else "frames were"
        found.append(f"{report.dropped} {were} left out by the camera; the times show the gaps")
    elif report.longest_gap > max(_LONG, 10 / rate if rate else _LONG):
        found.append(f"there is a gap of {report.longest_gap:.3g} s without a frame")
    elif report.variable_rate:
        found.append("the frame rate varies; every time comes from the frame's own time stamp")
    return found


def run_warnings(report: DecodeReport) -> list[str]:
    """Sentences about what a run over the whole range met."""
    found = []
    if report.missing:
        found.append(f"{len(report.missing)} of {report.frames} frames cannot be decoded")
    if report.doubtful:
        found.append(
            f"{len(report.doubtful)} frames after damaged ones may show traces of the damage"
        )
    if report.duplicates > 0.1 * report.decoded:
        found.append(
            f"{report.duplicates} frames repeat the one before: the recording shows "
            f"{report.effective_rate:.3g} different pictures a second"
        )
    return found
