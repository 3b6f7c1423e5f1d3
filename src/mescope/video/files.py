"""Recordings in files that FFmpeg reads, decoded packet by packet."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from mescope.errors import VideoError
from mescope.video.containers import check_size, choose_stream, goes_on, opened
from mescope.video.decode_report import rate_warnings
from mescope.video.decode_stats import Tally, first_report
from mescope.video.decoding import StreamDecoder
from mescope.video.frame_conversion import (
    Orientation,
    grey_of,
    orientation_of,
    rgb_of,
    squared_size,
    with_square_pixels,
)
from mescope.video.picture_depth import DEPTHS, bits_for, scaled, told
from mescope.video.readable import was_interrupted
from mescope.video.source import Picture, Policy, Video
from mescope.video.timetable import read_table

_BLOCK = 1 << 16
_BLOCKS = 64
_SLOW = (
    "the index of this file does not lead to where decoding can start: single frames are "
    "decoded from its start, which is exact and slow"
)
_NEAR = 16  # frames; decoding so many is faster than opening and seeking


_LOOKS = 16  # frames whose values tell how many bits are used


class FileVideo(Video):
    """A recording in one file.  Each run opens the file anew, so runs may overlap."""

    path: Path
    _bits: int | None

    def __init__(
        self, path: Path, *, rate: float | None = None, policy: Policy = "skip"
    ) -> None:
        self.path, self.name = path, path.name
        self._decoder = StreamDecoder(path, policy)
        self._stored_size: tuple[int, int] | None = None
        with opened(path) as container:
            stream, self.warnings = choose_stream(container, path)
            self._decoder.choose(stream.index)
            index = list(stream.index_entries)  # before reading adds to it
            table = read_table(container, stream, self._decoder.display_order)
            if table is None:
                raise VideoError(f"{self.name}: expected frames, found none; copy it again")
            self._table, self.times = table, table.times
            self._decoder.table = table
            self.first_frame, self.last_frame = 0, len(table.times) - 1
            self.report = first_report(container, stream, table, index)
            self.report.appended = goes_on(container, path, table.packets.end)
        if self.report.truncated and was_interrupted(path):
            raise VideoError(
                f"{self.name}: reading it was interrupted; the disk or network drive it is on "
                "does not hold: start again"
            )
        self.rate = self.report.measured_rate
        self._look_at_first_frame()
        self._decoder.check_seeks()
        self._find_depth()
        self._set_rate(rate)
        self._warn()

    @property
    def stored_size(self) -> tuple[int, int]:
        """See :attr:`Video.stored_size`."""
        width, height = self._stored_size or self._squared
        return (height, width) if self._orientation.transpose else (width, height)

    # -- reading -------------------------------------------------------------------------

    def frames(
        self, *, grey: bool = True, step: int = 1, start: int = 0, stop: int | None = None
    ) -> Iterator[tuple[int, Picture]]:
        """See :meth:`Video.frames`."""
        self._check_step(step)
        first = max(start, self.first_frame)
        last = self.last_frame if stop is None else min(stop - 1, self.last_frame)
        if first > last:
            return
        is_whole = first == self.first_frame and last == self.last_frame
        tally = Tally(len(self))
        for index, frame in self._decode(first, last, tally):
            if is_whole:  # comparing each with the one before is a fifth of the work
                tally.count(index, frame)
            if (index - start) % step == 0:
                yield index, self._convert(frame, grey)
        self._decoder.check_unchanged()
        if is_whole:
            self._complete(tally)

    def read(self, indices: Sequence[int], *, grey: bool = False) -> dict[int, Picture]:
        """See :meth:`Video.read`."""
        return dict(self.each(indices, grey=grey))

    def each(
        self, indices: Iterable[int], *, grey: bool = False
    ) -> Iterator[tuple[int, Picture]]:
        """See :meth:`Video.each`; what lies between two key frames is decoded once."""
        for group in self._groups(self._check_indices(list(indices))):
            missing = set(group)
            # At first without frames that nothing is built on; where one that is wanted does
            # not come, with all of them.
            for only in (frozenset(group), None):
                for index, frame in self._decode(group[0], group[-1], Tally(), only):
                    if index not in missing:
                        continue
                    if only is not None and index > min(missing):
                        break
                    missing.remove(index)
                    yield index, self._convert(frame, grey)
                if not missing:
                    break

    def fingerprint(self) -> str:
        """SHA-256 of size, range and content.

        Files up to 4 MiB are hashed whole; of longer ones 64 blocks of 64 KiB, evenly spread
        from the first byte to the last.
        """
        size = self._decoder.size
        digest = hashlib.sha256(f"file {size} {self.rate!r} ".encode())
        digest.update(f"{self.first_frame} {self.last_frame}".encode())
        if self._squared != self._stored_size:  # what was measured before on stored pictures
            digest.update(f" as {self._squared}".encode())
        if self.report.joints:  # earlier versions mixed the parts
            digest.update(f" joined at {self.report.joints}".encode())
        if self._bits is not None:
            digest.update(f" of {self._bits} bits".encode())
        if self._orientation != Orientation():  # it may lie in none of the blocks
            digest.update(f" turned {self.report.rotation} {self.report.mirrored}".encode())
        self._decoder.check_unchanged()
        with self.path.open("rb") as file:
            if size <= _BLOCK * _BLOCKS:
                digest.update(file.read())
            else:
                for number in range(_BLOCKS):
                    file.seek((size - _BLOCK) * number // (_BLOCKS - 1))
                    digest.update(file.read(_BLOCK))
        self._decoder.check_unchanged()
        return digest.hexdigest()

    def _decode(
        self,
        first: int,
        last: int,
        tally: Tally,
        only: Container[int] | None = None,
    ) -> Generator[tuple[int, VideoFrame], None, None]:
        """See :meth:`StreamDecoder.run`; refuses pictures of another size.

        Raises:
            VideoError: the disk was taken off meanwhile.
        """
        newest = first - 1
        with closing(self._decoder.run(first, last, tally, only)) as run:
            for index, frame in run:
                self._check_picture(index, frame)
                newest = index
                yield index, frame
        if newest < last and was_interrupted(self.path):
            yield from self._decode(newest + 1, last, tally, only)
        self._tell_if_slow()

    # -- what is known -------------------------------------------------------------------

    def _look_at_first_frame(self) -> None:
        """Size, orientation and pixel format, from the first frame that can be decoded."""
        with closing(self._decode(0, len(self.times) - 1, Tally())) as head:
            index_frame = next(head, None)
        if index_frame is None:
            raise VideoError(
                f"{self.name}: none of its {len(self.times)} frames can be decoded "
                f"({self.report.codec or 'unknown codec'}); the file is damaged, "
                "encrypted, or declares an impossible size"
            )
        frame, report = index_frame[1], self.report
        orientation = orientation_of(frame)
        if orientation is None:
            self.warnings.append("the display matrix is not a quarter turn and is not applied")
        self._orientation = orientation or Orientation()
        squared = squared_size(frame.width, frame.height, report.sample_aspect)
        if squared is None:
            self.warnings.append(
                f"pixels are said to be {report.sample_aspect:.3g} times as wide as high, "
                "which cannot be; pictures are analyzed as stored"
            )
        self._squared = squared or (frame.width, frame.height)
        check_size(*self._squared, self.name)
        self.width, self.height = self._squared
        if self._orientation.transpose:
            self.width, self.height = self.height, self.width
        report.pixel_format = frame.format.name
        report.rotation = self._orientation.rotation
        report.mirrored = self._orientation.mirrored
        report.interlaced = bool(frame.interlaced_frame)

    def _check_picture(self, index: int, frame: VideoFrame) -> None:
        size = frame.width, frame.height
        if self._stored_size is None:
            check_size(*size, self.name)
            self._stored_size = size
        elif size != self._stored_size:
            raise VideoError(
                f"{self.name}: expected pictures of {self._stored_size[0]}x"
                f"{self._stored_size[1]}, frame {index} has {size[0]}x{size[1]}; split the "
                "recording where its size changes"
            )

    def _convert(self, frame: VideoFrame, grey: bool) -> Picture:
        if self._bits is not None:
            picture = self._scaled(frame, self._bits, grey)
        else:
            picture = grey_of(frame) if grey else rgb_of(frame)
        return self._orientation.apply(with_square_pixels(picture, self._squared))

    def _find_depth(self) -> None:
        """Bits of the data in grey pictures of 16 bits, from frames all over the recording."""
        self._bits = None
        if not self.report.pixel_format.startswith("gray16"):
            return
        largest = 0
        for index in np.unique(np.linspace(0, len(self) - 1, _LOOKS).astype(int)).tolist():
            for _, frame in self._decode(index, index, Tally()):
                largest = max(largest, int(_deep(frame).max()))
        bits = bits_for(largest)
        if bits < DEPTHS[-1]:
            self._bits = bits
            self.report.pixel_format += f", {bits} bits used"
            self.warnings.append(told(bits))

    def _scaled(self, frame: VideoFrame, bits: int, grey: bool) -> Picture:
        values = _deep(frame)
        if values.max() >= 1 << bits:
            raise VideoError(
                f"{self.name}: expected {bits}-bit data as in {_LOOKS} frames all over the "
                f"recording, frame {frame.pts} has the value {values.max()}; convert the "
                "recording to 8 bits"
            )
        picture = scaled(values, bits)
        return picture if grey else np.repeat(picture[..., None], 3, axis=2)

    def _set_rate(self, rate: float | None) -> None:
        """Stretch the times so that the usual rate is ``rate``, where the header is wrong."""
        if rate is None or not self.rate > 0 or self.rate == rate:
            return
        report, factor = self.report, self.rate / rate
        self.warnings.append(
            f"times are stretched from {self.rate:.4g} to {rate:.4g} frames/s as asked; "
            "players, ELAN and BORIS show the file at its own pace: seconds do not fit there"
        )
        self.times = self.times * factor
        report.start_offset *= factor
        report.longest_gap *= factor
        report.declared_rate = None  # what it says of the stored times is no finding any more
        self.rate = report.measured_rate = float(rate)

    def _warn(self) -> None:
        report = self.report
        self.warnings += rate_warnings(report)
        if report.truncated:
            self.warnings.append("the file is cut off; the frames up to the cut are read")
        if report.joints:
            frames = ", ".join(str(frame) for frame in report.joints)
            self.warnings.append(
                f"the time stamps begin again at frame {frames}: recordings were joined in "
                "this file; one follows the other here, the time between them is not known"
            )
        if report.appended:
            self.warnings.append(
                "the file goes on with another recording, which is not read; take it apart to "
                "analyze the second one"
            )
        if report.interlaced:
            self.warnings.append("the recording is interlaced: moving edges are combed")
        if report.irregular_stamps:
            self.warnings.append(f"{report.irregular_stamps} time stamps were repaired")

    def _tell_if_slow(self) -> None:
        """Say that single frames cost a run from the start."""
        if not self._decoder.seeks and _SLOW not in self.warnings:
            self.warnings.append(_SLOW)

    def _complete(self, tally: Tally) -> None:
        """Enter what a run over the whole range met into the report and the warnings."""
        tally.report_to(self.report, self.first_frame, self.last_frame, self.times)
        doubtful = self._table.dependents(self.report.missing)
        self.report.doubtful = tuple(
            i for i in doubtful if self.first_frame <= i <= self.last_frame
        )
        self._tell_run()

    def _groups(self, wanted: list[int]) -> Iterator[list[int]]:
        """Runs of frames that are read fastest in one go, without a seek in between."""
        group: list[int] = []
        for index in wanted:
            if group and index - group[-1] > _NEAR:
                reached = self._table.last_packet(group[-1])
                if self._table.entry_for(index) > reached:
                    yield group
                    group = []
            group.append(index)
        if group:
            yield group


def _deep(frame: VideoFrame) -> NDArray[np.uint16]:
    """The values of a grey picture of 16 bits, (H, W)."""
    return np.asarray(frame.to_ndarray(format="gray16le"), np.uint16)
