"""An Analysis as JSON, whole, and its detections, candidates and events back.

The file is valid JSON: what is not a number is null.  Frames count from 0 and intervals include
both ends; times are seconds from the first displayed frame.  Pictures are not part of it.

``detections`` are what is shown at ``floor``; ``candidates`` are all other movements down to a
low floor, and those that an event explains (``explained_by``): they are not detections.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mescope.annotations import face_events
from mescope.errors import MescopeError
from mescope.events import Detection, FaceEvent, Interval
from mescope.io.json_text import json_value

if TYPE_CHECKING:
    from mescope.results import Analysis, Finding, Traces

Found = TypeVar("Found")

FORMAT = "mescope-analysis"
SCHEMA = 1
"""Version of the layout; a reader refuses another one.  Names that came later may be absent."""

_DIGITS = 4  # of the traces: a score needs no more, and files stay a quarter of the size


def to_dict(analysis: Analysis, *, traces: bool = True) -> dict[str, Any]:
    """Return the analysis as plain values that :mod:`json` can write.

    ``traces`` False leaves the per-frame lists out (they are most of the size).
    """
    document: dict[str, Any] = {
        "format": FORMAT,
        "schema": SCHEMA,
        "frames": "from 0, both ends of an interval included",
        "video": analysis.video,
        "floor": analysis.floor,
        "noise_px": analysis.noise_px,
        "detections": [_finding(finding) for finding in analysis.findings],
        "candidates": [_finding(finding) for finding in analysis.candidates],
        "events": [face_events.to_dict(event) for event in analysis.events],
        "gaps": [
            {
                "first": gap.interval.first,
                "last": gap.interval.last,
                "start_s": gap.start_s,
                "end_s": gap.end_s,
                "reason": gap.reason,
            }
            for gap in analysis.gaps
        ],
        "warnings": list(analysis.warnings),
        "decode": analysis.decode,
        "provenance": analysis.provenance,
    }
    if traces:
        document["traces"] = _traces(analysis.traces)
    values: dict[str, Any] = plain(document)
    return values


def dumps(analysis: Analysis) -> str:
    """Return the analysis as JSON text; traces on one line each, everything else indented."""
    document = to_dict(analysis)
    traces = document.pop("traces")
    head = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    lines = ",\n".join(
        f"  {json.dumps(name)}: " + json.dumps(value, ensure_ascii=False, allow_nan=False)
        for name, value in traces.items()
    )
    return f'{head[:-2]},\n "traces": {{\n{lines}\n }}\n}}\n'


def read_json(path: str | Path) -> tuple[Detection, ...]:
    """Return the detections of a file that :func:`dumps` made.

    Raises:
        MescopeError: the file cannot be read, is not such a file, or comes from a newer
            version.
    """
    path = Path(path)
    return _read(path, "a detection", lambda d: tuple(map(_detection, d["detections"])))


def read_document(path: Path) -> dict[str, Any]:
    """Return all that stands in a file that :func:`dumps` made, as plain values.

    Raises:
        MescopeError: as :func:`read_json`.
    """
    return _read(path, "an entry", lambda document: document)


def read_candidates(path: str | Path) -> tuple[Detection, ...]:
    """Return the candidates of a file that :func:`dumps` made; none from an older version.

    Raises:
        MescopeError: as :func:`read_json`.
    """
    path = Path(path)
    return _read(path, "a candidate", lambda d: tuple(map(_detection, d.get("candidates", ()))))


def read_events(path: str | Path) -> tuple[FaceEvent, ...]:
    """Return the events of a file that :func:`dumps` made; none from an older version.

    Raises:
        MescopeError: as :func:`read_json`.
    """
    path = Path(path)
    return _read(path, "an event", lambda d: events_of(d.get("events", ())))


def events_of(entries: Iterable[Mapping[str, Any]]) -> tuple[FaceEvent, ...]:
    """Return the events that stand under ``events`` in a document.

    Older versions wrote head movements without a strength, across frames without a face: theirs
    is nan.
    """
    return tuple(
        FaceEvent(
            kind=entry["kind"],
            interval=Interval(int(entry["onset"]), int(entry["offset"])),
            onset_s=float(entry["onset_s"]),
            offset_s=float(entry["offset_s"]),
            strength=float("nan" if entry["strength"] is None else entry["strength"]),
            face=str(entry.get("face", face_events.FACE)),
        )
        for entry in entries
    )


def _read(path: Path, what: str, pick: Callable[[dict[str, Any]], Found]) -> Found:
    """Return a part of a file; ``what`` names one of it in the message if it is damaged."""
    try:
        document = json_value(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MescopeError(
            f"expected a JSON file of `mescope analyze` at {path}, found: {error}"
        ) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise MescopeError(
            f"{path.name} is JSON, but not from `mescope analyze`: it lacks "
            f'"format": "{FORMAT}"; name a file that `mescope analyze --format json` made'
        )
    if document.get("schema") != SCHEMA:
        raise MescopeError(
            f"{path.name} has schema {document.get('schema')!r}, this mescope reads {SCHEMA}; "
            "install the mescope that wrote it, or a newer one"
        )
    try:
        return pick(document)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise MescopeError(
            f"{what} in {path.name} is damaged ({error!r}); analyze the recording again"
        ) from error


def _finding(finding: Finding) -> dict[str, Any]:
    detection = finding.detection
    return {
        "id": finding.id,
        "onset": detection.interval.first,
        "apex": detection.apex,
        "offset": detection.interval.last,
        "onset_s": detection.onset_s,
        "apex_s": detection.apex_s,
        "offset_s": detection.offset_s,
        "kind": detection.kind,
        "score": detection.score,
        "emotion": detection.emotion,
        "emotion_scores": detection.emotion_scores,
        "explained_by": finding.explained_by,
        "checks": [
            {"question": check.question, "answer": check.answer, "doubt": check.doubt}
            for check in finding.checks
        ],
        "evidence": {
            "sentence": finding.evidence.sentence,
            "action_units": list(finding.evidence.action_units),
            "regions": [
                {
                    "region": motion.region,
                    "dx": motion.dx,
                    "dy": motion.dy,
                    "magnitude": motion.magnitude,
                    "direction": motion.direction,
                }
                for motion in finding.evidence.regions
            ],
        },
    }


def _detection(entry: dict[str, Any]) -> Detection:
    return Detection(
        interval=Interval(int(entry["onset"]), int(entry["offset"])),
        kind=entry["kind"],
        score=float(entry["score"]),
        apex=int(entry["apex"]),
        emotion=entry["emotion"],
        emotion_scores=entry["emotion_scores"],
        onset_s=entry["onset_s"],
        apex_s=entry["apex_s"],
        offset_s=entry["offset_s"],
    )


def _traces(traces: Traces) -> dict[str, Any]:
    from mescope.labels import SPOTTING_CLASSES

    return {
        "frame": traces.frames.tolist(),
        "timestamp": np.round(traces.times, 6).tolist(),
        "valid": traces.valid.tolist(),
        "me_score": np.round(traces.spotting, _DIGITS).tolist(),
        "emotion": {
            name: np.round(traces.emotion[:, i], _DIGITS).tolist()
            for i, name in enumerate(SPOTTING_CLASSES)
        },
        "movement": _rounded(traces.movement),
        "eye_openness": _rounded(traces.openness),
        "motion": {
            name: np.round(traces.motion[:, i], _DIGITS).tolist()
            for i, name in enumerate(traces.regions)
        },
    }


def _rounded(values: NDArray[np.float64] | None) -> list[float] | None:
    return None if values is None else np.round(values, _DIGITS).tolist()


def plain(value: Any) -> Any:
    """Turn numpy values, tuples and paths into JSON's own, and nan and infinity into None."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value)
