"""JSON of files that somebody may have changed: one error for everything that is wrong."""

from __future__ import annotations

import json
from typing import Any


def json_value(text: str | bytes) -> Any:
    """Return what JSON says.

    Raises:
        ValueError: it is no JSON, is not UTF-8, is nested deeper than Python follows, or holds
            a number of thousands of digits.

    >>> json_value('{"a": [1, 2]}')
    {'a': [1, 2]}
    >>> json_value("[" * 100_000)
    Traceback (most recent call last):
    ValueError: it is nested too deep
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
