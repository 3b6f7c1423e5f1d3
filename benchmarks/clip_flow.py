"""Clips per second from pictures to onset-apex flow, on one thread, on all, and from the cache.

Renders micro-expressions of two public portraits (640 x 480 PNG, onset to offset), then makes
28 x 28 examples of them: face search, alignment, TV-L1 in aligned faces of 224 px, strain.
Three ways in one run: one thread; one thread per core; processes (joblib's loky, warmed up), to
show that threads lose nothing to them.  Then everything once more from the cache.

    python benchmarks/clip_flow.py [CLIPS] [CROP]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from PIL import Image

from mescope.datasets.base import Clip, Dataset, seconds_at
from mescope.events import Expression, Interval
from mescope.samples.base import Prepared
from mescope.samples.clip_samples import flow_examples
from mescope.synthesis.dynamics import random_script
from mescope.synthesis.portraits import test_portraits
from mescope.synthesis.render import SyntheticVideo

FRAMES, APEX = 13, 6


def render(root: Path, count: int) -> Dataset:
    """Write the clips."""
    clips = []
    portraits = test_portraits((640, 480))
    for i in range(count):
        script = random_script(np.random.default_rng(i), 1.0, macro_per_minute=60)
        video = SyntheticVideo(portraits[i % len(portraits)], script, rate=FRAMES)
        folder = root / f"EP{i:03d}"
        folder.mkdir()
        for number, picture in video.frames(grey=False):
            Image.fromarray(picture).save(folder / f"img{number}.png")
        expression = Expression(
            interval=Interval(0, FRAMES - 1), kind="micro", apex=APEX, emotion="surprise"
        )
        clips.append(
            Clip(
                dataset="casme2", subject=f"sub{i:02d}", name=folder.name, folder=folder,
                first_number=0, frames=FRAMES, rate=200.0, expression=expression,
                seconds=seconds_at(expression, 200.0),
            )
        )  # fmt: skip
    return Dataset(name="casme2", clips=tuple(clips))


def make(dataset: Dataset, crop: int, jobs: int, cache: Path | None = None) -> Prepared:
    return flow_examples(dataset, labels="3-class", crop=crop, jobs=jobs, cache=cache)


def in_processes(dataset: Dataset, crop: int, jobs: int, pool: Parallel) -> None:
    parts = [
        Dataset(name="casme2", clips=dataset.clips[i :: jobs * 2]) for i in range(jobs * 2)
    ]
    pool(delayed(make)(part, crop, 1) for part in parts if part.clips)


def report(what: str, count: int, start: float, against: float | None = None) -> float:
    speed = count / (time.perf_counter() - start)
    ratio = "" if against is None else f"   {speed / against:.2f} x one thread"
    print(f"{what:<28}{speed:8.2f} clips/s{ratio}")
    return speed


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 24
    crop = int(sys.argv[2]) if len(sys.argv) > 2 else 224
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2
    with tempfile.TemporaryDirectory() as name, Parallel(cores) as pool:
        dataset = render(Path(name), count)
        few = Dataset(name="casme2", clips=dataset.clips[: 2 * cores])
        make(few, crop, 1)
        in_processes(few, crop, cores, pool)
        print(f"{count} clips of 640 x 480 px, TV-L1 in {crop} px, {cores} cores")
        start = time.perf_counter()
        alone = make(dataset, crop, 1)
        one = report("1 thread", count, start)
        start = time.perf_counter()
        shared = make(dataset, crop, cores, Path(name) / "cache")
        report(f"{cores} threads, filling a cache", count, start, one)
        start = time.perf_counter()
        in_processes(dataset, crop, cores, pool)
        report(f"{cores} processes", count, start, one)
        start = time.perf_counter()
        again = make(dataset, crop, cores, Path(name) / "cache")
        report("from the cache", count, start, one)
        same = [
            np.array_equal(alone.examples.inputs, p.examples.inputs) for p in (shared, again)
        ]
        print(f"equal numbers: {all(same)}")


if __name__ == "__main__":
    main()
