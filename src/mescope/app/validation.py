"""What a person sends about a mark, checked field by field."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from mescope import facs
from mescope.app.replay import EDITABLE, Mark
from mescope.app.safety import clean_text
from mescope.errors import MescopeError

MOST_UNITS = 30
_LONGEST_NOTE = 20_000
_LONGEST_EMOTION = 64


def checked(values: Mapping[str, Any], frames: int, before: Mark | None) -> dict[str, Any]:
    """Return the values of an ``add`` (``before`` None) or an ``edit`` as they are kept.

    An edit of any of onset, apex and offset is kept with all three, so that no undo of another
    event can put them out of order.

    Raises:
        MescopeError: an unknown field, a wrong type, or frames out of order or range.
    """
    unknown = sorted(set(values) - set(EDITABLE))
    if unknown:
        raise MescopeError(
            f"expected values of {', '.join(EDITABLE)}, found {unknown[0][:40]!r}; leave it out"
        )
    kept = {key: _CHECKS[key](value) for key, value in values.items()}
    if before is None or {"first", "apex", "last"} & set(kept):
        merged = {**(before or {}), **kept}
        kept |= _position(merged, frames)
    return kept


def _position(merged: Mapping[str, Any], frames: int) -> dict[str, int | None]:
    first, apex, last = (merged.get(key) for key in ("first", "apex", "last"))
    middle = first if apex is None else apex
    fits = first is not None and last is not None and middle is not None
    if not fits or not 0 <= first <= middle <= last < frames:  # type: ignore[operator]
        raise MescopeError(
            f"expected 0 <= first <= apex <= last < {frames} (frames, ends included), found "
            f"first {first}, apex {apex}, last {last}; move one of them"
        )
    return {"first": first, "apex": apex, "last": last}


def _frame(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 10**12:
        raise MescopeError(f"expected a frame number, found {str(value)[:40]!r}")
    return value


def _apex(value: Any) -> int | None:
    return None if value is None else _frame(value)


def _emotion(value: Any) -> str | None:
    if value is None:
        return None
    text = " ".join(
        clean_text(_text(value, "an emotion"), _LONGEST_EMOTION, "an emotion").split()
    )
    return text or None


def _note(value: Any) -> str:
    return "" if value is None else clean_text(_text(value, "a note"), _LONGEST_NOTE, "a note")


def _confidence(value: Any) -> float | None:
    if value is None:
        return None
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not 0 <= value <= 1:
        raise MescopeError(f"expected a confidence from 0 to 1, found {str(value)[:40]!r}")
    return float(value)


def _units(value: Any) -> list[str]:
    """Take ``["4", "L10"]`` or ``"4+L10"``."""
    if isinstance(value, str):
        value = re.split(r"[+,;\s]+", value.strip()) if value.strip() else []
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > MOST_UNITS:
        raise MescopeError(f"expected at most {MOST_UNITS} action units, such as 4 and L10")
    units = [_text(one, "an action unit").strip().upper().removeprefix("AU") for one in value]
    for unit in units:
        if len(unit) > 16 or not facs.parse(unit).complete or not facs.parse(unit).units:
            raise MescopeError(
                f"expected an action unit as FACS writes it, such as 4, L10 or 12C, "
                f"found {unit[:40]!r}"
            )
    return list(dict.fromkeys(units))


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise MescopeError(f"expected {what} as text, found {type(value).__name__}")
    return value


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "first": _frame,
    "apex": _apex,
    "last": _frame,
    "emotion": _emotion,
    "action_units": _units,
    "confidence": _confidence,
    "note": _note,
}
