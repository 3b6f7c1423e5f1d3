"""H.264 and MPEG-2 whose frames are coded as two fields: no encoder of FFmpeg makes them.

Every macroblock is intra coded on its own (I_PCM; only the means in MPEG-2), so a writer of
the two syntaxes needs next to nothing; what it writes is what camcorders write (AVCHD, XDCAM).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av
from barcodes import HEIGHT, WIDTH, barcode

RATE = 25
TICK = Fraction(1, 50)  # one field


@dataclass(frozen=True)
class Coded:
    """One coded picture: a frame, or one field of it.

    ``number`` is spelled and also the place in the display; ``field`` is 0 or 1, None for a
    whole frame.
    """

    number: int
    data: bytes
    field: int | None
    key: bool


class Bits:
    """Bits that are written one after the other."""

    def __init__(self):
        self.text = []

    def put(self, value, count):
        self.text.append(f"{value:0{count}b}" if count else "")

    def golomb(self, *values):
        for value in values:
            digits = f"{value + 1:b}"
            self.text.append("0" * (len(digits) - 1) + digits)

    def data(self, stop=True):
        text = "".join(self.text) + ("1" if stop else "")
        text += "0" * (-len(text) % 8)
        return int(text, 2).to_bytes(len(text) // 8, "big") if text else b""


# -- H.264 -------------------------------------------------------------------------------


def _unit(kind, importance, body):
    guarded = bytearray()
    zeros = 0
    for byte in body:
        if zeros >= 2 and byte <= 3:
            guarded.append(3)
            zeros = 0
        guarded.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return b"\0\0\0\1" + bytes([importance << 5 | kind]) + bytes(guarded)


def _parameter_sets(width, height):
    """What every key picture begins with (H.264 §7.3.2.1, 7.3.2.2, E.1.1)."""
    bits = Bits()
    for value in (77, 0, 30):  # main profile
        bits.put(value, 8)
    bits.golomb(0, 0, 0, 4, 2)  # frame numbers of 4 bits, order of display of 8, 2 references
    bits.put(0, 1)
    bits.golomb(width // 16 - 1, height // 32 - 1)
    bits.put(0b00101, 5)  # not frames only, nor mixed within one; no cropping; more is told
    bits.put(0b00001, 5)  # the clock:
    bits.put(1, 32)
    bits.put(2 * RATE, 32)  # ticks of a field
    bits.put(0b100011, 6)  # steady; and how far pictures are reordered:
    bits.golomb(0, 0, 10, 10, 2, 2)
    pictures = Bits()
    pictures.golomb(0, 0)
    pictures.put(0, 2)  # no arithmetic coding
    pictures.golomb(0, 0, 0)
    pictures.put(0, 3)
    pictures.golomb(0, 0, 0)
    pictures.put(0b100, 3)  # slices may turn deblocking off
    return _unit(7, 3, bits.data()) + _unit(8, 3, pictures.data())


def _slice(picture, *, frame, order, key, reference, field, skipped=False):
    """``picture`` (H, W): the lines of this field or frame."""
    height, width = picture.shape
    bits = Bits()
    bits.golomb(0, 5 if skipped else 7, 0)
    bits.put(frame % 16, 4)
    bits.put(field is not None, 1)
    if field is not None:
        bits.put(field, 1)
    if key:
        bits.golomb(0)
    bits.put(order % 256, 8)
    if skipped:
        bits.put(0b00, 2)  # as many references as ever, in the usual order
    if reference:
        bits.put(0, 2 if key else 1)
    bits.golomb(0, 1)  # quantiser as ever, no deblocking
    blocks = (width // 16) * (height // 16)
    if skipped:
        bits.golomb(blocks)
        return _unit(1, 2 if reference else 0, bits.data())
    body = bytearray()
    for block in range(blocks):
        bits.golomb(25)  # I_PCM
        body += bits.data(stop=False)
        bits = Bits()
        top, left = 16 * (block // (width // 16)), 16 * (block % (width // 16))
        body += picture[top : top + 16, left : left + 16].tobytes() + b"\x80" * 128
    return _unit(5 if key else 1, 2 if reference else 0, bytes(body) + b"\x80")


def h264(frames, *, fields=lambda k: True, group=12, ahead=False, second="intra"):
    """Coded pictures of ``frames`` frames in decoding order.

    Args:
        frames: how many.
        fields: whether the frame with a number is coded as two fields.
        group: frames from one key picture to the next.
        ahead: whether every third frame is coded before the two that are shown before it.
        second: ``"intra"`` or ``"skipped"``: how second fields of key frames are coded.
    """
    coded, number = [], 0
    for start in range(0, frames, group):
        count = min(group, frames - start)
        order = [0]
        for k in range(1, count, 3):
            run = list(range(k, min(k + 3, count)))
            order += [run[-1], *run[:-1]] if ahead else run
        number = 0
        for k in order:
            key, reference = k == 0, not ahead or k % 3 == 0
            picture = barcode(start + k)
            shared = {"frame": number, "reference": reference}
            head = b"\0\0\0\1\x09\x10" + (_parameter_sets(WIDTH, HEIGHT) if key else b"")
            if fields(start + k):
                one = _slice(picture[::2], order=2 * k, key=key, field=0, **shared)
                skip = second == "skipped" and key
                two = _slice(
                    picture[1::2], order=2 * k + 1, key=False, field=1, skipped=skip, **shared
                )
                coded.append(Coded(start + k, head + one, 0, key))
                coded.append(Coded(start + k, b"\0\0\0\1\x09\x30" + two, 1, False))
            else:
                whole = _slice(picture, order=2 * k, key=key, field=None, **shared)
                coded.append(Coded(start + k, head + whole, None, key))
            number += reference
    return coded


# -- MPEG-2 ------------------------------------------------------------------------------

_DC_LUMA = ("100", "00", "01", "101", "110", "1110", "11110", "111110", "1111110")
_NO_CHROMA_CHANGE = "00"


def _mpeg2_slices(lines):
    height, width = lines.shape
    out = b""
    for row in range(height // 16):
        bits = Bits()
        bits.put(2, 5)  # quantiser
        bits.put(0, 1)
        before = 128
        for column in range(width // 16):
            bits.put(0b11, 2)  # next block, intra
            for y, x in ((0, 0), (0, 8), (8, 0), (8, 8)):
                top, left = 16 * row + y, 16 * column + x
                mean = round(float(lines[top : top + 8, left : left + 8].mean()))
                step, before = mean - before, mean
                size = abs(step).bit_length()
                bits.text.append(_DC_LUMA[size])
                bits.put(step if step > 0 else step + (1 << size) - 1, size)
                bits.put(0b10, 2)  # no other coefficients
            bits.text.append((_NO_CHROMA_CHANGE + "10") * 2)
        out += b"\0\0\1" + bytes([row + 1]) + bits.data(stop=False)
    return out


def mpeg2(frames, *, fields=lambda k: True, group=12):
    """Coded pictures of ``frames`` frames, intra coded; as :func:`h264`."""
    coded = []
    for k in range(frames):
        picture, key = barcode(k), k % group == 0
        head = b""
        if key:
            head += b"\0\0\1\xb3" + (WIDTH << 12 | HEIGHT).to_bytes(3, "big")
            head += bytes([1 << 4 | 3]) + (0x3FFFF << 14 | 1 << 13 | 112 << 3).to_bytes(
                4, "big"
            )
            head += b"\0\0\1\xb5" + bytes([0x14, 0x82, 0x00, 0x01, 0x00, 0x00])
            head += b"\0\0\1\xb8\0\x08\x00\x40"
        parts = [(0, picture[::2]), (1, picture[1::2])] if fields(k) else [(None, picture)]
        for field, lines in parts:
            data = head if field != 1 else b""
            data += b"\0\0\1\0" + ((k % group) << 22 | 1 << 19 | 0xFFFF << 3).to_bytes(4, "big")
            structure = 3 if field is None else field + 1
            bits = Bits()
            bits.put(0x8FFFF, 20)
            bits.put(0, 2)
            bits.put(structure, 2)
            bits.put(field is None, 1)  # top field first
            bits.put(field is None, 1)  # whole frames are transformed as frames
            bits.put(0, 3)
            bits.put(0, 1)
            bits.put(field is None, 1)
            bits.put(field is None, 1)
            bits.put(0, 1)
            data += b"\0\0\1\xb5" + bits.data(stop=False) + _mpeg2_slices(lines)
            coded.append(Coded(k, data, field, key and field != 1))
    return coded


# -- into files --------------------------------------------------------------------------


def write_raw(path, coded):
    """One stream without a container."""
    path.write_bytes(b"".join(picture.data for picture in coded))
    return path


def write_fields(path, coded, scratch, *, pairs=False, second_stamp=True, format=None):
    """Put coded pictures into a container, one packet each, or both fields in one.

    Args:
        path: the file to write.
        coded: from :func:`h264` or :func:`mpeg2`.
        scratch: a raw file to take the description of the stream from.
        pairs: whether the two fields of a frame are one packet.
        second_stamp: whether second fields have a stamp of their own.
        format: of the container, if the suffix does not tell.
    """
    write_raw(scratch, coded)
    frames = [picture for picture in coded if picture.field != 1]
    delay = 2 * max(k - frame.number for k, frame in enumerate(frames))
    packets = []
    for picture in coded:
        if pairs and picture.field == 1:
            packets[-1][1] += picture.data
            continue
        packets.append([picture, bytearray(picture.data)])
    with av.open(str(scratch)) as raw, av.open(str(path), "w", format=format) as out:
        stream = out.add_stream_from_template(raw.streams.video[0])
        stream.time_base = TICK
        place = -1
        for picture, data in packets:
            place += picture.field != 1
            packet = av.Packet(bytes(data))
            packet.time_base, packet.stream = TICK, stream
            second = picture.field == 1
            if second_stamp or not second:
                packet.pts = 2 * picture.number + delay + second
                packet.dts = 2 * place + second
            packet.duration = 1 if picture.field is not None and not pairs else 2
            packet.is_keyframe = picture.key
            out.mux(packet)
    return path
