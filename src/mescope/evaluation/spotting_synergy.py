"""What result-level synergy is worth: both strategies read from the same traces.

Strategy 2 lets recognition name every detection; strategy 1 lets it say that nothing was there
(neutral), and drops what it says so of.  The rows are those of Table IV of the ME-TST+ paper:
recognition is counted on the hits, without others, precision and recall are means over classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mescope.evaluation.metrics import METRICS, tallies_of
from mescope.evaluation.scores import Mode
from mescope.evaluation.summary import WITHOUT

SIDES = {2: "without", 1: "with"}
"""What a strategy is called beside the other one."""

ROWS = ("total", "tp", "fp", "fn", "precision", "recall", "f1")
"""What spotting and recognition each have; means over the seeds."""


def synergy(
    methods: Mapping[str, Mapping[str, Any]], classes: Sequence[str], mode: Mode
) -> dict[str, Any]:
    """Return ``spotting``, ``recognition`` (:data:`ROWS`) and ``strs`` by :data:`SIDES`.

    Args:
        methods: of a summary: those of strategies 1 and 2 are set beside each other.
        classes: of the rows of their confusions.
        mode: whose policy decides about classes that do not occur.

    Returns:
        Nothing where a strategy is missing.
    """
    by_strategy = {m["strategy"]: m for m in methods.values()}
    if not SIDES.keys() <= by_strategy.keys():
        return {}
    return {
        side: {
            "spotting": _mean([_spotting(seed) for seed in by_strategy[s]["per_seed"]]),
            "recognition": _mean(
                [
                    _recognition(seed["confusion"], classes, mode)
                    for seed in by_strategy[s]["per_seed"]
                ]
            ),
            "strs": by_strategy[s]["over"]["strs"]["mean"],
        }
        for s, side in SIDES.items()
    }


def _spotting(seed: Mapping[str, Any]) -> dict[str, float]:
    return {"total": seed["tp"] + seed["fn"], **{name: seed[name] for name in ROWS[1:]}}


def _recognition(
    table: Sequence[Sequence[int]], classes: Sequence[str], mode: Mode
) -> dict[str, float]:
    """Return the counts of the hits whose true class is not ``others``.

    A hit that is called others or neutral is a miss of its class and a false answer of none.
    """
    kept = [i for i, name in enumerate(classes) if name != WITHOUT]
    whole = np.array(table, np.int64)[kept]
    square = whole[:, kept]
    rest = whole.sum(axis=1, keepdims=True) - square.sum(axis=1, keepdims=True)
    tallies = tallies_of(np.concatenate([square, rest], axis=1))
    n, tp, fp = (int(part.sum()) for part in tallies)
    names = {"precision": "macro_precision", "recall": "uar", "f1": "harmonic_f1"}
    figures = {k: float(METRICS[m].of(tallies, mode.policy)) for k, m in names.items()}
    return {"total": n, "tp": tp, "fp": fp, "fn": n - tp, **figures}


def _mean(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([row[name] for row in rows])) for name in ROWS}
