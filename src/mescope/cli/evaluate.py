"""``mescope evaluate``: a recipe on a data set, by people it has not seen."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mescope.cli.console import explain, progress_bar, show_json, show_text
from mescope.cli.options import (
    Address,
    Cache,
    Choices,
    Engine,
    Json,
    Log,
    NamedRecipe,
    Set,
    choices_of,
)
from mescope.cli.recordings import Run, Source, about, jobs_on, on_recordings, tell
from mescope.cli.told import told
from mescope.errors import RecipeError

if TYPE_CHECKING:
    from mescope.evaluation.report import Report
    from mescope.evaluation.spotting_report import SpottingReport
    from mescope.training.tables import Recipe


def evaluate(
    context: typer.Context,
    recipe: NamedRecipe,
    dataset: Annotated[str | None, typer.Option(help="A name from `mescope datasets`.")] = None,
    choices: Choices = None,
    root: Annotated[
        Path | None, typer.Option(metavar="<folder>", help="Where the data set lies.")
    ] = None,
    features: Annotated[
        Path | None,
        typer.Option(
            metavar="<folder>",
            help="In place of --dataset and --root, for recordings: measured motion from "
            "`mescope datasets import-features`.",
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            metavar="<folder>",
            help="For recordings: test these weights, one file a fold, and train none.",
        ),
    ] = None,
    settings: Set = None,
    protocol: Annotated[
        str,
        typer.Option(
            help="loso, cross-dataset, 5-fold, or 70-30 (all split by person); fixed: that of "
            "a data set published with one (dfme); 70-30-clips splits clips, as published, and "
            "is reported apart."
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
        int | None,
        typer.Option(min=1, help="Processes.  Default: all cores, or one for each card."),
    ] = None,
    engine: Engine = "local",
    address: Address = None,
    cache: Cache = None,
    device: Annotated[
        str,
        typer.Option(
            help="cpu, cuda (every card), cards such as cuda:0,cuda:2, mps, or auto; folds are "
            "spread over the cards."
        ),
    ] = "cpu",
    oracle: Annotated[
        bool,
        typer.Option(
            "--oracle",
            help="Also show, apart, what choosing the best epoch on each test person is worth.",
        ),
    ] = False,
    keep_weights: Annotated[
        bool,
        typer.Option("--keep-weights", help="For recordings: keep the weights of every fold."),
    ] = False,
    log: Log = "none",
    folds: Annotated[
        str | None,
        typer.Option(
            metavar="<numbers>",
            help="Only these, counted from 1, such as 1-10 or 3,7: parts of one run for many "
            "machines with one folder.  The last part writes the report.",
        ),
    ] = None,
    collect: Annotated[
        bool,
        typer.Option("--collect", help="Train nothing: write the report of folds all done."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Train on some people, test others, and report every figure.

    A recipe on clips names the clips of people it has not seen; one on recordings finds
    expressions in theirs and names them.  Each fold and seed is a job of its own, kept in the
    folder when it is done: the same command goes on where it was stopped.  The folder gets
    report.html, report.json, report.tex and predictions.csv, or for recordings found.csv and
    truth.csv; recipe.toml and repeat.json say how to do it again.
    """
    from mescope.io.parallel import checked_engine
    from mescope.training.evaluate import checked_protocol
    from mescope.training.logs import checked_log
    from mescope.training.recipe import read_recipe
    from mescope.training.repeat import RunNotes
    from mescope.training.results import UnfinishedError, fold_numbers
    from mescope.training.shipped_recipes import run_name
    from mescope.training.tasks import task_of

    over = [*(settings or ()), *([] if seeds is None else [f"seeds={seeds}"])]
    chosen = read_recipe(recipe, over)
    how, by = checked_protocol(protocol), checked_engine(engine, address)
    folder = output or Path("runs") / run_name(recipe)
    only = fold_numbers(folds) if folds is not None else frozenset() if collect else None
    run = Run(
        folder, how, jobs_on(device, jobs, os.cpu_count() or 1, here=by == "local"), by,
        address, device, checked_log(log), only, readers=jobs or os.cpu_count() or 1,
    )  # fmt: skip
    options = {
        "dataset": dataset, "root": root, "features": features, "weights": weights,
        "protocol": protocol, "oracle": oracle, "keep-weights": keep_weights, "choice": choices,
    }  # fmt: skip
    notes = RunNotes(folder, chosen, "evaluate", context.obj or (), options)
    clips = task_of(chosen).names_clips
    _check_fitting(chosen, clips, oracle, bool(features or weights or keep_weights))
    report: Report | SpottingReport
    where = cache or folder / "features"
    source = Source(dataset, root, features, where, notes, choices_of(choices))
    try:
        with told(folder, "run.json"):
            if clips:
                report = _on_clips(chosen, source, run, oracle)
            else:
                report = on_recordings(chosen, source, run, weights=weights, keep=keep_weights)
            notes.done()
    except UnfinishedError as part:
        if folds is None:
            raise
        return explain(str(part))
    show_report(report, folder, as_json)


def show_report(report: Report | SpottingReport, folder: Path, as_json: bool) -> None:
    """Print the figures of a run, or all about it."""
    if as_json:
        show_json(report.summary())
    else:
        show_text(report.compare())
        explain(f"the page is {folder / 'report.html'}")


def _check_fitting(recipe: Recipe, clips: bool, oracle: bool, recordings: bool) -> None:
    """Refuse options that are for the other kind of recipe."""
    if not clips and oracle:
        raise RecipeError("expected no --oracle for a recipe on recordings; leave it out")
    if clips and recordings:
        raise RecipeError(
            f"recipe {recipe.name} names clips: expected --dataset and --root, found "
            "--features, --weights or --keep-weights, which are for recordings"
        )


def _on_clips(recipe: Recipe, source: Source, run: Run, oracle: bool) -> Report:
    from mescope.datasets import open_dataset
    from mescope.samples.prepare import prepare
    from mescope.training.evaluate import evaluate as evaluate_clips

    if source.dataset is None or source.root is None:
        raise RecipeError(f"recipe {recipe.name} is tested on clips: give --dataset and --root")
    data = open_dataset(source.dataset, source.root, choices=source.choices)
    with progress_bar("reading clips") as progress:
        prepared = prepare(
            recipe.data, data, labels=recipe.labels, cache=source.cache,
            jobs=run.readers, progress=progress,
        )  # fmt: skip
    if source.notes:
        source.notes.begin(about(source.dataset, source.root, data))
    tell(prepared.problems)
    with progress_bar(recipe.name) as progress:
        report = evaluate_clips(
            recipe, prepared.examples, run.protocol, out=run.folder, jobs=run.jobs,
            engine=run.engine, address=run.address, oracle=oracle, device=run.device,
            log=run.log, only=run.only, progress=progress,
        )  # fmt: skip
    save_run(report, run.folder)
    return report


def save_run(report: Report, folder: Path) -> None:
    """Write the report of this very run; one of an earlier end of the run is replaced."""
    from mescope.reports import save_report

    for name in ("report.json", "predictions.csv", "report.tex", "report.html"):
        save_report(report, folder / name, force=True)
    if report.chosen:
        from mescope.reports.search_plot import save_winners_plot

        if save_winners_plot(report.chosen, folder / "search.png"):
            explain(f"what the searches within the folds found: {folder / 'search.png'}")
