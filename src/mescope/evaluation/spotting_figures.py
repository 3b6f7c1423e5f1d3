"""Every figure of a report on recordings: per method and seed, and over the seeds.

Counts are pooled over all videos, scored once for every seed; a figure "over the seeds" is the
mean with the lowest and the highest.  Intervals draw people and take the mean over the seeds of
what each draw gives.  Conventions: ``docs/protocols.md``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mescope.evaluation.average_precision import average_precision
from mescope.evaluation.bootstrap import RESAMPLES, middle, resampled
from mescope.evaluation.chance import at_random
from mescope.evaluation.figures import WISHED_SEEDS
from mescope.evaluation.interval_table import Row, Table, VideoKey
from mescope.evaluation.metrics import METRICS, Policy, tallies_of
from mescope.evaluation.predictions import CLEAN
from mescope.evaluation.recognition import confusion
from mescope.evaluation.scores import MODES, NEUTRAL, Scores, score
from mescope.evaluation.spotted import Spotted, SpottedRun
from mescope.evaluation.spotting_synergy import synergy
from mescope.evaluation.summary import WITHOUT, summarize
from mescope.labels import RENDERED

FIGURES = (
    "tp", "fp", "fn", "precision", "recall", "f1", "ap", "false_alarms_per_minute",
    "macro_f1", "pairs", "uf1", "uar", "harmonic_f1", "strs",
)  # fmt: skip
"""What a seed of a method has; recognition is over three classes, ``others`` left out."""

WITH_INTERVAL = ("f1", "uf1", "uar", "harmonic_f1", "strs")


def figures_of(report: Spotted) -> dict[str, Any]:
    """Return every figure of a report by name, as plain values for JSON.

    ``methods`` has for each method its ``title``, whether it ``names_emotions``, ``per_seed``
    (:data:`FIGURES`, ``f1_at_iou``, ``kinds`` with the counts of micro, macro and both, and
    ``confusion`` with rows the truth and a last column for answers that are none of the
    classes), ``over`` (mean, min, max, and interval where people can be drawn), ``people``
    (counts of micro-expressions, means over the seeds) and ``chance`` (of the first seed, by
    kind).  ``synergy`` sets the strategies beside each other.  ``spotting``, ``recognition``
    and ``chance`` are those of the first method and seed, as ``mescope score`` has them.
    """
    methods = {name: _method(report, runs) for name, runs in report.methods.items()}
    first = next(iter(methods.values()))
    counted = first.pop("summary")
    for other in list(methods.values())[1:]:
        del other["summary"]
    return {
        "name": report.name,
        "protocol": report.protocol,
        "frames": report.frames,
        "datasets": list(report.datasets),
        "seeds": list(report.seeds),
        "minutes": report.minutes,
        "left_out": report.left_out,
        "classes": list(report.classes),
        **counted,
        "methods": methods,
        "synergy": synergy(methods, report.classes, MODES[report.counting(report.runs[0])]),
        "folds": len({(f.seed, f.fold) for f in report.folds}) // len(report.seeds),
        "rules": [_rule(f) for f in report.folds],
        "cautions": cautions(report),
        "warnings": list(report.warnings),
        "resamples": RESAMPLES,
        "recipe": dict(report.recipe),
        "hashes": {**report.hashes, "truth": report.truth_hash()},
        "environment": dict(report.environment),
        "seconds": report.seconds,
    }


def cautions(report: Spotted) -> list[str]:
    """Return what a reader of the figures has to know, in sentences."""
    said = []
    if report.mode != CLEAN:
        said.append(
            "Counted as published: decimated frames, videos with micro-expressions only; not "
            "comparable with clean figures."
        )
        if report.recipe.get("task", {}).get("k_p_people") == "everyone":
            said.append("As published, k_p was taken from everyone, test people too.")
    if RENDERED in report.datasets:
        said.append("Simulated faces: this says nothing of how well real people are read.")
    if report.folds and len(report.seeds) < WISHED_SEEDS:
        said.append(
            f"Only {len(report.seeds)} of at least {WISHED_SEEDS} seeds: how much the figures "
            "depend on chance is not known."
        )
    people = {video.person for video in report.videos}
    if len(people) < 10:
        said.append(f"Only {len(people)} people: the intervals are too narrow, if anything.")
    if report.left_out:
        said.append(
            f"{report.left_out} annotated expressions lie in recordings that are not there; "
            "nobody could find them, and they are not counted."
        )
    return said


def _method(report: Spotted, runs: list[SpottedRun]) -> dict[str, Any]:
    per_seed, summaries = [], []
    for run in runs:
        chance = None
        if run is runs[0]:
            chance = at_random(
                report.found(run), report.truth(), mode=report.counting(run),
                frames=report.lengths(),
            )  # fmt: skip
        counted = score(
            report.found(run), report.truth(), mode=report.counting(run),
            classes=report.classes,
        )  # fmt: skip
        summary = summarize(counted, minutes=report.minutes, chance=chance)
        summaries.append(summary)
        per_seed.append(_seed(report, run, counted, summary))
    over = {name: _over([seed[name] for seed in per_seed]) for name in FIGURES}
    counts, answers = _by_person(report, runs)
    for name, interval in _intervals(report, runs[0], counts, answers).items():
        over[name]["interval"] = interval
    luck = summaries[0]["chance"]["spotting"]
    return {
        "title": runs[0].title,
        "strategy": runs[0].strategy,
        "names_emotions": any(row.emotion for run in runs for row in run.native),
        "per_seed": per_seed,
        "over": over,
        "people": _people(report, counts),
        "chance": {**luck["micro"], "kinds": luck},
        "summary": summaries[0],
    }


def _seed(
    report: Spotted, run: SpottedRun, counted: Scores, summary: dict[str, Any]
) -> dict[str, Any]:
    micro, answers = summary["spotting"]["micro"], summary.get("recognition", {})
    named = answers.get(f"without {WITHOUT}", {})
    ours = {name: named.get(name, 0.0) for name in ("pairs", "uf1", "uar", "harmonic_f1")}
    return {
        "seed": run.seed,
        **{name: micro[name] for name in FIGURES if name in micro},
        "ap": average_precision(_ranked(report, run), report.truth().rows),
        "macro_f1": summary["spotting"]["macro"]["f1"],
        **ours,
        "strs": named.get("strs", 0.0),
        "f1_at_iou": summary["micro_f1_at_iou"],
        "kinds": summary["spotting"],
        "all_classes": answers.get("all", {}),
        "confusion": _confusion(counted, report.classes).tolist(),
    }  # fmt: skip


def _ranked(report: Spotted, run: SpottedRun) -> list[Row]:
    """Return the detections that are ranked, of the videos that are counted.

    Those that the mode takes out after matching are not.
    """
    kept = MODES[report.counting(run)].neutral == "counted"
    where = {video.key for video in report.counted}
    return [
        row
        for row in report.found(run).rows
        if row.where in where and (kept or row.emotion != NEUTRAL)
    ]


def _over(values: list[float]) -> dict[str, Any]:
    return {"mean": float(np.mean(values)), "min": min(values), "max": max(values)}


def _rule(fold: Any) -> dict[str, Any]:
    kept = ("half_length", "half_s", "pair_s", "share", "floor", "mode", "intervals")
    rule = {name: fold.rule[name] for name in kept if name in fold.rule}
    return {"fold": fold.fold, "seed": fold.seed, **rule}


def _confusion(counted: Scores, classes: tuple[str, ...]) -> NDArray[np.int64]:
    """Return (classes, classes + 1) of the micro hits."""
    return confusion([t for t, _ in counted.pairs], [f for _, f in counted.pairs], classes)


def _people(report: Spotted, counts: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Return a row a person: recordings, minutes, and counts as means over the seeds."""
    rows = []
    for person, by_seed in zip(_everyone(report), counts, strict=True):
        theirs = [video for video in report.counted if video.person == person]
        tp, fp, fn = (float(v) for v in by_seed.mean(axis=0))
        rows.append(
            {"dataset": person[0], "subject": person[1], "recordings": len(theirs),
             "minutes": sum(video.minutes for video in theirs), "tp": tp, "fp": fp, "fn": fn}
        )  # fmt: skip
    return rows


def _everyone(report: Spotted) -> list[tuple[str, str]]:
    return sorted({video.person for video in report.videos})


class DrawnFigures(NamedTuple):
    """Figures of a method, means over its seeds: ``once``, and for each draw of people.

    ``draws`` (draws,) by name are empty where people cannot be drawn.
    """

    once: dict[str, float]
    draws: dict[str, NDArray[np.float64]]


def drawn_figures(report: Spotted) -> DrawnFigures:
    """Return :data:`WITH_INTERVAL` of the first method; equal seeds draw equal people.

    Micro-expressions, and recognition on the hits without ``others``.
    """
    runs = next(iter(report.methods.values()))
    counts, answers = _by_person(report, runs)
    policy = MODES[report.counting(runs[0])].policy
    once = _drawn(counts.sum(axis=0)[None], answers.sum(axis=0)[None], policy)
    mean = {name: float(values.mean()) for name, values in once.items()}
    if len(counts) < 2 or counts.min() < 0:
        return DrawnFigures(mean, {})
    drawn = _drawn(resampled(counts), resampled(answers), policy)
    return DrawnFigures(mean, {name: values.mean(axis=1) for name, values in drawn.items()})


def _by_person(
    report: Spotted, runs: list[SpottedRun]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return counts (people, seeds, 3) and confusions without others (…, c, c + 1)."""
    classes = tuple(c for c in report.classes if c != WITHOUT)
    tables = [[_of_person(report, run, p, classes) for run in runs] for p in _everyone(report)]
    counts = np.array([[c for c, _ in row] for row in tables], np.int64)
    return counts, np.array([[a for _, a in row] for row in tables], np.int64)


def _intervals(
    report: Spotted,
    run: SpottedRun,
    counts: NDArray[np.int64],
    answers: NDArray[np.int64],
) -> dict[str, list[float]]:
    """Return the 95 % intervals over people, where there are several."""
    if len(counts) < 2 or counts.min() < 0:
        return {}  # or a published filter takes more hits from a person than there are
    policy = MODES[report.counting(run)].policy
    return {
        name: list(middle(values.mean(axis=1)))
        for name, values in _drawn(resampled(counts), resampled(answers), policy).items()
    }


def _drawn(
    counts: NDArray[np.int64], answers: NDArray[np.int64], policy: Policy
) -> dict[str, NDArray[np.float64]]:
    """Return figures (draws, seeds) of counts (..., 3) and confusions (..., c, c + 1)."""
    tp, fp, fn = np.moveaxis(counts, -1, 0)
    whole = 2 * tp + fp + fn
    f1 = np.divide(2 * tp, whole, out=np.zeros(whole.shape), where=whole > 0)
    tallies = tallies_of(answers)
    named = {n: METRICS[n].of(tallies, policy) for n in ("uf1", "uar", "harmonic_f1")}
    return {"f1": f1, **named, "strs": f1 * named["harmonic_f1"]}


def _of_person(
    report: Spotted, run: SpottedRun, person: tuple[str, str], classes: tuple[str, ...]
) -> tuple[list[int], NDArray[np.int64]]:
    """Return (tp, fp, fn) and the confusion of the micro-expressions of one person."""
    keys = frozenset(video.key for video in report.videos if video.person == person)
    found, truth = (_within(t, keys) for t in (report.found(run), report.truth()))
    counted = score(found, truth, mode=report.counting(run), classes=report.classes)
    micro = counted.counts["micro"]
    return [micro.tp, micro.fp, micro.fn], _confusion(counted, classes)


def _within(table: Table, keys: frozenset[VideoKey]) -> Table:
    return Table(tuple(row for row in table.rows if row.where in keys), keys)
