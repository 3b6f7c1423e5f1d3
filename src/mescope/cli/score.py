"""``mescope score``: detections against the truth, from tables, without a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mescope.cli.console import explain, show, show_json
from mescope.cli.inputs import refuse_existing
from mescope.cli.options import Force, Json

if TYPE_CHECKING:
    from mescope.evaluation.chance import Chance
    from mescope.evaluation.interval_table import Table
    from mescope.evaluation.megc import Files
    from mescope.evaluation.spotting_report import SpottingReport


def score(
    found: Annotated[
        Path,
        typer.Argument(metavar="found", help="What was found: a CSV table or an MEGC log."),
    ],
    truth: Annotated[
        Path,
        typer.Argument(metavar="truth", help="What is true: a CSV table or an MEGC list."),
    ],
    mode: Annotated[
        str, typer.Option(help="clean, or as_published_... to count as a published code does.")
    ] = "clean",
    classes: Annotated[
        str, typer.Option(help="The emotions, with commas, in the order of the figures.")
    ] = "negative,positive,surprise,others",
    minutes: Annotated[
        float | None,
        typer.Option(
            min=0.01, max=1e8, help="Minutes of all videos together, for false alarms."
        ),
    ] = None,
    lengths: Annotated[
        Path | None,
        typer.Option(
            help="A CSV table of subject, video and frames: where random detections may lie."
        ),
    ] = None,
    submission: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Also write what was found for the spot-then-recognise track of MEGC 2025: "
            "frames from 1, without others and neutral.",
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Also write a page, as of evaluations; needs --rate."
        ),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            max=1_000_000,
            help="Frames per second: a detection without a type is micro up to half a second. "
            "Logs know theirs; --html needs it.",
        ),
    ] = None,
    first: Annotated[
        int,
        typer.Option(
            min=0, max=1, help="Number of the first frame in FOUND; 1 in files of challenges."
        ),
    ] = 0,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Score detections: spotting, recognition on the hits, and both at once.

    Tables have the columns subject, video, onset, offset, type, and emotion and au if there
    are such; frames count from 0 and include both ends. A video without expressions has a row
    without onset and offset. The files of the MEGC challenges of 2020 to 2025 are read as they
    are. Below each kind stands what as many detections of the same lengths score
    at random places.
    """
    from mescope.evaluation.chance import at_random
    from mescope.evaluation.interval_table import read_lengths
    from mescope.evaluation.megc import open_files, write_submission
    from mescope.evaluation.scores import score as count
    from mescope.evaluation.spotting_from_tables import report_from_tables
    from mescope.evaluation.summary import summarize
    from mescope.io.atomic import write_atomically

    written = [path for path in (submission, html) if path is not None]
    refuse_existing(written, force, sources=(found, truth))
    if html is not None and (rate is None or mode != "clean"):
        raise typer.BadParameter("expected --html with --rate, in mode clean")
    names = [name.strip() for name in classes.split(",") if name.strip()]
    files = open_files(found, truth, rate=rate, first=first)
    mine, theirs = files.found, files.truth
    scores = count(mine, theirs, mode=mode, classes=names)
    remarks = [*mine.remarks, *theirs.remarks, *_left_out(mine, mode)]
    for remark in remarks:
        explain(remark)
    frames = None if lengths is None else read_lengths(lengths, mine.videos | theirs.videos)
    chance = at_random(mine, theirs, mode=mode, frames=frames)
    summary = summarize(scores, minutes=minutes, chance=chance)
    if remarks:
        summary["remarks"] = remarks
    if files.log:
        summary["log"] = _log(files, mode)
    if submission is not None:
        write_atomically(submission, write_submission(mine).encode())
        explain(f"wrote {submission}")
    if html is not None and rate is not None:
        _write_page(html, report_from_tables(
            mine, theirs, name=found.name, rate=rate, frames=frames
        ))  # fmt: skip
    if as_json:
        show_json(summary)
    else:
        _show(summary, chance)


def _left_out(found: Table, mode: str) -> list[str]:
    """Return what a mode does not count at all, in a sentence."""
    from mescope.evaluation.scores import places_of

    counted = sum(map(len, places_of(found, mode).values()))
    lost = len(found.rows) - counted
    return [f"{lost} detections have a length of no kind in mode {mode}: left out"] * bool(lost)


def _show(summary: dict[str, Any], chance: Chance) -> None:
    people = f"{summary['videos']} videos, {summary['subjects']} subjects"
    show(f"mode {summary['mode']}: {people}")
    show(_spotting(summary))
    show(f"at random, mean of {chance.draws} draws: as many and as long, {chance.places}")
    for line in summary.get("log", {}).get("said", ()):
        show(line)
    for name, table in (("recognition", _recognition), ("action_units", _units)):
        if name in summary:
            show(table(summary[name]))


def _log(files: Files, mode: str) -> dict[str, Any]:
    """Return what the log itself says about its lines, and which of them say something else."""
    from mescope.evaluation.megc_log import DATASETS, differing, flag_lines, flagged
    from mescope.evaluation.scores import kinds_of

    parts, lines = flagged(files.log), flag_lines(files.log)
    kinds = {**kinds_of(files.truth, "clean"), **kinds_of(files.found, mode)}
    wrong, of_any = differing(files.log, kinds), differing(files.log, {})
    said = [
        f"the log's own flags, {DATASETS[part]}: {c.tp} TP, {c.fp} FP, {c.fn} FN "
        f"({lines[part].tp}, {lines[part].fp} and {lines[part].fn} lines)"
        for part, c in parts.items()
    ]
    count = len(files.log)
    if not wrong:
        said.append(f"all {count} flags are as counted here")
    elif not of_any:
        said.append(
            f"all {count} flags are right whatever the kind; {len(wrong)} say something else "
            "where a detection hits its own kind only"
        )
    else:
        which = ", ".join(str(line.number) for line in wrong[:5])
        said.append(f"{len(wrong)} of {count} flags say something else (lines {which})")
    return {
        "flags": {DATASETS[part]: [c.tp, c.fp, c.fn] for part, c in parts.items()},
        "lines": {DATASETS[part]: [c.tp, c.fp, c.fn] for part, c in lines.items()},
        "differing_lines": [line.number for line in wrong],
        "said": said,
    }


def _write_page(path: Path, report: SpottingReport) -> None:
    from mescope.io.atomic import write_atomically
    from mescope.reports.spotting_page import spotting_page

    write_atomically(path, spotting_page(report).encode())
    explain(f"wrote {path}")


def _table(columns: list[str]) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for i, name in enumerate(columns):
        table.add_column(name, justify="right" if i else "left", no_wrap=True)
    return table


def _spotting(summary: dict[str, Any]) -> Any:
    rows = summary["spotting"]
    per_minute = "false_alarms_per_minute" in rows["micro"]
    extra = ["false a minute"] if per_minute else []
    table = _table(["spotting", "TP", "FP", "FN", "precision", "recall", "F1", *extra, "95 %"])
    for kind, row in rows.items():
        cells = [kind, *(str(row[key]) for key in ("tp", "fp", "fn"))]
        low_high = row.get("f1_interval")
        sure = f"{low_high[0]:.3f}–{low_high[1]:.3f}" if low_high else ""
        table.add_row(*cells, *_ratios(row), sure)
        luck = summary["chance"]["spotting"][kind]
        cells = ["  at random", *(f"{luck[key]:.2f}" for key in ("tp", "fp", "fn"))]
        table.add_row(*cells, *_ratios(luck), "")
    return table


def _ratios(row: dict[str, Any]) -> list[str]:
    cells = [f"{row[key]:.4f}" for key in ("precision", "recall", "f1")]
    if "false_alarms_per_minute" in row:
        cells.append(f"{row['false_alarms_per_minute']:.2f}")
    return cells


def _units(figures: dict[str, Any]) -> Any:
    """Return the F1 of every action unit that occurs, and their mean."""
    title = f"action units on the {figures['hits']} hits"
    table = _table([title, "n", "TP", "FP", "F1"])
    for name, row in figures["units"].items():
        if row["n"] or row["fp"]:
            counts = (str(row[key]) for key in ("n", "tp", "fp"))
            table.add_row(name, *counts, f"{row['f1']:.4f}")
    table.add_row("mean over units", "", "", "", f"{figures['macro_f1']:.4f}")
    return table


def _recognition(rows: dict[str, Any]) -> Any:
    keys = ("uf1", "uar", "harmonic_f1", "strs", "strs_uf1", "majority_uf1")
    heads = ["UF1", "UAR", "harmonic F1", "STRS", "STRS-UF1", "majority UF1"]
    table = _table(["recognition on the hits", "n", *heads])
    for name, row in rows.items():
        counts = "/".join(str(n) for n in row["n"].values())
        label = f"{name} ({', '.join(row['n'])}: {counts})"
        table.add_row(label, str(row["pairs"]), *(f"{row[key]:.4f}" for key in keys))
    return table
