"""How each person fared in an evaluation on recordings, as SVG that the page styles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

from mescope.reports.evaluation_plots import svg_of

_UP, _DOWN, _BETWEEN = 120.0, 90.0, 16.0  # heights of expressions, false alarms, and the gap
_LEFT, _TOP, _BOTTOM = 40.0, 10.0, 22.0
_WIDEST = 34.0  # units of a bar, with its gap
_NARROWEST = 340.0  # so that the words below fit
_TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000)


def people_bars(people: Sequence[Mapping[str, Any]], *, width: float) -> Markup:
    """Return two bars a person: expressions upwards, found ones solid; false alarms downwards.

    People stand from the largest share found to the smallest.

    Args:
        people: rows of a method's ``people`` in a summary.
        width: of the drawing, in units.
    """
    order = sorted(people, key=lambda p: (-_share(p), p["fp"], p["dataset"], p["subject"]))
    most_up = max(1.0, *(p["tp"] + p["fn"] for p in order))
    most_down = max(1.0, *(p["fp"] for p in order))
    step = min(_WIDEST, (width - _LEFT - 6) / len(order))
    width = min(width, max(_NARROWEST, _LEFT + step * len(order) + 8))
    line = _TOP + _UP
    below = line + _BETWEEN
    parts = _grid(most_up, width, lambda v: line - v / most_up * _UP)
    parts += _grid(most_down, width, lambda v: below + v / most_down * _DOWN)
    for i, person in enumerate(order):
        x, bar = _LEFT + 4 + step * i, max(1.0, step * 0.78)
        up, hits = (v / most_up * _UP for v in (person["tp"] + person["fn"], person["tp"]))
        down = person["fp"] / most_down * _DOWN
        parts.append(
            f"<g><title>{escape(_said(person))}</title>"
            + _bar("missed", x, line - up, bar, max(0.0, up - hits))
            + _bar("hit", x, line - hits, bar, hits)
            + _bar("false", x, below, bar, down)
            + "</g>"
        )
    bottom = below + _DOWN
    parts.append(
        f'<text class="middle" x="{(width + _LEFT) / 2:.1f}" y="{bottom + 16:.1f}">'
        f"{len(order)} people, from the largest share found</text>"
    )
    label = "Expressions found and false alarms of each person"
    return svg_of("people", width, bottom + _BOTTOM, label, parts)


def _share(person: Mapping[str, Any]) -> float:
    shown = person["tp"] + person["fn"]
    return float(person["tp"] / shown) if shown else -1.0


def _said(person: Mapping[str, Any]) -> str:
    shown = person["tp"] + person["fn"]
    return (
        f"{person['dataset']}/{person['subject']}: {person['tp']:.4g} of {shown:.4g} found, "
        f"{person['fp']:.4g} false alarms in {person['minutes']:.1f} minutes"
    )


def _bar(kind: str, x: float, y: float, width: float, height: float) -> str:
    return (
        f'<rect class="bar-{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
        f'height="{height:.1f}"/>'
    )


def _grid(most: float, width: float, y: Any) -> list[str]:
    """Return lines at round numbers, three at most."""
    step = next((t for t in _TICKS if most / t <= 3), most)
    parts = []
    for i in range(int(most / step) + 1):
        at = y(i * step)
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{width}" y1="{at:.1f}" y2="{at:.1f}"/>'
            f'<text class="end" x="{_LEFT - 6}" y="{at + 4:.1f}">{i * step:.0f}</text>'
        )
    return parts
