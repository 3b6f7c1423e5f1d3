r"""Names of files as text: any name that a system allows, in and out of UTF-8.

A name on disk is bytes.  Python gives bytes that are not UTF-8 as lone surrogates, which no
database, page or file of text takes.  Here alone it is decided what becomes of them.
"""

from __future__ import annotations

import hashlib
import os
import unicodedata
from urllib.parse import quote, unquote_to_bytes

LONGEST = 255
"""Bytes of a name that file systems take."""

_MARK = "//"  # no relative path begins so
_JOINERS = "\u200c\u200d"  # parts of words in several scripts, and of emoji


def printable(text: str) -> str:
    r"""Return a name for people: valid UTF-8, control characters and odd bytes spelt out.

    >>> print(printable("caf\udce9\x1b[2J\n"))
    caf\xe9\x1b[2J\n
    """
    return "".join(_spelt(c) for c in text)


def valid(text: str) -> str:
    r"""Return text that UTF-8 can hold; bytes that it cannot are spelt out, the rest stays.

    >>> print(valid("caf\udce9"))
    caf\xe9
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return "".join(_spelt(c) if unicodedata.category(c) == "Cs" else c for c in text)
    return text


def to_text(path: str) -> str:
    r"""Return a relative path as text for :func:`from_text`: itself wherever UTF-8 holds it.

    >>> to_text("S01/a.mp4"), to_text("caf\udce9.mp4")
    ('S01/a.mp4', '//caf%E9.mp4')
    """
    return path if valid(path) == path else _MARK + quote(os.fsencode(path), safe="/")


def from_text(text: str) -> str:
    r"""Return the path that :func:`to_text` made into text.

    >>> from_text("//caf%E9.mp4") == "caf\udce9.mp4"
    True
    """
    if not text.startswith(_MARK):
        return text
    return os.fsdecode(unquote_to_bytes(text.removeprefix(_MARK)))


def fitted(stem: str, room: int) -> str:
    """Return a stem of at most ``room`` bytes; one that is cut ends in a mark of its own.

    >>> fitted("short", 100), len(fitted("x" * 300, 100))
    ('short', 100)
    """
    data = os.fsencode(stem)
    if len(data) <= room:
        return stem
    digest = hashlib.sha256(data).hexdigest()[:8]
    kept = data[: room - len(digest) - 1]
    while kept and (data[len(kept)] & 0xC0) == 0x80:  # not within a character
        kept = kept[:-1]
    return f"{os.fsdecode(kept)}-{digest}"


def _spelt(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte as os.fsdecode gives it
        return f"\\x{code - 0xDC00:02x}"
    if character in _JOINERS:
        return character
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return character.encode("unicode_escape").decode()
    return character
