"""What every recording offers, whether it is a file, a folder of pictures or an array."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mescope.errors import VideoError
from mescope.video.decode_report import DecodeReport, run_warnings

Picture = NDArray[np.uint8]
Policy = Literal["skip", "fail"]


class Video(ABC):
    """A recording whose frames have fixed numbers and exact times.

    Attributes:
        name: file or folder name; ``"array"`` for arrays.
        path: absolute path; None for arrays.
        width, height: pixels, after rotation.
        rate: usual frames per second, from the time stamps; 0.0 for a recording of one frame.
        times: (n,) float64: seconds of every frame since the first displayed frame of the
            recording, indexed by frame number, also outside the range.
        first_frame, last_frame: the range asked for with ``start`` and ``end``, both included.
        report: what was found; complete after :meth:`frames` ran over the whole range.
        warnings: sentences for the user.
    """

    name: str
    path: Path | None
    width: int
    height: int
    rate: float
    times: NDArray[np.float64]
    first_frame: int
    last_frame: int
    report: DecodeReport
    warnings: list[str]

    @property
    def start_offset(self) -> float:
        """Seconds from what players show as 0:00 to frame 0; 0.0 without a file's clock.

        ``start_offset + times[i]`` is where a player, ELAN or BORIS finds frame i of this file:
        exports write it, results count from frame 0.  Not so where the caller's rate stretches
        the times of a file: players go on showing it at its own pace.
        """
        return self.report.start_offset

    @property
    def stored_size(self) -> tuple[int, int]:
        """Width and height of the upright pictures before their pixels are made square, px."""
        return self.width, self.height

    def __len__(self) -> int:
        """Frames in the time-stamp table, missing ones and those outside the range included."""
        return len(self.times)

    @abstractmethod
    def frames(
        self, *, grey: bool = True, step: int = 1, start: int = 0, stop: int | None = None
    ) -> Iterator[tuple[int, Picture]]:
        """Frame numbers and pictures, in increasing order, one at a time.

        Args:
            grey: (H, W) luma in full range if true, else (H, W, 3) RGB; uint8 both.
            step: keep the frames ``start``, ``start + step`` ...; the others are decoded (a
                compressed frame needs its predecessors) but not converted.
            start: first frame; clipped to the range of the recording.
            stop: the frame after the last; clipped, too.

        Yields:
            Frame number in the file and its picture.  Damaged frames are absent; the numbers of
            the others do not shift.

        Raises:
            VideoError: the file changed or vanished, the picture size changed, or, with the
                policy ``"fail"``, a packet is bad.
        """

    @abstractmethod
    def read(self, indices: Sequence[int], *, grey: bool = False) -> dict[int, Picture]:
        """A few single frames by number, as in :meth:`frames`; damaged ones are absent.

        Raises:
            VideoError: a number lies outside the recording.
        """

    def each(
        self, indices: Iterable[int], *, grey: bool = False
    ) -> Iterator[tuple[int, Picture]]:
        """Yield (number, picture) of single frames in order, one in memory at a time.

        As :meth:`read`, for many frames all over a recording.
        """
        for index in sorted(set(indices)):
            yield from self.read([index], grey=grey).items()

    @abstractmethod
    def fingerprint(self) -> str:
        """SHA-256 (hex) of this recording's content and range."""

    def look_through(self, step: int = 1) -> None:
        """Run over the whole range for what it tells of the recording, not for its pictures.

        Args:
            step: of the run of :meth:`frames` whose report is wanted.  A reader that decodes
                every frame in any case gives the same report for all.
        """
        for _ in self.frames(grey=True, step=max(1, len(self))):
            pass

    def recall(self, report: Mapping[str, Any]) -> None:
        """Enter what an earlier run over this range met, as if it had been this one.

        Args:
            report: :meth:`DecodeReport.to_dict` of that run.
        """
        self.report.recall(report)
        self._tell_run()

    def _tell_run(self) -> None:
        """Warn of what the run that is in the report met."""
        self.warnings += [w for w in run_warnings(self.report) if w not in self.warnings]

    def _limit(self, start: float | None, end: float | None) -> None:
        """Set the range from seconds; frames at ``start`` and at ``end`` belong to it."""
        # Half a microsecond of slack: 0.1 is not the double that a time stamp of 3/30 gives.
        low = -np.inf if start is None else start - 5e-7
        high = np.inf if end is None else end + 5e-7
        inside = np.flatnonzero((self.times >= low) & (self.times <= high))
        if not len(inside):
            raise VideoError(
                f"{self.name}: expected frames between {start or 0} s and "
                f"{'the end' if end is None else f'{end} s'}, the recording covers 0 to "
                f"{self.times[-1]:.3f} s; choose a range inside it"
            )
        self.first_frame, self.last_frame = int(inside[0]), int(inside[-1])

    def _check_step(self, step: int) -> None:
        if step < 1:
            raise VideoError(f"expected a step of 1 or more frames, found {step}")

    def _check_indices(self, indices: Sequence[int]) -> list[int]:
        wanted = sorted({int(i) for i in indices})
        if wanted and (wanted[0] < 0 or wanted[-1] >= len(self)):
            raise VideoError(
                f"{self.name}: expected frame numbers from 0 to {len(self) - 1}, "
                f"found {wanted[0]} to {wanted[-1]}"
            )
        return wanted
