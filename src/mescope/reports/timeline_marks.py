"""What lies over the curves of a timeline: detections, candidates, events, gaps, the floor.

Whatever hangs on the floor carries its score in ``data-score``: the page moves the floor.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from markupsafe import escape

from mescope.reports.formatting import clock, emotion_words
from mescope.reports.judged import EVENT_NAMES, MOSTLY
from mescope.reports.timeline_row import BAND, Row

if TYPE_CHECKING:
    from mescope.events import EventKind, FaceEvent
    from mescope.results import Analysis, Finding, Gap

FLAG = 21.0  # height of one lane of numbered flags
_MOST_LANES = 4
_MIN_SHADE = 3.0  # units; a third of a second in an hour is still seen
_MIN_EVENT = 1.6
_NEAR = 0.8  # units; events nearer to each other are drawn as one

Lanes = list[tuple[int, "Finding", int]]


def shades(row: Row, findings: Iterable[Finding]) -> list[str]:
    """Shade the intervals of detections."""
    return [_shade(row, finding, finding.detection.kind) for finding in findings]


def lanes_of(analysis: Analysis, start: float, end: float, scale: float) -> Lanes:
    """Return (number, finding, lane) of a row; flags that would overlap get other lanes."""
    taken: list[float] = []  # right end of the last flag of every lane
    placed = []
    for number, finding in enumerate(analysis.findings, 1):
        onset, offset = _times(finding)
        if offset < start or onset >= end:
            continue
        x = (max(start, (onset + offset) / 2) - start) * scale
        half = _flag_width(number) / 2 + 1
        lane = next((i for i, right in enumerate(taken) if x - half >= right), len(taken))
        lane = min(lane, _MOST_LANES - 1)
        taken[lane : lane + 1] = [x + half]
        placed.append((number, finding, lane))
    return placed


def lane_count(lanes: Lanes) -> int:
    """Return how many lanes flags take."""
    return max((lane for _, _, lane in lanes), default=-1) + 1


def flags(row: Row, lanes: Lanes) -> list[str]:
    """Draw the numbered flags of detections, each a link to its card."""
    return [_flag(row, number, finding, lane) for number, finding, lane in lanes]


def candidates(analysis: Analysis, row: Row) -> list[str]:
    """Mark candidates by a shade and a point at their score; hidden until the floor drops."""
    parts = []
    for finding in analysis.candidates:
        onset, offset = _times(finding)
        if offset < row.start or onset >= row.end or onset < row.start:
            continue
        d = finding.detection
        x, y = row.x((onset + offset) / 2), row.y_score(d.score)
        what = MOSTLY[finding.explained_by] if finding.explained_by else f"{d.kind}-expression"
        role = 'class="candidate explained"'
        if not finding.explained_by:
            role = f'class="candidate below"{_score_of(finding)}'
        title = f"{finding.id}: {what}, score {d.score:.2f}, {clock(onset)}"
        parts.append(
            f'<a href="#{escape(finding.id)}" {role}>'
            f"<title>{escape(title)}</title>{_shade(row, finding, 'faint')}"
            f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3.4"/></a>'
        )
    return parts


def floor_line(analysis: Analysis, row: Row, end: float) -> list[str]:
    """Draw the floor; the page moves it, so it says between which heights."""
    if not analysis.floor:
        return []
    y = row.y_score(analysis.floor)
    return [
        f'<line class="floor" x1="{row.left:.1f}" x2="{row.x(end):.1f}" y1="{y:.1f}" '
        f'y2="{y:.1f}" data-zero="{row.score_bottom:.1f}" data-one="{row.top:.1f}"/>'
    ]


def event_bands(analysis: Analysis, row: Row) -> list[str]:
    """Draw the events of every kind on its band; those on the same spot become one."""
    parts = []
    for kind in row.kinds:
        y = row.band_top(kind) + 2
        inside = [
            e
            for e in analysis.events
            if e.kind == kind and e.offset_s >= row.start and e.onset_s < row.end
        ]
        for x0, x1, those in _merged(row, inside):
            parts.append(
                f'<rect class="event {kind}" x="{x0:.1f}" y="{y:.1f}" rx="1.5" '
                f'width="{x1 - x0:.1f}" height="{BAND - 4:.1f}">'
                f"<title>{escape(_event_title(kind, those))}</title></rect>"
            )
    return parts


def gap_shade(row: Row, gap: Gap, name: str) -> str:
    """Hatch what could not be judged; the reason stands in the title."""
    if gap.end_s < row.start or gap.start_s >= row.end:
        return ""
    x0, x1 = row.x(gap.start_s), row.x(gap.end_s)
    title = f"{clock(gap.start_s)} to {clock(gap.end_s)} could not be judged: {gap.reason}"
    return (
        f'<rect class="gap" fill="url(#hatch-{name})" x="{x0:.1f}" y="{row.top:.1f}" '
        f'width="{max(x1 - x0, 1.5):.1f}" height="{row.bottom - row.top:.1f}">'
        f"<title>{escape(title)}</title></rect>"
    )


def _merged(
    row: Row, events: Iterable[FaceEvent]
) -> list[tuple[float, float, list[FaceEvent]]]:
    """Return left, right and events; what would be one blot is drawn as one."""
    drawn: list[tuple[float, float, list[FaceEvent]]] = []
    for event in events:
        x0 = row.x(event.onset_s)
        x1 = max(row.x(event.offset_s), x0 + _MIN_EVENT)
        if drawn and x0 - drawn[-1][1] < _NEAR:
            before = drawn.pop()
            drawn.append((before[0], max(before[1], x1), [*before[2], event]))
        else:
            drawn.append((x0, x1, [event]))
    return drawn


def _event_title(kind: EventKind, events: list[FaceEvent]) -> str:
    one, many = EVENT_NAMES[kind]
    name = one if len(events) == 1 else f"{len(events)} {many}"
    return f"{name}, {clock(events[0].onset_s)} to {clock(events[-1].offset_s)}"


def _times(finding: Finding) -> tuple[float, float]:
    d = finding.detection
    onset = d.onset_s if d.onset_s is not None else 0.0
    return onset, d.offset_s if d.offset_s is not None else onset


def _shade(row: Row, finding: Finding, role: str) -> str:
    onset, offset = _times(finding)
    if offset < row.start or onset >= row.end:
        return ""
    x0, x1 = row.x(onset), row.x(offset)
    wider = max(0.0, _MIN_SHADE - (x1 - x0)) / 2
    own = "" if role == "faint" else _score_of(finding)  # a faint one lies in what has it
    return (
        f'<rect class="shade {role}" x="{x0 - wider:.1f}" y="{row.top:.1f}" '
        f'width="{x1 - x0 + 2 * wider:.1f}" '
        f'height="{row.emotion_bottom - row.top:.1f}"{own}/>'
    )


def _score_of(finding: Finding) -> str:
    return f' data-score="{finding.detection.score:.4f}"'


def _flag_width(number: int) -> float:
    return 13.0 + 7.0 * len(str(number))


def _flag(row: Row, number: int, finding: Finding, lane: int) -> str:
    onset, offset = _times(finding)
    if onset < row.start:  # carried over from the row above, where its flag stands
        return ""
    d = finding.detection
    x = row.x((onset + offset) / 2)
    width = _flag_width(number)
    centre = min(max(x, row.left + width / 2), row.right - width / 2)
    y = row.top - 4 - (lane + 1) * FLAG + 3
    title = f"{number}: {d.kind}-expression, {emotion_words(d.emotion)}, {clock(onset)}"
    return (
        f'<a href="#{escape(finding.id)}"{_score_of(finding)}>'
        f"<title>{escape(title)}</title>"
        f'<line class="stem" x1="{x:.1f}" x2="{x:.1f}" y1="{y + 17:.1f}" y2="{row.top:.1f}"/>'
        f'<rect class="flag {d.kind}" x="{centre - width / 2:.1f}" y="{y:.1f}" '
        f'width="{width:.1f}" height="17" rx="4"/>'
        f'<text class="flag-text" x="{centre:.1f}" y="{y + 12.8:.1f}">{number}</text></a>'
    )
