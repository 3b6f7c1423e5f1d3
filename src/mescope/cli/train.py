"""``mescope train``: weights from a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mescope.cli.console import explain, progress_bar, show_json
from mescope.cli.options import Json
from mescope.errors import OutputError


def train(
    recipe: Annotated[Path, typer.Argument(help="A recipe, such as recipes/*.toml.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for the run.  Default: runs/RECIPE."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run that the folder holds.")
    ] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda, or mps.")] = "cpu",
    log: Annotated[
        str, typer.Option(help="Also log losses: none, csv, or tensorboard.")
    ] = "none",
    as_json: Json = False,
) -> None:
    """Train a model by a recipe.

    The folder gets a checkpoint after every epoch and, in the end, NAME.safetensors: weights
    with their card, for `mescope analyze --model`.  A run that was stopped goes on by --resume.
    """
    from mescope.cli.inputs import check_folder
    from mescope.training.logs import checked_log
    from mescope.training.publish import publish
    from mescope.training.recipe import read_window_recipe
    from mescope.training.train import train as fit

    chosen = read_window_recipe(recipe)
    folder = output or Path("runs") / recipe.stem
    if (folder / "checkpoint.safetensors").exists() and not resume:
        raise OutputError(
            f"{folder} holds a run already and is kept; --resume goes on with it, -o chooses "
            "another folder"
        )
    check_folder(folder)
    with progress_bar(chosen.name) as progress:
        model, state = fit(
            chosen,
            folder,
            resume=resume,
            device=device,
            log=checked_log(log),
            report=lambda done, total, _loss: progress(done, total),
        )
    explain(f"{state.epoch} epochs done; choosing the threshold on simulated recordings")
    weights = folder / f"{chosen.name}.safetensors"
    card = publish(model.to("cpu"), chosen, weights)
    if as_json:
        entry = {"weights": str(weights), "epochs": state.epoch, "history": state.history}
        show_json({**entry, "scores": card.scores})
    else:
        print(weights)
    for name, value in card.scores.items():
        explain(f"{name.replace('_', ' ')}: {value:.3f}")
