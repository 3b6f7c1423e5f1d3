"""``mescope train``: weights from a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mescope.cli.console import explain, progress_bar, show_json
from mescope.cli.options import Cache, Choices, Json, Log, NamedRecipe, Set, choices_of
from mescope.cli.recordings import (
    Source,
    about,
    check_needs_none,
    data_given,
    tell,
    train_recordings,
)
from mescope.errors import RecipeError

if TYPE_CHECKING:
    from mescope.models.weights import Card
    from mescope.samples.examples import Examples
    from mescope.training.logs import Log as LogKind
    from mescope.training.tables import Recipe

    History = list[dict[str, float]]


_BESIDE = ("history.json", "recipe.toml", "repeat.json")
"""What a finished run leaves beside its weights and its checkpoint."""


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
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for the run.  Default: runs/RECIPE."),
    ] = None,
    cache: Cache = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="No longer needed: the same command goes on.")
    ] = False,
    device: Annotated[
        str,
        typer.Option(
            help="cpu, cuda, a card such as cuda:1, mps, or auto; several cards, such as "
            "cuda:0,cuda:1, share each batch."
        ),
    ] = "cpu",
    jobs: Annotated[int, typer.Option(help="Processes that render or measure recordings.")] = 1,
    log: Log = "none",
    dry: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Train nothing: measure what it would take, memory and time."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Train a model by a recipe.

    The folder gets a checkpoint after every epoch and, in the end, NAME.safetensors: weights
    with their card, for `mescope analyze --model` or `mescope recognize --model`.  The same
    command goes on where it was stopped, and leaves finished weights alone.  recipe.toml and
    repeat.json say how to do it again.
    """
    from mescope.cli.inputs import check_folder
    from mescope.io.devices import checked_devices
    from mescope.training.logs import checked_log
    from mescope.training.recipe import read_recipe
    from mescope.training.repeat import RunNotes
    from mescope.training.shipped_recipes import run_name
    from mescope.training.tasks import task_of

    first, chosen = checked_devices(device)[0], read_recipe(recipe, settings or ())
    folder = output or Path("runs") / run_name(recipe)
    kept, wanted = cache or folder / "features", choices_of(choices)
    given = Source(dataset, root, features, kept, None, wanted)
    if dry:
        from mescope.cli.dry_run import dry_run

        return dry_run(chosen, given, first, as_json=as_json)
    check_folder(folder)
    how, weights = checked_log(log), folder / f"{chosen.name}.safetensors"
    if resume:
        explain("--resume is no longer needed and will go: the same command goes on by itself")
    done = _finished(chosen, folder, weights, unscored=dataset is not None)
    if done is not None:
        return _kept(done, weights, given, as_json)
    options = {"dataset": dataset, "root": root, "features": features, "choice": choices}
    notes = RunNotes(folder, chosen, "train", context.obj or (), options)
    source = Source(dataset, root, features, kept, notes, wanted)
    if task_of(chosen).names_clips:
        real = _examples(chosen, source)
        card, history = _recogniser(chosen, real, folder, weights, device, how)
    elif chosen.data.annotated:
        card, history = train_recordings(chosen, source, folder, weights, jobs, device, how)
    else:
        check_needs_none(chosen, source)
        notes.begin()
        card, history = _spotting(chosen, folder, jobs, device, how)
    notes.done()
    _tell(card, history, weights, as_json)


def _finished(recipe: Recipe, folder: Path, weights: Path, *, unscored: bool) -> Card | None:
    """Return the card of weights that are there and lack nothing, and say how far a run is.

    Weights whose checkpoint is gone are finished, too: nobody wants to train them again.
    Whether they saw the data that is given now, :func:`_kept` compares.  With
    ``unscored``, weights from simulated faces are to be scored on a data set, too.
    """
    from mescope.training.finished import check_folder_of, finished_weights

    begun, card = check_folder_of(recipe, folder), finished_weights(weights, recipe)
    if card is None:
        if begun:
            explain(f"{folder} holds a part of this run: goes on from there")
        return None
    scored = any(name.startswith("real_") for name in card.scores)
    gone = [name for name in _BESIDE if not (folder / name).exists()]
    if (unscored and card.simulated and not scored) or (begun and gone):
        return None  # what is there is kept: it would be written with the same bytes
    return card


def _kept(card: Card, weights: Path, source: Source, as_json: bool) -> None:
    """Tell of finished weights, which are kept; refuse those of other data than given now."""
    from mescope.training.repeat import check_same_data

    check_same_data(weights.parent, data_given(source))
    explain(f"{weights} was finished before and is kept: trained on {card.trained_on}")
    _tell(card, _history(weights.parent), weights, as_json)


def _history(folder: Path) -> History:
    from mescope.training.checkpoint import read_history

    return read_history(folder) if (folder / "history.json").exists() else []


def _tell(card: Card, history: History, weights: Path, as_json: bool) -> None:
    """Print where the weights are, or all about them, and how they score."""
    if as_json:
        entry = {"weights": str(weights), "epochs": len(history), "history": history}
        show_json({**entry, "scores": card.scores})
    else:
        print(weights)
    for name, value in card.scores.items():
        explain(f"{name.replace('_', ' ')}: {value:.4g}")


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
            jobs=jobs,
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


def _examples(recipe: Recipe, source: Source) -> Examples | None:
    """Return real clips: as the recipe wants them, or maps like the simulated ones."""
    from mescope.datasets import open_dataset
    from mescope.samples.prepare import prepare
    from mescope.training.train_clips import check_network

    check_network(recipe)  # before pictures are read
    dataset, root = source.dataset, source.root
    if dataset is None and root is None:
        if source.notes:
            source.notes.begin()
        return None
    if dataset is None or root is None:
        raise RecipeError("expected --dataset and --root together, found one of them")
    data = open_dataset(dataset, root, choices=source.choices)
    if source.notes:
        source.notes.begin(about(dataset, root, data))
    with progress_bar("reading clips") as progress:
        prepared = prepare(
            recipe.data.real(), data, labels=recipe.labels, cache=source.cache,
            progress=progress,
        )  # fmt: skip
    tell(prepared.problems)
    return prepared.examples
