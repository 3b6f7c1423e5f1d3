"""Names from files that become parts of file names: they stay inside their folder."""

from __future__ import annotations

import unicodedata

LONGEST = 100
"""Bytes of a name in UTF-8; suffixes and the names of drafts follow, 255 being the most."""

_ODD = frozenset('<>:"/\\|?*')
_RESERVED = frozenset(
    ["con", "prn", "aux", "nul", *(f"{port}{i}" for port in ("com", "lpt") for i in range(10))]
)
"""Devices of Windows, whatever their suffix."""


def check_name(name: str) -> None:
    r"""Refuse what is no plain name of a file on every system.

    Raises:
        ValueError: empty, too long, with a separator or control character, hidden, or reserved.

    >>> check_name("3db-flow-cnn.v2")
    >>> check_name("../../evil")
    Traceback (most recent call last):
    ValueError: a name must not begin with a dot or a dash, or end with a dot or blank
    """
    if not name or len(name.encode("utf-8", "surrogatepass")) > LONGEST:
        raise ValueError(f"a name must have 1 to {LONGEST} bytes")
    if name[0] in ".- " or name[-1] in ". ":
        raise ValueError(
            "a name must not begin with a dot or a dash, or end with a dot or blank"
        )
    if any(c in _ODD or unicodedata.category(c)[0] == "C" for c in name):
        raise ValueError(
            "a name must not hold " + " ".join(sorted(_ODD)) + " or control characters"
        )
    if name.partition(".")[0].strip().lower() in _RESERVED:
        raise ValueError("a name must not be that of a device")
