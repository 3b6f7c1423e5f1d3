"""The registry of formats in which annotations come and go.

Everything that offers formats (``mescope convert``, ``Analysis.save``, the review app and its
page) reads :data:`CODECS`, so a format that registers itself is offered everywhere:

    CODECS.register("my-format")(
        Codec(title="My format", suffixes=(".mine",), read=read, write=write)
    )

An installed package registers one by an entry point in the group ``mescope.codecs``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mescope.annotations.annotation import AnnotationSet, Contents
from mescope.annotations.clock import Clock
from mescope.annotations.mapping import TableLayout
from mescope.errors import DatasetError
from mescope.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a file says beside its annotations.

    ``media`` is the path of the only video relative to the file, empty if it is not known;
    ``date`` is when the file was made, ISO 8601 with zone; None: the same for all files, so
    that the same annotations make the same bytes.
    """

    media: str = ""
    date: str | None = None


Reader = Callable[[Path, Clock | None], Contents]
"""``read(path, clock)``; raises DatasetError with one line for a file that is damaged."""

TierReader = Callable[[Path, Clock | None, TableLayout | None], Contents]
"""``tiers(path, clock, layout)``; raises DatasetError as a reader does."""

Writer = Callable[[Sequence[AnnotationSet], Header], bytes]
"""``write(sets, header)``: one set a video."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """One format: how its files are called, and how they are read and written.

    Attributes:
        title: what people call it.
        suffixes: how its files end, dot included; new files get the first.
        read: makes annotations of a file; None for a format that is only written.
        write: makes the bytes of a file; None for a format that is only read.
        media_type: for downloads.
        several: whether a file holds several videos.
        needs_times: whether annotations must have times in seconds to be written.
        whole_milliseconds: whether it shows times in whole milliseconds.
        tiers: ``tiers(path, clock, layout)`` reads any file of the program, whoever made it,
            with what is no mark as tiers; ``layout`` is for tables.  None: there are none.
        codes: whether it holds codes of a scheme as such; other formats get them as tiers.
        keep_coders: ``keep_coders(path, data)`` refuses, by OutputError, to replace a file by
            ``data`` where that would lose what a coder made.
    """

    title: str
    suffixes: tuple[str, ...]
    read: Reader | None = None
    write: Writer | None = None
    media_type: str = "text/plain"
    several: bool = True
    needs_times: bool = True
    whole_milliseconds: bool = False
    tiers: TierReader | None = None
    codes: bool = False
    keep_coders: Callable[[Path, bytes], None] | None = None


CODECS: Registry[Codec] = Registry("format", "mescope.codecs", DatasetError)
"""Formats by name."""


def readable() -> dict[str, Codec]:
    """Return the formats that can be read, by name."""
    return {name: codec for name, codec in CODECS.items() if codec.read is not None}


def writable() -> dict[str, Codec]:
    """Return the formats that can be written, by name."""
    return {name: codec for name, codec in CODECS.items() if codec.write is not None}


def suffix_in(name: str, suffixes: Iterable[str]) -> str | None:
    """Return the longest of some suffixes with which a file name ends, whatever its case.

    >>> suffix_in("a.ActivityNet.json", [".json", ".activitynet.json"])
    '.activitynet.json'
    """
    lower = name.lower()
    return max((s for s in suffixes if lower.endswith(s.lower())), key=len, default=None)


def format_of(path: str | Path) -> str:
    """Return the name of the format that the suffix of a file means.

    Of formats that share a suffix, the one that was registered first counts.

    Raises:
        DatasetError: no format has such a suffix.
    """
    known: dict[str, str] = {}
    for name, codec in CODECS.items():
        for suffix in codec.suffixes:
            known.setdefault(suffix, name)
    found = suffix_in(Path(path).name, known)
    if found is None:
        names = ", ".join(dict.fromkeys(known.values()))
        if Path(path).suffix.lower() == ".srt":
            raise DatasetError(
                f"{Path(path).name}: SubRip is not read; make it WebVTT: save it as .vtt with "
                "a line WEBVTT and an empty line before all else, and points in place of the "
                "commas in times (00:00:01.000)"
            )
        raise DatasetError(
            f"cannot tell the format of {Path(path).name!r}: expected a name that ends in "
            f"{', '.join(known)}, or say which of {names} it is"
        )
    return known[found]
