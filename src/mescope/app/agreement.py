"""How far two coders, or a coder and the model, agree over the recordings of a project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Any

from mescope.annotations.annotation import Annotation, AnnotationSet
from mescope.app.annotation_sets import annotations_of
from mescope.app.project import Project
from mescope.app.records import StoredRecording
from mescope.app.sight import CONSENSUS, MODEL
from mescope.errors import MescopeError
from mescope.evaluation.agreement import Agreement, agree
from mescope.evaluation.coder_agreement import (
    TOLERANCE_S,
    Disagreement,
    Figures,
    Shift,
    disagreements,
    figures,
)

PAIR_COLUMNS = (
    "a", "b", "recordings", "units", "tp", "fp", "fn", "f1", "kind_kappa_marks",
    "kind_alpha_marks", "kind_kappa_frames", "kind_alpha_frames", "emotion_units",
    "emotion_kappa", "emotion_alpha", "onset_pairs", "onset_bias_ms", "onset_error_ms",
    "onset_median_ms", "onset_within", "offset_bias_ms", "offset_error_ms",
    "offset_median_ms", "offset_within", "tolerance_ms",
)  # fmt: skip
_EDGES = ("onset", "apex", "offset", "kind", "emotion")
LIST_COLUMNS = (
    "recording", "frame", "seconds", "reasons", *(f"{name}_a" for name in _EDGES),
    *(f"{name}_b" for name in _EDGES), "onset_difference_ms", "offset_difference_ms", "a", "b",
)  # fmt: skip


def agreement(
    project: Project, a: str, b: str, tolerance_s: float = TOLERANCE_S, only: str | None = None
) -> dict[str, Any]:
    """Return how far two people, or a person and the model, agree.

    Recordings count that both judged; the model has judged what was analyzed, a coder what
    holds an event of theirs, or, in a project that is coded blind, what they finished.  F1 at
    an IoU of 0.5, kappa per frame, any kind of expression.

    Args:
        project: of the recordings.
        a: a coder, or ``model``.
        b: likewise.
        tolerance_s: seconds by which onset and offset may differ.
        only: the id of the one recording that is asked about; None: all.

    Raises:
        MescopeError: no such recording.
    """
    pairs, rows, listed = [], [], []
    for recording in _both(project, (a, b)):
        if only not in (None, recording.id):
            continue
        mine, theirs = (annotations_of(project, recording, who) for who in (a, b))
        pairs.append((mine, theirs))
        row = {"recording": recording.id, "name": recording.name}
        rows.append(row | _counts(agree([(mine, theirs)])))
        found = disagreements(mine, theirs, (a, b), tolerance_s)
        times = project.times(recording.id).tolist() if found else []
        listed += [_listed(one, recording, times, a, b) for one in found]
    if not pairs:
        raise MescopeError(
            f"expected a recording that both {a[:64]} and {b[:64]} judged, found none"
        )
    pooled = agree(pairs)
    shown = figures([{"a": mine, "b": theirs} for mine, theirs in pairs], tolerance_s)
    return {
        "a": a,
        "b": b,
        "tolerance_ms": round(1000 * tolerance_s, 3),
        "recordings": rows,
        "pooled": _counts(pooled),
        "details": pooled.to_dict(),
        "figures": asdict(shown) | {"coders": [a, b]},
        "disagreements": listed,
    }


def table(project: Project, tolerance_s: float = TOLERANCE_S) -> dict[str, Any]:
    """Return the figures of every pair of coders and of each with the model, and alpha of all.

    ``together`` is of the recordings that all coders judged, without model and consensus; None
    with fewer than three coders, or no such recording.
    """
    coders = [one for one in project.review.coders() if one != CONSENSUS]
    everybody = [*coders, *({CONSENSUS} & set(project.review.coders())), MODEL]
    sheets = {
        who: {one.id: annotations_of(project, one, who) for one in _both(project, (who,))}
        for who in everybody
    }
    rows = []
    for a, b in combinations(everybody, 2):
        common = [one for one in sheets[a] if one in sheets[b]]
        if common:
            pairs = [(sheets[a][one], sheets[b][one]) for one in common]
            rows.append(_pair_row(a, b, pairs, tolerance_s))
    shared = [
        one.id for one in project.store.recordings() if all(one.id in sheets[c] for c in coders)
    ]
    together = None
    if len(coders) > 2 and shared:
        found = figures([{c: sheets[c][one] for c in coders} for one in shared], tolerance_s)
        together = asdict(found) | {"recordings": len(shared)}
    return {"pairs": rows, "together": together, "tolerance_ms": round(1000 * tolerance_s, 3)}


def judged(project: Project) -> set[tuple[str, str]]:
    """Return every (recording, who) that figures count, as far as who asks may see them."""
    store = project.store
    blind = project.blind.setting() is not None
    coders = store.study.finished() if blind else store.study.begun()
    return store.sight.seen(coders) | {(one, MODEL) for one in store.detection_counts()}


def _both(project: Project, people: Sequence[str]) -> list[StoredRecording]:
    done = judged(project)
    return [
        one
        for one in project.store.recordings()
        if all((one.id, who) in done for who in people)
    ]


def _counts(found: Agreement) -> dict[str, Any]:
    row = found.rows["any"]
    counts = row.counts
    shown = {"f1": counts.f1, "kappa": row.kappa}
    return shown | {"tp": counts.tp, "fp": counts.fp, "fn": counts.fn}


def _pair_row(
    a: str, b: str, pairs: Sequence[tuple[AnnotationSet, AnnotationSet]], tolerance_s: float
) -> dict[str, Any]:
    counts = agree(pairs).rows["any"].counts
    found = figures([{"a": mine, "b": theirs} for mine, theirs in pairs], tolerance_s)
    return {
        "a": a,
        "b": b,
        "recordings": len(pairs),
        "units": found.units,
        "tp": counts.tp,
        "fp": counts.fp,
        "fn": counts.fn,
        "f1": counts.f1,
        **_named(found),
        "onset_pairs": found.onset.pairs if found.onset else 0,
        **_edge("onset", found.onset),
        **_edge("offset", found.offset),
        "tolerance_ms": round(1000 * tolerance_s, 3),
    }


def _named(found: Figures) -> dict[str, Any]:
    return {
        "kind_kappa_marks": found.kind_kappa,
        "kind_alpha_marks": found.kind_alpha,
        "kind_kappa_frames": found.frame_kappa,
        "kind_alpha_frames": found.frame_alpha,
        "emotion_units": found.emotion_units,
        "emotion_kappa": found.emotion_kappa,
        "emotion_alpha": found.emotion_alpha,
    }


def _edge(name: str, shift: Shift | None) -> dict[str, float | None]:
    keys = [f"{name}_{key}" for key in ("bias_ms", "error_ms", "median_ms", "within")]
    if shift is None:
        return dict.fromkeys(keys)
    values = (1000 * shift.bias, 1000 * shift.error, 1000 * shift.middle, shift.within)
    return dict(zip(keys, values, strict=True))


def _listed(
    one: Disagreement, recording: StoredRecording, times: Sequence[float], a: str, b: str
) -> Mapping[str, Any]:
    """Return a row; its time is that of the frame, which no rate gives where rates vary."""
    return {
        "id": recording.id,
        "recording": recording.name,
        "frame": one.frame,
        "seconds": times[one.frame] if one.frame < len(times) else None,
        "reasons": ", ".join(one.reasons),
        **_values("a", one.a),
        **_values("b", one.b),
        "onset_difference_ms": None if one.onset_s is None else 1000 * one.onset_s,
        "offset_difference_ms": None if one.offset_s is None else 1000 * one.offset_s,
        "a": a,
        "b": b,
    }


def _values(side: str, mark: Annotation | None) -> dict[str, Any]:
    if mark is None:
        return {f"{name}_{side}": None for name in _EDGES}
    interval = mark.interval
    values = (interval.first, mark.apex, interval.last, mark.kind, mark.emotion)
    return {f"{name}_{side}": value for name, value in zip(_EDGES, values, strict=True)}
