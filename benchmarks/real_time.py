"""How many minutes of recording one minute of analysis gets through, on the command line.

    python benchmarks/real_time.py [--minutes 10] [--model NAME] [--repeat 1] [--video FILE]
                                   [--stages]

The recording is a public-domain portrait in 640 x 360 at 30 frames/s, H.264, that blinks,
glances, shows expressions and sways: one minute is rendered and its packets are repeated.
``mescope analyze`` runs as a user's would, in a process of its own, with every event, all
formats and no cache; so the time to start Python is in it.  The comparison in the same run is
what no analysis can do without: reading every frame once.

Wall times lie on a machine with other work; CPU seconds (user and system) do so less, and say
what a quiet machine would need at least: their sum over the number of cores.  ``--stages`` adds
where a thread spends them, from a second run inside this process (other threads of the decoder
are not in it), and what dlib's own landmark call costs beside ours.
"""

from __future__ import annotations

import argparse
import functools
import os
import resource
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import dlib
import numpy as np

import mescope
from mescope.analysis import analyzer
from mescope.face import detector
from mescope.face.landmark_track import LandmarkTrack
from mescope.motion import flow_pyramid, roi_flow, roi_pass, roi_window
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


def analyze(path: Path, out: Path, model: str | None) -> tuple[float, float]:
    """Return the seconds and the CPU seconds of one ``mescope analyze``."""
    command = [sys.executable, "-m", "mescope", "analyze", str(path), "-o", str(out), "--force"]
    with TemporaryDirectory() as cache:
        began, spent = time.perf_counter(), cpu_seconds(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [*command, *(["--model", model] if model else [])],
            check=True, stdout=subprocess.DEVNULL, env=os.environ | {"XDG_CACHE_HOME": cache},
        )  # fmt: skip
        spent = cpu_seconds(resource.RUSAGE_CHILDREN) - spent
        return time.perf_counter() - began, spent


def cpu_seconds(of: int) -> float:
    """Return user and system seconds of this process or of its children."""
    used = resource.getrusage(of)
    return used.ru_utime + used.ru_stime


STAGES: tuple[tuple[str, Any, str], ...] = (
    ("flow", flow_pyramid, "_measure"),
    ("flow, rest of a window", roi_flow, "window_flow"),
    ("face crops", roi_window, "cut"),
    ("landmarks", detector.DlibFinder, "landmarks"),
    ("following the face, rest", LandmarkTrack, "follow"),
    ("detection", detector.DlibFinder, "find_boxes"),
    ("scene cuts", roi_pass.Thumbs, "cut"),
    ("network and proposals", analyzer.Analyzer, "spot"),
    ("other events", analyzer, "find_events"),
    ("extraction, rest", analyzer, "extract"),
)


class Clock:
    """CPU seconds of the stages, each without the stages that it calls."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self._inner = threading.local()

    def watch(self, stage: str, owner: Any, name: str) -> None:
        """Have every call of a function counted."""
        function = getattr(owner, name)

        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            outer = getattr(self._inner, "seconds", 0.0)
            self._inner.seconds, began = 0.0, time.thread_time()
            try:
                return function(*args, **kwargs)
            finally:
                own = time.thread_time() - began
                self.spent[stage] += own - self._inner.seconds
                self._inner.seconds = outer + own

        setattr(owner, name, timed)


def show_stages(path: Path, model: str | None) -> None:
    """Print the CPU seconds of the stages per 1000 frames."""
    loaded = mescope.load(*([model] if model else []))
    clock = Clock()
    for stage in STAGES:
        clock.watch(*stage)
    began = cpu_seconds(resource.RUSAGE_SELF)
    frames = loaded.analyze(path, cache=None).video["frames"]
    clock.spent["all, decoder's threads included"] = cpu_seconds(resource.RUSAGE_SELF) - began
    for stage, spent in clock.spent.items():
        print(f"{stage:<34}{1000 * spent / frames:7.2f} CPU s per 1000 frames")


def compare_landmarks(path: Path, calls: int = 200) -> None:
    """Print the CPU time of a landmark call, ours and dlib's by turns."""
    ours, theirs = (
        detector.default_finder(),
        dlib.shape_predictor(str(detector.landmark_model())),
    )
    spent = np.zeros(2)
    box = None
    for _, grey in open_video(path).frames(grey=True, stop=calls):
        faces = [] if box else ours.find(grey)
        box = box or (faces[0].box if faces else None)
        if box is None:
            continue
        corners = dlib.rectangle(box.left, box.top, box.right - 1, box.bottom - 1)
        for i, call in enumerate((ours.landmarks, theirs)):
            began = time.thread_time()
            call(grey, corners if i else box)
            spent[i] += time.thread_time() - began
    print(f"a landmark call: dlib's takes {spent[1] / max(spent[0], 1e-9):.1f} x ours")


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--model")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--video", type=Path, help="another recording instead")
    parser.add_argument("--stages", action="store_true", help="also say where CPU time goes")
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
            reading = read_once(path)
            whole, spent = analyze(path, Path(folder) / "out", options.model)
            print(
                f"analyze {whole:6.1f} s, {seconds / whole:5.1f} x real time; reading alone "
                f"{reading:5.1f} s, {seconds / reading:5.1f} x; ratio {whole / reading:.1f}; "
                f"{spent:.1f} CPU s, on two cores {2 * seconds / spent:.1f} x at best"
            )
        if options.stages:
            show_stages(path, options.model)
            compare_landmarks(path)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"memory {peak:.0f} MiB at most")


if __name__ == "__main__":
    main()
