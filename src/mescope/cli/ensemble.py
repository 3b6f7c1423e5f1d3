"""``mescope ensemble``: the mean of several evaluations' answers, as an evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mescope.cli.evaluate import save_run, show_report
from mescope.cli.inputs import check_folder, refuse_existing
from mescope.cli.options import Force, Json
from mescope.errors import DatasetError

if TYPE_CHECKING:
    from mescope.evaluation.report import Report
    from mescope.evaluation.spotting_report import SpottingReport


def ensemble(
    reports: Annotated[
        list[Path],
        typer.Argument(
            metavar="reports",
            help="JSON reports of evaluations on the same clips, or the folders of their runs.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for the report.  Default: runs/NAME."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Of the ensemble.  Default: its members' names, with +.")
    ] = None,
    over_seeds: Annotated[
        bool, typer.Option(help="Also average the seeds of each: one answer of all.")
    ] = False,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Average the answers of finished evaluations, clip by clip.

    Each was tested on people it had not seen, so their mean was, too.  The classes' shares are
    averaged; an evaluation of one seed takes part in every seed of the others.  The folder gets
    what `mescope evaluate` writes, for `mescope compare`.  Choose the members before their
    figures are seen, or on other people.
    """
    from mescope.evaluation.ensemble import averaged
    from mescope.evaluation.report_comparison import name_of, read_evaluation

    files = [path / "report.json" if path.is_dir() else path for path in reports]
    members = [_checked(read_evaluation(file), file) for file in files]
    called = name or "+".join(name_of(file) for file in files)
    folder = output or Path("runs") / called
    refuse_existing([folder / "report.json"], force, sources=files)
    report = averaged(members, called, over_seeds=over_seeds)
    check_folder(folder)
    save_run(report, folder)
    show_report(report, folder, as_json)


def _checked(report: Report | SpottingReport | None, file: Path) -> Report:
    """Return an evaluation on clips.

    Raises:
        DatasetError: it is of another kind.
    """
    from mescope.evaluation.report import Report

    if not isinstance(report, Report):
        raise DatasetError(
            f"{file}: expected the report of an evaluation on clips, found one of recordings"
        )
    return report
