"""Annotations of coders and models, as the programs of behaviour coders exchange them.

:func:`read` and :func:`write` choose the format by the name of the file; what a format cannot
show is kept beside it, so that annotations come back as they were.  A file with tiers of coders
is not replaced by one without them.  :data:`CODECS` are the formats.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mescope.annotations import formats  # noqa: F401  # registers them
from mescope.annotations.annotation import (
    Annotation,
    AnnotationSet,
    Contents,
    flags_of,
    from_detection,
    normal,
)
from mescope.annotations.choice import chosen
from mescope.annotations.clock import Clock, timed
from mescope.annotations.codecs import (
    CODECS,
    Codec,
    Header,
    format_of,
    readable,
    suffix_in,
    writable,
)
from mescope.annotations.coded_read import without_codes
from mescope.annotations.mapped import Mapped, mapped
from mescope.annotations.mapping import (
    TableLayout,
    TierMapping,
    TierMeaning,
    dumps_mapping,
    read_mapping,
)
from mescope.annotations.mapping_proposal import propose, summaries
from mescope.annotations.table_tiers import layout_of_table
from mescope.annotations.tier_count import TierCount
from mescope.annotations.tiers import Cell, Tier
from mescope.errors import DatasetError, OutputError
from mescope.io.atomic import write_atomically
from mescope.moved import renamed

__all__ = [
    "CODECS",
    "Annotation",
    "AnnotationSet",
    "Cell",
    "Clock",
    "Codec",
    "Contents",
    "Header",
    "Mapped",
    "TableLayout",
    "Tier",
    "TierCount",
    "TierMapping",
    "TierMeaning",
    "dumps",
    "dumps_mapping",
    "flags",
    "format_of",
    "from_detection",
    "normal",
    "propose",
    "read",
    "read_mapped",
    "read_mapping",
    "read_tiers",
    "readable",
    "suffix_in",
    "summaries",
    "table_columns",
    "timed",
    "writable",
    "write",
]

__getattr__ = renamed(
    __name__,
    {
        "Mark": "mescope.annotations.Annotation",
        "Sheet": "mescope.annotations.AnnotationSet",
        "FORMATS": "mescope.annotations.CODECS",
    },
)


def read(
    path: str | Path,
    *,
    format: str | None = None,
    clock: Clock | None = None,
    part: str | None = None,
    mapping: TierMapping | None = None,
) -> Contents:
    """Return the annotations of a file, with remarks on what was left out or changed.

    Args:
        path: a file in one of the formats of :func:`readable`.
        format: which, if the suffix does not say it.
        clock: the times of the recording: needed where a file knows seconds only, and used to
            give times to annotations that have frames only.  Of several videos in a file, the
            one with the name of the recording is read.
        part: which of several to read: the name of a video or, in BORIS, of an observation.
        mapping: what the tiers of other programs mean; see :func:`read_mapping`.

    Raises:
        DatasetError: the file cannot be read, is of another format, is damaged, has marks
            outside the recording, or several videos of which none has its name; one line.
    """
    if mapping is not None:
        return read_mapped(path, mapping, format=format, clock=clock, part=part).told
    path = Path(path)
    codec = _chosen(format or format_of(path), readable())
    assert codec.read is not None  # it is readable
    if part is not None and clock is not None:
        clock = replace(clock, video=part)
    contents = chosen(codec.read(path, clock), clock, part)
    return replace(contents, sets=tuple(timed(one, clock) for one in contents.sets))


def read_tiers(
    path: str | Path,
    *,
    format: str | None = None,
    clock: Clock | None = None,
    part: str | None = None,
    layout: TableLayout | None = None,
) -> Contents:
    """Return what any file of ELAN, BORIS, Datavyu or a table holds, its tiers as they stand.

    Args:
        path: the file.
        format: as for :func:`read`.
        clock: as for :func:`read`.
        part: as for :func:`read`.
        layout: which columns of a table say what; None: as their names say.

    Raises:
        DatasetError: as :func:`read`, or a format that has no tiers.
    """
    path = Path(path)
    name = format or format_of(path)
    codec = _chosen(name, readable())
    if codec.tiers is None:
        known = [one for one, other in CODECS.items() if other.tiers is not None]
        raise DatasetError(f"expected a file of {', '.join(known)}, found one of {name}")
    if part is not None and clock is not None:
        clock = replace(clock, video=part)
    return chosen(codec.tiers(path, clock, layout), clock, part)


def table_columns(
    path: str | Path, format: str | None = None
) -> tuple[tuple[str, ...], TableLayout | None]:
    """Return the columns of a CSV table and which of them say what; none of another file.

    Raises:
        DatasetError: it cannot be read.
    """
    if (format or format_of(path)) != "csv":
        return (), None
    return layout_of_table(Path(path))


def read_mapped(
    path: str | Path,
    mapping: TierMapping,
    *,
    format: str | None = None,
    clock: Clock | None = None,
    part: str | None = None,
    coder: str = "",
) -> Mapped:
    """Return the annotations of a file as a mapping reads it, and what became of each tier.

    Args:
        path: the file.
        mapping: what its tiers mean; those of which it says nothing are kept as they stand.
        format: as for :func:`read`.
        clock: as for :func:`read`.
        part: as for :func:`read`.
        coder: whose the marks are where neither mapping nor file says it.

    Raises:
        DatasetError: as :func:`read_tiers`.
    """
    name = format or format_of(path)
    found = read_tiers(path, format=name, clock=clock, part=part, layout=mapping.table)
    done = mapped(found, mapping, clock, coder=coder)
    sets = tuple(timed(one, clock) for one in done.contents.sets)
    return replace(done, contents=replace(done.contents, sets=sets))


def dumps(
    sets: Sequence[AnnotationSet], format: str, *, media: str = "", date: str | None = None
) -> bytes:
    """Return the bytes of a file.

    Args:
        sets: one a video; exactly one for a format that holds one video.
        format: one of :func:`writable`.
        media: where the only video lies, as a path relative to the file.
        date: when it was made, ISO 8601 with zone; fixed if not given.

    Raises:
        DatasetError: an annotation has no times and the format needs them, several videos for
            a format of one, or an unknown format.
    """
    codec = _chosen(format, writable())
    assert codec.write is not None  # it is writable
    ready = tuple(timed(one) for one in sets) if codec.needs_times else tuple(sets)
    ready = ready if codec.codes else tuple(without_codes(one) for one in ready)
    if not codec.several and len(ready) != 1:
        others = [name for name, other in writable().items() if other.several]
        raise DatasetError(
            f"expected marks of one video for {codec.title}, found {len(ready)} videos; "
            f"write {', '.join(others)}, or convert one video at a time"
        )
    return codec.write(ready, Header(media=media, date=date))


def write(
    sets: Sequence[AnnotationSet],
    path: str | Path,
    *,
    format: str | None = None,
    media: str | Path | None = None,
    date: str | None = None,
    force: bool = False,
) -> Path:
    """Write annotations to a file in one step and return its path.

    Args:
        sets: as for :func:`dumps`.
        path: the file; its suffix means the format unless ``format`` says it.
        format: one of :func:`writable`.
        media: the video on this machine, linked by its path relative to the file.
        date: as for :func:`dumps`.
        force: replace a file.  An EAF with tiers of a coder that are not among ``sets`` is
            kept even so.

    Raises:
        DatasetError: as :func:`dumps`.
        OutputError: the file exists, or cannot be written.
    """
    path = Path(path)
    chosen = format or format_of(path)
    there = os.path.lexists(path)
    if there and not force:
        raise OutputError(f"{path} exists already and is kept; --force replaces it")
    link = "" if media is None else _relative(Path(media), path.parent)
    data = dumps(sets, chosen, media=link, date=date)
    keep_coders = CODECS[chosen].keep_coders
    if there and keep_coders is not None:
        keep_coders(path, data)
    write_atomically(path, data)
    return path


def flags(sets: Sequence[AnnotationSet], format: str) -> tuple[str, ...]:
    """Return, in words, what a format cannot show of annotations although it keeps it."""
    codec = CODECS.get(format)
    if codec is None or not codec.whole_milliseconds:
        return ()
    return tuple(flag for one in sets for flag in flags_of(timed(one)))


def _chosen(name: str, known: dict[str, Codec]) -> Codec:
    if name not in known:
        raise DatasetError(f"expected a format of {', '.join(known)}, found {name!r}")
    return known[name]


def _relative(media: Path, folder: Path) -> str:
    try:
        return os.path.relpath(media, folder or ".").replace(os.sep, "/")
    except ValueError:  # another drive
        return media.name
