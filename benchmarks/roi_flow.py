"""Frames per second of the ROI-flow extraction against a plain implementation, in one run.

Both read the same rendered recording (640 x 360, 30 frames per second, a face 200 px wide that
sways, and sensor noise), measure all 18 regions in overlapping windows of 50 frames, and share
decoding and face search.  ``plain`` computes the windows as the published code does, on one
thread: crop, resize, OpenCV's Farnebäck per outer box, a full sort per region.  CPU time per
frame tells what to expect where other work slows the clock.

    python benchmarks/roi_flow.py [SECONDS]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

import av
import cv2
import numpy as np
import skimage.data

from mescope.motion import roi_flow
from mescope.motion.roi_flow_plain import plain_window_flow
from mescope.video.reading import open_video

WIDTH, HEIGHT, RATE = 640, 360, 30


def render(path: Path, seconds: int) -> None:
    """Write the recording."""
    rng = np.random.default_rng(0)
    portrait = cv2.resize(skimage.data.astronaut()[:256, 60:380], (WIDTH, 512))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"crf": "18"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for i in range(seconds * RATE):
            shift = np.float32([[1, 0, 4 * np.sin(i / 40)], [0, 1, -60 + 3 * np.cos(i / 55)]])
            image = cv2.warpAffine(
                portrait, shift, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE
            )
            noisy = image + rng.normal(0, 1.5, image.shape)
            frame = av.VideoFrame.from_ndarray(noisy.clip(0, 255).astype(np.uint8), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def timed(path: Path, jobs: int | None) -> tuple[float, float, roi_flow.RoiFlow]:
    """Return frames per second, CPU milliseconds per frame, and the result."""
    start, used = time.perf_counter(), time.process_time()
    video = open_video(path)
    result = roi_flow.extract(video, jobs=jobs)
    spent, used = time.perf_counter() - start, time.process_time() - used
    return len(video) / spent, 1e3 * used / len(video), result


def main() -> None:
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "face.mp4"
        render(path, seconds)
        start = time.perf_counter()
        roi_flow.extract(open_video(path, end=2))
        print(f"first use, compilation included: {time.perf_counter() - start:.1f} s")
        fast, fast_cpu, result = timed(path, None)
        with mock.patch.object(roi_flow, "window_flow", plain_window_flow):
            plain, plain_cpu, reference = timed(path, 1)
    cores = len(os.sched_getaffinity(0))
    difference = float(np.abs(result.windows - reference.windows).max())
    print(
        f"{seconds} s of {WIDTH} x {HEIGHT} at {RATE} frames/s, {len(result.regions)} regions"
    )
    print(f"face crop {np.median(result.boxes[:, 2] - result.boxes[:, 0]):.0f} px wide")
    print(
        f"valid {result.valid.mean():.3f}, mean |flow| {np.abs(result.windows).mean():.2f} px"
    )
    print(f"plain, 1 thread      {plain:8.1f} frames/s  {plain_cpu:6.2f} ms CPU/frame")
    print(f"fast, {cores:2d} threads     {fast:8.1f} frames/s  {fast_cpu:6.2f} ms CPU/frame")
    print(f"ratio                {fast / plain:8.2f}")
    print(f"largest difference   {difference:8.1e} px")


if __name__ == "__main__":
    main()
