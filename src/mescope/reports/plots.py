"""The timeline of a recording as SVG: scores, movement and emotions over time, and marks.

The drawing has no colours of its own; the page styles its classes, so that it follows light and
dark and prints well.  Long recordings are drawn in several rows, and no row holds more points
than it has pixels: every bin keeps its smallest and largest score, so that no peak is lost.
What lies over the curves is in :mod:`mescope.reports.timeline_marks`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from mescope.annotations.face_events import KINDS
from mescope.reports.formatting import clock, short_clock, span
from mescope.reports.timeline_marks import (
    FLAG,
    candidates,
    event_bands,
    flags,
    floor_line,
    gap_shade,
    lane_count,
    lanes_of,
    shades,
)
from mescope.reports.timeline_row import AXIS, LABELS, Row

if TYPE_CHECKING:
    from mescope.results import Analysis, Finding

Floats = NDArray[np.float64]

_ROW_LENGTHS = (15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0)
TICKS = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0)


def timeline(analysis: Analysis, *, width: int, name: str) -> Markup:
    """Return the timeline as an SVG element ``width`` units wide.

    Spotting score (0 to 1) with the floor, the training-free score below it where there is
    one, probabilities of the emotion classes stacked, a band for each kind of event;
    detections shaded, numbered and linked to ``#<finding id>``; what could not be judged
    hatched.  ``name`` keeps the ids of two drawings on one page apart.
    """
    wide = width >= 600
    left, right = (76.0 if wide else 4.0), width - (10.0 if wide else 4.0)
    parts: list[str] = []
    top = 0.0
    begin, finish = span(analysis)
    kinds = tuple(kind for kind in KINDS if any(e.kind == kind for e in analysis.events))
    for a, b in rows(finish - begin, max_rows=6 if wide else 10):
        start, end = begin + a, begin + b
        lanes = lanes_of(analysis, start, end, (right - left) / (end - start))
        row = Row(
            start=start, end=end, left=left, right=right,
            top=top + 6 + FLAG * lane_count(lanes),
            movement=analysis.traces.movement is not None, kinds=kinds,
        )  # fmt: skip
        parts += _draw_row(analysis, row, lanes, name, wide)
        top = row.bottom + AXIS + 10
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
    analysis: Analysis, row: Row, lanes: list[tuple[int, Finding, int]], name: str, wide: bool
) -> list[str]:
    end = min(row.end, span(analysis)[1])
    width = row.x(end) - row.left
    parts = [
        f'<rect class="paper" x="{row.left:.1f}" y="{top:.1f}" width="{width:.1f}" '
        f'height="{height:.1f}"/>'
        for top, height in row.papers
    ]
    parts += _axis(row, end, wide)
    # below the curves: a movement may be proposed where little can be seen, and shows its score
    parts += [g for gap in analysis.gaps if (g := gap_shade(row, gap, name))]
    parts += shades(row, [finding for _, finding, _ in lanes])
    parts += _emotions(analysis, row)
    parts += _scores(analysis, row)
    parts += event_bands(analysis, row)
    parts += floor_line(analysis, row, end)
    parts += candidates(analysis, row)
    parts += [] if wide else _lane_names(row)
    parts += flags(row, lanes)
    return parts


def _axis(row: Row, end: float, wide: bool) -> list[str]:
    parts = []
    if wide:
        x = row.left - 8
        texts = [("1", row.top + 5), ("0", row.score_bottom)]
        texts += [("score", row.top + (row.score_bottom - row.top) / 2 + 2)]
        if row.movement:
            texts += [("movement", (row.movement_top + row.movement_bottom) / 2 + 4)]
        texts += [("emotion", (row.emotion_top + row.emotion_bottom) / 2 + 4)]
        texts += [(LABELS[kind], row.band_top(kind) + 9) for kind in row.kinds]
        parts += [f'<text class="y" x="{x:.1f}" y="{y:.1f}">{word}</text>' for word, y in texts]
    most = 10 if wide else 4
    step = next((s for s in TICKS if (row.end - row.start) / s <= most), 1800.0)
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


def _lane_names(row: Row) -> list[str]:
    """Write what each lane shows into its upper left corner: there is no margin for it."""
    texts = [("score", row.top)]
    if row.movement:
        texts += [("movement", row.movement_top)]
    texts += [("emotion", row.emotion_top)]
    texts += [(LABELS[kind], row.band_top(kind) - 1.5) for kind in row.kinds]
    return [
        f'<text class="lane" x="{row.left + 4:.1f}" y="{top + 11:.1f}">{word}</text>'
        for word, top in texts
    ]


def _inside(analysis: Analysis, row: Row) -> slice:
    times = analysis.traces.times
    a, b = np.searchsorted(times, (row.start, row.end))
    return slice(max(0, int(a) - 1), int(b) + 1)


def _scores(analysis: Analysis, row: Row) -> list[str]:
    """Draw the score, and the training-free one below it."""
    traces = analysis.traces
    parts = _curve(analysis, row, traces.spotting, "score", row.y_score)
    if traces.movement is not None:
        parts += _curve(analysis, row, traces.movement, "movement-score", row.y_movement)
    return parts


def _curve(
    analysis: Analysis, row: Row, values: Floats, name: str, y: Callable[[float], float]
) -> list[str]:
    """Draw a curve over the area below it; it breaks where there is no value."""
    inside = _inside(analysis, row)
    times, score = analysis.traces.times[inside], values[inside]
    parts = []
    floor = y(0.0)
    for run in runs(np.isfinite(score)):
        bins = max(2, int((row.x(times[run][-1]) - row.x(times[run][0])) / 1.5))
        kept = decimate(times[run], score[run], bins)
        points = [(row.x(a), y(b)) for a, b in zip(*kept, strict=True)]
        line = path_of(points)
        area = f"{line}L{points[-1][0]:.1f} {floor:.1f}L{points[0][0]:.1f} {floor:.1f}Z"
        parts.append(f'<path class="{name}-area" d="{area}"/><path class="{name}" d="{line}"/>')
    return parts


def _emotions(analysis: Analysis, row: Row) -> list[str]:
    """Stack the probabilities of every class but neutral, each times the score.

    The classes add up to 1 also where nothing happens; as they are, they would look sure of an
    emotion where the score says that there is no expression.
    """
    from mescope.labels import SPOTTING_CLASSES

    inside = _inside(analysis, row)
    times = analysis.traces.times[inside]
    emotion = analysis.traces.emotion[inside] * analysis.traces.spotting[inside, None]
    parts = []
    for run in runs(np.isfinite(emotion.sum(axis=1))):
        bins = max(2, int((row.x(times[run][-1]) - row.x(times[run][0])) / 3))
        x, means = bin_means(times[run], emotion[run], bins)
        below = np.zeros(len(x))
        for i, name in enumerate(SPOTTING_CLASSES):
            if name == "neutral":
                continue
            above = np.clip(below + means[:, i], 0.0, 1.0)
            up = [(row.x(a), row.y_emotion(b)) for a, b in zip(x, above, strict=True)]
            down = [(row.x(a), row.y_emotion(b)) for a, b in zip(x, below, strict=True)]
            parts.append(f'<path class="band {name}" d="{path_of(up + down[::-1])}Z"/>')
            below = above
    return parts


def bin_means(x: Floats, y: Floats, bins: int) -> tuple[Floats, Floats]:
    """Return means of ``x`` (n,) and ``y`` (n, c) in ``bins`` bins; short input as it is."""
    if len(x) <= bins:
        return x, y
    edges = np.linspace(x[0], x[-1], bins + 1)
    first = np.unique(np.searchsorted(x, edges[:-1]))
    sizes = np.diff(np.append(first, len(x)))
    mean_x = np.add.reduceat(x, first) / sizes
    return mean_x, np.add.reduceat(y, first, axis=0) / sizes[:, None]


def path_of(points: list[tuple[float, float]]) -> str:
    """Return points as what an SVG path draws."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
