"""What every data set reader hands back: checked records and what was wrong, never pixels.

Frames count from 0 and both ends are included.  Frame 0 is the first picture or video frame of
the record, so ``open_video(clip.folder, rate=clip.rate)`` shows exactly these frames; seconds
are relative to that frame.  A sheet's own numbers are converted once, by the reader.

A table that cannot be read at all raises :class:`~mescope.errors.DatasetError`.  A row that
makes no sense is left out and becomes a :class:`Problem` of level "error"; a row that is used
although something is odd about it one of level "warning".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from mescope.annotations.problems import Problem
from mescope.errors import DatasetError
from mescope.events import Expression, FaceEvent, Recording, Seconds
from mescope.labels import RENDERED
from mescope.moved import renamed
from mescope.registry import Registry

if TYPE_CHECKING:
    from pandas import DataFrame

_NAMED = 5  # names spelled out in one grouped message


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A folder of numbered pictures, or a video file, that shows one expression.

    Frame ``f`` is the picture numbered ``first_number + f``, or that frame of the file (then
    ``folder`` is the file and ``first_number`` 0); ``missing`` are the frames whose
    pictures do not exist.  ``emotion_raw`` and ``au_raw`` are the cells as the sheet has them.
    """

    dataset: str
    subject: str
    name: str
    folder: Path
    first_number: int
    frames: int  # from the first to the last picture number, missing ones included
    rate: float  # native frames per second
    expression: Expression
    seconds: Seconds
    missing: tuple[int, ...] = ()
    emotion_raw: str = ""
    au_raw: str = ""
    objective_class: int | None = None
    emotions: tuple[str, ...] = ()  # where a data set names several at once (4DME)
    part: str = ""  # of a published split: "train", or the name of a test part (DFME)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """All records of a data set in the order of its table, and all that was wrong.

    ``seconds`` holds, for the name of every recording, the times of its expressions, in order;
    ``events`` its blinks, where somebody annotated them.  ``table_rows`` counts the rows of the
    tables that name an expression, each of them once: as many as there are expressions here and
    rows of errors.  It is None where no table says what there is.
    """

    name: str
    clips: tuple[Clip, ...] = ()
    recordings: tuple[Recording, ...] = ()
    problems: tuple[Problem, ...] = ()
    seconds: Mapping[str, tuple[Seconds, ...]] = field(default_factory=dict)
    events: Mapping[str, tuple[FaceEvent, ...]] = field(default_factory=dict)
    table_rows: int | None = None

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Return the problems because of which a row or a clip was left out."""
        return tuple(p for p in self.problems if p.level == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """Return the problems of rows and clips that are used."""
        return tuple(p for p in self.problems if p.level == "warning")

    @property
    def subjects(self) -> tuple[str, ...]:
        """Return the people, sorted, each once."""
        people = {r.subject for r in self.recordings} | {c.subject for c in self.clips}
        return tuple(sorted(people))

    def summary(self) -> dict[str, Any]:
        """Return what ``mescope datasets check`` shows, by the words that it shows."""
        rates = [c.rate for c in self.clips] + [r.rate for r in self.recordings]
        pairs = [(clip.expression, clip.rate) for clip in self.clips]
        pairs += [(e, one.rate) for one in self.recordings for e in one.expressions]
        lengths = sorted((e.interval.last - e.interval.first + 1) / rate for e, rate in pairs)
        summary: dict[str, Any] = {
            "name": self.name,
            "clips": len(self.clips),
            "recordings": len(self.recordings),
            "subjects": len(self.subjects),
            "rates": {f"{rate:g}": n for rate, n in sorted(Counter(rates).items())},
            "kinds": dict(Counter(e.kind for e, _ in pairs)),
            "emotions": dict(Counter(e.emotion or "(none)" for e, _ in pairs).most_common()),
            "without an apex": sum(e.apex is None for e, _ in pairs),
            "frames missing": sum(len(clip.missing) for clip in self.clips),
        }
        if self.table_rows is not None:
            summary["rows of the tables"] = self.table_rows
            summary["rows left out"] = sum(problem.rows for problem in self.errors)
        if self.events:
            kinds = Counter(e.kind for many in self.events.values() for e in many)
            summary["events"] = dict(kinds)
        if lengths:
            middle = lengths[len(lengths) // 2]
            summary["seconds"] = {
                "shortest": lengths[0], "middle": middle, "longest": lengths[-1]
            }  # fmt: skip
        return summary

    def rows(self) -> list[dict[str, Any]]:
        """Return one dictionary for each expression, keys :data:`COLUMNS`.

        A recording without expressions has one row, without kind and frames.
        """
        found = [_row(clip, clip.folder, clip.expression, clip.seconds) for clip in self.clips]
        for one in self.recordings:
            times = self.seconds.get(one.name, ())
            for number, expression in enumerate(one.expressions):
                known = len(times) == len(one.expressions)
                seconds = times[number] if known else seconds_at(expression, one.rate)
                found.append(_row(one, one.path, expression, seconds))
            if not one.expressions:
                found.append(_row(one, one.path, None, None))
        return found

    def to_pandas(self) -> DataFrame:
        """Return :meth:`rows` as a table; frames are whole numbers or missing (Int64)."""
        import pandas as pd

        table = pd.DataFrame(self.rows(), columns=list(COLUMNS))
        whole = dict.fromkeys(("onset", "apex", "offset", "frames"), "Int64")
        return table.astype(whole).astype(dict.fromkeys(_SECONDS, "float64"))


_SECONDS = ("onset_s", "apex_s", "offset_s")
COLUMNS = (
    "dataset", "subject", "name", "kind", "onset", "apex", "offset", "emotion", "emotion_raw",
    "au", "rate", "frames", *_SECONDS, "path",
)  # fmt: skip
"""Columns of :meth:`Dataset.rows`: frames from 0, both ends included; ``_s`` seconds;
``frames`` and ``rate`` are those of the clip or recording; ``au`` as in ``4+L10``."""


def _row(
    one: Clip | Recording,
    path: Path | str | None,
    expression: Expression | None,
    seconds: Seconds | None,
) -> dict[str, Any]:
    span = None if expression is None else expression.interval
    return {
        "dataset": one.dataset,
        "subject": one.subject,
        "name": one.name,
        "kind": expression and expression.kind,
        "onset": span and span.first,
        "apex": expression and expression.apex,
        "offset": span and span.last,
        "emotion": expression and expression.emotion,
        "emotion_raw": getattr(one, "emotion_raw", "") or (expression and expression.emotion),
        "au": "+".join(expression.action_units) if expression else "",
        "rate": one.rate,
        "frames": one.frames,
        "onset_s": seconds and seconds.onset,
        "apex_s": seconds and seconds.apex,
        "offset_s": seconds and seconds.offset,
        "path": None if path is None else str(path),
    }


RENDERED_MARK = "RENDERED.txt"
"""A file in the root of a data set that says: these faces are drawn, whatever the layout."""


def as_rendered(dataset: Dataset) -> Dataset:
    """Return records that say they are of nobody: their data set is ``RENDERED``.

    Reports, cards and pages take the note from there that their faces are simulated.
    """
    return replace(
        dataset,
        clips=tuple(replace(clip, dataset=RENDERED) for clip in dataset.clips),
        recordings=tuple(replace(one, dataset=RENDERED) for one in dataset.recordings),
    )


class Checked(Protocol):
    """What every reader returns: a :class:`Dataset`, or maps where nothing else is there."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Return all that was wrong."""
        ...

    def summary(self) -> dict[str, Any]:
        """Return what ``mescope datasets check`` shows, by the words that it shows."""
        ...

    def rows(self) -> list[dict[str, Any]]:
        """Return one dictionary for each expression or map, of all that is known about it."""
        ...


class Folders(NamedTuple):
    """How a copy looks: names of people's folders, and of what is inside, as patterns."""

    title: str
    person: str
    inside: str


Reader = Callable[..., Checked]
"""Takes the root, and most the keyword ``table``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A data set that mescope can read.

    Attributes:
        title: what people call it.
        reader: returns its records.
        obtain: how a user gets it, and under which licence.
        folders: how a copy looks, so that a wrong one can be named.
        one_file: whether the root may be a file, too.
    """

    title: str
    reader: Reader
    obtain: str
    folders: Folders | None = None
    one_file: bool = False


DATASETS: Registry[Source] = Registry("data set", "mescope.datasets", DatasetError)
"""Every data set that can be read, by the name to ask for it."""

AnyReader = TypeVar("AnyReader", bound=Reader)


def reader_of(
    name: str,
    title: str,
    *,
    obtain: str,
    folders: Folders | None = None,
    one_file: bool = False,
) -> Callable[[AnyReader], AnyReader]:
    """Register the decorated function as the reader of a data set; see :class:`Source`.

    Raises:
        ValueError: the name is taken.
    """

    def register(reader: AnyReader) -> AnyReader:
        source = Source(
            title=title, reader=reader, obtain=obtain, folders=folders, one_file=one_file
        )
        DATASETS.register(name)(source)
        return reader

    return register


def signed_licence(authors: str) -> str:
    """Return how to obtain what its authors give away under a licence to be signed."""
    return f"from its authors ({authors}), under a signed licence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A known error of a sheet: ``column`` of a clip becomes ``now`` where ``given`` holds.

    ``given`` names the cells, by column, that show the error still stands: the wrong value, or
    the cells that contradict it.
    """

    subject: str
    name: str
    column: str
    given: Mapping[str, object]
    now: object
    why: str


def corrected(
    cells: Mapping[str, object], key: tuple[str, str], corrections: Iterable[Correction]
) -> tuple[dict[str, object], list[str]]:
    """Return the cells of a row with the corrections for ``key`` (subject, clip), and messages.

    Nothing happens where the cell is already right; a row that says neither the known wrong nor
    the right value stays as it is and gets a message.
    """
    cells, messages = dict(cells), []
    for c in corrections:
        found = cells.get(c.column)
        if (c.subject, c.name) != key or found == c.now:
            continue
        if all(cells.get(column) == value for column, value in c.given.items()):
            cells[c.column] = c.now
            messages.append(f"{c.column} {found!r} corrected to {c.now!r}: {c.why}")
        else:
            expected = ", ".join(f"{k} {v!r}" for k, v in c.given.items())
            messages.append(
                f"the known error in {c.column} is not there: expected {expected}, found "
                f"{c.column} {found!r}; left as it is, another release of the table?"
            )
    return cells, messages


def some(names: Iterable[str]) -> str:
    """Return the first names and how many more there are.

    >>> some("abcdefg")
    'a, b, c, d, e and 2 more'
    """
    given = list(names)
    more = len(given) - _NAMED
    return ", ".join(given[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def seconds_at(expression: Expression, rate: float) -> Seconds:
    """Return the times of an expression's frames in pictures taken at a steady rate."""
    apex = expression.apex
    return Seconds(
        expression.interval.first / rate,
        None if apex is None else apex / rate,
        expression.interval.last / rate,
    )


__getattr__ = renamed(
    __name__,
    {
        "place": "mescope.annotations.problems.place",
        "Level": "mescope.annotations.problems.Level",
    },
)
