"""Train a recogniser on everybody there is, and write it as weights with a card.

What it is worth on people it has not seen, :mod:`mescope.training.evaluate` measures; weights
from here have seen all of them.  Those that saw simulated faces only can be scored on real
people directly.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import cast

import mescope
from mescope.errors import OutputError, RecipeError
from mescope.evaluation.recognition import count_classes, uar, uf1
from mescope.io.devices import checked_devices
from mescope.labels import RENDERED
from mescope.models.weights import Card, config_of, find, read_card, save
from mescope.moved import renamed
from mescope.samples.examples import Examples
from mescope.samples.kinds import SAMPLES
from mescope.training.checkpoint import Checkpointer
from mescope.training.fit import Report
from mescope.training.logs import Log
from mescope.training.recognizer import TrainedRecognizer
from mescope.training.recognizers import train_recognizer
from mescope.training.several_devices import train_together
from mescope.training.tables import Recipe
from mescope.training.tasks import LoopTask, name_of, task_of

DEVELOPMENT = 10**6
"""Part of the seed of the simulated maps that the card's figures come from."""

MAPS = 3000  # so many of them


def check_network(recipe: Recipe) -> None:
    """Refuse a recipe whose model is fitted and leaves no weights.

    Raises:
        RecipeError: with its name.
    """
    if not issubclass(task_of(recipe), LoopTask):
        raise RecipeError(
            f"expected a network, found {recipe.model.name!r}, which is fitted within `mescope "
            "evaluate` and leaves no weights"
        )


def train_on_all(
    recipe: Recipe,
    examples: Examples,
    out: str | Path,
    *,
    resume: bool = True,
    device: str = "cpu",
    log: Log = "none",
    report: Report | None = None,
) -> tuple[TrainedRecognizer, Checkpointer]:
    """Train on all of ``examples``, with a checkpoint after every epoch.

    Args:
        recipe: of a network.
        examples: from :func:`mescope.samples.prepare.prepare`, or drawn.
        out: folder for ``checkpoint.safetensors`` and ``history.json``; made if absent.
        resume: go on from a checkpoint in ``out``; without it one is an error, never lost.
        device: a torch device, or several with commas between them
            (:mod:`mescope.training.several_devices`).
        log: also write the loss of every epoch as ``csv``, for ``tensorboard`` or ``wandb``.
        report: called after every batch.

    Returns:
        The recogniser, and the checkpointer with the history.

    Raises:
        RecipeError: the recipe names no network, the loss is not a number, or ``out`` holds
            a run of another recipe or of other examples.
        OutputError: ``out`` cannot be used.
        MescopeError: a device is not there.
    """
    check_network(recipe)
    if not getattr(recipe.optim, "epochs", 1):
        raise RecipeError(
            f"{recipe.name} learns nothing (epochs = 0), so there are no new weights; `mescope "
            "evaluate` says what those it names are worth"
        )
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error}") from error
    drawn = SAMPLES.named(examples.kind).simulated  # the recipe says all about those
    checkpointer = Checkpointer(folder, recipe, data="" if drawn else examples.digest())
    if checkpointer.path.exists() and not resume:
        raise OutputError(f"{checkpointer.path} exists; resume it, or choose another folder")
    devices = checked_devices(device)
    if len(devices) > 1:
        if getattr(recipe.task, "search_population", 0):
            raise RecipeError(
                f"recipe {recipe.name} searches while it learns, which one process does: "
                f"expected one device, found {device}"
            )
        given = {"recipe": recipe, "examples": examples, "out": folder, "log": log}
        train_together(devices, train_on_all, given, report)
    known = [i for i, o in enumerate(examples.origins) if o.role != "control"]
    inputs, labels = examples.take(known) if known else (examples.inputs, examples.labels)
    recognizer = train_recognizer(
        recipe, inputs, labels, examples.classes, recipe.seed, device=devices[0], report=report,
        checkpointer=checkpointer, log=log, origins=[examples.origins[i] for i in known],
        persons=[examples.persons[i] for i in known] or examples.persons,
    )  # fmt: skip
    return cast(TrainedRecognizer, recognizer), checkpointer


def publish_recognizer(
    recognizer: TrainedRecognizer,
    recipe: Recipe,
    trained: Examples,
    path: str | Path,
    *,
    unseen: Examples | None = None,
) -> Card:
    """Write the weights of a recogniser with their card, and return the card.

    Args:
        recognizer: from :func:`train_on_all`.
        recipe: that made it.
        trained: what it was trained on.
        path: a .safetensors file.
        unseen: real clips to score it on; only for weights that saw simulated faces.

    Raises:
        RecipeError: ``unseen`` is given for weights that saw people, or has other classes.
        WeightsError: the file cannot be written so.
    """
    drawn = recipe.data.drawn((recipe.seed, DEVELOPMENT), MAPS)
    made = drawn is not None or {dataset for dataset, _ in trained.persons} == {RENDERED}
    begun = read_card(find(recipe.model.weights)) if recipe.model.weights else None
    simulated = made and (begun is None or begun.simulated)
    scores: dict[str, float] = {}
    if drawn is not None:
        scores |= _scores("simulated", recognizer, drawn)
    if unseen is not None:
        if not made or unseen.classes != trained.classes:
            raise RecipeError(
                "expected weights that saw simulated faces only, to be scored on real people "
                f"of the same classes; found {_source(trained, made)}; use `mescope evaluate`"
            )
        scores |= _scores("real", recognizer, unseen)
    model, task = recognizer.model.eval().to("cpu"), task_of(recipe)
    card = Card(
        model=recipe.model.name,
        config=config_of(model, task.options(recipe, len(recognizer.classes))),
        regions=(),
        window=0,
        rate=0.0,
        labels=recognizer.classes,
        recipe=json.dumps(recipe.to_dict(), sort_keys=True),
        trained_on=_source(trained, simulated) + _begun(begun),
        simulated=simulated,
        scores=scores,
        inputs=recognizer.prepare.to_dict(),
        licence=_licence(begun, simulated),
        version=mescope.__version__,
        notes=recipe.notes,
        task=name_of(task),
    )
    return save(path, model, card)


def _begun(card: Card | None) -> str:
    """Return what start weights learned from, as the end of a sentence; "" without them."""
    return f"; begun from weights trained on {card.trained_on}" if card else ""


def _licence(begun: Card | None, simulated: bool) -> str:
    """Return the licence: that of imported start weights, ours, or none that we could give."""
    if begun is not None and (simulated or not begun.simulated):
        return begun.licence
    return "Apache-2.0" if simulated else ""


def _source(trained: Examples, simulated: bool) -> str:
    if SAMPLES.named(trained.kind).simulated:
        maps = f"{len(trained)} simulated flow maps of simulated faces"
        return f"{maps}; no real face" if simulated else maps
    sets = Counter(dataset for dataset, _ in trained.persons)
    if set(sets) == {RENDERED}:
        faces = len(set(trained.persons))
        return f"{len(trained)} clips of {faces} rendered faces, their motion simulated"
    clips = ", ".join(f"{name} {count}" for name, count in sorted(sets.items()))
    return f"clips of {len(set(trained.persons))} people ({clips})"


def _scores(prefix: str, recognizer: TrainedRecognizer, examples: Examples) -> dict[str, float]:
    found = recognizer.scores(examples.inputs).argmax(1)
    classes = count_classes(
        [examples.classes[i] for i in examples.labels],
        [examples.classes[i] for i in found],
        examples.classes,
    )
    figures = {"clips": float(len(examples)), "uf1": uf1(classes), "uar": uar(classes)}
    return {f"{prefix}_{name}": round(value, 4) for name, value in figures.items()}


__getattr__ = renamed(
    __name__,
    {
        "train_recogniser": "mescope.training.train_clips.train_on_all",
        "publish_recogniser": "mescope.training.train_clips.publish_recognizer",
    },
)
