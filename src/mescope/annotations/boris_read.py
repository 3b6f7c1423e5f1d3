"""Reads BORIS projects: what can be imported is, the rest is named."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from mescope.annotations import face_events
from mescope.annotations.annotation import Annotation, AnnotationSet, Contents, in_order
from mescope.annotations.boris import APEX
from mescope.annotations.clock import Clock, reconciled, with_apex
from mescope.annotations.elan import MODEL
from mescope.annotations.expression_table import KINDS
from mescope.annotations.files import listing, number, parse_json, read_json, table, word
from mescope.annotations.stored import from_dict, set_from_facts
from mescope.errors import DatasetError

_OWN = "mescope "


@dataclass(frozen=True, slots=True)
class _Row:
    """One event."""

    line: int  # from 1
    time: float
    subject: str
    code: str
    modifier: str
    comment: str


@dataclass
class _Observation:
    """One observation while it is read."""

    name: str
    media: list[tuple[str, float, float]]  # path, start and end in the observation, s
    rate: float | None
    clock: Clock | None
    remarks: list[str] = field(default_factory=list)

    def note(self, line: int, text: str) -> None:
        self.remarks.append(f"{self.name}, event {line}: {text}")


def read(path: Path, clock: Clock | None = None) -> Contents:
    """Return the marks of a BORIS project, a set per media file of an observation.

    State events named micro- or macro-expression count; of several files that are played one
    after the other, each gets its own set and times.

    Args:
        path: the project, ``.boris``.
        clock: the recording's times; else frames follow from the rate in the project.

    Raises:
        DatasetError: it is not a BORIS project.
    """
    project = read_json(path)
    if not isinstance(project, dict) or "observations" not in project:
        raise DatasetError(f'{path.name}: expected a BORIS project with "observations"')
    sets: list[AnnotationSet] = []
    remarks: list[str] = []
    try:
        observations = table(project["observations"], "observations")
    except ValueError as error:
        raise DatasetError(f"{path.name}: {error}") from None
    for name, content in observations.items():
        try:
            found = _observation(name, table(content, "an observation"), clock, remarks)
        except ValueError as error:
            remarks.append(f"{name}: left out, {error}")
            continue
        sets += found
    return Contents(tuple(sets), tuple(remarks))


def _observation(
    name: str, content: dict[str, Any], clock: Clock | None, remarks: list[str]
) -> list[AnnotationSet]:
    info = table(content.get("media_info") or {}, "media_info")
    media = _media(name, content, info, remarks)
    observation = _Observation(name, media, _rate(info, media), clock)
    rows = list(_rows(content, observation))
    facts = _facts(content, observation)
    by_file: dict[int, list[Annotation]] = {i: [] for i in range(len(media))}
    apexes = [row for row in rows if row.code == APEX]
    for start, stop in _pairs(rows, observation):
        i = _file_of(media, start.time, stop.time)
        if i is None:
            observation.note(start.line, "left out, it lies in no media file or in two")
            continue
        try:
            by_file[i].append(_mark(observation, start, stop, apexes, media[i][1]))
        except ValueError as error:
            observation.note(start.line, f"left out, {error}")
    remarks += observation.remarks
    rate = clock.rate if clock else observation.rate
    if len(media) == 1 and facts is not None:
        return [replace(facts, marks=in_order(by_file[0]))]
    return [
        AnnotationSet(
            video=PurePosixPath(p.replace("\\", "/")).name,
            rate=rate,
            marks=in_order(by_file[i]),
        )
        for i, (p, _, _) in enumerate(media)
    ]


def _media(
    name: str, content: dict[str, Any], info: dict[str, Any], remarks: list[str]
) -> list[tuple[str, float, float]]:
    """Return the files of the first player, with the span of each in the observation."""
    files = table(content.get("file") or {}, "file")
    paths = [word(p, "a media file") for p in listing(files.get("1", []), "the media files")]
    others = [player for player, played in files.items() if player != "1" and played]
    if others:
        remarks.append(
            f"{name}: players {', '.join(others)} show other files; those are not used"
        )
    offsets = table(info.get("offset") or {}, "offset")
    if number(offsets.get("1", 0.0), "the offset"):
        raise ValueError("the first player has an offset; set it to 0 in BORIS")
    if number(content.get("time offset") or 0.0, "the time offset"):
        remarks.append(f"{name}: the time offset is not used; times count from the media start")
    if len(paths) < 2:
        return [(paths[0] if paths else name, 0.0, float("inf"))]
    lengths = table(info.get("length") or {}, "length")
    spans, start = [], 0.0
    for path in paths:
        if path not in lengths:
            raise ValueError(f"several media files, and no length of {path[:40]!r}")
        end = start + number(lengths[path], "a length")
        spans.append((path, start, end))
        start = end
    return spans


def _rate(info: dict[str, Any], media: list[tuple[str, float, float]]) -> float | None:
    rates = table(info.get("fps") or {}, "fps")
    found = {number(rates[path], "fps") for path, _, _ in media if path in rates}
    if len(found) > 1:
        raise ValueError("the media files have different frame rates; code them one by one")
    rate = found.pop() if found else 0.0
    return rate if rate > 0 else None


def _facts(content: dict[str, Any], observation: _Observation) -> AnnotationSet | None:
    """Return the facts that mescope left in the description, if it wrote the project."""
    text = content.get("description") or ""
    if not isinstance(text, str) or not text.startswith(_OWN):
        return None
    try:
        return set_from_facts(parse_json(text.removeprefix(_OWN), observation.name))
    except (DatasetError, ValueError):
        observation.remarks.append(f"{observation.name}: the description was not understood")
        return None


def _rows(content: dict[str, Any], observation: _Observation) -> Iterator[_Row]:
    for line, cells in enumerate(listing(content.get("events", []), "events"), start=1):
        try:
            yield _row(line, cells)
        except ValueError as error:
            observation.note(line, f"left out, {error}")


def _row(line: int, cells: Any) -> _Row:
    row = listing(cells, "an event")
    if len(row) < 5:
        raise ValueError(
            f"expected time, subject, code, modifier, comment, found {len(row)} cells"
        )
    time = number(row[0], "the time")
    if not 0 <= time < 10**7:
        raise ValueError(f"expected a time from 0 on, found {time}")
    return _Row(line, time, *(word(c or "", "a cell of an event") for c in row[1:5]))


def _pairs(rows: list[_Row], observation: _Observation) -> Iterator[tuple[_Row, _Row]]:
    """Yield starts with their stops; name codes that are unknown and rows without partner."""
    opened: dict[tuple[str, str, str], _Row] = {}
    unknown: dict[str, int] = {}
    for row in sorted(rows, key=lambda row: row.time):  # stable: as BORIS sorts
        if row.code == APEX or row.code in face_events.CODES.values():
            continue
        if row.code.lower() not in KINDS:
            unknown[row.code] = unknown.get(row.code, 0) + 1
            continue
        key = (row.subject, row.code, row.modifier)
        if key in opened:
            yield opened.pop(key), row
        else:
            opened[key] = row
    for row in opened.values():
        observation.note(row.line, f"left out, the {row.code} starts and has no stop")
    for code, count in unknown.items():
        text = f"{count} events of {code[:40]!r} left out, no kind of expression"
        observation.remarks.append(f"{observation.name}: {text}")


def _file_of(media: list[tuple[str, float, float]], start: float, end: float) -> int | None:
    inside = [i for i, (_, a, b) in enumerate(media) if a <= start < b and end <= b + 1e-3]
    return inside[0] if len(inside) == 1 else None


def _mark(
    observation: _Observation, start: _Row, stop: _Row, apexes: list[_Row], shift: float
) -> Annotation:
    """Return the mark of a pair; ValueError says what is wrong with it."""
    first, last = start.time - shift, stop.time - shift
    kind = KINDS[start.code.lower()]
    rate = observation.clock.rate if observation.clock else observation.rate
    inside = [
        row.time - shift
        for row in apexes
        if row.subject == start.subject and start.time <= row.time <= stop.time
    ]
    if stop.comment.startswith("{"):
        try:
            kept = from_dict(table(parse_json(stop.comment, "the comment"), "the comment"))
        except DatasetError as error:
            raise ValueError(str(error)) from None
        mark, remark = reconciled(
            replace(kept, kind=kind, note=start.comment), first, last,
            digits=3, rate=rate, clock=observation.clock,
        )  # fmt: skip
        shown = None if mark.apex_s is None else round(mark.apex_s * 1000) / 1000
        expected = math.nan if shown is None else min(max(shown, first), last)
        mark, second = with_apex(mark, inside, expected, rate, observation.clock)
        for text in filter(None, (remark, second)):
            observation.note(start.line, text)
        return mark
    clock = observation.clock or (Clock(rate) if rate else None)
    if clock is None:
        raise ValueError("it has times only and no frame rate; name --video or --rate")
    return _foreign(start, kind, clock, (first, last), inside[0] if inside else None)


def _foreign(
    start: _Row, kind: Any, clock: Clock, ends: tuple[float, float], apex_s: float | None
) -> Annotation:
    face, _, source = start.subject.partition("#")
    interval = clock.interval(*ends)
    last_s = min(max(ends[0], clock.start_of(interval.last)), ends[1])
    apex = None
    if apex_s is not None:
        apex = min(max(clock.frame_at(apex_s), interval.first), interval.last)
        apex_s = min(max(ends[0], clock.start_of(apex)), last_s)
    return Annotation(
        interval=interval,
        kind=kind,
        origin="model" if source == MODEL else "coder",
        source="" if source == MODEL else source,
        face=face or "0",
        apex=apex,
        emotion=None if start.modifier in ("", "None") else start.modifier,
        note=start.comment,
        onset_s=ends[0],
        apex_s=apex_s,
        offset_s=last_s,
        end_s=ends[1],
    )
