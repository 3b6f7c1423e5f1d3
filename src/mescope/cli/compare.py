"""``mescope compare``: reports beside each other, person by person, and what papers print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mescope.cli.console import explain, show, show_json, show_text, visible
from mescope.cli.inputs import refuse_existing
from mescope.cli.options import Force, Json

if TYPE_CHECKING:
    from mescope.evaluation.paired import Difference
    from mescope.evaluation.published import PublishedTable

Groups = dict[str, dict[str, dict[str, Any]]]


def compare(
    reports: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="reports",
            help="What `mescope score --json` printed, or JSON reports of evaluations.",
        ),
    ] = None,
    published: Annotated[
        str | None,
        typer.Option(
            help="Show papers' tables above: me-tst, merba, ammsm, rsmix or megc2019; or "
            "same, for those of the data and number of classes of the evaluations."
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Also write a page that sets evaluations on the same recordings side by side: "
            "their figures, and their traces above each other.",
        ),
    ] = None,
    latex: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also write the tables of evaluations as LaTeX."),
    ] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Set scores beside each other, one table for each mode.

    Of evaluations of the same people, each is also set against the first person by person:
    differences with their intervals, the people drawn together.  Figures of papers stand in
    tables of their own, with their source and a caution: they were counted in other ways, and
    are not ours.  A report.json goes by the name of its folder.
    """
    from dataclasses import asdict

    from mescope.evaluation.published import published_by
    from mescope.evaluation.report_comparison import by_mode, paired_rows

    if not reports and published is None:
        raise typer.BadParameter("expected reports or --published, found neither")
    written = [path for path in (html, latex) if path is not None]
    refuse_existing(written, force, sources=reports or ())
    groups = by_mode(reports or [])
    if html is not None:
        _write_page(reports or [], html)
    found, remarks = paired_rows(reports or [])
    if latex is not None:
        _write_latex(groups, found, latex)
    tables = _of_same_data(groups) if published == "same" else ()
    if published not in (None, "same"):
        tables = published_by(published)
    if as_json:
        apart = {
            pair: [asdict(one) | {"value": one.value} for one in some]
            for pair, some in found.items()
        }
        show_json(
            {
                "reports": groups,
                "differences": apart,
                "published": [asdict(table) for table in tables],
            }
        )
        return
    for table in tables:  # first: what stands last stays in sight
        show(f"{table.source}: {table.title}. {table.data}. Mode {table.mode}.")
        show(f"Note: {table.caution}")
        show(_theirs(table))
        show("")
    for mode, group in groups.items():
        _show_group(mode, group)
    _show_differences(found, remarks)


def _write_latex(groups: Groups, found: Mapping[str, Sequence[Difference]], file: Path) -> None:
    from mescope.evaluation.latex import compared
    from mescope.io.atomic import write_atomically

    write_atomically(file, compared(groups, found).encode())
    explain(f"the tables are {file}")


def _show_differences(
    found: Mapping[str, Sequence[Difference]], remarks: Sequence[str]
) -> None:
    from mescope.evaluation.paired import HEADS, NOTE, rows
    from mescope.evaluation.report_tables import text_table

    for pair, some in found.items():
        show("")
        show(f"{pair}, person by person")
        show_text(text_table(HEADS, rows(some)))
    if found:
        show(f"Note: {NOTE}")
    for remark in remarks:
        show(f"Note: {remark}")


def _write_page(paths: list[Path], html: Path) -> None:
    from mescope.io.atomic import write_atomically
    from mescope.reports.comparison_page import comparison_page, read_runs

    page = comparison_page(read_runs(paths))
    write_atomically(html, page.encode("utf-8", "backslashreplace"))
    explain(f"the page is {html}")


def _of_same_data(groups: Groups) -> tuple[PublishedTable, ...]:
    from mescope.evaluation.published import published_for
    from mescope.evaluation.report_comparison import is_evaluated_spotting, is_spotting
    from mescope.evaluation.spotting_tables import published_on

    tables: list[PublishedTable] = []
    for report in (r for group in groups.values() for r in group.values()):
        if is_evaluated_spotting(report):
            tables += published_on(report["datasets"])
        elif not is_spotting(report):
            datasets = {person["dataset"] for person in report["people"]}
            tables += published_for(datasets, len(report["classes"]))
    return tuple(dict.fromkeys(tables))


def _show_group(mode: str, group: dict[str, dict[str, Any]]) -> None:
    from mescope.evaluation.figures import ORACLE
    from mescope.evaluation.report_comparison import (
        differing,
        is_evaluated_spotting,
        is_spotting,
    )
    from mescope.evaluation.report_tables import headline, oracle_rows, title

    recorded = {name: report for name, report in group.items() if is_evaluated_spotting(report)}
    spotted = {n: r for n, r in group.items() if is_spotting(r) and n not in recorded}
    if spotted:
        show(f"mode {mode}")
        show(_ours(spotted))
    if recorded:
        _show_recorded(mode, recorded)
    for sentence in differing(group):
        show(f"Note: {sentence}")
    evaluated = {n: r for n, r in group.items() if not is_spotting(r)}
    if evaluated:
        show(f"mode {mode}, answers on given clips")
        show(_recognition({name: headline(report) for name, report in evaluated.items()}))
    for name, report in evaluated.items():
        show(f"{name}: {title(report)}")
        for caution in (*report["cautions"], *report["warnings"]):
            show(f"Note: {caution}")
    apart = {name: rows for name, r in evaluated.items() if (rows := oracle_rows(r))}
    if apart:
        show(f"mode {mode}, {ORACLE}")
        show(f"Note: {group[next(iter(apart))][ORACLE]['warning']}")
        show(_recognition(apart))


def _show_recorded(mode: str, recorded: dict[str, dict[str, Any]]) -> None:
    """Print evaluations on recordings in one table: every method, and chance below it."""
    from mescope.evaluation.report_tables import text_table
    from mescope.evaluation.spotting_tables import HEADS, named_headline, title

    show(f"mode {mode}, evaluations on recordings")
    show_text(text_table(HEADS, named_headline(recorded)))
    for name, report in recorded.items():
        show(f"{name}: {title(report)}")
        for caution in (*report["cautions"], *report["warnings"]):
            show(f"Note: {caution}")


def _recognition(rows: dict[str, list[tuple[str, ...]]]) -> Any:
    """Return the rows of several reports, each with its report's name."""
    from rich.table import Table

    from mescope.evaluation.report_tables import heads

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("report", no_wrap=True)
    for i, head in enumerate(heads()):
        table.add_column(head, justify="right" if i else "left", no_wrap=True)
    for name, lines in rows.items():
        for i, line in enumerate(lines):
            table.add_row("" if i else visible(name), *line)
    return table


def _ours(group: dict[str, dict[str, Any]]) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    counts = ("videos", "people", "TP", "FP", "FN")
    scores = ("F1", "95 %", "F1 at random", "UF1", "UAR", "STRS", "majority UF1")
    table.add_column("report", no_wrap=True)
    for head in (*counts, *scores):
        table.add_column(head, justify="right", no_wrap=True)
    for name, report in group.items():
        micro = report["spotting"]["micro"]
        low_high = micro.get("f1_interval")
        chance = report.get("chance", {}).get("spotting", {}).get("micro", {})
        answers = report.get("recognition", {}).get("all", {})
        table.add_row(
            visible(name),
            *(str(report[key]) for key in ("videos", "subjects")),
            *(str(micro[key]) for key in ("tp", "fp", "fn")),
            f"{micro['f1']:.4f}",
            f"{low_high[0]:.3f}–{low_high[1]:.3f}" if low_high else "",
            _four(chance, "f1"),
            *(_four(answers, key) for key in ("uf1", "uar", "strs", "majority_uf1")),
        )
    return table


def _four(figures: dict[str, Any], key: str) -> str:
    return f"{figures[key]:.4f}" if key in figures else ""


def _theirs(published: PublishedTable) -> Any:
    from rich.table import Table

    from mescope.evaluation.published import as_printed

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in published.columns:
        table.add_column(name)
    for row in as_printed(published):
        table.add_row(*row)
    return table
