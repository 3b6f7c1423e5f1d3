"""Recipes as hostile text: size, depth and numbers are bounded before anything is parsed.

TOML's own parser takes time that grows with the square of the length of a dotted key, and any
depth; so what does not look like a recipe is refused by its outline first.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from pathlib import Path
from typing import Any

from mescope.errors import RecipeError
from mescope.ranges import DEPTH_MAX, check_plain

SIZE_MAX = 200_000
"""Bytes of a recipe; the longest of ours has 2,000."""

_TEXTS = re.compile(
    r'"""(?:\\.|[^\\])*?(?:"""|\Z)|\'\'\'.*?(?:\'\'\'|\Z)|"(?:\\.|[^"\\\n])*"?|\'[^\'\n]*\'?|#[^\n]*',
    re.DOTALL,
)
"""Texts and comments; one that does not end is taken to the end: this takes one pass."""

_KEY = r"[A-Za-z0-9_-]+"
_DOTTED = re.compile(rf"(?<![A-Za-z0-9_-]){_KEY}(?:[ \t]*\.[ \t]*{_KEY}){{{DEPTH_MAX},}}")


def read_text(path: Path) -> str:
    """Return the text of a recipe file.

    Raises:
        RecipeError: it is no regular file (a pipe, a device), too large, or not UTF-8.
    """
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            raise RecipeError(
                f"cannot read the recipe {path}: expected a file, found {_kind(found)}"
            )
        with path.open("rb") as file:
            data = file.read(SIZE_MAX + 1)
        if len(data) > SIZE_MAX:
            raise RecipeError(
                f"cannot read the recipe {path}: expected at most {SIZE_MAX:,} bytes, found "
                f"{max(found.st_size, len(data)):,}"
            )
        return data.decode("utf-8")
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL, or not UTF-8
        raise RecipeError(f"cannot read the recipe {path}: {error}") from None


def _kind(found: os.stat_result) -> str:
    if stat.S_ISDIR(found.st_mode):
        return "a folder"
    if stat.S_ISFIFO(found.st_mode) or stat.S_ISSOCK(found.st_mode):
        return "a pipe or socket"
    return "a device"


def toml_values(text: str, source: str) -> dict[str, Any]:
    """Return what TOML says, within bounds.

    Raises:
        RecipeError: not TOML, too long, too deep, or a number that is too large or not finite.
    """
    if len(text) > SIZE_MAX:
        raise RecipeError(f"{source}: expected at most {SIZE_MAX:,} characters")
    outline = _TEXTS.sub("x", text)
    if _DOTTED.search(outline) or _depth(outline) > DEPTH_MAX:
        raise RecipeError(f"{source}: expected tables and lists up to {DEPTH_MAX} deep")
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: also a number of 5,000 digits
        raise RecipeError(f"{source} is not valid TOML: {error}") from None
    try:
        check_plain(values)
    except ValueError as error:
        raise RecipeError(f"{source}: {error}") from None
    return values


def _depth(outline: str) -> int:
    """Return how deep brackets are nested; those of table headers count, too."""
    deepest = depth = 0
    for bracket in re.findall(r"[\[\]{}]", outline):
        depth = depth + 1 if bracket in "[{" else max(0, depth - 1)
        deepest = max(deepest, depth)
    return deepest
