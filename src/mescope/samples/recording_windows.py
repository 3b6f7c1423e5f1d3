"""Annotated recordings as windows of regional motion: what spotting models train on.

A recording is measured once, whatever is done with it afterwards: training, any fold's test,
a spotter without a network.  What was measured is kept by the *listing* of its pictures (names,
sizes, times of change), so that a second run reads no picture at all.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mescope.annotations.problems import Problem
from mescope.datasets import samm_long, smic_long
from mescope.datasets.base import Dataset
from mescope.datasets.clips import Findings
from mescope.errors import DatasetError, MescopeError, TooShortError
from mescope.evaluation.folds import Person
from mescope.events import Expression, Interval, Recording
from mescope.io.cache import Store
from mescope.io.json_text import json_value
from mescope.io.parallel import run_jobs
from mescope.io.progress import Progress
from mescope.motion.roi_flow import VERSIONS, RoiFlow, Timing, extract
from mescope.samples.frame_kinds import AnnotatedFrames
from mescope.samples.recording_maps import PairMaps, pair_maps
from mescope.samples.spotting_kinds import AnnotatedRecordings
from mescope.video.reading import Video, open_video

_BLOCK = 1 << 16  # bytes of a video that are looked at in one place

HOME = {samm_long.NAME: samm_long.PEOPLE, smic_long.NAME: smic_long.PEOPLE}
"""Data sets that share people and words for emotions with another one, and that one.

Their people are named after it, so that a split over both keeps a person on one side."""


@dataclass(frozen=True, kw_only=True)
class RecordingWindows:
    """One recording as spotting models see it.

    Attributes:
        recording: the record; its expressions are in native frames.
        windows: (W, 2R, k) float32, as in :class:`~mescope.motion.roi_flow.RoiFlow`.
        valid: (W, k) bool; False where no face was measured.
        frames: (n,) int64 native frame number of every decimated frame.
        padded: how many of the last ``frames`` only repeat the last frame.
        timing: window, hop, step and rate.
        regions: names of the R regions.
        mode: ``clean`` or ``as_published``.
        warnings: one line each.
        maps: flow maps of pairs of frames, for networks that score frames.
    """

    recording: Recording
    windows: NDArray[np.float32]
    valid: NDArray[np.bool_]
    frames: NDArray[np.int64]
    padded: int
    timing: Timing
    regions: tuple[str, ...]
    mode: str
    warnings: tuple[str, ...] = ()
    maps: PairMaps | None = None

    @property
    def person(self) -> Person:
        """(data set, subject), the data set of :data:`HOME` where there is one."""
        return HOME.get(self.recording.dataset, self.recording.dataset), self.recording.subject

    @property
    def key(self) -> str:
        """Data set, subject and name, for people to read."""
        return key_of(self.recording)

    @property
    def used(self) -> int:
        """Number of decimated frames that some window covers."""
        return (len(self.windows) + 1) * self.timing.hop

    @property
    def minutes(self) -> float:
        """Length of what windows cover, in minutes."""
        return (self.used - self.padded) / self.timing.rate / 60

    def decimated(self, interval: Interval) -> Interval:
        """Return native frames as positions in ``frames``, both ends rounded down.

        The same as division by the step where the step is steady, as in published codes.
        """
        real = self.frames[: len(self.frames) - self.padded]
        ends = np.array([interval.first, interval.last])
        first, last = np.maximum(np.searchsorted(real, ends, side="right") - 1, 0)
        return Interval(int(first), int(last))

    def native(self, interval: Interval) -> Interval:
        """Return the native frames that decimated ones stand for, ``step`` for each."""
        last = int(self.frames[min(interval.last, len(self.frames) - 1)])
        first = int(self.frames[min(interval.first, len(self.frames) - 1)])
        ends = max(self.recording.frames - 1, first)
        return Interval(first, min(max(last + self.timing.step - 1, first), ends))

    def expressions(self, kinds: Sequence[str] = ("micro", "macro")) -> list[Expression]:
        """Return the expressions of these kinds in decimated frames."""
        return [
            replace(e, interval=self.decimated(e.interval), apex=None)
            for e in self.recording.expressions
            if e.kind in kinds
        ]

    def flow(self) -> RoiFlow:
        """Return what was measured as a spotter takes it; without faces and landmarks."""
        count = len(self.windows)
        return RoiFlow(
            windows=self.windows, timing=self.timing, frames=self.frames,
            times=self.frames / self.recording.rate, valid=self.valid,
            boxes=np.full((count, 4), np.nan, np.float32),
            landmarks=np.full((count, 68, 2), np.nan, np.float32),
            regions=self.regions, mode=self.mode, parameters={}, warnings=self.warnings,
            padded=self.padded,
        )  # fmt: skip


class MeasuredRecordings(NamedTuple):
    """Recordings that were measured, those that could not be, and all that was wrong.

    ``unmeasured`` were seen and are too short: whatever happens in them is missed.  A recording
    whose file is not there is in neither list, since nobody could have judged it; ``lost``
    counts the expressions in such ones.
    """

    measured: tuple[RecordingWindows, ...]
    unmeasured: tuple[Recording, ...] = ()
    problems: tuple[Problem, ...] = ()
    lost: int = 0

    def looked_at(self) -> Iterator[tuple[Recording, RecordingWindows | None]]:
        """Yield every recording that there is; None: it is too short."""
        yield from ((one.recording, one) for one in self.measured)
        yield from ((record, None) for record in self.unmeasured)


def measure_recordings(
    dataset: Dataset,
    wanted: AnnotatedRecordings,
    *,
    cache: Path | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> MeasuredRecordings:
    """Measure every recording of a data set, in its order.

    Args:
        dataset: recordings from a reader.
        wanted: which recordings, regions and mode.
        cache: folder that keeps what was measured, a file for each recording.
        jobs: processes.
        progress: called after every recording.

    Raises:
        DatasetError: no recordings, or none of them can be measured.
    """
    records = chosen_recordings(dataset, wanted)
    findings = Findings(dataset.name)
    found: dict[int, RecordingWindows | str] = {}
    short: set[int] = set()
    cache = None if cache is None else cache.absolute()
    if progress:
        progress(0, len(records))
    for number, result in run_jobs(
        _measure_one, _Shared(tuple(records), wanted, cache), range(len(records)), jobs=jobs
    ):
        found[number] = result.windows or result.trouble
        if result.short:
            short.add(number)
        if progress:
            progress(len(found), len(records))
    measured: list[RecordingWindows] = []
    for number in sorted(found):
        one = found[number]
        if isinstance(one, str):
            findings.error(key_of(records[number]), one)
            continue
        for warning in one.warnings:
            findings.warning(one.key, warning)
        measured.append(one)
    if not measured:
        first = findings.single[0]
        raise DatasetError(
            f"{dataset.name}: none of {len(records)} recordings can be used; the first, "
            f"{first.where}: {first.message}"
        )
    gone = [n for n, one in found.items() if isinstance(one, str) and n not in short]
    return MeasuredRecordings(
        tuple(measured),
        tuple(records[n] for n in sorted(short)),
        findings.problems(),
        sum(len(records[n].expressions) for n in gone),
    )


def chosen_recordings(dataset: Dataset, wanted: AnnotatedRecordings) -> list[Recording]:
    """Return the recordings that are trained and tested on.

    Raises:
        DatasetError: there are none, or none with a micro-expression where that is asked for.
    """
    if not dataset.recordings:
        more = "; its clips are for recipes that name clips" if dataset.clips else ""
        raise DatasetError(f"{dataset.name}: expected recordings, found none{more}")
    if wanted.videos == "all":
        return list(dataset.recordings)
    some = [r for r in dataset.recordings if any(e.kind == "micro" for e in r.expressions)]
    if not some:
        raise DatasetError(
            f"{dataset.name}: expected recordings with a micro-expression, found none in "
            f'{len(dataset.recordings)}; take [data] videos = "all"'
        )
    return some


class _Shared(NamedTuple):
    records: tuple[Recording, ...]
    wanted: AnnotatedRecordings
    cache: Path | None


class _Measured(NamedTuple):
    windows: RecordingWindows | None
    trouble: str = ""
    short: bool = False  # there is a video, of fewer frames than a window


def _measure_one(shared: _Shared, number: int) -> _Measured:
    """Measure a recording, or read what was kept of it."""
    record, wanted = shared.records[number], shared.wanted
    try:
        path = _path(record)
        store = None if shared.cache is None else Store(shared.cache, _identity(path, wanted))
        one = _kept(path, record, store, wanted)
        flow: RoiFlow | None = None
        if one is None:
            flow = extract(_opened(path, record), jobs=1, **wanted.extraction())
            one = RecordingWindows(
                recording=record, windows=flow.windows, valid=flow.valid, frames=flow.frames,
                padded=flow.padded, timing=flow.timing, regions=flow.regions, mode=flow.mode,
                warnings=flow.warnings,
            )  # fmt: skip
            if store:
                store.save("windows", to_arrays(one))
        if isinstance(wanted, AnnotatedFrames):
            maps = pair_maps(
                wanted, store, one.flow(), lambda: _opened(path, record),
                lambda: flow or extract(_opened(path, record), jobs=1, **wanted.extraction()),
            )  # fmt: skip
            one = replace(one, maps=maps)
        return _Measured(one)
    except TooShortError as error:
        return _Measured(None, str(error), short=True)
    except (MescopeError, OSError) as error:
        return _Measured(None, str(error))


def _kept(
    path: Path, record: Recording, store: Store | None, wanted: AnnotatedRecordings
) -> RecordingWindows | None:
    """Return the windows that were kept of a recording, cut at its rate."""
    arrays = store.load("windows") if store else None
    if arrays is None:
        return None
    one = from_arrays(record, arrays, wanted.region_names, wanted.mode)
    return one if path.is_file() or _of_rate(one, record.rate) else None


def _opened(path: Path, record: Recording) -> Video:
    return open_video(path, rate=record.rate if path.is_dir() else None)


def _of_rate(one: RecordingWindows, rate: float) -> bool:
    """Say whether windows were cut at a rate; pictures have no times, so it may be put right.

    Compared here instead of in the key, so that what older versions kept is still found.
    """
    return math.isclose(one.timing.step * one.timing.rate, rate)


def _path(record: Recording) -> Path:
    if record.path is None:
        raise DatasetError("the record names no file; give the folder of the recordings")
    return Path(record.path)


def _identity(path: Path, wanted: AnnotatedRecordings) -> dict[str, Any]:
    """Return what decides the numbers: the extraction, and the listing of the pictures."""
    listing = [list(entry) for entry in _listing(path)]
    found: dict[str, Any] = {
        "version": VERSIONS[wanted.mode],
        "regions": wanted.regions,
        "mode": wanted.mode,
        "listing": listing,
    }
    if not path.is_dir():
        found["shown"] = _blocks(path)
    elif len({size for _, size, _ in listing}) == 1:
        found["shown"] = _shown([path / str(name) for name, _, _ in listing])
    return found


def _blocks(path: Path) -> str:
    """Return SHA-256 of the beginning, the middle and the end of a video, 64 KiB each.

    The folder is no part of the key, so that a data set may move; but archives may make all
    times alike, and people's videos may share names and sizes.
    """
    digest, size = hashlib.sha256(), path.stat().st_size
    with path.open("rb") as file:
        for start in (0, size // 2, size - _BLOCK):
            file.seek(max(0, start))
            digest.update(file.read(_BLOCK))
    return digest.hexdigest()


def _shown(files: Sequence[Path]) -> str:
    """Return SHA-256 of the first, the middle and the last picture.

    Pictures that are not packed are all of one size, and archives may make all times alike:
    then two recordings of one length have one listing.
    """
    digest = hashlib.sha256()
    for place in sorted({0, len(files) // 2, len(files) - 1}):
        if files[place].is_file():
            digest.update(files[place].read_bytes())
    return digest.hexdigest()


def _listing(path: Path) -> Iterator[tuple[str, int, int]]:
    """Yield name, size and time of change of a file, or of every file of a folder."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    for file in files:
        known = file.stat()
        yield file.name, known.st_size, known.st_mtime_ns


def to_arrays(one: RecordingWindows) -> dict[str, NDArray[Any]]:
    """Return everything but the record, for :meth:`mescope.io.cache.Store.save`."""
    plan = {
        "window": one.timing.window, "hop": one.timing.hop, "step": one.timing.step,
        "rate": one.timing.rate, "padded": one.padded, "warnings": list(one.warnings),
    }  # fmt: skip
    text = np.frombuffer(json.dumps(plan).encode(), dtype=np.uint8)
    return {"windows": one.windows, "valid": one.valid, "frames": one.frames, "plan": text}


def from_arrays(
    record: Recording, arrays: dict[str, NDArray[Any]], regions: tuple[str, ...], mode: str
) -> RecordingWindows:
    """Return what :func:`to_arrays` was given."""
    plan = json_value(arrays["plan"].tobytes())
    return RecordingWindows(
        recording=record,
        windows=arrays["windows"],
        valid=arrays["valid"],
        frames=arrays["frames"],
        padded=plan["padded"],
        timing=Timing(plan["window"], plan["hop"], plan["step"], plan["rate"]),
        regions=regions,
        mode=mode,
        warnings=tuple(plan["warnings"]),
    )


def hash_of(some: Iterable[RecordingWindows]) -> str:
    """Return SHA-256 of what was measured and of its annotations, to tell runs apart."""
    digest = hashlib.sha256()
    for one in some:
        digest.update(repr((one.recording.dataset, one.recording.subject)).encode())
        digest.update(repr((one.recording.name, one.recording.expressions)).encode())
        digest.update(repr((one.timing, one.regions, one.mode, one.padded)).encode())
        for array in (one.windows, one.valid, one.frames):
            digest.update(np.ascontiguousarray(array).tobytes())
        if one.maps is not None:
            maps = one.maps
            digest.update(repr((maps.style, maps.flow, maps.k, maps.digest)).encode())
            digest.update(maps.valid.tobytes())
    return digest.hexdigest()


def key_of(recording: Recording) -> str:
    """Return data set, subject and name of a record, for people to read."""
    return f"{recording.dataset} {recording.subject}/{recording.name}"
