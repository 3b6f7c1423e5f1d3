"""Detections and events of an analysis, for the programs of behaviour coders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mescope.annotations.marks import Mark, Sheet, in_order

if TYPE_CHECKING:
    from mescope.results import Analysis, Finding


def sheet_of(analysis: Analysis) -> Sheet:
    """Return the detections of an analysis as a model's proposals.

    A detection ends one nominal frame after its offset began.  The face is "0": an analysis
    follows one.
    """
    rate = float(analysis.video.get("rate") or 0.0)
    source = str(analysis.provenance.get("model", ""))
    frames = analysis.video.get("frames")
    return Sheet(
        video=str(analysis.video.get("name", "")),
        rate=rate or None,
        frames=None if frames is None else int(frames),
        marks=in_order(_mark(finding, source, rate) for finding in analysis.findings),
        events=analysis.events,
    )


def _mark(finding: Finding, source: str, rate: float) -> Mark:
    found = finding.detection
    end = None if found.offset_s is None or not rate else found.offset_s + 1 / rate
    return Mark(
        interval=found.interval,
        kind=found.kind,
        origin="model",
        source=source,
        apex=found.apex,
        emotion=found.emotion,
        action_units="+".join(finding.evidence.action_units),
        score=float(found.score),
        status="proposed",
        id=finding.id,
        note=finding.evidence.sentence,
        onset_s=found.onset_s,
        apex_s=found.apex_s,
        offset_s=found.offset_s,
        end_s=end,
    )
