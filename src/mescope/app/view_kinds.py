"""What views of a frame there are, and how long after the onset they mean anything."""

from __future__ import annotations

from typing import Literal

from mescope.errors import VideoError

View = Literal["magnified", "difference", "flow"]

LONGEST = 10.0
"""Seconds from the onset: later, other things than the expression have changed the face."""


def check_stretch(seconds: float) -> None:
    """Refuse a frame that many seconds after its onset if that is too long, or before it.

    Raises:
        VideoError: it is.
    """
    if not 0 <= seconds <= LONGEST:
        found = f"{seconds:.1f} s after it" if seconds > 0 else "one before it"
        raise VideoError(
            f"expected frames up to {LONGEST:g} s after the onset, found {found}; choose a "
            "shorter stretch, or a later onset"
        )
