"""Scores as one flat, named summary, for tables and JSON alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mescope.evaluation.action_units import score_units
from mescope.evaluation.bootstrap import interval
from mescope.evaluation.chance import Chance
from mescope.evaluation.matching import Counts
from mescope.evaluation.recognition import ClassCounts, accuracy, harmonic_f1, scored, uf1
from mescope.evaluation.scores import MODES, Scores

WITHOUT = "others"
"""The class that the three-class figures of the field leave out."""


def summarize(
    scores: Scores, *, minutes: float | None = None, chance: Chance | None = None
) -> dict[str, Any]:
    """Return every figure by name, with the counts behind it.

    Args:
        scores: what :func:`mescope.evaluation.scores.score` counted.
        minutes: length of all videos together, for false alarms per minute.
        chance: what intervals at random places score on the same videos.
    """
    spotting: dict[str, dict[str, Any]] = {
        kind: _spotting(counts, minutes) for kind, counts in scores.counts.items()
    }
    spotting["overall"] = _spotting(scores.overall, minutes)
    people = [(c.tp, c.fp, c.fn) for c in scores.per_subject.values()]
    if len(people) > 1 and min(map(min, people)) >= 0:
        spotting["micro"]["f1_interval"] = list(interval(people, _f1))
    out: dict[str, Any] = {
        "mode": scores.mode,
        "videos": scores.videos,
        "subjects": len(scores.per_subject),
        "spotting": spotting,
        "micro_f1_at_iou": {f"{float(t):.1f}": c.f1 for t, c in scores.curve.items()},
    }
    if chance:
        out["chance"] = asdict(chance)
        for figures in out["chance"]["spotting"].values() if minutes else ():
            figures["false_alarms_per_minute"] = figures["fp"] / minutes
    if scores.units:
        truth, found = zip(*scores.units, strict=True)
        out["action_units"] = {"hits": len(truth)} | score_units(truth, found).summary()
    if scores.pairs:
        lists = {"all": scores.classes}
        if WITHOUT in scores.classes:
            lists[f"without {WITHOUT}"] = tuple(c for c in scores.classes if c != WITHOUT)
        out["recognition"] = {n: _recognition(scores, c) for n, c in lists.items()}
    return out


def _spotting(counts: Counts, minutes: float | None) -> dict[str, Any]:
    figures: dict[str, Any] = {
        "tp": counts.tp, "fp": counts.fp, "fn": counts.fn,
        "precision": counts.precision, "recall": counts.recall, "f1": counts.f1,
    }  # fmt: skip
    if minutes:
        figures["false_alarms_per_minute"] = counts.fp / minutes
    return figures


def _f1(counts: NDArray[np.int64]) -> float:
    return Counts(*(int(v) for v in counts)).f1


def _recognition(scores: Scores, classes: Sequence[str]) -> dict[str, Any]:
    counted = scores.recognition(classes)
    always = majority(counted)
    return {
        "pairs": sum(counted.n),
        "n": dict(zip(counted.classes, counted.n, strict=True)),
        "uf1": uf1(counted, scores.policy),
        "uar": scored(MODES[scores.mode].uar, counted, scores.policy),
        "accuracy": accuracy(counted),
        "harmonic_f1": harmonic_f1(counted, scores.policy),
        "strs": scores.strs(classes),
        "strs_uf1": scores.strs_uf1(classes),
        "majority_uf1": uf1(always, scores.policy),
        "majority_uar": scored(MODES[scores.mode].uar, always, scores.policy),
    }


def majority(counts: ClassCounts) -> ClassCounts:
    """Return the counts of always answering the most frequent class: a baseline to beat.

    >>> always = majority(ClassCounts(("a", "b"), (3, 1), (0, 0), (0, 0)))
    >>> always.tp, always.fp
    ((3, 0), (1, 0))
    """
    best = int(np.argmax(counts.n))
    others = sum(counts.n) - counts.n[best]
    tp = tuple(n if i == best else 0 for i, n in enumerate(counts.n))
    fp = tuple(others if i == best else 0 for i in range(len(counts.n)))
    return ClassCounts(counts.classes, counts.n, tp, fp)
