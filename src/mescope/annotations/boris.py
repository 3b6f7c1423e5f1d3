"""BORIS projects: what stands where, and the writer; :mod:`boris_read` reads.

A project has an observation per video; a mark is a pair of rows (start, stop) of a state event
whose subject is ``<face>#<source>``, whose modifier is the emotion, whose comments are the note
(start) and the whole mark as JSON (stop), and an apex is a point event.  BORIS pairs the rows
of a subject in turn, so overlapping marks go to further subjects, ``<face>.2#<source>``.
Blinks and other events are state events of their own, without modifier; tiers of other
programs are behaviours (:mod:`boris_tiers`), and so are codes (:mod:`boris_codes`).  Times are
as players count; where mpv, which BORIS embeds, counts otherwise, the observation has a time
offset.
Source: project files of BORIS 7 (https://www.boris.unito.it); rows ``[time, subject, code,
modifier, comment, frame_index]``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mescope.annotations import face_events
from mescope.annotations.annotation import (
    Annotation,
    AnnotationSet,
    in_order,
    lanes,
    milliseconds,
    normal,
)
from mescope.annotations.boris_codes import (
    Names,
    behaviours,
    facts_of_codes,
    rows_of_codes,
)
from mescope.annotations.boris_tiers import APEX, Timed, modifier, point_codes, rows_of_tiers
from mescope.annotations.coded import CodedTier, normal_coded
from mescope.annotations.elan import EMOTIONS, MODEL
from mescope.annotations.stored import KIND_WORDS, MACRO, MICRO, about, compact, to_dict
from mescope.annotations.tiers import unused_name

VERSION = "7.0"
FIXED_DATE = "1970-01-01T00:00:00"
"""Stands for no date, so that the same annotations make the same bytes."""
STATE, POINT = "State event", "Point event"

_COLORS = {MICRO: "tab:orange", MACRO: "tab:blue", APEX: "tab:red"}
_EVENT_COLOR = "tab:gray"


def dumps(sets: Sequence[AnnotationSet], *, media: str = "", date: str = FIXED_DATE) -> str:
    """Return sets as a complete BORIS project.

    Args:
        sets: marks with times, one set per video.
        media: where the video of an only set lies, relative to the file.
        date: when the project was made, ISO 8601 without zone; fixed unless given, so that the
            same marks make the same bytes.

    Raises:
        DatasetError: a mark has no times.
    """
    tidy = [normal(sheet) for sheet in sets]
    emotions = {m.emotion for s in tidy for m in s.marks if m.emotion}
    words = [*EMOTIONS, *sorted({modifier(e) for e in emotions} - {*EMOTIONS, ""})]
    coded = normal_coded(replace(t, spans=()) for sheet in tidy for t in sheet.coded)
    observations: dict[str, Any] = {}
    subjects: dict[str, None] = {}
    points = point_codes([tier for sheet in tidy for tier in sheet.tiers])
    names = behaviours(coded, points)
    for sheet in tidy:
        marked = _events(replace(sheet, marks=in_order(sheet.marks)), points)
        events = _in_order([*marked, *rows_of_codes(sheet, coded, names)])
        subjects |= dict.fromkeys(row[1] for row in events)
        name = unused_name(sheet.video or "video", observations)
        path = media if media and len(tidy) == 1 else sheet.video
        facts = about(sheet) | facts_of_codes(coded, names)
        observations[name] = _observation(sheet, events, path, date, facts)
    project = {
        "time_format": "hh:mm:ss",
        "project_date": date,
        "project_name": "mescope",
        "project_description": "",
        "project_format_version": VERSION,
        "subjects_conf": {
            str(i): {"key": "", "name": name, "description": ""}
            for i, name in enumerate(subjects)
        },
        "behaviors_conf": _ethogram(words, _kinds(tidy), coded, names, points),
        "observations": observations,
        "behavioral_categories": [tier.name for tier in coded],
        "behavioral_categories_config": {},
        "independent_variables": {},
        "coding_map": {},
        "behaviors_coding_map": [],
        "converters": {},
    }
    return json.dumps(project, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _events(sheet: AnnotationSet, points: dict[str, bool]) -> list[Timed]:
    """Return the rows of a set but for codes; BORIS keeps them sorted by time."""
    times = milliseconds(sheet)
    # a gap of 1 ms, or a stop and the next start of one subject could change places
    numbers = lanes(sheet.marks, [(start, end + 1) for start, end in times])
    names: dict[tuple[str, str, str, int], str] = {}
    rows: list[Timed] = []
    for mark, (start, end), lane in zip(sheet.marks, times, numbers, strict=True):
        group = (mark.face, mark.origin, mark.source, lane)
        if group not in names:
            names[group] = _subject(mark, lane, set(names.values()))
        who, code, emotion = names[group], KIND_WORDS[mark.kind], modifier(mark.emotion)
        first, last = mark.interval.first, mark.interval.last
        rows.append((start, 2, [start / 1000, who, code, emotion, mark.note, first]))
        stored = compact(to_dict(replace(mark, note="")))
        rows.append((end, 0, [end / 1000, who, code, emotion, stored, last]))
        if mark.apex is not None and mark.apex_s is not None:
            at = min(max(round((mark.apex_s + sheet.shown_from) * 1000), start), end)
            rows.append((at, 1, [at / 1000, who, APEX, "", "", mark.apex]))
    rows += _face_events(sheet)
    return rows + list(rows_of_tiers(sheet.tiers, points))


def _in_order(rows: list[Timed]) -> list[list[Any]]:
    return [row for _, _, row in sorted(rows, key=lambda row: row[:2])]


def _kinds(sets: Sequence[AnnotationSet]) -> list[str]:
    """Return the codes of the events that occur."""
    there = {event.kind for sheet in sets for event in sheet.events}
    return [face_events.CODES[kind] for kind in face_events.KINDS if kind in there]


def _face_events(sheet: AnnotationSet) -> list[Timed]:
    rows: list[Timed] = []
    for kind in face_events.KINDS:
        code = face_events.CODES[kind]
        for start, end, event in face_events.spans(sheet, kind):
            # a stop of one and a start of the next could change places: a gap of 1 ms
            stop = max(start, end - 1)
            who = f"{event.face}#{MODEL}"
            stored = compact(face_events.to_dict(event))
            rows.append((start, 2, [start / 1000, who, code, "", "", event.interval.first]))
            rows.append((stop, 0, [stop / 1000, who, code, "", stored, event.interval.last]))
    return rows


def _subject(mark: Annotation, lane: int, taken: set[str]) -> str:
    """Return a name for the marks of one face, source and lane; no two are alike."""
    end = MODEL if mark.origin == "model" else mark.source or "coder"
    if mark.origin == "coder" and end.casefold() == MODEL:
        end += " (coder)"
    number = lane + 1
    while True:
        name = f"{mark.face}#{end}" if number == 1 else f"{mark.face}.{number}#{end}"
        if name not in taken:
            return name
        number += 1


def _observation(
    sheet: AnnotationSet, events: list[list[Any]], path: str, date: str, facts: dict[str, Any]
) -> dict[str, Any]:
    rate = sheet.rate or 0.0
    end = max((row[0] for row in events), default=0.0)
    length = sheet.shown_from + sheet.frames / rate if sheet.frames and rate else end
    return {
        "file": {"1": [path], **{str(player): [] for player in range(2, 9)}},
        "type": "MEDIA",
        "date": date,
        "description": "mescope " + compact(facts),
        "time offset": sheet.mpv_zero,  # BORIS adds it to what its player, mpv, shows
        "observation time interval": [0, 0],
        "events": events,
        "independent_variables": {},
        "visualize_spectrogram": False,
        "visualize_waveform": False,
        "media_creation_date_as_offset": False,
        "media_scan_sampling_duration": 0,
        "image_display_duration": 1,
        "close_behaviors_between_videos": False,
        "media_info": {
            "length": {path: length},
            "fps": {path: rate},
            "hasVideo": {path: True},
            "hasAudio": {path: False},
            "offset": {"1": 0.0},
        },
    }


def _ethogram(
    emotions: Sequence[str],
    events: Sequence[str],
    coded: Sequence[CodedTier],
    names: Names,
    points: dict[str, bool],
) -> dict[str, Any]:
    values = {"name": "emotion", "description": "", "type": 0, "values": list(emotions)}
    made = {}
    ours = ((MICRO, STATE), (MACRO, STATE), (APEX, POINT))
    for i, (code, kind) in enumerate((*ours, *((code, STATE) for code in events))):
        modifiers = {"0": values} if code in (MICRO, MACRO) else {}
        made[str(i)] = _behaviour(code, kind, "", modifiers)
    for tier in coded:
        kind = POINT if tier.kind == "point" else STATE
        for code in tier.codes:
            shown = names[tier.name, tier.kind, code]
            made[str(len(made))] = _behaviour(shown, kind, tier.name, _modifier_sets(tier))
    for code, point in points.items():
        made[str(len(made))] = _behaviour(code, POINT if point else STATE, "", {})
    return made


def _modifier_sets(tier: CodedTier) -> dict[str, Any]:
    return {
        str(number): {
            "name": name, "description": "", "type": 0, "values": [*map(modifier, values)],
        }
        for number, (name, values) in enumerate(tier.modifiers)
    }  # fmt: skip


def _behaviour(
    code: str, kind: str, category: str, modifiers: dict[str, Any]
) -> dict[str, Any]:
    return {
        "type": kind,
        "key": "",
        "code": code,
        "description": "",
        "color": _COLORS.get(code, _EVENT_COLOR),
        "category": category,
        "modifiers": modifiers,
        "excluded": "",
        "coding map": "",
    }
