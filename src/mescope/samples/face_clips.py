"""Labelled clips of faces out of long recordings, and what RSMix makes of them.

Each recording is one piece of work: faces are looked for once, every picture is decoded once,
and what is kept of an expression are the crops of a few of its frames
(:mod:`mescope.samples.sparse_frames`), as uint8.  Mixed clips show the same frames of their
source.  A finished recording stays in the cache, and all clips together beside it where they
are too many for memory.

What is left out becomes a problem that says why.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import dlib
import numpy as np
from numpy.typing import NDArray

from mescope.annotations.problems import Level, Problem
from mescope.datasets.base import Dataset
from mescope.errors import DatasetError, MescopeError
from mescope.events import Interval, Recording
from mescope.face.detector import FaceFinder, default_finder
from mescope.io.cache import Store
from mescope.io.json_text import json_value
from mescope.io.parallel import run_jobs
from mescope.labels import classes_for
from mescope.samples.base import Prepared
from mescope.samples.examples import Examples
from mescope.samples.face_names import class_of_face, name_of
from mescope.samples.face_pixels import Clip, FaceClips, Pixels, cut
from mescope.samples.mapped_rows import stacked
from mescope.samples.provenance import Origin, Role
from mescope.samples.rsmix.plan import FaceMarks, Layer, Plan, plan_recording, source_crops
from mescope.video.reading import open_recording
from mescope.video.source import Video

VERSION = 1  # of cache entries: raised whenever the same recording would give other numbers

FACES = "faces"  # folder within the cache

_NOTHING: Pixels = np.empty(0, np.uint8)


class Made(NamedTuple):
    """Clips of one recording: ``inputs`` (n, c, kept * frames, S, S), and what they are.

    ``expressions`` are numbers in the recording's own list; ``skipped`` says which of them gave
    nothing in which role, and why.  With a ``store``, pixels are left there.
    """

    inputs: Pixels
    origins: list[Origin]
    expressions: list[int]
    skipped: list[tuple[int, Role, str]]
    store: Store | None = None

    def pixels(self) -> Pixels:
        """Return the inputs, from the cache if they were left there."""
        if self.store is None:
            return self.inputs
        kept = self.store.load("faces")
        if kept is None:
            raise DatasetError(
                f"{self.store.path('faces')} was whole and no longer is; run the same again"
            )
        return kept["inputs"]


class _Shared(NamedTuple):
    asked: FaceClips
    cache: Path | None
    finder: FaceFinder | None


def face_examples(
    dataset: Dataset,
    asked: FaceClips,
    *,
    labels: str,
    cache: Path | None = None,
    jobs: int | None = None,
    finder: FaceFinder | None = None,
    progress: Any = None,
) -> Prepared:
    """Return clips of a data set's long recordings.

    Args:
        dataset: recordings with their expressions, from a reader.
        asked: what is made of them.
        labels: a label set of :mod:`mescope.labels`.
        cache: folder that keeps finished recordings; None keeps nothing.
        jobs: processes, one recording each.
        finder: face detector; dlib by default, and always with several processes.
        progress: called with (recordings finished, recordings in all) after each.

    Raises:
        DatasetError: no recordings with expressions, no such label set, or no clip left.
    """
    recordings = [r for r in dataset.recordings if r.expressions]
    if not recordings:
        raise DatasetError(
            f"{dataset.name}: expected long recordings with expressions, found "
            f"{len(dataset.clips)} clips and {len(dataset.recordings)} recordings without; "
            "data = 'faces' cuts its clips out of recordings"
        )
    shared = _Shared(asked, cache, None if (jobs or 1) > 1 else finder)
    done: dict[int, Made | str] = {}
    work = list(enumerate(recordings))
    for (number, _), made in run_jobs(_one, shared, work, jobs=jobs or 1):
        done[number] = made
        if progress is not None:
            progress(len(done), len(recordings))
    return _gathered(
        dataset, recordings, [done[n] for n in range(len(recordings))], shared, labels
    )


def _one(shared: _Shared, item: tuple[int, Recording]) -> Made | str:
    """Return the clips of one recording, or why there are none."""
    _, recording = item
    try:
        video = open_recording(recording)
        stores = _stores(shared, recording, video)
        for store in stores:
            if kept := store.load("faces"):
                return _unpacked(kept)._replace(inputs=_NOTHING, store=store)
        made = _made(recording, video, shared.asked, shared.finder)
        if not stores:
            return made
        stores[0].save("faces", _packed(made))
        return made._replace(inputs=_NOTHING, store=stores[0])
    except (MescopeError, OSError) as error:
        return str(error)


def _made(
    recording: Recording, video: Video, asked: FaceClips, finder: FaceFinder | None
) -> Made:
    """Cut all clips of a recording, of every kind and role that ``asked`` can need."""
    settings = replace(asked.settings, size=asked.size, control=False)
    marks = FaceMarks(video, finder or default_finder())
    clips: list[Clip] = []
    skipped: list[tuple[int, Role, str]] = []
    for number, expression in enumerate(recording.expressions):
        found = source_crops(expression, recording.rate, marks, settings)
        if isinstance(found, str):
            skipped.append((number, "original", found))
            continue
        frames = range(expression.interval.first, expression.interval.last + 1)
        clips.append(Clip(number, "original", Layer(tuple(frames), found.crops)))
    roles: list[tuple[Role, bool]] = []
    if asked.mixes or asked.controls:
        roles.append(("rsmix", False))
    if asked.controls:
        roles.append(("control", True))
    for role, control in roles:
        chosen = replace(settings, control=control)
        for plan in plan_recording(recording, video, chosen, marks=marks):
            number = _number(recording, plan)
            if plan.above is None or plan.account.skipped:
                skipped.append((number, role, plan.account.skipped))
            else:
                clips.append(Clip(number, role, plan.above, plan))
    origins = [clip.origin(recording) for clip in clips]
    inputs = cut(clips, video, recording, asked)
    return Made(inputs, origins, [clip.number for clip in clips], skipped)


def _number(recording: Recording, plan: Plan) -> int:
    """Return the place of a plan's expression in its recording."""
    return next(i for i, e in enumerate(recording.expressions) if e is plan.expression)


def _stores(shared: _Shared, recording: Recording, video: Video) -> list[Store]:
    """Return where the clips of a recording are kept: those asked for, then with more roles."""
    if shared.cache is None or shared.finder is not None:
        return []
    asked = shared.asked
    kept: list[bool | str] = [False, "rsmix", True]  # originals, copies too, controls too
    least = 2 if asked.controls else 1 if asked.mixes else 0
    identity = {
        "version": f"{VERSION}, OpenCV {cv2.__version__}, dlib {dlib.__version__}",
        "recording": json.dumps({**asdict(recording), "path": None}, sort_keys=True),
        "video": video.fingerprint(),
        "settings": asdict(asked.settings),
    }
    shape = [asked.frames, asked.size, asked.channels, asked.draws]
    shape += [asked.views] if asked.views > 1 else []
    folder = shared.cache / FACES
    return [Store(folder, {**identity, "shape": [*shape, roles]}) for roles in kept[least:]]


def _packed(made: Made) -> dict[str, NDArray[Any]]:
    known = [asdict(origin) for origin in made.origins]
    text = json.dumps([known, made.expressions, made.skipped]).encode()
    return {"inputs": made.inputs, "known": np.frombuffer(text, np.uint8)}


def _unpacked(kept: dict[str, NDArray[Any]]) -> Made:
    known, expressions, skipped = json_value(kept["known"].tobytes())
    origins = [
        Origin(
            role=o["role"],
            kind=o["kind"],
            recording=(o["recording"][0], o["recording"][1]),
            source=Interval(**o["source"]),
            shown=tuple(Interval(**span) for span in o["shown"]),
        )
        for o in known
    ]
    return Made(kept["inputs"], origins, expressions, [(n, r, why) for n, r, why in skipped])


def _gathered(
    dataset: Dataset, recordings: list[Recording], found: list[Made | str], shared: _Shared,
    labels: str,
) -> Prepared:  # fmt: skip
    """Return the wanted clips of all recordings that have a class."""
    asked = shared.asked
    classes = classes_for(labels, {r.dataset for r in recordings})
    problems: list[Problem] = []
    chosen: list[tuple[Made, list[int]]] = []
    targets, origins, persons, names = [], [], [], []
    for recording, made in zip(recordings, found, strict=True):
        if isinstance(made, str):
            problems.append(Problem("error", recording.name, made))
            continue
        problems += _missing(recording, made, asked)
        seen: Counter[str] = Counter()
        chosen.append((made, []))
        for row, (origin, number) in enumerate(
            zip(made.origins, made.expressions, strict=True)
        ):
            if not asked.wants(origin):
                continue
            expression = recording.expressions[number]
            name = class_of_face(expression, labels, recording, problems)
            if name is None or (
                name == "others" and origin.kind == "macro" and not asked.macro_others
            ):
                continue
            chosen[-1][1].append(row)
            targets.append(classes.index(name))
            origins.append(origin)
            persons.append((recording.dataset, recording.subject))
            names.append(name_of(recording, origin, seen))
    if not any(origin.testable for origin in origins):
        first = f"; the first problem: {problems[0]}" if problems else ""
        raise DatasetError(f"{dataset.name}: no micro-expression can be used{first}")
    examples = Examples(
        kind="faces", inputs=_stacked(chosen, shared), labels=np.array(targets, np.int64),
        classes=classes, persons=tuple(persons), names=tuple(names), origins=tuple(origins),
    )  # fmt: skip
    return Prepared(examples, tuple(dict.fromkeys(problems)))


def _stacked(chosen: list[tuple[Made, list[int]]], shared: _Shared) -> Pixels:
    """Return rows of recordings as one array, the recordings read one after the other."""
    count = sum(len(rows) for _, rows in chosen)
    path = None
    if shared.cache is not None and all(made.store for made, _ in chosen):
        what = [(made.store.key, rows) for made, rows in chosen if made.store]
        key = hashlib.sha256(json.dumps(what).encode()).hexdigest()[:40]
        path = shared.cache / FACES / f"{key}-stacked.npy"
    return stacked(_pixels(chosen), count, path)


def _pixels(chosen: list[tuple[Made, list[int]]]) -> Iterable[Pixels]:
    for made, rows in chosen:
        if rows:
            pixels = made.pixels()
            yield from (pixels[row] for row in rows)


def _missing(recording: Recording, made: Made, asked: FaceClips) -> Iterable[Problem]:
    """Yield why clips that were asked for are not there."""
    for number, role, why in made.skipped:
        expression = recording.expressions[number]
        span = expression.interval
        origin = Origin(role, expression.kind, (recording.dataset, recording.name), span, ())
        if asked.wants(origin):
            what = {"original": "", "rsmix": "no mixed copy: ", "control": "no control: "}[role]
            where = f"{recording.name} {expression.kind} {span.first}-{span.last}"
            level: Level = "error" if role == "original" else "warning"
            yield Problem(level, where, what + why)
