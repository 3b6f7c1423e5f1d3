"""ActivityNet's JSON of detections, which toolboxes for temporal localisation score.

``{"version", "results": {video: [{"label", "score", "segment": [s, e]}]}, "external_data"}``;
the label is the kind.  The segment is half-open and in seconds from the first frame: programs
that score detections count decoded frames.  ``external_data`` holds the facts of the videos
and, beside every entry in the same order, its whole mark; blinks and other events, and tiers
of other programs, stand there alone, since a scorer would take them for a class.
Source: the format of the detection task of the ActivityNet challenge, activity-net.org.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mescope.annotations import face_events
from mescope.annotations.annotation import (
    Annotation,
    AnnotationSet,
    Contents,
    in_order,
    normal,
    spans,
    widened,
)
from mescope.annotations.choice import meant
from mescope.annotations.clock import Clock, Timeline, reconciled
from mescope.annotations.expression_table import KINDS
from mescope.annotations.files import listing, number, read_json, table, word
from mescope.annotations.problems import Remarks
from mescope.annotations.stored import KIND_WORDS, about, from_dict, set_from_facts, to_dict
from mescope.annotations.tiers import normal_tiers, tier_from_dict, tier_to_dict
from mescope.errors import DatasetError

VERSION = "VERSION 1.3"  # what scorers of ActivityNet expect
_DIGITS = 6
_OWN = "mescope"


def dumps(sets: Sequence[AnnotationSet]) -> str:
    """Return sets as JSON; several sets of one video name share its list.

    A mark without score (a coder's) counts 1.

    Raises:
        DatasetError: a mark has no times.
    """
    results: dict[str, list[dict[str, Any]]] = {}
    videos: list[dict[str, Any]] = []
    for given in sets:
        sheet = normal(given)
        sheet = replace(sheet, marks=in_order(sheet.marks))
        entries = results.setdefault(sheet.video, [])
        first = len(entries)
        for mark, (start, end) in zip(sheet.marks, spans(sheet), strict=True):
            first_tick, last_tick = widened(start, end, _DIGITS)
            entries.append(
                {
                    "label": KIND_WORDS[mark.kind],
                    "score": 1.0 if mark.score is None else mark.score,
                    "segment": [first_tick / 10**_DIGITS, last_tick / 10**_DIGITS],
                }
            )
        marks = [to_dict(mark) for mark in sheet.marks]
        kept = {**about(sheet), "first": first, "marks": marks}
        if sheet.events:
            kept["events"] = [face_events.to_dict(event) for event in sheet.events]
        if sheet.tiers:
            kept["tiers"] = [tier_to_dict(tier) for tier in sheet.tiers]
        videos.append(kept)
    document = {
        "version": VERSION,
        "results": results,
        "external_data": {"used": False, "details": "", _OWN: videos},
    }
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def is_one(value: Any) -> bool:
    """Say whether a JSON value looks like this format."""
    return isinstance(value, dict) and "results" in value


def read(path: Path, clock: Clock | None = None) -> Contents:
    """Return the marks of a file; those without our facts need ``clock`` for their frames.

    Entries that make no sense are left out with a remark.  Where a recording is named, only the
    video of its name is read.

    Raises:
        DatasetError: the file is not of this format, has several videos of which none is
            called as the recording, or a mark lies outside it.
    """
    document = read_json(path)
    if not is_one(document):
        raise DatasetError(f'{path.name}: expected "results" of ActivityNet, found other JSON')
    remarks = Remarks()
    try:
        results = {
            name: listing(entries, f"the results of {name[:40]!r}")
            for name, entries in table(document["results"], "results").items()
        }
        kept = _kept(document.get("external_data"), path.name, remarks)
        names = list(dict.fromkeys([*(str(f.get("video", "")) for f in kept), *results]))
        wanted = {names[i] for i in meant([[name] for name in names], clock)}
        sets = [
            _ours(facts, results, clock, remarks)
            for facts in kept
            if str(facts.get("video", "")) in wanted
        ]
        for name, entries in results.items():
            left = any(e is not None for e in entries) or all(s.video != name for s in sets)
            if left and name in wanted:
                sets.append(_foreign(name, entries, clock, remarks))
    except (ValueError, DatasetError) as error:
        raise DatasetError(f"{path.name}: {error}") from None
    remarks.check(path.name)
    return Contents(tuple(sets), tuple(remarks.said), remarks.lost)


def _kept(external: Any, name: str, remarks: Remarks) -> list[dict[str, Any]]:
    """Return the facts that mescope left, if it wrote the file."""
    videos = external.get(_OWN, []) if isinstance(external, dict) else []
    if isinstance(videos, list) and all(isinstance(v, dict) for v in videos):
        return videos
    remarks.add(name, "the facts in external_data were not readable and not used")
    return []


def _timeline(sheet: AnnotationSet, clock: Clock | None) -> Timeline:
    """Return what times mean in this format: they count from the first frame."""
    return Timeline.of(replace(sheet, start_offset=0.0), clock)


def _ours(
    facts: dict[str, Any], results: dict[str, list[Any]], clock: Clock | None,
    remarks: Remarks,
) -> AnnotationSet:  # fmt: skip
    """Return the set of a video that mescope wrote; entries that are its become None."""
    sheet = set_from_facts(facts)
    entries = results.get(sheet.video, [])
    stored = listing(facts.get("marks", []), "marks")
    first = int(number(facts.get("first", 0), "first"))
    marks = []
    for offset, kept in enumerate(stored):
        i = first + offset
        where = f"{sheet.video}, result {i + 1}"
        entry = entries[i] if 0 <= i < len(entries) else None
        if entry is None:
            remarks.add(where, "left out, the file has no such result any more")
            continue
        entries[i] = None
        try:
            kind, start, end = _entry(entry)
            mark = replace(from_dict(table(kept, "the mark")), kind=kind)
            mark, remark = reconciled(
                mark, start, end, digits=_DIGITS, timeline=_timeline(sheet, clock)
            )
        except ValueError as error:
            remarks.left_out(where, error)
            continue
        marks.append(mark)
        if remark:
            remarks.add(where, remark)
    tiers = normal_tiers(
        tier_from_dict(kept) for kept in listing(facts.get("tiers", []), "tiers")
    )
    return replace(sheet, marks=in_order(marks), tiers=tiers)


def _foreign(
    name: str, entries: list[Any], clock: Clock | None, remarks: Remarks
) -> AnnotationSet:
    """Return the set of a video that another program wrote."""
    sheet = AnnotationSet(video=name, rate=clock.rate if clock else None)
    marks = []
    for i, entry in enumerate(entries, start=1):
        if entry is None:
            continue
        try:
            marks.append(_mark(entry, _timeline(sheet, clock)))
        except ValueError as error:
            remarks.left_out(f"{name}, result {i}", error)
    return replace(sheet, marks=in_order(marks))


def _mark(entry: Any, timeline: Timeline) -> Annotation:
    kind, start, end = _entry(entry)
    score = number(entry.get("score", 1.0), "score")
    return Annotation(kind=kind, origin="model", score=score, **timeline.placed(start, end))


def _entry(entry: Any) -> tuple[Any, float, float]:
    """Return kind, start and end of a result; ValueError says what is wrong with it."""
    row = table(entry, "a result")
    ends = listing(row.get("segment"), "segment")
    if len(ends) != 2:
        raise ValueError(f"expected a segment of two times, found {len(ends)}")
    start, end = number(ends[0], "a time"), number(ends[1], "a time")
    if not 0 <= start < end:
        raise ValueError(
            f"expected a segment from 0 on that ends later, found {start} to {end}"
        )
    label = word(row.get("label"), "label")
    if label.lower() not in KINDS:
        raise ValueError(f"expected the label micro- or macro-expression, found {label[:40]!r}")
    return KINDS[label.lower()], start, end
