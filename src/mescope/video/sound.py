"""The sound of a recording, on the clock of its frames.

One channel of 16-bit samples, :data:`RATE` a second: sample i is heard ``i / RATE`` seconds
after frame 0 is shown.  Sound before frame 0 is left out, gaps are silence.  Every piece that
the decoder gives is put where its own time stamp says; stamps that differ by less than
:data:`SLACK` from the end of the piece before are jitter, and the pieces follow each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from numpy.typing import NDArray

from mescope.errors import VideoError
from mescope.video.containers import clock_of, opened

RATE = 24_000
"""Samples a second: speech reaches to about 8 kHz; two hours take 346 MB."""

SLACK = 0.02
"""Seconds by which time stamps may differ from the samples before; more is a gap."""

LONGEST = 24 * 3600.0
"""Seconds of the longest recording whose sound is read."""

QUIETEST = -90.0
"""Decibels of silence: about the smallest step of 16 bits."""

Samples = NDArray[np.int16]
_JOINT = 0.5  # seconds that stamps may fall before another recording begins
_JUMP = 10.0  # seconds that stamps of free clocks may leap before it does (decision 2)
_PART = 1 << 20  # samples whose squares are in memory at once


@dataclass(frozen=True)
class SoundStream:
    """One stream of sound in a file: ``number`` counts the streams of sound from 0."""

    number: int
    codec: str
    rate: int
    channels: int
    language: str


def sound_streams(path: Path) -> tuple[SoundStream, ...]:
    """Return the streams of sound in a file that can be decoded; none for a folder.

    Raises:
        VideoError: the file cannot be opened.
    """
    if path.is_dir():
        return ()
    with opened(path) as container:
        return tuple(
            SoundStream(
                number=number,
                codec=str(stream.codec_context.name),
                rate=int(stream.codec_context.sample_rate or 0),
                channels=int(stream.codec_context.channels or 0),
                language=str(stream.language or ""),
            )
            for number, stream in enumerate(container.streams.audio)
            if stream.codec_context is not None
        )


class SoundRun:
    """One run over the sound of a file, from its start.

    Args:
        path: of the file.
        start_offset: seconds from a player's 0:00 to frame 0 (``Video.start_offset``).
        seconds: of the recording; what is heard later is left out.
        number: of the stream, counting streams of sound from 0.

    Attributes:
        notes: what was found, in sentences; complete after the run.
    """

    def __init__(
        self, path: Path, *, start_offset: float, seconds: float, number: int = 0
    ) -> None:
        if not 0 <= seconds <= LONGEST:
            raise VideoError(
                f"expected a recording of at most {LONGEST / 3600:g} hours, found "
                f"{seconds / 3600:.1f}; cut it into parts to hear it"
            )
        self._path, self._offset, self._number = path, start_offset, number
        self._end = round(seconds * RATE)
        self._next: int | None = None  # place of the next sample
        self._resampler: AudioResampler | None = None
        self._shape: tuple[str, str, int] | None = None  # that the resampler was made for
        self._damaged = 0
        self._heard = False
        self.notes: list[str] = []

    def pieces(self) -> Iterator[tuple[int, Samples]]:
        """Yield places and samples, in order and without overlap, within the recording.

        Raises:
            VideoError: the file cannot be opened, or has no such stream.
        """
        with opened(self._path) as container:
            stream = self._stream(container)
            clock = clock_of(container)
            self._offset += clock.zero or 0.0
            for frame in self._frames(container, stream):
                if self._joined(frame, clock.free):
                    self.notes.append(
                        "recordings were joined in this file; the sound ends where the second "
                        "one begins, as the time between them is not known"
                    )
                    break
                yield from self._placed(frame)
                if self._next is not None and self._next >= self._end:
                    break
            yield from self._emitted(self._rest())
        self._tell()

    def _stream(self, container: InputContainer) -> AudioStream:
        streams = list(container.streams.audio)
        if self._number >= len(streams) or streams[self._number].codec_context is None:
            raise VideoError(
                f"{self._path.name}: expected stream {self._number} of sound, found "
                f"{len(streams) or 'no'} streams; choose another"
            )
        return streams[self._number]

    def _frames(self, container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
        """Yield what can be decoded; damaged packets are counted."""
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
            except (FFmpegError, OSError):
                self.notes.append("the sound breaks off: the file is cut off or damaged there")
                packet = None
            if packet is None:
                return
            try:
                yield from packet.decode()
            except av.EOFError:
                return
            except (FFmpegError, ValueError):
                self._damaged += 1

    def _place(self, frame: AudioFrame) -> int | None:
        """Return where the stamp of a frame puts it; None without a stamp."""
        if frame.pts is None or frame.time_base is None:
            return None
        return round((float(frame.pts * frame.time_base) - self._offset) * RATE)

    def _joined(self, frame: AudioFrame, free: bool) -> bool:
        place = self._place(frame)
        if place is None or self._next is None:
            return False
        ahead = place - self._next
        return ahead < -_JOINT * RATE or (free and ahead > _JUMP * RATE)

    def _placed(self, frame: AudioFrame) -> Iterator[tuple[int, Samples]]:
        """Yield what one decoded frame adds."""
        place = self._place(frame)
        if self._next is None:
            self._next = place or 0
        elif place is not None and abs(place - self._next) > SLACK * RATE:
            yield from self._emitted(self._rest())
            self._next = max(self._next, place)
        shape = frame.format.name, frame.layout.name, frame.sample_rate
        if shape != self._shape:
            yield from self._emitted(self._rest())
            self._shape = shape
        yield from self._emitted(self._resampled(frame))

    def _resampled(self, frame: AudioFrame) -> Samples:
        frame.pts = None  # places are counted here
        if self._resampler is None:
            self._resampler = AudioResampler(format="s16", layout="mono", rate=RATE)
        try:
            return _joined_samples(self._resampler.resample(frame))
        except (FFmpegError, ValueError):  # channels that no layout has a place for
            self._resampler = AudioResampler(format="s16", layout="mono", rate=RATE)
            try:
                return _joined_samples(self._resampler.resample(_mixed(frame)))
            except (FFmpegError, ValueError):
                self._resampler = None
                self._damaged += 1
                return np.zeros(0, np.int16)

    def _rest(self) -> Samples:
        """Return what the resampler holds back, and let it go."""
        resampler, self._resampler = self._resampler, None
        if resampler is None:
            return np.zeros(0, np.int16)
        try:
            return _joined_samples(resampler.resample(None))
        except (FFmpegError, ValueError):
            return np.zeros(0, np.int16)

    def _emitted(self, samples: Samples) -> Iterator[tuple[int, Samples]]:
        """Yield samples that lie within the recording."""
        if not len(samples) or self._next is None:
            return
        begin, self._next = self._next, self._next + len(samples)
        inside = samples[max(0, -begin) : max(0, self._end - begin)]
        if len(inside):
            self._heard = True
            yield max(0, begin), inside

    def _tell(self) -> None:
        if self._damaged:
            self.notes.append(
                f"{self._damaged} packets of the sound are damaged; there is silence there"
            )
        if not self._heard:
            self.notes.append("the stream of sound holds nothing that is heard with a frame")


def _joined_samples(frames: list[AudioFrame]) -> Samples:
    parts = [np.asarray(frame.to_ndarray(), np.int16).reshape(-1) for frame in frames]
    return np.concatenate(parts) if parts else np.zeros(0, np.int16)


def _mixed(frame: AudioFrame) -> AudioFrame:
    """Return a frame with the mean of all its channels as the only one."""
    values = frame.to_ndarray()
    if not frame.format.is_planar:
        values = values.reshape(-1, len(frame.layout.channels)).T
    scale, middle = 1.0, 0.0
    if np.issubdtype(values.dtype, np.integer):
        scale = float(2 ** (8 * values.dtype.itemsize - 1))
        middle = scale if values.dtype == np.uint8 else 0.0
    mean = ((values.astype(np.float64) - middle) / scale).mean(axis=0, keepdims=True)
    mixed = AudioFrame.from_ndarray(mean.astype(np.float32), format="flt", layout="mono")
    mixed.sample_rate = frame.sample_rate
    return mixed


def loudness(samples: Samples, times: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return how loud it is while each frame is shown, (n,) float32 decibels.

    The root mean square from one frame to the next; 0 dB is that of a square wave of full
    scale, :data:`QUIETEST` silence.  nan where the sound has ended.

    Args:
        samples: (m,) of this module's clock; may be a memory map, of which parts are read.
        times: (n,) seconds of the frames since frame 0, rising.

    >>> loud = loudness(np.full(RATE, 3277, np.int16), np.array([0.0, 0.5, 1.0]))
    >>> np.round(loud, 1).tolist()
    [-20.0, -20.0, nan]
    """
    times = np.asarray(times, np.float64)
    found = np.full(len(times), np.nan, np.float32)
    if not len(times):
        return found
    last = times[-1] + (np.median(np.diff(times)) if len(times) > 1 else 1 / 25)
    edges = np.clip(np.rint(np.append(times, last) * RATE), 0, len(samples)).astype(np.int64)
    begin = 0
    while begin < len(times) and edges[begin] < len(samples):
        end = int(np.searchsorted(edges, edges[begin] + _PART, side="right")) - 1
        end = min(len(times), max(begin + 1, end))
        part = np.asarray(samples[edges[begin] : edges[end]], np.float64) / 32768
        sums = np.concatenate([[0.0], np.cumsum(part**2)])
        inner = edges[begin : end + 1] - edges[begin]
        counts = np.diff(inner)
        with np.errstate(divide="ignore", invalid="ignore"):
            level = 10 * np.log10(np.diff(sums[inner]) / counts)
        found[begin:end] = np.where(counts > 0, np.maximum(level, QUIETEST), np.nan)
        begin = end
    return found
