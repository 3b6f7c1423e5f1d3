"""The one table that says which frame a packet holds and when it is shown.

Made by reading the packets of a file once, without decoding.  Frames are numbered in the order
of their presentation stamps.  Packets come in decoding order, which differs wherever a codec
looks ahead, so the table also keeps the frame number of each packet.  Before a packet is
decoded its stamp is replaced by that number, and the decoder hands it back with the picture: a
frame keeps its number whatever was lost before it.

Pictures are counted, not packets: see :mod:`mescope.video.fields`.  Parts that were put behind
one another follow one another: see :mod:`mescope.video.joints`.

Repairs, all counted in ``irregular``:

* A stamp shared by several packets is spread evenly up to the next stamp, in decoding order.
* If packets carry no presentation stamps (raw H.264, AVI with B-frames) the order of display
  comes from one run of the decoder; the times are the decoding stamps in order or, without
  those, the declared rate's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream
from numpy.typing import NDArray

from mescope.video.containers import clock_of
from mescope.video.joints import GUESSED_FALL, following, joints_of
from mescope.video.packets import NO_STAMP, Integers, Packets, content_of, read_packets

_LOOK_AHEAD = 32  # packets; no codec reorders over more
# Their stamps tell the order of display; streams may be able to reorder, and not do it.
_REORDERED = frozenset({"mov", "matroska", "mpegts", "mpeg", "flv", "nut", "ogg"})
_EARLIER = 1.0  # seconds; so much earlier a seek is tried again


class Way(NamedTuple):
    """A place to seek to: a byte of the file, or a stamp in ticks."""

    goal: int
    is_byte: bool


@dataclass(frozen=True)
class TimeTable:
    """Frame numbers and times of a stream.

    Attributes:
        times: (n,) float64 seconds, increasing, 0 at the first displayed frame.
        offset: seconds: the stamp of the first displayed frame in the file.
        tick: seconds to which stamps are rounded.
        frame_of: (p,) frame number of each packet in decoding order, the same one for the two
            fields of a frame; -1 for packets that are decoded but not shown (before the start
            of an edit list).
        packets: what the packets say of themselves, stamps as stored.
        joints: positions of the packets at which a part begins that was put behind another.
        parts: numbers of the frames at which these begin.
        irregular: number of repaired stamps.
        by_byte: whether reading can begin at any byte of the file.
    """

    times: NDArray[np.float64]
    offset: float
    tick: float
    frame_of: Integers
    packets: Packets
    joints: tuple[int, ...]
    parts: tuple[int, ...]
    irregular: int
    by_byte: bool = False

    def entry_for(self, frame: int) -> int:
        """Position of the last key packet from which ``frame`` can be decoded; 0 if none."""
        keys = self.packets.keys
        usable = keys[(self.frame_of[keys] <= frame) & (self.frame_of[keys] >= 0)]
        return int(usable[-1]) if len(usable) else 0

    def ways_to(self, entry: int) -> list[Way]:
        """Where to seek so as to arrive at a packet or before it; the best way first."""
        ways = []
        places = self.packets.places[: entry + 1]
        if self.by_byte and (places >= 0).any():
            # Where stamps begin again, or come once for several packets, they lead astray.
            ways.append(Way(int(places[places >= 0][-1]), True))
        # Formats index their key packets by one stamp or the other; the smaller is safe.
        stamps = [int(s[entry]) for s in (self.packets.stamps, self.packets.orders)]
        known = [s for s in stamps if s != NO_STAMP]
        if known:
            ways += [
                Way(min(known), False),
                Way(min(known) - round(_EARLIER / self.tick), False),
            ]
        return ways

    def is_at(self, position: int, packet: Packet[VideoStream]) -> bool:
        """Whether a packet has the content of the one at a position."""
        contents = self.packets.contents
        return position < len(contents) and int(contents[position]) == content_of(packet)

    def is_past(self, position: int, packet: Packet[VideoStream]) -> bool:
        """Whether the content of a packet is only found after a position."""
        here = np.flatnonzero(self.packets.contents == content_of(packet))
        return bool(len(here)) and int(here[0]) > position

    def dependents(self, frames: Sequence[int]) -> list[int]:
        """Frames other than ``frames`` that the decoder builds on them, or may.

        Those are the frames of the packets up to the next key packet, and of the packets after
        it that are shown before it (an open group of pictures).
        """
        position_of = np.full(len(self.times), -1, np.int64)
        shown = np.flatnonzero(self.frame_of >= 0)
        position_of[self.frame_of[shown]] = shown
        keys = self.packets.keys
        earliest: dict[int, int] = {}  # in each group of pictures: what follows it is the most
        for position in position_of[list(frames)].tolist():
            after = int(np.searchsorted(keys, position, side="right"))
            earliest[after] = min(position, earliest.get(after, position))
        found: set[int] = set()
        for after, position in earliest.items():
            end = int(keys[after]) if after < len(keys) else len(self.frame_of)
            found.update(self.frame_of[position + 1 : end].tolist())
            following = self.frame_of[end + 1 :][:_LOOK_AHEAD]
            if end < len(self.frame_of):
                found.update(following[following < self.frame_of[end]].tolist())
        return sorted(found - set(frames) - {-1})

    def last_packet(self, frame: int) -> int:
        """Position after which no packet holds a frame up to ``frame``."""
        return int(np.flatnonzero((self.frame_of >= 0) & (self.frame_of <= frame))[-1])


class DisplayOrder(NamedTuple):
    """What one run of the decoder tells of a stream whose stamps do not."""

    positions: list[int]
    """Packets in the order in which their pictures come out."""
    delay: int
    """Packets that the decoder takes before it gives the first picture."""


def read_table(
    container: InputContainer,
    stream: VideoStream,
    display_order: Callable[[], DisplayOrder],
) -> TimeTable | None:
    """Read all packets of ``stream`` once and make the table; None if no frame is shown.

    ``display_order`` is called only for streams without presentation stamps: it decodes the
    recording.
    """
    found = read_packets(container, stream)
    if not found.shown.any():
        return None
    clock, unit = clock_of(container), float(stream.time_base or 0)
    may_join = clock.joins or bool(found.shown.all())
    joints = joints_of(found, unit, clock) if may_join else []
    stamps, orders = following(found, joints) if joints else (found.stamps, found.orders)
    shifted = replace(found, stamps=stamps, orders=orders)
    unknown = unit == 0 or bool((stamps[found.shown] == NO_STAMP).any())
    if unknown or _invented(container, stream, shifted):
        timed = _without_stamps(shifted, display_order(), unit, stream, unknown)
        found = replace(found, stamps=np.full(len(stamps), NO_STAMP))  # no use for seeking
    elif clock.guessed and not _even(shifted):
        timed = _guessed_stamps(shifted, display_order(), unit, stream)
    else:
        timed = _with_stamps(shifted, unit)
    frame_of = np.full(len(stamps), -1, np.int64)
    frame_of[timed.packets] = np.arange(len(timed.packets))
    for position in np.flatnonzero(found.continued):
        frame_of[position] = frame_of[position - 1]
    begins = (frame_of[joint:][frame_of[joint:] >= 0] for joint in joints)
    return TimeTable(
        times=timed.seconds - timed.seconds[0],
        offset=timed.offset,
        tick=timed.unit,
        frame_of=frame_of,
        packets=found,
        joints=tuple(joints),
        parts=tuple(int(numbers.min()) for numbers in begins if len(numbers)),
        irregular=timed.irregular,
        by_byte=clock.free or clock.zero is None,  # MPEG streams, raw streams
    )


class _Timed(NamedTuple):
    """Packets in display order and their seconds."""

    packets: Integers
    seconds: NDArray[np.float64]
    offset: float
    unit: float
    irregular: int


def _invented(container: InputContainer, stream: VideoStream, packets: Packets) -> bool:
    """Whether the presentation stamps are made up, though the stream is reordered.

    AVI stores none; MXF may lack the table of them, and ASF is written with others.
    """
    only_keys = len(packets.keys) == int(packets.shown.sum())
    if only_keys or not stream.codec_context.has_b_frames:
        return False
    names = set(container.format.name.split(","))
    rising = bool((np.diff(packets.stamps[packets.shown]) > 0).all())
    return "avi" in names or (rising and not names & _REORDERED)


def _without_stamps(
    packets: Packets, order: DisplayOrder, unit: float, stream: VideoStream, some: bool
) -> _Timed:
    """Times from the decoding stamps, shown ``delay`` packets late, or from the rate.

    ``some`` says that what presentation stamps there are can be believed.
    """
    positions = _in_order(packets.shown, order.positions)
    known = packets.stamps[positions[0]] if some else NO_STAMP
    offset = None if known == NO_STAMP else float(known * unit)
    stamps = np.sort(packets.orders[packets.shown])
    if unit == 0 or stamps[0] == NO_STAMP or not np.diff(stamps).all():
        unit = 1.0 / float(stream.guessed_rate or stream.average_rate or 25)
        stamps = np.arange(len(positions), dtype=np.int64)
    usual = int(np.median(np.diff(stamps))) if len(stamps) > 1 else 1
    # The picture of a packet is shown when the decoder gives it; chunks that an AVI file leaves
    # empty, for frames that were dropped, are empty in decoding order.
    late = min(order.delay, len(stamps) - 1)
    after = stamps[-1] + usual * np.arange(1, late + 1)
    seconds = np.asarray(np.append(stamps[late:], after) * unit, np.float64)
    if offset is None:
        offset = float(stamps[0] * unit)
    return _Timed(positions, seconds, offset, unit, len(positions))


def _even(found: Packets) -> bool:
    """Whether sorted presentation stamps lie one usual interval apart."""
    steps = np.diff(np.sort(found.stamps[found.shown]))
    return not len(steps) or bool(np.abs(steps - np.median(steps)).max() <= 1)


def _guessed_stamps(
    found: Packets, order: DisplayOrder, unit: float, stream: VideoStream
) -> _Timed:
    """Order from the decoder; even times where stamps are repeated that must be even.

    Program streams stamp some pictures, and FFmpeg's guesses for those between are off by a
    frame or two where many share a packet of the stream.
    """
    timed = _with_stamps(found, unit)
    positions = _in_order(found.shown, order.positions, found.stamps)
    ticks = np.sort(found.stamps[found.shown])
    rate = float(stream.guessed_rate or stream.average_rate or 0)
    if timed.irregular and rate:
        usual = 1.0 / (rate * unit)
        even = ticks[0] + usual * np.arange(len(ticks))
        if np.abs(even - ticks).max() <= GUESSED_FALL * usual:
            return timed._replace(packets=positions, seconds=even * unit)
    return timed._replace(packets=positions)


def _with_stamps(found: Packets, unit: float) -> _Timed:
    """Packets in display order and their seconds; repeated stamps are spread apart."""
    pts, shown = found.stamps, np.flatnonzero(found.shown)
    packets = shown[np.argsort(pts[shown], kind="stable")]
    ticks, counts = np.unique(pts[packets], return_counts=True)
    repeated = int((counts - 1).sum())
    offset = float(ticks[0] * unit)
    if not repeated:
        return _Timed(packets, np.asarray(ticks * unit, np.float64), offset, unit, 0)
    usual = float(np.median(np.diff(ticks))) if len(ticks) > 1 else 1.0
    room = np.append(np.diff(ticks), usual * counts[-1])
    within = np.arange(len(packets)) - np.repeat(np.cumsum(counts) - counts, counts)
    spread = np.repeat(ticks, counts) + within * np.repeat(room / counts, counts)
    return _Timed(packets, np.asarray(spread * unit, np.float64), offset, unit, repeated)


def _in_order(
    shown: NDArray[np.bool_], order: list[int], stamps: Integers | None = None
) -> Integers:
    """Shown packets in the decoder's order.

    One that gave no frame stays where it stands among the packets, or by its stamp.
    """
    order = [k for k in order if shown[k]]
    lost = np.setdiff1d(np.flatnonzero(shown), order)
    came = np.array(order, np.int64)
    places, sought = (came, lost) if stamps is None else (stamps[came], stamps[lost])
    # Before the first picture that comes later than the lost one.
    before = np.searchsorted(np.maximum.accumulate(places), sought) if len(came) else lost * 0
    return np.insert(came, before, lost)
