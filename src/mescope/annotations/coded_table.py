"""The table of codes: a row for each, as people look at them, and the way back.

Modifiers stand in one cell, ``name=value; name=value``; the signs ``;``, ``=`` and ``%`` of
names and values are written as in web addresses (``%3B``).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from mescope.annotations.annotation import AnnotationSet, Contents
from mescope.annotations.clock import Clock
from mescope.annotations.coded import CodedTier, from_dict, normal_coded, to_dict
from mescope.annotations.delimited import UnreadableError, split
from mescope.annotations.expression_table import number_in
from mescope.annotations.files import read_text
from mescope.annotations.problems import Remarks, place
from mescope.errors import DatasetError
from mescope.io.formula_guard import guarded, unguarded

COLUMNS = (
    "video", "tier", "kind", "code", "onset", "offset", "onset_s", "offset_s", "end_s", "coder",
    "modifiers", "note",
)  # fmt: skip
"""Columns of the table of codes; frames from 0, ends included; ``_s`` seconds."""

_NUMBERS = ("onset", "offset", "onset_s", "offset_s", "end_s")
_NEEDED = {"video", "tier", "kind", "code", "onset", "offset"}


def table_of(video: str, tiers: Sequence[CodedTier]) -> str:
    """Return the codes of a video as CSV text; text that looks like a formula is guarded."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for row in _rows(normal_coded(tiers)):
        pairs = row["modifiers"].items()
        modifiers = "; ".join(f"{_part(name)}={_part(value)}" for name, value in pairs)
        cells = row | {"video": video, "modifiers": modifiers}
        writer.writerow({k: guarded(v) if isinstance(v, str) else v for k, v in cells.items()})
    return out.getvalue()


def _rows(tiers: Sequence[CodedTier]) -> Iterator[dict[str, Any]]:
    for tier in tiers:
        for spans in tier.by_coder().values():
            for span in spans:
                yield to_dict(tier, span)


def _part(text: str) -> str:
    for sign in "%;=":
        text = text.replace(sign, f"%{ord(sign):02X}")
    return text


def is_table_of_codes(text: str) -> bool:
    """Say whether a CSV text begins with the columns of this table."""
    try:
        _, header = next(split(text))
    except (UnreadableError, StopIteration):
        return False
    names = {unguarded(cell.strip()) for cell in header}
    return names >= _NEEDED and "modifiers" in names


def read_codes(path: Path, clock: Clock | None = None) -> Contents:
    """Return the codes of a table, a set for each video; rows without sense are named.

    Args:
        path: of the table.
        clock: the times of the recording, for rows that have frames only.

    Raises:
        DatasetError: it cannot be read.
    """
    remarks, videos = Remarks(), dict[str, list[CodedTier]]()
    try:
        (_, header), *lines = split(read_text(path))
    except UnreadableError as error:
        raise DatasetError(f"{place(path, error.row)}: {error}") from None
    names = [unguarded(cell.strip()) for cell in header]
    for line, cells in lines:
        row = dict(zip(names, (unguarded(cell.strip()) for cell in cells), strict=False))
        try:
            if len(cells) > len(names) or not row.get("video"):
                raise ValueError("expected a video, and as many cells as columns")
            videos.setdefault(row["video"], []).append(_code(row, clock))
        except ValueError as error:
            remarks.left_out(place(path, line), error)
    sets = tuple(
        AnnotationSet(video=video, coded=normal_coded(found)) for video, found in videos.items()
    )
    return Contents(sets, tuple(remarks.said), remarks.lost)


def _code(row: Mapping[str, str], clock: Clock | None) -> CodedTier:
    numbers = {name: number_in(row[name], name) for name in _NUMBERS if row.get(name)}
    if clock is not None and "onset_s" not in numbers and {"onset", "offset"} <= set(numbers):
        first, last = int(numbers["onset"]), int(numbers["offset"])
        numbers |= {"onset_s": clock.start_of(first), "offset_s": clock.start_of(last)}
        numbers |= {"end_s": clock.end_of(last)}
    pairs = [
        part.partition("=") for part in row.get("modifiers", "").split(";") if part.strip()
    ]
    modifiers = {unquote(name.strip()): unquote(value.strip()) for name, _, value in pairs}
    texts = {name: row.get(name, "") for name in ("tier", "kind", "code", "coder", "note")}
    return from_dict({**texts, **numbers, "modifiers": modifiers})
