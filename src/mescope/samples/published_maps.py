"""Flow maps that others published, as labelled examples."""

from __future__ import annotations

import numpy as np

from mescope.datasets.flow28 import FlowMaps
from mescope.samples.examples import Examples


def map_examples(maps: FlowMaps) -> Examples:
    """Return published maps as examples: channels u, v, strain; grey values 0 to 255."""
    classes = ("negative", "positive", "surprise")
    return Examples(
        kind="flow28",
        inputs=np.ascontiguousarray(maps.flow.transpose(0, 3, 1, 2), dtype=np.float32),
        labels=np.array([classes.index(name) for name in maps.labels], dtype=np.int64),
        classes=classes,
        persons=maps.persons,
        names=maps.clips,
    )
