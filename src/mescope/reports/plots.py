"""The timeline of a recording as SVG: scores and emotions over time, detections, gaps.

The drawing has no colours of its own; the page styles its classes, so that it follows light and
dark and prints well.  Long recordings are drawn in several rows, and no row holds more points
than it has pixels: every bin keeps its smallest and largest score, so that no peak is lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from mescope.reports.words import clock, emotion_words, short_clock, span

if TYPE_CHECKING:
    from mescope.analysis import Analysis, Finding, Gap

Floats = NDArray[np.float64]

_ROW_LENGTHS = (15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0)
_TICKS = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0)
_SCORE_HEIGHT = 84.0
_EMOTION_HEIGHT = 46.0
_BETWEEN = 7.0
_FLAG = 21.0  # height of one lane of numbered flags
_AXIS = 20.0
_MIN_SHADE = 3.0  # units; a third of a second in an hour is still seen


@dataclass(frozen=True, slots=True)
class _Row:
    """One row: ``start`` to ``end`` in seconds lie over ``left`` to ``right`` in units."""

    start: float
    end: float
    left: float
    right: float
    top: float  # of the score plot

    def x(self, seconds: float) -> float:
        share = (seconds - self.start) / (self.end - self.start)
        return self.left + min(max(share, 0.0), 1.0) * (self.right - self.left)

    def y_score(self, score: float) -> float:
        return self.top + (1 - min(max(score, 0.0), 1.0)) * _SCORE_HEIGHT

    @property
    def emotion_top(self) -> float:
        return self.top + _SCORE_HEIGHT + _BETWEEN

    @property
    def bottom(self) -> float:
        return self.emotion_top + _EMOTION_HEIGHT


def timeline(analysis: Analysis, *, width: int, name: str) -> Markup:
    """Return the timeline as an SVG element ``width`` units wide.

    Spotting score (0 to 1) above, probabilities of the emotion classes stacked below;
    detections shaded, numbered and linked to ``#<finding id>``; gaps hatched.  ``name`` keeps
    the ids of two drawings on one page apart.
    """
    wide = width >= 600
    left, right = (58.0 if wide else 4.0), width - (10.0 if wide else 4.0)
    parts: list[str] = []
    top = 0.0
    begin, finish = span(analysis)
    for a, b in rows(finish - begin, max_rows=6 if wide else 10):
        start, end = begin + a, begin + b
        lanes = _lanes(analysis, start, end, (right - left) / (end - start))
        row = _Row(start, end, left, right, top + 6 + _FLAG * _lane_count(lanes))
        parts += _draw_row(analysis, row, lanes, name, wide)
        top = row.bottom + _AXIS + 10
    label = f"Timeline of {clock(finish - begin)}; {len(analysis.findings)} found"
    return Markup(
        f'<svg class="timeline" viewBox="0 0 {width} {top:.0f}" role="group" '
        f'aria-label="{escape(label)}"><defs><pattern id="hatch-{name}" width="7" height="7" '
        'patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch-back" '
        'width="7" height="7"/><line class="hatch" x1="0" y1="0" x2="0" y2="7"/>'
        "</pattern></defs>" + "".join(parts) + "</svg>"
    )


def rows(duration: float, *, max_rows: int) -> list[tuple[float, float]]:
    """Return start and end in seconds of the rows that show ``duration`` seconds.

    >>> rows(12.0, max_rows=6)
    [(0.0, 12.0)]
    >>> rows(600.0, max_rows=6)
    [(0.0, 120.0), (120.0, 240.0), (240.0, 360.0), (360.0, 480.0), (480.0, 600.0)]
    """
    if duration <= 45:
        return [(0.0, max(duration, 0.1))]
    fitting = [s for s in _ROW_LENGTHS[2:] if duration / s <= max_rows]
    length = fitting[0] if fitting else duration / max_rows
    # Rows of equal length, a tenth longer if need be: no last row that is mostly empty paper.
    number = max(1, int(np.ceil(duration / length - 0.2)))
    length = duration / number
    return [(i * length, (i + 1) * length) for i in range(number)]


def decimate(x: Floats, y: Floats, bins: int) -> tuple[Floats, Floats]:
    """Return at most ``2 * bins`` points that keep the smallest and largest ``y`` of every bin.

    ``x`` is ascending and of the same length as ``y``; short input is returned as it is.
    """
    if len(x) <= 2 * bins:
        return x, y
    edges = np.linspace(x[0], x[-1], bins + 1)
    first = np.unique(np.searchsorted(x, edges[:-1]))
    keep: list[int] = []
    for a, b in zip(first, [*first[1:], len(x)], strict=True):
        low, high = a + int(np.argmin(y[a:b])), a + int(np.argmax(y[a:b]))
        keep += sorted({low, high})
    return x[keep], y[keep]


def runs(valid: NDArray[np.bool_]) -> Iterator[slice]:
    """Yield the stretches in which ``valid`` is True, as slices."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], valid.astype(np.int8), [0]))))
    for a, b in zip(edges[::2], edges[1::2], strict=True):
        yield slice(int(a), int(b))


def _draw_row(
    analysis: Analysis, row: _Row, lanes: list[tuple[int, Finding, int]], name: str, wide: bool
) -> list[str]:
    end = min(row.end, span(analysis)[1])
    width = row.x(end) - row.left
    parts = [
        f'<rect class="paper" x="{row.left:.1f}" y="{top:.1f}" width="{width:.1f}" '
        f'height="{height:.1f}"/>'
        for top, height in (
            (row.top, _SCORE_HEIGHT),
            (row.emotion_top, _EMOTION_HEIGHT),
        )
    ]
    parts += _axis(row, end, wide)
    parts += [_shade(row, finding) for _, finding, _ in lanes]
    parts += _emotions(analysis, row)
    parts += _scores(analysis, row)
    parts += [g for gap in analysis.gaps if (g := _gap(row, gap, name))]
    parts += [_flag(row, number, finding, lane) for number, finding, lane in lanes]
    return parts


def _axis(row: _Row, end: float, wide: bool) -> list[str]:
    parts = []
    if wide:
        x = row.left - 8
        texts = [("1", row.top + 5), ("0", row.top + _SCORE_HEIGHT)]
        texts += [("score", row.top + _SCORE_HEIGHT / 2 + 2), ("emotion", row.bottom - 17)]
        parts += [f'<text class="y" x="{x:.1f}" y="{y:.1f}">{word}</text>' for word, y in texts]
    most = 10 if wide else 4
    step = next((s for s in _TICKS if (row.end - row.start) / s <= most), 1800.0)
    for i in range(int(np.ceil(row.start / step - 1e-9)), int(end / step + 1e-9) + 1):
        x, second = row.x(i * step), i * step
        text = short_clock(second) if step >= 1 else f"{second:.2f} s"
        anchor = "start" if x < row.left + 12 else "end" if x > row.right - 12 else "middle"
        parts.append(
            f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{row.top:.1f}" '
            f'y2="{row.bottom + 4:.1f}"/><text class="x" text-anchor="{anchor}" x="{x:.1f}" '
            f'y="{row.bottom + 17:.1f}">{text}</text>'
        )
    return parts


def _inside(analysis: Analysis, row: _Row) -> slice:
    times = analysis.traces.times
    a, b = np.searchsorted(times, (row.start, row.end))
    return slice(max(0, int(a) - 1), int(b) + 1)


def _scores(analysis: Analysis, row: _Row) -> list[str]:
    inside = _inside(analysis, row)
    times, score = analysis.traces.times[inside], analysis.traces.spotting[inside]
    parts = []
    floor = row.y_score(0.0)
    for run in runs(np.isfinite(score)):
        bins = max(2, int((row.x(times[run][-1]) - row.x(times[run][0])) / 1.5))
        x, y = decimate(times[run], score[run], bins)
        points = [(row.x(a), row.y_score(b)) for a, b in zip(x, y, strict=True)]
        line = _path(points)
        area = f"{line}L{points[-1][0]:.1f} {floor:.1f}L{points[0][0]:.1f} {floor:.1f}Z"
        parts.append(f'<path class="score-area" d="{area}"/><path class="score" d="{line}"/>')
    return parts


def _emotions(analysis: Analysis, row: _Row) -> list[str]:
    """Stack the probabilities of every class but neutral, which stays the empty part on top."""
    from mescope.labels import SPOTTING_CLASSES

    inside = _inside(analysis, row)
    times, emotion = analysis.traces.times[inside], analysis.traces.emotion[inside]
    parts = []
    for run in runs(np.isfinite(emotion.sum(axis=1))):
        bins = max(2, int((row.x(times[run][-1]) - row.x(times[run][0])) / 3))
        x, means = _bin_means(times[run], emotion[run], bins)
        below = np.zeros(len(x))
        for i, name in enumerate(SPOTTING_CLASSES):
            if name == "neutral":
                continue
            above = np.clip(below + means[:, i], 0.0, 1.0)
            up = [
                (row.x(a), row.bottom - b * _EMOTION_HEIGHT)
                for a, b in zip(x, above, strict=True)
            ]
            down = [
                (row.x(a), row.bottom - b * _EMOTION_HEIGHT)
                for a, b in zip(x, below, strict=True)
            ]
            parts.append(f'<path class="band {name}" d="{_path(up + down[::-1])}Z"/>')
            below = above
    return parts


def _bin_means(x: Floats, y: Floats, bins: int) -> tuple[Floats, Floats]:
    if len(x) <= bins:
        return x, y
    edges = np.linspace(x[0], x[-1], bins + 1)
    first = np.unique(np.searchsorted(x, edges[:-1]))
    sizes = np.diff(np.append(first, len(x)))
    mean_x = np.add.reduceat(x, first) / sizes
    return mean_x, np.add.reduceat(y, first, axis=0) / sizes[:, None]


def _path(points: list[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _times(finding: Finding) -> tuple[float, float]:
    d = finding.detection
    onset = d.onset_s if d.onset_s is not None else 0.0
    return onset, d.offset_s if d.offset_s is not None else onset


def _shade(row: _Row, finding: Finding) -> str:
    onset, offset = _times(finding)
    if offset < row.start or onset >= row.end:
        return ""
    x0, x1 = row.x(onset), row.x(offset)
    wider = max(0.0, _MIN_SHADE - (x1 - x0)) / 2
    return (
        f'<rect class="shade {finding.detection.kind}" x="{x0 - wider:.1f}" y="{row.top:.1f}" '
        f'width="{x1 - x0 + 2 * wider:.1f}" height="{row.bottom - row.top:.1f}"/>'
    )


def _lanes(
    analysis: Analysis, start: float, end: float, scale: float
) -> list[tuple[int, Finding, int]]:
    """Return (number, finding, lane) of the row; flags that would overlap get other lanes."""
    taken: list[float] = []  # right end of the last flag of every lane
    placed = []
    for number, finding in enumerate(analysis.findings, 1):
        onset, offset = _times(finding)
        if offset < start or onset >= end:
            continue
        x = (max(start, (onset + offset) / 2) - start) * scale
        half = _flag_width(number) / 2 + 1
        lane = next((i for i, right in enumerate(taken) if x - half >= right), len(taken))
        lane = min(lane, 3)
        taken[lane : lane + 1] = [x + half]
        placed.append((number, finding, lane))
    return placed


def _lane_count(lanes: list[tuple[int, Finding, int]]) -> int:
    return max((lane for _, _, lane in lanes), default=-1) + 1


def _flag_width(number: int) -> float:
    return 13.0 + 7.0 * len(str(number))


def _flag(row: _Row, number: int, finding: Finding, lane: int) -> str:
    onset, offset = _times(finding)
    if onset < row.start:  # carried over from the row above, where its flag stands
        return ""
    d = finding.detection
    x = row.x((onset + offset) / 2)
    width = _flag_width(number)
    centre = min(max(x, row.left + width / 2), row.right - width / 2)
    y = row.top - 4 - (lane + 1) * _FLAG + 3
    title = f"{number}: {d.kind}-expression, {emotion_words(d.emotion)}, {clock(onset)}"
    return (
        f'<a href="#{escape(finding.id)}"><title>{escape(title)}</title>'
        f'<line class="stem" x1="{x:.1f}" x2="{x:.1f}" y1="{y + 17:.1f}" y2="{row.top:.1f}"/>'
        f'<rect class="flag {d.kind}" x="{centre - width / 2:.1f}" y="{y:.1f}" '
        f'width="{width:.1f}" height="17" rx="4"/>'
        f'<text class="flag-text" x="{centre:.1f}" y="{y + 12.8:.1f}">{number}</text></a>'
    )


def _gap(row: _Row, gap: Gap, name: str) -> str:
    if gap.end_s < row.start or gap.start_s >= row.end:
        return ""
    x0, x1 = row.x(gap.start_s), row.x(gap.end_s)
    title = f"{clock(gap.start_s)} to {clock(gap.end_s)} not analyzed: {gap.reason}"
    return (
        f'<rect class="gap" fill="url(#hatch-{name})" x="{x0:.1f}" y="{row.top:.1f}" '
        f'width="{max(x1 - x0, 1.5):.1f}" height="{row.bottom - row.top:.1f}">'
        f"<title>{escape(title)}</title></rect>"
    )
