"""Opening a recording with FFmpeg without trusting its name or its content.

FFmpeg takes names for addresses and playlists for recordings, and would open what they point at
(``docs/decisions/0002-time-and-damaged-files.md``).  So only absolute paths of regular files
reach it, with lists of the formats and protocols it may use, and sizes are checked before a
frame is allocated.
"""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import BinaryIO, NamedTuple
from uuid import UUID

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.format import Flags
from av.stream import Disposition
from av.video.stream import VideoStream

from mescope.errors import VideoError

# Formats that hold their pictures themselves.  Absent on purpose: hls, dash, concat, sdp,
# image2 and everything else that names other files, addresses or devices.
FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,mpeg1video,mpeg2video,"
    "m4v,h261,h263,h264,hevc,vvc,av1,obu,ivf,dirac,cavsvideo,vc1,vc1test,asf,asf_o,flv,kux,"
    "live_flv,ogg,nut,mxf,mxf_d10,gxf,dv,wtv,rm,swf,yuv4mpegpipe,gif,apng,mjpeg,mjpeg_2000,"
    "nsv,nuv,amv,dhav,ser,cine,lxf,mlv,r3d,flic,smk,bink,roq,film_cpk,3dostr,avs,pva,ty,xmv,"
    "frm,filmstrip,dxa,apv,evc"
)
# Their clocks run freely: zero is no moment of the recording, so players count from the first
# stamp of any stream.
_CLOCKS_WITHOUT_ZERO = frozenset({"mpegts", "mpeg", "wtv", "pva", "ty"})
# Files of these begin with a signature that does not return in them.
_ONE_HEADER = frozenset({"flv", "asf", "apng", "wtv", "nut", "matroska"})
_SIGNATURE = 12  # bytes of it
_ASF_PROPERTIES = UUID("8cabdca1-a947-11cf-8ee4-00c00c205365").bytes_le
_ASF_SIZE_AT = 40  # bytes after the name: length of the object, name of the file
_MATROSKA_SEGMENT = b"\x18\x53\x80\x67"
_MOST_BOXES = 1 << 16
LARGEST_SIDE = 16384
LARGEST_AREA = 16384 * 8192

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+(:|,,)")
_PLAYLIST = re.compile(
    rb"\s*(#EXTM3U|ffconcat|v=0\s|<\?xml[^>]*>\s*(<!--.*?-->\s*)?<MPD|<MPD|<SMIL)", re.S
)
# Where MP4, AVI and Matroska keep it.
_CODEC = re.compile(rb"vmhd.*?stsd.{12}(....)|vids(....)|(V_[A-Z0-9/_]+)", re.S)
_HEADER = 1 << 20
_UNSHOWN = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image


def local_path(source: str | Path) -> Path:
    """The absolute path of a regular file or folder, without opening it.

    Raises:
        VideoError: an address, a missing path, or something that is neither file nor folder.
    """
    text = os.fspath(source)
    try:
        mode = os.stat(text).st_mode
    except (OSError, ValueError) as error:
        if _ADDRESS.match(text):
            raise VideoError(
                f"expected a local file, found the address {text}; save the recording first"
            ) from error
        reason = getattr(error, "strerror", None) or str(error)
        raise VideoError(
            f"{text!r}: expected a recording, found nothing readable ({reason.lower()}); "
            "check the path"
        ) from error
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise VideoError(
            f"{text}: expected a file or folder, found a device, pipe or socket; "
            "save the recording to a file first"
        )
    return Path(os.path.abspath(text))


@contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """A container for reading; closed afterwards.

    Raises:
        VideoError: the file is empty, no supported recording, a playlist, or unfinished.
    """
    try:
        container = av.open(
            str(path),
            options={"format_whitelist": FORMATS, "protocol_whitelist": "file"},
            metadata_errors="replace",
        )
    except (FFmpegError, OSError, ValueError) as error:
        raise VideoError(_why_not(path, error)) from error
    try:
        yield container
    finally:
        container.close()


def _why_not(path: Path, error: Exception) -> str:
    """One line about a file that FFmpeg could not open."""
    try:
        with path.open("rb") as file:
            head = file.read(4096)
            unfinished = head[4:8] == b"ftyp" and "moov" not in _box_names(path)
    except OSError as problem:
        reason = problem.strerror or str(problem)
        return f"{path.name}: cannot be read ({reason.lower()}); check path and permissions"
    if not head:
        return f"{path.name}: expected a recording, found an empty file; copy it again"
    if _PLAYLIST.match(head):
        return (
            f"{path.name}: expected a recording, found a playlist that points at other files; "
            "give the recording itself"
        )
    if unfinished:
        return (
            f"{path.name}: the index of this MP4 is missing (moov atom not found), the "
            "recording was cut off; copy it again, or rebuild the index with a repair tool "
            "such as untrunc and a whole recording of the same camera"
        )
    reason = getattr(error, "strerror", None) or str(error)
    return f"{path.name}: not a supported video ({reason.lower()}); convert it to MP4 or MKV"


def _box_names(path: Path) -> Counter[str]:
    """Names of the outermost boxes of an MP4 file, and how often they are there."""
    names: Counter[str] = Counter()
    size = path.stat().st_size
    with path.open("rb") as file:
        position = 0
        while position + 8 <= size and names.total() < _MOST_BOXES:
            file.seek(position)
            head = file.read(16)
            names[head[4:8].decode("latin-1")] += 1
            length = int.from_bytes(head[:4], "big")
            if length == 1:
                length = int.from_bytes(head[8:16], "big")
            if length < 8:
                break
            position += length
    return names


def goes_on(container: InputContainer, path: Path, end: int | None) -> bool:
    """Whether another recording was put behind the one that FFmpeg reads.

    Args:
        container: the open file.
        path: the file.
        end: byte after the last packet.

    Raises:
        VideoError: FFmpeg reads both and mixes them.
    """
    names = set(container.format.name.split(","))
    if "mov" in names:
        boxes = _box_names(path)
        if boxes["moov"] > 1 and boxes["moof"]:
            raise VideoError(
                f"{path.name}: expected one recording, found {boxes['moov']} that were put "
                "behind one another; take the file apart where the second ftyp box begins"
            )
        return boxes["moov"] > 1
    if end is None or not names & _ONE_HEADER:
        return False
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
        return data.find(data[:_SIGNATURE], end) >= 0


def promised_size(path: Path, format: str) -> int:
    """Bytes that an AVI, ASF (WMV) or Matroska file says it has; 0 where it says nothing."""
    with path.open("rb") as file:
        if format == "avi":
            return _riff_size(file, path.stat().st_size)
        head = file.read(_HEADER)
    if format == "asf":
        at = head.find(_ASF_PROPERTIES) + _ASF_SIZE_AT
        return int.from_bytes(head[at : at + 8], "little") if at >= _ASF_SIZE_AT else 0
    at = head.find(_MATROSKA_SEGMENT) + len(_MATROSKA_SEGMENT)
    if not len(_MATROSKA_SEGMENT) <= at < len(head) - 8 or not head[at]:
        return 0
    width = 9 - head[at].bit_length()
    size = int.from_bytes(head[at : at + width], "big") - (1 << 7 * width)
    unknown = (1 << 7 * width) - 1  # of a recorder that did not come to its end
    return 0 if size == unknown else at + width + size


def _riff_size(file: BinaryIO, size: int) -> int:
    """Where the outermost chunks of an AVI file end."""
    position = 0
    while position + 8 <= size:
        file.seek(position)
        chunk = file.read(8)
        if chunk[:4] != b"RIFF":
            break
        position += 8 + int.from_bytes(chunk[4:], "little")
    return position


def choose_stream(container: InputContainer, path: Path) -> tuple[VideoStream, list[str]]:
    """The video stream to analyze, and warnings about others.

    Cover art and thumbnails are passed over.  Of several streams the one marked as default
    with the largest picture is taken.

    Raises:
        VideoError: no moving picture, no decoder for it, or a picture too large to be true.
    """
    name = path.name
    pictures = list(container.streams.video)
    if not pictures:
        found = ", ".join(sorted({str(s.type) for s in container.streams})) or "nothing"
        raise VideoError(f"{name}: expected a video stream, found only {found}; give a video")
    moving = [s for s in pictures if not s.disposition & _UNSHOWN]
    if not moving:
        raise VideoError(f"{name}: expected a video stream, found only cover art; give a video")
    usable = [s for s in moving if s.codec_context is not None]
    if not usable:
        raise VideoError(
            f"{name}: no decoder for the codec {_codec_name(path)} "
            "(unknown or encrypted); convert the recording to H.264"
        )
    best = max(
        usable,
        key=lambda s: (bool(s.disposition & Disposition.default), s.width * s.height, -s.index),
    )
    check_size(best.codec_context.width, best.codec_context.height, name)
    warnings = []
    if len(moving) > 1:
        warnings.append(
            f"{len(moving)} video streams; number {best.index} "
            f"({best.width}x{best.height}) is analyzed"
        )
    return best, warnings


class Clock(NamedTuple):
    """How a format's time stamps are to be understood."""

    zero: float | None
    """The stamp, in seconds, that players show as 0:00; None for that of the first frame."""
    joins: bool
    """Whether stamps that fall mean that another recording was put behind; in MP4 only without
    an edit list, which may go back in a film."""
    guessed: bool
    """Whether most stamps are not in the file, and FFmpeg guesses them."""
    free: bool
    """Whether the clock may start anywhere, run over or begin again, as in MPEG streams."""


def clock_of(container: InputContainer) -> Clock:
    """The clock of an open file (decision 2).

    Its zero is zero itself, or the first stamp of any stream where that lies before zero or
    where the format's clock has no zero.
    """
    names, first = set(container.format.name.split(",")), container.start_time
    free = names & _CLOCKS_WITHOUT_ZERO
    joins = "mov" not in names
    if Flags.no_timestamps in Flags(container.format.flags):
        return Clock(None, joins, guessed=False, free=False)
    seconds = 0.0 if first is None else first / av.time_base
    zero = seconds if free else min(seconds, 0.0)
    return Clock(zero, joins, "mpeg" in names, bool(free))


def check_size(width: int, height: int, name: str) -> None:
    """Refuse pictures that no camera makes, before memory is taken for them."""
    if max(width, height) > LARGEST_SIDE or width * height > LARGEST_AREA:
        raise VideoError(
            f"{name}: expected pictures of at most {LARGEST_SIDE} pixels a side and "
            f"{LARGEST_AREA} in all, the header declares {width}x{height}; the file is "
            "damaged, or needs scaling down first"
        )


def _codec_name(path: Path) -> str:
    """What the file calls its codec, for the user; FFmpeg's wrapper does not expose it."""
    with path.open("rb") as file:
        data = file.read(_HEADER)
        file.seek(max(0, path.stat().st_size - _HEADER))
        data += file.read(_HEADER)
    named = _CODEC.search(data)
    text = b"" if named is None else next(part for part in named.groups() if part)
    return repr(text.decode("ascii", "replace")) if text else "without a name"
