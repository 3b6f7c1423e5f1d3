"""A report's figures as rows of text, trivial answers below ours, papers' figures apart.

The same rows go to the terminal, to plain text and to the page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from mescope.evaluation.figures import ORACLE, figures_of
from mescope.evaluation.metrics import reported
from mescope.evaluation.predictions import Evaluation
from mescope.evaluation.published import as_printed, published_for

SPREAD = ("of seeds", "95 %")
"""Columns behind a metric: its lowest and highest seed, and the interval over people."""


def heads() -> tuple[str, ...]:
    """Return the columns of :func:`headline`: one a metric, with its spread if it has one."""
    columns = ((m.title, *(SPREAD if m.per_class else ())) for m in reported())
    return ("", "clips", "people", *chain.from_iterable(columns))


def headline(summary: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return rows of :func:`heads`: all and each data set, each above its trivial answers."""
    rows = []
    for name, part in _named(summary):
        rows.append(_row(name, part))
        rows += [_trivial(answer) for answer in part["baselines"]]
    return rows


def oracle_rows(summary: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return rows of :func:`heads` for the best epochs on the test people, if there are any."""
    if ORACLE not in summary:
        return []
    return [_row(name, part) for name, part in _named(summary[ORACLE])]


def title(summary: dict[str, Any]) -> str:
    """Return in one line what was evaluated, the mode in it."""
    part = summary["all"]
    data = " + ".join(sorted({row["dataset"] for row in summary["people"]}))
    n = "/".join(str(v) for v in part["n"].values())
    seeds = len(summary["seeds"])
    return (
        f"{summary['name']}, mode {summary['mode']}: {summary['protocol']} on {data}, "
        f"{part['clips']} clips of {part['people']} people, {len(summary['classes'])} classes "
        f"({', '.join(summary['classes'])}: {n}), {seeds} seed{'s' if seeds > 1 else ''}"
    )


def described(summary: dict[str, Any]) -> str:
    """Return the figures of a summary as text: title, table, cautions, the oracle apart."""
    lines = [title(summary), text_table(heads(), headline(summary))]
    lines += [f"Note: {caution}" for caution in (*summary["cautions"], *summary["warnings"])]
    if apart := oracle_rows(summary):
        warning = summary[ORACLE]["warning"]
        lines += ["", f"{ORACLE}. {warning}", text_table(heads(), apart)]
    return "\n".join(lines) + "\n"


def compared(report: Evaluation) -> str:
    """Return papers' tables of the same data and classes as text, and the figures below them.

    Papers' figures never share a table with ours, and each table names its mode.  Ours stand
    last: that is what stays in sight on a terminal.
    """
    lines = []
    tables = published_for(report.datasets, len(report.classes))
    if not tables:
        lines.append("No published table is of the same data and number of classes.\n")
    for table in tables:
        lines += [
            f"Published, not ours: {table.source}: {table.title}. {table.data}. "
            f"Mode {table.mode}.",
            f"Note: {table.caution}",
            text_table(table.columns, as_printed(table)),
            "",
        ]
    lines.append(described(figures_of(report)))
    return "\n".join(lines).rstrip() + "\n"


def text_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return lines whose columns stand below each other; the first to the left.

    >>> print(text_table(["", "n"], [["a", "10"], ["bc", "2"]]))
         n
    a   10
    bc   2
    """
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = []
    for row in (heads, *rows):
        cells = [f"{row[0]:<{widths[0]}}"]
        cells += [f"{c:>{w}}" for c, w in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def four(value: float) -> str:
    """Return a figure with four decimals, as papers print them."""
    return f"{value:.4f}"


def span(low: float, high: float) -> str:
    """Return two figures with three decimals."""
    return f"{low:.3f}–{high:.3f}"


def _named(parts: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "all", parts["all"]
    yield from parts["datasets"].items()


def _row(name: str, part: dict[str, Any]) -> tuple[str, ...]:
    cells = [name, str(part["clips"]), str(part["people"])]
    for metric in reported():
        figure = part[metric.name]
        cells.append(four(figure["mean"]))
        if metric.per_class:
            seeds = span(figure["min"], figure["max"]) if len(part["per_seed"]) > 1 else ""
            cells += [seeds, span(*figure["interval"]) if figure["interval"] else ""]
    return tuple(cells)


def _trivial(answer: dict[str, Any]) -> tuple[str, ...]:
    cells = [f"  {answer['name']}", "", ""]
    for metric in reported():
        value = answer[metric.name]
        cells.append("" if value is None else four(value))
        cells += [""] * (len(SPREAD) if metric.per_class else 0)
    return tuple(cells)
