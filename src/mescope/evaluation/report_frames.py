"""Reports as plain rows, for tables of pandas: predictions, figures, people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mescope.errors import MescopeError
from mescope.evaluation.interval_table import Row
from mescope.evaluation.metrics import reported
from mescope.evaluation.predictions import Evaluation
from mescope.evaluation.spotted import Spotted

if TYPE_CHECKING:
    from pandas import DataFrame

Rows = list[dict[str, Any]]


def table_of(rows: Iterable[Mapping[str, Any]], whole: Sequence[str] = ()) -> DataFrame:
    """Return rows as a table; the columns ``whole`` are whole numbers or missing (Int64)."""
    import pandas as pd

    table = pd.DataFrame(list(rows))
    return table.astype({name: "Int64" for name in whole if name in table})


def unknown(what: str, known: Sequence[str]) -> MescopeError:
    """Return the error for a table that a report does not have."""
    return MescopeError(f"expected a table of {', '.join(known)}, found {what!r}")


def predictions(report: Evaluation) -> Rows:
    """Return a row for each prediction, as ``predictions.csv`` has them."""
    found = []
    for p in report.predictions:
        row: dict[str, Any] = {
            "dataset": p.person[0], "subject": p.person[1], "name": p.name, "truth": p.truth,
            "predicted": p.predicted, "fold": p.fold, "seed": p.seed,
        }  # fmt: skip
        row |= {f"score_{c}": s for c, s in zip(report.classes, p.scores, strict=False)}
        if p.oracle is not None:
            row["oracle_best_epoch_on_test"] = p.oracle
        if p.part:
            row["part"] = p.part
        found.append(row)
    return found


def clip_figures(summary: Mapping[str, Any]) -> Rows:
    """Return a row for each part of the data and metric: mean, seeds, interval.

    Trivial answers have rows of their own, named by ``answer``; ours say ``model``.
    """
    rows = []
    for part, figures in {"all": summary["all"], **summary["datasets"]}.items():
        for metric in reported():
            known = {"mode": summary["mode"], "part": part, "metric": metric.name}
            rows.append({**known, "answer": "model", **_figure(figures[metric.name])})
            for trivial in figures["baselines"]:
                value = {"mean": trivial[metric.name]}
                rows.append({**known, "answer": trivial["name"], **value})
    return rows


def spotting_figures(summary: Mapping[str, Any]) -> Rows:
    """Return a row for each method and figure of micro-expressions: mean, seeds, interval."""
    return [
        {"mode": summary["mode"], "method": name, "metric": metric, **_figure(figure)}
        for name, method in summary["methods"].items()
        for metric, figure in method["over"].items()
    ]


def people_of_clips(summary: Mapping[str, Any]) -> Rows:
    """Return a row for each person: clips, hits, accuracy, and hits of each class."""
    return [
        {
            **{k: v for k, v in row.items() if k not in ("n", "hits_per_class")},
            **{f"n_{c}": n for c, n in row["n"].items()},
            **{f"hits_{c}": n for c, n in row["hits_per_class"].items()},
        }
        for row in summary["people"]
    ]


def people_of_recordings(summary: Mapping[str, Any]) -> Rows:
    """Return a row for each method and person: recordings, minutes, and counts."""
    return [
        {"method": name, **row}
        for name, method in summary["methods"].items()
        for row in method["people"]
    ]


def detections(report: Spotted) -> Rows:
    """Return a row for each detection of every method and seed, in native frames from 0."""
    return [
        {"method": run.method, "seed": run.seed, **_interval(row)}
        for run in report.runs
        for row in report.found(run, "native").rows
    ]


def truth(report: Spotted) -> Rows:
    """Return a row for each annotated expression, in native frames from 0."""
    return [_interval(row) for row in report.truth_native]


def _interval(row: Row) -> dict[str, Any]:
    return {
        "subject": row.subject, "video": row.video, "onset": row.interval.first,
        "offset": row.interval.last, "type": row.kind, "emotion": row.emotion,
        "apex": row.apex, "score": row.score,
    }  # fmt: skip


def _figure(figure: Mapping[str, Any]) -> dict[str, Any]:
    low, high = figure.get("interval") or (None, None)
    return {
        "mean": figure["mean"], "lowest_seed": figure["min"], "highest_seed": figure["max"],
        "low": low, "high": high,
    }  # fmt: skip
