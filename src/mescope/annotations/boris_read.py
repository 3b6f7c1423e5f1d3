"""Reads BORIS projects: what can be imported is, the rest is named.

The time of an event is that of the media, plus the observation's time offset, plus (where the
observation says so) the moment at which the media was made, plus the lengths of the media that
are played before.  Source: project files of BORIS 7 to 9, https://www.boris.unito.it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mescope.annotations import face_events
from mescope.annotations.annotation import Annotation, AnnotationSet, Contents, in_order
from mescope.annotations.boris import APEX
from mescope.annotations.choice import file_name, fitting, meant
from mescope.annotations.clock import Clock, Timeline, reconciled, with_apex
from mescope.annotations.elan import MODEL
from mescope.annotations.expression_table import KINDS
from mescope.annotations.files import listing, number, parse_json, read_json, table, word
from mescope.annotations.problems import Remarks
from mescope.annotations.stored import from_dict, set_from_facts
from mescope.errors import DatasetError

_OWN = "mescope "


@dataclass(frozen=True, slots=True)
class _Row:
    """One event; ``time`` in seconds of the observation."""

    line: int  # from 1
    time: float
    subject: str
    code: str
    modifier: str
    comment: str


@dataclass(frozen=True, slots=True)
class _Media:
    """One file of the first player: where it lies, when it is played, how fast it is."""

    path: str
    start: float  # s of the observation
    end: float
    rate: float | None

    @property
    def name(self) -> str:
        return file_name(self.path)


@dataclass
class _Observation:
    """One observation while it is read."""

    name: str
    content: dict[str, Any]
    points: frozenset[str]  # codes that the project's ethogram calls point events
    clock: Clock | None
    remarks: Remarks
    shared: bool = False  # whether others are of the same media

    def note(self, line: int, text: str) -> None:
        self.remarks.add(f"{self.name}, event {line}", text)

    def left_out(self, line: int, error: ValueError | str) -> None:
        self.remarks.left_out(f"{self.name}, event {line}", error)


def read(path: Path, clock: Clock | None = None) -> Contents:
    """Return the marks of a BORIS project, a set per media file of an observation.

    State events named micro- or macro-expression count; of several files that are played one
    after the other, each gets its own set and times.  Observations without media (live ones,
    single pictures) are left out.  Of a recording that is named, only its file is read.

    Args:
        path: the project, ``.boris``.
        clock: the recording's times; else frames follow from the rate in the project.

    Raises:
        DatasetError: it is not a BORIS project, no observation is of the recording, or an event
            lies outside it.
    """
    project = read_json(path, nan=True)
    if not isinstance(project, dict) or "observations" not in project:
        raise DatasetError(f'{path.name}: expected a BORIS project with "observations"')
    remarks = Remarks()
    sets: list[AnnotationSet] = []
    try:
        points = _points(project)
        observations = [
            _Observation(name, content, points, clock, remarks)
            for name, content in table(project["observations"], "observations").items()
        ]
    except ValueError as error:
        raise DatasetError(f"{path.name}: {error}") from None
    for observation in _chosen(observations, clock, path.name):
        try:
            sets += _sets(observation)
        except ValueError as error:
            remarks.left_out(observation.name, error, max(1, _count(observation.content)))
    remarks.check(path.name)
    return Contents(tuple(sets), tuple(remarks.said), remarks.lost)


def _points(project: dict[str, Any]) -> frozenset[str]:
    """Return the codes of the project's point events."""
    kinds = table(project.get("behaviors_conf") or {}, "behaviors_conf")
    return frozenset(
        str(one.get("code"))
        for one in kinds.values()
        if isinstance(one, dict) and str(one.get("type")).lower().startswith("point")
    )


def _chosen(
    observations: list[_Observation], clock: Clock | None, name: str
) -> list[_Observation]:
    """Return the observations of the recording, and mark those of a file that others share."""
    usable = [one for one in observations if _usable(one)]
    names = [[*_names(one.content), one.name] for one in usable]
    try:
        picked = [usable[i] for i in meant(names, clock)]
    except DatasetError as error:
        raise DatasetError(f"{name}: {error}") from None
    others = [one.name for one in usable if one not in picked]
    if others:
        picked[0].remarks.add(name, f"not of this recording, and not used: {', '.join(others)}")
    for one in picked:
        mine = set(_names(one.content))
        one.shared = any(mine & set(_names(o.content)) for o in usable if o is not one)
    return picked


def _usable(observation: _Observation) -> bool:
    """Say whether an observation is of media; the others are told and left out."""
    content, said = observation.content, ""
    if not isinstance(content, dict):
        said = "expected an object as an observation"
    elif content.get("type") == "IMAGES":
        said = "it is of single pictures, which have no times"
    elif content.get("type") == "LIVE" or not _names(content):
        said = "it was coded live, its times belong to no recording"
    if said:
        observation.remarks.left_out(observation.name, said, _count(content))
    return not said


def _names(content: Any) -> list[str]:
    """Return what the media of the first player are called, as far as that can be read."""
    files = content.get("file") if isinstance(content, dict) else None
    first = files.get("1") if isinstance(files, dict) else None
    paths = first if isinstance(first, list) else []
    return [file_name(path) for path in paths if isinstance(path, str)]


def _count(content: Any) -> int:
    """Return how many marks an observation that cannot be read may hold."""
    rows = content.get("events") if isinstance(content, dict) else None
    ours = [
        row
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, list) and len(row) > 2 and str(row[2]).lower() in KINDS
    ]
    return math.ceil(len(ours) / 2)


def _sets(observation: _Observation) -> list[AnnotationSet]:
    """Return the sets of an observation; ValueError says why none of it can be read."""
    clock, facts = observation.clock, _facts(observation)
    zero = facts.mpv_zero if facts else clock.mpv_zero if clock else 0.0
    media = _media(observation, zero)
    rows = list(_rows(observation))
    facts = facts if len(media) == 1 else None
    wanted = set(range(len(media)))
    if clock is not None and clock.times is not None and len(media) > 1:
        wanted = set(fitting([[one.name] for one in media], clock.video))
        if not wanted:
            raise ValueError(
                f"it plays {', '.join(m.name[:40] for m in media)} one after the other, none "
                f"is called {clock.video[:60]}; name one with --part"
            )
    by_file: dict[int, list[Annotation]] = {i: [] for i in wanted}
    apexes = [row for row in rows if row.code == APEX]
    for start, stop in _pairs(rows, observation):
        i = _file_of(media, start.time, stop.time)
        if i is None:
            observation.left_out(start.line, "it lies in no media file or in two")
        elif i in wanted:
            try:
                by_file[i].append(_mark(observation, start, stop, apexes, media[i], facts))
            except ValueError as error:
                observation.left_out(start.line, error)
    return [
        replace(facts, marks=in_order(by_file[i]), part=observation.name)
        if facts
        else AnnotationSet(
            video=media[i].name,
            rate=clock.rate if clock else media[i].rate,
            marks=in_order(by_file[i]),
            part=observation.name,
        )
        for i in sorted(wanted)
    ]  # fmt: skip


def _media(observation: _Observation, zero: float) -> list[_Media]:
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
        made.append(_Media(path, start, start + length, _rate(rates.get(path))))
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


def _facts(observation: _Observation) -> AnnotationSet | None:
    """Return the facts that mescope left in the description, if it wrote the project."""
    text = observation.content.get("description") or ""
    if not isinstance(text, str) or not text.startswith(_OWN):
        return None
    try:
        return set_from_facts(parse_json(text.removeprefix(_OWN), observation.name))
    except (DatasetError, ValueError):
        observation.remarks.add(observation.name, "the description was not understood")
        return None


def _rows(observation: _Observation) -> Iterator[_Row]:
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


def _row(line: int, cells: Any) -> _Row:
    row = listing(cells, "an event")
    if len(row) < 5:
        raise ValueError(
            f"expected time, subject, code, modifier, comment, found {len(row)} cells"
        )
    time = number(row[0], "the time")
    if abs(time) > 2**31:  # BORIS's own limit
        raise ValueError(f"expected a time in seconds, found {time}")
    return _Row(line, time, *(word(c or "", "a cell of an event") for c in row[1:5]))


def _pairs(rows: list[_Row], observation: _Observation) -> Iterator[tuple[_Row, _Row]]:
    """Yield starts with their stops; name codes that are unknown and rows without partner.

    BORIS pairs rows of the same subject, code and modifier in turn, so where one is missing,
    all rows like it are in doubt.
    """
    groups: dict[tuple[str, str, str], list[_Row]] = {}
    unknown: dict[str, int] = {}
    for row in sorted(rows, key=lambda row: row.time):  # stable: as BORIS sorts
        if row.code == APEX or row.code in face_events.CODES.values():
            continue
        if row.code.lower() not in KINDS:
            unknown[row.code] = unknown.get(row.code, 0) + 1
        elif row.code in observation.points:
            observation.left_out(row.line, f"{row.code} is a point event, it has no end")
        else:
            groups.setdefault((row.subject, row.code, row.modifier), []).append(row)
    for (_, code, _), group in groups.items():
        if len(group) % 2 == 0:
            yield from zip(group[::2], group[1::2], strict=True)
        elif len(group) == 1:
            observation.left_out(group[0].line, f"the {code} starts and has no stop")
        else:
            lines = ", ".join(str(row.line) for row in group)
            text = f"a start or stop of {code} is missing among events {lines}"
            observation.remarks.left_out(observation.name, text, len(group) // 2 + 1)
    for code, count in unknown.items():
        text = f"{count} events of {code[:40]!r} left out, no kind of expression"
        observation.remarks.add(observation.name, text)


def _file_of(media: list[_Media], start: float, end: float) -> int | None:
    if len(media) == 1:
        return 0
    inside = [
        i for i, m in enumerate(media) if m.start <= start < m.end and end <= m.end + 1e-3
    ]
    return inside[0] if len(inside) == 1 else None


def _mark(
    observation: _Observation, start: _Row, stop: _Row, apexes: list[_Row], media: _Media,
    facts: AnnotationSet | None,
) -> Annotation:  # fmt: skip
    """Return the mark of a pair; ValueError says what is wrong with it."""
    first, last = start.time - media.start, stop.time - media.start
    about = facts or AnnotationSet(video=media.name, rate=media.rate)
    timeline = Timeline.of(about, observation.clock)
    inside = [
        row.time - media.start
        for row in apexes
        if row.subject == start.subject and start.time <= row.time <= stop.time
    ]
    if not stop.comment.startswith("{"):
        placed = timeline.placed(first, last, inside[0] if inside else None)
        return _foreign(start, placed, observation)
    try:
        kept = from_dict(table(parse_json(stop.comment, "the comment"), "the comment"))
    except DatasetError as error:
        raise ValueError(str(error)) from None
    kept = replace(kept, kind=KINDS[start.code.lower()], note=start.comment)
    mark, remark = reconciled(kept, first, last, digits=3, timeline=timeline)
    expected = math.nan
    if mark.apex_s is not None:
        shown = round((mark.apex_s + timeline.kept_from) * 1000) / 1000
        expected = min(max(shown, first), last)
    mark, second = with_apex(mark, inside, expected, timeline)
    for text in filter(None, (remark, second)):
        observation.note(start.line, text)
    return mark


def _foreign(start: _Row, placed: dict[str, Any], observation: _Observation) -> Annotation:
    """Return a mark that a person made in BORIS."""
    face, _, source = start.subject.partition("#")
    if not source and observation.shared:
        source = observation.name  # observations of one recording are those of several people
    return Annotation(
        kind=KINDS[start.code.lower()],
        origin="model" if source == MODEL else "coder",
        source="" if source == MODEL else source,
        face=face or "0",
        emotion=None if start.modifier in ("", "None") else start.modifier,
        note=start.comment,
        **placed,
    )
