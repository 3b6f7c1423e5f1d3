"""Draw docs/images/cascade-reliability.png: do the cascade's scores mean what they say?

    python docs/generate_reliability.py runs/me-tst-plus-cascade [--weights NAME]

The folder is that of the training run, whose held-out recordings (identities that training has
not seen; they also fitted the two numbers of the calibration) are judged again; and eight
recordings that neither training nor calibration has seen are rendered anew.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from torch import nn

from mescope.models.inference import score_windows
from mescope.models.weights import find, load
from mescope.spotting.cascade import CascadeRule, judge, strongest
from mescope.training.calibration import reliability
from mescope.training.candidate_segments import REGIONS
from mescope.training.recipe import RenderedRecipe
from mescope.training.rendered import Measured, measured_recordings
from mescope.training.train_rendered import held_out, measured_for

PICTURE = Path(__file__).parent / "images" / "cascade-reliability.png"
FRESH, FRESH_SEED = 8, 20261128


def outcomes(
    model: nn.Module, rule: CascadeRule, recordings: list[Measured]
) -> tuple[np.ndarray, ...]:
    """Return the calibrated scores of what survives, and whether each was right."""
    scores, right = [], []
    for one in recordings:
        judged, _ = judge(
            one.motion,
            one.shape,
            one.rate,
            REGIONS,
            lambda cut: score_windows(model, cut),
            rule,
        )
        for each, p in strongest(judged, rule):
            scores.append(p)
            right.append(any(each.interval.iou(e.interval) >= 0.5 for e in one.expressions))
    return np.array(scores), np.array(right)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--weights", default="me-tst-plus-cascade")
    options = parser.parse_args()
    model, card = load(find(options.weights))
    recipe = RenderedRecipe(**json.loads(card.recipe))
    rule = CascadeRule(**card.proposals)
    held = held_out(recipe, measured_for(recipe, options.run))
    fresh = [
        *measured_recordings(options.run / "measured", FRESH, FRESH_SEED, 30.0),
        *measured_recordings(
            options.run / "measured", FRESH, FRESH_SEED, 30.0, manner="staged"
        ),
    ]
    figure = Figure(figsize=(5.2, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=1)
    for name, recordings, colour in (("held out", held, "C0"), ("rendered anew", fresh, "C1")):
        scores, right = outcomes(model, rule, recordings)
        points = reliability(scores, right, bins=8)
        x, y, n = zip(*points, strict=True)
        axes.plot(x, y, color=colour, label=f"{name}: {len(scores)} movements")
        axes.scatter(x, y, s=[6 + 1.2 * np.sqrt(k) * 4 for k in n], color=colour)
        print(name, [(round(a, 2), round(b, 2), k) for a, b, k in points])
    axes.axvline(rule.floor, color="#555555", linestyle=":", label=f"floor {rule.floor:g}")
    axes.set(
        xlabel="score",
        ylabel="share that is an expression (IoU ≥ 0.5)",
        xlim=(0, 1),
        ylim=(0, 1),
    )
    axes.legend(loc="upper left", frameon=False)
    figure.savefig(PICTURE, dpi=110)


if __name__ == "__main__":
    main()
