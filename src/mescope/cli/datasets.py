"""``mescope datasets``: what can be read, and whether a copy is what it should be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mescope.cli.console import SOME_FAILED, explain, progress_bar, show, show_json
from mescope.cli.import_features import import_features
from mescope.cli.options import Choices, Json, choices_of

if TYPE_CHECKING:
    from mescope.annotations.problems import Problem

_MOST = 40  # problems of a level that are spelled out

app = typer.Typer(
    help="List the data sets that can be read, check a copy of one, or take in features.",
    rich_markup_mode=None,
)
app.command("import-features")(import_features)


@app.callback(invoke_without_command=True)
def datasets(context: typer.Context, as_json: Json = False) -> None:
    """List the data sets that can be read, and how to obtain each."""
    if context.invoked_subcommand is not None:
        return
    from mescope.datasets import DATASETS

    if as_json:
        show_json({n: {"title": s.title, "obtain": s.obtain} for n, s in DATASETS.items()})
        return
    table = _table("name", "data set", "how to obtain it")
    for name, source in DATASETS.items():
        table.add_row(name, source.title, source.obtain)
    show(table)


@app.command("check")
def check(
    name: Annotated[str, typer.Argument(help="A name from `mescope datasets`.")],
    root: Annotated[Path, typer.Option(metavar="<folder>", help="Where the data set lies.")],
    table: Annotated[
        Path | None,
        typer.Option(help="The annotation table, if it has another name than usual."),
    ] = None,
    choices: Choices = None,
    pictures: Annotated[
        bool, typer.Option("--pictures", help="Also open every picture (takes long).")
    ] = False,
    as_json: Json = False,
) -> None:
    """Read a copy of a data set and say what is in it and what is wrong with it.

    Nothing is changed. The last line says what the copy is good for. Exit status 3 means that
    rows or clips had to be left out.
    """
    from mescope.datasets import Dataset, open_dataset
    from mescope.datasets.picture_check import check_pictures
    from mescope.datasets.usability import usability

    found = open_dataset(name, root, table=table, choices=choices_of(choices))
    summary, problems = found.summary(), found.problems
    if pictures and isinstance(found, Dataset):
        with progress_bar(f"pictures of {name}") as progress:
            problems = (*problems, *check_pictures(found, progress))
    errors = [p for p in problems if p.level == "error"]
    warnings = [p for p in problems if p.level == "warning"]
    usable = usability(found)
    summary |= {"errors": len(errors), "warnings": len(warnings)}
    if as_json:
        listed = [{"level": p.level, "where": p.where, "message": p.message} for p in problems]
        show_json({**summary, "problems": listed, "usable": usable})
    else:
        _show(summary)
        _show_problems("left out", errors)
        _show_problems("used, but odd", warnings)
        if errors:
            explain(f"{len(errors)} problems cost rows or clips; the others were used")
        show(usable)
    if errors:
        raise typer.Exit(SOME_FAILED)


def _show(summary: dict[str, Any]) -> None:
    table = _table("", "")
    table.show_header = False
    for key, value in summary.items():
        if isinstance(value, dict):
            value = ", ".join(f"{name} {_plain(count)}" for name, count in value.items())
        table.add_row(key, str(value) or "none")
    show(table)


def _plain(value: float) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _show_problems(title: str, problems: Sequence[Problem]) -> None:
    """Show the first problems of one level, and how many more there are."""
    if not problems:
        return
    table = _table(title, "")
    for problem in problems[:_MOST]:
        table.add_row(problem.where, problem.message)
    if len(problems) > _MOST:
        table.add_row("", f"and {len(problems) - _MOST} more; --json shows all")
    show("")
    show(table)


def _table(*columns: str) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name)
    return table
