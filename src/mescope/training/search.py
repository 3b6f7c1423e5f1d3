"""The evolutionary search of AMMSM: which ratios and which factor name held-out people best.

Ten genes at the paper's size: a ratio for every two blocks, and the factor.  A generation is
made of the best quarter of all before it, then half mutants, half crosses of two parents; what
was scored before is not scored again.  Scores are mean cross-entropies over people whom
training has not seen: the search never looks at a test person.

The paper gives no sizes; those of SparseViT (Chen et al., CVPR 2023), whose search it names,
are the defaults of AMMSM's ``[task]``.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from mescope.errors import RecipeError
from mescope.evaluation.folds import Fold, Person, hold_out
from mescope.io.atomic import write_atomically
from mescope.io.json_text import json_value
from mescope.io.progress import Progress
from mescope.models.ammsm import Ammsm
from mescope.models.ammsm_config import AmmsmConfig, Ratios, block_ratios
from mescope.training.ammsm_training import ALPHAS, RATIOS, arguments
from mescope.training.recognizer import TrainedRecognizer

MUTATED = 0.1  # chance of a gene to be drawn anew
PARENTS = 4  # one in so many
LOG = "search.jsonl"
LEAST_PEOPLE = 3
"""Training people that a search needs: two to learn from and one to choose on."""

_TENTHS = tuple(range(round(10 * ALPHAS[0]), round(10 * ALPHAS[1]) + 1))
_AT_ONCE = 64  # inputs scored together

Genome = tuple[float, ...]
"""Ratios of all stages in order, one for two blocks, then the factor."""

Fitness = Callable[[Genome], float]
"""What a candidate is worth; the smallest is best."""


@dataclass(frozen=True, slots=True)
class Space:
    """Which genes there are: ``pairs`` ratios for each stage, and whether there is a factor."""

    pairs: tuple[int, ...]
    alpha: bool

    @classmethod
    def of(cls, config: AmmsmConfig) -> Space:
        """Return the genes of a model.

        Raises:
            RecipeError: it has none.
        """
        if not (config.sparse or config.magnify):
            raise RecipeError(
                "expected a model with ratios or a factor to search for, found one with "
                "sparse=False and magnify=False; evaluate it as it is"
            )
        pairs = tuple(-(-depth // 2) for depth in config.depths) if config.sparse else ()
        return cls(pairs, config.magnify)

    @property
    def genes(self) -> int:
        """Number of genes: 10 at the paper's size."""
        return sum(self.pairs) + self.alpha

    def draw(self, rng: np.random.Generator) -> Genome:
        """Return a random candidate."""
        ratios = rng.choice(RATIOS, sum(self.pairs)).tolist()
        return self.settle([*ratios, *([rng.choice(_TENTHS) / 10] if self.alpha else [])])

    def settle(self, genes: Sequence[float]) -> Genome:
        """Return genes whose ratios ascend within every stage."""
        settled: list[float] = []
        for count in self.pairs:
            start = len(settled)
            settled += sorted(genes[start : start + count])
        return tuple(float(gene) for gene in (*settled, *genes[len(settled) :]))

    def mutate(
        self, genome: Genome, rng: np.random.Generator, chance: float = MUTATED
    ) -> Genome:
        """Return the genome with every gene drawn anew by ``chance``."""
        anew = self.draw(rng)
        chosen = rng.random(self.genes) < chance
        return self.settle(
            [b if c else a for a, b, c in zip(genome, anew, chosen, strict=True)]
        )

    def cross(self, one: Genome, other: Genome, rng: np.random.Generator) -> Genome:
        """Return a genome with every gene from one parent or the other."""
        first = rng.random(self.genes) < 0.5
        return self.settle([a if f else b for a, b, f in zip(one, other, first, strict=True)])

    def decode(self, genome: Genome, depths: Sequence[int]) -> dict[str, Any]:
        """Return ``ratios`` of every block and ``alpha``, as far as there are such genes."""
        found: dict[str, Any] = {}
        if self.pairs:
            parts, start = [], 0
            for count in self.pairs:
                parts.append(genome[start : start + count])
                start += count
            ratios: Ratios = block_ratios(parts, depths)
            found["ratios"] = ratios
        if self.alpha:
            found["alpha"] = genome[-1]
        return found


@dataclass(frozen=True, slots=True)
class Candidate:
    """One line of the log."""

    generation: int  # in which it was first met
    genome: Genome
    loss: float


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found."""

    winner: Genome
    loss: float
    best: tuple[float, ...]  # loss of the best so far, after each generation
    candidates: tuple[Candidate, ...]  # all that were scored, in order


class SearchLog:
    """Every candidate as a line of JSON, from which a search that was stopped goes on.

    The first line says which search it is; the file is written in one step every time.

    Raises:
        RecipeError: the file is damaged, or holds another search.
        OutputError: it cannot be written.
    """

    def __init__(self, path: Path, identity: dict[str, Any]) -> None:
        self._path = path
        self._lines = [json.dumps({"search": identity}, sort_keys=True)]
        self.known: dict[Genome, float] = {}
        if not path.exists():
            return
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
            rows = [json_value(line) for line in lines]
            known = {tuple(map(float, r["genome"])): float(r["loss"]) for r in rows[1:]}
            found = rows[0]["search"]
        except (OSError, ValueError, TypeError, LookupError) as error:
            raise RecipeError(
                f"the log {path} cannot be read ({error}); delete it to search anew"
            ) from error
        if found != json.loads(json.dumps(identity)):
            raise RecipeError(
                f"{path} holds another search; restore its recipe and data, or choose another "
                "output folder"
            )
        self.known, self._lines = known, lines

    def add(self, candidate: Candidate) -> None:
        """Write one more candidate."""
        self.known[candidate.genome] = candidate.loss
        self._lines.append(json.dumps(dataclasses.asdict(candidate)))
        write_atomically(self._path, ("\n".join(self._lines) + "\n").encode())


def evolve(
    space: Space, fitness: Fitness, *, population: int, generations: int, seed: int,
    log: SearchLog | None = None, progress: Progress | None = None,
) -> Found:  # fmt: skip
    """Search for the genome of smallest fitness.

    Args:
        space: of genes.
        fitness: called once for each candidate that the log does not know.
        population: candidates of the first generation, and parents with children of the others.
        generations: after the first.
        seed: decides every draw.
        log: of an earlier run that was stopped: the same candidates come again.
        progress: called after every candidate; those met before count.

    Raises:
        RecipeError: a fitness is not a number.
    """
    rng = np.random.default_rng(seed)
    parents, met, best = max(2, population // PARENTS), {}, []
    total, done = population + generations * (population - parents), 0
    ranked: list[Candidate] = []
    for generation in range(generations + 1):
        young = (
            _children(space, [c.genome for c in ranked], population - parents, rng)
            if generation
            else [space.draw(rng) for _ in range(population)]
        )
        for genome in young:
            if genome not in met:
                met[genome] = _scored(generation, genome, fitness, log)
            done += 1
            if progress:
                progress(done, total)
        ranked = sorted(met.values(), key=lambda c: (c.loss, c.genome))[:parents]
        best.append(ranked[0].loss)
    return Found(ranked[0].genome, ranked[0].loss, tuple(best), tuple(met.values()))


def _children(
    space: Space, parents: Sequence[Genome], count: int, rng: np.random.Generator
) -> list[Genome]:
    """Return mutants, then crosses, of parents drawn at random."""
    pick = [parents[i] for i in rng.integers(len(parents), size=count)]
    half = count // 2
    mutants = [space.mutate(genome, rng) for genome in pick[:half]]
    other = [parents[i] for i in rng.integers(len(parents), size=count - half)]
    return mutants + [space.cross(a, b, rng) for a, b in zip(pick[half:], other, strict=True)]


def _scored(
    generation: int, genome: Genome, fitness: Fitness, log: SearchLog | None
) -> Candidate:
    if log is not None and genome in log.known:
        return Candidate(generation, genome, log.known[genome])
    loss = float(fitness(genome))
    if not math.isfinite(loss):
        raise RecipeError(
            f"the loss of a candidate is {loss}; train with a lower learning_rate"
        )
    candidate = Candidate(generation, genome, loss)
    if log is not None:
        log.add(candidate)
    return candidate


def held_out(persons: Sequence[Person], share: float, seed: int) -> Fold:
    """Return the training people to learn from (``train``) and those to choose on (``test``).

    Raises:
        RecipeError: there are too few people for both.
    """
    people = len(set(persons))
    if people < LEAST_PEOPLE or round(share * people) > people - 2:
        raise RecipeError(
            f"a search needs {LEAST_PEOPLE} training people or more, two of them to learn from "
            f"and one to choose on, found {people} with a share of {share:g} held out; add "
            "people, lower the share, or write ratios and alpha into the recipe"
        )
    return hold_out(persons, share, seed)


class HeldOutLoss:
    """The fitness of a candidate: mean cross-entropy, model in evaluation mode.

    Args:
        recognizer: AMMSM after its adaptive epochs.
        inputs: of held-out people, (n, ...), as learning is given them.
        labels: their classes (n,).
    """

    def __init__(
        self,
        recognizer: TrainedRecognizer,
        inputs: NDArray[np.float32],
        labels: NDArray[np.int64],
    ) -> None:
        self._model, self._inputs = ammsm_of(recognizer), recognizer.prepare(inputs)
        self._labels = torch.from_numpy(labels)
        self.space = Space.of(self._model.config)

    def __call__(self, genome: Genome) -> float:
        """Return the loss; the network's mode is left as it was."""
        model, total = self._model, 0.0
        device = next(model.parameters()).device
        chosen = self.space.decode(genome, model.config.depths)
        training = model.training
        model.eval()
        with torch.no_grad():
            for part, labels in zip(
                torch.split(self._inputs, _AT_ONCE),
                torch.split(self._labels, _AT_ONCE),
                strict=True,
            ):
                output = model(*arguments(model, part.to(device)), **chosen)
                logits = output.emotion.double().cpu()
                total += float(F.cross_entropy(logits, labels, reduction="sum"))
        model.train(training)
        return total / len(self._labels)


def ammsm_of(recognizer: TrainedRecognizer) -> Ammsm:
    """Return the model of what was learned.

    Raises:
        RecipeError: it is not AMMSM.
    """
    if not isinstance(recognizer.model, Ammsm):
        raise RecipeError(
            f"expected AMMSM to search ratios and alpha for, found "
            f"{type(recognizer.model).__name__}; take a recipe of AMMSM"
        )
    return recognizer.model


def adopt(model: Ammsm, genome: Genome) -> None:
    """Make a genome what the model uses when it is given nothing else, and its card says."""
    chosen = Space.of(model.config).decode(genome, model.config.depths)
    model.config = dataclasses.replace(model.config, **chosen)


class FoldSearch:
    """A search within the training of one fold, on people held out from its training people.

    Args:
        seed: decides every draw.
        inputs: of the people held out.
        labels: their classes.
        after: so many adaptive epochs.
        population: candidates of a generation.
        generations: after the first one.
        log: of candidates, from which a search that was stopped goes on.

    Stands where :class:`mescope.training.early_stopping.BestEpoch` stands for other recipes.
    Once they have chosen, the people held out are learned from, too: the paper tunes on the
    whole training set.
    """

    def __init__(
        self, seed: int, inputs: NDArray[np.float32], labels: NDArray[np.int64], *,
        after: int, population: int, generations: int, log: SearchLog | None = None,
    ) -> None:  # fmt: skip
        self._seed, self._inputs, self._labels = seed, inputs, labels
        self.joins, self._population, self._generations = after, population, generations
        self._log = log
        self.found: Found | None = None
        self._chosen: dict[str, Any] = {}

    def look(self, epoch: int, recognizer: TrainedRecognizer) -> None:
        """Search after the last adaptive epoch; the rest is then trained under the winner."""
        if epoch != self.joins - 1:
            return
        fitness = HeldOutLoss(recognizer, self._inputs, self._labels)
        self.found = evolve(
            fitness.space,
            fitness,
            population=self._population,
            generations=self._generations,
            seed=self._seed,
            log=self._log,
        )
        model = ammsm_of(recognizer)
        adopt(model, self.found.winner)
        self._chosen = {
            "genome": list(self.found.winner),
            "pairs": list(fitness.space.pairs),
            "loss": self.found.loss,
            "candidates": len(self.found.candidates),
        }

    def stops(self) -> bool:
        """Return no: the other epochs are trained under the winner."""
        return False

    def restore(self, recognizer: TrainedRecognizer) -> None:
        """Change nothing: the last epoch is kept."""

    def chosen(self) -> dict[str, Any]:
        """Return the winner: its ``genome``, ``pairs`` of stages, ``loss`` and ``candidates``.

        The genome is the ratios of all pairs of blocks in order, then alpha if there is one.
        """
        return self._chosen

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """Return the winner, once there is one."""
        return {}, self._chosen

    def put_back(
        self, tensors: dict[str, torch.Tensor], values: dict[str, Any],
        recognizer: TrainedRecognizer,
    ) -> None:  # fmt: skip
        """Take the winner over, and make it what the model uses."""
        self._chosen = dict(values)
        if self._chosen:
            adopt(ammsm_of(recognizer), tuple(self._chosen["genome"]))
