"""One self-contained page for one evaluation on recordings: opens offline, loads nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mescope.evaluation.published import as_printed
from mescope.evaluation.spotting_tables import HEADS, beside, headline, title
from mescope.reports.formatting import spell_duration
from mescope.reports.html import flat, template

if TYPE_CHECKING:
    from mescope.evaluation.spotting_report import SpottingReport


def spotting_page(report: SpottingReport) -> str:
    """Return the page as text, to be saved as UTF-8."""
    summary = report.summary()
    return template("spotting.html").render(
        name=summary["name"],
        mode=summary["mode"],
        what=title(summary),
        cautions=[*summary["cautions"], *summary["warnings"]],
        heads=HEADS,
        headline=headline(summary),
        published=[
            {
                "source": table.source, "title": table.title, "mode": table.mode,
                "data": table.data, "caution": table.caution, "heads": table.columns,
                "rows": as_printed(table),
            }
            for table in beside(report)
        ],
        took=f"Training and testing took {spell_duration(summary['seconds'])}.",
        recipe=flat(summary["recipe"]),
        environment=flat(summary["environment"]),
        hashes=flat(summary["hashes"]),
    )  # fmt: skip
