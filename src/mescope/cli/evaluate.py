"""``mescope evaluate``: a recipe on a data set, by people it has not seen."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mescope.cli.console import explain, progress_bar, show_json, show_text
from mescope.cli.options import Json, Set

if TYPE_CHECKING:
    from mescope.evaluation.report import Report
    from mescope.samples.base import Prepared


def evaluate(
    recipe: Annotated[
        Path, typer.Argument(help="A recipe on clips, such as recipes/3db-*.toml.")
    ],
    dataset: Annotated[str, typer.Option(help="A name from `mescope datasets`.")],
    root: Annotated[Path, typer.Option(metavar="<folder>", help="Where the data set lies.")],
    settings: Set = None,
    protocol: Annotated[
        str,
        typer.Option(
            help="loso, cross-dataset, 5-fold, or 70-30 (all split by person); 70-30-clips "
            "splits clips, as published, and is reported apart."
        ),
    ] = "loso",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for the run.  Default: runs/RECIPE."),
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, help="Runs; over the recipe's own.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes.  Default: all cores.")
    ] = None,
    engine: Annotated[str, typer.Option(help="local, or ray.")] = "local",
    address: Annotated[
        str | None, typer.Option(help="Of a running Ray cluster, as host:port.")
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            metavar="<folder>",
            help="What is computed from pictures, for several runs.  Default: in the run's "
            "folder.",
        ),
    ] = None,
    device: Annotated[
        str, typer.Option(help="cpu, cuda, or mps; on a GPU, with --jobs 1.")
    ] = "cpu",
    oracle: Annotated[
        bool,
        typer.Option(
            "--oracle",
            help="Also show, apart, what choosing the best epoch on each test person is worth.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Train on some people, name the clips of others, and report every figure.

    Each fold and seed is a job of its own, kept in the folder when it is done: the same command
    goes on where it was stopped.  The folder gets report.html, report.json and predictions.csv.
    """
    from mescope.datasets import open_dataset
    from mescope.io.parallel import checked_engine
    from mescope.samples.prepare import prepare
    from mescope.training.evaluate import checked_protocol
    from mescope.training.evaluate import evaluate as run
    from mescope.training.recipe import read_clip_recipe

    over = [*(settings or ()), *([] if seeds is None else [f"seeds={seeds}"])]
    chosen = read_clip_recipe(recipe, over)
    how, by = checked_protocol(protocol), checked_engine(engine)
    folder = output or Path("runs") / recipe.stem
    processes = jobs or os.cpu_count() or 1
    data = open_dataset(dataset, root)
    with progress_bar("reading clips") as progress:
        prepared = prepare(
            chosen.data, data, labels=chosen.labels, cache=cache or folder / "features",
            jobs=processes, progress=progress,
        )  # fmt: skip
    _tell(prepared)
    with progress_bar(chosen.name) as progress:
        report = run(
            chosen, prepared.examples, how, out=folder, jobs=processes, engine=by,
            address=address, oracle=oracle, device=device, progress=progress,
        )  # fmt: skip
    _save(report, folder)
    if as_json:
        show_json(report.summary())
    else:
        show_text(report.compare())
        explain(f"the page is {folder / 'report.html'}")


def _tell(prepared: Prepared) -> None:
    """Say on stderr what was left out, and count what is odd."""
    errors = [p for p in prepared.problems if p.level == "error"]
    for problem in errors:
        explain(str(problem))
    others = len(prepared.problems) - len(errors)
    if others:
        explain(f"{others} warnings about the data; `mescope datasets check` shows them")


def _save(report: Report, folder: Path) -> None:
    """Write the report of this very run; one of an earlier end of the run is replaced."""
    from mescope.reports import save_report

    for name in ("report.json", "predictions.csv", "report.html"):
        save_report(report, folder / name, force=True)
