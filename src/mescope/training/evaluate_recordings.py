"""Evaluate a spotting recipe on recordings: every fold and seed a job, one report in the end.

A fold's network, k_p and level come from ``fold.train``; the recordings of ``fold.test`` are
scored once (:mod:`mescope.training.spotting_fold`).  With weights that exist, each fold is
tested with a file that did not learn from its people, or the run is refused
(:mod:`mescope.training.fold_weights`).
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mescope.errors import DatasetError, RecipeError
from mescope.evaluation.folds import Fold, Person
from mescope.evaluation.interval_table import Row
from mescope.evaluation.predictions import environment
from mescope.evaluation.spotting_report import (
    SpottedBy,
    SpottedRun,
    SpottedVideo,
    SpottingReport,
)
from mescope.events import Interval, Recording
from mescope.io.cache import Store
from mescope.io.devices import devices_for_jobs, spread
from mescope.io.parallel import Engine, run_jobs
from mescope.io.progress import Progress
from mescope.samples.recording_targets import class_of
from mescope.samples.recording_windows import (
    HOME,
    MeasuredRecordings,
    RecordingWindows,
    hash_of,
)
from mescope.samples.spotting_kinds import AnnotatedRecordings
from mescope.training.fold_weights import check_measured, for_folds
from mescope.training.logs import Log, check_log
from mescope.training.protocols import CLIPS, Protocol, split
from mescope.training.recording_remarks import remarks
from mescope.training.results import Results
from mescope.training.spotting_fold import (
    FoldDone,
    SharedRecordings,
    SpottedFold,
    kept_weights,
    run_fold,
)
from mescope.training.tables import Recipe, fitting

TRACES = "traces"
"""Folder of a run that keeps the traces of every fold."""

TITLES = {
    0: "without feature-level synergy",
    1: "with result-level synergy",
    2: "without result-level synergy",
}
"""What the strategies are called in tables."""


def evaluate_recordings(
    recipe: Recipe,
    data: MeasuredRecordings,
    protocol: Protocol = "loso",
    *,
    out: Path | None = None,
    weights: Path | None = None,
    jobs: int = 1,
    engine: Engine = "local",
    address: str | None = None,
    device: str = "cpu",
    keep_weights: bool = False,
    log: Log = "none",
    only: Collection[int] | None = None,
    progress: Progress | None = None,
) -> SpottingReport:
    """Train and test a spotting recipe on every fold, for each of its seeds.

    Args:
        recipe: of a network on annotated recordings.
        data: measured recordings.
        protocol: how people are split.
        out: folder where every finished job is kept, and the checkpoints of unfinished ones; a
            run that was stopped goes on there.
        weights: a folder of weights to test instead of training; one seed then.
        jobs: processes; the result is the same for any number.
        engine: ``local`` or ``ray``.
        address: of a running Ray cluster.
        device: as for :func:`mescope.training.evaluate.evaluate`.
        log: also write the losses of every fold, into ``out/logs``.
        keep_weights: write every fold's weights into ``out/weights``; finished folds that have
            none there are trained once more.
        only: numbers of the folds to do now, from 0, for runs in parts; none of them: collect.
        progress: called after every job.

    Raises:
        RecipeError: the recipe is wrong, or ``out`` holds another run.
        DatasetError: nothing can be learned from the training people of a fold.
        LeakError: there are too few people, or weights learned from whom they would test.
        OutputError: ``out`` cannot be written.
        MescopeError: a device is not there.
        UnfinishedError: ``only`` leaves folds that nobody has done yet.
    """
    some, cards = data.measured, devices_for_jobs(device, here=engine == "local")
    check_measured(recipe, some)
    if protocol == CLIPS:
        raise RecipeError(f"recordings are split by person, found the protocol {CLIPS}")
    if keep_weights and (protocol != "loso" or out is None):
        raise RecipeError(
            "weights of folds are kept with the protocol loso and a folder: a card names the "
            f"one subject that training left out; found {protocol}"
        )
    # Processes that were used before may have another working directory.
    out, weights = (None if p is None else p.absolute() for p in (out, weights))
    splits = {s: _folds(some, protocol, s) for s in _seeds(recipe, weights)}
    files = None if weights is None else for_folds(weights, recipe, some, splits[recipe.seed])
    identity = {
        "recipe": recipe.to_dict(), "protocol": protocol, "data": hash_of(some),
        "weights": None if files is None else {k: _digest(v) for k, v in files.items()},
    }  # fmt: skip
    results = Results(out, identity, splits, SpottedFold)
    kept = out / "weights" if out is not None and keep_weights and files is None else None
    results.again(lambda job: kept is not None and not kept_weights(kept, *job).exists())
    missing = [(seed, number, splits[seed][number]) for seed, number in results.missing(only)]
    total = len(results.missing()) + len(results)
    if progress:
        progress(len(results), total)
    folder = None if out is None else out / "folds"
    check_log(log, out)
    shared = SharedRecordings(recipe, some, files, folder, cards[0], kept, log, out)
    for (seed, number, _), done in run_jobs(
        run_fold,
        shared,
        missing,
        engine=engine,
        address=address,
        devices=spread(cards, jobs),
    ):
        _keep(results, out, (seed, number), done)
        if progress:
            progress(len(results), total)
    results.check_whole()
    return _report(recipe, data, protocol, results, files)


def _seeds(recipe: Recipe, weights: Path | None) -> range:
    """Return the seeds; weights that exist are tested once."""
    return range(recipe.seed, recipe.seed + (recipe.seeds if weights is None else 1))


def _folds(some: Sequence[RecordingWindows], protocol: Protocol, seed: int) -> list[Fold]:
    """Return folds of recordings; a drawn one is as even in expressions as people allow."""
    labels = [int(any(e.kind == "micro" for e in one.recording.expressions)) for one in some]
    return split([one.person for one in some], labels, protocol, seed)


def _keep(
    results: Results[SpottedFold], out: Path | None, key: tuple[int, int], done: FoldDone
) -> None:
    """Keep a job: its traces first, then its result; its checkpoint is not needed any more."""
    if out is not None:
        traces_of(out).save(f"seed-{key[0]}-{key[1]:03d}", done.traces)
    results.keep(*key, done.result)
    if out is not None:
        shutil.rmtree(out / "folds" / f"seed-{key[0]}" / f"{key[1]:03d}", ignore_errors=True)


def traces_of(out: Path) -> Store:
    """Return where a run keeps the traces of its folds: ``seed-S-NNN``, ``I-score`` …"""
    return Store(out / TRACES, {"traces": 1})


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class _Rows(NamedTuple):
    native: list[Row]
    decimated: list[Row]


def _report(
    recipe: Recipe,
    data: MeasuredRecordings,
    protocol: str,
    results: Results[SpottedFold],
    files: Mapping[str, Path] | None,
) -> SpottingReport:
    some, wanted = data.measured, fitting(recipe.data, AnnotatedRecordings, "[data]")
    truth = _truth(data, recipe.labels)
    first = results[recipe.seed, 0]
    return SpottingReport(
        name=recipe.name,
        recipe=_plain(recipe),
        protocol=protocol,
        mode=wanted.mode,
        videos=_videos(data),
        truth_native=tuple(truth.native),
        truth_decimated=tuple(truth.decimated),
        runs=tuple(
            _run(some, results, method, seed, named=len(_homes(some)) > 1)
            for method in first.found
            for seed in results.splits
            if method in results[seed, 0].found
        ),
        folds=tuple(
            SpottedBy(
                fold=fold.name, seed=seed,
                train=_people(some, fold.train) if files is None else (),
                test=_people(some, fold.test),
                rule=results[seed, number].rule,
            )
            for seed, folds in results.splits.items()
            for number, fold in enumerate(folds)
        ),
        hashes={"data": hash_of(some), "split": results.split_hash()},
        environment=environment(),
        seconds=results.seconds(),
        warnings=(
            *remarks(recipe, data, results, files or {}), *results.warnings,
        ),
        left_out=data.lost,
    )  # fmt: skip


def _plain(recipe: Recipe) -> dict[str, Any]:
    return dict(json.loads(json.dumps(recipe.to_dict())))


def _people(some: Sequence[RecordingWindows], items: Sequence[int]) -> tuple[Person, ...]:
    return tuple(sorted({some[i].person for i in items}))


def _homes(some: Iterable[RecordingWindows]) -> set[str]:
    return {one.person[0] for one in some}


def subject_of(dataset: str, subject: str, *, named: bool) -> str:
    """Return how tables call a person: with the data set where there are several."""
    return f"{HOME.get(dataset, dataset)}/{subject}" if named else subject


def _truth(data: MeasuredRecordings, labels: str) -> _Rows:
    """Return every annotation, its emotion as a class; also of recordings too short."""
    named = len(_homes(data.measured)) > 1
    rows = _Rows([], [])
    for record, one in data.looked_at():
        for e in record.expressions:
            emotion = class_of(e.emotion, labels, record.dataset)
            decimated = one.decimated(e.interval) if one else e.interval
            for into, interval in ((rows.native, e.interval), (rows.decimated, decimated)):
                into.append(_row(record, interval, e.kind, emotion, named=named))
    return rows


def _row(
    record: Recording,
    interval: Interval,
    kind: Any,
    emotion: str | None,
    *,
    named: bool,
    apex: int | None = None,
    score: float | None = None,
) -> Row:
    return Row(
        subject=subject_of(record.dataset, record.subject, named=named), video=record.name,
        interval=interval, kind=kind, emotion=emotion, apex=apex, score=score,
    )  # fmt: skip


def _videos(data: MeasuredRecordings) -> tuple[SpottedVideo, ...]:
    named = len(_homes(data.measured)) > 1
    found = []
    for record, one in data.looked_at():
        subject = subject_of(record.dataset, record.subject, named=named)
        found.append(
            SpottedVideo(
                key=(subject, record.name),
                person=(HOME.get(record.dataset, record.dataset), record.subject),
                native=record.frames,
                decimated=one.used if one else record.frames,
                minutes=record.frames / record.rate / 60,
            )
        )
    if len({video.key for video in found}) != len(found):
        raise DatasetError(
            "expected recordings of different names for each person, found one twice; rename it"
        )
    return tuple(found)


def _run(
    some: Sequence[RecordingWindows],
    results: Results[SpottedFold],
    method: str,
    seed: int,
    *,
    named: bool,
) -> SpottedRun:
    rows = _Rows([], [])
    for number, fold in enumerate(results.splits[seed]):
        for item, found in zip(fold.test, results[seed, number].found[method], strict=True):
            one = some[item]
            for first, last, apex, score, emotion, kind in found:
                interval = Interval(first, last)
                native = one.native(interval)
                at = one.native(Interval(apex, apex)).first
                peak = min(max(at, native.first), native.last)
                rows.native.append(
                    _row(one.recording, native, kind, emotion, named=named, apex=peak,
                         score=score)
                )  # fmt: skip
                rows.decimated.append(
                    _row(one.recording, interval, kind, emotion, named=named, apex=apex,
                         score=score)
                )  # fmt: skip
    strategy = int(method[-1]) if method.startswith("strategy-") else None
    title = method if strategy is None else f"network, {TITLES[strategy]}"
    return SpottedRun(
        method=method, title=title, seed=seed, strategy=strategy,
        native=tuple(rows.native), decimated=tuple(rows.decimated),
    )  # fmt: skip
