"""A figure of one's own in one file: agreement beyond chance.

mescope --plugin own_metric.py evaluate recipe.toml --dataset NAME --root FOLDER --out OUT
"""

import numpy as np

from mescope.evaluation.metrics import metric


@metric("kappa", per_class=False)
def kappa(tallies, policy):
    """Return Cohen's kappa: agreement beyond chance, over all agreement beyond chance."""
    n, tp, fp = (np.asarray(v, float) for v in tallies)
    total = n.sum(-1)
    seen = tp.sum(-1) / total
    chance = (n * (tp + fp)).sum(-1) / total**2
    return (seen - chance) / (1 - chance)
