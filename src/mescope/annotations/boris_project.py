"""Observations of a BORIS project: of which media, when, and their rows of events.

The time of an event is that of the media, plus the observation's time offset, plus (where the
observation says so) the moment at which the media was made, plus the lengths of the media that
are played before.  Source: project files of BORIS 7 to 9, https://www.boris.unito.it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mescope.annotations.choice import file_name, meant
from mescope.annotations.clock import Clock
from mescope.annotations.expression_table import KINDS
from mescope.annotations.files import listing, number, table, word
from mescope.annotations.problems import Remarks
from mescope.errors import DatasetError


@dataclass(frozen=True, slots=True)
class Row:
    """One event; ``time`` in seconds of the observation."""

    line: int  # from 1
    time: float
    subject: str
    code: str
    modifier: str
    comment: str


@dataclass(frozen=True, slots=True)
class Media:
    """One file of the first player: where it lies, when it is played, how fast it is."""

    path: str
    start: float  # s of the observation
    end: float
    rate: float | None

    @property
    def name(self) -> str:
        """Return what its file is called."""
        return file_name(self.path)


@dataclass
class Observation:
    """One observation while it is read."""

    name: str
    content: dict[str, Any]
    points: frozenset[str]  # codes that the project's ethogram calls point events
    clock: Clock | None
    remarks: Remarks
    shared: bool = False  # whether others are of the same media

    def note(self, line: int, text: str) -> None:
        """Say something about an event."""
        self.remarks.add(f"{self.name}, event {line}", text)

    def left_out_cell(self, code: str, line: int, error: ValueError | str) -> None:
        """Say that an event of another behaviour was left out, and why."""
        self.remarks.left_out_cell(code, f"{self.name}, event {line}", error)

    def left_out(self, line: int, error: ValueError | str) -> None:
        """Say that an expression was left out, and why."""
        self.remarks.left_out(f"{self.name}, event {line}", error)


def points_of(project: dict[str, Any]) -> frozenset[str]:
    """Return the codes of the project's point events."""
    kinds = table(project.get("behaviors_conf") or {}, "behaviors_conf")
    return frozenset(
        str(one.get("code"))
        for one in kinds.values()
        if isinstance(one, dict) and str(one.get("type")).lower().startswith("point")
    )


def chosen_of(
    observations: list[Observation], clock: Clock | None, name: str
) -> list[Observation]:
    """Return the observations of the recording, and mark those of a file that others share."""
    usable = [one for one in observations if is_usable(one)]
    names = [[*media_names(one.content), one.name] for one in usable]
    try:
        picked = [usable[i] for i in meant(names, clock)]
    except DatasetError as error:
        raise DatasetError(f"{name}: {error}") from None
    others = [one.name for one in usable if one not in picked]
    if others:
        picked[0].remarks.add(name, f"not of this recording, and not used: {', '.join(others)}")
    for one in picked:
        mine = set(media_names(one.content))
        one.shared = any(mine & set(media_names(o.content)) for o in usable if o is not one)
    return picked


def is_usable(observation: Observation) -> bool:
    """Say whether an observation is of media; the others are told and left out."""
    content, said = observation.content, ""
    if not isinstance(content, dict):
        said = "expected an object as an observation"
    elif content.get("type") == "IMAGES":
        said = "it is of single pictures, which have no times"
    elif content.get("type") == "LIVE" or not media_names(content):
        said = "it was coded live, its times belong to no recording"
    if said:
        observation.remarks.left_out(observation.name, said, count_of(content))
    return not said


def media_names(content: Any) -> list[str]:
    """Return what the media of the first player are called, as far as that can be read."""
    files = content.get("file") if isinstance(content, dict) else None
    first = files.get("1") if isinstance(files, dict) else None
    paths = first if isinstance(first, list) else []
    return [file_name(path) for path in paths if isinstance(path, str)]


def count_of(content: Any) -> int:
    """Return how many marks an observation that cannot be read may hold."""
    rows = content.get("events") if isinstance(content, dict) else None
    ours = [
        row
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, list) and len(row) > 2 and str(row[2]).lower() in KINDS
    ]
    return math.ceil(len(ours) / 2)


def media_of(observation: Observation, zero: float) -> list[Media]:
    """Return the files of the first player, with the span of each in the observation.

    They start ``zero`` seconds before mpv shows them: where other players show 0:00.
    """
    content = observation.content
    info = table(content.get("media_info") or {}, "media_info")
    files = table(content.get("file") or {}, "file")
    paths = [word(p, "a media file") for p in listing(files.get("1", []), "the media files")]
    others = [player for player, played in files.items() if player != "1" and played]
    if others:
        text = f"players {', '.join(others)} show other files; those are not used"
        observation.remarks.add(observation.name, text)
    offsets = table(info.get("offset") or {}, "offset")
    if number(offsets.get("1") or 0.0, "the offset"):
        raise ValueError("the first player has an offset; set it to 0 in BORIS")
    shift = number(content.get("time offset") or 0.0, "the time offset")
    lengths = table(info.get("length") or {}, "length")
    rates = table(info.get("fps") or {}, "fps")
    made, before = [], 0.0
    for path in paths:
        start = before + shift + _made_at(content, info, path) - zero
        if len(paths) > 1 and path not in lengths:
            raise ValueError(f"several media files, and no length of {path[:40]!r}")
        length = number(lengths[path], "a length") if len(paths) > 1 else math.inf
        made.append(Media(path, start, start + length, _rate(rates.get(path))))
        before += length
    return made


def _rate(fps: Any) -> float | None:
    """Return frames per second; None where the project does not know them."""
    try:
        found = number(fps, "fps")
    except ValueError:
        return None
    return found if found > 0 else None


def _made_at(content: dict[str, Any], info: dict[str, Any], path: str) -> float:
    """Return what an observation adds to all times of a media file: when it was made."""
    if not content.get("media_creation_date_as_offset"):
        return 0.0
    made = table(info.get("media_creation_time") or {}, "media_creation_time")
    if path not in made:
        raise ValueError(
            "its times count from when the media was made, and the project does not say when"
        )
    return number(made[path], "when the media was made")


def rows_of(observation: Observation) -> Iterator[Row]:
    """Yield the events of an observation; those that cannot be read are told."""
    events = listing(observation.content.get("events", []), "events")
    for line, cells in enumerate(events, start=1):
        try:
            yield _row(line, cells)
        except ValueError as error:
            where = f"{observation.name}, event {line}"
            observation.remarks.left_out(where, error, count=_may_be_a_mark(cells))


def _may_be_a_mark(cells: Any) -> int:
    """Return 0 for an event whose code says that it is none, else 1."""
    code = cells[2] if isinstance(cells, list) and len(cells) > 2 else None
    return int(not isinstance(code, str) or code.lower() in KINDS)


def _row(line: int, cells: Any) -> Row:
    row = listing(cells, "an event")
    if len(row) < 5:
        raise ValueError(
            f"expected time, subject, code, modifier, comment, found {len(row)} cells"
        )
    time = number(row[0], "the time")
    if abs(time) > 2**31:  # BORIS's own limit
        raise ValueError(f"expected a time in seconds, found {time}")
    return Row(line, time, *(word(c or "", "a cell of an event") for c in row[1:5]))


def file_of(media: list[Media], start: float, end: float) -> int | None:
    """Return which media file a span lies in; None: in none, or in two."""
    if len(media) == 1:
        return 0
    inside = [
        i for i, m in enumerate(media) if m.start <= start < m.end and end <= m.end + 1e-3
    ]
    return inside[0] if len(inside) == 1 else None
