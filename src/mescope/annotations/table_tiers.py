"""Tiers of any CSV table with onsets: a row is a cell, as a layout says.

Tables of mescope's own columns are read as such; so are the spreadsheets that Datavyu exports,
and its tables of cells (columns ``face.onset``, ``face.offset``, ``face.code01``).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from mescope.annotations import datavyu_read, tables
from mescope.annotations.annotation import AnnotationSet, Contents
from mescope.annotations.clock import Clock
from mescope.annotations.coded_table import is_table_of_codes, read_codes
from mescope.annotations.datavyu_text import looks_like_datavyu
from mescope.annotations.delimited import UnreadableError, delimiter_of, split
from mescope.annotations.expression_table import KINDS, columns_of
from mescope.annotations.files import read_text
from mescope.annotations.mapping import TableLayout, Unit
from mescope.annotations.mapping_words import APEX_WORDS, CODER_WORDS, word_set, words_of
from mescope.annotations.problems import OutsideError, Remarks, place
from mescope.annotations.tiers import Cell, Tier, joined
from mescope.errors import DatasetError
from mescope.io.formula_guard import unguarded

_START = word_set("onset start begin beginn anfang from von startzeit starttime begintime")
_END = word_set("stop end ende bis endzeit stopptime endtime stoptime")
_OFFSET, _TO = word_set("offset"), word_set("to")
_ENDS = {"onset": (_OFFSET, _END), "from": (_TO, _END, _OFFSET)}
"""Words of the column of ends by one of that of starts, the likelier ones first."""
_ROLES: tuple[tuple[str, tuple[frozenset[str], ...]], ...] = (
    ("apex", (APEX_WORDS,)),
    ("coder", (CODER_WORDS,)),
    ("participant", (word_set("subject participant person proband vp versuchsperson"),)),
    (
        "tier",
        (
            word_set("tier behavior behaviour verhalten"),
            word_set("code event ereignis spur zeile"),
            word_set("type typ kind art kategorie category"),
        ),
    ),
    (
        "video",
        (
            word_set("video media file datei"),
            word_set("recording aufnahme"),
            word_set("observation"),
        ),
    ),
)
"""What columns besides the times say, and their words, the likelier ones first."""
_NO_VALUE = word_set("duration dauer ordinal index nr no fps date datum")
_NOTHING = ("", "NA")  # of an end: a point, as R writes it
_STARTS, _STOPS = {"start", "state start", "begin"}, {"stop", "state stop", "end"}
_POINTS = {"", "point", "point event"}
_SECONDS = word_set("s ss sec sek seconds sekunden")
_MILLISECONDS = word_set("ms msec millisekunden milliseconds")
_CLOCK = re.compile(r"(?:(\d+):)?(\d+):(\d+)(?:[.,](\d{1,3})|:(\d{3}))?")
_CLOCK_OF_FRAMES = re.compile(r"\d+:\d+:\d+[:;]\d{1,2}")  # hh:mm:ss:ff, as ELAN writes it, too
_GROUPED = re.compile(r"\d{1,3}([.,]\d{3})+")
_WIDE = ".onset"
WHOLE = "table"
"""What the tier of a table is called where no column names its rows: the same for each file."""


@dataclass
class _Table:
    """One table while it is read."""

    name: str
    layout: TableLayout
    clock: Clock | None
    grouped: bool = False  # its times may have signs between thousands
    of_frames: frozenset[str] = frozenset()  # columns whose times end in frames
    remarks: Remarks = field(default_factory=Remarks)
    found: dict[str, dict[Tier, list[Cell]]] = field(default_factory=dict)  # by video

    def add(self, video: str, tier: Tier, cell: Cell) -> None:
        self.found.setdefault(video, {}).setdefault(tier, []).append(cell)


def read_any(path: Path, clock: Clock | None, layout: TableLayout | None) -> Contents:
    """Return what a table holds, as tiers.

    Args:
        path: of the table.
        clock: the times of the recording; needed where the table has frames only.
        layout: which columns say what; None: as their names say.

    Raises:
        DatasetError: it cannot be read, has no such columns, or a row lies outside the
            recording.
    """
    text = read_text(path)
    if looks_like_datavyu(text):
        return datavyu_read.read_any(path, clock)
    if is_table_of_codes(text):
        return read_codes(path, clock)
    header, rows = _rows(path, text)
    if _is_ours(header, rows):
        return tables.read_csv(path)
    fits = layout is not None and set(layout.columns) <= set(header)
    wide = not fits and any(name.endswith(_WIDE) for name in header)
    chosen = layout or (
        TableLayout(start=_WIDE) if wide else guessed(path.name, header, [c for _, c in rows])
    )
    table = _Table(path.name, chosen, clock)
    if wide:
        _read_wide(table, header, rows)
    else:
        missing = [name for name in chosen.columns if name not in header]
        if missing:
            raise DatasetError(
                f"{path.name}: expected the column {missing[0][:40]!r} that the mapping names, "
                f"found {', '.join(name[:30] for name in header[:12])}"
            )
        _read_rows(table, header, rows)
    table.remarks.check(path.name)
    sets = tuple(
        AnnotationSet(
            video=video or path.stem,
            rate=clock.rate if clock else None,
            tiers=joined(t.items()),
        )
        for video, t in table.found.items()
    )
    return Contents(sets, tuple(table.remarks.said), table.remarks.lost)


def layout_of_table(path: Path) -> tuple[tuple[str, ...], TableLayout | None]:
    """Return the columns of a table and the layout that their names say, or None.

    There are no columns to choose from where the form of a table says all: those of mescope
    and of Datavyu.

    Raises:
        DatasetError: it cannot be read.
    """
    text = read_text(path)
    if looks_like_datavyu(text) or is_table_of_codes(text):
        return (), None
    header, rows = _rows(path, text)
    if _is_ours(header, rows) or any(name.endswith(_WIDE) for name in header):
        return (), None
    try:
        return tuple(header), guessed(path.name, header, [cells for _, cells in rows])
    except DatasetError:
        return tuple(header), None


def guessed(name: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> TableLayout:
    """Return the layout that the names of columns say.

    Raises:
        DatasetError: none of them is an onset.
    """
    start = _column_of(header, (_START,), ())
    if start is None:
        raise DatasetError(
            f"{name}: expected a column of onsets, found "
            f"{', '.join(n[:30] for n in header[:12])}; name it in a mapping as start of the "
            "table"
        )
    found = {"start": start}
    ends = next((e for w, e in _ENDS.items() if w in words_of(start)), (_END, _OFFSET))
    for what, known in (("end", ends), *_ROLES):
        column = _column_of(header, known, found.values())
        if column is not None:
            found[what] = column
    at = header.index(start)
    texts = [row[at] for row in rows if at < len(row)]
    return TableLayout(unit=_unit_of(start, texts), **found)


def _column_of(
    header: Sequence[str], known: Iterable[frozenset[str]], taken: Iterable[str]
) -> str | None:
    """Return the first column with a word of the first set of which there is any."""
    free = [name for name in header if name not in taken and not _is_administrative(name)]
    return next((n for words in known for n in free if words & set(words_of(n))), None)


def _is_administrative(name: str) -> bool:
    """Say whether a column is about the file: lengths, numbers, and BORIS's "Time offset"."""
    words = words_of(name)
    return bool(set(words) & _NO_VALUE) or ("time", "offset") in pairwise(words)


def _unit_of(name: str, texts: Sequence[str]) -> Unit:
    in_order = words_of(name)
    words = set(in_order)
    # "ss.msec" of ELAN are seconds with a fraction, "msec" alone are milliseconds
    if any(a in _SECONDS and b in _MILLISECONDS for a, b in pairwise(in_order)):
        return "seconds"
    if words & _MILLISECONDS:
        return "milliseconds"
    if words & {"frame", "frames", "bild", "bilder"}:
        return "frames"
    whole = texts and all(re.fullmatch(r"\d+", text.strip()) for text in texts)
    return "frames" if whole and not words & _SECONDS else "seconds"


def _is_ours(header: Sequence[str], rows: Sequence[tuple[int, Sequence[str]]]) -> bool:
    """Say whether a table has mescope's columns, and kinds of expressions in one of them."""
    try:
        names = columns_of(header, tables.NEEDED, "")
    except DatasetError:
        return False
    at = names.index("kind")
    kinds = {cells[at].lower() for _, cells in rows if at < len(cells)}
    return not kinds or bool(kinds & {"", *KINDS})


def _rows(path: Path, text: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    try:
        lines = [
            (line, [unguarded(cell.strip()) for cell in cells]) for line, cells in split(text)
        ]
    except UnreadableError as error:
        raise DatasetError(f"{place(path, error.row)}: {error}") from None
    header = lines[0][1]
    if len(header) < 2:
        raise DatasetError(
            f"{path.name}: expected a table with columns, found one column; the sign between "
            f"cells is {delimiter_of(text)[0]!r}"
        )
    return header, lines[1:]


def _read_rows(table: _Table, header: list[str], rows: Sequence[tuple[int, list[str]]]) -> None:
    layout = table.layout
    _refuse_halves(table, header, rows)
    times = {*layout.columns}
    values = [n for n in header if n and n not in times and not _is_administrative(n)]
    fields = [*values, *(["apex"] if layout.apex else [])]
    table.grouped = _may_be_grouped(layout, header, rows)
    table.of_frames = _of_frames(layout, header, rows)
    for line, cells in rows:
        row = dict(zip(header, [*cells, *[""] * (len(header) - len(cells))], strict=False))
        try:
            if len(cells) > len(header) and any(cells[len(header) :]):
                raise ValueError("there are more cells than columns; put texts in quotes")
            start, end = _span(row, table)
            said = [row[name] for name in values]
            said += [_apex(row, table)] if layout.apex else []
            tier = Tier(
                name=row.get(layout.tier, "") or WHOLE,
                coder=row.get(layout.coder, ""),
                participant=row.get(layout.participant, ""),
                fields=tuple(fields),
            )
            table.add(row.get(layout.video, ""), tier, Cell(start, end, tuple(said)))
        except ValueError as error:
            table.remarks.left_out(place(table.name, line), error)


def _refuse_halves(
    table: _Table, header: Sequence[str], rows: Sequence[tuple[int, list[str]]]
) -> None:
    """Refuse a table whose states start in one row and stop in another: each would be a point.

    So are the tabular events of BORIS and the event log of The Observer.
    """
    if table.layout.end:
        return
    for i, name in enumerate(header):
        said = {row[i].casefold() for _, row in rows if i < len(row)}
        if said & _STARTS and said & _STOPS and said <= _STARTS | _STOPS | _POINTS:
            raise DatasetError(
                f"{table.name}: the column {name[:40]!r} has the start of a state in one row "
                "and its stop in another; expected both in one row, as in BORIS's aggregated "
                "events"
            )


def _of_frames(
    layout: TableLayout, header: Sequence[str], rows: Sequence[tuple[int, list[str]]]
) -> frozenset[str]:
    """Return the columns whose ``00:12:05`` is no clock: its last part counts frames.

    Their names say so (``mm:ss:ff``), or there are 60 and more of what would be seconds.
    """
    found = set()
    for name in filter(None, (layout.start, layout.end, layout.apex)):
        i = header.index(name)
        times = [_CLOCK.fullmatch(row[i]) for _, row in rows if i < len(row)]
        parts = [(t[1], int(t[2]), int(t[3])) for t in times if t is not None]
        beyond = any(last > 59 or (hours and middle > 59) for hours, middle, last in parts)
        if beyond or {"ff", "hmsf"} & set(words_of(name)):
            found.add(name)
    return frozenset(found)


def _may_be_grouped(
    layout: TableLayout, header: list[str], rows: Iterable[tuple[int, list[str]]]
) -> bool:
    """Say whether "12,234" may be twelve thousand ms: nowhere four digits stand together.

    Frames are whole: where they have a sign between digits, it may always be a thousand.
    """
    if layout.unit != "milliseconds":
        return layout.unit != "seconds"
    columns = [header.index(n) for n in (layout.start, layout.end, layout.apex) if n]
    cells = (row[i] for _, row in rows for i in columns if i < len(row))
    return not any(re.match(r"\d{4}", cell) for cell in cells)


def _span(row: dict[str, str], table: _Table) -> tuple[int, int]:
    layout = table.layout
    start = _ms(row[layout.start], layout.start, table, last=False)
    if not layout.end or row[layout.end] in _NOTHING:
        return start, start
    end = _ms(row[layout.end], layout.end, table, last=True)
    if end < start:
        raise ValueError(f"expected {layout.end} after {layout.start}, found {row[layout.end]}")
    return start, end


def _apex(row: dict[str, str], table: _Table) -> str:
    name = table.layout.apex
    return f"{_ms(row[name], name, table, last=False) / 1000:.3f}" if row[name] else ""


def _ms(text: str, what: str, table: _Table, *, last: bool) -> int:
    """Return a time of the table in ms as players count."""
    unit, clock = table.layout.unit, table.clock
    found = _CLOCK.fullmatch(text)
    if (found and what in table.of_frames) or _CLOCK_OF_FRAMES.fullmatch(text):
        raise ValueError(
            f"{what} is {text!r}: expected h:mm:ss.ms, found frames behind the seconds; have "
            "the times written with milliseconds"
        )
    if found is not None:
        hours, minutes, seconds = (int(part or 0) for part in found.groups()[:3])
        ms = int((found[4] or found[5] or "0").ljust(3, "0"))
        return ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms
    if table.grouped and _GROUPED.fullmatch(text):
        raise ValueError(
            f"{what} is {text!r}: expected {unit}, found what may be a thousand or a decimal; "
            "write it without signs between the digits"
        )
    value = _number(text, what)
    if unit in ("seconds", "milliseconds"):
        return round(value * (1000 if unit == "seconds" else 1))
    if clock is None:
        raise ValueError("it has frames only and no frame rate; name --video or --rate")
    frame = int(value) - (unit == "frames from 1")
    if frame != value - (unit == "frames from 1") or frame < 0:
        raise ValueError(f"{what} is {text!r}: expected a frame number")
    if clock.times is not None and frame >= len(clock.times):
        raise OutsideError(f"frame {frame}, but the recording has 0 to {len(clock.times) - 1}")
    at = clock.end_of(frame) if last else clock.start_of(frame)
    return round((at + clock.start_offset) * 1000)


def _number(text: str, what: str) -> float:
    plain = text.replace(",", ".") if text.count(",") == 1 and "." not in text else text
    try:
        value = float(plain)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or "_" in text:
        raise ValueError(f"{what} is {text[:40]!r}: expected a time")
    return value


def _read_wide(table: _Table, header: list[str], rows: Iterable[tuple[int, list[str]]]) -> None:
    """Read Datavyu's table of cells: each column of Datavyu beside the others, times in ms."""
    groups = list(_groups(header))
    for line, cells in rows:
        row = [*cells, *[""] * (len(header) - len(cells))]
        for name, onset, offset, codes in groups:
            if not row[onset]:
                continue
            try:
                start, end = (_number(row[i], header[i]) for i in (onset, offset))
                fields = tuple(header[i].rpartition(".")[2] for i in codes)
                tier = Tier(name=name, fields=fields, last_frame=True)
                cell = Cell(round(start), round(end), tuple(row[i] for i in codes))
            except ValueError as error:
                table.remarks.left_out(place(table.name, line), error)
                continue
            table.add("", tier, cell)


def _groups(header: list[str]) -> Iterator[tuple[str, int, int, list[int]]]:
    for i, name in enumerate(header):
        stem = name.removesuffix(_WIDE)
        if stem == name or f"{stem}.offset" not in header:
            continue
        own = (f"{stem}.ordinal", f"{stem}.onset", f"{stem}.offset")
        codes = [n for n, c in enumerate(header) if c.startswith(f"{stem}.") and c not in own]
        yield stem, i, header.index(f"{stem}.offset"), codes
