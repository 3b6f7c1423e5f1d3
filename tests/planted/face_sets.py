"""Made-up clips of faces whose class is where they brighten, with copies and controls."""

from __future__ import annotations

import numpy as np
from made_recipes import flat_recipe

from mescope.events import Interval
from mescope.samples.examples import Examples
from mescope.samples.provenance import Origin

CLASSES = ("negative", "positive", "surprise", "others")
FRAMES, SIDE = 4, 16

RECIPE = flat_recipe(
    name="planted", model="videomamba-xs", data="faces", labels="4-class", size=SIDE,
    frames=FRAMES, draws=1, channels=1, difference=True, epochs=30, batch_size=8, seeds=1,
    learning_rate=5e-3, clip_norm=1.0, scale=4.0, options={"patch": 8, "dim": 32},
)  # fmt: skip


def face_clips(people=6, each=4, *, roles=("original", "rsmix", "control"), macro=True, seed=0):
    """Clips of people: per expression an original and, of every other role, a copy."""
    rng = np.random.default_rng(seed)
    rows = []
    for person in range(people):
        for k in range(each):
            for kind in ("micro", "macro") if macro else ("micro",):
                first = 100 * k + (50 if kind == "macro" else 0)
                for role in roles:
                    rows.append((person, k, kind, first, role))
    inputs = rng.integers(90, 110, (len(rows), 1, 2 * FRAMES, SIDE, SIDE)).astype(np.uint8)
    for row, (_, k, _, _, role) in enumerate(rows):
        if role != "control":  # whose motion is that of a neutral face
            y, x = divmod(k % 4, 2)
            block = inputs[row, :, :, 8 * y : 8 * y + 8, 8 * x : 8 * x + 8]
            block += np.tile(np.arange(FRAMES) * 30, 2)[:, None, None].astype(np.uint8)
    return Examples(
        kind="faces",
        inputs=inputs,
        labels=np.array([k % 4 for _, k, *_ in rows]),
        classes=CLASSES,
        persons=tuple(("set", f"p{person}") for person, *_ in rows),
        names=tuple(f"{first} {kind} {role}" for _, _, kind, first, role in rows),
        origins=tuple(
            _origin(person, kind, first, role) for person, _, kind, first, role in rows
        ),
    )


def _origin(person, kind, first, role):
    source = Interval(first, first + 9)
    shown = (source,) if role == "original" else (source, Interval(first + 20, first + 29))
    return Origin(role, kind, ("set", f"p{person}-a"), source, shown)
