"""Figures of a report on recordings as rows of text: chance below ours, papers' apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from mescope.evaluation.published import PublishedTable, as_printed, published
from mescope.evaluation.report_tables import four, span, text_table

SYSTEM = "me-tst"
"""Whose published tables stand beside reports on recordings."""

HEADS = (
    "", "TP", "FP", "FN", "precision", "recall", "F1", "of seeds", "95 %", "AP",
    "false a minute", "n", "UF1", "UAR", "recog. F1", "STRS", "95 %",
)  # fmt: skip
"""Columns: spotting of micro-expressions, then recognition on the hits (three classes)."""


CHANCE = "  as many, at random places"
"""Begins a row of what chance gives to the method above it."""

SPOTTING = HEADS.index("n")
"""Columns before it are about spotting."""

SYNERGY_ROWS = {
    "total": "total", "tp": "TP", "fp": "FP", "fn": "FN", "precision": "precision",
    "recall": "recall", "f1": "F1",
}  # fmt: skip
"""Rows of :func:`synergy_table`: of all expressions, and of the hits that have a class."""


def headline(summary: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return rows of :data:`HEADS`: every method, and chance below it."""
    rows = []
    for method in summary["methods"].values():
        rows.append(_row(method))
        rows.append(_chance(method["chance"]))
    return rows


def parted(
    rows: Sequence[tuple[str, ...]],
) -> tuple[list[tuple[bool, tuple[str, ...]]], list[tuple[str, ...]]]:
    """Return rows of :data:`HEADS` as two tables, of spotting and of recognition.

    In the first each row comes with whether it is ours and not what chance gives; in the second
    are those that name emotions.
    """
    spotting = [(row[0] != CHANCE, row[:SPOTTING]) for row in rows]
    return spotting, [(row[0], *row[SPOTTING:]) for row in rows if row[SPOTTING]]


def named_headline(summaries: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return the rows of several reports of one mode, each method after its report's name."""
    return [
        (row[0] if row[0] == CHANCE else f"{name}: {row[0]}", *row[1:])
        for name, summary in summaries.items()
        for row in headline(dict(summary))
    ]


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
        *(_named(mean, interval) if method["names_emotions"] else [""] * 6),
    )


def _named(mean: Callable[[str], float], interval: Callable[[str], str]) -> tuple[str, ...]:
    figures = (four(mean(name)) for name in ("uf1", "uar", "harmonic_f1", "strs"))
    return (_count(mean("pairs")), *figures, interval("strs"))


def _chance(luck: dict[str, float]) -> tuple[str, ...]:
    counts = (f"{luck[name]:.2f}" for name in ("tp", "fp", "fn"))
    ratios = (four(luck[name]) for name in ("precision", "recall", "f1"))
    return (CHANCE, *counts, *ratios, *[""] * 10)


def _count(value: float) -> str:
    """Return a mean of whole numbers: whole where it is."""
    return f"{value:.0f}" if value == round(value) else f"{value:.1f}"


def synergy_table(summary: dict[str, Any]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return heads and rows as in Table IV of the ME-TST+ paper; rows need both strategies."""
    found = summary["synergy"]
    sides = [(side, task) for side in found for task in ("spotting", "recognition")]
    heads = ("", *(f"{task} {side}" for side, task in sides))
    if not found:
        return heads, []
    rows = [
        (SYNERGY_ROWS[name], *(_cell(name, found[side][task][name]) for side, task in sides))
        for name in SYNERGY_ROWS
    ]
    strs = (cell for side in found for cell in (four(found[side]["strs"]), ""))
    return heads, [*rows, ("STRS", *strs)]


def _cell(name: str, value: float) -> str:
    return four(value) if name in ("precision", "recall", "f1") else _count(value)


KIND_HEADS = (
    "", "kind", "TP", "FP", "FN", "precision", "recall", "F1", "false a minute",
)  # fmt: skip


_OF_A_KIND = ("tp", "fp", "fn", "precision", "recall", "f1", "false_alarms_per_minute")


def kinds_table(summary: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return rows of :data:`KIND_HEADS` where macro-expressions are targets, else none.

    Means over the seeds; below each kind stands what chance gives.
    """
    if not summary["recipe"].get("data", {}).get("macro"):
        return []
    rows = []
    for method in summary["methods"].values():
        for kind in ("micro", "macro", "overall"):
            seeds = [seed["kinds"][kind] for seed in method["per_seed"]]
            mean = {n: sum(seed[n] for seed in seeds) / len(seeds) for n in _OF_A_KIND}
            rows.append((method["title"], kind, *_kind(mean, _count)))
            luck = method["chance"]["kinds"][kind]
            rows.append((CHANCE, kind, *_kind(luck, "{:.2f}".format)))
    return rows


def _kind(figures: dict[str, float], whole: Callable[[float], str]) -> tuple[str, ...]:
    counts = (whole(figures[name]) for name in _OF_A_KIND[:3])
    ratios = (four(figures[name]) for name in _OF_A_KIND[3:6])
    return (*counts, *ratios, f"{figures['false_alarms_per_minute']:.2f}")


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
    heads, rows = synergy_table(summary)
    if rows:
        lines += ["", "Result-level synergy, from the same traces:", text_table(heads, rows)]
    if kinds := kinds_table(summary):
        lines += ["", "Micro- and macro-expressions:", text_table(KIND_HEADS, kinds)]
    lines += [f"Note: {caution}" for caution in (*summary["cautions"], *summary["warnings"])]
    return "\n".join(lines) + "\n"


def published_on(names: Iterable[str]) -> tuple[PublishedTable, ...]:
    """Return papers' tables of spotting and recognition on one of these data sets."""
    datasets = set(names)
    if "samm" in datasets:  # whose people the long videos show
        datasets.add("samm-lv")
    return tuple(
        table
        for table in published()
        if table.system == SYSTEM and datasets & set(table.datasets)
    )


def compared(summary: dict[str, Any]) -> str:
    """Return papers' tables of the same data as text, and the figures below them.

    Papers' figures never share a table with ours, and each table names its mode.  Ours stand
    last: that is what stays in sight on a terminal.
    """
    lines = []
    tables = published_on(summary["datasets"])
    if not tables:
        lines.append("No published table is of the same data.\n")
    for table in tables:
        lines += [
            f"Published, not ours: {table.source}: {table.title}. {table.data}. "
            f"Mode {table.mode}.",
            f"Note: {table.caution}",
            text_table(table.columns, as_printed(table)),
            "",
        ]
    lines.append(described(summary))
    return "\n".join(lines).rstrip() + "\n"
