"""Which packets begin a picture that is shown: read from the headers of the bitstream.

A packet is not always a picture.  Camcorders (AVCHD) may code the two fields of a frame as two
pictures, one packet each: H.264 (ITU-T H.264 §7.3.2.1, 7.3.2.2, 7.3.3, 7.4.1.2.4) and MPEG-2
(ITU-T H.262 §6.2.3.1, 6.3.10).  VP8 sends pictures that are only referred to (RFC 6386 §9.1),
and Theora repeats its headers where recordings are joined (Theora specification §6.1).  No
library tells this without decoding.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

Data = bytes | memoryview

_TOP, _BOTTOM, _FRAME = 1, 2, 3
_SLICE, _IDR, _SPS, _PPS = 1, 5, 7, 8
_HEAD = 4096  # bytes of a unit that are looked at; parameter sets are shorter
_HEADER = 64  # bytes that are enough for what is read of a slice
_WITH_CHROMA = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}
_HIDDEN = {"vp8": (0x10, 0), "theora": (0x80, 0x80)}  # bits of the first byte, their value
_START = b"\0\0\1"
_MPEG_PICTURE = b"\0\0\1\0"
_MPEG_EXTENSION = b"\0\0\1\xb5"
_CODING_EXTENSION = 8


class PacketLook(NamedTuple):
    """What one packet holds."""

    continues: bool = False
    """The second field of the picture that began in the packet before."""
    hidden: bool = False
    """Nothing that is ever shown."""


class PictureParts:
    """Looks at the packets of one stream, one after the other in decoding order."""

    def __init__(self, codec: str, extradata: bytes | None) -> None:
        self._look = {
            "h264": _H264(extradata or b"").field,
            "mpeg2video": _mpeg2_field,
        }.get(codec)
        self._hides = _HIDDEN.get(codec)
        self._open: tuple[int, int] | None = (
            None  # (parity, number) of a field without its pair
        )

    def look(self, data: memoryview) -> PacketLook:
        """Say what the next packet holds."""
        if self._hides is not None:
            mask, value = self._hides
            return PacketLook(hidden=data[0] & mask == value)
        if self._look is None:
            return PacketLook()
        field = self._look(bytes(data))
        if field is None:
            self._open = None
            return PacketLook()
        parity, number = field
        if self._open == (_TOP + _BOTTOM - parity, number):
            self._open = None
            return PacketLook(continues=True)
        self._open = field
        return PacketLook()


def _mpeg2_field(data: bytes) -> tuple[int, int] | None:
    """Parity and temporal reference of a packet's only field; None for frames and pairs."""
    fields, at = [], data.find(_MPEG_EXTENSION)
    while 0 <= at < len(data) - 6:
        if data[at + 4] >> 4 == _CODING_EXTENSION:
            fields.append(data[at + 6] & 3)
        at = data.find(_MPEG_EXTENSION, at + 4)
    head = data.find(_MPEG_PICTURE)
    if len(fields) != 1 or fields[0] == _FRAME or not 0 <= head < len(data) - 5:
        return None
    return fields[0], data[head + 4] << 2 | data[head + 5] >> 6


class _H264:
    """Reads field parity and frame number from the slices of H.264."""

    def __init__(self, extradata: bytes) -> None:
        self._sequences: dict[int, _Sequence] = {}
        self._pictures: dict[int, int] = {}  # picture parameter set to sequence parameter set
        self._prefix = 0
        if extradata[:1] == b"\x01" and len(extradata) > 6:  # ISO 14496-15 §5.3.3.1
            self._prefix = (extradata[4] & 3) + 1
            for unit in _sets_of(extradata):
                self._learn(unit)
        else:
            for unit in _units(extradata, 0):
                self._learn(unit)

    def field(self, data: bytes) -> tuple[int, int] | None:
        """Parity and frame number of a packet's only field; None for frames and pairs."""
        if self._prefix and not any(s.fields for s in self._sequences.values()):
            return None  # parameter sets stand in the header alone, and say: frames
        found: set[tuple[int, int]] = set()
        for unit in _units(data, self._prefix):
            kind = unit[0] & 0x1F
            if kind in (_SPS, _PPS):
                self._learn(unit)
            elif kind in (_SLICE, _IDR):
                field = self._field_of(unit)
                if field is None:
                    return None
                found.add(field)
        return found.pop() if len(found) == 1 else None

    def _learn(self, unit: bytes) -> None:
        try:
            bits = _Bits(unit[1:])
            if unit[0] & 0x1F == _SPS:
                number, sequence = _sequence(bits)
                self._sequences[number] = sequence
            elif unit[0] & 0x1F == _PPS:
                picture = bits.golomb()
                self._pictures[picture] = bits.golomb()
        except IndexError:
            return  # cut short: what is not known counts as frames

    def _field_of(self, unit: bytes) -> tuple[int, int] | None:
        try:
            bits = _Bits(unit[1:_HEADER])
            bits.golomb()  # first macroblock
            bits.golomb()  # slice type
            sequence = self._sequences.get(self._pictures.get(bits.golomb(), -1))
            if sequence is None or not sequence.fields:
                return None
            bits.take(sequence.colour_bits)
            number = bits.take(sequence.number_bits)
            if not bits.take(1):
                return None
            return (_BOTTOM if bits.take(1) else _TOP), number
        except IndexError:
            return None


class _Sequence(NamedTuple):
    fields: bool
    number_bits: int
    colour_bits: int


def _sequence(bits: _Bits) -> tuple[int, _Sequence]:
    """Number of a sequence parameter set, and what slices need of it (§7.3.2.1.1)."""
    profile = bits.take(8)
    bits.take(16)
    number, colour_bits = bits.golomb(), 0
    if profile in _WITH_CHROMA:
        chroma = bits.golomb()
        if chroma == 3:
            colour_bits = 2 * bits.take(1)
        bits.golomb(), bits.golomb(), bits.take(1)
        if bits.take(1):
            for k in range(12 if chroma == 3 else 8):
                if bits.take(1):
                    _skip_scaling(bits, 16 if k < 6 else 64)
    number_bits = bits.golomb() + 4
    order = bits.golomb()
    if order == 0:
        bits.golomb()
    elif order == 1:
        bits.take(1), bits.golomb(), bits.golomb()
        for _ in range(bits.golomb()):
            bits.golomb()
    bits.golomb(), bits.take(1), bits.golomb(), bits.golomb()
    return number, _Sequence(not bits.take(1), number_bits, colour_bits)


def _skip_scaling(bits: _Bits, size: int) -> None:
    last = 8
    for _ in range(size):
        coded = bits.golomb()
        last = (last + (-(coded // 2) if coded % 2 == 0 else (coded + 1) // 2)) % 256
        if last == 0:
            return


def _sets_of(extradata: bytes) -> Iterator[bytes]:
    """Parameter sets in the header of MP4 and Matroska."""
    at, left, kinds = 6, extradata[5] & 0x1F, 1
    while True:
        while left and at + 2 <= len(extradata):
            length = int.from_bytes(extradata[at : at + 2], "big")
            if length:
                yield extradata[at + 2 : at + 2 + length]
            at, left = at + 2 + length, left - 1
        if not kinds or at >= len(extradata):
            return
        kinds, left, at = 0, extradata[at], at + 1


def _units(data: bytes, prefix: int) -> Iterator[bytes]:
    """Heads of the NAL units of a packet: after start codes, or after their lengths."""
    if prefix:
        at = 0
        while at + prefix < len(data):
            length = int.from_bytes(data[at : at + prefix], "big")
            at += prefix
            if length:
                yield data[at : at + min(length, _HEAD)]
            at += length
        return
    at = data.find(_START)
    while 0 <= at < len(data) - 3:
        near = at + _HEAD
        after = data.find(_START, at + 3, near)
        yield data[at + 3 : near if after < 0 else after]
        # Only who wants another unit pays for the search through a long one.
        at = after if after >= 0 else data.find(_START, near - len(_START))


class _Bits:
    """Bits of a NAL unit, without the bytes that guard against start codes (§7.4.1)."""

    def __init__(self, data: bytes) -> None:
        self._data = data.replace(b"\0\0\3", b"\0\0")
        self._at = 0

    def take(self, count: int) -> int:
        """Return ``count`` bits as a number.

        Raises:
            IndexError: there are no more.
        """
        value = 0
        for _ in range(count):
            value = value << 1 | self._data[self._at >> 3] >> (7 - (self._at & 7)) & 1
            self._at += 1
        return value

    def golomb(self) -> int:
        """Return an unsigned Exp-Golomb number (§9.1)."""
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)
