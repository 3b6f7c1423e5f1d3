"""``mescope datasets import-features``: published features, joined to a data set's sheets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mescope.cli.console import explain, progress_bar, show, show_json
from mescope.cli.inputs import check_folder, refuse_existing
from mescope.cli.options import Force, Json

_MOST = 12  # remarks that are spelled out


def import_features(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", help="The pickled lists as their authors publish them, in order."
        ),
    ],
    dataset: Annotated[
        str, typer.Option(help="What they were measured on: samm-lv or casme3a.")
    ],
    root: Annotated[
        Path,
        typer.Option(
            metavar="<folder>", help="The data set's sheets; its pictures need not be there."
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for the features; made if absent.")
    ],
    leave_out: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A recording of the sheets that the files do not hold; may be given again.",
        ),
    ] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Take in features that the authors of ME-TST+ published, so that no video is needed.

    The files are read without unpickling them: whatever is no list and no array of numbers is
    refused. Their recordings have no names; the sheets name them, in the order of subjects and
    videos. `mescope evaluate RECIPE --features FOLDER` trains and tests on what is written.
    """
    from mescope.samples.feature_files import INDEX
    from mescope.samples.published_features import import_features as take_in

    refuse_existing([output / INDEX], force)
    check_folder(output)
    with progress_bar("features") as progress:
        found = take_in(
            files, dataset, root, output, leave_out=leave_out or (), progress=progress
        )
    errors = [f"{p.where}: {p.message}" for p in found.problems if p.level == "error"]
    for line in (*errors, *found.remarks)[:_MOST]:
        explain(line)
    if len(errors) + len(found.remarks) > _MOST:
        explain(f"and {len(errors) + len(found.remarks) - _MOST} more; --json lists all")
    summary = {
        "output": str(output),
        "recordings": len(found.recordings),
        "subjects": len({one.recording.subject for one in found.recordings}),
        "micro": sum(
            e.kind == "micro" for one in found.recordings for e in one.recording.expressions
        ),
        "windows": sum(len(one.windows) for one in found.recordings),
        "frames": sum(one.used for one in found.recordings),
        "regions": found.regions,
    }
    if as_json:
        show_json({**summary, "remarks": [*errors, *found.remarks]})
    else:
        show(
            "{recordings} recordings of {subjects} subjects, {micro} micro-expressions, "
            "{windows} windows of {regions} regions, {frames} frames".format(**summary)
        )
    explain(f"wrote {output}; mescope evaluate RECIPE --features {output}")
