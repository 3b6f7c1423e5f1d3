"""How far two coders, or a coder and the model, agree over the recordings of a project."""

from __future__ import annotations

from typing import Any

from mescope.app.annotation_sets import MODEL, annotations_of
from mescope.app.project import Project
from mescope.app.records import StoredRecording
from mescope.errors import MescopeError
from mescope.evaluation.agreement import Agreement, agree


def agreement(project: Project, a: str, b: str) -> dict[str, Any]:
    """Return how far two people, or a person and the model, agree.

    Recordings count that both judged; the model has judged what was analyzed, a coder what
    holds an event of theirs.  F1 at an IoU of 0.5, kappa per frame, any kind of expression.

    Raises:
        MescopeError: no such recording.
    """
    pairs, rows = [], []
    for recording in project.store.recordings():
        if all(_has_looked(project, recording, who) for who in (a, b)):
            pair = tuple(annotations_of(project, recording, who) for who in (a, b))
            pairs.append((pair[0], pair[1]))
            row = {"recording": recording.id, "name": recording.name}
            rows.append(row | _figures(agree([pairs[-1]])))
    if not pairs:
        raise MescopeError(
            f"expected a recording that both {a[:64]} and {b[:64]} judged, found none"
        )
    pooled = agree(pairs)
    return {
        "a": a,
        "b": b,
        "recordings": rows,
        "pooled": _figures(pooled),
        "details": pooled.to_dict(),
    }


def _has_looked(project: Project, recording: StoredRecording, who: str) -> bool:
    if who == MODEL:
        return project.store.analysis(recording.id) is not None
    return who in project.review.coders(recording.id)


def _figures(found: Agreement) -> dict[str, Any]:
    row = found.rows["any"]
    counts = row.counts
    figures = {"f1": counts.f1, "kappa": row.kappa}
    return figures | {"tp": counts.tp, "fp": counts.fp, "fn": counts.fn}
