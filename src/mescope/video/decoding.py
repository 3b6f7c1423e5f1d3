"""Decoding one stream of a file packet by packet, from its start or from a key packet.

A run that begins at a key packet has to prove itself, because frames are asked for by number
and a wrong one looks like any other: every packet must have the content that the table has at
its position, the picture of the key packet must come first and be coded by itself, and no frame
after it may be lost that a run from the start would give.  Otherwise decoding begins again from
the start, which is slow and right.
"""

from __future__ import annotations

import os
from collections.abc import Container, Generator, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from mescope.errors import VideoError
from mescope.io.cores import cores
from mescope.video.containers import opened
from mescope.video.decode_stats import Tally
from mescope.video.packets import PacketReader
from mescope.video.source import Policy
from mescope.video.timetable import DisplayOrder, TimeTable

_CHECK_EVERY = 128
_MOST_THREADS = 4  # of a decoder; the analysis is slower than two
_ARRIVE = 512  # packets in which a seek must arrive
_PREDICTED = (PictureType.P, PictureType.B)


class _AstrayError(Exception):
    """A run that began at a key packet did not prove itself."""


class _NoEntryError(_AstrayError):
    """Seeking does not lead to the packet, or decoding cannot start there."""


class _NotKeyError(_NoEntryError):
    """Decoding cannot start at a packet that is said to be a key packet."""


class StreamDecoder:
    """Decodes one stream of one file.  Each run opens the file anew, so runs may overlap.

    Attributes:
        seeks: whether runs may begin at key packets: False once these prove to be none.
    """

    def __init__(self, path: Path, policy: Policy) -> None:
        self._path, self._policy = path, policy
        self._identity = self.stat()
        self._stream = 0
        self._bad: set[int] = set()  # frames that a run from the start did not give
        self.table: TimeTable | None = None
        self.seeks = True

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self._identity[0]

    def choose(self, stream: int) -> None:
        """Decode the stream with this index."""
        self._stream = stream

    @contextmanager
    def open(
        self, *, threads: int = _MOST_THREADS
    ) -> Iterator[tuple[InputContainer, VideoStream]]:
        """The file and its stream, ready to be decoded."""
        self.check_unchanged()
        with opened(self._path) as container:
            stream = next(s for s in container.streams.video if s.index == self._stream)
            # Frame threads report a bad packet some packets late, and "fail" must name it; of
            # fields that are coded apart they call whole frames damaged.
            fields = self.table is not None and bool(self.table.packets.continued.any())
            stream.thread_type = "SLICE" if fields or self._policy == "fail" else "AUTO"
            # One thread more than cores, as FFmpeg would have it, takes a quarter more of them.
            stream.codec_context.thread_count = min(cores(), threads)
            yield container, stream

    def run(
        self, first: int, last: int, tally: Tally, only: Container[int] | None = None
    ) -> Generator[tuple[int, VideoFrame], None, None]:
        """Frames first to last in order, with their numbers; damaged ones are absent.

        With ``only``, others may be absent, too, if no frame is built on them.
        """
        entry, newest = self._known.entry_for(first) if self.seeks else 0, first - 1
        bad_packets = tally.bad_packets
        for home in (entry, 0) if entry else (0,):
            try:
                for index, frame in self._from(home, last, tally, only):
                    if index > newest:
                        newest = index
                        yield index, frame
                return
            except _NotKeyError:
                self.seeks = False
            except _AstrayError:
                pass
            tally.bad_packets = bad_packets

    def check_seeks(self) -> None:
        """Try two key packets; where neither can be entered, runs begin at the start."""
        keys = self._known.packets.keys
        keys = keys[(self._known.frame_of[keys] >= 0) & (keys > 0)]
        tried = {int(keys[len(keys) // 2]), int(keys[-1])} if len(keys) else set()
        failed = 0
        for home in tried:
            try:
                for _ in self._from(home, int(self._known.frame_of[home]), Tally(), None):
                    break
            except _NoEntryError:
                failed += 1
            except (_AstrayError, VideoError):
                continue  # damage, which says nothing of the index
        self.seeks = failed < len(tried) or not tried

    def _from(
        self, home: int, last: int, tally: Tally, only: Container[int] | None
    ) -> Iterator[tuple[int, VideoFrame]]:
        """Sound pictures up to frame ``last``, decoded from a packet on.

        Raises:
            _AstrayError: the run did not begin at the start and proves wrong.
        """
        proof = _Proof(self._known, home, self._bad, only is not None)
        with self.open() as (container, stream):
            packets = self._packets_from(container, stream, home)
            for index, frame in self._decoded(packets, stream, home, last, tally, only):
                if index > last:
                    break
                if self._sound(index, frame, tally, home) and proof.holds(index, frame):
                    yield index, frame
            proof.end(last)

    def _packets_from(
        self, container: InputContainer, stream: VideoStream, home: int
    ) -> Iterator[tuple[int, Packet[VideoStream]]]:
        """Packets with their positions in the table, from a key packet on.

        Raises:
            _NoEntryError: seeking does not lead to it.
        """
        if home == 0:
            return enumerate(PacketReader(container, stream))
        packets = self.arrive(container, stream, home)
        if packets is None:
            raise _NoEntryError
        return enumerate(packets, start=home)

    def arrive(
        self, container: InputContainer, stream: VideoStream, home: int
    ) -> Iterator[Packet[VideoStream]] | None:
        """Packets from a key packet on, after a seek; None where that does not lead there."""
        for way in self._known.ways_to(home):
            try:
                if way.is_byte:
                    container.seek(way.goal, unsupported_byte_offset=True)
                else:
                    container.seek(way.goal, stream=stream, backward=True)
            except FFmpegError:
                continue
            packets = iter(PacketReader(container, stream))
            for _, packet in zip(range(_ARRIVE), packets, strict=False):
                if self._known.is_at(home, packet):
                    return chain([packet], packets)
                if self._known.is_past(home, packet):
                    break
        return None

    def _decoded(
        self,
        packets: Iterator[tuple[int, Packet[VideoStream]]],
        stream: VideoStream,
        home: int,
        last: int,
        tally: Tally,
        only: Container[int] | None,
    ) -> Iterator[tuple[int, VideoFrame]]:
        """Every picture that the packets give, up to the one that holds frame ``last``."""
        end = self._known.last_packet(last)
        for position, packet in packets:
            if position > end:
                break
            if home and not self._known.is_at(position, packet):
                raise _AstrayError
            if position % _CHECK_EVERY == 0:
                self.check_unchanged()
            if position in self._known.joints:
                # Pictures before the joint are no references for those behind it.
                yield from self._pictures(stream, None, None, tally)[0]
                stream.codec_context.flush_buffers()
            stamp, frame = packet.pts, int(self._known.frame_of[position])
            packet.pts, packet.dts = frame, None
            if only is not None:
                needed = position == home or frame in only
                stream.codec_context.skip_frame = "DEFAULT" if needed else "NONREF"
            pictures, bad = self._pictures(stream, packet, stamp, tally)
            if bad and home and frame not in self._bad:
                raise _AstrayError
            yield from pictures
        yield from self._pictures(stream, None, None, tally)[0]

    def _pictures(
        self,
        stream: VideoStream,
        packet: Packet[VideoStream] | None,
        stamp: int | None,
        tally: Tally,
    ) -> tuple[list[tuple[int, VideoFrame]], bool]:
        """What the decoder gives for one packet, and whether it refuses it.

        At the end (None), what it still holds.
        """
        try:
            frames = stream.codec_context.decode(packet)
        except FFmpegError as error:
            tally.bad_packets += 1
            if self._policy == "fail":
                seconds = None if stamp is None else float(stamp * (stream.time_base or 0))
                raise self._damaged(seconds, error.strerror) from error
            return [], True
        return [(int(frame.pts), frame) for frame in frames if frame.pts is not None], False

    def _sound(self, index: int, frame: VideoFrame, tally: Tally, home: int) -> bool:
        """Whether a picture is what was recorded; FFmpeg fills in what it cannot decode."""
        if not frame.is_corrupt:
            return True
        if home and index not in self._bad:
            raise _AstrayError
        tally.bad_packets += 1
        if self._policy == "fail":
            stamp = float(self._known.times[index]) + self._known.offset
            raise self._damaged(stamp, "parts of the picture are lost")
        return False

    def _damaged(self, seconds: float | None, reason: str | None) -> VideoError:
        where = "at the end" if seconds is None else f"at {seconds:.6f} s"
        return VideoError(
            f"{self._path.name}: the packet {where} is damaged ({reason or 'unknown'}); use "
            "the policy 'skip' to go on without it"
        )

    def display_order(self) -> DisplayOrder:
        """Packet positions in the order in which the decoder gives their frames."""
        order: list[int] = []
        delay = 0
        with self.open(threads=1) as (container, stream):
            for position, packet in enumerate(PacketReader(container, stream)):
                packet.pts, packet.dts = position, None
                order += [k for k, _ in self._pictures(stream, packet, None, Tally())[0]]
                delay = delay if order else position + 1
            order += [k for k, _ in self._pictures(stream, None, None, Tally())[0]]
        return DisplayOrder(list(dict.fromkeys(order)), delay)

    @property
    def _known(self) -> TimeTable:
        assert self.table is not None  # made before anything is decoded by number
        return self.table

    # -- the file ------------------------------------------------------------------------

    def stat(self) -> tuple[int, int, int]:
        """Size, time and number of the file.

        Raises:
            VideoError: it is gone.
        """
        try:
            found = os.stat(self._path)
        except OSError as error:
            raise VideoError(
                f"{self._path.name}: the file vanished while it was being read "
                f"({(error.strerror or '').lower()}); bring it back and start again"
            ) from error
        return found.st_size, found.st_mtime_ns, found.st_ino

    def check_unchanged(self) -> None:
        """Refuse a file that changed since it was opened.

        Raises:
            VideoError: it did.
        """
        if self.stat() != self._identity:
            raise VideoError(
                f"{self._path.name}: the file changed while it was being read; wait until it "
                "is written and start again"
            )


class _Proof:
    """What a run has shown so far; of a run from the start, which frames are bad."""

    def __init__(self, table: TimeTable, home: int, bad: set[int], gaps: bool) -> None:
        self._first = self._next = int(table.frame_of[home]) if home else 0
        self._home, self._bad, self._gaps = home, bad, gaps
        # Of a frame whose fields are coded apart, the second one is often predicted.
        pair = table.packets.continued[home + 1 : home + 2].any()
        self._refused = () if pair else _PREDICTED

    def holds(self, index: int, frame: VideoFrame) -> bool:
        """Whether a picture belongs to the run; leading ones of an open group do not.

        Raises:
            _AstrayError: it does not follow from where the run began.
        """
        if index < self._next:
            return False
        if self._home and index == self._first and frame.pict_type in self._refused:
            raise _NotKeyError
        if self._home and self._next == self._first and index != self._first:
            raise _NotKeyError
        self._note(range(self._next, index))
        self._next = index + 1
        return True

    def end(self, last: int) -> None:
        """Note what the run did not give.

        Raises:
            _AstrayError: frames that a run from the start may give.
        """
        if self._home and self._next == self._first:
            raise _NotKeyError
        self._note(range(self._next, last + 1))

    def _note(self, absent: range) -> None:
        if self._gaps or not absent:
            return
        if not self._home:
            self._bad.update(absent)
        elif not self._bad.issuperset(absent):
            raise _AstrayError
