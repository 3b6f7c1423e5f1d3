"""Weights from annotated recordings: trained on everybody, or on all but those held out."""

from __future__ import annotations

from pathlib import Path

from mescope.evaluation.folds import hold_out
from mescope.evaluation.matching import Counts
from mescope.models.weights import Card, save
from mescope.samples.recording_windows import MeasuredRecordings, RecordingWindows
from mescope.samples.spotting_kinds import AnnotatedRecordings
from mescope.training.fold_weights import check_measured
from mescope.training.logs import Log
from mescope.training.looks import look_of
from mescope.training.spotting_card import card_of
from mescope.training.spotting_fold import fitted
from mescope.training.tables import Recipe, fitting
from mescope.training.tasks.recordings import FoldTable
from mescope.training.train import Report


def train_on_recordings(
    recipe: Recipe,
    data: MeasuredRecordings,
    folder: Path,
    path: Path,
    *,
    device: str = "cpu",
    log: Log = "none",
    report: Report | None = None,
) -> Card:
    """Train by a recipe on the recordings of a data set and write the weights.

    Args:
        recipe: of a network on annotated recordings.
        data: measured recordings.
        folder: of the checkpoint; a run that was stopped goes on there.
        path: the .safetensors file to write.
        device: a torch device.
        log: also write the loss of every epoch, into ``logs`` of the folder.
        report: called after every batch.

    Returns:
        The card as written.  Figures stand on it only with ``hold_out``, and are then those of
        the people who chose the level: for honest ones, evaluate the recipe.

    Raises:
        DatasetError: nothing can be learned, or the recordings were measured otherwise.
        RecipeError: the recipe is wrong.
        OutputError: a folder cannot be used.
    """
    check_measured(recipe, data.measured)
    look = look_of(recipe)
    rule = look.first_rule(recipe, data.measured)
    model, rule = fitted(
        recipe, data.measured, rule, folder, device=device, log=log, report=report
    )
    model = model.to("cpu")
    table = fitting(recipe.task, FoldTable, "[task]")
    scores, learned = {}, list(data.measured)
    if table.hold_out:
        inner = hold_out([one.person for one in data.measured], table.hold_out, recipe.seed)
        learned = [data.measured[i] for i in inner.train]
        held = [data.measured[i] for i in inner.test]
        wanted = fitting(recipe.data, AnnotatedRecordings, "[data]")
        heard = [(one, look.trace_of(model, one)) for one in held]
        counts = look.counts(heard, rule, wanted)
        scores = _figures(counts, held)
    return save(path, model, card_of(recipe, model, rule, learned, scores=scores))


def _figures(counts: Counts, held: list[RecordingWindows]) -> dict[str, float]:
    minutes = sum(one.minutes for one in held)
    figures = {
        "f1": counts.f1, "precision": counts.precision, "recall": counts.recall,
        "false_alarms_per_minute": counts.fp / minutes,
    }  # fmt: skip
    return {f"chosen_on_held_out_{name}": round(value, 4) for name, value in figures.items()}
