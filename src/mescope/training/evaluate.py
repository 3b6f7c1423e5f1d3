"""Evaluate a recipe: every fold and seed an independent job, one report in the end.

A fold's model is trained by :func:`mescope.training.recognizers.train_recognizer` on
``fold.train`` and then names the clips of ``fold.test`` once.  No label of a test person
goes into a job, unless the oracle column is asked for, and then it goes where it cannot
change what is learned.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mescope.errors import DatasetError, LeakError, OutputError, RecipeError
from mescope.evaluation.folds import Fold
from mescope.evaluation.report import (
    CLEAN,
    SUBJECT_DEPENDENT,
    Prediction,
    Report,
    environment,
)
from mescope.io.devices import devices_for_jobs, spread
from mescope.io.parallel import Engine, run_jobs
from mescope.io.progress import Progress
from mescope.models.weights import find
from mescope.samples.examples import Examples
from mescope.samples.prepare import Data, prepare
from mescope.training.checkpoint import Checkpointer, check_checkpoint
from mescope.training.logs import Log, check_log, fold_log
from mescope.training.protocols import (
    CLIPS,
    FIXED,
    Protocol,
    controls_of,
    folds_of,
    in_words,
)
from mescope.training.recipe import read_clip_recipe
from mescope.training.recognizer import Recogniser
from mescope.training.recognizers import train_recognizer
from mescope.training.results import PART, FoldResult, Results, job_path
from mescope.training.search import LOG as SEARCH_LOG
from mescope.training.tables import Recipe
from mescope.training.tasks import LoopTask, task_of

EVERY = 300.0
"""Seconds of training within a fold after which it is kept; a shorter fold begins anew."""

PUBLISHED_SPLIT = (
    "the data set was published with a split (train and tests), which papers' figures are of; "
    "this is another protocol: --protocol fixed takes that one"
)
ORACLE = (
    "the column 'oracle' shows, for every fold, the epoch that was best on the people whom it "
    "tests: it is what selecting on the test data is worth, and no result"
)


@dataclass(frozen=True, slots=True)
class Shared:
    """What every job of a run is given."""

    recipe: Recipe
    examples: Examples
    oracle: bool
    device: str = "cpu"
    log: Log = "none"
    folder: Path | None = None  # of the run, for logs


def checked_protocol(name: str) -> Protocol:
    """Return a protocol from its name.

    Raises:
        RecipeError: there is no such protocol.
    """
    if name not in get_args(Protocol):
        known = ", ".join(get_args(Protocol))
        raise RecipeError(f"expected a protocol of {known}, found {name!r}")
    return cast(Protocol, name)


def evaluate(
    recipe: Recipe | str | Path,
    data: Data,
    protocol: Protocol = "loso",
    *,
    out: str | Path | None = None,
    jobs: int = 1,
    engine: Engine = "local",
    address: str | None = None,
    oracle: bool = False,
    device: str = "cpu",
    log: Log = "none",
    only: Collection[int] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Train and test a recipe on every fold, for each of its seeds.

    Args:
        recipe: a recipe or its file.
        data: a data set's records, published flow maps, or examples made from them.
        protocol: how people are split.
        out: folder where every finished job is kept; a run that was stopped goes on there.
        jobs: processes; the result is the same for any number.
        engine: ``local`` or ``ray``.
        address: of a running Ray cluster.
        oracle: also keep, apart, the predictions of the epoch that is best on a fold's test
            people.
        device: a torch device for networks, or several with commas between them; ``cuda`` is
            every card.  Processes are spread over them; take no more than one for each card.
        log: also write the losses of every fold into ``out/logs``: ``csv``, ``tensorboard`` or
            ``wandb`` (offline).
        only: numbers of the folds to do now, from 0, for runs in parts; none of them: collect.
        progress: called after every job.

    Raises:
        RecipeError: the recipe is wrong or asks for other data, or ``out`` holds another run.
        DatasetError: no clip of the data set can be used, or a person has two of one name.
        LeakError: there are too few people for the protocol, or two people share a clip.
        OutputError: ``out`` cannot be written.
        MescopeError: a device is not there.
        UnfinishedError: ``only`` leaves folds that nobody has done yet.
    """
    recipe = recipe if isinstance(recipe, Recipe) else read_clip_recipe(recipe)
    cards = devices_for_jobs(device, here=engine == "local")
    examples, left_out = _examples(recipe, data, out, jobs)
    _check_duplicates(examples)
    hashes = examples.hashes()
    splits = {s: folds_of(examples, protocol, s) for s in _seeds(recipe)}
    identity = _identity(recipe, protocol, hashes, oracle)
    results = Results(_folder(out), identity, splits, FoldResult)
    results.warnings += _without_class(examples, splits)
    results.warnings += [PUBLISHED_SPLIT] * bool(examples.parts and protocol != FIXED)
    results.warnings += in_words(examples, splits, flip=getattr(recipe.augment, "flip", False))
    missing = results.missing(only)
    total = len(results.missing()) + len(results)
    if progress:
        progress(len(results), total)
    shared = Shared(recipe, examples, oracle, cards[0], check_log(log, out), _folder(out))
    work = [(seed, number, splits[seed][number]) for seed, number in missing]
    run = run_jobs(
        run_fold, shared, work, engine=engine, address=address, devices=spread(cards, jobs)
    )
    for (seed, number, _), result in run:
        results.keep(seed, number, result)
        if progress:
            progress(len(results), total)
    results.check_whole()
    return Report(
        name=recipe.name,
        recipe=recipe.to_dict(),
        protocol=protocol,
        mode=SUBJECT_DEPENDENT if protocol == CLIPS else CLEAN,
        classes=examples.classes,
        predictions=tuple(_predictions(examples, protocol, splits, results)),
        hashes=hashes | {"split": results.split_hash()},
        environment=environment(),
        seconds=results.seconds(),
        warnings=(*((ORACLE,) if oracle else ()), *left_out, *results.warnings),
        control=tuple(_control(examples, splits, results)),
        chosen=tuple(_chosen(splits, results)),
    )


def run_fold(shared: Shared, item: tuple[int, int, Fold]) -> FoldResult:
    """Train on the training people of a fold, name the clips of its test people once.

    A long training keeps a checkpoint and goes on from it; it ends with the fold.
    """
    seed, number, fold = item
    recipe, examples = shared.recipe, shared.examples
    inputs, labels = examples.take(fold.train)
    unseen, _ = examples.take(fold.test)
    best = _Best(unseen, examples.labels[np.asarray(fold.test)]) if shared.oracle else None
    started = time.monotonic()
    persons = [examples.persons[i] for i in fold.train]
    origins = [examples.origins[i] for i in fold.train] if examples.origins else []
    recognizer = train_recognizer(
        recipe, inputs, labels, examples.classes, seed, monitor=best, persons=persons,
        origins=origins, device=shared.device, log=shared.log,
        checkpointer=_checkpointer(shared, seed, number, best),
        log_folder=fold_log(shared.folder, seed, fold.name),
    )  # fmt: skip
    scores = recognizer.scores(unseen)
    asked = controls_of(examples, fold)
    return FoldResult(
        fold=fold.name,
        scores=_plain(scores),
        control=_plain(recognizer.scores(examples.take(asked)[0])) if asked else (),
        oracle=None if best is None else best.predicted(scores),
        seconds=time.monotonic() - started,
        chosen=getattr(recognizer, "chosen", {}),
    )


def _checkpointer(
    shared: Shared, seed: int, number: int, best: _Best | None
) -> Checkpointer | None:
    """Return what keeps the training of a fold; None for what is fitted or kept nowhere."""
    if shared.folder is None or not issubclass(task_of(shared.recipe), LoopTask):
        return None
    folder = job_path(shared.folder, seed, number, PART)
    found = Checkpointer(folder, shared.recipe, EVERY)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if found.path.exists():
            check_checkpoint(found.path, shared.recipe)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error}") from error
    except RecipeError:  # damaged, or of an older recipe: the fold begins anew
        for path in (found.path, found.path.with_name(SEARCH_LOG)):
            path.unlink(missing_ok=True)
    if best:
        found.companions["oracle"] = best
    return found


def _plain(scores: NDArray[np.float64]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(v) for v in row) for row in scores)


class _Best:
    """Watches the test people: the predictions of the first epoch with the most hits."""

    def __init__(self, inputs: NDArray[Any], labels: NDArray[np.int64]) -> None:
        self._inputs, self._labels = inputs, labels
        self._hits, self._found = -1, np.empty(0, np.int64)

    def __call__(self, epoch: int, recognizer: Recogniser) -> None:
        found = recognizer.scores(self._inputs).argmax(1)
        hits = int((found == self._labels).sum())
        if hits > self._hits:
            self._hits, self._found = hits, found

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return the best epoch's hits and answers."""
        return {}, {"hits": self._hits, "found": self._found.tolist()}

    def put_back(self, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        """Take over what :meth:`state` returned."""
        self._hits, self._found = int(values["hits"]), np.array(values["found"], np.int64)

    def predicted(self, last: NDArray[np.float64]) -> tuple[int, ...]:
        """Return the classes; those of the end where the model has no epochs."""
        found = self._found if self._hits >= 0 else last.argmax(1)
        return tuple(int(v) for v in found)


def _examples(
    recipe: Recipe, data: Data, out: str | Path | None, jobs: int
) -> tuple[Examples, list[str]]:
    """Return the examples of the data, and in words how many clips could not be used."""
    cache = None if out is None else Path(out) / "features"
    examples, problems = prepare(
        recipe.data, data, labels=recipe.labels, cache=cache, jobs=jobs
    )
    errors = sum(problem.level == "error" for problem in problems)
    return examples, [f"{errors} clips or rows could not be used"] if errors else []


def _without_class(examples: Examples, splits: dict[int, list[Fold]]) -> list[str]:
    """Name folds whose training people show some class not at all."""
    found = []
    for fold in (fold for folds in splits.values() for fold in folds):
        seen = {int(examples.labels[i]) for i in fold.train}
        absent = [name for i, name in enumerate(examples.classes) if i not in seen]
        if absent:
            found.append(f"fold {fold.name}: no training clip of {', '.join(absent)}")
    return sorted(set(found))


def _check_duplicates(examples: Examples) -> None:
    """Refuse the same input under two people: one would be trained on, the other tested.

    That is how one person with two names, or in two data sets, shows itself.  Two clips of one
    person and name are refused as well, now and not by the report after the last fold.
    """
    clips = [(*examples.persons[i], examples.names[i]) for i in examples.tested]
    twice = [clip for clip, count in Counter(clips).items() if count > 1]
    if twice:
        raise DatasetError(
            f"expected clips of different names for each person, found {'/'.join(twice[0])} "
            f"twice ({len(twice)} such clips); rename one, or leave it out"
        )
    seen: dict[bytes, int] = {}
    for i, values in enumerate(examples.inputs):
        if values.min() == values.max():
            continue  # no motion at all looks alike for everybody
        first = seen.setdefault(hashlib.sha256(values.tobytes()).digest(), i)
        if examples.persons[first] != examples.persons[i]:
            one, other = (
                "/".join((*examples.persons[k], examples.names[k])) for k in (first, i)
            )
            raise LeakError(
                f"expected every clip under one person, found the same one as {one} and as "
                f"{other}; give both the same person, or leave one out"
            )


def _seeds(recipe: Recipe) -> range:
    return range(recipe.seed, recipe.seed + recipe.seeds)


def _folder(out: str | Path | None) -> Path | None:
    """Return the folder so that processes of any working directory find it."""
    return None if out is None else Path(out).absolute()


def _identity(
    recipe: Recipe, protocol: str, hashes: dict[str, str], oracle: bool
) -> dict[str, object]:
    found = {"recipe": recipe.to_dict(), "protocol": protocol, "oracle": oracle, **hashes}
    if getattr(recipe.task, "search_population", 0):
        found["search"] = "winners are tuned on everybody"  # not so in older versions
    if recipe.model.weights:  # another file may lie under that name now
        start = find(recipe.model.weights).read_bytes()
        found["start"] = hashlib.sha256(start).hexdigest()
    return found


def _control(
    examples: Examples, splits: dict[int, list[Fold]], results: Results[FoldResult]
) -> Iterator[Prediction]:
    """Yield what was said of the control clips of test people, the truth being their mask's."""
    for seed, folds in splits.items():
        for number, fold in enumerate(folds):
            scores = results[seed, number].control
            for item, row in zip(controls_of(examples, fold), scores, strict=True):
                yield Prediction(
                    person=examples.persons[item],
                    name=examples.names[item],
                    truth=examples.classes[examples.labels[item]],
                    predicted=examples.classes[int(np.argmax(row))],
                    fold=fold.name,
                    seed=seed,
                    scores=row,
                )


def _chosen(
    splits: dict[int, list[Fold]], results: Results[FoldResult]
) -> Iterator[dict[str, Any]]:
    """Yield what the people held out of each fold's training chose."""
    for seed, folds in splits.items():
        for number, fold in enumerate(folds):
            if found := results[seed, number].chosen:
                yield {"seed": seed, "fold": fold.name, **found}


def _predictions(
    examples: Examples, protocol: Protocol, splits: dict[int, list[Fold]],
    results: Results[FoldResult],
) -> Sequence[Prediction]:  # fmt: skip
    found = []
    for seed, folds in splits.items():
        for number, fold in enumerate(folds):
            result = results[seed, number]
            for k, item in enumerate(fold.test):
                best = None if result.oracle is None else examples.classes[result.oracle[k]]
                found.append(
                    Prediction(
                        person=examples.persons[item],
                        name=examples.names[item],
                        truth=examples.classes[examples.labels[item]],
                        predicted=examples.classes[int(np.argmax(result.scores[k]))],
                        fold=fold.name,
                        seed=seed,
                        scores=result.scores[k],
                        oracle=best,
                        part=examples.parts[item] if protocol == FIXED else "",
                    )
                )
    return found
