"""``mescope compare``: reports beside each other, and beside what papers print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mescope.cli.console import show, show_json
from mescope.cli.options import Json

if TYPE_CHECKING:
    from mescope.evaluation.published import PublishedTable


def compare(
    reports: Annotated[
        list[Path] | None,
        typer.Argument(metavar="reports", help="What `mescope score --json` printed."),
    ] = None,
    published: Annotated[
        str | None,
        typer.Option(help="Show a paper's tables below: me-tst, merba, ammsm or rsmix."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Set scores beside each other, one table for each mode.

    Figures of papers stand in tables of their own, with their source and what to mind: they
    were counted in other ways, and are not ours.
    """
    from dataclasses import asdict

    from mescope.evaluation.published import published_by
    from mescope.evaluation.reports import by_mode

    if not reports and published is None:
        raise typer.BadParameter("expected reports or --published, found neither")
    groups = by_mode(reports or [])
    tables = published_by(published) if published else ()
    if as_json:
        show_json({"reports": groups, "published": [asdict(table) for table in tables]})
        return
    for mode, group in groups.items():
        show(f"mode {mode}")
        show(_ours(group))
    for table in tables:
        show("")
        show(f"{table.source}: {table.title}. {table.data}. Mode {table.mode}.")
        show(f"Mind: {table.caution}")
        show(_theirs(table))


def _ours(group: dict[str, dict[str, Any]]) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    heads = ("videos", "people", "TP", "FP", "FN", "F1", "95 %", "UF1", "UAR", "STRS")
    table.add_column("report", no_wrap=True)
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    for name, report in group.items():
        micro = report["spotting"]["micro"]
        low_high = micro.get("f1_interval")
        answers = report.get("recognition", {}).get("all", {})
        table.add_row(
            name,
            *(str(report[key]) for key in ("videos", "subjects")),
            *(str(micro[key]) for key in ("tp", "fp", "fn")),
            f"{micro['f1']:.4f}",
            f"{low_high[0]:.3f}–{low_high[1]:.3f}" if low_high else "",
            *(
                f"{answers[key]:.4f}" if key in answers else ""
                for key in ("uf1", "uar", "strs")
            ),
        )
    return table


def _theirs(published: PublishedTable) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    columns = [_as_printed(cells) for cells in zip(*published.rows, strict=True)]
    for name in published.columns:
        table.add_column(name)
    for row in zip(*columns, strict=True):
        table.add_row(*row)
    return table


def _as_printed(cells: tuple[str | float | int, ...]) -> list[str]:
    """Write a column's numbers with equally many decimals."""
    parts = [repr(cell).partition(".")[2] for cell in cells if isinstance(cell, float)]
    places = max(map(len, parts), default=0)
    return [f"{cell:.{places}f}" if isinstance(cell, float) else str(cell) for cell in cells]
