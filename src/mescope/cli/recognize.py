"""``mescope recognize``: the emotion of one expression, or of all in a table."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mescope import defaults
from mescope.cli.console import SOME_FAILED, explain, progress_bar, show, show_json
from mescope.cli.inputs import refuse_existing
from mescope.cli.options import Device, Force, Json, Rate
from mescope.errors import MescopeError
from mescope.io.formula_guard import guarded

if TYPE_CHECKING:
    from mescope.analysis.recognize_many import NamedExpression
    from mescope.results import Recognition, Recognitions


def recognize(
    clip: Annotated[
        str,
        typer.Argument(
            metavar="VIDEO|FOLDER",
            help="A video, or numbered pictures; with --table, the folder that it is about.",
        ),
    ],
    onset: Annotated[
        int | None, typer.Option(min=0, help="Last frame before the face moves, from 0.")
    ] = None,
    apex: Annotated[
        int | None, typer.Option(min=0, help="Frame of the strongest motion.")
    ] = None,
    offset: Annotated[
        int | None, typer.Option(min=0, help="Frame of the end; for models of whole clips.")
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(
            metavar="<csv>",
            help="In place of frames: a table of many expressions, as `mescope spot` and the "
            "data set `folder` have it; of a video only its own rows.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="<csv>", help="With --table: write the answers."
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="A name from `mescope models`, or a weights file; give it again for another. "
            f"Default: {defaults.RECOGNISER}."
        ),
    ] = None,
    rate: Rate = None,
    picture: Annotated[
        Path | None,
        typer.Option(metavar="<png>", help="Also draw onset, apex, their flow and the shares."),
    ] = None,
    device: Device = "cpu",
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Name the emotion of one expression, or of many, by one model or several side by side.

    Onset and apex are known: `mescope spot` finds them, or you do by looking. In a table the
    apex may be missing; it is looked for then.
    """
    models = model or [defaults.RECOGNISER]
    if table is not None:
        beside = {
            "--onset": onset, "--apex": apex, "--offset": offset, "--picture": picture,
            "--rate": rate,
        }  # fmt: skip
        if given := [name for name, value in beside.items() if value is not None]:
            raise MescopeError(
                f"expected frames from the table, found {', '.join(given)} beside it; leave "
                "them out (a table may have a column rate)"
            )
        return _table(Path(clip), table, models, output, device, force=force, as_json=as_json)
    if onset is None or apex is None or output is not None:
        raise MescopeError(
            "expected --onset and --apex, or a --table of many expressions (whose answers "
            "--output writes); give one of both"
        )
    if picture is not None:
        refuse_existing([picture], force, source=clip)
    _one(clip, (onset, apex, offset), models, rate, picture, device, as_json=as_json)


def _one(
    clip: str, frames: tuple[int, int, int | None], models: list[str], rate: float | None,
    picture: Path | None, device: str, *, as_json: bool,
) -> None:  # fmt: skip
    from mescope.analysis.recognition import recognize as run

    onset, apex, offset = frames
    result = run(clip, onset, apex, offset=offset, models=models, rate=rate, device=device)
    if picture is not None:
        from mescope.reports.clip_picture import save_picture

        save_picture(result, picture)
        explain(f"wrote {picture}")
    if as_json:
        show_json(result.to_dict())
    else:
        _show(result)
    for warning in result.warnings:
        explain(warning)
    _warn(result.found)


def _table(
    clip: Path, table: Path, models: list[str], output: Path | None, device: str, *,
    force: bool, as_json: bool,
) -> None:  # fmt: skip
    """Name all expressions of a table; what cannot be named is told, and the rest goes on."""
    from mescope.analysis.recognize_many import COLUMNS, recognize_all
    from mescope.cli.recordings import tell
    from mescope.datasets.folder import read
    from mescope.io.atomic import write_table
    from mescope.video.image_folders import has_numbered_pictures

    if output is not None:
        refuse_existing([output], force, source=table)
    alone = clip.is_file() or has_numbered_pictures(p.name for p in clip.glob("*"))
    data = read(clip.parent if alone else clip, table=table)
    if alone:
        own = tuple(r for r in data.recordings if r.path and Path(r.path).samefile(clip))
        data = dataclasses.replace(data, recordings=own)
    tell(data.problems)
    with progress_bar("naming expressions") as progress:
        found = recognize_all(data, models=models, device=device, progress=progress)
        named = list(found)
    rows = [row for one in named for row in one.rows()]
    if output is not None:
        shares = dict.fromkeys(key for row in rows for key in row if key not in COLUMNS)
        write_table(output, [*COLUMNS, *shares], map(_safe, rows))
        explain(f"wrote {output}")
    if as_json:
        show_json(rows)
    else:
        _show_rows(rows)
    _warn([found for one in named for found in one.found])
    # rows about other videos are nobody's loss where one video is asked about
    lost = 0 if alone else sum(p.rows for p in data.problems if p.level == "error")
    if _tell_losses(named, lost):
        raise typer.Exit(SOME_FAILED)


def _tell_losses(named: Sequence[NamedExpression], lost: int) -> bool:
    """Say what could not be named and how many rows were left out; return whether any."""
    failed = [one for one in named if one.error]
    for one in failed:
        span = one.expression.interval
        explain(f"{one.recording.name} {span.first}-{span.last}: {one.error}")
    if failed:
        explain(f"{len(failed)} of {len(named)} expressions could not be named")
    if lost:
        rows_are = "1 row of the table was" if lost == 1 else f"{lost} rows of the table were"
        explain(f"{rows_are} left out, as said above; all others were asked about")
    return bool(failed or lost)


def _safe(row: dict[str, object]) -> dict[str, object]:
    """Return a row in which no text is taken for a formula."""
    return {k: guarded(v) if isinstance(v, str) else v for k, v in row.items()}


def _warn(found: Iterable[Recognition]) -> None:
    if any(one.simulated for one in found):
        explain("weights that learned from simulated faces only propose; look for yourself")


def _show_rows(rows: list[dict[str, object]]) -> None:
    from rich.table import Table
    from rich.text import Text

    columns = ("recording", "onset", "apex", "offset", "emotion", "model", "named", "share")
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        share = row.get(f"share_{row['named']}")
        shown = {**row, "share": "" if share is None else f"{share:.2f}"}
        table.add_row(*(Text("" if shown[c] is None else str(shown[c])) for c in columns))
    show(table)


def _show(result: Recognitions) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    classes = list(dict.fromkeys(name for one in result.found for name in one.shares))
    for column in ("model", "emotion", *classes, "UF1 on real maps"):
        table.add_column(column, justify="left" if column in ("model", "emotion") else "right")
    for one in result.found:
        shares = [f"{one.shares[c]:.2f}" if c in one.shares else "" for c in classes]
        worth = f"{one.scores['real_uf1']:.2f}" if "real_uf1" in one.scores else "not measured"
        table.add_row(one.model, one.emotion, *shares, worth)
    show(f"{result.source}: onset {result.onset}, apex {result.apex}")
    show(table)
