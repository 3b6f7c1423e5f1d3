"""Datavyu's ``.opf``: a zip with a project and a spreadsheet; the writer.

The marks of a face and a coder are the column ``ME_<face>_<coder>``: kind, emotion, action
units, score, review, note and the apex as codes, and the whole mark as JSON in the last one.
Datavyu's offset is the time of the last frame, not of the one after it.  Blinks and other
events of a model are columns ``EVENT_<kind>``, tiers of other programs columns of their own
name; what cannot be said by a name (signs, spaces) stands in the hidden column ``mescope``.
No viewer is written: Datavyu asks for the video, and no path of this machine leaves it.
Source: see :mod:`datavyu_text`; the project is YAML, version 5.
"""

from __future__ import annotations

import io
import json
import re
import unicodedata
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from mescope.annotations import face_events
from mescope.annotations.annotation import (
    Annotation,
    AnnotationSet,
    in_order,
    lanes,
    normal,
    spans,
)
from mescope.annotations.datavyu_text import Column, formatted, stamp
from mescope.annotations.elan import MODEL
from mescope.annotations.stored import KIND_WORDS, about, compact, to_dict
from mescope.annotations.tiers import facts_of

OWN = "mescope"
"""The hidden column with the facts of the video and the names of tiers."""

CODES = ("kind", "emotion", "au", "score", "review", "note", "apex", "stored")
"""Codes of a column of marks."""

PREFIX, EVENT = "ME_", "EVENT_"
EVENT_COLUMNS = frozenset(f"{EVENT}{kind}" for kind in face_events.KINDS)
"""Columns with the events of a model."""

_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # the same marks make the same bytes


def dumps(sheet: AnnotationSet) -> bytes:
    """Return a set as the bytes of an ``.opf`` file.

    Raises:
        DatasetError: a mark has no times.
    """
    tidy = normal(sheet)
    tidy = replace(tidy, marks=in_order(tidy.marks))
    marks = _marks(tidy)
    names = {column.name for column in marks} | EVENT_COLUMNS
    kept: list[dict[str, Any]] = []
    others: list[Column] = []
    for tier in tidy.tiers:
        name = column_name(tier.name, names)
        names.add(name)
        codes = _code_names(tier.fields)
        cells = [(cell.start, cell.end, list(cell.values)) for cell in tier.cells]
        others.append(Column(name, codes, cells=cells))
        kept.append({**facts_of(tier), "column": name})
    facts = compact({**about(tidy), "tiers": kept} if kept else about(tidy))
    own = Column(OWN, ("facts",), shown=False, cells=[(0, 0, [facts])])
    events = list(_events(tidy))
    return _zipped(formatted([own, *marks, *events, *others]), tidy.video)


def shown_span(mark: Annotation, zero: float, rate: float | None) -> tuple[int, int]:
    """Return onset and offset of a mark in ms as Datavyu has them: of first and last frame.

    Args:
        mark: with times.
        zero: when players show the first frame, in seconds.
        rate: frames per second, for a mark that has no time of its last frame.
    """
    onset, end = mark.span_s or (0.0, 0.0)
    last = mark.offset_s
    if last is None:
        last = max(onset, end - 1 / rate) if rate else end
    first = round((onset + zero) * 1000)
    return first, max(first, round((last + zero) * 1000))


def _marks(sheet: AnnotationSet) -> list[Column]:
    spans(sheet)  # refuses marks without times
    zero = sheet.shown_from
    times = [shown_span(mark, zero, sheet.rate) for mark in sheet.marks]
    numbers = lanes(sheet.marks, [(start, end + 1) for start, end in times])
    columns: dict[tuple[str, str, str, int], Column] = {}
    for mark, (start, end), lane in zip(sheet.marks, times, numbers, strict=True):
        key = (mark.face, mark.origin, mark.source, lane)
        if key not in columns:
            who = MODEL if mark.origin == "model" else mark.source or "coder"
            taken = {column.name for column in columns.values()}
            name = column_name(f"{PREFIX}{mark.face}_{who}", taken)
            if not name.startswith(PREFIX):  # neither has a letter that Datavyu takes
                name = column_name(f"{PREFIX}0_coder", taken)
            columns[key] = Column(name, CODES)
        columns[key].cells.append((start, end, _values(mark, zero)))
    return list(columns.values())


def _values(mark: Annotation, zero: float) -> list[str]:
    apex = "" if mark.apex_s is None else stamp(round((mark.apex_s + zero) * 1000))
    return [
        KIND_WORDS[mark.kind],
        mark.emotion or "",
        mark.action_units,
        "" if mark.score is None else repr(mark.score),
        mark.status,
        mark.note,
        apex,
        compact(to_dict(mark)),
    ]


def _events(sheet: AnnotationSet) -> Iterable[Column]:
    for kind in face_events.KINDS:
        cells = [
            (start, end, [face_events.value_of(kind)])
            for start, end, _ in face_events.spans(sheet, kind)
        ]
        if cells:
            yield Column(f"{EVENT}{kind}", ("value",), cells=cells)


def column_name(text: str, taken: Iterable[str]) -> str:
    """Return a name that Datavyu takes for a column: a letter, then letters, digits and _.

    >>> column_name("Blinzeln (links)", []), column_name("12", ["c12"]), column_name("Ä", [])
    ('Blinzeln_links', 'c12_2', 'A')
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")[:60] or "column"
    name = name if name[0].isalpha() else f"c{name}"
    there = {one.lower() for one in taken} | {OWN}
    number, chosen = 1, name
    while chosen.lower() in there:
        number += 1
        chosen = f"{name}_{number}"
    return chosen


def _code_names(fields: Iterable[str]) -> tuple[str, ...]:
    names: list[str] = []
    for one in fields:
        names.append(column_name(one, names).lower())
    return tuple(names)


def _zipped(sheet: str, video: str) -> bytes:
    name = json.dumps(column_name(video or "video", ()))  # a JSON string is YAML, too
    project = (
        f"!project\ndbFile: db\nname: {name}\norigpath: ''\nversion: 5\nviewerSettings: []\n"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, text in (("project", project), ("db", sheet)):
            archive.writestr(
                zipfile.ZipInfo(entry, _ZIP_DATE), text.encode("utf-8"), zipfile.ZIP_DEFLATED
            )
    return out.getvalue()
