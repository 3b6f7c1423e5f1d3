"""Small recordings with a click that is heard while a known frame is shown."""

from fractions import Fraction

import av
import numpy as np

TICK = Fraction(1, 90_000)
LENGTH = 0.005
"""Seconds of a click."""


def write_sounding(
    path, clicks, *, frames=90, fps=30, rate=48_000, layout="mono", codec="aac",
    sound_start=0.0, video_start=0.0, streams=1, picture=None, times=None,
):  # fmt: skip
    """Write a recording with clicks at some seconds after frame 0; return its path.

    Args:
        path: where; its ending names the container.
        clicks: seconds; of several streams each has one click only, in order.
        frames: how many.
        fps: frames per second.
        rate: samples per second.
        layout: of the channels; all of them click.
        codec: aac or pcm_s16le.
        sound_start: seconds from the container's zero to the first sample.
        video_start: seconds from the container's zero to frame 0.
        streams: of sound.
        picture: n to (H, W, 3) RGB; grey pictures by default.
        times: seconds of the frames since frame 0, where they are not even.
    """
    shown = picture or (lambda n: np.full((48, 128, 3), 2 * n % 256, np.uint8))
    at = times or [n / fps for n in range(frames)]
    height, width = shown(0).shape[:2]
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=fps)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.codec_context.time_base = TICK
        sounds = [container.add_stream(codec, rate=rate) for _ in range(streams)]
        packets = []
        for number, audio in enumerate(sounds):
            audio.layout = layout
            mine = clicks if streams == 1 else clicks[number : number + 1]
            places = [click + video_start - sound_start for click in mine]
            packets += _sound(audio, _wave(places, at[-1] + 1 / fps, rate), sound_start)
        for n in range(frames):
            frame = av.VideoFrame.from_ndarray(shown(n), format="rgb24")
            frame.time_base, frame.pts = TICK, round((video_start + at[n]) / TICK)
            packets += video.encode(frame)
        packets += video.encode(None)
        for packet in sorted(packets, key=lambda p: p.dts * p.time_base):
            container.mux(packet)
    return path


def _wave(places, seconds, rate):
    wave = np.zeros(round(seconds * rate), np.float32)
    for place in places:
        wave[round(place * rate) : round((place + LENGTH) * rate)] = 0.5
    return wave


def _sound(audio, wave, start):
    channels, planar = len(audio.layout.channels), audio.codec_context.format.name == "fltp"
    for begin in range(0, len(wave), 1024):
        part = np.tile(wave[begin : begin + 1024], (channels, 1))
        if not planar:
            part = np.rint(part * 32767).astype(np.int16).T.reshape(1, -1)
        block = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(part),
            format="fltp" if planar else "s16",
            layout=audio.layout.name,
        )
        block.sample_rate, block.time_base = audio.rate, Fraction(1, audio.rate)
        block.pts = begin + round(start * audio.rate)
        yield from audio.encode(block)
    yield from audio.encode(None)
