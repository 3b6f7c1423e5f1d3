"""Pictures of an evaluation as SVG: who was taken for what, and how each person fared.

The drawings have no colours of their own; the page styles their classes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

SERIES = 8
"""Colours there are; data sets beyond share them."""

_CELL = 76.0  # units, of few classes
_SMALL_CELL = 56.0
_FEW = 4  # classes whose names fit above their columns
_LETTER = 6.6  # units, about
_LONGEST = 14  # letters of a class name
_HEIGHT, _LEFT, _BOTTOM, _TOP = 250.0, 48.0, 26.0, 12.0
_AREA = 7.0  # square units of a dot for every clip
_SMALLEST, _LARGEST = 2.8, 13.0  # radius
_DARKEST = 0.65  # opacity of a whole row: the same ink can be read on every shade


def confusion_picture(
    table: Sequence[Sequence[int]], classes: Sequence[str], *, other: str | None = None
) -> Markup:
    """Return a confusion matrix: rows are true classes, shades and percents shares of a row.

    ``other`` heads a last column, of answers that are none of the classes.
    """
    answers = [*classes, *([] if other is None else [other])]
    few = len(answers) <= _FEW
    cell = _CELL if few else _SMALL_CELL
    names = [n if len(n) <= _LONGEST else n[: _LONGEST - 1] + "…" for n in answers]
    longest = max(map(len, names)) * _LETTER
    left, top = longest + 14, 40.0 if few else 0.75 * longest + 34
    right = 6.0 if few else 0.7 * longest
    width, height = left + cell * len(answers) + right, top + cell * len(classes) + 6
    parts = [
        f'<text class="axis" x="{left + cell * len(answers) / 2:.1f}" y="12">answered</text>',
        f'<text class="axis start" x="0" y="{top - 8:.1f}">true</text>',
    ]
    for j, name in enumerate(names):
        middle = left + cell * (j + 0.5)
        at = f'x="{middle:.1f}" y="{top - 8:.1f}"'
        turn = "" if few else f' transform="rotate(-40 {middle:.1f} {top - 8:.1f})"'
        parts.append(
            f'<text class="{"middle" if few else "start"}" {at}{turn}>{escape(name)}</text>'
        )
    for i, name in enumerate(names[: len(classes)]):
        parts.append(
            f'<text class="end" x="{left - 8:.1f}" y="{top + cell * (i + 0.5) + 4:.1f}">'
            f"{escape(name)}</text>"
        )
        parts += [
            _cell(left + cell * j, top + cell * i, cell, table[i], (i, j), answers)
            for j in range(len(answers))
        ]
    return svg_of("confusion", width, height, "Confusion matrix", parts)


def people_picture(
    people: Sequence[Mapping[str, Any]], levels: Mapping[str, float], *, width: float
) -> Markup:
    """Return a dot for each person, sorted by the share of clips that were named rightly.

    Args:
        people: rows of the summary's ``people``.
        levels: shares drawn as lines right across, by name.
        width: of the drawing, in units.
    """
    order = sorted(people, key=lambda p: (p["accuracy"], p["dataset"], p["subject"]))
    datasets = sorted({p["dataset"] for p in people})
    bottom = _HEIGHT - _BOTTOM
    step = (width - _LEFT - 14) / max(1, len(order))

    def y(share: float) -> float:
        return bottom - share * (bottom - _TOP - 8)

    parts = []
    for percent in (0, 25, 50, 75, 100):
        level = y(percent / 100)
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{width}" y1="{level:.1f}" y2="{level:.1f}"/>'
        )
        parts.append(
            f'<text class="end" x="{_LEFT - 6}" y="{level + 4:.1f}">{percent} %</text>'
        )
    for i, (name, share) in enumerate(levels.items()):
        parts.append(
            f'<line class="level level-{i}" x1="{_LEFT}" x2="{width}" y1="{y(share):.1f}" '
            f'y2="{y(share):.1f}"><title>{escape(name)}: {share:.1%}</title></line>'
        )
    parts += [
        _dot(
            person, _LEFT + 7 + step * (i + 0.5), y(person["accuracy"]),
            datasets.index(person["dataset"]) % SERIES,
        )
        for i, person in enumerate(order)
    ]  # fmt: skip
    said = f"{len(order)} people, from the least to the most often right"
    parts.append(
        f'<text class="middle" x="{(width + _LEFT) / 2:.1f}" y="{_HEIGHT - 6}">{said}</text>'
    )
    return svg_of("people", width, _HEIGHT, "Share of right answers for each person", parts)


def _dot(person: Mapping[str, Any], x: float, y: float, series: int) -> str:
    radius = min(max(math.sqrt(_AREA * person["clips"] / math.pi), _SMALLEST), _LARGEST)
    name = f"{person['dataset']}/{person['subject']}"
    answers = f"{person['hits']} of {person['predictions']} answers right"
    said = f"{name}: {answers}, clips: {person['clips']}"
    return (
        f'<circle class="dot series-{series}" cx="{x:.1f}" cy="{y:.1f}" '
        f'r="{radius:.1f}"><title>{escape(said)}</title></circle>'
    )


def _cell(
    x: float, y: float, size: float, row: Sequence[int], at: tuple[int, int],
    classes: Sequence[str],
) -> str:  # fmt: skip
    count, total = row[at[1]], sum(row)
    share = count / total if total else 0.0
    said = f"{classes[at[0]]} taken for {classes[at[1]]}: {count} of {total}"
    box = (
        f'x="{x + 1:.1f}" y="{y + 1:.1f}" width="{size - 2:.1f}" height="{size - 2:.1f}" rx="5"'
    )
    middle = x + size / 2
    return (
        f'<g><title>{escape(said)}</title><rect class="cell" {box}/>'
        f'<rect class="shade" style="opacity:{_DARKEST * share:.3f}" {box}/>'
        f'<text class="share" x="{middle:.1f}" y="{y + size / 2 + 1:.1f}">'
        f"{share:.0%}</text>"
        f'<text class="count" x="{middle:.1f}" y="{y + size / 2 + 17:.1f}">'
        f"{count}</text></g>"
    )


def svg_of(kind: str, width: float, height: float, label: str, parts: Sequence[str]) -> Markup:
    """Return a drawing of a class that the page styles, no wider than its units."""
    return Markup(
        f'<svg class="{kind}" role="img" aria-label="{label}" style="max-width:{width:.0f}px" '
        f'viewBox="0 0 {width:.1f} {height:.1f}" xmlns="http://www.w3.org/2000/svg">'
        f"{''.join(parts)}</svg>"
    )
