"""Recipes as files: TOML with tables answers "what was run?".

    name = "3db-flow-cnn"

    [model]
    name = "flow-cnn"

    [data]
    kind = "flow28"

    [optim]
    epochs = 40

``kind`` decides which fields ``[data]`` has, and the model's task those of ``[optim]``,
``[augment]`` and ``[task]``.  No inheritance: an unknown table or key is an error with the
nearest name, and the text of the recipe travels inside the weights it made.
"""

from __future__ import annotations

import copyreg
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, TypeVar

from mescope.errors import RecipeError
from mescope.io.names import check_name
from mescope.ranges import check_plain, check_value, declared, shown
from mescope.registry import suggestion
from mescope.samples.kinds import SAMPLES
from mescope.training.flat_recipe import refuse_flat
from mescope.training.recipe_text import read_text, toml_values
from mescope.training.runnable import check_runnable
from mescope.training.shipped_recipes import find_recipe
from mescope.training.tables import ModelTable, Recipe
from mescope.training.tasks import TASKS, TrainingTask, task_for, task_of

__all__ = [
    "Recipe", "parse_recipe", "read_clip_recipe", "read_recipe", "read_window_recipe",
    "recipe_of", "recipe_text", "with_settings",
]  # fmt: skip

Table = TypeVar("Table")

_WORD = re.compile(r"[A-Za-z][\w.+-]*|\d+-[A-Za-z][\w-]*")  # also 3-class, 32-true
_NO_WORDS = ("true", "false", "inf", "nan")  # values of TOML


def read_recipe(path: str | Path, settings: Sequence[str] = ()) -> Recipe:
    """Read a recipe file, or one that comes with mescope by its name.

    Args:
        path: of the file, or a name of `mescope recipes`.
        settings: what is other than the file says, as in ``optim.epochs=5``; values are TOML.

    Raises:
        RecipeError: the file is missing and no recipe of mescope has this name, it is not TOML,
            lacks a key, has an unknown table or key or a value of the wrong type, or cannot be
            run (:mod:`mescope.training.runnable`).
    """
    path = find_recipe(path)
    recipe = parse_recipe(read_text(path), path.name, settings)
    check_runnable(recipe, path.name)
    return recipe


def read_window_recipe(path: str | Path, settings: Sequence[str] = ()) -> Recipe:
    """Read a recipe that trains a spotting model.

    Raises:
        RecipeError: as :func:`read_recipe`, or the recipe is about clips.
    """
    recipe = read_recipe(path, settings)
    if task_of(recipe).names_clips:
        raise RecipeError(
            f"{Path(path).name}: expected a recipe that trains a spotting model, found the "
            f"kind {recipe.data.kind!r}; recipes on clips are run by `mescope evaluate`"
        )
    return recipe


def read_clip_recipe(path: str | Path, settings: Sequence[str] = ()) -> Recipe:
    """Read a recipe that trains a recogniser on clips.

    Raises:
        RecipeError: as :func:`read_recipe`, or the recipe is about something else.
    """
    recipe = read_recipe(path, settings)
    if not task_of(recipe).names_clips:
        raise RecipeError(
            f"{Path(path).name}: expected a recipe that trains a recogniser, found the kind "
            f"{recipe.data.kind!r}; it is run by `mescope train`"
        )
    return recipe


def parse_recipe(text: str, source: str = "recipe", settings: Sequence[str] = ()) -> Recipe:
    r"""Build a recipe from TOML text; ``source`` names it in errors.

    >>> tables = '[model]\nname = "me-tst"\n[data]\nkind = "synthetic"\n'
    >>> parse_recipe(f'name = "a"\n{tables}', settings=["optim.epochs=3"]).optim.epochs
    3
    """
    values = toml_values(text, source)
    refuse_flat(values, source)
    for setting in settings:
        _merge(values, _setting(setting))
    return recipe_of(values, source)


def with_settings(recipe: Recipe, *settings: str) -> Recipe:
    """Return a recipe with other values, as ``--set`` has them: ``optim.epochs=5``."""
    values = recipe.to_dict()
    for setting in settings:
        _merge(values, _setting(setting))
    return recipe_of(values)


def recipe_of(values: Mapping[str, Any], source: str = "recipe") -> Recipe:
    """Build a recipe from values as TOML or :meth:`Recipe.to_dict` has them.

    Raises:
        RecipeError: something is missing, unknown, of a wrong type, or does not go together.
    """
    try:
        check_plain(values)
    except ValueError as error:
        raise RecipeError(f"{source}: {error}") from None
    refuse_flat(values, source)
    top = {name: value for name, value in values.items() if name not in Recipe.TABLES}
    for name in values.keys() & set(Recipe.TABLES):
        if not isinstance(values[name], dict):
            raise RecipeError(f"{source}: {name} must be a table, got {shown(values[name])}")
    known = [f.name for f in fields(Recipe)]
    _check_keys(source, "", top, known)
    missing = [name for name in ("name", "model", "data") if name not in values]
    if missing:
        raise RecipeError(f"{source} lacks {', '.join(missing)}")
    _check_types(source, "", top, Recipe)
    model = _table(ModelTable, values["model"], source, "model")
    given = dict(values["data"])
    if not isinstance(given.get("kind"), str):
        raise RecipeError(f"{source}: [data] needs a kind, one of {', '.join(SAMPLES)}")
    kind = SAMPLES.named(given.pop("kind"))
    asked = values.get("task", {})
    task = _task(asked, model.name, kind.kind)
    recipe = Recipe(
        **top,
        model=model,
        data=_table(kind, given, source, "data"),
        optim=_table(task.optim_table, values.get("optim", {}), source, "optim"),
        augment=_table(task.augment_table, values.get("augment", {}), source, "augment"),
        task=_table(task.task_table, asked, source, "task"),
    )
    try:
        check_name(recipe.name)
    except ValueError as error:
        raise RecipeError(f"{source}: name = {shown(recipe.name)}: {error}") from None
    task.check(recipe)
    return recipe


# A recipe travels to other processes by its values: there, looking up its kind and its task
# runs the plug-ins that bring them, whose classes could not be found otherwise.
copyreg.pickle(Recipe, lambda recipe: (recipe_of, (recipe.to_dict(),)))


def _task(asked: Mapping[str, Any], model: str, kind: str) -> type[TrainingTask]:
    name = asked.get("name") or ""
    return TASKS.named(str(name)) if name else task_for(model, kind)


def _table(cls: type[Table], values: Mapping[str, Any], source: str, name: str) -> Table:
    """Return a table of a recipe as its owner's class, which checks it."""
    declared: Any = cls
    known = [f.name for f in fields(declared)]
    _check_keys(source, name, values, known)
    _check_types(source, name, values, declared)
    lacking = [
        f.name
        for f in fields(declared)
        if f.default is MISSING and f.default_factory is MISSING and f.name not in values
    ]
    if lacking:
        raise RecipeError(f"{source}: [{name}] lacks {', '.join(lacking)}")
    try:
        return cls(**values)
    except (TypeError, ValueError) as error:
        raise RecipeError(f"{source}: [{name}] {error}") from None


def _check_keys(source: str, table: str, values: Mapping[str, Any], known: list[str]) -> None:
    where = f"[{table}]" if table else "a recipe"
    for key, value in values.items():
        if key in known:
            continue
        what = "table" if not table and isinstance(value, dict) else "key"
        hint = suggestion(key, known).removeprefix("; ")
        hint = hint or f"{where} has {', '.join(known) or 'no keys'}"
        raise RecipeError(f"{source}: unknown {what} {shown(key)} of {where}; {hint}")


def _check_types(source: str, table: str, values: Mapping[str, Any], owner: Any) -> None:
    """Refuse values of another type or range than the table declares."""
    hints = declared(owner)
    for key, value in values.items():
        try:
            check_value(f"{table}.{key}" if table else key, hints.get(key, Any), value)
        except ValueError as error:
            raise RecipeError(f"{source}: {error}") from None


def _setting(text: str) -> dict[str, Any]:
    """Return what ``optim.epochs=5`` says as nested tables; a plain word needs no quotes."""
    key, equals, value = text.partition("=")
    if equals and _WORD.fullmatch(value.strip()) and value.strip() not in _NO_WORDS:
        text = f"{key}={json.dumps(value.strip())}"
    try:
        values = toml_values(text, "it")
    except RecipeError as error:
        raise RecipeError(
            f"expected a setting such as optim.epochs=5, found {shown(text)}: {error}; lists "
            "and words with other signs are written as TOML, as in name='my run'"
        ) from None
    if len(values) != 1:
        raise RecipeError(f"expected one setting such as optim.epochs=5, found {shown(text)}")
    return values


def _merge(values: dict[str, Any], over: Mapping[str, Any]) -> None:
    """Put values over others, tables into tables."""
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(values.get(key), dict):
            values[key] = dict(values[key])
            _merge(values[key], value)
        else:
            values[key] = value


def recipe_text(recipe: Recipe) -> str:
    """Return a recipe as TOML for :func:`parse_recipe`, without what is as by default.

    >>> print(recipe_text(parse_recipe('''name = "a"
    ... [model]
    ... name = "htnet"
    ... [data]
    ... kind = "flow28"''')), end="")
    name = "a"
    <BLANKLINE>
    [model]
    name = "htnet"
    <BLANKLINE>
    [data]
    kind = "flow28"
    """
    lines = _lines(recipe, Recipe.TABLES)
    for name in Recipe.TABLES:
        table = getattr(recipe, name)
        some = [f'kind = "{recipe.data.kind}"'] if name == "data" else []
        some += _lines(table)
        if some:
            lines += ["", f"[{name}]", *some]
        for one in fields(table):
            value = getattr(table, one.name)
            if isinstance(value, dict) and value:
                entries = [f"{key} = {json.dumps(v)}" for key, v in value.items()]
                lines += ["", f"[{name}.{one.name}]", *entries]
    return "\n".join(lines) + "\n"


def _lines(table: Any, without: Sequence[str] = ()) -> list[str]:
    """Return the fields of a table that are not as by default."""
    return [
        f"{one.name} = {json.dumps(value)}"
        for one in fields(table)
        if one.name not in without
        and not isinstance(value := getattr(table, one.name), dict)
        and value != one.default
    ]
