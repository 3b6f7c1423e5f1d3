"""What spotting on recordings costs: extraction, a window, a step, memory, a whole LOSO.

    python benchmarks/spotting.py [--presets NAME ...] [--batch 32] [--loso [PRESET]]
                                  [--jobs 2] [--epochs 50]

Extraction is timed on rendered faces at three picture sizes, on one core (``jobs=1``), with the
plain reference (`roi_flow_plain`) beside it in the same run.  A preset is timed on windows of
30 and 50 frames: scoring a window, and a training step of ``--batch`` windows (forward,
backward, Adam), one thread; memory is how far the process rose over the first step (Adam's
moments with it; what an earlier preset left free is used again and not counted).  ``--loso``
really runs `evaluate_recordings` on made-up recordings in the numbers of SAMM Long Videos (29
people, 79 recordings, 159 micro-expressions, 2874 windows of 30 frames) and prints its wall
time.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from memory import forget_highest, resident

from mescope.events import Expression, Interval, Recording
from mescope.models import create_model
from mescope.models.inference import score_windows
from mescope.motion import roi_flow
from mescope.motion.regions import REGIONS_18
from mescope.motion.roi_flow import extract
from mescope.motion.roi_flow_plain import plain_window_flow
from mescope.motion.roi_window import window_flow
from mescope.motion.windows import Timing
from mescope.samples.recording_windows import MeasuredRecordings, RecordingWindows
from mescope.synthesis.dynamics import random_script
from mescope.synthesis.portraits import drawn_portrait
from mescope.synthesis.render import SyntheticVideo
from mescope.training.evaluate_recordings import evaluate_recordings
from mescope.training.losses import class_weights, masked_me_tst_loss
from mescope.training.recipe import parse_recipe
from mescope.video.reading import open_video

PRESETS = (
    "me-tst", "me-tst-plus-small", "me-tst-plus", "boosting-vrme-small", "boosting-vrme",
)  # fmt: skip
SIZES = ((640, 360), (1280, 720), (2040, 1088))
EMOTIONS = ("negative", "positive", "surprise", "others")


def extraction(seconds: float) -> None:
    """Print frames a second of the extraction on one core, beside the plain reference."""
    print("| picture | frames/s, one core | plain reference | ratio |\n|---|---:|---:|---:|")
    for width, height in SIZES:
        script = random_script(np.random.default_rng(1), seconds)
        video = SyntheticVideo(drawn_portrait(5, (width, height)), script, 30.0)
        frames = np.stack([f for _, f in video.frames(grey=True) if f is not None])
        fast = timed(lambda frames=frames: measure(frames))
        plain = timed(lambda frames=frames: measure(frames, plain=True))
        count = len(frames)
        print(
            f"| {width} × {height} | {count / fast:.0f} | {count / plain:.0f} | "
            f"{plain / fast:.1f} |",
            flush=True,
        )


def measure(frames: np.ndarray, *, plain: bool = False) -> None:
    """Measure a recording; with the plain reference in the place of the fast path."""
    roi_flow.window_flow = plain_window_flow if plain else window_flow
    try:
        extract(open_video(frames, rate=30.0), jobs=1)
    finally:
        roi_flow.window_flow = window_flow


def timed(call: Callable[[], None]) -> float:
    """Return the CPU seconds of the faster of two calls (the first compiles)."""
    best = float("inf")
    for _ in range(2):
        started = time.process_time()
        call()
        best = min(best, time.process_time() - started)
    return best


def presets(names: list[str], batch: int) -> None:
    """Print what a window and a step cost."""
    torch.set_num_threads(1)
    print(
        f"\n| preset | parameters | k | score, ms a window | step of {batch}, ms | "
        "memory of a step, MiB |\n|---|---:|---:|---:|---:|---:|"
    )
    for name in names:
        for k in (30, 50):
            channels = 10 if name == "me-tst" else 36
            model = create_model(name, channels=channels)
            count = sum(p.numel() for p in model.parameters())
            windows = np.random.default_rng(0).normal(0, 1, (batch, channels, k))
            score = each(lambda m=model, w=windows: score_windows(m.eval(), w.astype("f4")))
            step, memory = stepped(model, windows.astype("f4"))
            print(
                f"| {name} | {count:,} | {k} | {1000 * score / batch:.2f} | {1000 * step:.0f} "
                f"| {memory:.0f} |",
                flush=True,
            )


def each(call: Callable[[], object]) -> float:
    """Return the middle of three CPU times after one to warm up."""
    call()
    times = []
    for _ in range(3):
        started = time.process_time()
        call()
        times.append(time.process_time() - started)
    return statistics.median(times)


def stepped(model: torch.nn.Module, windows: np.ndarray) -> tuple[float, float]:
    """Return CPU seconds of a training step, and MiB by which the process rose in it."""
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    flow = torch.from_numpy(windows)
    spotting = (torch.rand(len(flow), flow.shape[2]) < 0.1).float()
    classes = torch.randint(0, 5, spotting.shape)
    weights = torch.as_tensor(class_weights([1, 1, 1, 1, 40], 6.0), dtype=torch.float32)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        masked_me_tst_loss(model(flow), spotting, classes, weights).backward()
        optimizer.step()

    gc.collect()
    before = resident("VmRSS")
    forget_highest()
    step()
    memory = resident("VmHWM") - before  # of the first step: later ones use it again
    return each(step), memory


def made_up(
    people: int = 29, videos: int = 79, micro: int = 159
) -> tuple[RecordingWindows, ...]:
    """Return recordings of noise in the numbers of SAMM Long Videos, with their annotations."""
    rng = np.random.default_rng(0)
    share = np.array_split(np.arange(micro), videos)
    found = []
    for number in range(videos):
        windows = 37 if number % 8 < 3 else 36  # 2874 in all, as published notes count
        used = (windows + 1) * 15
        starts = np.sort(rng.choice(used // 20 - 1, len(share[number]), replace=False)) * 140
        found.append(
            RecordingWindows(
                recording=Recording(
                    dataset="samm-lv", subject=f"{number % people:03d}", name=f"v{number}",
                    frames=used * 7, rate=200.0,
                    expressions=tuple(
                        Expression(
                            interval=Interval(int(s), int(s) + 73), kind="micro",
                            emotion=EMOTIONS[i % 4],
                        )
                        for i, s in enumerate(starts)
                    ),
                ),
                windows=rng.normal(0, 0.3, (windows, 36, 30)).astype(np.float32),
                valid=np.ones((windows, 30), bool),
                frames=np.arange(used, dtype=np.int64) * 7, padded=0,
                timing=Timing(30, 15, 7, 200 / 7),
                regions=tuple(r.name for r in REGIONS_18), mode="clean",
            )
        )  # fmt: skip
    return tuple(found)


def loso(preset: str, jobs: int, epochs: int) -> None:
    """Run leave-one-subject-out in the size of SAMM Long Videos and print how long it took."""
    recipe = parse_recipe(
        f'name = "cost"\nlabels = "4-class"\nseeds = 1\n[model]\nname = "{preset}"\n'
        f'[data]\nkind = "recordings"\nnegative_ratio = 0.5\n'
        f"[optim]\nepochs = {epochs}\nbatch_size = 32\n"
    )
    some = made_up()
    started = time.monotonic()
    report = evaluate_recordings(recipe, MeasuredRecordings(some), jobs=jobs)
    wall = time.monotonic() - started
    print(
        f"\nLOSO of {preset}: {len(report.folds)} folds, {len(some)} recordings, "
        f"{sum(len(one.windows) for one in some)} windows, {epochs} epochs, {jobs} jobs: "
        f"{wall / 60:.1f} minutes (jobs together {report.seconds / 60:.1f})"
    )


def main() -> None:
    """Print what is asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--presets", nargs="*", default=list(PRESETS))
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=6.0, help="0 leaves extraction out")
    parser.add_argument("--loso", nargs="?", const="me-tst-plus-small")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=50)
    args = parser.parse_args()
    if args.loso:
        loso(args.loso, args.jobs, args.epochs)
        return
    if args.seconds:
        extraction(args.seconds)
    presets(args.presets, args.batch)


if __name__ == "__main__":
    main()
