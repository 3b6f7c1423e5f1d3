"""The order of names in which numbers count as numbers."""

from __future__ import annotations

import re


def natural(text: str) -> list[tuple[int, str]]:
    """Return a key by which 2 comes before 10; capital letters make no difference.

    >>> sorted(["spNO.10/a", "spNO.2/B", "spNO.2/a"], key=natural)
    ['spNO.2/a', 'spNO.2/B', 'spNO.10/a']
    """
    parts = re.findall(r"[0-9]+|[^0-9]+", text.lower())
    return [(int(part), "") if part[0].isdigit() else (-1, part) for part in parts]
