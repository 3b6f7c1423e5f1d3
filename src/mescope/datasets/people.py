"""People of your own recordings, looked at before a split by person believes them.

Two spellings of one name, or recordings that name nobody, put one person on both sides of a
split without any error.  Whether they do, only the user can say: these are warnings.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable

from mescope.datasets.base import some
from mescope.events import Recording


def number_of(cell: object) -> int | None:
    """Return the number of a person, however a sheet writes it; None for another kind of name.

    >>> [number_of(cell) for cell in (1, "01", 1.0, "sub01", "s1", "S 001", "Subject_1", "A1")]
    [1, 1, 1, 1, 1, 1, 1, None]
    """
    text = re.fullmatch(
        r"(?:s|sub|subject|sp|spno)?[\s._-]*0*(\d{1,9})(?:\.0)?",
        str(cell).strip(),
        re.IGNORECASE,
    )
    return None if text is None else int(text[1])


def doubts(recordings: Collection[Recording], nameless: Collection[str]) -> list[str]:
    """Return in sentences what is doubtful about who is who.

    Args:
        recordings: all of them.
        nameless: names of those without a subject, which count as a person each.
    """
    said = [
        f"the subjects {some(alike)} count as {len(alike)} people, but their names differ in "
        "capitals, leading zeros or the coding of letters only; if they are one person, write "
        "them alike"
        for alike in _alike((one.dataset, one.subject) for one in recordings)
    ]
    if nameless and len(recordings) > 1:
        said.append(
            f"{len(nameless)} recordings have no subject and count as a person each "
            f"({some(sorted(nameless))}); where they show one person, or somebody of the "
            "others, that person is learned from and tested: add a column subject"
        )
    return said


def _alike(people: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Return the subjects of one data set that read alike, each group sorted."""
    groups: dict[tuple[str, str], set[str]] = {}
    for dataset, subject in people:
        groups.setdefault((dataset, _plain(subject)), set()).add(subject)
    return [sorted(group) for group in groups.values() if len(group) > 1]


def _plain(subject: str) -> str:
    """Return a name as a hasty reader takes it.

    >>> _plain("S006"), _plain("s6"), _plain("10")
    ('s6', 's6', '10')
    """
    text = unicodedata.normalize("NFC", subject).casefold()
    return re.sub(r"(?<!\d)0+(?=\d)", "", text)
