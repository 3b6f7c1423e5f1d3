"""Recordings in files that FFmpeg reads, decoded packet by packet."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Container, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mescope.errors import VideoError
from mescope.io.cores import cores
from mescope.video.containers import check_size, choose_stream, opened
from mescope.video.decode_report import rate_warnings, run_warnings
from mescope.video.decode_stats import Tally, first_report
from mescope.video.frame_conversion import (
    Orientation,
    grey_of,
    orientation_of,
    rgb_of,
    squared_size,
    with_square_pixels,
)
from mescope.video.readable import was_interrupted
from mescope.video.source import Picture, Policy, Video
from mescope.video.timetable import PacketReader, read_table

_CHECK_EVERY = 128
_BLOCK = 1 << 16
_BLOCKS = 64
_MOST_THREADS = 4  # of a decoder; the analysis is slower than two
_NEAR = 16  # frames; decoding so many is faster than opening and seeking


@dataclass(frozen=True, slots=True)
class _From:
    """All frames from one on."""

    first: int

    def __contains__(self, index: object) -> bool:
        return isinstance(index, int) and index >= self.first


class FileVideo(Video):
    """A recording in one file.  Each run opens the file anew, so runs may overlap."""

    def __init__(
        self, path: Path, *, rate: float | None = None, policy: Policy = "skip"
    ) -> None:
        self.path, self.name, self._path = path, path.name, path
        self._policy = policy
        self._identity = self._stat()
        self._stored_size: tuple[int, int] | None = None
        with opened(path) as container:
            stream, self.warnings = choose_stream(container, path)
            self._stream = stream.index
            table = read_table(container, stream, self._display_order)
            if table is None:
                raise VideoError(f"{self.name}: expected frames, found none; copy it again")
            self._table, self.times = table, table.times
            self.first_frame, self.last_frame = 0, len(table.times) - 1
            self.report = first_report(container, stream, table)
        if self.report.truncated and was_interrupted(path):
            raise VideoError(
                f"{self.name}: reading it was interrupted; the disk or network drive it is on "
                "does not hold: start again"
            )
        self.rate = self.report.measured_rate
        self._look_at_first_frame()
        self._set_rate(rate)
        self._warn()

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
        tally = Tally(len(self))
        for index, frame in self._decode(first, last, tally):
            tally.count(index, frame)
            if (index - start) % step == 0:
                yield index, self._convert(frame, grey)
        self._check_unchanged()
        if first == self.first_frame and last == self.last_frame:
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
        size = self._identity[0]
        digest = hashlib.sha256(f"file {size} {self.rate!r} ".encode())
        digest.update(f"{self.first_frame} {self.last_frame}".encode())
        if self._squared != self._stored_size:  # what was measured before on stored pictures
            digest.update(f" as {self._squared}".encode())
        self._check_unchanged()
        with self._path.open("rb") as file:
            if size <= _BLOCK * _BLOCKS:
                digest.update(file.read())
            else:
                for number in range(_BLOCKS):
                    file.seek((size - _BLOCK) * number // (_BLOCKS - 1))
                    digest.update(file.read(_BLOCK))
        self._check_unchanged()
        return digest.hexdigest()

    # -- decoding ------------------------------------------------------------------------

    @contextmanager
    def _open(self) -> Iterator[tuple[InputContainer, VideoStream]]:
        self._check_unchanged()
        with opened(self._path) as container:
            stream = next(s for s in container.streams.video if s.index == self._stream)
            # Frame threads report a bad packet some packets late; "fail" must name it.
            stream.thread_type = "AUTO" if self._policy == "skip" else "SLICE"
            # One thread more than cores, as FFmpeg would have it, takes a quarter more of them.
            stream.codec_context.thread_count = min(cores(), _MOST_THREADS)
            yield container, stream

    def _decode(
        self,
        first: int,
        last: int,
        tally: Tally,
        only: Container[int] | None = None,
        lean: bool = True,
    ) -> Generator[tuple[int, VideoFrame], None, None]:
        """Frames first to last in order, with their numbers; damaged ones are absent.

        With ``only``, others may be absent, too, if no frame is built on them.  If ``lean``,
        what comes before the first is decoded only where other frames are built on it.
        """
        entry, newest = self._table.entry_for(first), first - 1
        if only is None and lean and self._policy == "skip":
            only = _From(first)
        for jump in (entry > 0, False):
            with self._open() as (container, stream):
                packets = self._packets_from(container, stream, entry if jump else 0)
                if packets is None:
                    continue  # the seek missed: from the start, slow but right
                for index, frame in self._decoded(packets, stream, last, tally, only):
                    if index > last:
                        return
                    if isinstance(only, _From) and newest < first < index:
                        # Perhaps it was built on what was passed over.
                        yield from self._decode(first, last, tally, lean=False)
                        return
                    if index > newest and self._sound(index, frame, tally):
                        newest = index
                        self._check_picture(index, frame)
                        yield index, frame
                if newest < last and was_interrupted(self._path):
                    yield from self._decode(newest + 1, last, tally, only)
                return

    def _packets_from(
        self, container: InputContainer, stream: VideoStream, entry: int
    ) -> Iterator[tuple[int, Packet[VideoStream]]] | None:
        """Packets with their positions in the table, from ``entry`` or before; None if lost."""
        if entry == 0:
            return enumerate(PacketReader(container, stream))
        target = self._table.seek_stamp(entry)
        if target is None:
            return None
        try:
            container.seek(target, stream=stream, backward=True)
        except FFmpegError:
            return None
        packets = iter(PacketReader(container, stream))
        head = next(packets, None)
        position = None if head is None else self._table.find(head)
        if head is None or position is None or position > entry:
            return None
        return enumerate(chain([head], packets), start=position)

    def _decoded(
        self,
        packets: Iterator[tuple[int, Packet[VideoStream]]],
        stream: VideoStream,
        last: int,
        tally: Tally,
        only: Container[int] | None,
    ) -> Iterator[tuple[int, VideoFrame]]:
        """Every picture that the packets give, up to the one that holds frame ``last``."""
        end = self._table.last_packet(last)
        for position, packet in packets:
            if position > end:
                break
            if position % _CHECK_EVERY == 0:
                self._check_unchanged()
            stamp, frame = packet.pts, int(self._table.frame_of[position])
            packet.pts, packet.dts = frame, None
            if only is not None:
                stream.codec_context.skip_frame = "DEFAULT" if frame in only else "NONREF"
            yield from self._pictures(stream, packet, stamp, tally)
        yield from self._pictures(stream, None, None, tally)

    def _pictures(
        self,
        stream: VideoStream,
        packet: Packet[VideoStream] | None,
        stamp: int | None,
        tally: Tally,
    ) -> Iterator[tuple[int, VideoFrame]]:
        """What the decoder gives for one packet; at the end (None), what it still holds."""
        try:
            frames = stream.codec_context.decode(packet)
        except FFmpegError as error:
            tally.bad_packets += 1
            if self._policy == "fail":
                seconds = None if stamp is None else float(stamp * (stream.time_base or 0))
                raise self._damaged(seconds, error.strerror) from error
            return
        for frame in frames:
            if frame.pts is not None:
                yield int(frame.pts), frame

    def _sound(self, index: int, frame: VideoFrame, tally: Tally) -> bool:
        """Whether a picture is what was recorded; FFmpeg fills in what it cannot decode."""
        if not frame.is_corrupt:
            return True
        tally.bad_packets += 1
        if self._policy == "fail":
            stamp = float(self._table.times[index]) + self._table.offset
            raise self._damaged(stamp, "parts of the picture are lost")
        return False

    def _damaged(self, seconds: float | None, reason: str | None) -> VideoError:
        where = "at the end" if seconds is None else f"at {seconds:.6f} s"
        return VideoError(
            f"{self.name}: the packet {where} is damaged ({reason or 'unknown'}); use the "
            "policy 'skip' to go on without it"
        )

    def _display_order(self) -> list[int]:
        """Packet positions in the order in which the decoder gives their frames."""
        order: list[int] = []
        with self._open() as (container, stream):
            for position, packet in enumerate(PacketReader(container, stream)):
                packet.pts, packet.dts = position, None
                order += [k for k, _ in self._pictures(stream, packet, None, Tally())]
            order += [k for k, _ in self._pictures(stream, None, None, Tally())]
        return list(dict.fromkeys(order))

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
        picture = grey_of(frame) if grey else rgb_of(frame)
        return self._orientation.apply(with_square_pixels(picture, self._squared))

    def _set_rate(self, rate: float | None) -> None:
        """Stretch the times so that the usual rate is ``rate``, where the header is wrong."""
        if rate is not None and self.rate > 0:
            self.times = self.times * (self.rate / rate)
            self.rate = self.report.measured_rate = float(rate)

    def _warn(self) -> None:
        report = self.report
        self.warnings += rate_warnings(report)
        if report.truncated:
            self.warnings.append("the file is cut off; the frames up to the cut are read")
        if report.interlaced:
            self.warnings.append("the recording is interlaced: moving edges are combed")
        if report.irregular_stamps:
            self.warnings.append(f"{report.irregular_stamps} time stamps were repaired")

    def _complete(self, tally: Tally) -> None:
        """Enter what a run over the whole range met into the report and the warnings."""
        tally.report_to(self.report, self.first_frame, self.last_frame)
        doubtful = self._table.dependents(self.report.missing)
        self.report.doubtful = tuple(
            i for i in doubtful if self.first_frame <= i <= self.last_frame
        )
        self.warnings += [w for w in run_warnings(self.report) if w not in self.warnings]

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

    def _stat(self) -> tuple[int, int, int]:
        try:
            found = os.stat(self._path)
        except OSError as error:
            raise VideoError(
                f"{self.name}: the file vanished while it was being read "
                f"({(error.strerror or '').lower()}); bring it back and start again"
            ) from error
        return found.st_size, found.st_mtime_ns, found.st_ino

    def _check_unchanged(self) -> None:
        if self._stat() != self._identity:
            raise VideoError(
                f"{self.name}: the file changed while it was being read; wait until it is "
                "written and start again"
            )
