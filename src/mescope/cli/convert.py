"""``mescope convert``: marks of coders and models from one program to another."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mescope.cli.console import SOME_FAILED, explain, show, show_json
from mescope.cli.marks import Mapping, Part, Rate, Recording, clock_of, read_marks
from mescope.cli.options import Force, Json
from mescope.errors import OutputError

if TYPE_CHECKING:
    from mescope.annotations import AnnotationSet


def _list(asked: bool) -> None:
    """Print the formats and end."""
    if not asked:
        return
    from mescope.annotations import CODECS

    for name, codec in CODECS.items():
        ways = [w for w, how in (("read", codec.read), ("written", codec.write)) if how]
        show(f"{name:<12} {codec.title}; {', '.join(codec.suffixes)}; {', '.join(ways)}")
    raise typer.Exit


def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Marks, or JSON of `analyze`.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The file to write.")],
    read_as: Annotated[
        str | None, typer.Option("--from", help="Format of IN, if its ending does not say it.")
    ] = None,
    write_as: Annotated[
        str | None, typer.Option("--to", help="Format of OUT, if its ending does not say it.")
    ] = None,
    video: Recording = None,
    rate: Rate = None,
    part: Part = None,
    mapping: Mapping = None,
    force: Force = False,
    as_json: Json = False,
    formats: Annotated[
        bool,
        typer.Option(
            "--formats",
            help="List the formats with their endings.",
            is_eager=True,
            callback=_list,
        ),
    ] = False,
) -> None:
    """Turn marks into another format, such as ELAN's, BORIS's, WebVTT or CSV.

    The endings say which is which; --formats lists them. Frames count from 0 and
    both ends are included; a format that knows seconds only keeps the frames beside them, so
    nothing is lost on the way back. Marks that somebody made in ELAN or BORIS have seconds
    only: --video or --rate gives their frames. Files of any study are read with --mapping,
    which says what their tiers mean; what is no mark is kept as it stands. An EAF
    file with a tier that a coder made is not replaced by one without it, not even with
    --force. Exit status 3 means that marks had to be left out (each is named), or that none
    were found.
    """
    from mescope.annotations import flags, format_of, readable, writable, write

    _check(read_as, "--from", readable())
    _check(write_as, "--to", writable())
    contents = read_marks(source, read_as, clock_of(video, rate), part, mapping)
    # what would be written is less than what is there
    if contents.lost or contents.lost_cells or part is not None:
        _keep_source(source, target)
    sheets = contents.sets
    count = sum(len(sheet.marks) for sheet in sheets)
    codes = sum(len(tier.spans) for sheet in sheets for tier in sheet.coded)
    kept = sum(len(tier.cells) for sheet in sheets for tier in sheet.tiers)
    # a file may say that its videos hold no mark; one whose marks were left out says no such
    nothing = not count and not codes and not (mapping and kept)
    if nothing and (contents.remarks or not sheets):
        explain(f"found no marks in {source}; nothing was written")
        path = None
    else:
        path = write(sheets, target, format=write_as, media=video, date=_now(), force=force)
        for flag in flags(sheets, write_as or format_of(path)):
            explain(flag)
        more = f", {codes} codes" if codes else ""
        more += f" and {kept} cells of other tiers" if kept else ""
        explain(f"wrote {path}: {count} marks{more} of {len(sheets)} videos")
    if as_json:
        show_json({
            "output": path and str(path),
            "videos": [
                _about(s) for s in sheets
            ],
            "remarks": list(contents.remarks),
            "left_out": contents.lost,
        })  # fmt: skip
    if contents.lost or path is None:
        raise typer.Exit(SOME_FAILED)


def _keep_source(source: Path, target: Path) -> None:
    """Refuse to write a part of a file over that file."""
    try:
        if not os.path.samefile(source, target):
            return
    except OSError:
        return
    raise OutputError(
        f"{target} is the file that was read, and not all of it would be written; nothing was: "
        "choose another name"
    )


def _about(sheet: AnnotationSet) -> dict[str, Any]:
    about = {"video": sheet.video, "subject": sheet.subject, "marks": len(sheet.marks)}
    if codes := sum(len(tier.spans) for tier in sheet.coded):
        about["codes"] = codes
    cells = sum(len(tier.cells) for tier in sheet.tiers)
    return {**about, "cells": cells} if cells else about


def _check(format: str | None, option: str, known: Iterable[str]) -> None:
    if format is not None and format not in (names := list(known)):
        raise typer.BadParameter(f"{option} {format!r}: expected any of {', '.join(names)}")


def _now() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).isoformat(timespec="seconds")
