"""What the tables of a recipe check their values with, and the ranges of their fields.

Ranges are checked where a recipe is read (:mod:`mescope.training.recipe`).
"""

from __future__ import annotations

from typing import Annotated, Any

from mescope.errors import RecipeError
from mescope.ranges import Within

Number = Annotated[int, Within(1, 1_000_000)]
"""Of samples, batches or epochs."""

Some = Annotated[int, Within(0, 1_000_000)]
Side = Annotated[int, Within(1, 1024)]
Channels = Annotated[int, Within(1, 1024)]
Seconds = Annotated[float, Within(0.01, 86_400.0)]
Hours = Annotated[float, Within(1e-6, 10_000.0)]
PerMinute = Annotated[float, Within(0.0, 600.0)]
Ratio = Annotated[float, Within(0.0, 10_000.0)]
Factor = Annotated[float, Within(1e-9, 1e9)]
LearningRate = Annotated[float, Within(1e-12, 1000.0)]


def one_of(name: str, value: object, choices: tuple[object, ...]) -> None:
    """Refuse a value that is none of the choices.

    Raises:
        RecipeError: with the choices.
    """
    if value not in choices:
        known = ", ".join(map(str, choices))
        raise RecipeError(f"{name} must be one of {known}, got {value!r}")


def positive(table: Any, *names: str) -> None:
    """Refuse a table with a value of 0 or below.

    Raises:
        RecipeError: with the name of the field.
    """
    for name in names:
        if not getattr(table, name) > 0:
            raise RecipeError(f"{name} must be above 0, got {getattr(table, name)}")


def not_negative(table: Any, *names: str) -> None:
    """Refuse a table with a value below 0.

    Raises:
        RecipeError: with the name of the field.
    """
    for name in names:
        if getattr(table, name) < 0:
            raise RecipeError(f"{name} must be 0 or above, got {getattr(table, name)}")


def shares(table: Any, *names: str, whole: bool = False) -> None:
    """Refuse a table with a value that is not a share: 0 to 1, 1 itself only if ``whole``.

    Raises:
        RecipeError: with the name of the field.
    """
    for name in names:
        value = getattr(table, name)
        if not (0.0 <= value < 1.0 or (whole and value == 1.0)):
            end = "" if whole else " (1 excluded)"
            raise RecipeError(f"{name} must be 0 to 1{end}, got {value}")
