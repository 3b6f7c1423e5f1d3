"""Action units: how they are written, where they lie on the face, which emotion they speak for.

Sides are FACS sides: L is the person's left, on the right of an unmirrored picture.

An action-unit string such as ``"4+L10+A14C"`` is a list of tokens; a token has a prefix (L, R
one side; T, B upper or lower lip; A asymmetric), a number, and sometimes an intensity A to E.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from mescope.facs_table import CLEAN_CHANGES, NAMES, PRINTED

Table = Literal["clean", "as_published"]

_TOKEN = re.compile(
    r"(?P<ref>ref\()?(?P<code>AU|AD|M)?(?P<prefix>[LRTBA])?(?P<number>\d{1,2})"
    r"(?P<intensity>[A-E](?:/[A-E])?|\([A-E]/[A-E]\))?(?P<static>\(k\))?(?(ref)\))(?P<doubt>\?)?",
    re.IGNORECASE,
)
_ALTERNATIVE = re.compile(r"(?<![a-z])or(?![a-z])|\d\s*/\s*\d", re.IGNORECASE)
_NO_UNITS = ("none", "nan", "<na>", "nat", "null", "n/a")
_ROMAN = {name: i + 1 for i, name in enumerate(("I", "II", "III", "IV", "V", "VI", "VII"))}


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionUnit:
    """One token of an action-unit string."""

    number: int
    prefix: str = ""  # "", L, R, T, B or A (asymmetric)
    code: Literal["AU", "AD", "M"] = "AU"  # AD and M are codes of FACS, but no action units
    intensity: str = ""  # "", "C" or a range such as "B/C"
    static: bool = False  # present but not moving
    uncertain: bool = False
    reference: bool = False

    def __str__(self) -> str:
        """Return the plain token, such as ``"L12"``, without intensity."""
        code = "" if self.code == "AU" else self.code
        return f"{code}{self.prefix}{self.number}"


@dataclass(frozen=True, slots=True)
class Coding:
    """An action-unit string as read; ``unknown`` holds the tokens that were not understood."""

    units: tuple[ActionUnit, ...]
    unknown: tuple[str, ...] = ()
    alternatives: tuple[ActionUnit, ...] = ()  # 'R12 or R14': one of them

    @property
    def complete(self) -> bool:
        """Say whether everything in the string was understood."""
        return not self.unknown and not self.alternatives


def parse(text: object, separator: str = "+") -> Coding:
    """Read an action-unit string or the number of a table cell.

    Nothing raises: what cannot be read is kept in ``unknown``, since free text occurs in every
    published sheet.

    >>> [str(u) for u in parse("4+L10").units]
    ['4', 'L10']
    >>> parse("A14C").units[0].intensity, parse("12A").units[0].intensity
    ('C', 'A')
    >>> parse("R12 or R14").complete, parse("NULL").complete, parse("NULL").units
    (False, True, ())
    """
    cell = _cell(text)
    units: list[ActionUnit] = []
    unknown: list[str] = []
    options: list[ActionUnit] = []
    for part in re.split(rf"[{re.escape(separator)},，]", cell):
        token = part.strip()
        if not token:
            continue
        read = _read(token)
        if read is not None:
            units.append(read)
        elif _ALTERNATIVE.search(token):
            choices = _choices(token)
            options += choices
            if not choices:  # 'x or y', '25)or(50))': never dropped as if it were understood
                unknown.append(token)
        else:
            unknown.append(token)
    return Coding(tuple(units), tuple(unknown), tuple(options))


def _cell(text: object) -> str:
    """Return a table cell as text; empty cells of every kind (None, NaN, NA, NULL) as ""."""
    plain = str(text).strip().removesuffix(".0")  # spreadsheets turn 4 into 4.0
    return "" if plain.lower() in _NO_UNITS else plain


def _choices(token: str) -> list[ActionUnit]:
    """Return the alternatives of 'R12 or R14' or '(23/24)'; none unless all can be read."""
    parts = [_read(part) for part in re.split(r"\s*or\s*|/", token.strip("()"))]
    read = [unit for unit in parts if unit is not None]
    return read if len(read) == len(parts) else []


def _read(token: str) -> ActionUnit | None:
    """Return a token, or None if it is not one."""
    found = _TOKEN.fullmatch(token.strip())
    if found is None:
        return None
    code = (found["code"] or "AU").upper()
    return ActionUnit(
        number=int(found["number"]),
        prefix=(found["prefix"] or "").upper(),
        code="AD" if code == "AD" else "M" if code == "M" else "AU",
        intensity=(found["intensity"] or "").strip("()").upper(),
        static=found["static"] is not None,
        uncertain=found["doubt"] is not None,
        reference=found["ref"] is not None,
    )


def name_of(unit: str) -> str:
    """Return the FACS name of a token, with its side in words.

    >>> name_of("L12")
    'Lip Corner Puller, left'
    """
    side = {"L": ", left", "R": ", right", "T": ", upper", "B": ", lower"}.get(unit[:1], "")
    return NAMES.get(int(re.sub(r"\D", "", unit)), "unknown") + side


def mirror(units: Iterable[str]) -> tuple[str, ...]:
    """Return the units of the mirrored face: L and R change places.

    >>> mirror(("L12", "R2", "4", "r18"))
    ('R12', 'L2', '4', 'L18')
    """
    sides = {"L": "R", "R": "L"}
    return tuple(sides.get(u[:1].upper(), u[:1]) + u[1:] for u in units)


def landmarks_of(unit: str, table: Table = "clean") -> tuple[int, ...]:
    """Return the landmarks of an action unit, 0-based in dlib order; empty if there is no row.

    ``as_published``: the printed rows only.  ``clean``: the corrected table; an unknown token
    is tried once more without its prefix.

    >>> landmarks_of("L12")
    (52, 53, 54, 55, 56, 64)
    >>> landmarks_of("T18", "as_published")
    ()
    """
    rows = _rows(table)
    unit = unit.upper()  # 'r18' occurs in a published sheet
    if unit not in rows and table == "clean":
        unit = unit.lstrip("LRTBA")
    return tuple(i - 1 for i in _expand(rows[unit])) if unit in rows else ()


class Region(NamedTuple):
    """Where the action units of an expression lie on the face."""

    landmarks: tuple[int, ...]  # 0-based, dlib order, sorted, each once; empty if none is known
    units: tuple[str, ...]  # tokens that have landmarks
    unmapped: tuple[str, ...]  # tokens without a row, and text that is not a token


def region_of(units: str | Iterable[str], table: Table = "clean") -> Region:
    """Return the landmarks of all action units of an expression, and the tokens without any.

    ``units`` is a string such as ``"4+L10"`` (``","`` separates, too) or its tokens.  Nothing
    raises: what cannot be read, and alternatives (``"R12 or R14"``), go into ``unmapped``.

    Source: RSMix, Appendix A, as read here: several units, their union; a token
    without a row is left out.

    >>> region_of("38+glare+99")
    Region(landmarks=(31, 32, 34, 35), units=('38',), unmapped=('99', 'glare'))
    """
    text = units if isinstance(units, str) else "+".join(units)
    coding = parse(text.replace(",", "+"))
    tokens = dict.fromkeys(str(unit) for unit in coding.units)  # each once, in order
    rows = {token: landmarks_of(token, table) for token in tokens}
    lost = [token for token, row in rows.items() if not row]
    lost += [*coding.unknown, *map(str, coding.alternatives)]
    found = {landmark for row in rows.values() for landmark in row}
    used = tuple(token for token, row in rows.items() if row)
    return Region(tuple(sorted(found)), used, tuple(lost))


def table_units(table: Table = "clean") -> tuple[str, ...]:
    """Return the units that have a row."""
    return tuple(_rows(table))


def _rows(table: Table) -> dict[str, str]:
    printed = {unit: ranges for unit, (_, ranges, _) in PRINTED.items()}
    return printed if table == "as_published" else printed | CLEAN_CHANGES


def _expand(ranges: str) -> list[int]:
    """Return the sorted numbers of a printed list such as ``"49-51, 65"``."""
    numbers: set[int] = set()
    for part in ranges.split(","):
        first, _, last = part.strip().partition("-")
        numbers.update(range(int(first), int(last or first) + 1))
    return sorted(numbers)


_OBJECTIVE: tuple[tuple[int, tuple[frozenset[int], ...]], ...] = tuple(
    (index, tuple(frozenset(s) for s in sets))
    for index, sets in (
        (1, ({12}, {6}, {6, 12}, {7, 12}, {10, 12}, {12, 14}, {12, 24}, {12, 25}, {12, 39},
             {12, 61})),
        (2, ({1, 2}, {5}, {25}, {25, 26}, {1, 2, 5}, {1, 2, 26}, {1, 2, 5, 26}, {5, 24})),
        (3, ({4}, {4, 7}, {23}, {17, 24}, {4, 6, 7}, {4, 38}, {4, 7, 43}, {4, 6, 7, 43})),
        (4, ({10}, {9}, {4, 9}, {4, 7, 10}, {7, 10}, {4, 10}, {9, 12}, {9, 10},
             {10, 25, 26})),
        (5, ({1}, {15}, {1, 4}, {15, 17})),
        (6, ({1, 2, 4}, {20}, {20, 21}, {7, 20, 26}, {5, 20, 25, 26})),
    )
)  # fmt: skip

_EMOTION = {
    1: "positive",
    2: "surprise",
    3: "negative",
    4: "negative",
    5: "negative",
    6: "negative",
}


def class_number(cell: object) -> int | None:
    """Return an objective class as sheets write it, 1 to 7 or I to VII; None for all else.

    >>> class_number("IV"), class_number(4.0), class_number("8"), class_number(None)
    (4, 4, None, None)
    """
    text = str(cell).strip().upper().removesuffix(".0")
    number = _ROMAN.get(text, int(text) if text.isdecimal() else 0)
    return number if 1 <= number <= len(_ROMAN) else None


def objective_class(units: Iterable[str]) -> int:
    """Return the objective class, 1 (I) to 7 (VII), of a set of action units.

    The combinations are those seen in the sheets of CAS(ME)^3 and SAMM; sides do not count.
    Ours, for planted faces: 1+2+5, 1+2+26 and 1+2+5+26 in class II, 4+10 in class IV.
    The published column may differ in a few rows and is to be read, not recomputed.

    >>> objective_class(("L12",)), objective_class(("1", "2")), objective_class(("14",))
    (1, 2, 7)
    """
    numbers = frozenset(int(re.sub(r"\D", "", unit)) for unit in units)
    for index, sets in _OBJECTIVE:
        if numbers in sets:
            return index
    return 7


def emotion_of(units: Iterable[str]) -> str:
    """Return "negative", "positive", "surprise" or "others" by the objective class.

    A rule of thumb for simulated faces and for hints, not a reading of what a person feels.
    Two readings are ours: 17+24 alone (class III, anger-like) counts as others, and so does a
    lone cheek raiser (6) without the lip corners.

    >>> emotion_of(("6", "12")), emotion_of(("4", "9")), emotion_of(("17",))
    ('positive', 'negative', 'others')
    """
    given = tuple(units)
    numbers = {int(re.sub(r"\D", "", unit)) for unit in given}
    if numbers in ({17, 24}, {6}):
        return "others"
    return class_emotion(objective_class(given))


def class_emotion(number: int) -> str:
    """Return the emotion of an objective class, 1 (I) to 7 (VII).

    The usual reading (``docs/models/videomamba.md``); how a person felt is another
    matter: of CAS(ME)^3's disgust micro-expressions, more are of class III than of IV.

    >>> class_emotion(1), class_emotion(2), class_emotion(4), class_emotion(7)
    ('positive', 'surprise', 'negative', 'others')
    """
    return _EMOTION.get(number, "others")
