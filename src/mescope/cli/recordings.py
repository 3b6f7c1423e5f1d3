"""What ``train`` and ``evaluate`` do with recipes on annotated recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mescope.cli.console import explain, progress_bar
from mescope.errors import RecipeError

if TYPE_CHECKING:
    from mescope.annotations.problems import Problem
    from mescope.datasets.base import Checked, Dataset
    from mescope.evaluation.spotting_report import SpottingReport
    from mescope.io.parallel import Engine
    from mescope.models.weights import Card
    from mescope.samples.recording_windows import MeasuredRecordings
    from mescope.training.logs import Log
    from mescope.training.protocols import Protocol
    from mescope.training.repeat import RunNotes
    from mescope.training.tables import Recipe


@dataclass(frozen=True, slots=True)
class Run:
    """Where and how an evaluation runs."""

    folder: Path
    protocol: Protocol
    jobs: int
    engine: Engine
    address: str | None
    device: str
    log: Log = "none"
    only: frozenset[int] | None = None  # folds, from 0; none of them: collect
    readers: int = 1  # processes or threads that read pictures


def jobs_on(device: str, asked: int | None, cores: int, *, here: bool = True) -> int:
    """Return the processes that train: all cores, or one for each card.

    >>> jobs_on("cpu", None, 8), jobs_on("cpu,cpu", None, 8), jobs_on("cpu", 2, 8)
    (8, 2, 2)

    Raises:
        MescopeError: a device is not there.
    """
    from mescope.io.devices import devices_for_jobs

    devices = devices_for_jobs(device, here=here)
    return asked or (cores if devices == ("cpu",) else len(devices))


@dataclass(frozen=True, slots=True)
class Source:
    """Where recordings come from: a data set with its root, or a folder of features."""

    dataset: str | None
    root: Path | None
    features: Path | None
    cache: Path
    notes: RunNotes | None = None
    choices: Mapping[str, str] | None = None  # of the reader


def about(dataset: str, root: Path, data: Checked) -> dict[str, Any]:
    """Return what tells a data set apart: its name, where it lay, and its listing's hash."""
    from mescope.datasets.listing import listing_hash

    return {"dataset": dataset, "root": str(root), "listing": listing_hash(data)}


def data_given(source: Source) -> dict[str, Any]:
    """Return what tells the data of a source apart as it lies there now, without measuring it.

    Nothing where none is named, or where it is not there any more.

    Raises:
        MescopeError: it cannot be read.
    """
    from mescope.datasets import open_dataset
    from mescope.samples.feature_files import read_features
    from mescope.samples.recording_windows import hash_of

    if source.features is not None and source.features.exists():
        some = read_features(source.features)[0]
        return {"features": str(source.features), "hash": hash_of(some)}
    if source.dataset is None or source.root is None or not source.root.exists():
        return {}
    data = open_dataset(source.dataset, source.root, choices=source.choices)
    return about(source.dataset, source.root, data)


def tell(problems: Sequence[Problem]) -> None:
    """Say on stderr what was left out, and count what is odd."""
    errors = [p for p in problems if p.level == "error"]
    for problem in errors:
        explain(str(problem))
    others = len(problems) - len(errors)
    if others:
        said = "1 warning" if others == 1 else f"{others} warnings"
        explain(f"{said} about the data; `mescope datasets check` shows them")


def check_needs_none(recipe: Recipe, source: Source) -> None:
    """Refuse data where a recipe of a spotter simulates its own.

    Raises:
        RecipeError: some are given.
    """
    if source.dataset or source.root or source.features:
        raise RecipeError(
            f"recipe {recipe.name} learns from {recipe.data.kind} data: expected no "
            '--dataset, --root or --features; a recipe with [data] kind = "recordings" '
            "learns from those of people"
        )


def opened(recipe: Recipe, source: Source) -> Dataset:
    """Return the data set that a source names.

    Raises:
        RecipeError: it holds no recordings but flow maps.
        DatasetError: it cannot be read.
    """
    from mescope.datasets import open_dataset
    from mescope.datasets.base import Dataset

    data = open_dataset(str(source.dataset), source.root or "", choices=source.choices)
    if not isinstance(data, Dataset):
        raise RecipeError(
            f"recipe {recipe.name} is about recordings, {source.dataset} holds flow maps"
        )
    return data


def measured(recipe: Recipe, source: Source, jobs: int) -> MeasuredRecordings:
    """Return the measured recordings of a source.

    Raises:
        RecipeError: the recipe is on simulated recordings, or neither a data set with its root
            nor features are given, or both.
    """
    from mescope.samples.frame_kinds import AnnotatedFrames
    from mescope.samples.recording_windows import measure_recordings
    from mescope.samples.spotting_kinds import AnnotatedRecordings
    from mescope.training.tables import fitting

    if not isinstance(recipe.data, AnnotatedRecordings):
        raise RecipeError(
            f"recipe {recipe.name} learns from {recipe.data.kind} recordings, of nobody who "
            "could be left out; it is run by `mescope train`"
        )
    if source.features is not None:
        if source.dataset or source.root:
            raise RecipeError("expected --features, or --dataset and --root, found both")
        if isinstance(recipe.data, AnnotatedFrames):
            raise RecipeError(
                f"recipe {recipe.name} needs the pictures of recordings, which features do not "
                "hold: give --dataset and --root"
            )
        return _of_features(source, source.features)
    if source.dataset is None or source.root is None:
        raise RecipeError(
            f"recipe {recipe.name} is about recordings of people: give --dataset and --root, "
            "or --features"
        )
    wanted = fitting(recipe.data, AnnotatedRecordings, "[data]")
    data = opened(recipe, source)
    if source.notes:
        source.notes.begin(about(source.dataset, source.root, data))
    with progress_bar("measuring recordings") as progress:
        found = measure_recordings(
            data, wanted, cache=source.cache, jobs=jobs, progress=progress
        )
    tell((*data.problems, *found.problems))
    return found


def _of_features(source: Source, folder: Path) -> MeasuredRecordings:
    from mescope.samples.feature_files import read_features
    from mescope.samples.recording_windows import MeasuredRecordings, hash_of

    some = read_features(folder)[0]
    if source.notes:
        source.notes.begin({"features": str(folder), "hash": hash_of(some)})
    return MeasuredRecordings(some)


def on_recordings(
    recipe: Recipe, source: Source, run: Run, *, weights: Path | None, keep: bool
) -> SpottingReport:
    """Evaluate a recipe on recordings and write its report, then a page for each recording.

    The report is written before the pages and once more after them, with links to them.
    """
    from mescope.reports import save_spotting_report
    from mescope.reports.video_page import write_video_pages
    from mescope.training.evaluate_recordings import evaluate_recordings

    data = measured(recipe, source, run.readers)
    with progress_bar(recipe.name) as progress:
        report = evaluate_recordings(
            recipe, data, run.protocol, out=run.folder, weights=weights, jobs=run.jobs,
            engine=run.engine, address=run.address, device=run.device, keep_weights=keep,
            log=run.log, only=run.only, progress=progress,
        )  # fmt: skip
    save_spotting_report(report, run.folder)
    with progress_bar("pages of recordings") as progress:
        pages = write_video_pages(report, run.folder, data.measured, progress=progress)
    save_spotting_report(report, run.folder, videos=pages)
    return report


def train_recordings(
    recipe: Recipe,
    source: Source,
    folder: Path,
    weights: Path,
    jobs: int,
    device: str,
    log: Log = "none",
) -> tuple[Card, list[dict[str, float]]]:
    """Train on all recordings of a source; return the card and the history."""
    from mescope.training.checkpoint import read_history
    from mescope.training.train_recordings import train_on_recordings

    data = measured(recipe, source, jobs)
    with progress_bar(recipe.name) as progress:
        card = train_on_recordings(
            recipe, data, folder, weights, device=device, log=log,
            report=lambda done, total, _loss: progress(done, total),
        )  # fmt: skip
    return card, read_history(folder)
