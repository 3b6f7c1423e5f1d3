"""Filling in the decode report: what the header says, and what one run of the decoder met."""

from __future__ import annotations

import re
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.index import IndexEntry
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from mescope.video.containers import clock_of, promised_size
from mescope.video.decode_report import DecodeReport, Repeats, dropped_frames, rate_of
from mescope.video.frame_conversion import same_picture
from mescope.video.timetable import TimeTable

_TS_PACKETS = (188, 192, 204)  # bytes; an MPEG transport stream is a whole number of them


_FINE = 1e-3  # seconds; a tick of a clock, not of a frame
_PROMISED_SIZE = frozenset({"avi", "asf", "matroska,webm"})
_PROMISED_LENGTH = frozenset({"flv", "matroska,webm"})  # of the file, in its header


class Tally:
    """What one run of the decoder met."""

    def __init__(self, frames: int = 0) -> None:
        self.bad_packets = 0
        self._seen = bytearray(frames)
        self._repeats = Repeats()
        self._before: tuple[int, VideoFrame] | None = None

    def count(self, index: int, frame: VideoFrame) -> None:
        """Note a decoded frame."""
        self._seen[index] = 1
        before, self._before = self._before, (index, frame)
        if before is not None and before[0] == index - 1 and same_picture(before[1], frame):
            self._repeats.note(index, index - 1)

    def report_to(
        self, report: DecodeReport, first: int, last: int, times: NDArray[np.float64]
    ) -> None:
        """Enter the findings for the frames first to last into the report.

        ``times`` (n,) are the seconds of all frames of the recording.
        """
        seen = np.frombuffer(self._seen, np.uint8)[first : last + 1]
        report.decoded = int(seen.sum())
        report.missing = tuple((first + np.flatnonzero(seen == 0)).tolist())
        report.bad_packets = self.bad_packets
        self._repeats.report_to(report, times)
        report.finished = True


def first_report(
    container: InputContainer, stream: VideoStream, table: TimeTable, index: list[IndexEntry]
) -> DecodeReport:
    """What header and table say before a frame is decoded.

    ``index`` is what the container's header says of packets.
    """
    declared = float(stream.guessed_rate or stream.average_rate or 0) or None
    rounding = table.tick
    if declared and _is_whole(1.0 / (declared * table.tick)):
        rounding = 0.0  # every frame falls on a tick
    rate, varies = rate_of(table.times, rounding)
    dropped = dropped_frames(table.times, rate)
    if declared and rate and (dropped or not varies):
        # Stamps rounded to ticks leave a doubt of one tick over the whole recording.
        doubt = 1.5 * table.tick / float(table.times[-1])
        rate = declared if abs(declared / rate - 1) <= doubt else rate
    if declared and rate and abs(declared / rate - 1) > 0.05:
        # Some headers count fields; and where a picture comes late, FFmpeg tells its clock.
        clock = table.tick <= _FINE and abs(declared * table.tick - 1) < 1e-3
        if clock or table.packets.continued.any():
            declared = None
    aspect, zero = stream.sample_aspect_ratio, clock_of(container).zero
    return DecodeReport(
        frames=len(table.times),
        measured_rate=rate,
        declared_rate=declared,
        declared_frames=int(stream.frames) or None,
        variable_rate=varies,
        dropped=dropped,
        longest_gap=float(np.diff(table.times).max(initial=0.0)),
        irregular_stamps=table.irregular,
        joints=table.parts,
        truncated=table.packets.damaged_end or _cut_off(container, stream, table, rate, index),
        # FFmpeg tells starts in whole microseconds.
        start_offset=0.0 if zero is None else max(0.0, round(table.offset - zero, 6)),
        codec=stream.codec_context.name,
        sample_aspect=float(aspect) if aspect else 1.0,
    )


def _is_whole(number: float) -> bool:
    return number >= 0.5 and abs(number - round(number)) < 1e-6


def _cut_off(
    container: InputContainer,
    stream: VideoStream,
    table: TimeTable,
    rate: float,
    index: list[IndexEntry],
) -> bool:
    """Whether the header promises more frames or seconds than the file holds."""
    format = container.format.name
    if format in _PROMISED_SIZE:
        promised = promised_size(Path(container.name), format)
        if promised or format != "matroska,webm":
            return promised > container.size
    if format == "mpegts":
        return all(container.size % n for n in _TS_PACKETS)
    found = len(table.frame_of)
    if "mov" in format and len(index) >= found:
        # The index is what an edit list leaves of the frames and seconds that are declared.
        return any(entry.pos + entry.size > container.size for entry in index)
    if stream.frames > found:
        return True
    end = float(table.times[-1]) + max(0.0, table.offset - (clock_of(container).zero or 0.0))
    slack = max(0.5, 4 / rate if rate else 0.5)
    parts = re.fullmatch(r"(\d+):(\d+):([\d.]+)", stream.metadata.get("DURATION", ""))
    if parts:  # Matroska keeps the end of a stream in a tag
        return int(parts[1]) * 3600 + int(parts[2]) * 60 + float(parts[3]) > end + slack
    length = float(stream.duration * (stream.time_base or 0)) if stream.duration else 0.0
    if not length and format in _PROMISED_LENGTH and container.duration:
        length = container.duration / av.time_base
    if table.parts or length <= end + slack:
        return False
    # Of some formats FFmpeg knows the length of the file alone, which sound may fill.
    return length > max(end, _end_of_others(container, stream)) + slack


def _end_of_others(container: InputContainer, stream: VideoStream) -> float:
    """Seconds at which the last of the other streams ends; reads the file once more."""
    others = [s for s in container.streams if s.index != stream.index]
    end = 0.0
    if others:
        container.seek(container.start_time or 0)
        for packet in container.demux(others):
            if packet.pts is not None and packet.time_base:
                end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
    return end
