"""``mescope convert``: marks of coders and models from one program to another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mescope.cli.console import explain, show_json
from mescope.cli.marks import Rate, Recording, clock_of, read_marks
from mescope.cli.options import Force, Json

FORMATS = ("csv", "elan", "boris", "vtt", "activitynet")


def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Marks, or JSON of `analyze`.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The file to write.")],
    read_as: Annotated[
        str | None, typer.Option("--from", help=f"Format of IN: {', '.join(FORMATS)}.")
    ] = None,
    write_as: Annotated[
        str | None, typer.Option("--to", help=f"Format of OUT: {', '.join(FORMATS)}.")
    ] = None,
    video: Recording = None,
    rate: Rate = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Turn marks into another format: ELAN, BORIS, WebVTT, ActivityNet's JSON, or CSV.

    The endings .csv, .eaf, .boris, .vtt and .json say which is which. Frames count from 0 and
    both ends are included; a format that knows seconds only keeps the frames beside them, so
    nothing is lost on the way back. Marks that somebody made in ELAN or BORIS have seconds
    only: --video or --rate gives their frames. A tier that a coder made in an EAF file is
    never replaced, not even with --force.
    """
    from mescope.annotations import flags, format_of, write

    _check(read_as, "--from")
    _check(write_as, "--to")
    contents = read_marks(source, read_as, clock_of(video, rate))
    sheets = contents.sheets
    path = write(sheets, target, format=write_as, media=video, date=_now(), force=force)
    for flag in flags(sheets, write_as or format_of(path)):
        explain(flag)
    count = sum(len(sheet.marks) for sheet in sheets)
    explain(f"wrote {path}: {count} marks of {len(sheets)} videos")
    if as_json:
        videos = [
            {"video": s.video, "subject": s.subject, "marks": len(s.marks)} for s in sheets
        ]
        show_json({"output": str(path), "videos": videos, "remarks": list(contents.remarks)})


def _check(format: str | None, option: str) -> None:
    if format is not None and format not in FORMATS:
        raise typer.BadParameter(f"{option} {format!r}: expected any of {', '.join(FORMATS)}")


def _now() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).isoformat(timespec="seconds")
