"""The interval table as CSV, and the JSON of an analysis: marks that know their frames.

The columns begin as the public STRS scorer's; those of mescope's other tables follow, then
``face_id``, ``origin``, ``end_s``, ``fps``, ``frames`` (how many the video has) and
``start_offset`` (when players show its first frame, from which the times of the table count),
``reason`` (what a rejected mark was instead) and ``taken`` (values of a coder's that are the
model's).
A row without onset and offset says that the video was looked at.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from mescope.annotations import coded
from mescope.annotations.annotation import Annotation, AnnotationSet, Contents, in_order, normal
from mescope.annotations.coded import CodedTier
from mescope.annotations.expression_table import (
    frame,
    number_in,
    read_interval,
    read_kind,
    read_lines,
)
from mescope.annotations.files import (
    listing,
    number,
    optional,
    parse_json,
    read_bytes,
    table,
    whole,
    word,
)
from mescope.annotations.problems import Remarks, place
from mescope.annotations.stored import KIND_WORDS, compact, from_dict
from mescope.annotations.tiers import (
    Cell,
    Tier,
    cell_between,
    facts_of,
    normal_tiers,
    tier_from_dict,
    tier_of,
)
from mescope.errors import DatasetError
from mescope.io.formula_guard import guarded

COLUMNS = (
    "subject", "video", "onset", "offset", "emotion", "apex", "type", "au", "score", "onset_s",
    "apex_s", "offset_s", "status", "source", "id", "note", "face_id", "origin", "end_s", "fps",
    "frames", "start_offset", "reason", "taken",
)  # fmt: skip
"""Columns of the table of marks; frames from 0, ends included; ``_s`` seconds."""

TIER_COLUMNS = ("tier", "start_ms", "end_ms", "cell")
"""Columns that are there where tiers of other programs are: a row for each of their cells,
whose times are ms as players count."""

NEEDED = ("recording", "onset", "offset", "kind")
_TIMES = ("onset_s", "apex_s", "offset_s", "end_s")


def dumps(sets: Sequence[AnnotationSet]) -> str:
    """Return sets as CSV text; text that looks like a formula gets an apostrophe."""
    tidy = [normal(given) for given in sets]
    columns = (*COLUMNS, *TIER_COLUMNS) if any(sheet.tiers for sheet in tidy) else COLUMNS
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\r\n", restval="")  # RFC 4180
    writer.writeheader()
    for sheet in tidy:
        for mark in in_order(sheet.marks):
            writer.writerow(_row(sheet, mark))
        if not sheet.marks:
            writer.writerow(_about(sheet))
        for tier in sheet.tiers:
            for cell in tier.cells:
                writer.writerow(_cell_row(sheet, tier, cell))
    return out.getvalue()


def _cell_row(sheet: AnnotationSet, tier: Tier, cell: Cell) -> dict[str, Any]:
    """Return a row without frames: who looks for marks only passes over it."""
    return {
        **_about(sheet),
        "source": guarded(tier.coder),
        "note": guarded(" · ".join(" ".join(text.split()) for text in cell.values if text)),
        "tier": guarded(tier.name),
        "start_ms": cell.start,
        "end_ms": cell.end,
        "cell": compact({"tier": facts_of(tier), "values": list(cell.values)}),
    }


def _about(sheet: AnnotationSet) -> dict[str, Any]:
    return {
        "subject": guarded(sheet.subject),
        "video": guarded(sheet.video),
        "fps": "" if sheet.rate is None else repr(sheet.rate),
        "frames": "" if sheet.frames is None else sheet.frames,
        "start_offset": _decimal(sheet.start_offset),
    }


def _row(sheet: AnnotationSet, mark: Annotation) -> dict[str, Any]:
    texts = {
        "emotion": mark.emotion or "",
        "au": mark.action_units,
        "source": mark.source,
        "id": mark.id,
        "note": mark.note,
        "face_id": mark.face,
        "reason": mark.reason,
        "taken": mark.taken,
    }
    return {
        **_about(sheet),
        **{name: guarded(text) for name, text in texts.items()},
        "onset": mark.interval.first,
        "apex": "" if mark.apex is None else mark.apex,
        "offset": mark.interval.last,
        "type": KIND_WORDS[mark.kind],
        "score": "" if mark.score is None else repr(mark.score),
        "status": mark.status,
        "origin": mark.origin,
        **{name: _decimal(getattr(mark, name)) for name in _TIMES},
    }


def _decimal(value: float | None) -> str:
    return "" if value is None else f"{value:.9f}".rstrip("0").rstrip(".")


def read_csv(path: Path) -> Contents:
    """Return the marks of a CSV table; rows that make no sense are left out with a remark.

    Any table with the columns recording (or video), onset, offset and kind (or type) will do.
    A row that names no origin is a model's if it has a score, else a coder's.

    Raises:
        DatasetError: the table cannot be read, lacks a column, or a quote swallows rows.
    """
    read_bytes(path)  # refuses what is huge, empty, or not a plain file
    videos: dict[tuple[str, str], tuple[AnnotationSet, list[Annotation], list[Tier]]] = {}
    remarks = Remarks()
    for line, cells, extra in read_lines(path, NEEDED):
        try:
            if extra:
                raise ValueError("expected as many cells as columns, found more")
            facts, tier = _facts(cells), _tier(cells) if cells.get("tier") else None
            mark = _mark(cells) if tier is None else None
        except ValueError as error:
            remarks.left_out(place(path, line), error)
            continue
        _, marks, tiers = videos.setdefault((facts.subject, facts.video), (facts, [], []))
        marks += [mark] if mark else []
        tiers += [tier] if tier else []
    sets = tuple(
        replace(facts, marks=in_order(marks), tiers=normal_tiers(tiers))
        for facts, marks, tiers in videos.values()
    )
    return Contents(sets, tuple(remarks.said), remarks.lost)


def _tier(cells: Mapping[str, str]) -> Tier:
    """Return the tier of a row with its one cell."""
    start, end = (
        frame(cells.get("start_ms", ""), "start_ms"),
        frame(cells.get("end_ms", ""), "end_ms"),
    )
    try:
        kept = table(parse_json(cells.get("cell") or "{}", "cell"), "cell")
    except DatasetError as error:
        raise ValueError(str(error)) from None
    values = [
        word(one, "a value")
        for one in listing(kept.get("values", [cells.get("note", "")]), "values")
    ]
    facts = kept.get("tier", {"name": cells["tier"], "coder": cells.get("source", "")})
    return tier_of(facts, [cell_between(start, end, values)])


def _facts(cells: Mapping[str, str]) -> AnnotationSet:
    if not cells["recording"]:
        raise ValueError("expected a video, found an empty cell")
    return AnnotationSet(
        video=cells["recording"],
        subject=cells.get("subject", ""),
        rate=_number(cells, "fps"),
        frames=_whole(cells, "frames"),
        start_offset=_number(cells, "start_offset"),
    )


def _mark(cells: Mapping[str, str]) -> Annotation | None:
    """Return the mark of a row, None for a video without any."""
    if not cells["onset"] and not cells["offset"]:
        return None
    interval, apex = read_interval(cells)
    score = _number(cells, "score")
    origin = cells.get("origin", "") or ("coder" if score is None else "model")
    return Annotation(
        interval=interval,
        kind=read_kind(cells["kind"]),
        apex=apex,
        origin=origin,  # type: ignore[arg-type]  # checked by Annotation
        source=cells.get("source", ""),
        emotion=cells.get("emotion") or None,
        action_units=cells.get("action_units", ""),
        score=score,
        status=cells.get("status", "").lower(),
        face=cells.get("face_id", "") or "0",
        id=cells.get("id", ""),
        note=cells.get("note", ""),
        reason=cells.get("reason", ""),
        taken=cells.get("taken", ""),
        **{name: _number(cells, name) for name in _TIMES},
    )


def _number(cells: Mapping[str, str], name: str) -> float | None:
    return number_in(cells[name], name) if cells.get(name) else None


def _whole(cells: Mapping[str, str], name: str) -> int | None:
    value = _number(cells, name)
    if value is not None and value != math.floor(value):
        raise ValueError(f"{name} is {cells[name]!r}: expected a whole number")
    return None if value is None else int(value)


def _check_schema(document: Any, path: Path) -> None:
    if document.get("schema") != 1:
        raise DatasetError(
            f"{path.name} has schema {document.get('schema')!r}, this mescope reads 1; "
            "install the mescope that wrote it, or a newer one"
        )


def read_analysis(document: Any, path: Path) -> Contents:
    """Return the detections in the JSON of an analysis, as the model's proposals.

    Raises:
        DatasetError: it comes from another version, or is damaged.
    """
    _check_schema(document, path)
    try:
        video = table(document["video"], "video")
        source = word(table(document["provenance"], "provenance").get("model") or "", "model")
        rate = number(video["rate"], "rate")
        marks = [
            _proposal(table(entry, "a detection"), source, rate)
            for entry in listing(document["detections"], "detections")
        ]
        sheet = AnnotationSet(
            video=PurePath(word(video["name"], "name")).name,
            rate=rate,
            frames=int(number(video["frames"], "frames")),
            start_offset=optional(video, "start_offset", number),
            mpv_zero=optional(video, "mpv_zero", number) or 0.0,
            marks=in_order(marks),
        )
    except (KeyError, ValueError) as error:
        raise DatasetError(
            f"{path.name} is damaged ({error}); analyze the recording again"
        ) from None
    return Contents((sheet,))


def read_review(document: Any, path: Path) -> Contents:
    """Return marks, codes and tiers in the JSON of a review (``mescope app``), as they were.

    Raises:
        DatasetError: it comes from another version, or is damaged.
    """
    _check_schema(document, path)
    try:
        video = table(document["video"], "video")
        sheet = AnnotationSet(
            video=PurePath(word(video["name"], "name")).name,
            rate=optional(video, "rate", number),
            frames=optional(video, "frames", whole),
            start_offset=optional(video, "start_offset", number),
            mpv_zero=optional(video, "mpv_zero", number) or 0.0,
            marks=in_order(
                from_dict(table(entry, "a mark"))
                for entry in listing(document["marks"], "marks")
            ),
            coded=_codes(document),
            tiers=normal_tiers(
                map(tier_from_dict, listing(document.get("tiers", []), "tiers"))
            ),
        )
    except (KeyError, ValueError) as error:
        raise DatasetError(
            f"{path.name} is damaged ({error}); export the recording again"
        ) from None
    return Contents((sheet,))


def _codes(document: dict[str, Any]) -> tuple[CodedTier, ...]:
    """Return the codes of a review, with the words of its scheme; raises ValueError."""
    entries = listing(document.get("codes", []), "codes")
    scheme = table(document.get("scheme", {}), "scheme")
    known = [_vocabulary(table(t, "a tier")) for t in listing(scheme.get("tiers", []), "tiers")]
    found = [coded.from_dict(table(entry, "a code")) for entry in entries]
    return coded.normal_coded((*known, *found))


def _vocabulary(tier: dict[str, Any]) -> CodedTier:
    def names(rows: Any) -> list[str]:
        return [
            word(table(one, "a word").get("name"), "name") for one in listing(rows, "words")
        ]

    sets = [table(one, "a modifier") for one in listing(tier.get("modifiers", []), "modifiers")]
    return CodedTier(
        name=word(tier.get("name"), "the name of a tier"),
        kind=coded.kind_of(tier.get("kind", "")),
        codes=tuple(names(tier.get("codes", []))),
        modifiers=tuple(
            (word(one.get("name"), "name"), tuple(names(one.get("values", [])))) for one in sets
        ),
    )


def _proposal(entry: dict[str, Any], source: str, rate: float) -> Annotation:
    evidence = table(entry.get("evidence") or {}, "evidence")
    units = listing(evidence.get("action_units", []), "action_units")
    kept = {
        **{key: entry[key] for key in ("onset", "apex", "offset", "kind", "score")},
        **{key: entry.get(key) for key in ("onset_s", "apex_s", "offset_s", "emotion", "id")},
        "action_units": "+".join(word(unit, "an action unit") for unit in units),
        "note": evidence.get("sentence"),
        "origin": "model",
        "source": source,
        "status": "proposed",
    }
    if kept["offset_s"] is not None:
        kept["end_s"] = number(kept["offset_s"], "offset_s") + 1 / rate
    return from_dict({key: value for key, value in kept.items() if value is not None})
