"""Code schemes: what a project codes, in which words and with which keys.

A scheme is one JSON file: emotions, reasons of rejection, tiers with their codes (controlled
vocabularies, as ELAN has them) and modifiers (as BORIS has them), and keys.  It can be saved,
sent to another laboratory and taken in there; what is taken in is checked field by field.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from mescope.app.keys import DEFAULT_KEYS, clash, is_key
from mescope.app.safety import clean_text
from mescope.app.store import StaleError
from mescope.errors import MescopeError
from mescope.io.atomic import write_atomically
from mescope.io.json_text import json_value
from mescope.labels import RAW_COUNTS, SPOTTING_CLASSES

MOST_BYTES = 1 << 20
_LONGEST_NAME = 64
_MOST = 200  # tiers, codes of one, emotions

REASONS = {"blink": "b", "speech": "t", "head": "h", "gaze": "g", "nothing": "x"}
"""What a movement was where it was no expression, and the key that says so."""


def _named(text: str) -> str:
    plain = " ".join(clean_text(text, _LONGEST_NAME, "a name").split())
    if not plain or plain != text:
        raise ValueError("expected a name on one line, without blanks around it")
    return plain


def _a_key(text: str) -> str:
    if not is_key(text):
        raise ValueError("expected a key such as g, Shift+g, F2 or ArrowLeft")
    return text


Name = Annotated[str, Field(max_length=_LONGEST_NAME), AfterValidator(_named)]
Key = Annotated[str, Field(max_length=16), AfterValidator(_a_key)]
Meaning = Annotated[str, Field(max_length=500)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Choice(_Strict):
    """A word that a key chooses."""

    name: Name
    key: Key | None = None
    meaning: Meaning = ""


class Modifier(_Strict):
    """What can be added to a code of a tier, such as at whom somebody looks."""

    name: Name
    values: list[Choice] = Field(min_length=1, max_length=_MOST)


class Tier(_Strict):
    """One layer of codes.

    Attributes:
        name: of the tier.
        kind: ``state`` lasts from a frame to a frame, ``point`` is one frame.
        exclusive: a code ends the one before it; else several may last at once.
        codes: the vocabulary.
        modifiers: what can be added to each code.
    """

    name: Name
    kind: Literal["state", "point"] = "state"
    exclusive: bool = True
    codes: list[Choice] = Field(min_length=1, max_length=_MOST)
    modifiers: list[Modifier] = Field(default=[], max_length=20)


class Scheme(_Strict):
    """A whole scheme; ``keys`` holds those commands whose key is not the usual one."""

    format: Literal["mescope-scheme"] = "mescope-scheme"
    schema_: Annotated[Literal[1], Field(alias="schema")] = 1
    name: Name = "micro-expressions"
    emotions: list[Choice] = Field(min_length=1, max_length=_MOST)
    reasons: list[Choice] = Field(min_length=1, max_length=40)
    tiers: list[Tier] = Field(default=[], max_length=_MOST)
    keys: dict[str, Key | None] = Field(default={})

    def to_json(self) -> dict[str, Any]:
        """Return the scheme as its file holds it."""
        return self.model_dump(by_alias=True)

    def to_page(self) -> dict[str, Any]:
        """Return the scheme with the key of every command, and its version."""
        return {
            **self.to_json(), "keys": DEFAULT_KEYS | self.keys, "version": self.version(),
        }  # fmt: skip

    def version(self) -> str:
        """Return another word for every content."""
        text = json.dumps(self.to_json(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def tier(self, name: str) -> Tier | None:
        """Return a tier by its name, or None."""
        return next((tier for tier in self.tiers if tier.name == name), None)

    def taken(self) -> Iterator[tuple[str, str]]:
        """Yield every key that means something, and what."""
        meanings = [(key, name) for name, key in (DEFAULT_KEYS | self.keys).items()]
        meanings += [(one.key, f"the emotion {one.name}") for one in self.emotions]
        meanings += [(one.key, f"the reason {one.name}") for one in self.reasons]
        for tier in self.tiers:
            meanings += [(one.key, f"{tier.name}: {one.name}") for one in tier.codes]
            for modifier in tier.modifiers:
                where = f"{tier.name}, {modifier.name}"
                meanings += [(one.key, f"{where}: {one.name}") for one in modifier.values]
        return ((key, meaning) for key, meaning in meanings if key is not None)


def usual() -> Scheme:
    """Return the scheme of a new project: all emotion words of the data sets, no own tiers."""
    raw = {name for counts in RAW_COUNTS.values() for name in counts}
    coarse = [name for name in SPOTTING_CLASSES if name != "neutral"]
    words = list(dict.fromkeys([*coarse, *sorted(raw - {"tense"}), "tense"]))
    keys = [*"123456789", *(f"Shift+{digit}" for digit in "123456789")]
    return Scheme(
        emotions=[
            Choice(name=word, key=keys[i] if i < len(keys) else None)
            for i, word in enumerate(words)
        ],
        reasons=[Choice(name=name, key=key) for name, key in REASONS.items()],
    )


def parsed(data: str | bytes) -> Scheme:
    """Return the scheme that a file holds.

    Raises:
        MescopeError: it is none; the message names the field.
    """
    try:
        if len(data) > MOST_BYTES:
            raise ValueError(f"expected at most {MOST_BYTES} bytes, found {len(data)}")
        found = json_value(data)
        if not isinstance(found, dict) or found.get("format") != "mescope-scheme":
            raise ValueError("expected an object whose format is mescope-scheme")
        scheme = Scheme.model_validate(found)
        _check(scheme)
    except ValidationError as error:
        raise MescopeError(f"code scheme: {_in_one_line(error)}") from error
    except ValueError as error:
        raise MescopeError(f"code scheme: {error}") from error
    own = {name: key for name, key in scheme.keys.items() if key != DEFAULT_KEYS[name]}
    return scheme.model_copy(update={"keys": own})


def _check(scheme: Scheme) -> None:
    """Hold the names and keys of a scheme against each other; raise ValueError."""
    _single("emotions", [one.name for one in scheme.emotions])
    _single("reasons", [one.name for one in scheme.reasons])
    _single("tiers", [tier.name for tier in scheme.tiers])
    for tier in scheme.tiers:
        _single(f"codes of {tier.name}", [one.name for one in tier.codes])
        _single(f"modifiers of {tier.name}", [one.name for one in tier.modifiers])
        for modifier in tier.modifiers:
            _single(f"values of {modifier.name}", [one.name for one in modifier.values])
    unknown = sorted(set(scheme.keys) - set(DEFAULT_KEYS))
    if unknown:
        raise ValueError(f"keys: {unknown[0][:40]!r} is no command of the page")
    if said := clash(list(scheme.taken())):
        raise ValueError(said)


def _single(what: str, names: list[str]) -> None:
    folded = [name.casefold() for name in names]
    twice = [name for name in names if folded.count(name.casefold()) > 1]
    if twice:
        raise ValueError(f"{what}: {twice[0]!r} is there twice; rename one")


def _in_one_line(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = " ".join(str(p + 1) if isinstance(p, int) else str(p)[:40] for p in first["loc"])
    return f"{where or 'file'}: {first['msg'].removeprefix('Value error, ')[:200]}"


class SchemeFile:
    """The scheme of a project, in a file of its own.

    Raises:
        MescopeError: the file is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()
        try:
            self.now = parsed(path.read_bytes()) if path.exists() else usual()
        except MescopeError as error:
            raise MescopeError(
                f"{path.name}: {error}; correct the file, or move it away to begin anew"
            ) from error

    def change(self, data: bytes, seen: str | None = None) -> Scheme:
        """Take another scheme; nothing that was coded changes.

        Args:
            data: the scheme as JSON.
            seen: the version that it was made from; None: whatever there is.

        Raises:
            MescopeError: it is none.
            StaleError: somebody else changed the one that it was made from.
        """
        scheme = parsed(data)
        text = json.dumps(scheme.to_json(), indent=1, ensure_ascii=False)
        with self._lock:
            if seen not in (None, self.now.version()):
                raise StaleError(
                    "somebody else changed the code scheme since this page was opened; nothing "
                    "was saved: open the page anew and change it again"
                )
            write_atomically(self._path, text.encode("utf-8"))
            self.now = scheme
        return scheme


def check_code(scheme: Scheme, values: Mapping[str, Any]) -> None:
    """Refuse a tier, code or modifier that is not of the scheme.

    Raises:
        MescopeError: it is not; the message says what there is.
    """
    tier = scheme.tier(str(values.get("tier", "")))
    if tier is None:
        known = ", ".join(one.name for one in scheme.tiers) or "none"
        raise MescopeError(
            f"expected a tier of the code scheme ({known}), found "
            f"{str(values.get('tier'))[:40]!r}"
        )
    codes = [one.name for one in tier.codes]
    if values.get("code") not in codes:
        raise MescopeError(
            f"expected a code of {tier.name} ({', '.join(codes)[:200]}), found "
            f"{str(values.get('code'))[:40]!r}"
        )
    known_values = {m.name: [one.name for one in m.values] for m in tier.modifiers}
    for name, value in (values.get("modifiers") or {}).items():
        if value not in known_values.get(name, ()):
            raise MescopeError(
                f"expected a modifier of {tier.name} and its value, found "
                f"{str(name)[:40]!r}: {str(value)[:40]!r}"
            )
