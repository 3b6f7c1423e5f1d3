"""One self-contained page for one recording: opens offline, runs nothing, loads nothing.

The content security policy of the page forbids everything but its own styles and the pictures
inside it; every text is escaped by the template engine.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from mescope.facs import name_of
from mescope.reports.pictures import arrows_worth_drawing, data_uri, factor, motion_picture
from mescope.reports.plots import timeline
from mescope.reports.tables import duration_ms
from mescope.reports.words import (
    clock,
    count,
    emotion_words,
    findings_in_words,
    percent,
    region_words,
    spell_span,
)

if TYPE_CHECKING:
    from jinja2 import Template

    from mescope.analysis import Analysis, Finding

_WIDE, _NARROW = 940, 350  # units; the page shows one of the two drawings
_ARROWS = {
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "up-left": "↖",
    "up-right": "↗",
    "down-left": "↙",
    "down-right": "↘",
}
_MOST_MOTIONS = 5  # rows of the motion table of a card


def render(analysis: Analysis) -> str:
    """Return the page as text, to be saved as UTF-8."""
    kinds = [finding.detection.kind for finding in analysis.findings]
    return template("report.html").render(
        name=str(analysis.video.get("name", "recording")),
        found=findings_in_words([str(kind) for kind in kinds]),
        duration=spell_span(analysis),
        facts=_facts(analysis),
        warnings=analysis.warnings,
        gaps=[_gap_row(gap) for gap in analysis.gaps],
        timeline_wide=timeline(analysis, width=_WIDE, name="wide"),
        timeline_narrow=timeline(analysis, width=_NARROW, name="narrow"),
        cards=[_card(number, finding) for number, finding in enumerate(analysis.findings, 1)],
        simulated=bool(analysis.provenance.get("simulated")),
        trained_on=str(analysis.provenance.get("trained_on", "")),
        model=str(analysis.provenance.get("model", "unknown")),
        created=_day(analysis.provenance.get("created")),
        video=flat(analysis.video),
        provenance=flat(analysis.provenance),
        decode=flat(analysis.decode),
    )


@cache
def template(name: str) -> Template:
    """Return a template of this package; it escapes every text and misses nothing silently."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("mescope.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def _facts(analysis: Analysis) -> str:
    """Say in one sentence what was looked at."""
    video, traces = analysis.video, analysis.traces
    parts = []
    if frames := _number(video.get("frames")):
        parts.append(count(int(frames), "frame"))
    if rate := _number(video.get("rate")):
        parts.append(f"{rate:.4g} frames per second")
    if (width := video.get("width")) and (height := video.get("height")):
        parts.append(f"{width} × {height} pixels")
    if len(traces.valid):
        seen = float(traces.valid.mean())
        parts.append(
            "no face seen"
            if seen == 0
            else f"a face seen in {percent(seen)} of what was analyzed"
        )
    return ", ".join(parts)


def _gap_row(gap: Any) -> dict[str, str]:
    return {
        "start": clock(gap.start_s),
        "end": clock(gap.end_s),
        "frames": f"{gap.interval.first}–{gap.interval.last}",
        "reason": gap.reason,
    }


def _card(number: int, finding: Finding) -> dict[str, Any]:
    d = finding.detection
    drawn = arrows_worth_drawing(finding.evidence.regions)
    return {
        "number": number,
        "id": finding.id,
        "kind": d.kind,
        "emotion": emotion_words(d.emotion),
        "emotion_class": d.emotion or "none",
        "bars": [
            {"name": emotion_words(name), "class": name, "share": share}
            for name, share in (d.emotion_scores or {}).items()
            if math.isfinite(share)
        ],
        "score": d.score,
        "milliseconds": duration_ms(finding),
        "frames": f"{d.interval.first}–{d.interval.last}",
        "moments": _moments(finding),
        "motion": motion_picture(finding),
        "can_flicker": finding.onset_picture is not None and finding.apex_picture is not None,
        "factor": factor(drawn),
        "sentence": finding.evidence.sentence,
        "units": ", ".join(f"{u} ({name_of(u)})" for u in finding.evidence.action_units),
        "regions": [
            {
                "name": region_words(motion.region),
                "arrow": _ARROWS[motion.direction],
                "direction": motion.direction,
                "pixels": f"{motion.magnitude:.1f}",
            }
            for motion in drawn[:_MOST_MOTIONS]
        ],
    }


def _moments(finding: Finding) -> list[dict[str, Any]]:
    d = finding.detection
    return [
        {
            "name": name,
            "time": clock(seconds),
            "frame": frame,
            "picture": None if picture is None else data_uri(picture),
        }
        for name, seconds, frame, picture in (
            ("onset", d.onset_s, d.interval.first, finding.onset_picture),
            ("apex", d.apex_s, d.apex, finding.apex_picture),
            ("offset", d.offset_s, d.interval.last, finding.offset_picture),
        )
    ]


def _day(created: Any) -> str:
    """Return an ISO time in UTC as people write it; another text is returned as it is.

    >>> _day("2026-11-20T21:40:03+00:00")
    '2026-11-20, 21:40 UTC'
    """
    text = str(created or "")
    try:
        return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%d, %H:%M UTC")
    except ValueError:
        return text


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def flat(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return nested values as (name, text) lines; long lists are cut, with their length."""
    lines: list[tuple[str, str]] = []
    for key, value in values.items():
        name = f"{prefix}{key}".replace("_", " ")
        if isinstance(value, Mapping):
            lines += flat(value, f"{prefix}{key} · ") if value else [(name, "none")]
        elif isinstance(value, (list, tuple)):
            shown = ", ".join(str(item) for item in value[:12])
            more = f", … ({len(value)} in all)" if len(value) > 12 else ""
            lines.append((name, shown + more if value else "none"))
        elif isinstance(value, bool):
            lines.append((name, "yes" if value else "no"))
        elif isinstance(value, float):
            lines.append((name, f"{value:.6g}"))
        else:
            lines.append((name, "–" if value is None else str(value)))
    return lines
