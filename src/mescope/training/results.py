"""Results of folds on disk, so that a run that was stopped goes on where it was.

``run.json`` says what the run is; ``folds/seed-S/NNN.json`` holds one finished job, and
``NNN.part`` the checkpoint of one that was stopped.  Every file is written in one step, so
whatever ends the run, a file is whole or not there.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar

from mescope.errors import MescopeError, OutputError, RecipeError
from mescope.evaluation.folds import Fold
from mescope.io.atomic import write_atomically
from mescope.io.json_text import json_value

VERSION = 1  # of the files; raised where their meaning, or what training computes, changes


PART = ".part"
"""Ending of the folder from which a job that was stopped goes on; it goes with the job."""


def job_path(folder: Path, seed: int, number: int, ending: str) -> Path:
    """Return where a job (seed, number of the fold) of the run in a folder is kept.

    >>> job_path(Path("runs/a"), 0, 7, PART).as_posix()
    'runs/a/folds/seed-0/007.part'
    """
    return folder / "folds" / f"seed-{seed}" / f"{number:03d}{ending}"


class UnfinishedError(MescopeError):
    """Folds of a run are missing, so it has no report yet; what is done is kept."""


def fold_numbers(text: str) -> frozenset[int]:
    """Return fold numbers from 0 from what people write, counted from 1.

    >>> sorted(fold_numbers("1-3,7"))
    [0, 1, 2, 6]

    Raises:
        RecipeError: it is something else.
    """
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        ends = first, last if dash else first
        if not all(end.isdecimal() and len(end) < 7 for end in ends):
            raise RecipeError(f"expected folds such as 1-10 or 3,7, found {text!r}")
        low, high = map(int, ends)
        if not 1 <= low <= high:
            raise RecipeError(f"expected folds from 1 on, the first before the last: {text!r}")
        found.update(range(low - 1, high))
    return frozenset(found)


class JobResult(Protocol):
    """What a job leaves behind: a dataclass whose fields go into JSON."""

    @property
    def fold(self) -> str:
        """Name of the fold."""
        ...

    @property
    def seconds(self) -> float:
        """How long the job took."""
        ...

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> Self:
        """Return the result from what JSON made of it.

        Raises:
            KeyError, TypeError, ValueError: it is no such result.
        """
        ...

    def answers(self, fold: Fold) -> bool:
        """Say whether it is about the test items of a fold."""
        ...


Result = TypeVar("Result", bound=JobResult)


@dataclass(frozen=True, slots=True)
class FoldResult:
    """What one job found out about its test people, in the order of ``Fold.test``."""

    fold: str
    scores: tuple[tuple[float, ...], ...]  # per clip, one for each class
    oracle: tuple[int, ...] | None  # classes by the best epoch on the test person
    seconds: float
    control: tuple[
        tuple[float, ...], ...
    ] = ()  # of control clips, in the order of the examples
    chosen: Mapping[str, Any] = field(
        default_factory=dict
    )  # by people held out of training: the epoch, or what a search found

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> FoldResult:
        """See :class:`JobResult`."""
        return cls(
            fold=entry["fold"],
            scores=tuple(tuple(float(v) for v in row) for row in entry["scores"]),
            oracle=None if entry["oracle"] is None else tuple(entry["oracle"]),
            seconds=float(entry["seconds"]),
            control=tuple(tuple(float(v) for v in r) for r in entry.get("control", ())),
            chosen=dict(entry.get("chosen", {})),
        )

    def answers(self, fold: Fold) -> bool:
        """See :class:`JobResult`."""
        count = len(fold.test)
        asked = self.oracle is None or len(self.oracle) == count
        one_width = len({len(row) for row in (*self.scores, *self.control)}) == 1
        return self.fold == fold.name and len(self.scores) == count and asked and one_width


@dataclass(slots=True)
class Results(Generic[Result]):
    """Finished jobs of one run, by (seed, number of the fold); kept in ``folder`` if given.

    Raises:
        RecipeError: ``folder`` holds another run.
        OutputError: it cannot be used.
    """

    folder: Path | None
    identity: dict[str, Any]
    splits: dict[int, list[Fold]]
    kind: type[Result]
    warnings: list[str] = field(default_factory=list)
    _done: dict[tuple[int, int], Result] = field(default_factory=dict)
    _again: Callable[[tuple[int, int]], bool] = field(default=lambda _: False)

    def __post_init__(self) -> None:
        self.identity = json.loads(json.dumps(self.identity | {"version": VERSION}))
        self.identity["split"] = self.split_hash()
        if self.folder is None:
            return
        path = self.folder / "run.json"
        if path.exists():
            self._check(path)
            self._read()
        else:
            _folder(self.folder)
            write_atomically(path, json.dumps(self.identity, indent=1).encode())

    def __contains__(self, key: tuple[int, int]) -> bool:
        return key in self._done

    def __getitem__(self, key: tuple[int, int]) -> Result:
        return self._done[key]

    def __len__(self) -> int:
        return len(self._done)

    def missing(self, only: Collection[int] | None = None) -> list[tuple[int, int]]:
        """Return the jobs (seed, number of the fold) that are not done, of ``only`` folds."""
        return [
            (seed, number)
            for seed, folds in self.splits.items()
            for number in range(len(folds))
            if (seed, number) not in self and (only is None or number in only)
        ]

    def again(self, wanted: Callable[[tuple[int, int]], bool]) -> None:
        """Take finished jobs (seed, number) for missing: they are done and kept once more.

        ``wanted`` is asked again about what other parts of the run have finished.
        """
        self._again = wanted
        self._done = {job: done for job, done in self._done.items() if not wanted(job)}

    def check_whole(self) -> None:
        """Refuse a run of which jobs are missing; those that others did meanwhile are not.

        A part keeps its last job before it looks here, so of parts that end together at
        least one finds all of them.

        Raises:
            UnfinishedError: names them.
        """
        if self.folder is not None:
            self._read()
        missing = self.missing()
        if missing:
            every = sum(map(len, self.splits.values()))
            first = ", ".join(f"{n + 1} of seed {seed}" for seed, n in missing[:5])
            more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
            raise UnfinishedError(
                f"{every - len(missing)} of {every} folds are done, missing: {first}{more}; go "
                "on with --folds for them, or without it"
            )

    def keep(self, seed: int, number: int, result: Result) -> None:
        """Keep one result, on disk first.

        Raises:
            OutputError: the disk is full or the folder is gone; all earlier results are kept.
        """
        if self.folder is not None:
            path = self._path(seed, number)
            _folder(path.parent)
            values: Any = result
            write_atomically(path, json.dumps(asdict(values)).encode())
            shutil.rmtree(job_path(self.folder, seed, number, PART), ignore_errors=True)
        self._done[seed, number] = result

    def seconds(self) -> float:
        """Return how long all jobs together took, also those of earlier sessions."""
        return sum(result.seconds for result in self._done.values())

    def split_hash(self) -> str:
        """Return SHA-256 of who is trained on and who is tested, for every seed and fold."""
        text = json.dumps(
            [
                [s, [[f.name, f.train, f.test] for f in folds]]
                for s, folds in self.splits.items()
            ]
        )
        return hashlib.sha256(text.encode()).hexdigest()

    def _path(self, seed: int, number: int) -> Path:
        return job_path(self.folder or Path(), seed, number, ".json")

    def _check(self, path: Path) -> None:
        try:
            found = json_value(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RecipeError(
                f"{path} cannot be read ({error}); choose another folder"
            ) from None
        if not isinstance(found, dict) or found != self.identity:
            known = found if isinstance(found, dict) else {}
            differ = [k for k in self.identity if known.get(k) != self.identity[k]]
            raise RecipeError(
                f"{path.parent} holds the results of another run: {', '.join(differ)} differ; "
                "choose another folder, or restore what has changed"
            )

    def _read(self) -> None:
        """Read the finished jobs that are not known yet."""
        for seed, number in self.missing():
            path = self._path(seed, number)
            if path.exists() and not self._again((seed, number)):
                self._take(path, (seed, number), self.splits[seed][number])

    def _take(self, path: Path, key: tuple[int, int], fold: Fold) -> None:
        """Read one file; one that is damaged is reported and computed again."""
        try:
            result = self.kind.read(json_value(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            self._warn(f"{path.name} of {path.parent.name} was damaged: computed again")
            return
        if result.answers(fold):
            self._done[key] = result
        else:
            self._warn(f"{path.name} of {path.parent.name} is of another fold")

    def _warn(self, text: str) -> None:
        if text not in self.warnings:  # files are looked at more than once
            self.warnings.append(text)


def _folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {path}: {error}") from error
