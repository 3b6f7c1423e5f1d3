"""What a report says of the project as a whole: progress, agreement, rates."""

from __future__ import annotations

import base64
from typing import Any

from mescope.app.agreement import table
from mescope.app.pages import Section
from mescope.app.project import Project
from mescope.app.records import now
from mescope.app.sight import CONSENSUS, MODEL
from mescope.app.study import progress
from mescope.app.study_rates import rates
from mescope.app.words import Words
from mescope.errors import DatasetError
from mescope.reports.rates_plot import rates_figure

_MOST_ROWS = 400  # of the table; the file of rates has all


def sections(project: Project, plots: str = "svg") -> list[Section]:
    """Return progress, agreement and rates, as far as who asks may see them.

    ``plots`` is the form of figures, ``svg`` or ``png``.
    Rates are those of the consensus where it is finished in some recording, else of the model.
    """
    words, found = project.words, [_progress(project)]
    try:
        pairs = table(project)
    except DatasetError as error:  # marks of a file that was since replaced by another one
        said = words("report.not_computed", why=error)
        found.append(Section(title=words("page.agreement"), words=(said,)))
    else:
        found += [_agreement(pairs, words)] if pairs["pairs"] else []
    settled = CONSENSUS in project.review.coders()
    shown = rates(project, CONSENSUS) if settled else None
    if shown is None or not shown["recordings"]:
        shown = rates(project, MODEL)
    if shown["recordings"]:
        found.append(_rates(shown, words, plots))
    return found


def _progress(project: Project) -> Section:
    words, every = project.words, project.store.recordings()
    blind = project.blind.setting()
    minutes = sum(one.facts.seconds for one in every if one.facts) / 60
    at = now()[:16].replace("T", ", ")
    said = [words("report.progress", n=len(every), minutes=f"{minutes:.1f}", at=at)]
    if blind is not None:
        said.append(words("report.blind", since=blind["since"][:10]))
    return Section(
        title=words("study.progress"),
        words=tuple(said),
        heads=(
            words("study.head_coder"), words("study.head_assigned"), words("study.head_begun"),
            words("study.head_finished"),
        ),
        rows=tuple(
            (row["coder"], str(row["assigned"]), str(row["begun"]), str(row["finished"]))
            for row in progress(project)
        ),
    )  # fmt: skip


def _agreement(found: dict[str, Any], words: Words) -> Section:
    said = [words("report.agreement_why", ms=f"{found['tolerance_ms']:g}")]
    if found["together"] is not None:
        one = found["together"]
        said.append(
            words(
                "report.together",
                n=one["recordings"],
                kinds=_figure(one["kind_alpha"]),
                frames=_figure(one["frame_alpha"]),
                emotions=_figure(one["emotion_alpha"]),
            )
        )
    names = (
        "f1", "kind_kappa_marks", "kind_alpha_marks", "kind_kappa_frames", "emotion_kappa",
        "onset_error_ms", "onset_within", "offset_error_ms", "offset_within",
    )  # fmt: skip
    within = words("report.within")
    heads = (
        words("agreement.head_pair"), words("agreement.head_recordings"),
        words("agreement.head_f1"), words("agreement.head_kappa_kinds"),
        words("agreement.head_alpha_kinds"), words("agreement.head_kappa_frames"),
        words("agreement.head_kappa_emotions"), words("report.onset"), within,
        words("report.offset"), within,
    )  # fmt: skip
    rows = [
        (
            f"{_who(row['a'], words)} – {_who(row['b'], words)}",
            str(row["recordings"]),
            *(_figure(row[name], 0 if name.endswith("_ms") else 2) for name in names),
        )
        for row in found["pairs"]
    ]
    return Section(
        title=words("page.agreement"), words=tuple(said), heads=heads, rows=tuple(rows)
    )


def _who(name: str, words: Words) -> str:
    return words("agreement.model") if name == MODEL else name


def _rates(found: dict[str, Any], words: Words, plots: str) -> Section:
    happened = {row["event"] for row in found["rows"] if row["number"]}
    said = _rate_words(found, words)
    rows = [r for r in found["rows"] if r["level"] != "person" or r["event"] in happened]
    if len(rows) > _MOST_ROWS:
        said = (*said, words("report.most_rates", n=_MOST_ROWS, of=len(rows)))
    picture = base64.b64encode(rates_figure(found["rows"], plots)).decode("ascii")
    media = "image/svg+xml" if plots == "svg" else f"image/{plots}"
    who = words("study.model") if found["who"] == MODEL else found["who"]
    return Section(
        title=words("report.rates", who=who),
        words=said,
        heads=(
            "", words("study.head_condition"), words("study.head_event"),
            words("study.head_number"), words("study.head_judged"), words("study.head_rate"),
            words("study.head_interval"), words("study.head_people"),
        ),
        rows=tuple(_rate_row(row, words) for row in rows[:_MOST_ROWS]),
        figure=f"data:{media};base64,{picture}",
    )  # fmt: skip


def _rate_words(found: dict[str, Any], words: Words) -> tuple[str, ...]:
    said = [words("report.rates_why", n=found["outside"])]
    if found["left_out"]:
        said.append(words("report.left", n=len(found["left_out"])))
    if found["gaps_unknown"]:
        said.append(words("report.unknown", n=len(found["gaps_unknown"])))
    if not found["table"]:
        said.append(words("study.no_table"))
    return tuple(said)


def _rate_row(row: dict[str, Any], words: Words) -> tuple[str, ...]:
    interval = "–"
    if row["low"] is not None:
        low, high = _figure(row["low"]), _figure(row["high"])
        interval = words("study.interval", low=low, high=high)
    return (
        words("study.all") if row["level"] == "all" else str(row["name"]),
        row["condition"], words.named("events", row["event"]), str(row["number"]),
        _figure(row["judged_minutes"]), _figure(row["a_minute"]), interval, str(row["people"]),
    )  # fmt: skip


def _figure(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
