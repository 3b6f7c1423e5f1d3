"""``mescope search``: ratios and magnification of AMMSM, chosen on held-out people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mescope.cli.console import explain, progress_bar, show_json
from mescope.cli.options import Device, Json, NamedRecipe, Set
from mescope.cli.told import told

if TYPE_CHECKING:
    from mescope.training.search import Found
    from mescope.training.search_run import SearchRun
    from mescope.training.tables import Recipe

POPULATION, SHARE = 100, 0.15


def search(
    recipe: NamedRecipe,
    dataset: Annotated[str, typer.Option(help="A name from `mescope datasets`.")],
    root: Annotated[Path, typer.Option(metavar="<folder>", help="Where the data set lies.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for the run; made if absent.")
    ],
    settings: Set = None,
    population: Annotated[
        int | None,
        typer.Option(
            min=4,
            help="Candidates of a generation.  Default: the recipe's own, or "
            f"{POPULATION} where it has none.",
        ),
    ] = None,
    generations: Annotated[
        int | None, typer.Option(min=0, help="After the first; over the recipe's own.")
    ] = None,
    share: Annotated[
        float | None,
        typer.Option(
            help="Of the people, to choose on.  Default: the recipe's hold_out, or "
            f"{SHARE} where it has none."
        ),
    ] = None,
    device: Device = "cpu",
    as_json: Json = False,
) -> None:
    """Search AMMSM's sparsity ratios and magnification, and tune under the best.

    Trains the recipe's adaptive epochs on all people but a few, lets those few choose among
    candidates by evolution, and trains the other epochs under the winner.  The folder gets the
    log of every candidate (search.jsonl), a plot (search.png), the recipe with the winner, for
    `mescope evaluate`, and the weights.  The same command goes on where it was stopped.
    """
    from mescope.cli.inputs import check_folder
    from mescope.cli.recordings import tell
    from mescope.datasets import open_dataset
    from mescope.io.devices import checked_device
    from mescope.reports.search_plot import save_search_plot
    from mescope.samples.prepare import prepare
    from mescope.training.checkpoint import CHECKPOINT
    from mescope.training.search_run import SearchRun

    device = checked_device(device)
    chosen = _recipe(recipe, settings or (), population, generations, share)
    check_folder(output)
    data = open_dataset(dataset, root)
    with progress_bar("reading clips") as progress:
        prepared = prepare(
            chosen.data, data, labels=chosen.labels, cache=output / "features",
            progress=progress,
        )  # fmt: skip
    tell(prepared.problems)
    run = SearchRun(chosen, prepared.examples, output, device=device)
    total = run.steps * run.epochs
    with told(output, CHECKPOINT):
        with progress_bar("adaptive epochs") as progress:
            run.train(lambda done, _loss: progress(done, total))
        with progress_bar("candidates") as progress:
            found = run.search(progress)
        save_search_plot(found, run.space, output / "search.png")
        with progress_bar("tuning") as progress:
            run.tune(lambda done, _loss: progress(done, total))
    if as_json:
        show_json(_summary(run, found, output / "search.png"))
    else:
        print(run.recipe_path)
    explain(
        f"{len(found.candidates)} candidates, loss {found.best[0]:.4f} to {found.loss:.4f} on "
        f"{len(run.chosen_on)} held-out people, who do not test it"
    )


def _summary(run: SearchRun, found: Found, plot: Path) -> dict[str, Any]:
    winner = run.winner.model.options
    return {
        "recipe": str(run.recipe_path),
        "weights": str(run.weights_path),
        "plot": str(plot),
        "candidates": len(found.candidates),
        "loss": found.loss,
        "best": list(found.best),
        "winner": {k: v for k, v in winner.items() if k in ("ratios", "alpha")},
        "chosen_on": ["/".join(person) for person in run.chosen_on],
    }


def _recipe(
    path: str, settings: Sequence[str], population: int | None, generations: int | None,
    share: float | None,
) -> Recipe:  # fmt: skip
    """Return the recipe with what a search needs over it."""
    from mescope.training.recipe import read_clip_recipe
    from mescope.training.search_run import settings_of

    plain = read_clip_recipe(path, settings)
    over = settings_of(plain, population or POPULATION, SHARE)
    over += [] if population is None else [f"task.search_population={population}"]
    over += [] if generations is None else [f"task.search_generations={generations}"]
    over += [] if share is None else [f"optim.hold_out={float(share)}"]
    return read_clip_recipe(path, [*settings, *over])
