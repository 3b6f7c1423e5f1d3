"""One job of an evaluation on recordings: learn from some people, spot in the others.

Everything that a fold decides (weights, k_p, level) comes from its training people.  All
strategies are read from the same traces, so that what result-level synergy is worth (Table IV
of ME-TST+) costs no second training.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from mescope.evaluation.folds import Fold, hold_out
from mescope.events import Detection
from mescope.io.devices import checked_devices
from mescope.models.weights import load, save
from mescope.samples.recording_windows import RecordingWindows, hash_of
from mescope.samples.spotting_kinds import AnnotatedRecordings
from mescope.spotting import SPOTTERS
from mescope.training.logs import Log, fold_log
from mescope.training.looks import Rule, look_of
from mescope.training.spotting_card import card_of
from mescope.training.tables import Recipe, fitting
from mescope.training.tasks.recordings import FoldTable
from mescope.training.train import train

Row = tuple[int, int, int, float, str | None, str]
"""A detection in decimated frames: first, last, apex, score, emotion, kind."""


@dataclass(frozen=True, slots=True)
class SharedRecordings:
    """What every job of a run is given.

    ``weights`` are files by the name of the fold that they may be tested on; None: train.
    ``folder`` keeps the checkpoints of folds that are being trained, ``keep`` gets the weights
    of every fold.
    """

    recipe: Recipe
    some: tuple[RecordingWindows, ...]
    weights: Mapping[str, Path] | None
    folder: Path | None
    device: str
    keep: Path | None = None
    log: Log = "none"
    logs: Path | None = None  # folder of the run


@dataclass(frozen=True, slots=True)
class SpottedFold:
    """What a fold found in its test recordings, in the order of ``Fold.test``.

    ``found`` are detections by method, for every recording: ``strategy-1`` and so on for a
    network that sees windows, its own name for one that sees frames, the names of spotters that
    need none for those.  ``rule`` are the fields of the rule, ``half_length`` being k_p, or
    ``half_s`` in seconds.  ``highest`` is the highest score of any of their frames; None in
    results of older versions.
    """

    fold: str
    rule: dict[str, Any]
    found: dict[str, tuple[tuple[Row, ...], ...]]
    seconds: float
    highest: float | None = None

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> SpottedFold:
        """Return the result from what JSON made of it."""
        found = {
            str(method): tuple(tuple(_row(row) for row in rows) for rows in recordings)
            for method, recordings in entry["found"].items()
        }
        return cls(
            entry["fold"], dict(entry["rule"]), found, float(entry["seconds"]),
            entry.get("highest"),
        )  # fmt: skip

    def answers(self, fold: Fold) -> bool:
        """Say whether it is about the test recordings of a fold."""
        return self.fold == fold.name and all(
            len(rows) == len(fold.test) for rows in self.found.values()
        )


def _row(row: Sequence[Any]) -> Row:
    first, last, apex, score, emotion, kind = row
    return int(first), int(last), int(apex), float(score), emotion, str(kind)


class FoldDone(NamedTuple):
    """A result, and the traces of the test recordings by name, for pages."""

    result: SpottedFold
    traces: dict[str, NDArray[Any]]


def run_fold(shared: SharedRecordings, item: tuple[int, int, Fold]) -> FoldDone:
    """Train on the training people of a fold and spot in the recordings of its test people."""
    seed, number, fold = item
    started = time.monotonic()
    recipe = replace(shared.recipe, seed=seed)
    wanted = fitting(recipe.data, AnnotatedRecordings, "[data]")
    table = fitting(recipe.task, FoldTable, "[task]")
    look = look_of(recipe)
    train_on = [shared.some[i] for i in fold.train]
    test_on = [shared.some[i] for i in fold.test]
    everyone = table.k_p_people == "everyone"
    rule = look.first_rule(recipe, shared.some if everyone else train_on)
    if shared.weights is not None:
        model, card = load(shared.weights[fold.name])
        if table.hold_out:
            rule = look.with_level_of(rule, card)
        model = model.to(shared.device)
    else:
        with _checkpoints(shared.folder, seed, number) as folder:
            model, rule = fitted(
                recipe, train_on, rule, folder, device=shared.device, log=shared.log,
                log_folder=fold_log(shared.logs, seed, fold.name),
            )  # fmt: skip
        if shared.keep is not None:
            card = card_of(recipe, model, rule, train_on, without=test_on[0].person)
            save(kept_weights(shared.keep, seed, number), model, card)
    traces = [look.trace_of(model, one, device=shared.device) for one in test_on]
    heard = list(zip(test_on, traces, strict=True))
    found = {
        method: _rows(look.found_by(one, trace, some, wanted) for one, trace in heard)
        for method, some in look.methods(recipe, rule).items()
    }
    if seed == shared.recipe.seed:  # nothing in them is drawn
        found |= untrained(test_on)
    kept = [look.kept(one, trace, rule) for one, trace in heard]
    result = SpottedFold(
        fold.name, look.about(rule), found, time.monotonic() - started, _highest(kept)
    )
    return FoldDone(result, _packed(kept))


def _highest(kept: Sequence[Mapping[str, NDArray[Any]]]) -> float | None:
    """Return the highest score of any frame, None where none has one."""
    scores = np.concatenate([np.ravel(one["score"]) for one in kept]) if kept else np.empty(0)
    known = scores[np.isfinite(scores)]
    return float(known.max()) if len(known) else None


def kept_weights(folder: Path, seed: int, number: int) -> Path:
    """Return the file of a fold's weights in the folder that keeps them."""
    return folder / f"seed-{seed}" / f"{number:03d}.safetensors"


def fitted(
    recipe: Recipe,
    people: Sequence[RecordingWindows],
    rule: Rule,
    folder: Path,
    *,
    device: str = "cpu",
    log: Log = "none",
    log_folder: Path | None = None,
    report: Any = None,
) -> tuple[torch.nn.Module, Any]:
    """Train on the recordings of some people; return the model in eval mode, and its rule.

    With ``hold_out`` that share of the people is not learned from and chooses the level.

    Raises:
        RecipeError: ``folder`` holds a run of another recipe, or on other recordings.
    """
    wanted = fitting(recipe.data, AnnotatedRecordings, "[data]")
    table = fitting(recipe.task, FoldTable, "[task]")
    look = look_of(recipe)
    learned: Sequence[RecordingWindows] = people
    held: list[RecordingWindows] = []
    if table.hold_out:
        inner = hold_out([one.person for one in people], table.hold_out, recipe.seed)
        learned = [people[i] for i in inner.train]
        held = [people[i] for i in inner.test]
    source = look.source(recipe, learned)
    model, _ = train(
        recipe, folder, source=source, device=device, log=log, log_folder=log_folder,
        data=hash_of(people), report=report,
    )  # fmt: skip
    if held:
        place = checked_devices(device)[0]  # where a training on several leaves the model
        heard = [(one, look.trace_of(model, one, device=place)) for one in held]
        rule = look.with_chosen_level(rule, heard, wanted)
    return model, rule


def untrained(some: Sequence[RecordingWindows]) -> dict[str, tuple[tuple[Row, ...], ...]]:
    """Return what every spotter that needs no network finds in the same motion.

    They tell micro- from macro-expressions by their length.
    """
    found = {}
    for name, kind in sorted(SPOTTERS.items()):
        if kind.needs_network:
            continue
        spotted = [kind().spot(one.flow()) for one in some]
        found[name] = _rows([d for d in s.detections if d.score >= s.floor] for s in spotted)
    return found


def _rows(parts: Any) -> tuple[tuple[Row, ...], ...]:
    return tuple(tuple(_of(d) for d in found) for found in parts)


def _of(d: Detection) -> Row:
    return d.interval.first, d.interval.last, d.apex, d.score, d.emotion, d.kind


def _packed(traces: Sequence[Mapping[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    return {
        f"{i}-{name}": array for i, trace in enumerate(traces) for name, array in trace.items()
    }


@contextlib.contextmanager
def _checkpoints(folder: Path | None, seed: int, number: int) -> Iterator[Path]:
    """Give the folder where the training of a fold goes on after it was stopped."""
    if folder is not None:
        yield folder / f"seed-{seed}" / f"{number:03d}"
        return
    with tempfile.TemporaryDirectory() as temporary:
        yield Path(temporary)
