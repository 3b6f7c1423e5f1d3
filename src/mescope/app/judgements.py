"""What a person sends about a mark or a coded event, checked against what is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mescope.app.coding import CODING, checked_code
from mescope.app.import_reader import MOST_MARKS
from mescope.app.replay import ACTIONS, ReviewState
from mescope.app.safety import clean_text
from mescope.app.validation import checked
from mescope.errors import MescopeError

_WRONG = {
    "human": "expected a detection of the model, found a mark of a coder, which has no {0!r}; "
    "edit or remove it",
    "model": "expected a mark of a coder, found a detection of the model, which has no {0!r}; "
    "reject it",
}
_LONGEST_REASON = 64


def kept_values(
    state: ReviewState, action: Any, mark: Any, values: Mapping[str, Any], frames: int
) -> dict[str, Any]:
    """Return the values of a judgement as they are kept.

    Args:
        state: the recording as it stands.
        action: one of :data:`mescope.app.replay.ACTIONS`.
        mark: the id of what it is about.
        values: as the person sent them.
        frames: how many the recording has.

    Raises:
        MescopeError: it makes no sense.
    """
    if action not in ACTIONS:
        raise MescopeError(
            f"expected an action of {', '.join(ACTIONS)}, found {str(action)[:40]!r}"
        )
    if action == "reviewed":
        return {"reviewed": bool(values.get("reviewed", True))}
    if action in ("add", "code"):
        if len(state.marks) + len(state.codes) >= MOST_MARKS:
            raise MescopeError(f"expected at most {MOST_MARKS} marks in a recording")
        return (checked if action == "add" else checked_code)(values, frames, None)
    if action in CODING:
        code = state.codes.get(mark) if isinstance(mark, str) else None
        if code is None:
            raise _nothing(mark)
        return checked_code(values, frames, code) if action == "recode" else {}
    before = state.marks.get(mark) if isinstance(mark, str) else None
    if before is None:
        raise _nothing(mark)
    wrong = {"human": ("confirm", "reject", "reset"), "model": ("remove",)}
    if action in wrong[before.maker]:
        raise MescopeError(_WRONG[before.maker].format(action))
    if action == "reject":
        return _reason(values)
    return checked(values, frames, before.annotation) if action == "edit" else {}


def check_maker(maker: str | None, coder: str) -> None:
    """Refuse to change or remove a mark that somebody else made.

    A coder's file holds what the coder said: a correction by another one would be in nobody's.

    Raises:
        MescopeError: it is another coder's.
    """
    if maker != coder:
        raise MescopeError(
            f"expected a mark of your own, found one of {maker}: what a coder marked is that "
            "coder's alone; make a mark of your own, or settle it as the consensus"
        )


def _nothing(mark: Any) -> MescopeError:
    return MescopeError(
        f"expected the id of a mark of this recording, found {str(mark)[:40]!r}; "
        "it may have been removed: load the marks again"
    )


def _reason(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return why a detection is rejected, if that is said."""
    reason = values.get("reason", "")
    if not isinstance(reason, str):
        raise MescopeError("expected the reason of a rejection as text")
    plain = " ".join(clean_text(reason, _LONGEST_REASON, "a reason").split())
    return {"reason": plain} if plain else {}
