"""``mescope spot``: intervals only, by any spotter."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mescope import defaults
from mescope.cli.batch import Batch
from mescope.cli.console import progress_bar, show
from mescope.cli.inputs import face_choice, gather, landmarks_of, rates_for, time_range
from mescope.cli.options import (
    SHIPPED,
    Device,
    End,
    Face,
    Jobs,
    Json,
    Landmarks,
    Method,
    Models,
    Rate,
    Start,
    Videos,
    spotter_named,
    weights_named,
)

if TYPE_CHECKING:
    from mescope.results import Analysis


def spot(
    videos: Videos,
    method: Method = defaults.SPOTTER,
    model: Models = SHIPPED,
    device: Device = "cpu",
    start: Start = None,
    end: End = None,
    rate: Rate = None,
    jobs: Jobs = None,
    face: Face = "largest",
    landmarks: Landmarks = None,
    as_json: Json = False,
) -> None:
    """Print when something happens on the face; writes no files.

    --method flow-peaks, peaks of motion, is a second opinion that does not depend on any
    training data; mdmd and of-fd are published rules to compare with.
    """
    spotter = spotter_named(method, model)
    options: dict[str, Any] = {
        **time_range(start, end),
        "jobs": jobs,
        "face": face_choice(face),
        "pictures": False,
    }
    work, missing = gather(videos)
    batch = Batch(len(work) + len(missing))
    batch.refuse(missing)
    rates = rates_for(work, rate)
    if work:
        from mescope.analysis import load

        analyzer = load(weights_named(model), device=device, method=spotter)
        for job in work:
            with batch.attempt(job.source):
                table = landmarks_of(job, landmarks, batch.total)
                own: dict[str, Any] = {**options, **rates[job.source], **table}
                with progress_bar(Path(job.source).name) as progress:
                    analysis = analyzer.analyze(job.source, progress=progress, **own)
                batch.done.append(_summary(analysis, job.source))
                if not as_json:
                    _show(analysis, batch)
    batch.finish(as_json=as_json)


def _summary(analysis: Analysis, source: str) -> dict[str, Any]:
    from mescope.reports.json import to_dict

    whole = to_dict(analysis, traces=False)
    keys = ("onset", "apex", "offset", "onset_s", "apex_s", "offset_s", "kind", "score")
    return {
        "input": source,
        "intervals": [{key: entry[key] for key in keys} for entry in whole["detections"]],
        "warnings": whole["warnings"],
    }


def _show(analysis: Analysis, batch: Batch) -> None:
    from rich.table import Table

    from mescope.reports.formatting import clock, count, spell_duration
    from mescope.reports.judged import judged_s, unjudged_s

    found = count(len(analysis.findings), "interval")
    if (missing := unjudged_s(analysis)) > 0:
        if not analysis.findings and judged_s(analysis) <= 0:
            found = "nothing could be judged"
        found += f"; {spell_duration(missing)} could not be judged"
    show(f"{analysis.video.get('name')}: {found}")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("onset", "apex", "offset", "frames from 0", "kind", "score"):
        table.add_column(name, justify="left" if name == "kind" else "right", no_wrap=True)
    for d in analysis.detections:
        times = (clock(d.onset_s), clock(d.apex_s), clock(d.offset_s))
        frames = f"{d.interval.first}–{d.interval.last}"
        table.add_row(*times, frames, d.kind, f"{d.score:.2f}")
    if analysis.findings:
        show(table)
    batch.warn(str(analysis.video.get("name")), analysis.warnings)
