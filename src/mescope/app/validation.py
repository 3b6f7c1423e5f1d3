"""What a person sends about a mark, checked field by field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic import ValidationError as _ValidationError

from mescope import facs
from mescope.annotations.annotation import Annotation
from mescope.app.review_mark import values_of
from mescope.app.safety import clean_text
from mescope.errors import MescopeError

MOST_UNITS = 30
_LONGEST_NOTE = 20_000
_LONGEST_EMOTION = 64
_LARGEST = 10**12


def _emotion(text: str | None) -> str | None:
    return " ".join(clean_text(text or "", _LONGEST_EMOTION, "an emotion").split()) or None


def _note(text: str | None) -> str:
    return clean_text(text or "", _LONGEST_NOTE, "a note")


def _listed(value: Any) -> Any:
    """Take ``"4+L10"`` for ``["4", "L10"]``, and None for no action units."""
    if isinstance(value, str):
        return re.split(r"[+,;\s]+", value.strip()) if value.strip() else []
    return [] if value is None else value


def _units(listed: list[str]) -> list[str]:
    units = [one.strip().upper().removeprefix("AU") for one in listed]
    for unit in units:
        if len(unit) > 16 or not facs.parse(unit).complete or not facs.parse(unit).units:
            raise MescopeError(
                f"expected an action unit as FACS writes it, such as 4, L10 or 12C, "
                f"found {unit[:40]!r}"
            )
    return list(dict.fromkeys(units))


_FRAME: Any = Field(ge=-_LARGEST, le=_LARGEST, description="a frame number")


class MarkValues(BaseModel):
    """Values of a mark as a person sends them; those that are not sent stay as they are."""

    model_config = ConfigDict(extra="forbid", strict=True)

    first: Annotated[int, _FRAME] = 0
    apex: Annotated[int | None, _FRAME] = None
    last: Annotated[int, _FRAME] = 0
    emotion: Annotated[
        str | None, AfterValidator(_emotion), Field(description="an emotion, as text")
    ] = None
    action_units: Annotated[
        list[str],
        BeforeValidator(_listed),
        AfterValidator(_units),
        Field(max_length=MOST_UNITS, description="action units, such as 4 and L10"),
    ] = []
    confidence: Annotated[
        float | None,
        Field(ge=0, le=1, allow_inf_nan=False, description="a number from 0 to 1"),
    ] = None
    note: Annotated[str | None, AfterValidator(_note), Field(description="a note, as text")] = (
        ""
    )
    face: Annotated[
        str,
        Field(pattern=r"^(0|[0-9]{1,12}-[0-9]{1,3})$", description="the key of a face"),
    ] = "0"


def checked(
    values: Mapping[str, Any], frames: int, before: Annotation | None
) -> dict[str, Any]:
    """Return the values of an ``add`` (``before`` None) or an ``edit`` as they are kept.

    An edit of any of onset, apex and offset is kept with all three, so that no undo of another
    event can put them out of order.

    Args:
        values: as the person sent them.
        frames: how many the recording has.
        before: the annotation that is edited.

    Raises:
        MescopeError: an unknown field, a wrong type, or frames out of order or range.
    """
    try:
        found = MarkValues.model_validate(dict(values)).model_dump()
    except _ValidationError as error:
        raise MescopeError(_in_one_line(error)) from error
    kept = {name: found[name] for name in values}
    if before is None or {"first", "apex", "last"} & set(kept):
        merged = {**({} if before is None else values_of(before)), **kept}
        kept |= _position(merged, frames)
    return kept


def _in_one_line(error: _ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    name = str(first["loc"][0])[:40] if first["loc"] else "values"
    field = MarkValues.model_fields.get(name)
    if field is None:
        return f"expected values of {', '.join(MarkValues.model_fields)}, found {name!r}"
    return f"{name!r}: expected {field.description}; {first['msg'].lower()[:200]}"


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
