"""Detections and events of an analysis, for the programs of behaviour coders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mescope.annotations.annotation import (
    Annotation,
    AnnotationSet,
    from_detection,
    in_order,
)

if TYPE_CHECKING:
    from mescope.results import Analysis, Finding


def annotation_set(analysis: Analysis) -> AnnotationSet:
    """Return the detections of an analysis as a model's proposals.

    The face is "0": an analysis follows one.
    """
    rate = float(analysis.video.get("rate") or 0.0)
    source = str(analysis.provenance.get("model", ""))
    frames, start = analysis.video.get("frames"), analysis.video.get("start_offset")
    return AnnotationSet(
        video=str(analysis.video.get("name", "")),
        rate=rate or None,
        frames=None if frames is None else int(frames),
        start_offset=None if start is None else float(start),
        mpv_zero=float(analysis.video.get("mpv_zero") or 0.0),
        marks=in_order(_proposal(finding, source, rate) for finding in analysis.findings),
        events=analysis.events,
    )


def _proposal(finding: Finding, source: str, rate: float) -> Annotation:
    return from_detection(
        finding.detection,
        source=source,
        rate=rate,
        id=finding.id,
        action_units=finding.evidence.action_units,
        note=finding.evidence.sentence,
    )
