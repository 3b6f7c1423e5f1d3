"""Files from elsewhere, opened with care: bounded, no entities, finite numbers only."""

from __future__ import annotations

import codecs
import json
import math
import stat
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

from mescope.annotations.problems import place
from mescope.errors import DatasetError

MAX_BYTES = 64_000_000
"""Largest file of marks that is read; a year of coding takes less."""

_MAX_DEPTH = 32  # of XML elements; an EAF has 5


def read_bytes(path: Path) -> bytes:
    """Return a whole file.

    Raises:
        DatasetError: it cannot be read, is not a plain file, is empty, or is larger than
            :data:`MAX_BYTES`.
    """
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            raise DatasetError(
                f"{path.name}: expected a plain file, found a folder or a device"
            )
        if state.st_size > MAX_BYTES:
            raise DatasetError(
                f"{path.name}: expected at most {MAX_BYTES // 1_000_000} MB of marks, found "
                f"{state.st_size // 1_000_000}; split the file"
            )
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise DatasetError(
            f"{path.name}: cannot be read: {error.strerror or type(error).__name__}"
        ) from None
    if not data.strip():
        raise DatasetError(f"{path.name}: expected marks, found an empty file")
    return data


def read_text(path: Path) -> str:
    r"""Return a text with ``\n`` as line end; see :func:`decoded`.

    Raises:
        DatasetError: as :func:`read_bytes` and :func:`decoded`.
    """
    text = decoded(read_bytes(path), path.name)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def decoded(data: bytes, name: str) -> str:
    """Return text as written: UTF-8, or UTF-16 with a byte-order mark, as Excel's Unicode text.

    Raises:
        DatasetError: it is neither; the message names the line.
    """
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    or_wide = " or UTF-16" if wide else ""
    try:
        return data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n") + 1
        raise DatasetError(
            f"{place(name, row)}: expected UTF-8 text{or_wide}, found byte "
            f"{data[error.start]:#04x}; save it as UTF-8"
        ) from None


def read_json(path: Path, *, nan: bool = False) -> Any:
    """Return the value of a JSON file.

    Args:
        path: the file.
        nan: take NaN and Infinity, which programs in Python write, as such; :func:`number`
            refuses each where it is needed, so that one does not cost the whole file.

    Raises:
        DatasetError: as :func:`read_text`, or it is not JSON: NaN, Infinity, 1e999 and lists
            nested without end are not.
    """
    return parse_json(read_text(path), path.name, nan=nan)


def parse_json(text: str, name: str, *, nan: bool = False) -> Any:
    """Return the value of JSON text; ``name`` stands in the error.  See :func:`read_json`."""
    try:
        if nan:
            return json.loads(text)
        return json.loads(text, parse_constant=_not_a_number, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        reason = "too deeply nested" if isinstance(error, RecursionError) else error
        raise DatasetError(f"{name}: expected JSON, found: {reason}") from None


def _not_a_number(word: str) -> float:
    raise ValueError(f"{word} is not a number")


def _finite(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{digits[:20]} is too large")
    return value


def read_xml(path: Path) -> ElementTree.Element:
    """Return the root of an XML file; nothing outside the file is ever opened.

    Raises:
        DatasetError: as :func:`read_bytes`, XML that is not well-formed, or a document type:
            entities can grow without end and name other files, and no annotation program
            needs them.
    """
    tree = _Tree(path.name)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = tree.doctype
    parser.StartElementHandler = tree.start
    parser.EndElementHandler = tree.end
    parser.CharacterDataHandler = tree.data
    try:
        parser.Parse(read_bytes(path), True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise DatasetError(f"{path.name}: expected XML, found: {error}") from None
    return tree.builder.close()


class _Tree:
    """Builds elements from what expat reports, and refuses what has no place here."""

    def __init__(self, name: str) -> None:
        self.name, self.depth = name, 0
        self.builder = ElementTree.TreeBuilder()

    def doctype(self, *_: object) -> None:
        raise DatasetError(
            f"{self.name}: expected XML without a document type, found one; "
            "its entities are not read, save the file in ELAN again"
        )

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise DatasetError(f"{self.name}: expected at most {_MAX_DEPTH} nested elements")
        self.builder.start(tag, attributes)

    def end(self, tag: str) -> None:
        self.depth -= 1
        self.builder.end(tag)

    def data(self, text: str) -> None:
        self.builder.data(text)


def number(value: Any, what: str) -> float:
    """Return a finite number of JSON, or raise ValueError naming ``what``."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"expected a number as {what}, found {_short(value)}")
    try:
        found = float(value)
    except OverflowError:
        raise ValueError(f"expected a number as {what}, found one too large") from None
    if not math.isfinite(found):
        raise ValueError(f"expected a number as {what}, found {found}")
    return found


def whole(value: Any, what: str) -> int:
    """Return a whole number of JSON, or raise ValueError naming ``what``."""
    plain = number(value, what)
    if plain != int(plain) or abs(plain) > 2**53:
        raise ValueError(f"expected a whole number as {what}, found {_short(value)}")
    return int(value)


def word(value: Any, what: str) -> str:
    """Return a string of JSON, or raise ValueError naming ``what``."""
    if not isinstance(value, str):
        raise ValueError(f"expected text as {what}, found {_short(value)}")
    return value


def table(value: Any, what: str) -> dict[str, Any]:
    """Return an object of JSON, or raise ValueError naming ``what``."""
    if not isinstance(value, dict):
        raise ValueError(f"expected an object as {what}, found {_short(value)}")
    return value


def listing(value: Any, what: str) -> list[Any]:
    """Return a list of JSON, or raise ValueError naming ``what``."""
    if not isinstance(value, list):
        raise ValueError(f"expected a list as {what}, found {_short(value)}")
    return value


def optional(source: dict[str, Any], key: str, convert: Any) -> Any:
    """Return ``convert(value, key)``; None where the key is missing or null."""
    value = source.get(key)
    return None if value is None else convert(value, key)


def _short(value: Any) -> str:
    return (
        repr(value)[:40]
        if isinstance(value, (str, int, float, type(None)))
        else (f"a {type(value).__name__}")
    )
