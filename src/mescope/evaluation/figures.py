"""Every figure of a report: for all data and each data set, per seed and over the seeds.

Predictions are pooled over folds first and scored once with the fixed class list.  The parts of
each data set are counted from the same predictions; nothing is trained again.  A figure "over
the seeds" is the mean of the seeds, with the lowest and the highest; its interval draws people
(not clips, not seeds) and takes the mean over the seeds of what each draw gives.
Conventions: ``docs/protocols.md``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from mescope.evaluation.bootstrap import RESAMPLES, middle, resampled
from mescope.evaluation.metrics import ABSENT, Policy, reported, tallies_of
from mescope.evaluation.predictions import SUBJECT_DEPENDENT, Evaluation, Prediction
from mescope.evaluation.recognition import ClassCounts, counts_of, scored
from mescope.evaluation.summary import majority
from mescope.labels import RENDERED

WISHED_SEEDS = 3
ORACLE = "oracle_best_epoch_on_test"
ORACLE_WARNING = (
    "For every fold, the epoch that was best on the very people whom it tests. This is what "
    "selecting on the test data is worth, and no result: never report it as one."
)
Counts = NDArray[np.int64]


def figures_of(report: Evaluation) -> dict[str, Any]:
    """Return every figure of a report by name, as plain values for JSON.

    ``all`` and each entry of ``datasets`` (test parts of a published split stand there, too;
    empty where there is one data set and no such split) have ``people``,
    ``clips``, ``n`` per class, every reported metric (mean, min, max, interval or None),
    ``per_seed``, ``policies`` (absent classes), ``confusion`` (rows: truth; summed over seeds)
    and ``baselines``.  ``people`` lists every person with clips and hits.  The keys ``control``
    (:func:`control_of`), ``chosen`` (what people held out of each fold's training chose) and
    ``oracle_best_epoch_on_test``, apart, are there only if the report has them.
    """
    found = [(p, p.predicted) for p in report.predictions]
    out: dict[str, Any] = {
        "name": report.name,
        "protocol": report.protocol,
        "mode": report.mode,
        "classes": list(report.classes),
        "seeds": list(report.seeds),
        "folds": len({p.fold for p in report.predictions}),
        **_parts(report, found),
        "people": _people(report),
        "resamples": RESAMPLES,
        "cautions": cautions(report),
        "warnings": list(report.warnings),
        "recipe": dict(report.recipe),
        "hashes": dict(report.hashes),
        "environment": dict(report.environment),
        "seconds": report.seconds,
    }
    if report.chosen:
        out["chosen"] = [dict(one) for one in report.chosen]
    if report.control:
        out["control"] = control_of(report)
    best = [(p, p.oracle) for p in report.predictions if p.oracle is not None]
    if best:
        parts = _parts(report, best)
        for part in (parts["all"], *parts["datasets"].values()):
            del part["baselines"]
        out[ORACLE] = {"warning": ORACLE_WARNING, **parts}
    return out


def control_of(report: Evaluation) -> dict[str, Any]:
    """Return how often control clips are named after the mask they were pasted through.

    ``named`` is that share, ``by_chance`` the share expected if masks and answers had nothing
    to do with each other; ``clips`` counts them over all seeds.
    """
    index = {name: i for i, name in enumerate(report.classes)}
    table = np.zeros((len(index), len(index)))
    for p in report.control:
        table[index[p.truth], index[p.predicted]] += 1
    shares = table / len(report.control)
    return {
        "clips": len(report.control),
        "named": float(np.trace(shares)),
        "by_chance": float(shares.sum(1) @ shares.sum(0)),
    }


def cautions(report: Evaluation) -> list[str]:
    """Return what a reader of the figures has to know, in sentences."""
    said = []
    if report.mode != "clean":
        said.append(f"Counted as {report.mode}: not comparable with clean figures.")
    if report.mode == SUBJECT_DEPENDENT:
        said.append("Subject-dependent: people of the test part were learned from.")
    said += _how_it_was_run(report)
    if RENDERED in report.datasets:
        said.append("Simulated faces: this says nothing of how well real people are read.")
    if len(report.seeds) < WISHED_SEEDS:
        said.append(
            f"Only {len(report.seeds)} of at least {WISHED_SEEDS} seeds: how much the figures "
            "depend on chance is not known."
        )
    if len(report.persons) < 10:
        said.append(
            f"Only {len(report.persons)} people: the intervals are too narrow, if anything."
        )
    if report.control:
        found = control_of(report)
        said.append(
            f"Shortcut control: {found['named']:.1%} of {found['clips']} clips, whose motion "
            "is neutral, are named as the expression that gave their mask; "
            f"{found['by_chance']:.1%} would be by chance."
        )
    absent = [c for c in report.classes if all(p.truth != c for p in report.predictions)]
    if absent:
        said.append(
            f"No clip is {' or '.join(absent)}: such a class is not in UF1 and UAR, unless it "
            "is answered; then it counts 0."
        )
    missing = [key for key in ("labels", "split") if key not in report.hashes]
    if missing:
        said.append(
            f"No hash of the {' and the '.join(missing)}: that another report is of the same "
            "clips and folds cannot be checked."
        )
    return said


def _how_it_was_run(report: Evaluation) -> list[str]:
    said = []
    if tests := _tests(report):
        said.append(
            f"A published split, trained once: {' and '.join(tests)} are the figures that "
            "papers print; all is both together, which they do not."
        )
    if report.chosen:
        said.append(
            f"Within each of {len(report.chosen)} trainings, people held out of it chose what "
            "is kept; nobody tested did."
        )
    return said


def confusions(
    pairs: Sequence[tuple[Prediction, str]], classes: Sequence[str], seeds: Sequence[int]
) -> tuple[list[tuple[str, str]], Counts]:
    """Return people, sorted, and their counts (people, seeds, classes, classes).

    Rows are true classes, columns predicted ones.
    """
    people = sorted({p.person for p, _ in pairs})
    row, deep = {q: i for i, q in enumerate(people)}, {s: i for i, s in enumerate(seeds)}
    index = {name: i for i, name in enumerate(classes)}
    table = np.zeros((len(people), len(seeds), len(classes), len(classes)), np.int64)
    for p, predicted in pairs:
        table[row[p.person], deep[p.seed], index[p.truth], index[predicted]] += 1
    return people, table


def by_frequency(counts: ClassCounts) -> dict[str, float | None]:
    """Return what naming classes at random, as often as they occur, scores on average.

    The expectations are exact, nothing is drawn; None for a metric whose expectation is not
    known.

    >>> by_frequency(ClassCounts(("a", "b"), (5, 5), (0, 0), (0, 0)))["uar"]
    0.5
    """
    n = np.array(counts.n)
    if not n.sum():
        return {metric.name: 0.0 for metric in reported()}
    return {m.name: None if m.by_chance is None else m.by_chance(n) for m in reported()}


def _parts(report: Evaluation, pairs: Sequence[tuple[Prediction, str]]) -> dict[str, Any]:
    apart: dict[str, list[tuple[Prediction, str]]] = {}
    for pair in pairs:
        apart.setdefault(pair[0].part or pair[0].person[0], []).append(pair)
    names = sorted(apart) if len(apart) > 1 or _tests(report) else ()
    return {
        "all": _part(pairs, report.classes),
        "datasets": {name: _part(apart[name], report.classes) for name in names},
    }


def _tests(report: Evaluation) -> list[str]:
    """Return the test parts of a published split."""
    return sorted({p.part for p in report.predictions if p.part})


def _part(pairs: Sequence[tuple[Prediction, str]], classes: Sequence[str]) -> dict[str, Any]:
    seeds = sorted({p.seed for p, _ in pairs})
    people, table = confusions(pairs, classes, seeds)
    per_seed = [counts_of(t, classes) for t in table.sum(axis=0)]
    clips = {p.clip: p.truth for p, _ in pairs}
    truths = list(clips.values())
    n = {name: truths.count(name) for name in classes}
    drawn = tallies_of(resampled(table)) if len(people) > 1 else None
    out: dict[str, Any] = {
        "people": len(people), "clips": len(clips), "predictions": len(pairs), "n": n,
    }  # fmt: skip
    for metric in reported():
        figure = _over([scored(metric.name, c) for c in per_seed])
        draws = None if drawn is None else metric.of(drawn, ABSENT).mean(axis=1)
        out[metric.name] = figure | {"interval": None if draws is None else list(middle(draws))}
    out["per_seed"] = [
        {"seed": seed, **_plain_figures(c), "clips": sum(c.n), "confusion": t.tolist()}
        for seed, c, t in zip(seeds, per_seed, table.sum(axis=0), strict=True)
    ]
    out["policies"] = {policy: _policy(per_seed, policy) for policy in get_args(Policy)}
    out["confusion"] = table.sum(axis=(0, 1)).tolist()
    out["baselines"] = _baselines(per_seed)
    return out


def _plain_figures(counts: ClassCounts) -> dict[str, float]:
    return {metric.name: scored(metric.name, counts) for metric in reported()}


def _policy(per_seed: Sequence[ClassCounts], policy: Policy) -> dict[str, float]:
    """Return means over the seeds with another treatment of classes that do not occur."""
    return {
        metric.name: float(np.mean([scored(metric.name, c, policy) for c in per_seed]))
        for metric in reported()
        if metric.per_class
    }


def _over(values: Sequence[float]) -> dict[str, Any]:
    return {"mean": float(np.mean(values)), "min": min(values), "max": max(values)}


def _baselines(per_seed: Sequence[ClassCounts]) -> list[dict[str, Any]]:
    """Return trivial answers, scored on the same clips; means over the seeds."""
    most = per_seed[0].classes[int(np.argmax(np.sum([c.n for c in per_seed], axis=0)))]
    answers: dict[str, list[dict[str, Any]]] = {
        f"always the most frequent class ({most})": [
            _plain_figures(majority(c)) for c in per_seed
        ],
        "at random, as often as classes occur": [by_frequency(c) for c in per_seed],
    }
    return [
        {
            "name": name,
            **{m.name: _known_mean([row[m.name] for row in rows]) for m in reported()},
        }
        for name, rows in answers.items()
    ]


def _known_mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _people(report: Evaluation) -> list[dict[str, Any]]:
    """Return each person's clips and hits, all seeds together, and recall per class."""
    pairs = [(p, p.predicted) for p in report.predictions]
    people, table = confusions(pairs, report.classes, report.seeds)
    clips: dict[tuple[str, str], set[str]] = {}
    for p in report.predictions:
        clips.setdefault(p.person, set()).add(p.name)
    rows = []
    for person, counts in zip(people, table.sum(axis=1), strict=True):
        hits, n = np.diagonal(counts), counts.sum(axis=1)
        rows.append(
            {
                "dataset": person[0], "subject": person[1], "clips": len(clips[person]),
                "predictions": int(n.sum()), "hits": int(hits.sum()),
                "accuracy": float(hits.sum() / n.sum()),
                "n": dict(zip(report.classes, map(int, n), strict=True)),
                "hits_per_class": dict(zip(report.classes, map(int, hits), strict=True)),
            }
        )  # fmt: skip
    return rows
