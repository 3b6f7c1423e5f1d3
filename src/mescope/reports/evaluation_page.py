"""One self-contained page for one evaluation: opens offline, runs nothing, loads nothing.

Figures are counted from the report's predictions when the page is made.  The oracle and papers'
figures stand in sections of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mescope.evaluation.figures import ORACLE
from mescope.evaluation.metrics import reported
from mescope.evaluation.published import as_printed, published_for
from mescope.evaluation.report_tables import four, span
from mescope.reports.evaluation_plots import confusion_picture, people_picture
from mescope.reports.formatting import count, spell_duration
from mescope.reports.html import flat, template

if TYPE_CHECKING:
    from mescope.evaluation.report import Report

_WIDE, _NARROW = 940, 350  # units; the page shows one of the two drawings


def evaluation_page(report: Report) -> str:
    """Return the page as text, to be saved as UTF-8."""
    summary = report.summary()
    part, classes = summary["all"], summary["classes"]
    seeds = count(len(summary["seeds"]), "seed")
    return template("evaluation.html").render(
        name=summary["name"],
        mode=summary["mode"],
        what=_what(summary),
        facts=f"{', '.join(classes)}; {count(summary['folds'], 'fold')}, {seeds}.",
        cautions=[*summary["cautions"], *summary["warnings"]],
        headline=_figures({"all": part}),
        parts=_figures(summary["datasets"]),
        seeds=seeds,
        resamples=count(summary["resamples"], "draw").removesuffix(" draws"),
        many=len(summary["seeds"]) > 1,
        confusion=confusion_picture(part["confusion"], classes),
        titles=[m.title for m in reported()],
        per_class=[m.title for m in reported() if m.per_class],
        policies=[(n, *map(four, p.values())) for n, p in part["policies"].items()],
        datasets=sorted({row["dataset"] for row in summary["people"]}),
        oracle=_figures(_parts(summary[ORACLE])) if ORACLE in summary else [],
        oracle_name=ORACLE.replace("_", " "),
        oracle_warning=summary.get(ORACLE, {}).get("warning", ""),
        published=_published(report),
        took=f"Training and testing took {spell_duration(summary['seconds'])}.",
        recipe=flat(summary["recipe"]),
        environment=flat(summary["environment"]),
        hashes=flat(summary["hashes"]),
        **_counts(summary),
        **_people(summary),
        **_seeds(part, classes),
    )


def _what(summary: dict[str, Any]) -> str:
    data = " + ".join(sorted({row["dataset"] for row in summary["people"]}))
    part = summary["all"]
    return (
        f"{summary['protocol']} on {data}: {count(part['clips'], 'clip')} of "
        f"{part['people']} people, {len(summary['classes'])} classes"
    )


def _parts(parts: dict[str, Any]) -> dict[str, Any]:
    return {"all": parts["all"], **parts["datasets"]}


def _figures(parts: dict[str, Any]) -> list[dict[str, Any]]:
    """Return rows for the page: each part, and its trivial answers below it if it has them."""
    rows = []
    for name, part in parts.items():
        cells = [_cell(part[m.name], len(part["per_seed"])) for m in reported()]
        rows.append(
            {"ours": True, "name": name, "clips": part["clips"], "people": part["people"],
             "cells": cells}
        )  # fmt: skip
        for trivial in part.get("baselines", ()):
            cells = [_trivial(trivial[m.name]) for m in reported()]
            rows.append({"ours": False, "name": trivial["name"], "cells": cells})
    return rows


def _cell(figure: dict[str, Any], seeds: int) -> dict[str, str]:
    sure = span(*figure["interval"]) if figure["interval"] else ""
    spread = span(figure["min"], figure["max"]) if seeds > 1 else ""
    return {"value": four(figure["mean"]), "sure": sure, "seeds": spread}


def _trivial(value: float | None) -> dict[str, str]:
    return {"value": "" if value is None else four(value), "sure": "", "seeds": ""}


def _counts(summary: dict[str, Any]) -> dict[str, Any]:
    """Return the table of clips by class and data set."""
    parts = {**summary["datasets"], "all": summary["all"]}
    rows = [
        (name, *(part["n"][name] for part in parts.values())) for name in summary["classes"]
    ]
    rows.append(("clips", *(part["clips"] for part in parts.values())))
    rows.append(("people", *(part["people"] for part in parts.values())))
    return {"count_heads": ["class", *parts], "counts": rows}


def _people(summary: dict[str, Any]) -> dict[str, Any]:
    part, people, classes = summary["all"], summary["people"], summary["classes"]
    levels = {
        "all together": part["accuracy"]["mean"],
        part["baselines"][0]["name"]: part["baselines"][0]["accuracy"],
    }
    rows = [
        (
            f"{p['dataset']}/{p['subject']}", p["clips"], f"{p['accuracy']:.0%}",
            *(_of(p["hits_per_class"][c], p["n"][c]) for c in classes),
        )
        for p in people
    ]  # fmt: skip
    return {
        "people_wide": people_picture(people, levels, width=_WIDE),
        "people_narrow": people_picture(people, levels, width=_NARROW),
        "people_heads": ["person", "clips", "right", *classes],
        "people": rows,
    }


def _of(hits: int, n: int) -> str:
    return f"{hits} of {n}" if n else "–"


def _seeds(part: dict[str, Any], classes: list[str]) -> dict[str, Any]:
    return {
        "seed_rows": [
            (row["seed"], row["clips"], *(four(row[m.name]) for m in reported()))
            for row in part["per_seed"]
        ],
        "seed_pictures": [
            (row["seed"], confusion_picture(row["confusion"], classes))
            for row in part["per_seed"]
        ],
    }


def _published(report: Report) -> list[dict[str, Any]]:
    return [
        {
            "source": table.source, "title": table.title, "mode": table.mode,
            "data": table.data, "caution": table.caution, "heads": table.columns,
            "rows": as_printed(table),
        }
        for table in published_for(report.datasets, len(report.classes))
    ]  # fmt: skip
