"""Draw docs/images/architecture.svg: the rooms of the package, and who imports whom.

    python docs/generate_architecture.py

Boxes and arrows are read from the imports; only columns, colours and the words in the boxes
are chosen here.  A room stands above all that it imports.  An arrow is left out where a longer
way says the same.  The same imports give the same file.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

DOCS = Path(__file__).parent
PACKAGE = DOCS.parent / "src" / "mescope"
PICTURE = DOCS / "images" / "architecture.svg"

GROUND = "what words mean"
"""The files that stand in no room: errors, events, labels, results, registries."""

SEE, LEARN, SHOW, TOOL = "#dbe9f6", "#dff0d8", "#fbe3cd", "#eeeeee"

Room = tuple[float, str, str]
"""Column, colour, what it does."""

ROOMS: dict[str, Room] = {
    "io": (2.1, TOOL, "atomic files, cache, jobs"),
    "ops": (3.1, TOOL, "state-space kernels"),
    "video": (0.1, SEE, "frames with exact times"),
    "face": (0.1, SEE, "detector, landmarks, crops"),
    "annotations": (2.1, LEARN, "marks and their formats"),
    "models": (3.1, LEARN, "networks, weights"),
    "motion": (0.1, SEE, "flow of facial regions"),
    "spotting": (0.1, SEE, "traces to intervals, events"),
    "datasets": (2.1, LEARN, "records of data sets"),
    "evaluation": (4.1, LEARN, "folds, matching, metrics"),
    "synthesis": (1.1, LEARN, "faces on command"),
    "samples": (2.1, LEARN, "what is trained on"),
    "training": (2.1, LEARN, "recipes, the loop, folds"),
    "analysis": (2.1, SHOW, "a recording to a result"),
    "reports": (2.1, SHOW, "pages, tables, plots"),
    "app": (2.1, SHOW, "the review app"),
    "cli": (2.1, SHOW, "the command line"),
}

WIDTH, HEIGHT, UP = 0.86, 0.5, 0.86


def imports(package: Path = PACKAGE) -> dict[str, frozenset[str]]:
    """Return for every room the rooms it imports; the ground is one of them."""
    found: dict[str, set[str]] = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).parts
        if len(parts) == 1:
            continue
        needs = found.setdefault(parts[0], set())
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for module in _modules(node):
                if module[:1] == ("mescope",) and len(module) > 1:
                    needs.add(module[1] if (package / module[1]).is_dir() else GROUND)
    return {room: frozenset(needs - {room}) for room, needs in found.items()}


def _modules(node: ast.AST) -> list[tuple[str, ...]]:
    if isinstance(node, ast.Import):
        return [tuple(alias.name.split(".")) for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [(*node.module.split("."), alias.name) for alias in node.names]
    return []


def arrows(needs: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """Return the imports that no longer way implies, and none that leads back."""
    down = {
        room: {n for n in its if room not in _below(n, needs)} for room, its in needs.items()
    }
    return {
        room: frozenset(
            one for one in its if not any(one in _below(other, down) for other in its - {one})
        )
        for room, its in down.items()
    }


def _below(room: str, needs: Mapping[str, frozenset[str] | set[str]]) -> set[str]:
    """Return every room that is reached from one."""
    seen: set[str] = set()
    todo = list(needs.get(room, ()))
    while todo:
        here = todo.pop()
        if here not in seen:
            seen.add(here)
            todo += needs.get(here, ())
    return seen


def levels(down: Mapping[str, frozenset[str]]) -> dict[str, int]:
    """Return how high every room stands: one above the highest it imports."""
    known: dict[str, int] = {GROUND: 0}

    def level(room: str) -> int:
        if room not in known:
            known[room] = 1 + max((level(below) for below in down[room]), default=0)
        return known[room]

    for room in sorted(down):
        level(room)
    return known


def described(down: Mapping[str, frozenset[str]]) -> str:
    """Return the drawing in words; it is kept inside the file, and a test compares it."""
    rows = sorted((level, room) for room, level in levels(down).items() if room != GROUND)
    return "; ".join(f"{room}: {', '.join(sorted(down[room]))}" for _, room in rows)


def draw(down: Mapping[str, frozenset[str]]) -> Figure:
    height = levels(down)
    figure = Figure(figsize=(10.4, 0.86 * (max(height.values()) + 1)))
    axis = figure.add_axes((0, 0, 1, 1))
    axis.set_xlim(-0.1, 5.1)
    axis.set_ylim(-0.2, UP * max(height.values()) + HEIGHT + 0.15)
    axis.set_axis_off()
    spots = _spots(down, height)
    pairs = [(room, below) for room in sorted(down) for below in sorted(down[room])]
    for room, below in pairs:
        start = spots[room][0] + _share(below, down[room], spots), spots[room][1] - 0.02
        end = (start[0], HEIGHT + 0.02)  # straight down to the ground
        if below in spots:
            above = {one for one, other in pairs if other == below}
            x, y = spots[below]
            end = (x + _share(room, above, spots), y + HEIGHT + 0.02)
        _arrow(axis, start, end)
    _box(
        axis,
        (0.1, 0.0),
        4.86,
        GROUND,
        "errors, events, facs, labels, results, registries, plug-ins",
        TOOL,
    )
    for room, spot in spots.items():
        _, colour, words = ROOMS.get(room, (4.1, TOOL, ""))
        _box(axis, spot, WIDTH, room, words, colour)
    for row, (colour, words) in enumerate(
        ((SEE, "seeing a recording"), (LEARN, "data sets and learning"), (SHOW, "showing it"))
    ):
        y = UP * max(height.values()) + HEIGHT - 0.2 - 0.24 * row
        axis.add_patch(FancyBboxPatch((4.1, y), 0.12, 0.08, boxstyle="round,pad=0.02",
                                      facecolor=colour, edgecolor="#555555"))  # fmt: skip
        axis.text(4.32, y + 0.04, words, va="center", fontsize=9)
    return figure


def _spots(
    down: Mapping[str, frozenset[str]], height: Mapping[str, int]
) -> dict[str, tuple[float, float]]:
    """Return where every room stands: in its column, or in the next one that is free."""
    spots: dict[str, tuple[float, float]] = {}
    for room in sorted(down):
        wanted, y = ROOMS.get(room, (4.1, TOOL, ""))[0], height[room] * UP
        columns = sorted((i + 0.1 for i in range(5)), key=lambda x: (abs(x - wanted), x))
        free = [x for x in columns if (x, y) not in spots.values()]
        spots[room] = (free or columns)[0], y
    return spots


def _box(
    axis: matplotlib.axes.Axes,
    spot: tuple[float, float],
    width: float,
    name: str,
    words: str,
    colour: str,
) -> None:
    x, y = spot
    axis.add_patch(
        FancyBboxPatch((x, y), width, HEIGHT, boxstyle="round,pad=0.02", facecolor=colour,
                       edgecolor="#555555", zorder=3)
    )  # fmt: skip
    middle = x + width / 2
    axis.text(middle, y + 0.33, name, ha="center", va="center", fontsize=11, weight="bold",
              zorder=4)  # fmt: skip
    axis.text(middle, y + 0.12, words, ha="center", va="center", fontsize=8, zorder=4)


def _share(room: str, among: Iterable[str], spots: Mapping[str, tuple[float, float]]) -> float:
    """Return where along the edge of a box the arrow from or to ``room`` stands."""
    order = sorted(among, key=lambda one: (spots.get(one, (9.9, 0.0)), one))
    return WIDTH * (order.index(room) + 1) / (len(order) + 1)


def _arrow(
    axis: matplotlib.axes.Axes, start: tuple[float, float], end: tuple[float, float]
) -> None:
    axis.annotate(
        "", end, start, zorder=1,
        arrowprops={"arrowstyle": "-|>", "color": "#8a8f98", "linewidth": 1.1,
                    "shrinkA": 0, "shrinkB": 0},
    )  # fmt: skip


def main() -> None:
    down = arrows(imports())
    with matplotlib.rc_context({"svg.hashsalt": "mescope", "svg.fonttype": "path"}):
        draw(down).savefig(
            PICTURE, metadata={"Date": None, "Creator": None, "Description": described(down)}
        )


if __name__ == "__main__":
    main()
