"""The one table that says which frame a packet holds and when it is shown.

Made by reading the packets of a file once, without decoding.  Frames are numbered in the order
of their presentation stamps.  Packets come in decoding order, which differs wherever a codec
looks ahead, so the table also keeps the frame number of each packet.  Before a packet is
decoded its stamp is replaced by that number, and the decoder hands it back with the picture: a
frame keeps its number whatever was lost before it.

Repairs, all counted in ``irregular``:

* A stamp shared by several packets is spread evenly up to the next stamp, in decoding order.
* If packets carry no presentation stamps (raw H.264, AVI with B-frames) the order of display
  comes from one run of the decoder; the times are the decoding stamps in order or, without
  those, the declared rate's.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream
from numpy.typing import NDArray

Integers = NDArray[np.int64]
NO_STAMP = np.iinfo(np.int64).min
_RETRIES = 16
_LOOK_AHEAD = 32  # packets; no codec reorders over more


@dataclass(frozen=True)
class TimeTable:
    """Frame numbers and times of a stream.

    Attributes:
        times: (n,) float64 seconds, increasing, 0 at the first displayed frame.
        offset: seconds: the stamp of the first displayed frame in the file.
        tick: seconds to which stamps are rounded.
        frame_of: (p,) frame number of each packet in decoding order; -1 for packets that are
            decoded but not shown (before the start of an edit list).
        stamps, orders: (p,) presentation and decoding stamps as stored, ``NO_STAMP`` where
            absent.
        keys: positions of the packets at which decoding can start.
        irregular: number of repaired stamps.
        damaged_end: whether reading ended with an error or a partial packet.
    """

    times: NDArray[np.float64]
    offset: float
    tick: float
    frame_of: Integers
    stamps: Integers
    orders: Integers
    keys: Integers
    irregular: int
    damaged_end: bool

    def entry_for(self, frame: int) -> int:
        """Position of the last key packet from which ``frame`` can be decoded; 0 if none."""
        usable = self.keys[
            (self.frame_of[self.keys] <= frame) & (self.frame_of[self.keys] >= 0)
        ]
        return int(usable[-1]) if len(usable) else 0

    def seek_stamp(self, entry: int) -> int | None:
        """Stamp to seek for so as to arrive at a packet or before it; None if it has none."""
        # Formats index their key packets by one stamp or the other; the smaller is safe.
        stamps = [int(s[entry]) for s in (self.stamps, self.orders)]
        known = [s for s in stamps if s != NO_STAMP]
        return min(known) if known else None

    def find(self, packet: Packet[VideoStream]) -> int | None:
        """Position of a packet met after a seek; None if its stamps do not single it out."""
        here = np.flatnonzero(self.stamps == _number(packet.pts))
        if len(here) > 1:  # Matroska's decoding stamps are guesses, so only where needed
            here = here[self.orders[here] == _number(packet.dts)]
        return int(here[0]) if len(here) == 1 else None

    def dependents(self, frames: Sequence[int]) -> list[int]:
        """Frames other than ``frames`` that the decoder builds on them, or may.

        Those are the frames of the packets up to the next key packet, and of the packets after
        it that are shown before it (an open group of pictures).
        """
        position_of = np.full(len(self.times), -1, np.int64)
        shown = np.flatnonzero(self.frame_of >= 0)
        position_of[self.frame_of[shown]] = shown
        found: set[int] = set()
        for position in position_of[list(frames)].tolist():
            after = int(np.searchsorted(self.keys, position, side="right"))
            end = int(self.keys[after]) if after < len(self.keys) else len(self.frame_of)
            found.update(self.frame_of[position + 1 : end].tolist())
            following = self.frame_of[end + 1 :][:_LOOK_AHEAD]
            if end < len(self.frame_of):
                found.update(following[following < self.frame_of[end]].tolist())
        return sorted(found - set(frames) - {-1})

    def last_packet(self, frame: int) -> int:
        """Position after which no packet holds a frame up to ``frame``."""
        return int(np.flatnonzero((self.frame_of >= 0) & (self.frame_of <= frame))[-1])


@dataclass
class PacketReader:
    """The packets of one stream, tolerant of damage between them.

    ``broken`` says afterwards whether the container could not be read to its end.
    """

    container: InputContainer
    stream: VideoStream
    broken: bool = False

    def __iter__(self) -> PacketReader:
        self._source = self.container.demux(self.stream)
        self._failures = 0
        return self

    def __next__(self) -> Packet[VideoStream]:
        while True:
            try:
                packet = next(self._source)
            except (FFmpegError, IndexError) as error:
                # Most demuxers find the next packet by themselves if asked again.  PyAV raises
                # IndexError where damage makes a stream appear that was not announced.
                self.broken = True
                self._failures += 1
                if self._failures > _RETRIES:
                    raise StopIteration from error
                self._source = self.container.demux(self.stream)
                continue
            if packet.size:
                self._failures = 0
                return packet


def read_table(
    container: InputContainer,
    stream: VideoStream,
    display_order: Callable[[], list[int]],
) -> TimeTable | None:
    """Read all packets of ``stream`` once and make the table; None if no frame is shown.

    ``display_order`` is called only for streams without presentation stamps: it decodes the
    recording and returns packet positions in the order in which their frames come out.
    """
    found = _read_packets(container, stream)
    pts, shown = found.stamps, found.shown
    if not shown.any():
        return None
    unit = float(stream.time_base or 0)
    if (pts[shown] == NO_STAMP).any() or unit == 0 or _invented(container, stream):
        packets = _in_order(shown, display_order())
        dts, irregular = np.sort(found.orders[shown]), len(packets)
        if unit == 0 or dts[0] == NO_STAMP or not np.diff(dts).all():
            unit = 1.0 / float(stream.guessed_rate or stream.average_rate or 25)
            dts = np.arange(len(packets), dtype=np.int64)
        seconds = np.asarray(dts * unit, np.float64)
        pts[:] = NO_STAMP  # of no use for finding a packet either
    else:
        packets, seconds, irregular = _with_stamps(pts, np.flatnonzero(shown), unit)
    frame_of = np.full(len(pts), -1, np.int64)
    frame_of[packets] = np.arange(len(packets))
    return TimeTable(
        times=seconds - seconds[0],
        offset=float(seconds[0]),
        tick=unit,
        frame_of=frame_of,
        stamps=pts,
        orders=found.orders,
        keys=found.keys,
        irregular=irregular,
        damaged_end=found.damaged_end,
    )


class _Packets(NamedTuple):
    """What packets say of themselves, in decoding order; see :class:`TimeTable`."""

    stamps: Integers
    orders: Integers
    keys: Integers
    shown: NDArray[np.bool_]
    damaged_end: bool


def _read_packets(container: InputContainer, stream: VideoStream) -> _Packets:
    stamps, orders, keys, hidden = array("q"), array("q"), array("q"), array("q")
    reader, partial = PacketReader(container, stream), False
    for position, packet in enumerate(reader):
        stamps.append(_number(packet.pts))
        orders.append(_number(packet.dts))
        if packet.is_keyframe:
            keys.append(position)
        if packet.is_discard:
            hidden.append(position)
        partial = packet.is_corrupt
    shown = np.ones(len(stamps), bool)
    shown[np.array(hidden, np.int64)] = False
    return _Packets(
        np.array(stamps, np.int64),
        np.array(orders, np.int64),
        np.array(keys, np.int64),
        shown,
        reader.broken or partial,
    )


def _invented(container: InputContainer, stream: VideoStream) -> bool:
    """Whether FFmpeg made up the presentation stamps: AVI stores none.

    Without reordering they equal the decoding stamps; with it, H.264's come out wrong.
    """
    return container.format.name == "avi" and bool(stream.codec_context.has_b_frames)


def _with_stamps(
    pts: Integers, shown: Integers, unit: float
) -> tuple[Integers, NDArray[np.float64], int]:
    """Packets in display order and their seconds; repeated stamps are spread apart."""
    packets = shown[np.argsort(pts[shown], kind="stable")]
    ticks, counts = np.unique(pts[packets], return_counts=True)
    repeated = int((counts - 1).sum())
    if not repeated:
        return packets, np.asarray(ticks * unit, np.float64), 0
    usual = float(np.median(np.diff(ticks))) if len(ticks) > 1 else 1.0
    room = np.append(np.diff(ticks), usual * counts[-1])
    within = np.arange(len(packets)) - np.repeat(np.cumsum(counts) - counts, counts)
    spread = np.repeat(ticks, counts) + within * np.repeat(room / counts, counts)
    return packets, np.asarray(spread * unit, np.float64), repeated


def _in_order(shown: NDArray[np.bool_], order: list[int]) -> Integers:
    """Shown packets in the decoder's order; one that gave no frame stays where it stands."""
    order = [k for k in order if shown[k]]
    lost = np.setdiff1d(np.flatnonzero(shown), order)
    came = np.array(order, np.int64)
    # Before the first picture whose packet comes later than the lost one.
    before = np.searchsorted(np.maximum.accumulate(came), lost) if len(came) else lost * 0
    return np.insert(came, before, lost)


def _number(stamp: int | None) -> int:
    return NO_STAMP if stamp is None else stamp
