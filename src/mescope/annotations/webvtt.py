"""WebVTT: marks as subtitles, for any player; what a cue cannot hold stands in notes.

A cue shows kind, emotion and score.  The note before it holds the whole mark as JSON, in which
``<``, ``>`` and ``&`` are escaped, so ``-->`` never stands in it.
Blinks and other events have cues too, whose note says ``event``; a reader passes over those.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace
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
from mescope.annotations.clock import Clock, reconciled
from mescope.annotations.expression_table import KINDS
from mescope.annotations.files import parse_json, read_text, table
from mescope.annotations.stored import (
    KIND_WORDS,
    about,
    compact,
    from_dict,
    set_from_facts,
    to_dict,
)
from mescope.errors import DatasetError

_NOTE = "NOTE mescope "
_ARROW = re.compile(
    r"(?:(\d{2,6}):)?([0-5]\d):([0-5]\d)\.(\d{3})[ \t]+-->[ \t]+"
    r"(?:(\d{2,6}):)?([0-5]\d):([0-5]\d)\.(\d{3})(?:[ \t].*)?",
    re.ASCII,
)
_TAG = re.compile(r"<[^>]*>")


def dumps(sheet: AnnotationSet) -> str:
    """Return a set as WebVTT text.

    Raises:
        DatasetError: a mark has no times.
    """
    sheet = normal(sheet)
    sheet = replace(sheet, marks=in_order(sheet.marks))
    blocks = ["WEBVTT", _NOTE + compact(about(sheet))]
    cues = [
        (start, end, to_dict(mark), _words(mark))
        for mark, (start, end) in zip(sheet.marks, milliseconds(sheet), strict=True)
    ]
    for kind in face_events.KINDS:
        for start, end, event in face_events.spans(sheet.events, kind, sheet.rate):
            note = {"event": face_events.to_dict(event)}
            cues.append((start, end, note, face_events.CODES[kind]))
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
        DatasetError: it is not WebVTT, or a time is wrong; the message names the cue.
    """
    text = read_text(path)
    if not re.match(r"WEBVTT(?:[ \t].*)?(?:\n|\Z)", text):
        raise DatasetError(
            f"{path.name}: expected WEBVTT in the first line, found {text[:20]!r}"
        )
    sheet = AnnotationSet(video=path.stem)
    marks: list[Annotation] = []
    remarks: list[str] = []
    note: dict[str, Any] = {}
    for number, block in _blocks(text):
        where = f"{path.name}, line {number}"
        try:
            if block.startswith(_NOTE):
                note = table(parse_json(block.removeprefix(_NOTE), where), "the note")
                if "kind" not in note and "event" not in note:
                    sheet = set_from_facts(note, path.stem)
            elif "-->" in block and "event" in note:
                note = {}  # one of our events, not a mark
            elif "-->" in block:
                mark, remark = _cue(block, note, sheet.rate, clock)
                marks.append(mark)
                remarks += [f"{where}: {remark}"] if remark else []
                note = {}
        except _LeftOutError as error:
            remarks.append(f"{where}: left out, {error}")
            note = {}
        except ValueError as error:
            raise DatasetError(f"{where}: {error}") from None
    return Contents((replace(sheet, marks=in_order(marks)),), tuple(remarks))


class _LeftOutError(Exception):
    """A cue that is sound, but not a mark."""


def _blocks(text: str) -> Iterator[tuple[int, str]]:
    """Yield what stands between blank lines, with the number of its first line."""
    lines: list[str] = []
    for number, line in enumerate([*text.split("\n"), ""], start=1):
        if line.strip(" \t"):
            lines.append(line)
        elif lines:
            yield number - len(lines), "\n".join(lines)
            lines = []


def _cue(
    block: str, note: dict[str, Any], rate: float | None, clock: Clock | None
) -> tuple[Annotation, str]:
    """Return the mark of a cue and a remark if it was moved."""
    lines = block.split("\n")
    at = next(i for i, line in enumerate(lines) if "-->" in line)
    match = _ARROW.fullmatch(lines[at].strip())
    if match is None:
        raise ValueError(
            f"expected times as 00:00:01.000 --> 00:00:01.300, found {lines[at][:40]!r}"
        )
    start, end = _seconds(*match.groups()[:4]), _seconds(*match.groups()[4:])
    if end <= start:
        raise ValueError(f"expected a cue that ends after it starts, found {lines[at][:40]!r}")
    if "kind" in note:
        return reconciled(from_dict(note), start, end, digits=3, rate=rate, clock=clock)
    words = html.unescape(_TAG.sub("", " ".join(lines[at + 1 :]))).strip()
    return _foreign(words, start, end, clock or (Clock(rate) if rate else None)), ""


def _foreign(words: str, start: float, end: float, clock: Clock | None) -> Annotation:
    kind_word, _, rest = words.partition(" ")
    kind = KINDS.get(kind_word.strip(",;:·").lower())
    if kind is None:
        raise _LeftOutError(f"it does not begin with micro-expression: {words[:40]!r}")
    if clock is None:
        raise _LeftOutError("it has times only; name --video or --rate")
    interval = clock.interval(start, end)
    named = rest.strip(" ·,;:").split(" ")[0]
    return Annotation(
        interval=interval,
        kind=kind,
        emotion=named if named.isalpha() else None,
        onset_s=start,
        offset_s=min(max(start, clock.start_of(interval.last)), end),
        end_s=end,
    )


def _words(mark: Annotation) -> str:
    """Return what a viewer sees, harmless in a cue."""
    parts = [KIND_WORDS[mark.kind], mark.emotion or ""]
    if mark.action_units:
        parts.append(f"AU {mark.action_units}")
    if mark.score is not None:
        parts.append(f"score {mark.score:.2f}")
    return html.escape(" · ".join(filter(None, parts)), quote=False)


def _stamp(ms: int) -> str:
    seconds, rest = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}.{rest:03d}"


def _seconds(hours: str | None, minutes: str, seconds: str, ms: str) -> float:
    whole = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
    return (whole * 1000 + int(ms)) / 1000
