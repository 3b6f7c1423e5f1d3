"""Rates of a study: how often a minute of judged time, by person and condition."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mescope.annotations.face_events import KINDS
from mescope.app.annotation_sets import annotations_of
from mescope.app.people_table import row_of
from mescope.app.project import Project
from mescope.app.records import StoredRecording
from mescope.app.sight import MODEL
from mescope.app.study import people
from mescope.evaluation.rates import Rate, of_group, of_person
from mescope.io.formula_guard import guarded

EXPRESSIONS = ("micro", "macro")
COLUMNS = (
    "level", "name", "condition", "event", "number", "judged_minutes", "a_minute", "low",
    "high", "people", "recordings",
)  # fmt: skip
K = TypeVar("K")


@dataclass(slots=True)
class Measured:
    """What counts of one recording.

    ``seconds`` is judged time; ``numbers`` has events whose onset lies in it, ``outside`` how
    many do not.  ``analyzed``: whether it is known what could not be judged, and what else the
    face did.
    """

    name: str
    person: str
    condition: str
    seconds: float
    analyzed: bool
    numbers: dict[str, int] = field(default_factory=dict)
    outside: int = 0


def rates(project: Project, who: str) -> dict[str, Any]:
    """Return rates of every event, of all, of each condition and of each person in each.

    Expressions are those that ``who`` holds to be there: the model's proposals, or what a coder
    (or the consensus) confirmed, corrected and added, in recordings that this coder finished.
    Blinks, speech, head movements and glances are the model's.  Stretches that could not be
    judged count neither as time nor with what was marked in them.  A recording that is not in
    the table of people is taken for a person of its own.

    Args:
        project: of the recordings.
        who: a coder, or ``model``.
    """
    found, left = measured(project, who)
    return {
        "who": who,
        "rows": _rows(found),
        "recordings": len(found),
        "left_out": left,
        "outside": sum(one.outside for one in found),
        "gaps_unknown": [one.name for one in found if not one.analyzed],
        "table": project.store.study.setting("people") is not None,
    }


def measured(project: Project, who: str) -> tuple[list[Measured], list[str]]:
    """Return what counts of every recording, and the names of those that do not count."""
    store, rows = project.store, people(project)
    if store.sight.blind is not None:
        rows = {}  # who codes blind does not learn conditions
    counts = store.sight.seen(store.study.finished())
    counts |= {(one, MODEL) for one in store.detection_counts()}
    found, left = [], []
    for recording in store.recordings():
        if recording.facts is None or (recording.id, who) not in counts:
            left.append(recording.name)
            continue
        row = row_of(rows, recording)
        one = _measured(project, recording, who)
        one.person = row.get("person") or recording.name
        one.condition = row.get("condition", "")
        found.append(one)
    return found, left


def _measured(project: Project, recording: StoredRecording, who: str) -> Measured:
    stored = project.store.analysis(recording.id)
    document = stored.document if stored else {}
    durations, judged = _judged(project, recording, document.get("gaps", ()))
    one = Measured(
        name=recording.name, person="", condition="", analyzed=stored is not None,
        seconds=float(durations[judged].sum()),
    )  # fmt: skip
    marks = annotations_of(project, recording, who).marks
    onsets = [(m.kind, m.interval.first) for m in marks if m.status != "rejected"]
    onsets += [(event["kind"], event["onset"]) for event in document.get("events", ())]
    one.numbers = dict.fromkeys((*EXPRESSIONS, *(KINDS if stored else ())), 0)
    for kind, onset in onsets:
        if onset < len(judged) and judged[onset]:
            one.numbers[kind] = one.numbers.get(kind, 0) + 1
        else:
            one.outside += 1
    return one


def _judged(
    project: Project, recording: StoredRecording, gaps: Sequence[dict[str, Any]]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the seconds of every frame, and whether it could be judged."""
    times = project.times(recording.id)
    after = 1 / recording.rate if recording.rate else 0.0
    durations = np.diff(times, append=times[-1:] + after)
    judged = np.ones(len(times), bool)
    for gap in gaps:
        judged[gap["first"] : gap["last"] + 1] = False
    return durations, judged


def _rows(found: Sequence[Measured]) -> list[dict[str, Any]]:
    events = [e for e in (*EXPRESSIONS, *KINDS) if any(e in one.numbers for one in found)]
    conditions = _grouped(found, lambda one: one.condition)
    people = _grouped(found, lambda one: (one.person, one.condition))
    rows = []
    for event in events:
        rows.append(_group("all", "all", "", event, found))
        if list(conditions) != [""]:
            rows += [
                _group("condition", c or "(none)", c, event, own)
                for c, own in sorted(conditions.items())
            ]
        for (person, condition), own in sorted(people.items()):
            number, seconds = _sum(own, event)
            rows.append(
                _row("person", person, condition, event, of_person(number, seconds), own)
            )
    return rows


def _grouped(
    found: Sequence[Measured], key: Callable[[Measured], K]
) -> dict[K, list[Measured]]:
    """Return what counts by a key, in one go over thousands of recordings."""
    groups: dict[K, list[Measured]] = {}
    for one in found:
        groups.setdefault(key(one), []).append(one)
    return groups


def _group(
    level: str, name: str, condition: str, event: str, found: Sequence[Measured]
) -> dict[str, Any]:
    persons = sorted(_grouped(found, lambda one: one.person).items())
    sums = [_sum(own, event) for _, own in persons]
    return _row(level, name, condition, event, of_group(sums), found)


def _sum(found: Sequence[Measured], event: str) -> tuple[int, float]:
    counted = [one for one in found if event in one.numbers]
    return sum(one.numbers[event] for one in counted), sum(one.seconds for one in counted)


def _row(
    level: str, name: str, condition: str, event: str, rate: Rate, found: Sequence[Measured]
) -> dict[str, Any]:
    return {
        "level": level,
        "name": name,
        "condition": condition,
        "event": event,
        "number": rate.number,
        "judged_minutes": rate.seconds / 60,
        "a_minute": rate.a_minute,
        "low": rate.low,
        "high": rate.high,
        "people": rate.people,
        "recordings": sum(event in one.numbers for one in found),
    }


def as_csv(rows: Sequence[dict[str, Any]], columns: Sequence[str] = COLUMNS) -> str:
    """Return rows as a CSV table; what is not known is an empty cell."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(columns)
    for row in rows:
        table.writerow([_cell(row[name]) for name in columns])
    return text.getvalue()


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return (
        "" if value is None else guarded(str(value)) if isinstance(value, str) else str(value)
    )
