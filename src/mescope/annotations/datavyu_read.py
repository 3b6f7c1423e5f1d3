"""Reads Datavyu: ``.opf`` files, and the spreadsheet that it exports as ``.csv``.

Columns ``ME_...`` of mescope are marks, and come back exactly; a cell that was moved or added
in Datavyu is read as it is now.  All other columns are tiers, as they stand.  Datavyu's time
is that of the video plus the video's offset in its controller.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mescope.annotations.annotation import (
    STATUSES,
    Annotation,
    Contents,
    in_order,
)
from mescope.annotations.choice import file_name, fitting
from mescope.annotations.clock import Clock, Timeline, reconciled, with_apex
from mescope.annotations.datavyu import CODES, EVENT_COLUMNS, OWN, PREFIX, shown_span
from mescope.annotations.datavyu_text import Column, ms_of, parse
from mescope.annotations.elan import MODEL
from mescope.annotations.expression_table import KINDS, number_in
from mescope.annotations.files import listing, parse_json, read_text, table, word
from mescope.annotations.opf import Project, read_opf
from mescope.annotations.problems import Remarks
from mescope.annotations.stored import from_dict, set_from_facts
from mescope.annotations.tiers import Cell, Tier, normal_tiers, tier_of
from mescope.errors import DatasetError


@dataclass
class _Reader:
    """One spreadsheet while it is read."""

    timeline: Timeline
    remarks: Remarks
    shift: int  # ms from Datavyu's time to the video's


def read(path: Path, clock: Clock | None = None) -> Contents:
    """Return the marks and tiers of a file.

    Args:
        path: an ``.opf``, or a spreadsheet that Datavyu exported.
        clock: the times of the recording; needed for cells that were added in Datavyu.

    Raises:
        DatasetError: as :func:`read_any`, or no column is one of mescope's.
    """
    return _read(path, clock, _refuse_foreign)


def read_any(path: Path, clock: Clock | None = None) -> Contents:
    """Return marks and tiers, whoever made the file; arguments as for :func:`read`.

    Raises:
        DatasetError: it is no zip or damaged, too large, no spreadsheet of Datavyu, or a mark
            lies outside the recording.
    """
    return _read(path, clock, lambda _name, _columns: None)


def _refuse_foreign(name: str, columns: list[Column]) -> None:
    found = ", ".join(column.name[:30] for column in columns[:5])
    raise DatasetError(
        f"{name}: expected columns of mescope, found {found}; say with a mapping what they "
        "mean: `mescope tiers` proposes one"
    )


def _read(
    path: Path, clock: Clock | None, strange: Callable[[str, list[Column]], None]
) -> Contents:
    """Return what a file holds; ``strange`` is called with one that has no columns of ours."""
    remarks = Remarks()
    if path.suffix.lower() == ".opf" or zipfile.is_zipfile(path):
        project = read_opf(path, remarks)
    else:
        project = Project(read_text(path), ())
    columns = parse(project.sheet, path.name, remarks)
    if not any(one.name == OWN or _is_ours(one) for one in columns):
        strange(path.name, columns)
    try:
        return _contents(path, columns, project, clock, remarks)
    except ValueError as error:
        raise DatasetError(f"{path.name}: {error}") from None


def _contents(
    path: Path, columns: list[Column], project: Project, clock: Clock | None, remarks: Remarks
) -> Contents:
    own = next((one for one in columns if one.name == OWN and one.cells), None)
    kept = _facts(own) if own else {}
    name, offset = _media(project, clock)
    sheet = set_from_facts(kept, name or path.stem)
    reader = _Reader(Timeline.of(sheet, clock), remarks, -offset)
    marks, tiers = [], []
    names = {word(one.get("column"), "column"): one for one in _tiers(kept)}
    for column in columns:
        if column.name in names:
            tiers.append(_tier(column, names[column.name], reader))
        elif _is_ours(column):
            marks += _marks(column, reader)
        elif column is not own and not (own and column.name in EVENT_COLUMNS):
            tiers.append(_tier(column, _native(column), reader))
    remarks.check(path.name)
    done = replace(sheet, marks=in_order(marks), tiers=normal_tiers(tiers))
    return Contents((done,), tuple(remarks.said), remarks.lost, remarks.cells)


def _native(column: Column) -> dict[str, Any]:
    """Return what is known of a column that somebody made in Datavyu."""
    return {"name": column.name, "fields": [*column.codes], "last_frame": True}


def _is_ours(column: Column) -> bool:
    return column.name.startswith(PREFIX) and column.codes == CODES


def _facts(own: Column) -> dict[str, Any]:
    try:
        return table(parse_json(own.cells[0][2][0], OWN), f"the column {OWN}")
    except (DatasetError, IndexError) as error:
        raise ValueError(f"the column {OWN} was not understood ({error})") from None


def _tiers(kept: dict[str, Any]) -> list[dict[str, Any]]:
    return [table(one, "a tier") for one in listing(kept.get("tiers", []), "tiers")]


def _media(project: Project, clock: Clock | None) -> tuple[str, int]:
    """Return name and offset (ms) of the video that is meant; as for ELAN."""
    videos = project.videos
    if not videos:
        return "", 0
    if clock is not None and clock.video and len(videos) > 1:
        same = fitting([[file_name(one)] for one, _ in videos], clock.video)
        if not same and len({offset for _, offset in videos}) > 1:
            raise ValueError(
                f"it shows {', '.join(file_name(one)[:40] for one, _ in videos)} at different "
                f"offsets, none of them is called {clock.video[:60]}; rename the recording"
            )
        videos = tuple(videos[i] for i in same) or videos
    return file_name(videos[0][0]), videos[0][1]


def _tier(column: Column, kept: dict[str, Any], reader: _Reader) -> Tier:
    tier, cells = tier_of(kept), []
    for number, (start, end, values) in enumerate(column.cells, start=1):
        try:
            if len(values) != len(tier.fields):
                values = [*values[: len(tier.fields)], *[""] * (len(tier.fields) - len(values))]
            cells.append(Cell(start + reader.shift, end + reader.shift, tuple(values)))
        except ValueError as error:
            where = f"{column.name}, cell {number}"
            reader.remarks.left_out_cell(tier.name, where, error)
    return replace(tier, cells=tuple(cells))


def _marks(column: Column, reader: _Reader) -> list[Annotation]:
    found = []
    for number, (start, end, values) in enumerate(column.cells, start=1):
        where = f"{column.name}, cell {number}"
        try:
            cells = dict(zip(column.codes, values, strict=True))
            mark, remark = _mark(
                column, start + reader.shift, end + reader.shift, cells, reader
            )
        except ValueError as error:
            reader.remarks.left_out(where, error)
            continue
        found.append(mark)
        if remark:
            reader.remarks.add(where, remark)
    return found


def _mark(
    column: Column, start: int, end: int, cells: dict[str, str], reader: _Reader
) -> tuple[Annotation, str]:
    """Return one mark and what was changed; ValueError says what is wrong with it."""
    kind = KINDS.get(cells["kind"].lower())
    if kind is None:
        raise ValueError(
            f"expected micro-expression or macro-expression, found {cells['kind'][:40]!r}"
        )
    apex = ms_of(cells["apex"])
    at = None if apex is None else (apex + reader.shift) / 1000
    if not cells["stored"]:
        until = reader.timeline.end_of_frame_at(end / 1000)
        placed = reader.timeline.placed(start / 1000, until, at)
        return Annotation(kind=kind, **_who(column), **_said(cells), **placed), ""
    try:
        kept = from_dict(table(parse_json(cells["stored"], "stored"), "stored"))
    except DatasetError as error:
        raise ValueError(str(error)) from None
    kept = replace(kept, kind=kind, **_said(cells))
    mark, remark = _reconciled(kept, start, end, reader.timeline)
    expected = math.nan
    if mark.apex_s is not None:
        expected = round((mark.apex_s + reader.timeline.kept_from) * 1000) / 1000
    mark, second = with_apex(mark, [] if at is None else [at], expected, reader.timeline)
    return mark, "; ".join(filter(None, (remark, second)))


def _said(cells: dict[str, str]) -> dict[str, Any]:
    """Return what the codes say of a mark, which a person may have changed."""
    status = cells["review"].lower()
    if status not in STATUSES:
        raise ValueError(f"the review {status[:40]!r} is none of {STATUSES[1:]}")
    return {
        "emotion": cells["emotion"] or None,
        "action_units": cells["au"],
        "score": number_in(cells["score"], "the score") if cells["score"] else None,
        "status": status,
        "note": cells["note"],
    }


def _who(column: Column) -> dict[str, Any]:
    """Return face and coder as the name of a column has them: ``ME_<face>_<coder>``."""
    face, _, source = column.name.removeprefix(PREFIX).partition("_")
    model = source == MODEL
    return {
        "origin": "model" if model else "coder",
        "source": "" if model else source,
        "face": face or "0",
    }


def _reconciled(
    mark: Annotation, start: int, end: int, timeline: Timeline
) -> tuple[Annotation, str]:
    """Return a mark of mescope as the file now shows it, and a remark if somebody moved it."""
    was = shown_span(mark, timeline.kept_from, timeline.rate)
    span = mark.span_s
    if span is None or (start, end) == was:
        return mark, ""
    zero = timeline.kept_from
    begin = span[0] + zero if start == was[0] else start / 1000
    stop = span[1] + zero
    if end != was[1]:
        moved = (end - was[1]) / 1000
        stop = timeline.end_of_frame_at(end / 1000) if timeline.clock else stop + moved
    return reconciled(mark, begin, stop, digits=3, timeline=timeline)
