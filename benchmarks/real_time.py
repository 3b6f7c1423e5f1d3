"""How many minutes of recording one minute of analysis gets through, on the command line.

    python benchmarks/real_time.py [--minutes 10] [--model NAME] [--repeat 1] [--video FILE]

The recording is a public-domain portrait in 640 x 360 at 30 frames/s, H.264, that blinks,
glances, shows expressions and sways: one minute is rendered and its packets are repeated.
``mescope analyze`` runs as a user's would, in a process of its own, with every event, all
formats and no cache; so the time to start Python is in it.  The comparison in the same run is
what no analysis can do without: reading every frame once.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np

from mescope.synthesis.dynamics import random_script
from mescope.synthesis.portraits import test_portraits
from mescope.synthesis.render import SyntheticVideo
from mescope.video.reading import open_video

SIZE, RATE = (640, 360), 30.0
MINUTE = 60.0


def record(path: Path, minutes: int) -> None:
    """Write the recording: a rendered minute, over and over."""
    script = random_script(
        np.random.default_rng(7), MINUTE, micro_per_minute=6.0, macro_per_minute=2.0
    )
    once = path.with_name("minute.mp4")
    encode(SyntheticVideo(test_portraits(SIZE)[0], script, RATE), once)
    with av.open(str(path), "w") as out:
        stream = None
        for number in range(minutes):
            with av.open(str(once)) as source:
                video = source.streams.video[0]
                stream = stream or out.add_stream_from_template(video)
                shift = round(Fraction(round(number * MINUTE)) / video.time_base)
                for packet in source.demux(video):
                    if packet.dts is None:
                        continue
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    packet.stream = stream
                    out.mux(packet)
    once.unlink()


def encode(video: SyntheticVideo, path: Path) -> None:
    """Write a video as a webcam's program would: about a megabit a second."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=int(RATE))
        stream.width, stream.height = SIZE
        stream.pix_fmt, stream.options = "yuv420p", {"preset": "medium", "crf": "21"}
        for _, picture in video.frames(grey=False):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        out.mux(stream.encode(None))


def read_once(path: Path) -> float:
    """Return the seconds that decoding every frame to grey takes."""
    began = time.perf_counter()
    for _ in open_video(path).frames(grey=True):
        pass
    return time.perf_counter() - began


def analyze(path: Path, out: Path, model: str | None) -> float:
    """Return the seconds of one ``mescope analyze``."""
    command = [sys.executable, "-m", "mescope", "analyze", str(path), "-o", str(out), "--force"]
    with TemporaryDirectory() as cache:
        began = time.perf_counter()
        subprocess.run(
            [*command, *(["--model", model] if model else [])],
            check=True, stdout=subprocess.DEVNULL, env=os.environ | {"XDG_CACHE_HOME": cache},
        )  # fmt: skip
        return time.perf_counter() - began


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--model")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--video", type=Path, help="another recording instead")
    options = parser.parse_args(argv)
    with TemporaryDirectory() as folder:
        path = options.video or Path(folder) / "recording.mp4"
        if options.video is None:
            record(path, options.minutes)
        video = open_video(path)
        seconds = float(video.times[-1] - video.times[0]) + 1 / float(video.rate)
        print(
            f"{path.name}: {seconds:.0f} s of {video.width} x {video.height} "
            f"at {float(video.rate):g} frames/s, {os.cpu_count()} cores"
        )
        for _ in range(options.repeat):
            reading, whole = read_once(path), analyze(path, Path(folder) / "out", options.model)
            print(
                f"analyze {whole:6.1f} s, {seconds / whole:5.1f} x real time; reading alone "
                f"{reading:5.1f} s, {seconds / reading:5.1f} x; ratio {whole / reading:.1f}"
            )
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"memory {peak:.0f} MiB at most")


if __name__ == "__main__":
    main()
