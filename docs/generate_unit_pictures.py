"""Draw the action units of the review app: src/mescope/app/static/units/*.svg.

    python docs/generate_unit_pictures.py

Every picture is the mean face of the package's simulations at rest (grey) and with the unit
(dark), enlarged, from the displacement fields of :mod:`mescope.synthesis.motion`.  Of units
that these do not know, the landmarks of the table of :mod:`mescope.facs` are marked.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mescope import facs
from mescope.synthesis.motion import UNITS, displacement_basis, units_of
from mescope.synthesis.shapes import mean_shape

FOLDER = Path(__file__).parents[1] / "src" / "mescope" / "app" / "static" / "units"
WIDTH, HEIGHT, MARGIN = 96, 110, 8
ENLARGED = 5.0
"""Activation that is drawn: a strong expression, so that it is seen on a thumbnail."""

NUMBERS = (
    "1", "2", "4", "5", "6", "7", "9", "10", "11", "12", "14", "15", "16", "17", "18", "20",
    "21", "22", "23", "24", "25", "26", "27", "28", "38", "39", "43", "45",
)  # fmt: skip
SHOWN_AS = {"25": "26", "27": "26", "43": "blink", "45": "blink"}
"""Units that look like another one, in a still."""
TIMES = {"25": 0.4, "27": 1.8, "43": 0.19, "45": 0.19}
"""How much of that one."""

LINES = (
    (range(17), False), (range(17, 22), False), (range(22, 27), False), (range(27, 31), False),
    (range(31, 36), False), (range(36, 42), True), (range(42, 48), True), (range(48, 60), True),
    (range(60, 68), True),
)  # fmt: skip

Points = NDArray[np.float64]


def picture(number: str) -> str:
    """Return the SVG of an action unit."""
    rest = placed(np.asarray(mean_shape(), dtype=np.float64))
    moved = rest + motion(number, rest)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" fill="none" stroke-linecap="round" '
        'stroke-linejoin="round">'
    ]
    step = np.linalg.norm(moved - rest, axis=1)
    if step.max() > 0.5:
        parts.append(lines(rest, "#b9c0c9", 1.0))
        parts.append(lines(moved, "#1c2430", 1.6))
        parts.append(arrows(rest, moved))
    else:
        parts.append(lines(rest, "#5a6675", 1.2))
        marked = facs.landmarks_of(number) or facs.landmarks_of("L" + number)
        marked = marked or facs.landmarks_of("T" + number)
        both = set(marked) | set(facs.landmarks_of("R" + number))
        parts += [dot(rest[i]) for i in sorted(both)]
    return "\n".join([*parts, "</svg>", ""])


def motion(number: str, rest: Points) -> Points:
    """Return how far a unit moves every landmark, px of the picture; zero where not known."""
    name = SHOWN_AS.get(number, number)
    try:
        names = units_of(name)
    except ValueError:
        return np.zeros_like(rest)
    basis = displacement_basis(rest, rest)
    share = ENLARGED * TIMES.get(number, 1.0)
    if name == "blink":
        return share * lids(rest)
    return share * sum(basis[UNITS.index(one)] for one in names)


def lids(rest: Points) -> Points:
    """Return the way of the upper lids to the lower ones; a smooth field shuts no eye."""
    way = np.zeros_like(rest)
    for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
        way[upper] = rest[lower] - rest[upper]
    return way


def placed(shape: Points) -> Points:
    """Return a face in px of the picture."""
    low, high = shape.min(axis=0), shape.max(axis=0)
    room = np.array([WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN - 6.0])
    scale = float((room / (high - low)).min())
    middle = np.array([WIDTH / 2, HEIGHT / 2])
    return (shape - (low + high) / 2) * scale + middle


def lines(points: Points, colour: str, width: float) -> str:
    """Return the outlines of a face."""
    drawn = "".join(
        "M" + "L".join(f"{points[i][0]:.1f} {points[i][1]:.1f}" for i in part) + "Z" * closed
        for part, closed in LINES
    )
    return f'<path d="{drawn}" stroke="{colour}" stroke-width="{width}"/>'


def arrows(rest: Points, moved: Points) -> str:
    """Return arrows where a face moves most, none within another's reach."""
    step = moved - rest
    far = np.linalg.norm(step, axis=1)
    drawn: list[str] = []
    taken: list[Points] = []
    for i in np.argsort(-far, kind="stable"):
        if far[i] < 0.45 * far.max() or any(np.linalg.norm(rest[i] - t) < 9 for t in taken):
            continue
        taken.append(rest[i])
        along = step[i] / far[i]
        across = np.array([-along[1], along[0]])
        end = rest[i] + along * max(far[i], 7.0)
        head = [end - along * 3 + across * 2, end, end - along * 3 - across * 2]
        line = [rest[i], end]
        drawn += ["M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in part) for part in (line, head)]
    return f'<path d="{"".join(drawn)}" stroke="#c2364b" stroke-width="1.4"/>'


def dot(point: Points) -> str:
    """Return the mark of a landmark."""
    return f'<circle cx="{point[0]:.1f}" cy="{point[1]:.1f}" r="2" fill="#c2364b"/>'


def main() -> None:
    """Write all pictures."""
    FOLDER.mkdir(exist_ok=True)
    for number in NUMBERS:
        (FOLDER / f"{number}.svg").write_text(picture(number), encoding="utf-8")


if __name__ == "__main__":
    main()
