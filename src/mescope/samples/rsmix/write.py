"""RSMix for a whole data set, before training: mixed clips on disk, and what became of each.

Layout of the folder::

    manifest.json      what was asked for, of which records; "complete" once all is written
    expressions.csv    a row for every mixed clip, as the reader of your own videos wants it
    recordings.csv     file, subject, rate and data set of every mixed clip
    log.csv            a row for every expression: what was done with it, or why nothing was
    clips/*/*.png      the crops of every mixed clip, RGB, without loss
    done/*.json        finished recordings, for a run that goes on

``mescope.datasets.read("folder", DIR)`` reads it.  People keep their names and their data set,
so that a split by person holds a mixed clip in the same part as its original; a split by clip
leaks, since the background shows other frames of the same video.  Mixed clips are for training
only.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from mescope.datasets.base import Dataset
from mescope.errors import DatasetError, OutputError, VideoError
from mescope.events import Recording
from mescope.face.detector import FaceFinder
from mescope.io.atomic import is_draft, write_atomically, write_table
from mescope.io.json_text import json_value
from mescope.io.parallel import run_jobs
from mescope.io.progress import Progress
from mescope.samples.rsmix.paste import Account
from mescope.samples.rsmix.plan import Plan, Settings, draw, plan_recording
from mescope.video.reading import open_recording
from mescope.video.source import Picture, Video

FORMAT = "mescope-rsmix-1"

EXPRESSION_COLUMNS = (
    "recording", "subject", "onset", "apex", "offset", "kind", "emotion", "au",
    "objective_class", "source",
)  # fmt: skip
RECORDING_COLUMNS = ("file", "subject", "rate", "dataset")
LOG_COLUMNS = (
    "dataset", "subject", "recording", "rate", "onset", "apex", "offset", "kind", "emotion",
    "au", "objective_class", "clip", "skipped", "target", "rule", "repeated", "pasted", "units",
    "unmapped", "filled", "outside", "cells", "changing",
)  # fmt: skip
"""``onset``, ``apex``, ``offset``, ``target`` and ``pasted`` are frames of the recording; from
``units`` on, the columns are those of :class:`mescope.samples.rsmix.paste.Account`."""

CONTROL_EMOTION = "others"
"""What a control clip is labelled: nothing in it moves but what moves in a neutral face."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Written:
    """What a run wrote: mixed clips, and how many expressions it skipped."""

    folder: Path
    clips: int
    skipped: int

    @property
    def log(self) -> Path:
        """Return the table of what became of every expression."""
        return self.folder / "log.csv"


class _Shared(NamedTuple):
    folder: Path
    settings: Settings
    finder: FaceFinder | None


class _Job(NamedTuple):
    number: int
    recording: Recording


def augment_rsmix(
    dataset: Dataset,
    folder: str | Path,
    settings: Settings | None = None,
    *,
    jobs: int = 1,
    finder: FaceFinder | None = None,
    progress: Progress | None = None,
) -> Written:
    """Mix every expression of a data set of long videos once, and write the clips.

    Args:
        dataset: recordings with their expressions, from a reader.
        folder: made if need be; an interrupted run of the same records and settings is
            completed, another one is refused.
        settings: how clips are mixed.
        jobs: processes, one recording each.
        finder: face detector; dlib by default, and always with several processes.
        progress: called with (recordings finished, recordings in all) after each.

    Raises:
        DatasetError: there are no recordings with expressions.
        OutputError: the folder holds something else or cannot be written.
    """
    settings = settings or Settings()
    recordings = [r for r in dataset.recordings if r.expressions]
    if not recordings:
        found = f"{len(dataset.clips)} clips and {len(dataset.recordings)} recordings"
        raise DatasetError(
            f"{dataset.name}: expected long recordings with expressions, found {found} "
            "without; RSMix takes neutral frames from the video around an expression"
        )
    folder = Path(folder)
    asked = _asked(recordings, settings)
    _open_folder(folder, asked)
    done = dict(_finished(folder, len(recordings)))
    waiting = [_Job(n, r) for n, r in enumerate(recordings) if n not in done]
    if waiting:
        _write_manifest(folder, asked, complete=False)
    shared = _Shared(folder, settings, finder if jobs == 1 else None)
    for job, rows in run_jobs(_one_recording, shared, waiting, jobs=jobs):
        done[job.number] = rows
        if progress is not None:
            progress(len(done), len(recordings))
    log = [row for number in range(len(recordings)) for row in done[number]]
    return _write_tables(folder, asked, settings, log)


def _one_recording(shared: _Shared, job: _Job) -> list[Row]:
    """Write the clips of one recording; return the rows of the log."""
    recording = job.recording
    try:
        video = open_recording(recording)
        plans = plan_recording(recording, video, shared.settings, shared.finder)
        rows = [
            _log_row(recording, plan, _write_clip(shared.folder, name, plan, video))
            for name, plan in zip(_names(job, plans), plans, strict=True)
        ]
    except VideoError as error:  # not kept: what is missing today may be there tomorrow
        lost = Account(skipped=str(error))
        plans = tuple(Plan(expression=e, account=lost) for e in recording.expressions)
        return [_log_row(recording, plan, "") for plan in plans]
    _keep(shared.folder, job.number, rows)
    return rows


def _names(job: _Job, plans: tuple[Plan, ...]) -> list[str]:
    """Return a name for every clip, unlike any other of the data set."""
    plain = re.sub(r"[^A-Za-z0-9_]+", "-", job.recording.name).strip("-")
    found: list[str] = []
    seen: Counter[str] = Counter()
    for plan in plans:
        span = plan.expression.interval
        name = f"{job.number:04d}-{plain}-{span.first:05d}-{span.last:05d}"
        seen[name] += 1  # the same frames may be annotated twice, as micro and as macro
        found.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return found


def _write_clip(folder: Path, name: str, plan: Plan, video: Video) -> str:
    """Write a clip whole or not at all, and return its path in ``folder``; "" if skipped."""
    if plan.account.skipped:
        return ""
    final = folder / "clips" / name
    if final.is_dir():  # written before the interruption
        return f"clips/{name}"
    part = final.with_name(f".{name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        for j, picture in enumerate(draw(plan, video)):
            (part / f"{j:05d}.png").write_bytes(_png(picture))
        os.replace(part, final)
    except OSError as error:
        raise OutputError(
            f"cannot write {final}: {error.strerror or error}; what was finished is kept, make "
            "room and run the same command again"
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return f"clips/{name}"


def _png(picture: Picture) -> bytes:
    done, data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    if not done:
        raise OutputError(f"cannot encode a picture of shape {picture.shape}")
    return bytes(np.asarray(data, np.uint8))


def _log_row(recording: Recording, plan: Plan, clip: str) -> Row:
    expression, account = plan.expression, plan.account
    span = expression.interval
    target, paste = (plan.target, plan.paste) if clip else (None, None)
    own = _span(range(span.first, span.last + 1)) if clip else ""
    return {
        "dataset": recording.dataset,
        "subject": recording.subject,
        "recording": recording.name,
        "rate": recording.rate,
        "onset": span.first,
        "apex": "" if expression.apex is None else expression.apex,
        "offset": span.last,
        "kind": expression.kind,
        "emotion": expression.emotion or "",
        "au": "+".join(expression.action_units),
        "objective_class": expression.objective_class or "",
        "clip": clip,
        "skipped": account.skipped,
        "target": _span(target.frames) if target else "",
        "rule": target.rule if target else "",
        "repeated": account.repeated,
        "pasted": _span(paste.frames) if paste else own,
        "units": "+".join(account.units),
        "unmapped": "+".join(account.unmapped),
        "filled": len(account.filled),
        "outside": account.outside,
        "cells": round(account.cells, 2),
        "changing": account.changing,
    }


def _span(frames: Sequence[int]) -> str:
    return f"{frames[0]}-{frames[-1]}"


def _keep(folder: Path, number: int, rows: list[Row]) -> None:
    write_atomically(folder / "done" / f"{number:05d}.json", json.dumps(rows).encode())


def _finished(folder: Path, recordings: int) -> Iterator[tuple[int, list[Row]]]:
    """Yield the recordings that are done and whose clips are there, with their rows."""
    for number in range(recordings):
        try:
            path = folder / "done" / f"{number:05d}.json"
            rows: list[Row] = json_value(path.read_text("utf-8"))
            whole = all(set(LOG_COLUMNS) <= set(r) for r in rows)  # older ones have fewer
            whole &= all((folder / r["clip"]).is_dir() for r in rows if r["clip"])
        except (OSError, ValueError, KeyError, TypeError):
            continue  # not there, or damaged: done again
        if whole:
            yield number, rows


def _asked(recordings: list[Recording], settings: Settings) -> Row:
    """Return what decides the clips, in plain values; where the videos lie does not."""
    records = [{**asdict(r), "path": None} for r in recordings]
    digest = hashlib.sha256(json.dumps(records, sort_keys=True).encode()).hexdigest()
    return {**asdict(settings), "records": digest, "mescope": version("mescope")}


def _open_folder(folder: Path, asked: Row) -> None:
    """Make the folder, or check that what it holds is the same run, unfinished or not."""
    manifest = folder / "manifest.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if manifest.exists():
            found = json_value(manifest.read_text("utf-8"))["asked"]
            differ = [key for key in asked if found.get(key) != asked[key]]
            if differ:
                raise OutputError(
                    f"{folder} holds another run: {', '.join(differ)} differ; choose an empty "
                    "folder"
                )
        elif not all(is_draft(path) for path in folder.iterdir()):
            raise OutputError(f"{folder} holds files of unknown origin; choose an empty folder")
    except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise OutputError(f"cannot write mixed clips into {folder}: {error}") from error


def _write_manifest(folder: Path, asked: Row, *, complete: bool) -> None:
    content = {"format": FORMAT, "asked": asked, "complete": complete}
    write_atomically(folder / "manifest.json", (json.dumps(content, indent=1) + "\n").encode())


def _write_tables(folder: Path, asked: Row, settings: Settings, log: list[Row]) -> Written:
    """Write the tables, and at last that all is complete."""
    made = [row for row in log if row["clip"]]
    write_table(folder / "log.csv", LOG_COLUMNS, log)
    expressions = (_expression_row(row, settings) for row in made)
    write_table(folder / "expressions.csv", EXPRESSION_COLUMNS, expressions)
    recordings = ({"file": row["clip"]} | row for row in made)
    write_table(
        folder / "recordings.csv",
        RECORDING_COLUMNS,
        ({name: row[name] for name in RECORDING_COLUMNS} for row in recordings),
    )
    _write_manifest(folder, asked, complete=True)
    return Written(folder, len(made), len(log) - len(made))


def _expression_row(row: Row, settings: Settings) -> Row:
    """Return the line of a clip in the table of expressions: the clip is the expression."""
    apex = row["apex"]
    return {
        "recording": row["clip"],
        "subject": row["subject"],
        "onset": 0,
        "apex": "" if apex == "" else apex - row["onset"],
        "offset": row["offset"] - row["onset"],
        "kind": row["kind"],
        "emotion": CONTROL_EMOTION if settings.control else row["emotion"],
        "au": "" if settings.control else row["au"],
        "objective_class": "" if settings.control else row["objective_class"],
        "source": "rsmix-control" if settings.control else "rsmix",
    }
