"""Reads BORIS projects: what can be imported is, the rest is named.

The time of an event is that of the media, plus the observation's time offset, plus (where the
observation says so) the moment at which the media was made, plus the lengths of the media that
are played before.  Source: project files of BORIS 7 to 9, https://www.boris.unito.it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from mescope.annotations.annotation import (
    Annotation,
    AnnotationSet,
    Contents,
    face_of,
    in_order,
)
from mescope.annotations.boris_codes import CodeRows
from mescope.annotations.boris_project import (
    Media,
    Observation,
    Row,
    chosen_of,
    count_of,
    file_of,
    media_of,
    points_of,
    rows_of,
)
from mescope.annotations.boris_tiers import APEX, other_tiers
from mescope.annotations.choice import fitting
from mescope.annotations.clock import Clock, Timeline, reconciled, with_apex
from mescope.annotations.elan import MODEL
from mescope.annotations.expression_table import KINDS
from mescope.annotations.files import parse_json, read_json, table
from mescope.annotations.problems import Remarks
from mescope.annotations.stored import from_dict, set_from_facts
from mescope.errors import DatasetError

_OWN = "mescope "


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
        points = points_of(project)
        observations = [
            Observation(name, content, points, clock, remarks)
            for name, content in table(project["observations"], "observations").items()
        ]
    except ValueError as error:
        raise DatasetError(f"{path.name}: {error}") from None
    for observation in chosen_of(observations, clock, path.name):
        try:
            sets += _sets(observation)
        except ValueError as error:
            remarks.left_out(observation.name, error, max(1, count_of(observation.content)))
    remarks.check(path.name)
    return Contents(tuple(sets), tuple(remarks.said), remarks.lost, remarks.cells)


def _sets(observation: Observation) -> list[AnnotationSet]:
    """Return the sets of an observation; ValueError says why none of it can be read."""
    clock, (facts, kept) = observation.clock, _facts(observation)
    zero = facts.mpv_zero if facts else clock.mpv_zero if clock else 0.0
    media = media_of(observation, zero)
    rows = list(rows_of(observation))
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
        i = file_of(media, start.time, stop.time)
        if i is None:
            observation.left_out(start.line, "it lies in no media file or in two")
        elif i in wanted:
            try:
                by_file[i].append(_mark(observation, start, stop, apexes, media[i], facts))
            except ValueError as error:
                observation.left_out(start.line, error)
    codes = CodeRows.of(observation, rows, kept)
    coded = codes.read(rows, media, facts)
    tiers = other_tiers([row for row in rows if not codes.holds(row)], media, observation)
    return [
        replace(
            facts
            or AnnotationSet(video=media[i].name, rate=clock.rate if clock else media[i].rate),
            marks=in_order(by_file[i]),
            coded=coded.get(i, ()),
            tiers=tiers.get(i, ()),
            part=observation.name,
        )
        for i in sorted(wanted)
    ]


def _facts(observation: Observation) -> tuple[AnnotationSet | None, dict[str, Any]]:
    """Return the facts that mescope left in the description, if it wrote the project."""
    text = observation.content.get("description") or ""
    if not isinstance(text, str) or not text.startswith(_OWN):
        return None, {}
    try:
        kept = table(parse_json(text.removeprefix(_OWN), observation.name), "the description")
        return set_from_facts(kept), kept
    except (DatasetError, ValueError):
        observation.remarks.add(observation.name, "the description was not understood")
        return None, {}


def _pairs(rows: list[Row], observation: Observation) -> Iterator[tuple[Row, Row]]:
    """Yield starts of expressions with their stops; name rows without partner.

    BORIS pairs rows of the same subject, code and modifier in turn, so where one is missing,
    all rows like it are in doubt.
    """
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in sorted(rows, key=lambda row: row.time):  # stable: as BORIS sorts
        if row.code.lower() not in KINDS:
            continue
        if row.code in observation.points:
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


def _mark(
    observation: Observation, start: Row, stop: Row, apexes: list[Row], media: Media,
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


def _foreign(start: Row, placed: dict[str, Any], observation: Observation) -> Annotation:
    """Return a mark that a person made in BORIS."""
    face, _, source = start.subject.partition("#")
    if source:  # mescope numbers its rows so where marks of one coder overlap
        face = face_of(face)
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
