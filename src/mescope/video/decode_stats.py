"""Filling in the decode report: what the header says, and what one run of the decoder met."""

from __future__ import annotations

import re

import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mescope.video.containers import zero_of
from mescope.video.decode_report import DecodeReport, rate_of
from mescope.video.frame_conversion import same_picture
from mescope.video.timetable import TimeTable

_TS_PACKETS = (188, 192, 204)  # bytes; an MPEG transport stream is a whole number of them


class Tally:
    """What one run of the decoder met."""

    def __init__(self, frames: int = 0) -> None:
        self.bad_packets = 0
        self._seen = bytearray(frames)
        self._duplicates = 0
        self._before: tuple[int, VideoFrame] | None = None

    def count(self, index: int, frame: VideoFrame) -> None:
        """Note a decoded frame."""
        self._seen[index] = 1
        if self._before is not None and self._before[0] == index - 1:
            self._duplicates += same_picture(self._before[1], frame)
        self._before = index, frame

    def report_to(self, report: DecodeReport, first: int, last: int) -> None:
        """Enter the findings for the frames first to last into the report."""
        seen = np.frombuffer(self._seen, np.uint8)[first : last + 1]
        report.decoded = int(seen.sum())
        report.missing = tuple((first + np.flatnonzero(seen == 0)).tolist())
        report.bad_packets = self.bad_packets
        report.duplicates = self._duplicates
        report.finished = True


def first_report(
    container: InputContainer, stream: VideoStream, table: TimeTable
) -> DecodeReport:
    """What header and table say before a frame is decoded."""
    rate, varies = rate_of(table.times, table.tick)
    declared = float(stream.guessed_rate or stream.average_rate or 0) or None
    if declared and rate and not varies:
        # Stamps rounded to ticks leave a doubt of one tick over the whole recording.
        doubt = 1.5 * table.tick / float(table.times[-1])
        rate = declared if abs(declared / rate - 1) <= doubt else rate
    aspect = stream.sample_aspect_ratio
    return DecodeReport(
        frames=len(table.times),
        measured_rate=rate,
        declared_rate=declared,
        declared_frames=int(stream.frames) or None,
        variable_rate=varies,
        irregular_stamps=table.irregular,
        truncated=table.damaged_end or _cut_off(container, stream, table, rate),
        # Stamps are counted in ticks; less than one of FFmpeg's microseconds is rounding.
        start_offset=round(table.offset - zero_of(container), 6),
        codec=stream.codec_context.name,
        sample_aspect=float(aspect) if aspect else 1.0,
    )


def _cut_off(
    container: InputContainer, stream: VideoStream, table: TimeTable, rate: float
) -> bool:
    """Whether the header promises more frames or seconds than the file holds."""
    if stream.frames > len(table.frame_of):
        return True
    if container.format.name == "mpegts" and all(container.size % n for n in _TS_PACKETS):
        return True
    length = float(stream.duration * (stream.time_base or 0)) if stream.duration else 0.0
    parts = re.fullmatch(r"(\d+):(\d+):([\d.]+)", stream.metadata.get("DURATION", ""))
    if parts:  # Matroska keeps the length of a stream in a tag
        length = int(parts[1]) * 3600 + int(parts[2]) * 60 + float(parts[3])
    return bool(length > table.times[-1] + max(0.5, 4 / rate if rate else 0.5))
