"""What a page shows of one detection or candidate, ready for the template."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mescope.facs import name_of
from mescope.reports.face_arrows import arrows_worth_drawing, data_uri, factor, motion_picture
from mescope.reports.formatting import clock, emotion_words, region_words
from mescope.reports.judged import MOSTLY
from mescope.reports.loops import SLOWER, loop_uri
from mescope.reports.tables import duration_ms

if TYPE_CHECKING:
    from mescope.results import Analysis, Finding

MOST_PICTURED = 12
"""Candidates that get pictures, the strongest ones: each takes about 150 kB."""

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


def cards_of(analysis: Analysis) -> list[dict[str, Any]]:
    """Return the cards of detections and candidates, in order of time.

    A detection is called by its number, a candidate by its id.
    """
    shown = [
        (finding, card(finding, str(number)))
        for number, finding in enumerate(analysis.findings, 1)
    ]
    pictured = {finding.id for finding in strongest(analysis)[:MOST_PICTURED]}
    for finding in analysis.candidates:
        made = card(finding, finding.id, pictures=finding.id in pictured)
        made["role"] = "candidate explained" if finding.explained_by else "candidate below"
        shown.append((finding, made))
    shown.sort(key=lambda pair: pair[0].detection.interval)
    return [made for _, made in shown]


def strongest(analysis: Analysis) -> list[Finding]:
    """Return candidates that no event explains, strongest first, then the explained ones."""
    return sorted(
        analysis.candidates, key=lambda f: (f.explained_by is not None, -f.detection.score)
    )


def card(finding: Finding, label: str, *, pictures: bool = True) -> dict[str, Any]:
    """Return one card; ``label`` is what it is called on the page."""
    d = finding.detection
    drawn = arrows_worth_drawing(finding.evidence.regions)
    has = pictures and finding.apex_picture is not None
    return {
        "label": label,
        "id": finding.id,
        "role": "",
        "kind": d.kind,
        "explained": MOSTLY[finding.explained_by] if finding.explained_by else "",
        "emotion": emotion_words(d.emotion),
        "bars": [] if finding.explained_by else _bars(finding),
        "score": d.score,
        "milliseconds": duration_ms(finding),
        "frames": f"{d.interval.first}–{d.interval.last}",
        "pictured": pictures,
        "moments": _moments(finding, pictures),
        "motion": motion_picture(finding) if has else None,
        "can_flicker": has and finding.onset_picture is not None,
        "factor": factor(drawn),
        "loop": loop_uri(finding.clip, finding.clip_rate) if pictures else None,
        "still": _still(finding) if pictures else None,
        "slower": SLOWER,
        "checks": finding.checks,
        "doubts": sum(check.doubt for check in finding.checks),
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


def followed(analysis: Analysis) -> str | None:
    """Return a picture of the face that was followed, as a data URI; None without any."""
    for finding in (*analysis.findings, *strongest(analysis)):
        for picture in (finding.onset_picture, finding.apex_picture, finding.offset_picture):
            if picture is not None:
                return data_uri(picture)
    return None


def _bars(finding: Finding) -> list[dict[str, Any]]:
    return [
        {"name": emotion_words(name), "class": name, "share": share}
        for name, share in (finding.detection.emotion_scores or {}).items()
        if math.isfinite(share)
    ]


def _still(finding: Finding) -> str | None:
    """Return the middle of the clip, for people who want nothing to move."""
    if len(finding.clip) < 2:
        return None
    return data_uri(finding.clip[len(finding.clip) // 2])


def _moments(finding: Finding, pictures: bool) -> list[dict[str, Any]]:
    d = finding.detection
    return [
        {
            "name": name,
            "time": clock(seconds),
            "frame": frame,
            "picture": data_uri(picture) if pictures and picture is not None else None,
        }
        for name, seconds, frame, picture in (
            ("onset", d.onset_s, d.interval.first, finding.onset_picture),
            ("apex", d.apex_s, d.apex, finding.apex_picture),
            ("offset", d.offset_s, d.interval.last, finding.offset_picture),
        )
    ]
