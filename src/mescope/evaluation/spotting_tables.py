"""Figures of a report on recordings as rows of text: chance below ours, papers' apart."""

from __future__ import annotations

from typing import Any

from mescope.evaluation.published import PublishedTable, as_printed, published
from mescope.evaluation.report_tables import four, span, text_table
from mescope.evaluation.spotting_report import SpottingReport

SYSTEM = "me-tst"
"""Whose published tables stand beside reports on recordings."""

HEADS = (
    "", "TP", "FP", "FN", "precision", "recall", "F1", "of seeds", "95 %", "AP",
    "false a minute", "n", "UF1", "UAR", "recog. F1", "STRS", "95 %",
)  # fmt: skip
"""Columns: spotting of micro-expressions, then recognition on the hits (three classes)."""


def headline(summary: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return rows of :data:`HEADS`: every method, and chance below it."""
    rows = []
    for method in summary["methods"].values():
        rows.append(_row(method))
        rows.append(_chance(method["chance"]))
    return rows


def _row(method: dict[str, Any]) -> tuple[str, ...]:
    over = method["over"]

    def mean(name: str) -> float:
        return float(over[name]["mean"])

    def interval(name: str) -> str:
        found = over[name].get("interval")
        return span(*found) if found else ""

    several = len(method["per_seed"]) > 1
    return (
        method["title"],
        *(_count(mean(name)) for name in ("tp", "fp", "fn")),
        *(four(mean(name)) for name in ("precision", "recall", "f1")),
        span(over["f1"]["min"], over["f1"]["max"]) if several else "",
        interval("f1"),
        four(mean("ap")),
        f"{mean('false_alarms_per_minute'):.2f}",
        _count(mean("pairs")),
        *(four(mean(name)) for name in ("uf1", "uar", "harmonic_f1", "strs")),
        interval("strs"),
    )


def _chance(luck: dict[str, float]) -> tuple[str, ...]:
    counts = (f"{luck[name]:.2f}" for name in ("tp", "fp", "fn"))
    ratios = (four(luck[name]) for name in ("precision", "recall", "f1"))
    return ("  as many, at random places", *counts, *ratios, *[""] * 10)


def _count(value: float) -> str:
    """Return a mean of whole numbers: whole where it is."""
    return f"{value:.0f}" if value == round(value) else f"{value:.1f}"


def title(summary: dict[str, Any]) -> str:
    """Return in one line what was evaluated, the mode in it."""
    seeds = len(summary["seeds"])
    return (
        f"{summary['name']}, mode {summary['mode']}: {summary['protocol']} on "
        f"{' + '.join(summary['datasets'])}, {summary['videos']} recordings of "
        f"{summary['subjects']} people, {summary['minutes']:.1f} minutes, {seeds} "
        f"seed{'s' if seeds > 1 else ''}; micro-expressions, recognition on the hits without "
        "others"
    )


def described(summary: dict[str, Any]) -> str:
    """Return the figures of a summary as text: title, table, cautions."""
    lines = [title(summary), text_table(HEADS, headline(summary))]
    lines += [f"Note: {caution}" for caution in (*summary["cautions"], *summary["warnings"])]
    return "\n".join(lines) + "\n"


def beside(report: SpottingReport) -> tuple[PublishedTable, ...]:
    """Return papers' tables of the same task on one of the report's data sets."""
    datasets = set(report.datasets)
    if "samm" in datasets:  # whose people the long videos show
        datasets.add("samm-lv")
    return tuple(
        table
        for table in published()
        if table.system == SYSTEM and datasets & set(table.datasets)
    )


def compared(report: SpottingReport) -> str:
    """Return the figures as text, and below them papers' tables of the same data.

    Papers' figures never share a table with ours, and each table names its mode.
    """
    lines = [described(report.summary())]
    tables = beside(report)
    if not tables:
        lines.append("No published table is of the same data.")
    for table in tables:
        lines += [
            f"Published, not ours: {table.source}: {table.title}. {table.data}. "
            f"Mode {table.mode}.",
            f"Note: {table.caution}",
            text_table(table.columns, as_printed(table)),
            "",
        ]
    return "\n".join(lines).rstrip() + "\n"
