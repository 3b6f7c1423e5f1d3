"""Recipes: one flat TOML file answers "what was run?".

No inheritance and no defaults that hide: an unknown key is an error with a suggestion, and the
text of the recipe travels inside the weights it made.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from mescope.errors import RecipeError

DATA = ("synthetic",)
"""Kinds of training data a recipe may name."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides a training run."""

    name: str  # of the weights
    model: str  # a preset of mescope.models
    data: str  # one of DATA
    options: dict[str, Any] = field(default_factory=dict)  # fields of the model's Config
    seed: int = 0
    epochs: int = 30
    steps: int = 50  # batches of an epoch
    recordings: int = 200  # drawn anew for every epoch
    seconds: float = 30.0  # of every recording
    micro_per_minute: float = 16.0
    macro_per_minute: float = 5.0
    negative_ratio: float = 4.0  # windows without an expression per window with one
    batch_size: int = 128
    learning_rate: float = 3e-4  # maximum of the OneCycle schedule
    spotting_weight: float = 0.9  # of the loss; recognition has the rest
    neutral_weight: float = 6.0  # factor on the balanced weight of the neutral class
    notes: str = ""

    def __post_init__(self) -> None:
        if self.data not in DATA:
            raise RecipeError(f"data must be one of {', '.join(DATA)}, got {self.data!r}")
        if not 0.0 <= self.spotting_weight <= 1.0:
            raise RecipeError(f"spotting_weight must be 0 to 1, got {self.spotting_weight}")
        for name in ("epochs", "steps", "recordings", "batch_size", "seconds", "learning_rate"):
            if getattr(self, name) <= 0:
                raise RecipeError(f"{name} must be above 0, got {getattr(self, name)}")


def read_recipe(path: str | Path, **overrides: Any) -> Recipe:
    """Read a recipe file; ``overrides`` win over the file.

    Raises:
        RecipeError: the file is missing, is no TOML, misses a key, or has an unknown key or a
            value of the wrong type.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"cannot read the recipe {path}: {error}") from error
    return parse_recipe(text, path.name, **overrides)


def parse_recipe(text: str, source: str = "recipe", **overrides: Any) -> Recipe:
    r"""Build a recipe from TOML text; ``source`` names it in errors.

    >>> parse_recipe('name = "a"\nmodel = "me-tst"\ndata = "synthetic"').epochs
    30
    """
    try:
        values = tomllib.loads(text) | overrides
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{source} is not valid TOML: {error}") from error
    known = {f.name: f for f in fields(Recipe)}
    for key, value in values.items():
        if key not in known:
            close = get_close_matches(key, known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"options are {', '.join(known)}"
            raise RecipeError(f"{source}: unknown option {key!r}; {hint}")
        _check_type(source, key, value, str(known[key].type))
    missing = [k for k in ("name", "model", "data") if k not in values]
    if missing:
        raise RecipeError(f"{source} lacks {', '.join(missing)}")
    return Recipe(**values)


def _check_type(source: str, key: str, value: Any, declared: str) -> None:
    """Refuse a value of the wrong TOML type; whole numbers do for floats."""
    kinds: dict[str, tuple[type, ...]] = {
        "int": (int,),
        "float": (int, float),
        "str": (str,),
        "dict[str, Any]": (dict,),
    }
    if isinstance(value, bool) or not isinstance(value, kinds[declared]):
        raise RecipeError(f"{source}: {key} must be {declared}, got {value!r}")
