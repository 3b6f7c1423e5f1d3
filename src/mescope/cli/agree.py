"""``mescope agree``: two coders, or a coder and a model, on the same recordings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mescope.cli.console import SOME_FAILED, explain, show, show_json
from mescope.cli.marks import Mapping, Part, Rate, Recording, clock_of, read_marks
from mescope.cli.options import Json
from mescope.errors import DatasetError

if TYPE_CHECKING:
    from mescope.annotations import AnnotationSet
    from mescope.evaluation.agreement import Agreement


def agree(
    first: Annotated[Path, typer.Argument(metavar="A", help="Marks of a coder or a model.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Marks of another.")],
    source_a: Annotated[
        str | None, typer.Option(help="Whose marks of A: a coder's name, or model.")
    ] = None,
    source_b: Annotated[
        str | None, typer.Option(help="Whose marks of B: a coder's name, or model.")
    ] = None,
    video: Recording = None,
    rate: Rate = None,
    part: Part = None,
    mapping: Mapping = None,
    frames: Annotated[
        int | None, typer.Option(min=1, help="How many frames each video has, for kappa.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Print how well two sets of marks agree: F1 at IoU 0.5, and Cohen's kappa per frame.

    A and B are files of `mescope analyze` or `mescope convert`, or coders' own: CSV, EAF,
    BORIS, WebVTT, JSON. Both may be the same file where it has the marks of several. Marks
    that were rejected do not count. Kappa compares every frame: in such an expression or not.
    Exit status 3 means that marks had to be left out (each is named).
    """
    from mescope.evaluation.agreement import agree as compare
    from mescope.evaluation.agreement import paired

    if video is not None and frames is not None:
        raise typer.BadParameter("--video says how many frames there are; leave --frames out")
    clock = clock_of(video, rate)
    length = len(clock.times) if clock and clock.times is not None else frames
    found = [read_marks(path, None, clock, part, mapping) for path in (first, second)]
    mine, theirs = (
        _chosen(path, contents.sets, source, length)
        for path, contents, source in zip(
            (first, second), found, (source_a, source_b), strict=True
        )
    )
    pairs, alone = paired(mine, theirs)
    if alone:
        explain(f"not compared, since only one side has them: {', '.join(alone)}")
    result = compare(pairs)
    if as_json:
        show_json({**result.to_dict(), "not_compared": list(alone)})
    else:
        _show(result)
    if any(contents.lost for contents in found):
        raise typer.Exit(SOME_FAILED)


def _chosen(
    path: Path, sheets: tuple[AnnotationSet, ...], source: str | None, length: int | None
) -> list[AnnotationSet]:
    """Return the marks of one coder or model, with the length of the video if it is named."""
    from mescope.evaluation.agreement import made_by

    chosen = [made_by(sheet, source) for sheet in sheets]
    if source is not None and not any(sheet.marks for sheet in chosen):
        known = sorted({m.source or m.origin for sheet in sheets for m in sheet.marks})
        raise DatasetError(
            f"{path.name}: expected marks of {source!r}, found those of "
            f"{', '.join(known) or 'nobody'}"
        )
    return [sheet if length is None else replace(sheet, frames=length) for sheet in chosen]


def _show(result: Agreement) -> None:
    show(f"{result.videos} videos that both have")
    show(_events(result))
    if any(row.frames is None for row in result.rows.values()):
        explain("kappa per frame needs the number of frames; name --video or --frames")
    pairs = int(result.emotions.sum())
    if pairs:
        same = int(result.emotions.trace())
        kappa = result.to_dict()["emotion"]["kappa"]
        show(f"emotion: {same} of {pairs} pairs alike, kappa {_number(kappa)}")
    if result.shifts:
        onset, offset = result.shifts
        show(f"median distance in frames: onset {onset:g}, offset {offset:g}")


def _events(result: Agreement) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for i, name in enumerate(("", "both", "only A", "only B", "F1", "kappa per frame")):
        table.add_column(name, justify="right" if i else "left", no_wrap=True)
    for name, row in result.rows.items():
        counts = (row.counts.tp, row.counts.fp, row.counts.fn)
        empty = not any(counts)
        f1 = "–" if empty else f"{row.counts.f1:.4f}"
        table.add_row(name, *map(str, counts), f1, _number(row.kappa))
    return table


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
