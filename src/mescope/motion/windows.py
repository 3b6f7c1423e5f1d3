"""How a recording is divided into windows, and which of its frames they use.

Source: the published code of ME-TST for 30 and 200 frames per second; the rest is
ours and explained in ``docs/decisions/0003-frame-rates-and-windows.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from mescope.errors import TooShortError, VideoError
from mescope.face.box import Mode
from mescope.video.decode_report import SLOWEST_RATE, is_slow

if TYPE_CHECKING:
    from mescope.video.reading import Video

Overlap = Literal["full", "thin"]
"""Whether windows that share frames measure them all, each by itself."""

TARGET_RATE = 30.0  # frames per second for which the windows were designed
PAUSE_S, PAUSE_INTERVALS = 0.5, 4
"""Seconds, and usual intervals, for which frames may be lacking in a recording of constant rate
without a pause: a brief expression cannot be longer."""
SHORTEST = 16  # frames after decimation that a window must have


@dataclass(frozen=True, slots=True)
class Timing:
    """Windows of ``window`` frames every ``hop`` frames, of every ``step``-th native frame.

    ``rate`` is the rate after decimation in frames per second; ``hop`` is half of ``window``.
    """

    window: int
    hop: int
    step: int
    rate: float

    def __post_init__(self) -> None:
        # The published code mislabels odd windows without a word.
        if self.window < 2 or self.window % 2 or self.hop * 2 != self.window or self.step < 1:
            raise VideoError(
                f"a window needs an even number of frames, twice the hop, and a step of at "
                f"least 1; got window {self.window}, hop {self.hop}, step {self.step}"
            )


def timing(rate: float) -> Timing:
    """Return the windows for a recording of ``rate`` frames per second.

    >>> timing(30)
    Timing(window=50, hop=25, step=1, rate=30.0)
    >>> timing(200).window, timing(200).step
    (30, 7)
    """
    if not 0 < rate < 100_000:
        raise VideoError(f"the frame rate must be positive, got {rate}; state it with rate=")
    if abs(rate - 200) <= 2:  # SAMM Long Videos
        return Timing(30, 15, 7, rate / 7)
    step = max(1, round(rate / TARGET_RATE))
    return Timing(50, 25, step, rate / step)


@dataclass(frozen=True)
class Plan:
    """Which frames go into which window.

    ``frames`` (n,) int64 native frame number of every decimated frame; ``times`` (n,) seconds;
    ``near`` (n,) bool, False where the recording has no frame near enough to the tick.
    ``pauses`` are positions: between such a frame and the one before, nothing was recorded for
    long.  A regular grid has none, as its ticks without a frame are not near one.
    The last ``padded`` entries repeat the last frame to fill the last window; nothing measured
    there is believed.
    """

    timing: Timing
    count: int
    frames: npt.NDArray[np.int64]
    times: npt.NDArray[np.float64]
    near: npt.NDArray[np.bool_]
    warnings: tuple[str, ...]
    padded: int = 0
    pauses: tuple[int, ...] = ()

    @property
    def used(self) -> int:
        """Number of decimated frames that some window covers, padded ones included."""
        return (self.count + 1) * self.timing.hop

    @property
    def real(self) -> int:
        """Number of decimated frames that some window covers and the recording has."""
        return self.used - self.padded


def plan(video: Video, wanted: Timing | None, mode: Mode) -> Plan:
    """Choose frames and windows for ``video`` (its range, if it has one).

    Raises:
        TooShortError: The recording is shorter than a window.
    """
    warnings: list[str] = []
    pauses: tuple[int, ...] = ()
    first = int(video.first_frame)
    table = np.asarray(video.times, dtype=np.float64)[first : int(video.last_frame) + 1]
    if len(table) < 2:
        raise TooShortError(
            f"the recording is too short: {len(table)} frame was found, motion needs at least "
            f"{SHORTEST}; {_longer(video)}"
        )
    chosen = wanted or timing(video.rate)
    if mode == "clean" and _variable(table):
        frames, times, near = _regular_grid(table, chosen.rate)
        warnings.append(
            f"the frame rate varies; frames were taken at {chosen.rate:.2f} per second"
        )
    else:
        frames = np.arange(0, len(table), chosen.step, dtype=np.int64)
        times, near = table[frames], np.ones(len(frames), dtype=bool)
        pauses = _pauses(times) if mode == "clean" else ()
    if is_slow(chosen.rate) and not is_slow(video.rate):  # of a slow recording its reader tells
        warnings.append(
            f"of {video.rate:.4g} frames a second {chosen.rate:.4g} are analyzed, which is "
            f"few: micro-expressions may be missed ({SLOWEST_RATE:.0f} or more are needed)"
        )
    chosen = _shortened(chosen, len(frames), mode, warnings, _longer(video))
    count = len(frames) // chosen.hop - 1
    tail = len(frames) - (count + 1) * chosen.hop
    padded = 0
    if tail and mode == "clean":  # one window more, filled up with the last frame
        padded, count = chosen.hop - tail, count + 1
        frames = np.concatenate([frames, np.repeat(frames[-1:], padded)])
        times = np.concatenate([times, times[-1] + np.arange(1, padded + 1) / chosen.rate])
        near = np.concatenate([near, np.zeros(padded, dtype=bool)])
    elif tail:
        warnings.append(f"the last {tail} frames do not fill a window and are not analyzed")
    return Plan(chosen, count, frames + first, times, near, tuple(warnings), padded, pauses)


def _longer(video: Video) -> str:
    """Return what to do about a recording, or a part of one, that is too short."""
    part = video.first_frame > 0 or video.last_frame < len(video) - 1
    return "choose a longer part (--start, --end)" if part else "record for longer"


def _shortened(
    chosen: Timing, frames: int, mode: Mode, warnings: list[str], advice: str
) -> Timing:
    """Return a timing whose window fits into ``frames``; refuse what is too short."""
    if frames >= chosen.window:
        return chosen
    least = SHORTEST if mode == "clean" else chosen.window
    if frames < min(least, chosen.window):
        raise TooShortError(
            f"the recording is too short: at least {least * chosen.step} frames are needed, "
            f"{frames * chosen.step} or fewer were found; {advice}"
        )
    window = frames - frames % 2
    warnings.append(
        f"the recording is short: windows of {window} frames instead of {chosen.window}"
    )
    return Timing(window, window // 2, chosen.step, chosen.rate)


def _variable(times: npt.NDArray[np.float64]) -> bool:
    """Say whether the frames are unevenly spaced (more than a few rounded or lost ones)."""
    if len(times) < 3:
        return False
    gaps = np.diff(times)
    usual = float(np.median(gaps))
    return usual > 0 and float(np.mean(np.abs(gaps - usual) > 0.25 * usual)) > 0.02


def _pauses(times: npt.NDArray[np.float64]) -> tuple[int, ...]:
    """Return the positions before which nothing was recorded for long."""
    gaps = np.diff(times)
    longest = max(PAUSE_S, PAUSE_INTERVALS * float(np.median(gaps))) if len(gaps) else 0.0
    return tuple((np.flatnonzero(gaps > longest) + 1).tolist())


def _regular_grid(
    times: npt.NDArray[np.float64], rate: float
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return for every tick of a regular grid the frame nearest in time."""
    ticks = times[0] + np.arange(int((times[-1] - times[0]) * rate + 1e-6) + 1) / rate
    after = np.clip(np.searchsorted(times, ticks), 1, len(times) - 1)
    nearest = np.where(ticks - times[after - 1] <= times[after] - ticks, after - 1, after)
    near = np.abs(times[nearest] - ticks) <= 1 / rate
    return nearest.astype(np.int64), times[nearest], near
