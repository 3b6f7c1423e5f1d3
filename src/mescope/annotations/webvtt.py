"""WebVTT: marks as subtitles, for any player; what a cue cannot hold stands in notes.

A cue shows kind, emotion and score.  The note before it holds the whole mark as JSON, in which
``<``, ``>`` and ``&`` are escaped, so ``-->`` never stands in it.  Times are those of players.
Blinks and other events have cues too, whose note says ``event``; a reader passes over those.
Cells of other programs' tiers have cues whose note says ``tier``.
Source: WebVTT, https://www.w3.org/TR/webvtt1/.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mescope.annotations import face_events
from mescope.annotations.annotation import (
    Annotation,
    AnnotationSet,
    Contents,
    in_order,
    milliseconds,
    normal,
)
from mescope.annotations.clock import Clock, Timeline, reconciled
from mescope.annotations.expression_table import KINDS
from mescope.annotations.files import listing, parse_json, read_text, table, word
from mescope.annotations.problems import OutsideError, Remarks
from mescope.annotations.stored import (
    KIND_WORDS,
    about,
    compact,
    from_dict,
    set_from_facts,
    to_dict,
)
from mescope.annotations.tiers import Cell, Tier, cell_between, facts_of, joined, tier_of
from mescope.errors import DatasetError

_NOTE = "NOTE mescope "
_ARROW = re.compile(
    r"(?:(\d{1,6}):)?([0-5]\d):([0-5]\d)\.(\d{3})[ \t]*-->[ \t]*"
    r"(?:(\d{1,6}):)?([0-5]\d):([0-5]\d)\.(\d{3})(?:[ \t].*)?",
    re.ASCII,
)
_TIME = re.compile(r"\d:[0-5]\d[.,:]\d")  # in whatever form
_NO_CUE = re.compile(r"(NOTE|STYLE|REGION)(\s|\Z)")
_TAG = re.compile(r"<[^>]*>")


def dumps(sheet: AnnotationSet) -> str:
    """Return a set as WebVTT text.

    Raises:
        DatasetError: a mark has no times.
    """
    sheet = normal(sheet)
    sheet = replace(sheet, marks=in_order(sheet.marks))
    blocks = ["WEBVTT", _NOTE + compact(about(sheet))]
    cues: list[tuple[int, int, dict[str, Any], str]] = [
        (start, end, to_dict(mark), _words(mark))
        for mark, (start, end) in zip(sheet.marks, milliseconds(sheet), strict=True)
    ]
    for kind in face_events.KINDS:
        for start, end, event in face_events.spans(sheet, kind):
            note: dict[str, Any] = {"event": face_events.to_dict(event)}
            words = face_events.CODES[kind] + _whose(event.face)
            cues.append((start, end, note, words))
    for tier in sheet.tiers:
        facts = facts_of(tier)
        for cell in tier.cells:
            told: dict[str, Any] = {"tier": facts, "values": list(cell.values)}
            cues.append((cell.start, cell.shown_end, told, _cell_words(tier, cell)))
    # players want cues in order of their starts; stable, so marks come before events
    for number, (start, end, kept, words) in enumerate(sorted(cues, key=lambda c: c[0]), 1):
        blocks.append(_NOTE + compact(kept))
        blocks.append(f"{number}\n{_stamp(start)} --> {_stamp(end)}\n{words}")
    return "\n\n".join(blocks) + "\n"


def read(path: Path, clock: Clock | None = None) -> Contents:
    """Return the marks of a WebVTT file.

    A cue without our note counts if its text begins with a kind (``micro-expression``); the
    word after it is the emotion, and ``clock`` gives the frames.

    Raises:
        DatasetError: it is not WebVTT, a time is wrong, two cues have no blank line between
            them, or a mark lies outside the recording; the message names the line.
    """
    text = read_text(path)
    if not re.match(r"WEBVTT(?:[ \t].*)?(?:\n|\Z)", text):
        raise DatasetError(
            f"{path.name}: expected WEBVTT in the first line, found {text[:20]!r}"
        )
    reader = _Reader(AnnotationSet(video=path.stem), clock)
    for number, block in _blocks(text):
        where = f"{path.name}, line {number}"
        try:
            reader.take(block, where, first=number == 1)
        except DatasetError:
            raise
        except _LeftOutError as error:
            reader.left_out(where, error)
        except ValueError as error:
            raise DatasetError(f"{where}: {error}") from None
    reader.remarks.check(path.name)
    try:
        tiers = joined(reader.cells.items())
    except ValueError as error:
        raise DatasetError(f"{path.name}: {error}") from None
    done = replace(reader.sheet, marks=in_order(reader.marks), tiers=tiers)
    return Contents((done,), tuple(reader.remarks.said), reader.remarks.lost)


_BETWEEN = " ·,;:-\u2013\u2014/|("
"""What people write between a kind and an emotion: micro-expression - happiness."""


class _LeftOutError(Exception):
    """A cue that is sound, but not a mark; ``lost`` says whether it may have meant one."""

    def __init__(self, message: str, *, lost: bool = False) -> None:
        super().__init__(message)
        self.lost = lost


@dataclass
class _Reader:
    """One file while it is read; ``note`` stands before the next cue."""

    sheet: AnnotationSet
    clock: Clock | None
    marks: list[Annotation] = field(default_factory=list)
    remarks: Remarks = field(default_factory=Remarks)
    note: dict[str, Any] = field(default_factory=dict)
    cells: dict[Tier, list[Cell]] = field(default_factory=dict)

    def take(self, block: str, where: str, *, first: bool) -> None:
        """Take in what stands between two blank lines."""
        lines = block.split("\n")
        cue = next((i for i, line in enumerate(lines) if "-->" in line), None)
        if cue is not None:
            self._check_alone(lines, cue, first)
            note, self.note = self.note, {}
            if "tier" in note:
                self._cell(lines[cue], note)
            elif "event" not in note:  # else one of our events, not a mark
                self._cue(lines[cue:], note, where)
        elif block.startswith(_NOTE):
            note = table(parse_json(block.removeprefix(_NOTE), where), "the note")
            if "kind" in note or "event" in note or "tier" in note:
                self.note = note
            else:
                self.sheet = set_from_facts(note, self.sheet.video)
        elif first:
            _check_header(lines)
        elif not _NO_CUE.match(block):
            raise _LeftOutError(f"it is no cue: {block[:40]!r}", lost=True)

    def left_out(self, where: str, error: _LeftOutError) -> None:
        self.remarks.left_out(where, str(error), count=int(error.lost))

    def _cell(self, line: str, note: dict[str, Any]) -> None:
        """Take in a cell of a tier; its cue may have been moved."""
        start, end = (round(second * 1000) for second in _times(line))
        values = [word(one, "a value") for one in listing(note.get("values"), "values")]
        tier = tier_of(note["tier"])
        self.cells.setdefault(tier, []).append(cell_between(start, end, values))

    def _check_alone(self, lines: list[str], cue: int, first: bool) -> None:
        """Refuse blocks that run together: a program may show one part of them only."""
        if first:
            raise ValueError("expected a blank line after WEBVTT and what belongs to it")
        below = [
            n
            for n, line in enumerate(lines)
            if n != cue and ("-->" in line or len(_TIME.findall(line)) > 1)
        ]
        if below:
            raise ValueError(
                f"expected a blank line between two cues, found {lines[below[0]][:40]!r} "
                f"in line {below[0] + 1} of the block"
            )
        if cue > 1 or (cue == 1 and _NO_CUE.match(lines[0])):
            raise ValueError(
                f"expected a blank line before a cue, found {lines[cue - 1][:40]!r}"
            )

    def _cue(self, lines: list[str], note: dict[str, Any], where: str) -> None:
        """Take in the mark of a cue, whose times stand in its first line."""
        start, end = _times(lines[0])
        timeline = Timeline.of(self.sheet, self.clock)
        try:
            if "kind" in note:
                mark, remark = reconciled(
                    from_dict(note), start, end, digits=3, timeline=timeline
                )
            else:
                words = html.unescape(_TAG.sub("", " ".join(lines[1:]))).strip()
                mark, remark = _foreign(words, start, end, timeline), ""
        except OutsideError as error:
            self.remarks.left_out(where, error)
            return
        self.marks.append(mark)
        if remark:
            self.remarks.add(where, remark)


def _check_header(lines: list[str]) -> None:
    """Refuse a cue that hides in the header, and times that count from elsewhere."""
    if any(line.startswith("X-TIMESTAMP-MAP") for line in lines):
        raise ValueError(
            "X-TIMESTAMP-MAP counts from the clock of a stream; export whole files"
        )
    if any(len(_TIME.findall(line)) > 1 for line in lines):
        raise ValueError("expected a blank line after WEBVTT and what belongs to it")


def _blocks(text: str) -> Iterator[tuple[int, str]]:
    """Yield what stands between blank lines, with the number of its first line."""
    lines: list[str] = []
    for number, line in enumerate([*text.split("\n"), ""], start=1):
        if line.strip(" \t"):
            lines.append(line)
        elif lines:
            yield number - len(lines), "\n".join(lines)
            lines = []


def _times(line: str) -> tuple[float, float]:
    """Return start and end of a cue in seconds."""
    match = _ARROW.fullmatch(line.strip())
    if match is None:
        raise ValueError(
            f"expected times as 00:00:01.000 --> 00:00:01.300, found {line[:40]!r}"
        )
    start, end = _seconds(*match.groups()[:4]), _seconds(*match.groups()[4:])
    if end < start:
        raise ValueError(f"expected a cue that ends after it starts, found {line[:40]!r}")
    if end == start:
        raise _LeftOutError(f"it ends when it starts, at {start:.3f} s", lost=True)
    return start, end


def _foreign(words: str, start: float, end: float, timeline: Timeline) -> Annotation:
    kind_word, _, rest = words.partition(" ")
    kind = KINDS.get(kind_word.strip(",;:·-\u2013\u2014").lower())
    if kind is None:
        raise _LeftOutError(f"it does not begin with micro-expression: {words[:40]!r}")
    try:
        placed = timeline.placed(start, end)
    except OutsideError:
        raise
    except ValueError as error:
        raise _LeftOutError(str(error), lost=True) from None
    named = re.split(r"[^\w]+", rest.lstrip(_BETWEEN), maxsplit=1)[0]
    is_word = named.isalpha() and named.lower() not in ("au", "score")  # of our own words
    return Annotation(kind=kind, emotion=named if is_word else None, **placed)


def _words(mark: Annotation) -> str:
    """Return what a viewer sees, harmless in a cue."""
    parts = [KIND_WORDS[mark.kind], mark.emotion or ""]
    if mark.action_units:
        parts.append(f"AU {mark.action_units}")
    if mark.score is not None:
        parts.append(f"score {mark.score:.2f}")
    return html.escape(" · ".join(filter(None, parts)), quote=False) + _whose(mark.face)


def _whose(face: str) -> str:
    """Return whose face it is, where several were followed."""
    return "" if face == face_events.FACE else html.escape(f" · {face}", quote=False)


def _cell_words(tier: Tier, cell: Cell) -> str:
    """Return what a viewer sees of a cell: its tier, and what stands in it.

    What looks like a time would read as the line of a cue.
    """
    said = " · ".join(filter(None, (" ".join(text.split()) for text in cell.values)))
    words = f"{tier.name}: {said}" if said else tier.name
    return html.escape(re.sub(r"(?<=\d):(?=\d)", ".", words), quote=False)


def _stamp(ms: int) -> str:
    seconds, rest = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}.{rest:03d}"


def _seconds(hours: str | None, minutes: str, seconds: str, ms: str) -> float:
    whole = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
    return (whole * 1000 + int(ms)) / 1000
