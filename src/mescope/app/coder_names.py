"""Names by which coders are known."""

from __future__ import annotations

import unicodedata
from typing import Any

from mescope.app.safety import clean_text
from mescope.errors import MescopeError

_LONGEST_CODER = 64


def name_of(coder: Any) -> str:
    """Return a coder's name on one line.

    Raises:
        MescopeError: it is empty, too long, or ``model``, which stands for the model.
    """
    if not isinstance(coder, str):
        raise MescopeError("expected the coder's name as text; enter a name first")
    plain = clean_text(coder, _LONGEST_CODER, "a coder's name")
    # Two names that look alike must not be two coders.
    name = " ".join("".join(c for c in plain if unicodedata.category(c) != "Cf").split())
    if not name or name.casefold() == "model":
        raise MescopeError(f"expected the name of a coder, found {name!r}; enter another name")
    return name
