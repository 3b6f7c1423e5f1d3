"""``mescope datasets``: what can be read, and whether a copy is what it should be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mescope.cli.console import SOME_FAILED, explain, progress_bar, show, show_json
from mescope.cli.options import Json

if TYPE_CHECKING:
    from mescope.annotations.problems import Problem
    from mescope.datasets import Dataset
    from mescope.datasets.flow28 import FlowMaps

_MOST = 40  # problems of a level that are spelled out

app = typer.Typer(
    help="List the data sets that can be read, or check a copy of one.",
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def datasets(context: typer.Context, as_json: Json = False) -> None:
    """List the data sets that can be read, and how to obtain each."""
    if context.invoked_subcommand is not None:
        return
    if as_json:
        listed = {n: {"title": t, "obtain": o} for n, t, o in _known()}
        show_json(listed)
        return
    table = _table("name", "data set", "how to obtain it")
    for name, title, obtain in _known():
        table.add_row(name, title, obtain)
    show(table)


def _known() -> list[tuple[str, str, str]]:
    """Return name, title and how to obtain it, of everything that can be read."""
    from mescope.datasets import DATASETS, flow28

    rows = [(name, source.title, source.obtain) for name, source in DATASETS.items()]
    return [*rows, (flow28.NAME, flow28.TITLE, flow28.OBTAIN)]


@app.command("check")
def check(
    name: Annotated[str, typer.Argument(help="A name from `mescope datasets`.")],
    root: Annotated[Path, typer.Option(metavar="<folder>", help="Where the data set lies.")],
    table: Annotated[
        Path | None,
        typer.Option(help="The annotation table, if it has another name than usual."),
    ] = None,
    pictures: Annotated[
        bool, typer.Option("--pictures", help="Also open every picture (takes long).")
    ] = False,
    as_json: Json = False,
) -> None:
    """Read a copy of a data set and say what is in it and what is wrong with it.

    Nothing is changed. Exit status 3 means that rows or clips had to be left out.
    """
    from mescope.datasets import flow28, read
    from mescope.datasets.pictures import check_pictures

    if name == flow28.NAME:
        maps = flow28.read_flow_maps(table or root)
        summary, problems = _of_maps(maps), maps.problems
    else:
        found = read(name, root, table=table)
        summary, problems = _summary(found), found.problems
        if pictures:
            with progress_bar(f"pictures of {name}") as progress:
                problems = (*problems, *check_pictures(found, progress))
    errors = [p for p in problems if p.level == "error"]
    warnings = [p for p in problems if p.level == "warning"]
    summary |= {"errors": len(errors), "warnings": len(warnings)}
    if as_json:
        told = [{"level": p.level, "where": p.where, "message": p.message} for p in problems]
        show_json({**summary, "problems": told})
    else:
        _show(summary)
        _show_problems("left out", errors)
        _show_problems("used, but odd", warnings)
    if errors:
        explain(f"{len(errors)} problems cost rows or clips; the others were used")
        raise typer.Exit(SOME_FAILED)


def _summary(found: Dataset) -> dict[str, Any]:
    clips, recordings = found.clips, found.recordings
    rates = [clip.rate for clip in clips] + [recording.rate for recording in recordings]
    pairs = [(clip.expression, clip.rate) for clip in clips]
    pairs += [(e, recording.rate) for recording in recordings for e in recording.expressions]
    lengths = sorted((e.interval.last - e.interval.first + 1) / rate for e, rate in pairs)
    summary = {
        "name": found.name,
        "clips": len(clips),
        "recordings": len(recordings),
        "subjects": len(found.subjects),
        "rates": {f"{rate:g}": n for rate, n in sorted(Counter(rates).items())},
        "kinds": dict(Counter(e.kind for e, _ in pairs)),
        "emotions": dict(Counter(e.emotion or "(none)" for e, _ in pairs).most_common()),
        "without an apex": sum(e.apex is None for e, _ in pairs),
        "frames missing": sum(len(clip.missing) for clip in clips),
    }
    if lengths:
        middle = lengths[len(lengths) // 2]
        summary["seconds"] = {"shortest": lengths[0], "middle": middle, "longest": lengths[-1]}
    return summary


def _of_maps(maps: FlowMaps) -> dict[str, Any]:
    return {
        "name": "flow28",
        "maps": len(maps.clips),
        "subjects": len(set(maps.persons)),
        "data sets": dict(Counter(dataset for dataset, _ in maps.persons)),
        "emotions": dict(Counter(maps.labels).most_common()),
    }


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
