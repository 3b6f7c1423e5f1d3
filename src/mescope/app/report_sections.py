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
from mescope.errors import DatasetError
from mescope.reports.rates_plot import rates_figure

_MOST_ROWS = 400  # of the table; the file of rates has all


def sections(project: Project, plots: str = "svg") -> list[Section]:
    """Return progress, agreement and rates, as far as who asks may see them.

    ``plots`` is the form of figures, ``svg`` or ``png``.
    Rates are those of the consensus where it is finished in some recording, else of the model.
    """
    found = [_progress(project)]
    try:
        pairs = table(project)
    except DatasetError as error:  # marks of a file that was since replaced by another one
        found.append(Section(title="Agreement", words=(f"Could not be computed: {error}",)))
    else:
        found += [_agreement(pairs)] if pairs["pairs"] else []
    settled = CONSENSUS in project.review.coders()
    shown = rates(project, CONSENSUS) if settled else None
    if shown is None or not shown["recordings"]:
        shown = rates(project, MODEL)
    if shown["recordings"]:
        found.append(_rates(shown, plots))
    return found


def _progress(project: Project) -> Section:
    every = project.store.recordings()
    blind = project.blind.setting()
    seconds = sum(one.facts.seconds for one in every if one.facts)
    words = [
        f"{len(every)} recordings, {seconds / 60:.1f} minutes; "
        f"{now()[:16].replace('T', ', ')} UTC."
    ]
    if blind is not None:
        words.append(
            f"Coded blind since {blind['since'][:10]}: each coder saw the model and the others "
            "only after finishing a recording."
        )
    return Section(
        title="Progress",
        words=tuple(words),
        heads=("coder", "assigned", "begun", "finished"),
        rows=tuple(
            (row["coder"], str(row["assigned"]), str(row["begun"]), str(row["finished"]))
            for row in progress(project)
        ),
    )


def _agreement(found: dict[str, Any]) -> Section:
    words = [
        "F1: marks that overlap by half and are of one kind. Kappa and alpha of kinds over "
        "marks (a mark that the other lacks is “none”) and over frames; of emotions over marks "
        "that both have and named. Within: share of edges at most "
        f"{found['tolerance_ms']:g} ms apart."
    ]
    if found["together"] is not None:
        one = found["together"]
        words.append(
            f"All coders together, {one['recordings']} recordings: alpha of kinds "
            f"{_figure(one['kind_alpha'])} over marks, {_figure(one['frame_alpha'])} over "
            f"frames; of emotions {_figure(one['emotion_alpha'])}."
        )
    names = (
        "f1", "kind_kappa_marks", "kind_alpha_marks", "kind_kappa_frames", "emotion_kappa",
        "onset_error_ms", "onset_within", "offset_error_ms", "offset_within",
    )  # fmt: skip
    heads = (
        "pair", "recordings", "F1", "κ kinds", "α kinds", "κ frames", "κ emotions",
        "onset ± ms", "within", "offset ± ms", "within",
    )  # fmt: skip
    rows = [
        (
            f"{row['a']} – {row['b']}",
            str(row["recordings"]),
            *(_figure(row[name], 0 if name.endswith("_ms") else 2) for name in names),
        )
        for row in found["pairs"]
    ]
    return Section(title="Agreement", words=tuple(words), heads=heads, rows=tuple(rows))


def _rates(found: dict[str, Any], plots: str) -> Section:
    happened = {row["event"] for row in found["rows"] if row["number"]}
    rows = [r for r in found["rows"] if r["level"] != "person" or r["event"] in happened]
    picture = base64.b64encode(rates_figure(found["rows"], plots)).decode("ascii")
    media = "image/svg+xml" if plots == "svg" else f"image/{plots}"
    return Section(
        title=f"Rates, as {'the model' if found['who'] == MODEL else found['who']} has it",
        words=_rate_words(found),
        heads=(
            "", "condition", "event", "number", "judged min", "a minute", "95 % interval",
            "people",
        ),
        rows=tuple(_rate_row(row) for row in rows[:_MOST_ROWS]),
        figure=f"data:{media};base64,{picture}",
    )  # fmt: skip


def _rate_words(found: dict[str, Any]) -> tuple[str, ...]:
    words = [
        "Events a minute of judged time. Stretches that could not be judged count neither as "
        f"time nor with what was marked in them ({found['outside']} left out). Intervals: of a "
        "person Poisson (Garwood); of a group, people drawn anew, from five people on."
    ]
    if found["left_out"]:
        words.append(f"{len(found['left_out'])} recordings are not finished and do not count.")
    if found["gaps_unknown"]:
        words.append(
            f"{len(found['gaps_unknown'])} were not analyzed: all of their time counts as "
            "judged."
        )
    if not found["table"]:
        words.append("No table of people: each recording is taken for a person of its own.")
    return tuple(words)


def _rate_row(row: dict[str, Any]) -> tuple[str, ...]:
    known = row["low"] is not None
    interval = f"{_figure(row['low'])} to {_figure(row['high'])}" if known else "–"
    return (
        str(row["name"]), row["condition"], row["event"], str(row["number"]),
        _figure(row["judged_minutes"]), _figure(row["a_minute"]), interval, str(row["people"]),
    )  # fmt: skip


def _figure(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
