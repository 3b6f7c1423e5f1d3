"""All words of the page: one file, which a translation takes the place of.

``static/words.json`` has parts (``panel``), keys in them (``confirm``) and texts.  A text
may hold ``{names}`` that are filled in, or be an object of plural forms (``one``, ``other``
and what else the rules of the language know).  Some parts give words to names that programs
know (``states``, ``emotions``): there a translation may have more than the original, as
projects have names of their own.  What the library says of files and recordings (errors,
evidence) is English and stands elsewhere.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from mescope.errors import MescopeError
from mescope.io.json_text import json_value

ENGLISH = Path(__file__).parent / "static" / "words.json"
NAMED = (
    "states", "statuses", "lengths", "exports", "actions", "emotions", "mostly", "kinds",
    "ticks", "one", "gaps", "regions", "key", "reasons", "codes", "tier_kinds", "sides",
    "units_of_facs", "differing", "events",
)  # fmt: skip
"""Parts whose keys are names that programs know."""

_MOST_BYTES = 1 << 20
_PLURALS = frozenset({"zero", "one", "two", "few", "many", "other"})
_FILLED = re.compile(r"\{(\w+)\}")
_IN_PAGE = re.compile(r"\{\{([a-z_.]+)\}\}")

Text = str | dict[str, str]


class Words:
    """The words of one language.

    Args:
        table: parts of keys of texts, and ``language``, as in the file.
    """

    def __init__(self, table: Mapping[str, Any]) -> None:
        self._table = table
        self.language: str = table["language"]

    def __call__(self, key: str, **values: object) -> str:
        """Return the words of a key such as ``page.close``, ``{names}`` filled in."""
        part, _, name = key.partition(".")
        text: str = self._table[part][name]
        return _FILLED.sub(lambda found: str(values[found[1]]), text)

    def named(self, part: str, name: str) -> str:
        """Return the words of a name that programs know, or the name itself."""
        return str(self._table[part].get(name, name))

    def filled(self, page: str) -> str:
        """Return a page of HTML with ``{{keys}}`` replaced by their words."""

        def words(found: re.Match[str]) -> str:
            return html.escape(self.language if found[1] == "language" else self(found[1]))

        return _IN_PAGE.sub(words, page)

    def json(self) -> bytes:
        """Return the file that the page asks for."""
        return json.dumps(self._table, ensure_ascii=False).encode("utf-8")


@cache
def english() -> Words:
    """Return the words as they come with the app."""
    return Words(json.loads(ENGLISH.read_text(encoding="utf-8")))


def translation(path: Path) -> Words:
    """Return the words of a translated copy of ``words.json``.

    Raises:
        MescopeError: it cannot be read, or has other keys or ``{names}`` than the original.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError(f"it has more than {_MOST_BYTES} bytes")
        found = json_value(path.read_bytes())
        _compare(json.loads(ENGLISH.read_text(encoding="utf-8")), found)
    except (OSError, ValueError) as error:
        raise MescopeError(
            f"{path.name}: expected a translated copy of {ENGLISH}, found another file: "
            f"{error}; translate the texts and leave the keys as they are"
        ) from error
    return Words(found)


def _compare(original: dict[str, Any], found: Any) -> None:
    """Hold a translation to the original; raise ValueError with the first difference."""
    _same_keys("", original, found)
    if not isinstance(found["language"], str) or not re.fullmatch(
        r"[a-zA-Z]{2,8}(-[a-zA-Z0-9]{1,8})*", found["language"]
    ):
        raise ValueError("language: expected a tag such as de or pt-BR")
    for part, texts in original.items():
        if part != "language":
            _same_keys(part, texts, found[part], more=part in NAMED)
            for key, text in found[part].items():
                _same_values(f"{part}.{key}", texts.get(key, ""), text)


def _same_keys(where: str, original: dict[str, Any], found: Any, *, more: bool = False) -> None:
    if not isinstance(found, dict):
        raise ValueError(f"{where or 'the file'}: expected an object of texts")
    for key in original:
        if key not in found:
            raise ValueError(f"{where or 'parts'}: {key!r} is missing")
    for key in found:
        if key not in original and not more:
            raise ValueError(f"{where or 'parts'}: {key[:40]!r} is not known")


def _same_values(where: str, original: Text, found: Any) -> None:
    forms = found if isinstance(found, dict) else {"other": found}
    if isinstance(found, dict) and not (
        isinstance(original, dict) and "other" in found and set(found) <= _PLURALS
    ):
        forms_known = ", ".join(sorted(_PLURALS))
        raise ValueError(f"{where}: expected one text, or forms for {forms_known}")
    plain = original["other"] if isinstance(original, dict) else original
    wanted = set(_FILLED.findall(plain))
    for form in forms.values():
        if not isinstance(form, str):
            raise ValueError(f"{where}: expected text")
        if missing := set(_FILLED.findall(form)) ^ wanted:
            raise ValueError(
                f"{where}: expected {{{'}, {'.join(sorted(missing))}}} as in the original"
            )
