"""Recordings whose flow maps are made up: the mouth moves where a pair meets an expression."""

import hashlib
from dataclasses import replace

import numpy as np
from made_up_recordings import made_up

from mescope.samples.pair_labels import pair_labels
from mescope.samples.recording_maps import PairMaps

K = 6


def with_maps(one, style="softnet", k=K, kind="micro", seed=0):
    """Return a recording of :func:`made_up` with maps; positive ones move the brows, too."""
    frames = one.used - one.padded
    rng = np.random.default_rng((seed, *map(ord, one.recording.subject + one.recording.name)))
    maps = rng.uniform(0, 0.3, (frames - k, 3, 42, 42))
    for e in one.expressions((kind,)):
        meets = pair_labels([e], frames, k) > 0
        maps[meets, :, 25:36, 8:34] += 0.6
        if e.emotion == "positive":
            maps[meets, 0, 3:12, 6:18] += 0.6
    kept = maps.astype(np.float16)
    digest = hashlib.sha256(kept.tobytes()).hexdigest()
    valid = np.ones(len(kept), bool)
    return replace(one, maps=PairMaps(style, "farneback", k, valid, digest, kept))


def mapped_people(count=4, style="softnet", windows=19, **more):
    """Return a recording of each of several people, with two expressions of either emotion."""
    found = []
    for person in range(count):
        rng = np.random.default_rng(person)
        starts = 20 + 45 * np.arange(4) + rng.integers(0, 20, 4)
        spans = [
            (int(s), int(s) + 11, ("negative", "positive")[(person + i) % 2])
            for i, s in enumerate(starts)
        ]
        found.append(
            with_maps(made_up(f"{person:02d}", *spans, windows=windows), style, **more)
        )
    return tuple(found)
