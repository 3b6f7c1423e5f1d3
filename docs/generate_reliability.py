"""Draw docs/images/cascade-reliability.png: do the cascade's scores mean what they say?

    python docs/generate_reliability.py runs/me-tst-plus-cascade

The folder is that of the training run.  Its held-out recordings, of identities that training
has not seen, have fitted the numbers of the calibration; they are judged again, and
recordings that nothing has seen are rendered beside them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure

from mescope.models.weights import find, load
from mescope.samples.rendered import Measured
from mescope.samples.rendered_windows import held_out, measured_for
from mescope.samples.spotting_kinds import RenderedRecordings
from mescope.spotting.cascade import CascadeRule
from mescope.training.calibration import reliability
from mescope.training.flat_recipe import with_tables
from mescope.training.recipe import recipe_of
from mescope.training.rendered_calibration import judged_by, scored_by
from mescope.training.tables import fitting

PICTURE = Path(__file__).parent / "images" / "cascade-reliability.png"
NAME = "me-tst-plus-cascade"
FRESH_SEED = 20261128

Points = list[tuple[float, float, int]]


def points(model: torch.nn.Module, rule: CascadeRule, some: Sequence[Measured]) -> Points:
    """Return (mean score, share that was right, how many) of every eighth of the scores."""
    scores, right = [], []
    for one in some:
        for found in scored_by(one, judged_by(model, one), rule):
            scores.append(found.score)
            right.append(any(found.interval.iou(e.interval) >= 0.5 for e in one.expressions))
    return reliability(np.array(scores), np.array(right), bins=8)


def draw(lines: dict[str, Points], floor: float, path: Path) -> None:
    """Draw one line for every set of recordings; a point is as large as it has movements."""
    figure = Figure(figsize=(5.2, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=1)
    for name, line in lines.items():
        x, y, count = zip(*line, strict=True)
        axes.plot(x, y, label=f"{name}: {sum(count)} movements")
        axes.scatter(x, y, s=[6 + 4 * np.sqrt(k) for k in count])
    axes.axvline(floor, color="#555555", linestyle=":", label=f"floor {floor:g}")
    axes.set(xlabel="score", ylabel="share that is an expression (IoU ≥ 0.5)")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.legend(loc="upper left", frameon=False)
    figure.savefig(path, dpi=110)


def wanted_by(text: str) -> tuple[RenderedRecordings, int]:
    """Return what the recipe on a card renders, and its seed."""
    recipe = recipe_of(with_tables(json.loads(text)))
    return fitting(recipe.data, RenderedRecordings, "[data]"), recipe.seed


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, nargs="?", help="folder of the training run")
    parser.add_argument("--weights", default=NAME)
    parser.add_argument("--fresh", type=float, default=0.3, help="hours rendered anew")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--picture", type=Path, default=PICTURE)
    options = parser.parse_args(argv)
    if options.run is None:
        print(f"{options.picture} stays as it is: it needs the run, runs/{NAME}")
        return
    model, card = load(find(options.weights))
    wanted, seed = wanted_by(card.recipe)
    anew = replace(wanted, hours=options.fresh)
    rule = CascadeRule(**card.proposals)
    held = held_out(wanted, measured_for(wanted, seed, options.run, jobs=options.jobs))
    fresh = measured_for(anew, FRESH_SEED, options.run, jobs=options.jobs)
    lines = {
        name: points(model, rule, some)
        for name, some in (("held out", held), ("rendered anew", fresh))
    }
    for name, line in lines.items():
        print(name, [(round(a, 2), round(b, 2), k) for a, b, k in line])
    draw(lines, rule.floor, options.picture)


if __name__ == "__main__":
    main()
