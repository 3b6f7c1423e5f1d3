"""``mescope datasets``: what can be read, and whether a copy is what it should be."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mescope.cli.console import SOME_FAILED, explain, show, show_json
from mescope.cli.options import Json

if TYPE_CHECKING:
    from mescope.datasets import Dataset

app = typer.Typer(
    help="List the data sets that can be read, or check a copy of one.",
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def datasets(context: typer.Context, as_json: Json = False) -> None:
    """List the data sets that can be read, and how to obtain each."""
    if context.invoked_subcommand is not None:
        return
    from mescope.datasets import DATASETS

    if as_json:
        listed = {n: {"title": s.title, "obtain": s.obtain} for n, s in DATASETS.items()}
        show_json(listed)
        return
    table = _table("name", "data set", "how to obtain it")
    for name, source in DATASETS.items():
        table.add_row(name, source.title, source.obtain)
    show(table)


@app.command("check")
def check(
    name: Annotated[str, typer.Argument(help="A name from `mescope datasets`.")],
    root: Annotated[Path, typer.Option(metavar="<folder>", help="Where the data set lies.")],
    as_json: Json = False,
) -> None:
    """Read a copy of a data set and say what is in it and what is wrong with it.

    Nothing is changed. Exit status 3 means that rows or clips had to be left out.
    """
    from mescope.datasets import read

    found = read(name, root)
    summary = _summary(found)
    if as_json:
        problems = [{"level": p.level, "where": p.where, "message": p.message}
                    for p in found.problems]  # fmt: skip
        show_json({**summary, "problems": problems})
    else:
        _show(found, summary)
    if found.errors:
        explain(f"{len(found.errors)} problems cost rows or clips; the others were used")
        raise typer.Exit(SOME_FAILED)


def _summary(found: Dataset) -> dict[str, Any]:
    expressions = [clip.expression for clip in found.clips]
    expressions += [e for recording in found.recordings for e in recording.expressions]
    return {
        "name": found.name,
        "clips": len(found.clips),
        "recordings": len(found.recordings),
        "subjects": len(found.subjects),
        "kinds": dict(Counter(e.kind for e in expressions)),
        "emotions": dict(Counter(e.emotion or "(none)" for e in expressions).most_common()),
        "errors": len(found.errors),
        "warnings": len(found.warnings),
    }


def _show(found: Dataset, summary: dict[str, Any]) -> None:
    table = _table("", "")
    table.show_header = False
    for key, value in summary.items():
        if isinstance(value, dict):
            value = ", ".join(f"{name} {count}" for name, count in value.items())
        table.add_row(key, str(value) or "none")
    show(table)
    if found.problems:
        table = _table("level", "where", "problem")
        for problem in (*found.errors, *found.warnings):
            table.add_row(problem.level, problem.where, problem.message)
        show(table)


def _table(*columns: str) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name)
    return table
