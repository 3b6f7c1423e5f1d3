"""The packets of one stream, read tolerantly, and what each says of itself.

A packet is known again by its content: stamps are misread after a seek in program streams, and
begin again where files were put behind one another.
"""

from __future__ import annotations

import zlib
from array import array
from dataclasses import dataclass

import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream
from numpy.typing import NDArray

from mescope.video.fields import PictureParts

Integers = NDArray[np.int64]
NO_STAMP = np.iinfo(np.int64).min
_RETRIES = 16


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


@dataclass(frozen=True)
class Packets:
    """What the packets of a stream say of themselves, in decoding order.

    Attributes:
        stamps, orders: (p,) presentation and decoding stamps in ticks; ``NO_STAMP`` for none.
        contents: (p,) sizes and checksums in one number.
        keys: positions of the packets at which decoding can start.
        shown: (p,) whether a picture that is displayed begins in the packet.
        continued: (p,) whether the packet goes on with the picture of the one before it: the
            second field of a frame whose fields are coded apart.
        places: (p,) first byte in the file; -1 where the format does not say.
        damaged_end: whether reading ended with an error or a partial packet.
    """

    stamps: Integers
    orders: Integers
    contents: Integers
    keys: Integers
    shown: NDArray[np.bool_]
    continued: NDArray[np.bool_]
    places: Integers
    damaged_end: bool

    @property
    def end(self) -> int | None:
        """Byte after the last packet; None where the format does not say."""
        last = int(self.places.argmax())
        place = int(self.places[last])
        return None if place < 0 else place + (int(self.contents[last]) >> 32)


def read_packets(container: InputContainer, stream: VideoStream) -> Packets:
    """Read all packets of ``stream`` once, without decoding them."""
    stamps, orders, contents, keys = array("q"), array("q"), array("q"), array("q")
    places, shown, continued = array("q"), bytearray(), bytearray()
    reader, partial = PacketReader(container, stream), False
    parts = PictureParts(stream.codec_context.name, stream.codec_context.extradata)
    for position, packet in enumerate(reader):
        data = memoryview(packet)
        stamps.append(number_of(packet.pts))
        orders.append(number_of(packet.dts))
        contents.append(content_of(packet))
        seen = parts.look(data)
        continued.append(seen.continues)
        shown.append(not (packet.is_discard or seen.hidden or seen.continues))
        if packet.is_keyframe and not seen.continues:
            keys.append(position)
        places.append(-1 if packet.pos is None else packet.pos)
        partial = packet.is_corrupt
    return Packets(
        np.array(stamps, np.int64),
        np.array(orders, np.int64),
        np.array(contents, np.int64),
        np.array(keys, np.int64),
        np.frombuffer(bytes(shown), np.bool_),
        np.frombuffer(bytes(continued), np.bool_),
        np.array(places, np.int64),
        reader.broken or partial,
    )


def content_of(packet: Packet[VideoStream]) -> int:
    """Size and CRC-32 of a packet in one number."""
    return (packet.size & 0x7FFFFFFF) << 32 | zlib.crc32(memoryview(packet))


def number_of(stamp: int | None) -> int:
    """Return a stamp as a number of its own where there is none."""
    return NO_STAMP if stamp is None else stamp
