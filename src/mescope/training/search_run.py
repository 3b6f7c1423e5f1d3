"""One search from its recipe to tuned weights, in a folder from which it goes on.

Adaptive epochs on all but the held-out people, the search on those, the rest of the epochs
under the winner (in the paper 70 + 30 epochs, under one schedule).  What the winner is
worth is not known from here: held-out people chose it.  For a figure, put the search within
every fold: ``search_population`` and ``hold_out`` in a recipe for ``mescope evaluate``.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import cast

import torch

from mescope.errors import OutputError, RecipeError
from mescope.evaluation.folds import Person
from mescope.io.atomic import write_atomically
from mescope.io.progress import Progress
from mescope.models import create_model
from mescope.models.ammsm import Ammsm
from mescope.models.weights import Card
from mescope.samples.examples import Examples
from mescope.training.checkpoint import CHECKPOINT, Checkpointer, check_checkpoint
from mescope.training.fit import Report
from mescope.training.recipe import recipe_text, with_settings
from mescope.training.recognizer import TrainedRecognizer
from mescope.training.recognizers import train_recognizer
from mescope.training.search import (
    LOG,
    Found,
    Genome,
    HeldOutLoss,
    SearchLog,
    Space,
    evolve,
    held_out,
)
from mescope.training.tables import Optim, Recipe, fitting
from mescope.training.tasks.ammsm import table_of
from mescope.training.train_clips import publish_recognizer


class SearchRun:
    """The three parts of a search, to be called in order; each goes on where it was stopped.

    The folder gets ``checkpoint.safetensors`` and ``history.json``, ``search.jsonl`` with every
    candidate, NAME.toml (:attr:`recipe_path`) and NAME.safetensors (:attr:`weights_path`).

    Args:
        recipe: of AMMSM, with ``search_population`` and ``hold_out``.
        examples: of training people only.
        out: folder; made if absent.
        device: a torch device.

    Raises:
        RecipeError: the recipe searches nothing, its model is not AMMSM or has nothing to
            search for, or there are too few people.
        OutputError: the folder cannot be made.
    """

    def __init__(
        self, recipe: Recipe, examples: Examples, out: str | Path, *, device: str = "cpu"
    ) -> None:
        if not table_of(recipe).search_population:
            raise RecipeError(
                "expected a recipe of AMMSM with search_population above 0, found 0"
            )
        self.recipe, self._examples, self._device = recipe, examples, device
        self._table, self._optim = table_of(recipe), fitting(recipe.optim, Optim, "[optim]")
        self.space, self._depths = _space(recipe)
        self._fold = held_out(examples.persons, self._optim.hold_out, recipe.seed)
        self._folder = Path(out)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot make the folder {self._folder}: {error}") from error
        self._plain = with_settings(
            recipe, f'name = "{recipe.name}-searched"', "optim.hold_out=0.0",
            "optim.patience=0",
            "task.search_population=0",
        )  # fmt: skip
        self._data = examples.digest()
        self._learned: TrainedRecognizer | None = None
        self.found: Found | None = None

    @property
    def chosen_on(self) -> tuple[Person, ...]:
        """The people held out."""
        return tuple(sorted({self._examples.persons[i] for i in self._fold.test}))

    @property
    def recipe_path(self) -> Path:
        """The recipe with the winner's ratios and factor."""
        return self._folder / f"{self._plain.name}.toml"

    @property
    def weights_path(self) -> Path:
        """The weights tuned under the winner."""
        return self._folder / f"{self._plain.name}.safetensors"

    @property
    def epochs(self) -> int:
        """Epochs in all."""
        return self._optim.epochs

    @property
    def steps(self) -> int:
        """Batches of an epoch."""
        return -(-len(self._fold.train) // self._optim.batch_size)

    def train(self, report: Report | None = None) -> TrainedRecognizer:
        """Train the adaptive epochs; ``report`` is called after every batch.

        Raises:
            RecipeError: the folder holds another run.
        """
        self._learned = self._learn(self._plain, self._table.adaptive_epochs, report)
        return self._learned

    def search(self, progress: Progress | None = None) -> Found:
        """Search, and write the recipe with the winner.

        Raises:
            RecipeError: the folder holds another search.
        """
        learned = self._learned or self.train()
        fitness = HeldOutLoss(learned, *self._examples.take(self._fold.test))
        log = self._log()

        def scored(genome: Genome) -> float:
            if self._tuned:
                raise RecipeError(
                    f"{self._folder / LOG} lacks candidates that its winner was chosen from, "
                    f"and the weights are tuned already; restore it, or delete "
                    f"{self._folder / CHECKPOINT} to start anew"
                )
            return fitness(genome)

        self.found = evolve(
            fitness.space,
            scored,
            population=self._table.search_population,
            generations=self._table.search_generations,
            seed=self.recipe.seed,
            log=log,
            progress=progress,
        )
        write_atomically(self.recipe_path, self._text(self.winner).encode())
        return self.found

    @property
    def _tuned(self) -> bool:
        """The weights have gone on under a winner, and can choose no other one."""
        path = self._folder / CHECKPOINT
        if not path.exists():
            return False
        epoch = check_checkpoint(path, self._plain, self._data).epoch
        return epoch > self._table.adaptive_epochs

    def _log(self) -> SearchLog:
        identity = {
            "recipe": self.recipe.to_dict(),
            "held_out": [list(person) for person in self.chosen_on],
            **self._examples.hashes(),
        }
        return SearchLog(self._folder / LOG, identity)

    @property
    def winner(self) -> Recipe:
        """The recipe under the winner; known after :meth:`search`."""
        found = self.found or self.search()
        chosen = self.space.decode(found.winner, self._depths)
        if "ratios" in chosen:
            chosen["ratios"] = [list(stage) for stage in chosen["ratios"]]
        options = self.recipe.model.options | chosen
        model = dataclasses.replace(self.recipe.model, options=options)
        return dataclasses.replace(self._plain, model=model)

    def tune(self, report: Report | None = None) -> tuple[TrainedRecognizer, Card]:
        """Train the rest of the epochs under the winner, and write the weights."""
        winner = self.winner
        learned = self._learn(winner, self._optim.epochs, report)
        seen = self._examples.subset(self._fold.train)
        return learned, publish_recognizer(learned, winner, seen, self.weights_path)

    def _learn(self, recipe: Recipe, until: int, report: Report | None) -> TrainedRecognizer:
        inputs, labels = self._examples.take(self._fold.train)
        keep = Checkpointer(self._folder, self._plain, data=self._data)
        found = train_recognizer(
            recipe, inputs, labels, self._examples.classes, recipe.seed, device=self._device,
            report=report, checkpointer=keep, until=until,
        )  # fmt: skip
        return cast(TrainedRecognizer, found)

    def _text(self, winner: Recipe) -> str:
        people = ", ".join("/".join(person) for person in self.chosen_on)
        return (
            f"# Ratios and alpha by `mescope search`, chosen on {people}.\n"
            "# Whoever tests on them has chosen on test people; for a figure, search within\n"
            f"# every fold: search_population = {self._table.search_population}, hold_out = "
            f"{self._optim.hold_out:g}.\n" + recipe_text(winner)
        )


def _space(recipe: Recipe) -> tuple[Space, tuple[int, ...]]:
    """Return the genes of a recipe's model and the blocks of its stages; builds no weights."""
    with torch.device("meta"):
        model = create_model(recipe.model.name, **recipe.model.options)
    if not isinstance(model, Ammsm):
        raise RecipeError(
            f"expected a recipe of AMMSM to search for, found {recipe.model.name!r}"
        )
    return Space.of(model.config), model.config.depths


def settings_of(recipe: Recipe, population: int, share: float) -> list[str]:
    """Return what a recipe lacks for a search, as settings of :func:`read_recipe`.

    Args:
        recipe: of AMMSM.
        population: where it has none.
        share: of the people to hold out, where it holds none out.

    Raises:
        RecipeError: the recipe is not of AMMSM.
    """
    table, optim = table_of(recipe), fitting(recipe.optim, Optim, "[optim]")
    lacking = [] if table.search_population else [f"task.search_population={population}"]
    return lacking + ([] if optim.hold_out else [f"optim.hold_out={share}"])
