"""Reports that were written earlier, read back to be compared.

A report is what ``mescope score --json`` prints, or the JSON file of an evaluation, whose
figures are counted anew from its predictions.  Reports of different modes are never put into
one table: a figure counted as a published code counts it is another figure.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mescope.annotations.expression_table import read_text
from mescope.errors import DatasetError
from mescope.evaluation.report_files import from_json, is_evaluation
from mescope.evaluation.scores import MODES

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
        report = json.loads(text)
    except json.JSONDecodeError as error:
        raise DatasetError(
            f"{path.name}: expected a report, found no JSON (line {error.lineno}); {hint}"
        ) from None
    if is_evaluation(report):
        return from_json(text, name=path.name).summary()
    missing = [key for key in NEEDED if not isinstance(report, dict) or key not in report]
    if missing:
        raise DatasetError(f"{path.name}: expected a report, found no {missing[0]!r}; {hint}")
    if report["mode"] not in MODES:
        raise DatasetError(f"{path.name}: expected a known mode, found {report['mode']!r}")
    return dict(report)


def by_mode(paths: Sequence[str | Path]) -> dict[str, dict[str, dict[str, Any]]]:
    """Return reports by mode and then by file name without ending, in the order given.

    Raises:
        DatasetError: a file is not a report, or two of one mode have the same name.
    """
    sorted_out: dict[str, dict[str, dict[str, Any]]] = {}
    for path in paths:
        report = read_report(path)
        group = sorted_out.setdefault(str(report["mode"]), {})
        name = Path(path).stem
        if name in group:
            raise DatasetError(f"expected reports of different names, found {name!r} twice")
        group[name] = report
    return sorted_out


def is_spotting(report: dict[str, Any]) -> bool:
    """Say whether a report is about intervals in videos, not about given clips."""
    return "spotting" in report


def differing(group: dict[str, dict[str, Any]]) -> list[str]:
    """Return what evaluations of one table must share and do not, in sentences."""
    evaluations = [report for report in group.values() if not is_spotting(report)]
    said = []
    for key, what in (("labels", "clips or labels"), ("split", "folds")):
        known = {r["hashes"][key] for r in evaluations if key in r["hashes"]}
        if len(known) > 1:
            said.append(f"these evaluations have different {what} ({key} hashes differ)")
    return said
