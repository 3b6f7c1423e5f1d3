"""Reports of evaluations as JSON, whole, and as a CSV table of their predictions.

The JSON holds every prediction and, for readers without mescope, the summary; what is read back
is made of the predictions, and the summary is counted anew.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any, TypeVar

from mescope.errors import DatasetError
from mescope.evaluation.report import Prediction, Report
from mescope.io.formula_guard import guarded
from mescope.io.json_text import json_value
from mescope.ranges import shown

FORMAT = "mescope-evaluation"
SCHEMA = 1
"""Version of the layout; another one is refused."""

Parsed = TypeVar("Parsed")

_COLUMNS = ("dataset", "subject", "name", "truth", "predicted", "fold", "seed", "oracle")


def as_json(report: Report) -> str:
    """Return a report as JSON text, one prediction a line; :func:`from_json` gives it back."""
    head = {
        "format": FORMAT,
        "schema": SCHEMA,
        "name": report.name,
        "protocol": report.protocol,
        "mode": report.mode,
        "classes": list(report.classes),
        "recipe": dict(report.recipe),
        "hashes": dict(report.hashes),
        "environment": dict(report.environment),
        "seconds": report.seconds,
        "warnings": list(report.warnings),
        "summary": report.summary(),
        "columns": [*_COLUMNS, "scores"],
        "control": [_row(p) for p in report.control],
        "chosen": [dict(one) for one in report.chosen],
    }
    text = json.dumps(head, indent=1, ensure_ascii=False, allow_nan=False)
    lines = ",\n".join(
        "  " + json.dumps(_row(p), ensure_ascii=False, allow_nan=False)
        for p in report.predictions
    )
    return f'{text[:-2]},\n "predictions": [\n{lines}\n ]\n}}\n'


def from_json(text: str, *, name: str = "the report") -> Report:
    """Return the report of a text that :func:`as_json` made.

    Args:
        text: JSON.
        name: of the file, for messages.

    Raises:
        DatasetError: the text is not such a report, is damaged or of another version, or what
            it holds cannot be an evaluation (see :class:`Report`).
    """
    return parsed(text, FORMAT, SCHEMA, _report, name=name)


def parsed(
    text: str,
    format: str,
    schema: int,
    build: Callable[[dict[str, Any]], Parsed],
    *,
    name: str,
) -> Parsed:
    """Return what ``build`` makes of a JSON document of a format and version.

    Raises:
        DatasetError: the text is no such document, or ``build`` cannot make anything of it.
    """
    try:
        document = json_value(text)
    except ValueError as error:
        raise DatasetError(f"{name}: expected a report, found no JSON ({error})") from None
    kind = document.get("format") if isinstance(document, dict) else None
    if kind != format:
        found = shown(kind) if isinstance(kind, str) else "another file"
        raise DatasetError(f'{name}: expected "format": "{format}", found {found}')
    if document.get("schema") != schema:
        raise DatasetError(
            f"{name}: expected schema {schema}, found {document.get('schema')!r}; install the "
            "mescope that wrote it, or a newer one"
        )
    try:
        return build(document)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise DatasetError(
            f"{name}: the report is damaged ({error!r:.200}); write it again"
        ) from None


def is_evaluation(document: Any) -> bool:
    """Say whether a JSON document is the report of an evaluation."""
    return isinstance(document, dict) and document.get("format") == FORMAT


def as_csv(report: Report) -> str:
    """Return one row per prediction: who, truth, prediction, fold, seed and scores.

    The oracle's column is there only if the report has it.  Text that a spreadsheet would take
    for a formula gets an apostrophe in front.
    """
    oracle = report.predictions[0].oracle is not None
    columns = [c for c in _COLUMNS if c != "oracle"]
    parts = ["part"] if any(p.part for p in report.predictions) else []
    scored = any(p.scores for p in report.predictions)
    scores = [f"score_{name}" for name in report.classes] if scored else []
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")  # RFC 4180
    best = ["oracle_best_epoch_on_test"] if oracle else []
    writer.writerow([*columns, *scores, *best, *parts])
    for p in report.predictions:
        texts = [guarded(v) for v in (*p.person, p.name, p.truth, p.predicted, p.fold)]
        values = [repr(v) for v in p.scores] or [""] * len(scores)
        best = [guarded(p.oracle or "")] if oracle else []
        part = [guarded(p.part)] if parts else []
        writer.writerow([*texts, p.seed, *values, *best, *part])
    return out.getvalue()


def _row(p: Prediction) -> list[Any]:
    row = [*p.person, p.name, p.truth, p.predicted, p.fold, p.seed, p.oracle, list(p.scores)]
    return [*row, p.part] if p.part else row


def _report(document: dict[str, Any]) -> Report:
    return Report(
        name=str(document["name"]),
        recipe=document["recipe"],
        protocol=str(document["protocol"]),
        mode=str(document["mode"]),
        classes=tuple(str(c) for c in document["classes"]),
        predictions=tuple(_prediction(row) for row in document["predictions"]),
        hashes={str(k): str(v) for k, v in document["hashes"].items()},
        environment={str(k): str(v) for k, v in document["environment"].items()},
        seconds=float(document["seconds"]),
        warnings=tuple(str(w) for w in document["warnings"]),
        control=tuple(_prediction(row) for row in document.get("control", ())),
        chosen=tuple({**one} for one in document.get("chosen", ())),
    )


def _prediction(row: list[Any]) -> Prediction:
    dataset, subject, name, truth, predicted, fold, seed, oracle, scores, *part = row
    return Prediction(
        person=(str(dataset), str(subject)),
        name=str(name),
        truth=str(truth),
        predicted=str(predicted),
        fold=str(fold),
        seed=int(seed),
        oracle=None if oracle is None else str(oracle),
        scores=tuple(float(v) for v in scores),
        part=str(part[0]) if part else "",
    )
