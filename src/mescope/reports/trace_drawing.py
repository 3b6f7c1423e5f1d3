"""Traces of one recording over time as SVG: truth, scores, detections, emotions, and flow.

Like every drawing it has no colours of its own but those of the flow, a picture whose
transparency says how much moved; long recordings are drawn in several rows, and no row holds
more points than can be seen: every bin keeps its smallest and largest score.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from mescope.labels import SPOTTING_CLASSES
from mescope.reports.flow_strip import FlowStrip, strip
from mescope.reports.formatting import region_words, short_clock
from mescope.reports.plots import TICKS, bin_means, decimate, path_of, runs

Floats = NDArray[np.float64]

POINTS = 1000  # bins of the score in a whole drawing, two points each
_SHARE_POINTS = 400  # bins of the emotions
_ROW_S, _MOST_ROWS = (30.0, 12.0), (6, 10)  # wide, narrow
_TRUTH, _SCORE, _EMOTION, _BAND, _AXIS, _GAP = 15.0, 72.0, 42.0, 13.0, 20.0, 7.0
_REGION = (8.0, 5.0)  # height of a region, wide and narrow
_LEFT = 128.0  # of a wide drawing, for names
_THINNEST = 2.0  # units of a mark


class Mark(NamedTuple):
    """An interval in seconds; ``looks`` are classes for the page's style."""

    start: float
    end: float
    looks: str
    said: str
    emotion: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """A network's traces (n,) and (n, 5) at ``times`` in seconds, and what it found.

    ``level``: what a peak needed.
    """

    title: str
    times: Floats
    score: Floats
    emotion: Floats
    level: float
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """Everything that is drawn of one recording of ``seconds``.

    ``bands``: what further methods found, by their names; ``named``: whether the titles of the
    tracks are written above them.
    """

    seconds: float
    truth: tuple[Mark, ...]
    tracks: tuple[Track, ...]
    bands: tuple[tuple[str, tuple[Mark, ...]], ...] = ()
    flow: FlowStrip | None = None
    named: bool = False


def trace_drawing(found: Traces, *, width: int) -> Markup:
    """Return the drawing, ``width`` units wide; names stand beside it from 600 units on."""
    wide = width >= 600
    lengths = _rows(found.seconds, wide)
    parts: list[str] = []
    top = 0.0
    for start, end in lengths:
        row = _Row(
            start=start, end=end, left=_LEFT if wide else 2.0, right=width - 6.0, top=top,
            wide=wide, rows=len(lengths),
        )  # fmt: skip
        parts += row.draw(found)
        top = row.y + 8
    label = f"{short_clock(found.seconds)} minutes: truth, scores, detections, emotions, flow"
    return Markup(
        f'<svg class="timeline traces" viewBox="0 0 {width} {top:.0f}" role="img" '
        f'aria-label="{label}">{"".join(parts)}</svg>'
    )


def _rows(seconds: float, wide: bool) -> list[tuple[float, float]]:
    """Return start and end of rows of equal length.

    >>> _rows(61.0, True)
    [(0.0, 30.5), (30.5, 61.0)]
    """
    at = 0 if wide else 1
    number = min(_MOST_ROWS[at], max(1, int(np.ceil(seconds / _ROW_S[at] - 0.2))))
    length = max(seconds, 0.1) / number
    return [(i * length, (i + 1) * length) for i in range(number)]


@dataclass
class _Row:
    """One row: ``start`` to ``end`` in seconds; ``y`` moves down while it is drawn."""

    start: float
    end: float
    left: float
    right: float
    top: float
    wide: bool
    rows: int
    y: float = field(init=False)

    def draw(self, found: Traces) -> list[str]:
        """Return everything from the truth down to the axis."""
        self.y = self.top + 4
        parts = self._band("truth", found.truth, _TRUTH)
        body = self.y
        for track in found.tracks:
            parts += self._track(track, named=found.named)
        if found.bands:
            self.y += 4
        for title, marks in found.bands:
            parts += self._band(title, marks, _BAND)
        if found.flow is not None:
            parts += self._flow(found.flow)
        through = [self._through(mark, body) for mark in self._seen(found.truth)]
        return [*self._axis(), *parts, *through]

    def x(self, seconds: float) -> float:
        share = (seconds - self.start) / (self.end - self.start)
        return self.left + min(max(share, 0.0), 1.0) * (self.right - self.left)

    def _seen(self, marks: Sequence[Mark]) -> Iterator[Mark]:
        return (m for m in marks if m.end > self.start and m.start < self.end)

    def _extent(self, mark: Mark) -> tuple[float, float]:
        """Return where a mark begins and how wide it is drawn."""
        x = self.x(mark.start)
        return x, max(_THINNEST, self.x(mark.end) - x)

    def _label(self, words: str, y: float) -> list[str]:
        if not self.wide:
            return []
        place = f'x="{self.left - 8:.1f}" y="{y:.1f}"'
        return [f'<text class="y" {place}>{escape(_short(words))}</text>']

    def _paper(self, height: float) -> str:
        return (
            f'<rect class="paper" x="{self.left:.1f}" y="{self.y:.1f}" '
            f'width="{self.right - self.left:.1f}" height="{height:.1f}"/>'
        )

    def _band(self, title: str, marks: Sequence[Mark], height: float) -> list[str]:
        parts = self._label(title, self.y + height / 2 + 4)
        parts.append(
            f'<line class="grid" x1="{self.left:.1f}" x2="{self.right:.1f}" '
            f'y1="{self.y + height:.1f}" y2="{self.y + height:.1f}"/>'
        )
        for mark in self._seen(marks):
            x, w = self._extent(mark)
            parts.append(
                f'<rect class="mark {mark.looks} {mark.emotion or "unnamed"}" x="{x:.1f}" '
                f'y="{self.y + 1:.1f}" width="{w:.1f}" height="{height - 2:.1f}">'
                f"<title>{escape(mark.said)}</title></rect>"
            )
        self.y += height
        return parts

    def _through(self, mark: Mark, top: float) -> str:
        x, w = self._extent(mark)
        return (
            f'<rect class="through" x="{x:.1f}" y="{top:.1f}" width="{w:.1f}" '
            f'height="{self.y - top:.1f}"/>'
        )

    def _track(self, track: Track, *, named: bool) -> list[str]:
        self.y += _GAP
        parts = []
        if named:
            parts.append(
                f'<text class="title" x="{self.left:.1f}" y="{self.y + 9:.1f}">'
                f"{escape(_short(track.title, 90 if self.wide else 46))}</text>"
            )
            self.y += 14
        parts += [self._paper(_SCORE), *self._label("score", self.y + _SCORE / 2 + 4)]
        parts += [p for mark in self._seen(track.marks) for p in self._found(mark)]
        parts += self._score(track)
        self.y += _SCORE + 4
        parts += [self._paper(_EMOTION), *self._label("emotion", self.y + _EMOTION / 2 + 4)]
        parts += self._shares(track)
        self.y += _EMOTION
        return parts

    def _found(self, mark: Mark) -> list[str]:
        """Return a detection: shaded by what it was, topped by what it is called."""
        x, w = self._extent(mark)
        place = f'x="{x:.1f}" width="{w:.1f}"'
        return [
            f'<g><title>{escape(mark.said)}</title><rect class="shade {mark.looks}" {place} '
            f'y="{self.y:.1f}" height="{_SCORE:.1f}"/><rect class="cap '
            f'{mark.emotion or "unnamed"}" {place} y="{self.y:.1f}" height="5"/></g>'
        ]

    def _inside(self, times: Floats) -> slice:
        a, b = np.searchsorted(times, (self.start, self.end))
        return slice(max(0, int(a) - 1), int(b) + 1)

    def _score(self, track: Track) -> list[str]:
        inside = self._inside(track.times)
        times, score = track.times[inside], track.score[inside]
        parts = []

        def y(value: float) -> float:
            return self.y + (1 - min(max(value, 0.0), 1.0)) * _SCORE

        for run in runs(np.isfinite(score)):
            bins = self._bins(times[run], POINTS)
            kept = decimate(times[run], score[run], bins)
            line = path_of([(self.x(a), y(b)) for a, b in zip(*kept, strict=True)])
            parts.append(f'<path class="score" d="{line}"/>')
        level = y(track.level)
        parts.append(
            f'<line class="floor" x1="{self.left:.1f}" x2="{self.right:.1f}" '
            f'y1="{level:.1f}" y2="{level:.1f}"><title>a peak needs '
            f"{track.level:.3f}</title></line>"
        )
        return parts

    def _shares(self, track: Track) -> list[str]:
        inside = self._inside(track.times)
        times, shares = track.times[inside], track.emotion[inside]
        parts = []
        for run in runs(np.isfinite(track.score[inside])):
            bins = self._bins(times[run], _SHARE_POINTS)
            x, means = bin_means(times[run], shares[run], bins)
            for i in reversed(range(len(SPOTTING_CLASSES))):  # neutral first, below the others
                points = zip(x, means[:, i], strict=True)
                line = path_of([(self.x(a), self.y + (1 - b) * _EMOTION) for a, b in points])
                parts.append(f'<path class="line {SPOTTING_CLASSES[i]}" d="{line}"/>')
        return parts

    def _bins(self, times: Floats, points: int) -> int:
        """Return how many bins a stretch gets of those of the whole drawing."""
        share = (times[-1] - times[0]) / (self.end - self.start)
        seen = (self.right - self.left) * share / 1.5
        return max(2, int(min(share * points / self.rows, seen)))

    def _flow(self, flow: FlowStrip) -> list[str]:
        self.y += _GAP
        each = _REGION[0 if self.wide else 1]
        height = each * len(flow.regions)
        width = self.right - self.left
        data = strip(flow, self.start, self.end, columns=int(width))
        parts = [
            self._paper(height),
            f'<image href="{data}" x="{self.left:.1f}" y="{self.y:.1f}" width="{width:.1f}" '
            f'height="{height:.1f}" preserveAspectRatio="none"><title>motion of the regions'
            "</title></image>",
        ]
        if self.wide:
            parts += [
                f'<text class="region" x="{self.left - 8:.1f}" '
                f'y="{self.y + each * (i + 1) - 1.4:.1f}">{escape(region_words(name))}</text>'
                for i, name in enumerate(flow.regions)
            ]
        self.y += height
        return parts

    def _axis(self) -> list[str]:
        """Return ticks from the truth to below everything."""
        most = 12 if self.wide else 5
        step = next((s for s in TICKS if (self.end - self.start) / s <= most), 1800.0)
        parts, bottom = [], self.y + 4
        first = int(np.ceil(self.start / step - 1e-9))
        for i in range(first, int(self.end / step + 1e-9) + 1):
            x = self.x(i * step)
            anchor = _anchor(x, self.left, self.right)
            words = short_clock(i * step) if step >= 1 else f"{i * step:.2f} s"
            parts.append(
                f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{self.top + 4:.1f}" '
                f'y2="{bottom:.1f}"/><text class="x" text-anchor="{anchor}" x="{x:.1f}" '
                f'y="{bottom + 13:.1f}">{words}</text>'
            )
        self.y += _AXIS
        return parts


def _anchor(x: float, left: float, right: float) -> str:
    return "start" if x < left + 12 else "end" if x > right - 12 else "middle"


def _short(words: str, most: int = 18) -> str:
    return words if len(words) <= most else words[: most - 1] + "…"
