"""Text in a CSV table that no spreadsheet runs as a formula, and the way back."""

from __future__ import annotations

_STARTS = ("=", "+", "-", "@", "\t", "\r")


def guarded(text: str) -> str:
    r"""Set an apostrophe before a formula, and before an apostrophe that would be taken off.

    >>> guarded('=HYPERLINK("x")'), guarded("'=1"), guarded("smile")
    ('\'=HYPERLINK("x")', "''=1", 'smile')
    """
    return f"'{text}" if _looks_like_a_formula(text) else text


def unguarded(text: str) -> str:
    """Take off the apostrophe that :func:`guarded` set.

    >>> unguarded(guarded("'=1")), unguarded("'quoted'")
    ("'=1", "'quoted'")
    """
    return text[1:] if text.startswith("'") and _looks_like_a_formula(text) else text


def _looks_like_a_formula(text: str) -> bool:
    return text.lstrip("'").startswith(_STARTS)
