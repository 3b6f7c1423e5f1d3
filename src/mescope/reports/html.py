"""One self-contained page for one recording: opens offline and loads nothing.

The content security policy of the page forbids everything but its own styles, the pictures
inside it, and one script, known by its hash, that moves the floor; without scripts the page
shows what reaches the floor.  Every text is escaped by the template engine.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from mescope.reports.cards import MOST_PICTURED, cards_of, followed, strongest
from mescope.reports.formatting import clock, count, percent, spell_duration, spell_span
from mescope.reports.judged import EVENT_NAMES, headline, judged_s, rates, unjudged_s
from mescope.reports.plots import timeline

if TYPE_CHECKING:
    from jinja2 import Template

    from mescope.results import Analysis, Gap

_WIDE, _NARROW = 940, 350  # units; the page shows one of the two drawings
_MOST_EVENTS = 400  # rows; the rest is in the CSV
_STEP = 0.01  # of the floor's slider


def render(analysis: Analysis) -> str:
    """Return the page as text, to be saved as UTF-8."""
    found, where = headline(analysis)
    cards = cards_of(analysis)
    slider = _slider(analysis)
    script = _script() if slider else ""
    return template("report.html").render(
        name=str(analysis.video.get("name", "recording")),
        found=found,
        where=where,
        facts=facts_of(analysis),
        rates=_rate_rows(analysis),
        warnings=list(dict.fromkeys(analysis.warnings)),
        gaps=[gap_row(gap) for gap in analysis.gaps],
        unjudged=spell_duration(unjudged_s(analysis)),
        judged=judged_s(analysis) > 0,
        timeline_wide=timeline(analysis, width=_WIDE, name="wide"),
        timeline_narrow=timeline(analysis, width=_NARROW, name="narrow"),
        has_movement=analysis.traces.movement is not None,
        cards=cards,
        shown=len(analysis.findings),
        explained=sum(finding.explained_by is not None for finding in analysis.candidates),
        most_pictured=MOST_PICTURED,
        nothing=_nothing(analysis),
        slider=slider,
        floor=analysis.floor,
        script=Markup(script),
        script_hash=_hash(script),
        events=_event_rows(analysis),
        events_left=max(0, len(analysis.events) - _MOST_EVENTS),
        pictures=_has_pictures(cards),
        simulated=bool(analysis.provenance.get("simulated")),
        trained_on=str(analysis.provenance.get("trained_on", "")),
        model=str(analysis.provenance.get("model", "unknown")),
        created=day(analysis.provenance.get("created")),
        video=flat(analysis.video),
        provenance=flat(analysis.provenance),
        decode=flat(analysis.decode),
    )


@cache
def template(name: str, *, package: str = "mescope.reports") -> Template:
    """Return a template of a package; it escapes every text and misses nothing silently."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def facts_of(analysis: Analysis, *, seen: bool = True) -> str:
    """Say in one sentence what was looked at; ``seen``: and how much of it shows the face."""
    video, traces = analysis.video, analysis.traces
    parts = []
    if frames := _number(video.get("frames")):
        parts.append(count(int(frames), "frame"))
    if rate := _number(video.get("rate")):
        parts.append(f"{rate:.4g} frames per second")
    if (width := video.get("width")) and (height := video.get("height")):
        parts.append(f"{width} × {height} pixels")
    if seen and len(traces.valid):
        share = float(traces.valid.mean())
        parts.append(
            "no face seen"
            if share == 0
            else f"a face seen in {percent(share)} of what was analyzed"
        )
    return ", ".join(parts)


def gap_row(gap: Gap) -> dict[str, str]:
    """Return a stretch that could not be judged as a row of a page."""
    return {
        "start": clock(gap.start_s),
        "end": clock(gap.end_s),
        "frames": f"{gap.interval.first}–{gap.interval.last}",
        "reason": gap.reason,
    }


@cache
def _script() -> str:
    return files("mescope.reports").joinpath("templates/report.js").read_text("utf-8")


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return base64.b64encode(digest).decode("ascii")


def _slider(analysis: Analysis) -> dict[str, Any] | None:
    """Return the floor's slider; None where nothing hangs on the floor.

    Its marks are whole steps from the floor, so the floor itself is one of them.
    """
    floor = analysis.floor
    fainter = [f.detection.score for f in analysis.candidates if f.explained_by is None]
    if not floor or not fainter:
        return None
    lowest = min(fainter)
    below = max(1, math.ceil((floor - lowest) / _STEP - 1e-9)) * _STEP
    above = max(1, math.floor((1 - floor) / _STEP + 1e-9)) * _STEP
    return {
        "usual": f"{floor:.4f}",
        "spelt": f"{floor:.2f}",
        "min": f"{floor - below:.4f}",
        "max": f"{floor + above:.4f}",
        "step": _STEP,
        "at": f"{below / (below + above):.4f}",
        "fainter": len(fainter),
    }


def _nothing(analysis: Analysis) -> dict[str, Any]:
    """Return what a page without detections shows instead of cards."""
    best = next((f for f in strongest(analysis) if f.explained_by is None), None)
    shown: dict[str, Any] = {"where": spell_span(analysis), "face": None, "best": None}
    shown["explained"] = sum(
        f.explained_by is not None and f.detection.score >= analysis.floor > 0
        for f in analysis.candidates
    )
    if judged_s(analysis) > 0:
        shown["face"] = followed(analysis)
    if best is not None:
        d = best.detection
        shown["best"] = {
            "id": best.id,
            "time": clock(d.onset_s),
            "frames": f"{d.interval.first}–{d.interval.last}",
            "score": f"{d.score:.2f}",
            "floor": f"{analysis.floor:.2f}",
            "sentence": best.evidence.sentence,
        }
    return shown


def _rate_rows(analysis: Analysis) -> list[dict[str, str]]:
    return [
        {
            "kind": rate.kind,
            "name": EVENT_NAMES[rate.kind][1],
            "number": str(rate.number),
            "a_minute": "–" if rate.a_minute is None else f"{rate.a_minute:.1f}",
            "seconds": spell_duration(rate.seconds),
        }
        for rate in rates(analysis)
    ]


def _event_rows(analysis: Analysis) -> list[dict[str, str]]:
    return [
        {
            "kind": event.kind,
            "name": EVENT_NAMES[event.kind][0],
            "start": clock(event.onset_s),
            "end": clock(event.offset_s),
            "milliseconds": f"{(event.offset_s - event.onset_s) * 1000:.0f}",
            "frames": f"{event.interval.first}–{event.interval.last}",
        }
        for event in analysis.events[:_MOST_EVENTS]
    ]


def _has_pictures(cards: list[dict[str, Any]]) -> bool:
    return any(
        card["motion"] or card["loop"] or any(m["picture"] for m in card["moments"])
        for card in cards
    )


def day(created: Any) -> str:
    """Return an ISO time in UTC as people write it; another text is returned as it is.

    >>> day("2026-11-20T21:40:03+00:00")
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
        elif isinstance(value, (list, tuple)) and value and isinstance(value[0], Mapping):
            lines += [(f"{name} {i}", _pairs(one)) for i, one in enumerate(value, 1)]
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


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{key} {value}" for key, value in values.items() if value not in ("", None)
    )
