"""Reports that were written earlier, read back to be compared.

A report is what ``mescope score --json`` prints, or the JSON file of an evaluation, whose
figures are counted anew from its predictions.  Reports of different modes are never put into
one table: a figure counted as a published code counts it is another figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mescope.annotations.expression_table import read_text
from mescope.errors import DatasetError
from mescope.evaluation.paired import Difference, differences
from mescope.evaluation.report import Report
from mescope.evaluation.report_files import from_json, is_evaluation
from mescope.evaluation.scores import MODES
from mescope.evaluation.spotting_files import from_json as spotting_from_json
from mescope.evaluation.spotting_files import is_spotting_report
from mescope.evaluation.spotting_report import SpottingReport
from mescope.io.json_text import json_value
from mescope.ranges import shown

NEEDED = ("mode", "videos", "subjects", "spotting")


def read_report(path: str | Path) -> dict[str, Any]:
    """Read one report; that of an evaluation comes as its summary.

    Raises:
        DatasetError: the file is not a report.
    """
    path = Path(path)
    hint = "write one with `mescope score FOUND TRUTH --json`"
    text = read_text(path)
    try:
        report = json_value(text)
    except ValueError as error:
        raise DatasetError(
            f"{path.name}: expected a report, found no JSON ({error}); {hint}"
        ) from None
    if is_evaluation(report):
        return _summary(path, from_json(text, name=path.name))
    if is_spotting_report(report):
        return _summary(path, spotting_from_json(text, name=path.name))
    missing = [key for key in NEEDED if not isinstance(report, dict) or key not in report]
    if missing:
        raise DatasetError(f"{path.name}: expected a report, found no {missing[0]!r}; {hint}")
    if not isinstance(report["mode"], str) or report["mode"] not in MODES:
        raise DatasetError(f"{path.name}: expected a known mode, found {shown(report['mode'])}")
    return dict(report)


def _summary(path: Path, report: Report | SpottingReport) -> dict[str, Any]:
    """Return what a report counts; its parts are whatever somebody wrote into the file."""
    try:
        return report.summary()
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise DatasetError(
            f"{path.name}: the report is damaged ({error!r:.200}); write it again"
        ) from None


def read_evaluation(path: str | Path) -> Report | SpottingReport | None:
    """Return an evaluation with all its predictions; None for what ``mescope score`` printed.

    Raises:
        DatasetError: the file is damaged.
    """
    path = Path(path)
    text = read_text(path)
    try:
        document = json_value(text)
    except ValueError as error:
        raise DatasetError(f"{path.name}: expected a report, found no JSON ({error})") from None
    if is_evaluation(document):
        return from_json(text, name=path.name)
    if is_spotting_report(document):
        return spotting_from_json(text, name=path.name)
    return None


def paired_rows(paths: Sequence[str | Path]) -> tuple[dict[str, list[Difference]], list[str]]:
    """Return the differences of evaluations, by "a - b", and remarks.

    Each is set against the first of its kind (clips or recordings) and mode.  A pair that
    cannot be compared person by person becomes a remark that says why.
    """
    firsts: dict[tuple[type, str], tuple[str, Report | SpottingReport]] = {}
    found: dict[str, list[Difference]] = {}
    said: list[str] = []
    for path in paths:
        report = read_evaluation(path)
        if report is None:
            continue
        name = name_of(path)
        first_name, first = firsts.setdefault((type(report), report.mode), (name, report))
        if first is report:
            continue
        pair = f"{first_name} - {name}"
        try:
            found[pair] = differences(first, report)
        except DatasetError as error:
            said.append(f"{pair}: no differences person by person: {error}")
    return found, said


def by_mode(paths: Sequence[str | Path]) -> dict[str, dict[str, dict[str, Any]]]:
    """Return reports by mode and then by name (:func:`name_of`), in the order given.

    Raises:
        DatasetError: a file is not a report, or two of one mode have the same name.
    """
    sorted_out: dict[str, dict[str, dict[str, Any]]] = {}
    for path in paths:
        report = read_report(path)
        group = sorted_out.setdefault(str(report["mode"]), {})
        name = name_of(path)
        if name in group:
            raise DatasetError(f"expected reports of different names, found {name!r} twice")
        group[name] = report
    return sorted_out


def name_of(path: str | Path) -> str:
    """Return what a report is called: its file without ending, or its run's folder.

    >>> name_of("runs/small/report.json"), name_of("scores/mine.json")
    ('small', 'mine')
    """
    path = Path(path)
    return path.resolve().parent.name if path.name == "report.json" else path.stem


def is_spotting(report: dict[str, Any]) -> bool:
    """Say whether a report is about intervals in videos, not about given clips."""
    return "spotting" in report


def is_evaluated_spotting(report: dict[str, Any]) -> bool:
    """Say whether a report is of an evaluation on recordings, with methods and seeds."""
    return is_spotting(report) and "methods" in report


_SHARED = {
    False: (("labels", "clips or labels"), ("split", "folds")),
    True: (
        ("truth", "recordings or annotations"),
        ("data", "measurements of the recordings"),
        ("split", "folds"),
    ),
}
"""Hashes that evaluations on clips, and on recordings, share; and what of."""


def differing(group: dict[str, dict[str, Any]]) -> list[str]:
    """Return what evaluations of one table must share and do not, in sentences.

    Measurements may well differ: two models are shown different regions.
    """
    said = []
    for on_recordings, keys in _SHARED.items():
        some = [
            report
            for report in group.values()
            if (is_evaluated_spotting(report) if on_recordings else not is_spotting(report))
        ]
        for key, what in keys:
            known = {r["hashes"][key] for r in some if key in r["hashes"]}
            if len(known) > 1:
                said.append(f"these evaluations have different {what} ({key} hashes differ)")
    return said
