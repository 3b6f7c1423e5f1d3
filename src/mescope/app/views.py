"""Recordings as the page sees them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mescope.app import faces
from mescope.app.project import Project
from mescope.app.records import AnalysisJob, StoredRecording
from mescope.app.study import study_facts
from mescope.results import SPOKEN

_CODED = ("new", "to review", "reviewed")
_FACTS = ("seconds", "rate", "frames", "width", "height")


def overview(
    project: Project, progress: Mapping[str, float], only: Collection[str] | None = None
) -> list[dict[str, Any]]:
    """Return the recordings of the project in order of name, all or ``only`` some.

    Args:
        project: which.
        progress: of running analyses, 0 to 1, by id.
        only: ids.
    """
    store = project.store
    jobs, counts, reviewed = store.latest_jobs(), store.detection_counts(), store.reviewed()
    trouble, absent = project.troubles.text(), project.absent
    found, study = [], study_facts(project)
    for r in project.blind.ordered(store.recordings()):
        if only is None or r.id in only:
            shown = view(
                r, jobs.get(r.id), counts.get(r.id), r.id in reviewed, progress.get(r.id)
            )
            gone = project.words("server.absent") if r.id in absent else None
            shown |= _coded_blind(project, shown["state"], r.id in reviewed)
            found.append(_hindered(shown, trouble, gone) | study.of(r))
    return found


def _coded_blind(project: Project, state: str, finished: bool) -> dict[str, Any]:
    """Return whether things are hidden from who asks, and the state in their words."""
    blind = project.store.sight.blind is not None
    words = {"state": "finished" if finished else "to code"}
    return {"blind": blind and not finished} | (words if blind and state in _CODED else {})


def view(
    recording: StoredRecording,
    job: AnalysisJob | None,
    detections: int | None,
    reviewed: bool,
    progress: float | None,
) -> dict[str, Any]:
    """Return one recording for a list.

    Args:
        recording: what is kept of it.
        job: its newest job, if any.
        detections: how many the newest analysis has; None without one.
        reviewed: whether a coder said so.
        progress: of the running analysis, 0 to 1.
    """
    state, error = _state(recording, job, detections is not None, reviewed)
    facts = {} if recording.facts is None else recording.facts.to_json()
    running = state in ("queued", "analyzing")
    return {
        "id": recording.id,
        "name": recording.name,
        **{key: facts.get(key) for key in _FACTS},
        "state": state,
        "detections": detections or 0,
        "analyzed": detections is not None,
        "progress": (progress or 0.0) if running else None,
        "error": error,
        "version": recording.version,
    }


def _hindered(shown: dict[str, Any], trouble: str | None, gone: str | None) -> dict[str, Any]:
    """Return a recording with what is in the way of it at the moment as its error."""
    if shown["error"] is None and gone is not None:
        return shown | {"error": gone}
    if shown["error"] is None and shown["progress"] is not None:  # queued, or it runs
        return shown | {"error": trouble}
    return shown


def details(
    project: Project, recording: StoredRecording, progress: Mapping[str, float]
) -> dict[str, Any]:
    """Return everything about one recording but its marks and traces."""
    stored = project.store.analysis(recording.id)
    document = stored.document if stored else {}
    provenance = document.get("provenance", {})
    facts = recording.facts
    seen = () if facts is None else facts.warnings
    warnings = [*seen, *document.get("warnings", [])]
    return {
        **overview(project, progress, [recording.id])[0],
        "warnings": list(dict.fromkeys(warnings)),
        "simulated": bool(provenance.get("simulated", False)),
        "model": provenance.get("model"),
        "face_gaps": [[gap["first"], gap["last"]] for gap in document.get("gaps", [])],
        "gaps": document.get("gaps", []),
        "events": document.get("events", []),
        "floor": document.get("floor") or 0.0,
        "candidates": [candidate(entry) for entry in document.get("candidates", [])],
        "region_names": SPOKEN,
        "variable_rate": facts is not None and facts.variable_rate,
        "faces": faces.view(project.store.database, recording.id, document),
        "bytes": recording.size,
        "added": recording.added,
    }


def candidate(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a candidate of an analysis as the page shows it: like a mark, but not one.

    Nobody can judge it; who takes it for an expression makes a mark of its frames.
    """
    evidence = entry.get("evidence") or {}
    return {
        "id": entry["id"],
        "first": entry["onset"],
        "apex": entry["apex"],
        "last": entry["offset"],
        **{key: entry.get(key) for key in ("onset_s", "apex_s", "offset_s", "kind", "emotion")},
        "confidence": entry["score"],
        "explained_by": entry.get("explained_by"),
        **({"face": entry["face"]} if "face" in entry else {}),
        "action_units": list(evidence.get("action_units", ())),
        "evidence": {
            "sentence": evidence.get("sentence", ""),
            "checks": list(entry.get("checks") or ()),
        },
    }


def _state(
    recording: StoredRecording, job: AnalysisJob | None, analyzed: bool, reviewed: bool
) -> tuple[str, str | None]:
    if recording.error is not None:
        return "failed", recording.error
    if job is not None and job.state in ("queued", "running"):
        return ("queued" if job.state == "queued" else "analyzing"), None
    if job is not None and job.state == "failed":
        return "failed", job.error
    if analyzed:
        return ("reviewed" if reviewed else "to review"), None
    return "new", None
