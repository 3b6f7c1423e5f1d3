"""Recordings whose first picture comes later than a player's 0:00."""

from fractions import Fraction

import av
import numpy as np
from numbered_video import picture

TICK = Fraction(1, 90_000)
CODECS = {".webm": "libvpx-vp9"}


def write_late(path, start, frames=60, rate=30, sound=False):
    """Write a recording whose frame n shows n; the first at ``start`` seconds.

    With ``sound`` there is silence from 0 on, as where a camera's picture comes late.
    """
    with av.open(str(path), "w") as container:
        video = container.add_stream(CODECS.get(path.suffix, "libx264"), rate=rate)
        video.width, video.height, video.pix_fmt = 128, 48, "yuv420p"
        video.codec_context.time_base = TICK
        if path.suffix != ".webm":
            video.options = {"bf": "2"}
        packets = []
        if sound:
            audio = container.add_stream("aac", rate=48_000)
            packets += list(_silence(audio, start + frames / rate))
        for n in range(frames):
            shown = av.VideoFrame.from_ndarray(picture(n), format="rgb24")
            shown.time_base, shown.pts = TICK, round((start + n / rate) / TICK)
            packets += video.encode(shown)
        packets += video.encode(None)
        for packet in sorted(packets, key=lambda p: p.dts * p.time_base):
            container.mux(packet)
    return path


def _silence(audio, seconds):
    for block in range(int(seconds * 48_000 / 1024)):
        quiet = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        quiet.sample_rate, quiet.time_base = 48_000, Fraction(1, 48_000)
        quiet.pts = block * 1024
        yield from audio.encode(quiet)
    yield from audio.encode(None)
