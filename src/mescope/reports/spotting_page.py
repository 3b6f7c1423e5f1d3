"""One self-contained page for one evaluation on recordings: opens offline, loads nothing.

Figures are counted from the report's detections when the page is made; papers' figures stand in
tables of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mescope.evaluation.published import PublishedTable, as_printed
from mescope.evaluation.report_tables import four, span
from mescope.evaluation.spotting_tables import (
    CHANCE,
    HEADS,
    KIND_HEADS,
    SPOTTING,
    headline,
    kinds_table,
    parted,
    published_on,
    synergy_table,
)
from mescope.evaluation.spotting_verdicts import verdicts
from mescope.reports.evaluation_plots import confusion_picture
from mescope.reports.formatting import count, spell_duration
from mescope.reports.html import flat, template
from mescope.reports.spotting_plots import people_bars

if TYPE_CHECKING:
    from mescope.evaluation.interval_table import VideoKey
    from mescope.evaluation.spotting_report import SpottingReport

_WIDE, _NARROW = 940, 350  # units; the page shows one of the two drawings
_FEW_VIDEOS = 24  # more of them are folded away

_TILES = (
    ("f1", "spotting F1", four), ("recall", "recall", four), ("precision", "precision", four),
    ("ap", "AP", four), ("false_alarms_per_minute", "false alarms / min", "{:.2f}".format),
    ("uf1", "UF1", four), ("uar", "UAR", four), ("harmonic_f1", "recognition F1", four),
    ("strs", "STRS", four),
)  # fmt: skip
"""Figures of the headline, their words, and how they are printed."""

_NAMED = ("uf1", "uar", "harmonic_f1", "strs")  # not there where no emotion is named


def spotting_page(report: SpottingReport, videos: Mapping[VideoKey, str] | None = None) -> str:
    """Return the page as text, to be saved as UTF-8.

    Args:
        report: what is shown.
        videos: addresses of the pages of recordings, as seen from this page.
    """
    summary = report.summary()
    methods = list(summary["methods"].values())
    seeds = len(summary["seeds"])
    spotting, naming = parted(headline(summary))
    synergy_heads, synergy_rows = synergy_table(summary)
    return template("spotting.html").render(
        name=summary["name"],
        mode=summary["mode"],
        what=_what(summary),
        facts=_facts(summary),
        cautions=[*summary["cautions"], *summary["warnings"]],
        method=methods[0]["title"],
        tiles=tiles(methods[0]),
        seeds=count(seeds, "seed"),
        many=seeds > 1,
        network=bool(report.folds),
        resamples=count(summary["resamples"], "draw").removesuffix(" draws"),
        spotting_heads=HEADS[:SPOTTING],
        spotting=spotting,
        naming_heads=("", *HEADS[SPOTTING:]),
        naming=naming,
        places=summary["chance"]["places"],
        draws=summary["chance"]["draws"],
        curve=_curve(methods),
        kinds=[(row[0] != CHANCE, row) for row in kinds_table(summary)],
        synergy_heads=synergy_heads,
        synergy=synergy_rows,
        confusions=_confusions(methods, summary["classes"]),
        videos=_videos(report, videos or {}),
        few=len(report.videos) <= _FEW_VIDEOS,
        rules=_rules(summary["rules"]),
        kind_heads=KIND_HEADS,
        published=[_theirs(table) for table in published_on(report.datasets)],
        took=_took(report),
        recipe=flat(summary["recipe"]),
        environment=flat(summary["environment"]),
        hashes=flat(summary["hashes"]),
        **_people(methods[0]["people"]),
    )


def _took(report: SpottingReport) -> str:
    if not report.folds:
        return "Detections and truth were given as tables."
    return f"Training and testing took {spell_duration(report.seconds)}."


def _what(summary: dict[str, Any]) -> str:
    return (
        f"{summary['protocol']} on {' + '.join(summary['datasets'])}: "
        f"{count(summary['videos'], 'recording')} of {summary['subjects']} people, "
        f"{summary['minutes']:.1f} minutes"
    )


def _facts(summary: dict[str, Any]) -> str:
    micro = summary["spotting"]["micro"]
    folds, seeds = count(summary["folds"], "fold"), count(len(summary["seeds"]), "seed")
    return (
        f"{count(micro['tp'] + micro['fn'], 'micro-expression')}, counted in "
        f"{summary['frames']} frames; {', '.join(summary['classes'])}"
        + (f"; {folds}, {seeds}." if summary["folds"] else ".")
    )


def tiles(method: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the figures of a method, each with its interval, its seeds, and chance."""
    luck, found = method["chance"], []
    for name, words, printed in _TILES:
        if name in _NAMED and not method["names_emotions"]:
            continue
        over = method["over"][name]
        several = len(method["per_seed"]) > 1
        found.append(
            {
                "words": words, "value": printed(over["mean"]),
                "sure": span(*over["interval"]) if "interval" in over else "",
                "seeds": span(over["min"], over["max"]) if several else "",
                "chance": printed(luck[name]) if name in luck else "",
            }
        )  # fmt: skip
    return found


def _curve(methods: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return F1 of micro-expressions at other thresholds, means over the seeds."""
    levels = list(methods[0]["per_seed"][0]["f1_at_iou"])
    rows = [
        (m["title"], *(four(_mean(s["f1_at_iou"][at] for s in m["per_seed"])) for at in levels))
        for m in methods
    ]
    return {"heads": ["F1 of micro-expressions", *(f"IoU {at}" for at in levels)], "rows": rows}


def _confusions(
    methods: Sequence[Mapping[str, Any]], classes: Sequence[str]
) -> list[dict[str, Any]]:
    """Return a heat map for every method that names emotions, all seeds together."""
    found = []
    for method in methods:
        table = np.sum([seed["confusion"] for seed in method["per_seed"]], axis=0)
        if not method["names_emotions"] or not table.any():
            continue
        picture = confusion_picture(table.tolist(), classes, other="neutral, none")
        found.append({"title": method["title"], "picture": picture})
    return found


def _people(people: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    rows = [
        (
            f"{p['dataset']}/{p['subject']}", p["recordings"], f"{p['minutes']:.1f}",
            *(f"{p[name]:.4g}" for name in ("tp", "fn", "fp")),
            f"{p['fp'] / p['minutes']:.2f}" if p["minutes"] else "–",
        )
        for p in people
    ]  # fmt: skip
    return {
        "people_wide": people_bars(people, width=_WIDE),
        "people_narrow": people_bars(people, width=_NARROW),
        "people_heads": [
            "person", "recordings", "minutes", "hits", "misses", "false alarms",
            "false alarms a minute",
        ],
        "people": rows,
    }  # fmt: skip


def _videos(report: SpottingReport, pages: Mapping[VideoKey, str]) -> list[dict[str, Any]]:
    """Return a row for each recording, of the first method and seed."""
    judged, rows = verdicts(report, report.runs[0]), []
    for video in report.videos:
        words = [v.word for v in judged[video.key] if v.kind == "micro"]
        rows.append(
            {
                "page": pages.get(video.key), "name": "/".join(video.key),
                "cells": (
                    f"{video.minutes:.2f}", *(words.count(w) for w in ("hit", "miss")),
                    words.count("false alarm"),
                ),
            }
        )  # fmt: skip
    return rows


def _rules(rules: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    """Return a row for each fold: k_p and the level, whichever the rule's mode reads."""
    rows: list[tuple[Any, ...]] = []
    for rule in rules:
        level = f"mean + {rule['share']:.2f} (max − mean)"
        if rule["mode"] == "frames":
            level += f", at least {rule['floor']:.2f}" if rule["floor"] else ""
            ends = "k_p to both sides of the peak"
            rows.append((rule["fold"], rule["seed"], f"{rule['half_s']:.3f} s", level, ends))
        elif rule["mode"] == "as_published":
            grows = rule["intervals"] == "extensible"
            ends = "grow from the peak" if grows else "2 k_p + 1 frames"
            rows.append((rule["fold"], rule["seed"], rule["half_length"], level, ends))
        else:
            level = f"at least {rule['floor']:.2f}"
            rows.append((rule["fold"], rule["seed"], "–", level, "read from the trace"))
    return rows


def _theirs(table: PublishedTable) -> dict[str, Any]:
    return {
        "source": table.source, "title": table.title, "mode": table.mode,
        "data": table.data, "caution": table.caution, "heads": table.columns,
        "rows": as_printed(table),
    }  # fmt: skip


def _mean(values: Any) -> float:
    return float(np.mean(list(values)))
