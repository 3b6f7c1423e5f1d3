"""ELAN's ``.eaf``: what is on the tiers, and the writer; :mod:`elan_read` reads.

Tiers are ``ME@<face>#<source>`` with one tier per property below it.  ``#model`` marks a
model's tiers; overlapping marks go to further ones, ``ME@<face>.2``.
Blinks and other events of a model stand on ``EVENT-<kind>@<face>#model``, outside of that, and
tiers of other programs under their own names; the property ``mescope:tiers`` says what of.
A controlled vocabulary belongs to a linguistic type, so the tiers with one have types of
their own; a tier ME-note holds remarks.  Times are whole milliseconds as players count,
half-open; ``ME-frames`` holds the frames and exact times from the first frame.  Time slots are
sorted.
Source: EAF 3.0, https://www.mpi.nl/tools/elan/EAF_Annotation_Format_3.0_and_ELAN.pdf.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from mescope.annotations import face_events
from mescope.annotations.annotation import (
    STATUSES,
    Annotation,
    AnnotationSet,
    in_order,
    lanes,
    milliseconds,
    normal,
    widened,
)
from mescope.annotations.elan_codes import CODES, CodesWriter
from mescope.annotations.elan_document import Document, free_tier_name, types_of, vocabulary
from mescope.annotations.stored import KIND_WORDS, about, compact, frames_text
from mescope.annotations.tiers import Cell, Tier, facts_of, lanes_of, unused_name

MODEL = "model"
FIXED_DATE = "1970-01-01T00:00:00+00:00"
"""Stands for no date, so that the same annotations make the same bytes."""
PREFIX = "mescope:"
"""Begins the names of the header's properties that hold the facts of the video."""

KEPT = PREFIX + "tiers"
"""The property that says which tiers of the file are whose, of which program's tier."""

EMOTIONS = (
    "negative", "positive", "surprise", "others", "neutral", "anger", "contempt", "disgust",
    "fear", "happiness", "sadness", "repression", "tense",
)  # fmt: skip
"""Entries of the vocabulary of emotions; those of the marks are added."""

DEPENDENT = ("emotion", "AU", "score", "frames", "review", "note", "reason", "taken")
"""Tiers of one value per mark, ``ME-<name>@<face>``; ``ME-apex`` has a time of its own."""
_RARE = ("reason", "taken")  # tiers that are there only where they say something

MIME = {
    ".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/quicktime", ".mpg": "video/mpeg",
    ".mpeg": "video/mpeg", ".avi": "video/x-msvideo", ".mkv": "video/x-matroska",
    ".webm": "video/webm", ".wmv": "video/x-ms-wmv", ".ogv": "video/ogg", ".ts": "video/mp2t",
    ".mts": "video/mp2t", ".flv": "video/x-flv",
}  # fmt: skip

_TYPES = (  # name, time-alignable, constraint, vocabulary
    ("me-interval", True, "", "me-type"),
    ("me-assoc", False, "Symbolic_Association", ""),
    ("me-assoc-emotion", False, "Symbolic_Association", "me-emotion"),
    ("me-assoc-review", False, "Symbolic_Association", "me-review"),
    ("me-point", True, "Included_In", ""),
)
_EVENT_TYPE = ("me-event", True, "", "")  # only where there are events
_KEPT_TYPE = ("me-kept", True, "", "")  # likewise of tiers of other programs
_TYPE_OF = {"emotion": "me-assoc-emotion", "review": "me-assoc-review"}
_CONSTRAINTS = (
    ("Time_Subdivision", "Time subdivision of parent annotation's time interval, no time gaps"),
    ("Symbolic_Subdivision", "Symbolic subdivision of a parent annotation"),
    ("Symbolic_Association", "1-1 association with a parent annotation"),
    ("Included_In", "Time alignable annotations within the parent annotation's time interval"),
)
_SCHEMA = "http://www.w3.org/2001/XMLSchema-instance"


def dumps(sheet: AnnotationSet, *, media: str = "", date: str = FIXED_DATE) -> bytes:
    """Return a set as the bytes of an EAF 3.0 file.

    Args:
        sheet: marks with times; see :func:`mescope.annotations.clock.timed`.
        media: where the video lies, as a URL relative to the file.  It is also written as the
            absolute one: a whole path names people, and ELAN looks beside the file itself.
        date: when the file was made, ISO 8601.  Fixed unless given, so that the same marks
            make the same bytes.

    Raises:
        DatasetError: a mark has no times.
    """
    sheet = normal(sheet)
    sheet = replace(sheet, marks=in_order(sheet.marks))
    writer = _Writer(sheet=sheet)
    writer.tiers()
    writer.events()
    codes = CodesWriter(writer, sheet.coded, sheet.shown_from)
    codes.write()
    writer.others()
    root = Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": "mescope",
            "DATE": date,
            "FORMAT": "3.0",
            "VERSION": "3.0",
            "xmlns:xsi": _SCHEMA,
            "xsi:noNamespaceSchemaLocation": "http://www.mpi.nl/tools/elan/EAFv3.0.xsd",
        },
    )
    root.append(_header(sheet, media, writer.kept, codes.facts))
    root.append(writer.time_order())
    root.extend(writer.made)
    types = [*_TYPES, *[_EVENT_TYPE] * bool(sheet.events), *[_KEPT_TYPE] * bool(sheet.tiers)]
    root.extend(types_of((*types, *codes.kinds)))
    label = {"LANG_DEF": "http://cdb.iso.org/lg/CDB-00130975-001", "LANG_ID": "und"}
    SubElement(root, "LANGUAGE", {**label, "LANG_LABEL": "undetermined (und)"})
    for name, text in _CONSTRAINTS:
        SubElement(root, "CONSTRAINT", {"DESCRIPTION": text, "STEREOTYPE": name})
    found = sorted({mark.emotion for mark in sheet.marks if mark.emotion} - set(EMOTIONS))
    root.append(vocabulary("me-type", KIND_WORDS.values()))
    root.append(vocabulary("me-emotion", (*EMOTIONS, *found)))
    root.append(vocabulary("me-review", STATUSES[1:]))
    root.extend(codes.vocabularies)
    ElementTree.indent(root, " ")
    data: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return data + b"\n"


@dataclass
class _Writer(Document):
    """Makes the tiers of a set."""

    sheet: AnnotationSet = field(kw_only=True)
    taken: set[str] = field(default_factory=set)
    kept: list[dict[str, Any]] = field(default_factory=list)  # of tiers of other programs

    def tiers(self) -> None:
        """Make all tiers; each face, source and lane has its own."""
        times = milliseconds(self.sheet)
        groups: dict[tuple[str, str, str, int], list[int]] = {}
        for i, lane in enumerate(lanes(self.sheet.marks, times)):
            mark = self.sheet.marks[i]
            groups.setdefault((mark.face, mark.origin, mark.source, lane), []).append(i)
        for (face, origin, source, lane), members in sorted(groups.items()):
            tail = self._tail(face, origin, source, lane)
            about_tier = {"ANNOTATOR": source, "PARTICIPANT": face}
            self._group(tail, about_tier, [(self.sheet.marks[i], times[i]) for i in members])

    def events(self) -> None:
        """Make a tier for each kind of event that occurs on a face."""
        for kind in face_events.KINDS:
            found = list(face_events.spans(self.sheet, kind))
            for face in sorted({event.face for _, _, event in found}):
                facts = {"ANNOTATOR": MODEL, "PARTICIPANT": face}
                tier = self.tier(f"EVENT-{kind}@{face}#{MODEL}", _EVENT_TYPE[0], facts)
                for start, end, event in found:
                    if event.face == face:
                        self.interval(tier, (start, end), face_events.value_of(kind))

    def others(self) -> None:
        """Make the tiers of other programs: the first field, and the others below it."""
        names = self.names
        for tier in self.sheet.tiers:
            ids = []
            for row in lanes_of(tier.cells):
                name = free_tier_name(tier.name, names)
                names.add(name)
                ids.append([name])
                for one in tier.fields[1:]:
                    ids[-1].append(unused_name(f"{name} {one}".strip(), names))
                    names.add(ids[-1][-1])
                self._others(tier, row, ids[-1])
            self.kept.append({**facts_of(tier), "ids": ids})

    def _others(self, tier: Tier, row: list[Cell], ids: list[str]) -> None:
        facts = {"ANNOTATOR": tier.coder, "PARTICIPANT": tier.participant}
        top = self.tier(ids[0], _KEPT_TYPE[0], facts)
        parents = [
            self.interval(top, (c.start, c.shown_end), "".join(c.values[:1])) for c in row
        ]
        for column, name in enumerate(ids[1:], start=1):
            below = self.tier(name, "me-assoc", facts, top)
            for parent, cell in zip(parents, row, strict=True):
                if cell.values[column]:
                    self.reference(below, parent, cell.values[column])

    def _tail(self, face: str, origin: str, source: str, lane: int) -> str:
        """Return what tiers of a group are called after ``ME``; no two are alike."""
        end = MODEL if origin == "model" else source or "coder"
        if origin == "coder" and end.casefold() == MODEL:
            end += " (coder)"  # a person of that name must not be taken for a model
        number = lane + 1
        while True:
            tail = f"@{face}#{end}" if number == 1 else f"@{face}.{number}#{end}"
            if tail not in self.taken:
                self.taken.add(tail)
                return tail
            number += 1

    def _group(
        self, tail: str, facts: dict[str, str], rows: list[tuple[Annotation, tuple[int, int]]]
    ) -> None:
        top = self.tier(f"ME{tail}", "me-interval", facts)
        names = []
        for mark, ends in rows:
            names.append(self.interval(top, ends, KIND_WORDS[mark.kind]))
        marks = [mark for mark, _ in rows]
        for name in DEPENDENT:
            if name in _RARE and not any(value_of(mark, name) for mark in marks):
                continue
            tier = self.tier(f"ME-{name}{tail}", _TYPE_OF.get(name, "me-assoc"), facts, top)
            for parent, mark in zip(names, marks, strict=True):
                if value := value_of(mark, name):
                    self.reference(tier, parent, value)
        apex = self.tier(f"ME-apex{tail}", "me-point", facts, top)
        for mark, ends in rows:
            if mark.apex_s is not None:
                span = apex_span(mark, ends, self.sheet.rate, self.sheet.shown_from)
                self.interval(apex, span, "apex")


def value_of(mark: Annotation, name: str) -> str:
    """Return what stands on a dependent tier for a mark; empty where nothing does."""
    if name == "score":
        return "" if mark.score is None else repr(mark.score)
    if name == "frames":
        return frames_text(mark)
    values = {
        "emotion": mark.emotion or "",
        "AU": mark.action_units,
        "review": mark.status,
        "note": mark.note,
        "reason": mark.reason,
        "taken": mark.taken,
    }
    return values[name]


def apex_span(
    mark: Annotation, ends: tuple[int, int], rate: float | None, zero: float
) -> tuple[int, int]:
    """Return one frame at the apex in ms, within the ends of its mark and at least 1 ms.

    ``ends`` and the result are as players count, which show the first frame at ``zero``.
    """
    second = (mark.apex_s or 0.0) + zero
    first, last = widened(second, second + (1 / rate if rate else 0.0))
    first = min(max(first, ends[0]), ends[1] - 1)
    return first, max(first + 1, min(last, ends[1]))


def _header(
    sheet: AnnotationSet, media: str, kept: list[dict[str, Any]], codes: dict[str, Any]
) -> Element:
    header = Element("HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    if media:
        mime = MIME.get(PurePosixPath(media).suffix.lower(), "unknown")
        words = {"MEDIA_URL": media, "MIME_TYPE": mime, "RELATIVE_MEDIA_URL": media}
        SubElement(header, "MEDIA_DESCRIPTOR", words)
    for name, value in about(sheet).items():
        SubElement(header, "PROPERTY", {"NAME": PREFIX + name}).text = str(value)
    if kept:
        SubElement(header, "PROPERTY", {"NAME": KEPT}).text = compact({"tiers": kept})
    if codes:
        SubElement(header, "PROPERTY", {"NAME": CODES}).text = compact(codes)
    return header
