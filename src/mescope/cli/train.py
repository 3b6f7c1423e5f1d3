"""``mescope train``: weights from a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mescope.cli.console import explain, progress_bar, show_json
from mescope.cli.options import Json, Log, NamedRecipe, Set
from mescope.cli.recordings import Source, about, train_recordings
from mescope.errors import OutputError, RecipeError

if TYPE_CHECKING:
    from mescope.models.weights import Card
    from mescope.samples.examples import Examples
    from mescope.training.logs import Log as LogKind
    from mescope.training.repeat import RunNotes
    from mescope.training.tables import Recipe

    History = list[dict[str, float]]


def train(
    context: typer.Context,
    recipe: NamedRecipe,
    settings: Set = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            help="A name from `mescope datasets`: whose clips or recordings to train on, or, "
            "for a recipe on simulated maps, to score the weights on."
        ),
    ] = None,
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
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for the run.  Default: runs/RECIPE."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run that the folder holds.")
    ] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda, or mps.")] = "cpu",
    jobs: Annotated[int, typer.Option(help="Processes that render or measure recordings.")] = 1,
    log: Log = "none",
    as_json: Json = False,
) -> None:
    """Train a model by a recipe.

    The folder gets a checkpoint after every epoch and, in the end, NAME.safetensors: weights
    with their card, for `mescope analyze --model` or `mescope recognize --model`.  A run that
    was stopped goes on by --resume.  recipe.toml and repeat.json say how to do it again.
    """
    from mescope.cli.inputs import check_folder
    from mescope.training.logs import checked_log
    from mescope.training.recipe import read_recipe
    from mescope.training.repeat import RunNotes
    from mescope.training.shipped_recipes import run_name
    from mescope.training.tasks import task_of

    chosen = read_recipe(recipe, settings or ())
    folder = output or Path("runs") / run_name(recipe)
    _refuse_another_run(folder, resume)
    check_folder(folder)
    how = checked_log(log)
    weights = folder / f"{chosen.name}.safetensors"
    options = {"dataset": dataset, "root": root, "features": features}
    notes = RunNotes(folder, chosen, "train", context.obj or (), options)
    if task_of(chosen).names_clips:
        real = _examples(chosen, folder, dataset, root, notes)
        card, history = _recogniser(chosen, real, folder, weights, device, how)
    elif chosen.data.kind == "recordings":
        source = Source(dataset, root, features, folder / "features", notes)
        card, history = train_recordings(chosen, source, folder, weights, jobs, device, how)
    else:
        if dataset or root or features:
            raise RecipeError(
                f"recipe {chosen.name} learns from {chosen.data.kind} data: expected no "
                '--dataset, --root or --features; a recipe with [data] kind = "recordings" '
                "learns from those of people"
            )
        notes.begin()
        card, history = _spotting(chosen, folder, jobs, device, how)
    notes.done()
    if as_json:
        entry = {"weights": str(weights), "epochs": len(history), "history": history}
        show_json({**entry, "scores": card.scores})
    else:
        print(weights)
    for name, value in card.scores.items():
        explain(f"{name.replace('_', ' ')}: {value:.4g}")


def _refuse_another_run(folder: Path, resume: bool) -> None:
    if (folder / "checkpoint.safetensors").exists() and not resume:
        raise OutputError(
            f"{folder} holds a run already and is kept; --resume goes on with it, -o chooses "
            "another folder"
        )


def _spotting(
    recipe: Recipe, folder: Path, jobs: int, device: str, log: LogKind
) -> tuple[Card, History]:
    from mescope.training.tasks.me_tst import spotting_task
    from mescope.training.train_rendered import train_rendered

    task = spotting_task(recipe)
    measured = []
    if task.collects(recipe):
        with progress_bar(task.collects(recipe)) as progress:
            measured = task.collect(recipe, folder, jobs=jobs, progress=progress)
    with progress_bar(recipe.name) as progress:
        return train_rendered(
            recipe,
            measured,
            folder,
            device=device,
            log=log,
            report=lambda done, total, _loss: progress(done, total),
            trained=lambda epochs: explain(
                f"{epochs} epochs done; choosing the threshold on simulated recordings"
            ),
        )


def _recogniser(
    recipe: Recipe,
    real: Examples | None,
    folder: Path,
    weights: Path,
    device: str,
    log: LogKind,
) -> tuple[Card, History]:
    from mescope.training.train_clips import publish_recognizer, train_on_all

    examples, unseen = recipe.data.drawn(recipe.seed), None
    if examples is not None:
        explain(f"drew {len(examples)} simulated flow maps")
        unseen = real
    elif real is not None:
        examples = real
    else:
        raise RecipeError(
            f"recipe {recipe.name} is trained on clips of people: give --dataset and --root"
        )
    steps = -(-len(examples) // getattr(recipe.optim, "batch_size", 1))
    steps *= getattr(recipe.optim, "epochs", 1)
    with progress_bar(recipe.name) as progress:
        recognizer, checkpointer = train_on_all(
            recipe, examples, folder, device=device, log=log,
            report=lambda done, _loss: progress(done, steps),
        )  # fmt: skip
    card = publish_recognizer(recognizer, recipe, examples, weights, unseen=unseen)
    return card, checkpointer.progress.history


def _examples(
    recipe: Recipe, folder: Path, dataset: str | None, root: Path | None, notes: RunNotes
) -> Examples | None:
    """Return real clips: as the recipe wants them, or maps like the simulated ones."""
    from mescope.datasets import open_dataset
    from mescope.samples.prepare import prepare

    if dataset is None and root is None:
        notes.begin()
        return None
    if dataset is None or root is None:
        raise RecipeError("expected --dataset and --root together, found one of them")
    data = open_dataset(dataset, root)
    notes.begin(about(dataset, root, data))
    with progress_bar("reading clips") as progress:
        return prepare(
            recipe.data.real(), data, labels=recipe.labels, cache=folder / "features",
            progress=progress,
        ).examples  # fmt: skip
