"""The analyses of several faces as JSON, CSV tables, annotations and text, each with names.

The JSON is that of one face (:mod:`mescope.reports.json`) with a name ``face`` in every
detection, candidate and event, and ``faces`` with what is about one face alone; tables have the
column ``face_id`` behind all others; annotation programs get a tier or subject for each face.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

from mescope.annotations.annotation import AnnotationSet, in_order
from mescope.face_results import EVENTS, FACE_COLUMN, INTERVALS, AnalyzedFace, FacesAnalysis
from mescope.reports import tables
from mescope.reports.annotation_set import annotation_set
from mescope.reports.formatting import clock
from mescope.reports.json import plain, to_dict

_OWN = ("gaps", "noise_px", "traces")
_OF_FACES = ("detections", "candidates", "events")


def document(found: FacesAnalysis, *, traces: bool = True) -> dict[str, Any]:
    """Return everything but pictures as plain values that :mod:`json` can write.

    Args:
        found: the analyses.
        traces: with the lists of single frames.
    """
    parts = [(one, to_dict(one.analysis, traces=traces)) for one in found.faces]
    whole = {k: v for k, v in parts[0][1].items() if k not in _OWN}
    whole["provenance"] = dict(found.provenance)
    whole |= {name: _merged(parts, name) for name in _OF_FACES}
    whole["gaps"], whole["noise_px"] = parts[0][1]["gaps"] if len(parts) == 1 else [], None
    whole["warnings"] = list(found.all_warnings)
    whole["faces"] = [_face(one, part) for one, part in parts]
    whole["questions"] = [asdict(question) for question in found.questions]
    result: dict[str, Any] = plain(whole)
    return result


def _merged(parts: Iterable[tuple[AnalyzedFace, dict[str, Any]]], name: str) -> list[Any]:
    """Return the entries of all faces in order of time, each with the name of its face."""
    entries = [entry | {"face": one.name} for one, part in parts for entry in part[name]]
    return sorted(entries, key=lambda entry: (entry["onset"], entry["offset"]))


def _face(one: AnalyzedFace, part: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": one.name,
        "stretches": [asdict(stretch) for stretch in one.stretches],
        "warnings": part["warnings"],
        **{name: part[name] for name in _OWN if name in part},
    }


def dumps(found: FacesAnalysis) -> str:
    """Return the analyses as JSON text; what holds single frames on one line a face."""
    whole = document(found)
    faces = whole.pop("faces")
    head = json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False)
    lines = ",\n".join("  " + json.dumps(f, ensure_ascii=False, allow_nan=False) for f in faces)
    return f'{head[:-2]},\n "faces": [\n{lines}\n ]\n}}\n'


def csv_texts(found: FacesAnalysis) -> tuple[str, str, str]:
    """Return the tables of intervals, of events and of frames."""
    frames = [tables.frame_csv(one.analysis).splitlines() for one in found.faces]
    head = f"{frames[0][0]},{FACE_COLUMN}"
    quoted = [tables.quoted(one.name) for one in found.faces]
    rows = [f"{row},{name}" for name, all_rows in zip(quoted, frames, strict=True)
            for row in all_rows[1:]]  # fmt: skip
    return (
        tables.rows_csv(INTERVALS, found.interval_rows()),
        tables.rows_csv(EVENTS, found.event_rows()),
        "\r\n".join([head, *rows, ""]),
    )


def faces_set(found: FacesAnalysis) -> AnnotationSet:
    """Return the detections and events of all faces as a model's proposals."""
    sets = [(one.name, annotation_set(one.analysis)) for one in found.faces]
    return replace(
        sets[0][1],
        marks=in_order(replace(m, face=name) for name, one in sets for m in one.marks),
        events=tuple(
            sorted(
                (replace(event, face=name) for name, one in sets for event in one.events),
                key=lambda event: (event.interval, event.face),
            )
        ),
    )


def asked_in_words(found: FacesAnalysis) -> list[str]:
    """Return the questions about who is who, a sentence each."""
    return [
        f"is {question.faces[1]}, seen from {clock(question.seconds)} (frame "
        f"{question.frame}) on, the same person as {question.faces[0]}? Shapes differ by "
        f"{question.shape:.3f}, the place by {question.moved:.1f} widths of the face"
        for question in found.questions
    ]
