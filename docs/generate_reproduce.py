"""Write docs/reproduce.md, a command for every row of the papers' tables: ``make docs``.

Rows come from ``mescope/evaluation/published.toml``, what stands beside them from
``docs/reproduce.toml``.  Hours on a GPU are estimated from counted operations.
"""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Any

from page_parts import table

from mescope.evaluation.published import PublishedTable, published
from mescope.training.recipe import parse_recipe
from mescope.training.shipped_recipes import find_recipe
from mescope.training.tables import Optim

PAGE = Path(__file__).parent / "reproduce.md"
BESIDE = Path(__file__).parent / "reproduce.toml"
FLOPS, LAUNCH = 10e12, 5e-6
"""Operations a second that a card is taken to reach, and seconds for a launch."""

ROOTS = {
    "casme3a": "CASME3", "dfme": "DFME", "megc2019": "3DB", "casme2": "CASME2", "samm": "SAMM",
    "samm-lv": "SAMM_LV",
}  # fmt: skip
"""Where the commands of the page look for a data set."""

PAPERS = {
    "me-tst": "ME-TST+", "merba": "MERba", "ammsm": "AMMSM", "rsmix": "RSMix + VideoMamba",
    "megc2019": "MEGC2019",
}  # fmt: skip


def beside() -> dict[str, Any]:
    """Return what is written by hand."""
    return tomllib.loads(BESIDE.read_text(encoding="utf-8"))


def command(entry: str) -> str:
    """Return the command of "RECIPE DATASET [PROTOCOL]"."""
    recipe, dataset, *protocol = entry.split()
    words = ["mescope", "evaluate", recipe, "--dataset", dataset, "--root", ROOTS[dataset]]
    if protocol and protocol != ["loso"]:
        words += ["--protocol", *protocol]
    return " ".join(words)


def twin(entry: str) -> str:
    """Return the entry of SAMM Long Videos that is like one of CAS(ME)^3."""
    recipe, *_ = entry.split()
    return f"{recipe.replace('casme3', 'samm-lv')} samm-lv"


def hours(entry: str, known: dict[str, Any]) -> str:
    """Return the estimate for an entry, in hours of a card; a dash where there is none."""
    name, dataset, *protocol = entry.split()
    recipe = parse_recipe(find_recipe(name).read_text(encoding="utf-8"))
    model, counted = recipe.model.name, known["clips"].get(f"{dataset} {' '.join(protocol)}")
    if model.endswith("-svm") or "svm" in model:
        return "none, a CPU's minutes"
    if counted is None or model not in known["gigaflops"]:
        return "–"
    assert isinstance(recipe.optim, Optim)
    clips, folds = known["learned"].get(name, counted[0]), counted[1]
    epochs = recipe.optim.epochs * folds * recipe.seeds
    busy = 3e9 * known["gigaflops"][model] * clips * epochs / FLOPS
    steps = math.ceil(clips / recipe.optim.batch_size) * epochs
    launched = steps * 1e3 * known["launches"].get(model, 0.5) * LAUNCH
    found = max(busy, launched) / 3600
    return "under 0.1" if found < 0.1 else f"{found:.1g}" if found < 10 else f"{found:,.0f}"


def label(published_table: PublishedTable, row: tuple[Any, ...]) -> str:
    """Return what a row is called in print: its texts before the first figure."""
    found = []
    for column, cell in zip(published_table.columns, row, strict=True):
        if isinstance(cell, float) or (isinstance(cell, int) and column not in _NAMING):
            break
        found += [str(cell)] if cell != "" else []
    return " · ".join(found) or "–"


_NAMING = ("row", "classes")


def section(printed: PublishedTable, own: dict[str, Any], known: dict[str, Any]) -> list[str]:
    """Return a table of the page.

    Raises:
        SystemExit: there are more or fewer entries than rows.
    """
    if len(own["rows"]) != len(printed.rows):
        raise SystemExit(
            f"{BESIDE.name}: expected {len(printed.rows)} rows of {printed.source}, found "
            f"{len(own['rows'])}"
        )
    rows = []
    for row, text in zip(printed.rows, own["rows"], strict=True):
        entry, _, remark = (part.strip() for part in text.partition("|"))
        if entry.startswith("- "):
            rows.append([label(printed, row), "", "", known["reasons"][entry[2:]]])
            continue
        measured = known["measured"].get(entry.split()[0])
        said = [remark] if remark else []
        said += [f"{measured} core hours were measured on the published maps"] * bool(measured)
        given = [entry, *[twin(entry)] * ("samm-lv" in printed.datasets)]
        shown = "<br>".join(f"`{command(one)}`" for one in given)
        rows.append([label(printed, row), shown, hours(entry, known), "; ".join(said)])
    lines = ["", f"### {printed.source}: {printed.title}", "", f"{printed.data}."]
    lines += [own["note"]] if own["note"] else []
    heads = ["row, as printed", "command", "hours", "missing, and remarks"]
    return [*lines, "", *table(heads, rows)]


def page() -> str:
    """Return the page."""
    known = beside()
    own = {(entry["system"], entry["title"]): entry for entry in known["table"]}
    lines, system = [known["head"]], ""
    for printed in published():
        if printed.system != system:
            system = printed.system
            lines += ["", f"## {PAPERS[system]}"]
        lines += section(printed, own[printed.system, printed.title], known)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)
