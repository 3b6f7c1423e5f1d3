"""A sheet that was saved as text: CSV with commas, semicolons or tabs, whatever its suffix.

Every cell stays text as it stands, so "006", "4+7" and "/" keep their meaning, which Excel
takes from them.  A first line ``sep=;``, as Excel writes and reads it, names the separator.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas as pd

from mescope.annotations.delimited import DELIMITERS, delimiter_of

SUFFIXES = (".csv", ".tsv", ".txt")
"""Of sheets that were saved as text."""


def load_text(path: Path) -> dict[str, pd.DataFrame]:
    """Return the one sheet of a text file, under the file's stem; no row is taken as header.

    Raises:
        ValueError: it is not text, or not a table.
    """
    text = decoded(path.read_bytes())
    separator, skipped = delimiter_of(text) if text.strip() else (",", 0)
    if not skipped:  # a title above the header says nothing about it
        separator = _separator(text)
    text = text[skipped:]
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        raise ValueError(f"not a table of text: {error}") from None
    width = max(map(len, rows), default=0)
    full = [[*row, *[None] * (width - len(row))] for row in rows]
    return {path.stem: pd.DataFrame(full, dtype=object)}


def decoded(data: bytes) -> str:
    """Return the text of a file: UTF-8 or UTF-16 by its mark, otherwise the page of Windows.

    >>> decoded("Zürich".encode("cp1252")), decoded("1,2".encode("utf-16"))
    ('Zürich', '1,2')

    Raises:
        ValueError: it has NUL bytes, as no text has.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16")
    if b"\0" in data:
        raise ValueError("found NUL bytes, not text")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")  # names of columns and numbers are ASCII


def _separator(text: str) -> str:
    """Return what splits most lines into most cells; the comma of equals."""
    lines = [line for line in text.splitlines() if line.strip()][:60]
    return max(DELIMITERS, key=lambda one: sum(line.count(one) for line in lines))
