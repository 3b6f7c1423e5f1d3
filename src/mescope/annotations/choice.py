"""Which of several videos in a file of marks is meant: the one called as the recording."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from mescope.annotations.annotation import Contents, in_order
from mescope.annotations.clock import Clock
from mescope.annotations.coded import normal_coded
from mescope.annotations.tiers import normal_tiers
from mescope.errors import DatasetError

_SHOWN = 5  # names in an error


def file_name(path: str) -> str:
    """Return the last part of a path of any system, which another one may have written."""
    return PurePosixPath(path.replace("\\", "/")).name


def stem_of(video: str) -> str:
    r"""Return a video's name without the ending of a file; ``15_0101`` and ``1.2`` have none.

    >>> stem_of("C:\\films\\a.MP4"), stem_of("1.2")
    ('a', '1.2')
    """
    path = PurePosixPath(file_name(video))
    return path.stem if path.suffix[1:2].isalpha() else path.name


def fitting(names: Sequence[Iterable[str]], wanted: str) -> list[int]:
    """Return the positions of those that are called so: the same, or with another ending.

    Where none is, capitals and the two ways to write an accent make no difference.

    Args:
        names: what each is called: its videos, and the name under which the file keeps it.
        wanted: a name or path of a video, or such a name.
    """
    called = [[name for name in each if name] for each in names]
    exact = [i for i, each in enumerate(called) if wanted in each]
    if exact or not wanted:
        return exact
    whole = file_name(wanted)
    same = [i for i, each in enumerate(called) if whole in map(file_name, each)]
    if not same:
        stem = stem_of(whole)
        same = [i for i, each in enumerate(called) if stem in map(stem_of, each)]
    return same or [i for i, each in enumerate(called) if _plain(whole) in map(_plain, each)]


def _plain(video: str) -> str:
    return unicodedata.normalize("NFC", stem_of(video)).casefold()


def meant(names: Sequence[Sequence[str]], clock: Clock | None) -> list[int]:
    """Return the positions of those that belong to the recording behind a clock.

    All, where no recording is named or there is one only: a recording may have been renamed.

    Raises:
        DatasetError: there are several, and none is called as the recording.
    """
    if clock is None or clock.times is None or len(names) < 2:
        return list(range(len(names)))
    found = fitting(names, clock.video)
    if not found:
        raise DatasetError(_none_fits(clock.video, [each[0] for each in names if each]))
    return found


def chosen(contents: Contents, clock: Clock | None, part: str | None = None) -> Contents:
    """Return the sets that belong to a recording, or those of a name.

    Where a recording is named, what several people marked in it becomes one set.

    Raises:
        DatasetError: none is called so.
    """
    sets = contents.sets
    names = [(one.video, one.part) for one in sets]
    if part is not None:
        found = fitting(names, part)
        if not found:
            raise DatasetError(_none_fits(part, [" / ".join(filter(None, n)) for n in names]))
    else:
        found = meant(names, clock)
    picked = [sets[i] for i in found]
    remarks = contents.remarks
    others = [
        one.part or one.video
        for one in sets
        if one not in picked and (one.marks or one.coded or one.tiers)
    ]
    if others:
        remarks = (*remarks, f"not of this recording, and not used: {_some(others)}")
    if clock is not None and clock.times is not None and len(picked) > 1:
        marks = in_order(mark for one in picked for mark in one.marks)
        tiers = normal_tiers(tier for one in picked for tier in one.tiers)
        coded = normal_coded(tier for one in picked for tier in one.coded)
        picked = [replace(picked[0], marks=marks, coded=coded, tiers=tiers)]
    return replace(contents, sets=tuple(picked), remarks=remarks)


def _none_fits(wanted: str, names: Sequence[str]) -> str:
    return (
        f"expected marks of {wanted[:80]}, found those of {_some(names) or 'none'}; "
        "name one of them with --part"
    )


def _some(names: Sequence[str]) -> str:
    unique = list(dict.fromkeys(name[:60] for name in names))
    more = len(unique) - _SHOWN
    return ", ".join(unique[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
