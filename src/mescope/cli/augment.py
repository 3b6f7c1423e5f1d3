"""``mescope augment``: more training clips from those a data set has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from mescope.cli.console import explain, progress_bar, show_json
from mescope.cli.inputs import check_folder
from mescope.cli.options import Json
from mescope.cli.told import told

app = typer.Typer(
    help="Make more training clips from a data set's long videos.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def augment() -> None:
    """Keep ``rsmix`` a word of its own, although it is the only one so far."""


@app.command()
def rsmix(
    dataset: Annotated[
        str, typer.Argument(help="A name from `mescope datasets` with long videos.")
    ],
    root: Annotated[Path, typer.Option(metavar="<folder>", help="Where the data set lies.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for the clips; made if absent.")
    ],
    table: Annotated[
        Path | None,
        typer.Option(help="The annotation table, if it has another name than usual."),
    ] = None,
    au_table: Annotated[
        str, typer.Option(help="Action units to landmarks: clean, or as_published.")
    ] = "clean",
    smoothing: Annotated[
        str,
        typer.Option(
            help="How crops are calmed: median5, clip (one place for all frames), or none, as "
            "published."
        ),
    ] = "median5",
    mask: Annotated[
        str, typer.Option(help="Cells pasted: of each frame, or their union over the clip.")
    ] = "frame",
    extent: Annotated[
        str, typer.Option(help="What a crop shows: square (with hair and neck), or tight.")
    ] = "square",
    size: Annotated[int, typer.Option(min=14, help="Side of the crops, px.")] = 224,
    guard: Annotated[
        int, typer.Option(min=0, help="Frames beside an expression that are not neutral.")
    ] = 5,
    keep_long: Annotated[
        bool, typer.Option("--keep-long", help="Take micro-expressions of over 3 s, too.")
    ] = False,
    control: Annotated[
        bool,
        typer.Option(
            "--control",
            help="Paste the same cells from a neutral stretch: what a model that learned the "
            "mask instead of the motion would still name.",
        ),
    ] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    as_json: Json = False,
) -> None:
    """Paste the moving regions of every expression onto neutral frames of the same video.

    Regional selective mixup, for training only.  The folder gets the clips, expressions.csv and
    recordings.csv, which the data set `folder` reads, and log.csv: what became of every
    expression.  People keep their names, so split by person.  The same command goes on with a
    run that was interrupted.
    """
    from mescope.datasets import read
    from mescope.face.nasal_crop import Extent, Smoothing
    from mescope.facs import Table
    from mescope.samples.rsmix.paste import MaskRule
    from mescope.samples.rsmix.plan import Settings
    from mescope.samples.rsmix.write import augment_rsmix

    settings = Settings(
        table=cast(Table, au_table),
        smoothing=cast(Smoothing, smoothing),
        mask=cast(MaskRule, mask),
        extent=cast(Extent, extent),
        size=size,
        guard=guard,
        keep_long=keep_long,
        control=control,
    )
    check_folder(output)
    data = read(dataset, root, table=table)
    for problem in data.errors:
        explain(str(problem))
    with told(output, "manifest.json"), progress_bar(output.name) as progress:
        made = augment_rsmix(data, output, settings, jobs=jobs, progress=progress)
    if as_json:
        counts = {"clips": made.clips, "skipped": made.skipped}
        show_json({"folder": str(made.folder), "log": str(made.log), **counts})
    else:
        print(made.folder)
    explain(f"{made.clips} clips made, {made.skipped} expressions skipped; {made.log} says why")
