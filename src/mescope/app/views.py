"""Recordings as the page sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mescope.app.project import Project
from mescope.app.store import Job, Recording

_FACTS = ("seconds", "rate", "frames", "width", "height")


def overview(project: Project, progress: Mapping[str, float]) -> list[dict[str, Any]]:
    """Return every recording of the project, in order of name."""
    jobs = project.store.latest_jobs()
    analyzed = project.store.analysis_numbers()
    summaries = project.review.summaries()
    return [
        view(r, jobs.get(r.id), r.id in analyzed, summaries.get(r.id), progress.get(r.id))
        for r in project.store.recordings()
    ]


def view(
    recording: Recording,
    job: Job | None,
    analyzed: bool,
    summary: tuple[int, bool] | None,
    progress: float | None,
) -> dict[str, Any]:
    """Return one recording for a list.

    Args:
        recording: what is kept of it.
        job: its newest job, if any.
        analyzed: whether there is an analysis.
        summary: number of detections and whether it is reviewed.
        progress: of the running analysis, 0 to 1.
    """
    state, error = _state(recording, job, analyzed, summary)
    facts = recording.facts or {}
    running = state in ("queued", "analyzing")
    return {
        "id": recording.id,
        "name": recording.name,
        **{key: facts.get(key) for key in _FACTS},
        "state": state,
        "detections": summary[0] if analyzed and summary else 0,
        "analyzed": analyzed,
        "progress": (progress or 0.0) if running else None,
        "error": error,
    }


def details(project: Project, recording: Recording, progress: float | None) -> dict[str, Any]:
    """Return everything about one recording but its marks and traces."""
    stored = project.store.analysis(recording.id)
    jobs = project.store.jobs(recording.id)
    summary = project.review.summaries().get(recording.id)
    document = stored.document if stored else {}
    provenance = document.get("provenance", {})
    facts = recording.facts or {}
    warnings = [*facts.get("warnings", []), *document.get("warnings", [])]
    return {
        **view(recording, jobs[-1] if jobs else None, stored is not None, summary, progress),
        "warnings": list(dict.fromkeys(warnings)),
        "simulated": bool(provenance.get("simulated", False)),
        "model": provenance.get("model"),
        "face_gaps": [[gap["first"], gap["last"]] for gap in document.get("gaps", [])],
        "variable_rate": bool(facts.get("variable_rate", False)),
        "bytes": recording.size,
        "added": recording.added,
    }


def _state(
    recording: Recording, job: Job | None, analyzed: bool, summary: tuple[int, bool] | None
) -> tuple[str, str | None]:
    if recording.error is not None:
        return "failed", recording.error
    if job is not None and job.state in ("queued", "running"):
        return ("queued" if job.state == "queued" else "analyzing"), None
    if job is not None and job.state == "failed":
        return "failed", job.error
    if analyzed:
        return ("reviewed" if summary is not None and summary[1] else "to review"), None
    return "new", None
