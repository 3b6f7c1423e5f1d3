"""Coded events: what stands on the tiers of a project's code scheme.

They are judgements like those of marks (an event each, in the same log, with the same undo),
but no marks: no scorer and no agreement of expressions takes them for one.  Frames count from
0, both ends are included; the event of a point tier has one frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from mescope.app.safety import clean_text
from mescope.errors import MescopeError

CODING = ("code", "recode", "uncode")
"""What a person can do with coded events: make one, change it, take it away."""

Kind = Literal["state", "point"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodedEvent:
    """One event on a tier.

    Attributes:
        id: unique in the recording.
        coder: who coded it, or changed it last.
        tier: its name.
        code: of the tier's vocabulary.
        kind: state or point.
        first: frame.
        last: frame.
        modifiers: values by the name of the modifier.
        note: of the coder.
    """

    id: str
    coder: str
    tier: str
    code: str
    kind: Kind
    first: int
    last: int
    modifiers: Mapping[str, str] = field(default_factory=dict)
    note: str = ""

    def to_page(self, times: NDArray[np.float64]) -> dict[str, Any]:
        """Return the event as pages and files know it; ``times`` are those of all frames."""
        return {
            "id": self.id,
            "coder": self.coder,
            **self.values(),
            "onset_s": float(times[self.first]) if self.first < len(times) else None,
            "offset_s": float(times[self.last]) if self.last < len(times) else None,
        }

    def values(self) -> dict[str, Any]:
        """Return what a coder can change."""
        return {
            "tier": self.tier,
            "code": self.code,
            "kind": self.kind,
            "first": self.first,
            "last": self.last,
            "modifiers": dict(self.modifiers),
            "note": self.note,
        }


_FIELDS = ("tier", "code", "kind", "first", "last", "modifiers", "note")
_NEEDED = frozenset({"tier", "code", "kind", "first", "last"})
_FRAME: Any = Field(ge=0, le=10**12, description="a frame number")
_Text = Annotated[str, Field(min_length=1, max_length=64, description="a name")]


def _note(text: str) -> str:
    return clean_text(text, 20_000, "a note")


class CodeValues(BaseModel):
    """Values of a coded event as a person sends them."""

    model_config = ConfigDict(extra="forbid", strict=True)

    tier: _Text
    code: _Text
    kind: Kind = "state"
    first: Annotated[int, _FRAME]
    last: Annotated[int, _FRAME]
    modifiers: Annotated[dict[_Text, _Text], Field(max_length=20)] = {}
    note: Annotated[str, AfterValidator(_note)] = ""


def checked_code(
    values: Mapping[str, Any], frames: int, before: CodedEvent | None
) -> dict[str, Any]:
    """Return the values of a ``code`` (``before`` None) or ``recode`` as they are kept: all.

    Args:
        values: as the person sent them.
        frames: how many the recording has.
        before: the event that is changed.

    Raises:
        MescopeError: an unknown field, a wrong type, or frames out of order or range.
    """
    own = {} if before is None else before.values()
    try:
        kept = CodeValues.model_validate({**own, **values}).model_dump()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])[:60] or "values"
        raise MescopeError(f"{where}: {first['msg'].lower()[:200]}") from error
    if kept["kind"] == "point":
        kept["last"] = kept["first"]
    if not 0 <= kept["first"] <= kept["last"] < frames:
        raise MescopeError(
            f"expected 0 <= first <= last < {frames} (frames, ends included), found first "
            f"{kept['first']}, last {kept['last']}; move one of them"
        )
    return kept


def apply_code(
    codes: dict[str, CodedEvent],
    action: str,
    identity: str | None,
    coder: str,
    values: Mapping[str, Any],
) -> None:
    """Enter one judgement of a coded event; what refers to none, or is none, has no effect.

    Args:
        codes: by id, to be changed.
        action: one of :data:`CODING`.
        identity: of the coded event.
        coder: who.
        values: as they were kept.
    """
    kept = {name: values[name] for name in _FIELDS if name in values}
    if identity is None:
        return
    if action == "code":
        if set(kept) >= _NEEDED:
            codes[identity] = CodedEvent(id=identity, coder=coder, **kept)
    elif identity in codes and action == "recode":
        codes[identity] = replace(codes[identity], coder=coder, **kept)
    elif action == "uncode":
        codes.pop(identity, None)
