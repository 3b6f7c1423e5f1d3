"""What a field from a file may hold: its type and its range, declared where the field is.

Recipes and the cards of weights are other people's files.  The classes they fill declare their
fields as types, and ranges in ``Annotated``, and :func:`check_fields` compares before anything
is made of a value:

    depth: Annotated[int, Within(1, 128)] = 12

:func:`check_plain` comes first and bounds what a file can hold at all: its depth, the number of
its entries, the length of its texts and numbers.
"""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

DEPTH_MAX, ENTRIES_MAX, TEXT_MAX, WHOLE_MAX = 12, 20_000, 200_000, 2**53

_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}


@dataclass(frozen=True, slots=True)
class Within:
    """A range: of a number, or of the length of a text, list or table.

    Attributes:
        low: the least that is allowed.
        high: the most.
        below: ``high`` itself is not allowed.
    """

    low: float
    high: float
    below: bool = False

    def holds(self, value: float) -> bool:
        """Say whether a value, or a length, is in the range; NaN never is."""
        return self.low <= value <= self.high and not (self.below and value == self.high)

    def __str__(self) -> str:
        end = f" ({self.high:.9g} excluded)" if self.below else ""
        return f"in {self.low:.9g}..{self.high:.9g}{end}"


Share = Annotated[float, Within(0.0, 1.0, below=True)]
"""A share or a rate of dropping: 0 to 1, 1 itself excluded."""

Whole = Annotated[float, Within(0.0, 1.0)]
"""A share that may be all."""


def check_fields(table: Any) -> None:
    """Refuse a dataclass with a value that its field does not declare; lists become tuples.

    To be called first in ``__post_init__``: what follows there can rely on types.

    Raises:
        ValueError: with the name of the field, what it may hold, and what was found.
    """
    owner: Any = type(table)
    hints = declared(owner)
    for one in fields(table):
        value = getattr(table, one.name)
        check_value(one.name, hints.get(one.name, Any), value)
        if isinstance(value, list):
            object.__setattr__(table, one.name, _tuples(value))


def check_value(name: str, hint: Any, value: object) -> None:
    """Refuse a value that does not fit what is declared.

    Raises:
        ValueError: with the name, what it may be, and what was found.
    """
    expected = mismatch(hint, value)
    if expected is not None:
        raise ValueError(f"{name} must be {expected}, got {shown(value)}")


@lru_cache(maxsize=256)
def declared(owner: Any) -> Mapping[str, Any]:
    """Return the types of a class's fields with ranges; none where they cannot be read."""
    try:
        return get_type_hints(owner, include_extras=True)
    except (NameError, TypeError, AttributeError):
        return {}  # a plug-in's class that declares types it does not import: it checks itself


def mismatch(hint: Any, value: object) -> str | None:
    """Return in words what was expected if a value is something else, or None.

    >>> mismatch(Annotated[int, Within(1, 8)], 9)
    'a whole number in 1..8'
    >>> mismatch(tuple[int, int], [1, 2]) is None
    True
    >>> mismatch(float, float("nan"))
    'a number that is finite'
    """
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        ranges = [entry for entry in inner[1:] if isinstance(entry, Within)]
        return mismatch(inner[0], value) or _out_of(ranges, value, inner[0])
    if origin in (Union, types.UnionType):
        found = [mismatch(one, value) for one in inner]
        return None if None in found else " or ".join(filter(None, found))
    if origin is Literal:
        return None if value in inner else f"one of {', '.join(map(str, inner))}"
    if origin in (tuple, list):
        return _items(origin, inner, value)
    if origin in (dict, Mapping):
        return _entries(inner, value)
    return _plain(hint, value)


def _plain(hint: Any, value: object) -> str | None:
    if hint is None or hint is type(None):
        return None if value is None else "none"
    if hint is dict:
        return None if isinstance(value, dict) else "a table"
    if hint not in _WORDS:
        return None  # a type that the table checks itself
    kinds = (int, float) if hint is float else (hint,)
    if not isinstance(value, kinds) or isinstance(value, bool) != (hint is bool):
        return _WORDS[hint]
    if isinstance(value, float) and not math.isfinite(value):
        return f"{_WORDS[hint]} that is finite"
    return None


def _out_of(ranges: list[Within], value: Any, hint: Any) -> str | None:
    sized = isinstance(value, str | list | tuple | dict)
    if value is None or all(one.holds(len(value) if sized else value) for one in ranges):
        return None
    within = " and ".join(map(str, ranges))
    what = _WORDS.get(hint, "a number")
    return f"{what} of a length {within}" if sized else f"{what} {within}"


def _items(origin: Any, inner: tuple[Any, ...], value: object) -> str | None:
    if not isinstance(value, list | tuple):
        return "a list"
    if origin is tuple and inner and inner[-1] is not Ellipsis:
        if len(value) != len(inner):
            return f"a list of {len(inner)} values"
        wanted = zip(inner, value, strict=True)
    else:
        wanted = zip((inner[:1] or (Any,)) * len(value), value, strict=True)
    found = next((word for hint, item in wanted if (word := mismatch(hint, item))), None)
    return None if found is None else f"a list, each of it {found}"


def _entries(inner: tuple[Any, ...], value: object) -> str | None:
    if not isinstance(value, dict):
        return "a table"
    hints = inner or (Any, Any)
    found = next(
        (
            word
            for pair in value.items()
            for hint, item in zip(hints, pair, strict=True)
            if (word := mismatch(hint, item))
        ),
        None,
    )
    return None if found is None else f"a table, each of it {found}"


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def shown(value: object) -> str:
    """Return a value for a message: short, whatever it is.

    >>> shown("x" * 100)[-3:], shown(10**9)
    ('...', '1000000000')
    """
    if isinstance(value, int) and abs(value) > 10**30:
        return f"a whole number of {value.bit_length()} bits"
    if isinstance(value, str):
        value = value[:61]
    try:
        text = repr(value)
    except (RecursionError, ValueError):
        return f"a {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."


def check_plain(values: object) -> None:
    """Bound what was read from TOML or JSON, before any of it is used.

    Raises:
        ValueError: too deep, too many entries, too long a text or number, or not finite.
    """
    level, depth, count = [values], 0, 0
    while level:
        count, depth = count + len(level), depth + 1
        if depth > DEPTH_MAX:
            raise ValueError(f"expected tables and lists up to {DEPTH_MAX} deep, found deeper")
        if count > ENTRIES_MAX:
            raise ValueError(f"expected at most {ENTRIES_MAX:,} values, found more")
        level = [inner for value in level for inner in _inside(value)]


def _inside(value: object) -> list[object]:
    """Return what lies in a value; refuse a single one that no field can mean."""
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, str) and len(value) > TEXT_MAX:
        raise ValueError(f"expected texts of at most {TEXT_MAX:,} characters, found longer")
    if isinstance(value, int) and abs(value) > WHOLE_MAX:
        raise ValueError(f"expected whole numbers of at most {WHOLE_MAX}, found larger")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"expected numbers that are finite, found {value}")
    return []
