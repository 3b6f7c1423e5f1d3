"""Recordings whose motion is made up: a bump in some channels for every expression."""

import numpy as np

from mescope.events import Expression, Interval, Recording
from mescope.labels import SPOTTING_CLASSES
from mescope.motion.regions import REGIONS_18
from mescope.motion.windows import Timing
from mescope.samples.recording_windows import RecordingWindows

REGIONS = tuple(region.name for region in REGIONS_18)


def made_up(
    subject,
    *expressions,
    name="r",
    dataset="casme3a",
    windows=5,
    window=20,
    step=1,
    padded=0,
    mode="clean",
    valid=None,
    noise=0.02,
    seed=0,
):
    """Return one recording; an expression is (first, last, emotion) or (..., kind), native."""
    hop = window // 2
    n = (windows + 1) * hop
    rng = np.random.default_rng((seed, *map(ord, subject + name)))
    position = rng.normal(0, noise, (n, 2 * len(REGIONS)))
    for first, last, emotion, *_ in expressions:
        place = SPOTTING_CLASSES.index(emotion) if emotion in SPOTTING_CLASSES else 3
        a, b = first // step, last // step
        t = np.arange(n)
        bump = np.clip(1 - np.abs(t - (a + b) / 2) / max((b - a) / 2, 1), 0, None)
        position[:, 8 * place : 8 * place + 8] += 2.0 * bump[:, None]
    cut = np.stack(
        [(position[j * hop :][:window] - position[j * hop]).T for j in range(windows)]
    )
    seen = np.ones((windows, window), bool) if valid is None else valid
    frames = np.minimum(np.arange(n), n - 1 - padded) * step
    return RecordingWindows(
        recording=Recording(
            dataset=dataset, subject=subject, name=name, frames=int(frames[-1]) + step,
            rate=30.0 * step,
            expressions=tuple(
                Expression(
                    interval=Interval(first, last), kind=kind[0] if kind else "micro",
                    emotion=emotion,
                )
                for first, last, emotion, *kind in expressions
            ),
        ),
        windows=(cut * seen[:, None]).astype(np.float32), valid=seen,
        frames=frames.astype(np.int64), padded=padded,
        timing=Timing(window, hop, step, 30.0), regions=REGIONS, mode=mode,
    )  # fmt: skip


def people(count=4, recordings=2, **more):
    """Return recordings of several people, each with an expression of every emotion."""
    found = []
    for person in range(count):
        for number in range(recordings):
            rng = np.random.default_rng((person, number))
            starts = 5 + 14 * np.arange(4) + rng.integers(0, 4, 4)
            emotions = [SPOTTING_CLASSES[(person + number + i) % 4] for i in range(4)]
            spans = [(int(s), int(s) + 8, e) for s, e in zip(starts, emotions, strict=True)]
            found.append(made_up(f"{person:02d}", *spans, name=f"v{number}", windows=7, **more))
    return tuple(found)
