"""``mescope recognize``: the emotion of one expression."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mescope import defaults
from mescope.cli.console import explain, show, show_json
from mescope.cli.inputs import refuse_existing
from mescope.cli.options import Force, Json, Rate

if TYPE_CHECKING:
    from mescope.results import Recognitions


def recognize(
    clip: Annotated[
        str, typer.Argument(metavar="VIDEO|FOLDER", help="A video, or numbered pictures.")
    ],
    onset: Annotated[
        int, typer.Option(min=0, help="Last frame before the face moves; frames from 0.")
    ],
    apex: Annotated[int, typer.Option(min=0, help="Frame of the strongest motion.")],
    offset: Annotated[
        int | None, typer.Option(min=0, help="Frame of the end; for models of whole clips.")
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
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Name the emotion of one expression, by one model or several side by side.

    Onset and apex are known: `mescope spot` finds them, or you do by looking.
    """
    from mescope.analysis.recognition import recognize as run

    if picture is not None:
        refuse_existing([picture], force)
    result = run(
        clip, onset, apex, offset=offset, models=model or [defaults.RECOGNISER], rate=rate
    )
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
    if any(one.simulated for one in result.found):
        explain("weights that learned from simulated faces only propose; look for yourself")


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
