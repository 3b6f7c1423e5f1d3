"""The recipes that come with mescope, by name: ``src/mescope/recipes``, and nowhere else."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from mescope.errors import RecipeError
from mescope.registry import suggestion

FOLDER = "recipes"
SUFFIX = ".toml"


class ShippedRecipe(NamedTuple):
    """A recipe of the package: its file, the folder within it lies in, and what it is for."""

    path: Path
    group: str  # "" for those that lie in no folder
    purpose: str  # the first sentence of its comment


def shipped_recipes() -> dict[str, ShippedRecipe]:
    """Return every recipe of the package by its name, sorted.

    >>> shipped_recipes()["3db-ststnet"].group
    ''
    """
    root = Path(str(files("mescope") / FOLDER))
    found = {}
    for path in sorted(root.rglob(f"*{SUFFIX}"), key=lambda p: p.stem):
        group = path.parent.relative_to(root).as_posix()
        text = path.read_text(encoding="utf-8")
        found[path.stem] = ShippedRecipe(path, "" if group == "." else group, _purpose(text))
    return found


def find_recipe(name_or_path: str | Path) -> Path:
    """Return the file of a recipe: the user's own of that path, or one of the package.

    A file wins over a shipped recipe of the same name.

    Raises:
        RecipeError: there is neither; the message names the nearest one.
    """
    path = Path(name_or_path)
    if path.is_file():
        return path
    known = shipped_recipes()
    if str(name_or_path) in known:
        return known[str(name_or_path)].path
    raise RecipeError(
        f"expected a recipe's file or a name of `mescope recipes`, found {name_or_path}"
        f"{suggestion(path.stem, known)}"
    )


def run_name(name_or_path: str | Path) -> str:
    """Return what a run of a recipe is called where no folder was chosen for it.

    >>> run_name("3db-svm-flow"), run_name("mine/a.toml")
    ('3db-svm-flow', 'a')
    """
    return Path(name_or_path).name.removesuffix(SUFFIX)


def _purpose(text: str) -> str:
    """Return the first sentence of the comment that a recipe begins with."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").strip())
    return " ".join(lines).split(". ")[0].split("; ")[0].split(": `")[0].rstrip(".:")
