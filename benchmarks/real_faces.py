"""Measure on real faces: what is found, what it is called, and what is found wrongly.

    python benchmarks/real_faces.py [folder] [--model NAME] [--method NAME] [--strips DIR]
        [--json out.json]

The folder (default: ../shared/data/real_faces) holds recordings and a ``truth.csv`` with the
columns file, first, last, what, note: frames from 0, both ends included; ``what`` is
``expression`` or ``blink``.  Nothing is trained on these recordings.

* An expression is found if a shown detection has IoU >= 0.5 with it.
* A *natural* recording is one without planted expressions.  Whatever is shown there is listed,
  to be looked at (``--strips`` writes pictures): whether something visible explains it is for
  eyes, not for a script.
* A blink is *called an expression* if it fills at least half of a shown detection.
* Talking time: the whole of files whose truth says "talks throughout" and of ``talking*``;
  frames 15 to 60 of ``lipnet*`` (GRID sentences).
* Smile flashes are expressions of files with "smile" or "grin" in their name.

Intervals are Wilson's, 95 %.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from scipy.stats import binomtest

import mescope
from mescope.analysis import Analysis, Finding
from mescope.events import Interval
from mescope.spotting import SPOTTERS
from mescope.video.reading import open_video

METHODS = ("model", "flow-peaks")
SUFFIXES = (".mp4", ".mpg", ".avi", ".mov", ".mkv", ".webm")
SMILES = ("smile", "grin")


@dataclass
class Truth:
    """What is known of one recording."""

    expressions: list[Interval] = field(default_factory=list)
    blinks: list[Interval] = field(default_factory=list)
    talks: bool = False


@dataclass
class Outcome:
    """What one method made of one recording."""

    file: str
    truth: Truth
    analysis: Analysis

    @property
    def natural(self) -> bool:
        """Nothing was planted in it."""
        return not self.truth.expressions

    @property
    def seconds(self) -> float:
        """Its length."""
        return float(self.analysis.video["duration_s"])

    def hit(self, wanted: Interval) -> Finding | None:
        """Return the shown detection that found an expression."""
        good = [f for f in self.analysis.findings if f.detection.interval.iou(wanted) >= 0.5]
        return max(good, key=lambda f: f.detection.interval.iou(wanted), default=None)

    def extra(self) -> list[Finding]:
        """Return shown detections that found none of the expressions."""
        hits = {id(self.hit(e)) for e in self.truth.expressions}
        return [f for f in self.analysis.findings if id(f) not in hits]

    def on_blinks(self) -> list[Finding]:
        """Return shown detections that are a blink."""
        return [f for f in self.extra() if any(_is(f, b) for b in self.truth.blinks)]

    def blink_events(self) -> list[Interval]:
        """Return what was named a blink."""
        return [e.interval for e in self.analysis.events if e.kind == "blink"]


def _is(finding: Finding, blink: Interval) -> bool:
    own = finding.detection.interval
    return 2 * own.shared(blink) >= len(own)


def read_truth(folder: Path) -> dict[str, Truth]:
    found: dict[str, Truth] = defaultdict(Truth)
    with (folder / "truth.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            one = found[row["file"]]
            span = Interval(int(row["first"]), int(row["last"]))
            (one.expressions if row["what"] == "expression" else one.blinks).append(span)
            one.talks |= "talks throughout" in (row["note"] or "")
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in SUFFIXES:
            found[path.name].talks |= path.name.startswith("talking")
    return dict(found)


def talking(outcome: Outcome) -> tuple[int, int]:
    """Return talking frames that are named speech or could not be judged, and all of them."""
    frames = int(outcome.analysis.video["frames"])
    if outcome.truth.talks:
        span = Interval(0, frames - 1)
    elif outcome.file.startswith("lipnet"):
        span = Interval(15, min(60, frames - 1))
    else:
        return 0, 0
    named = np.zeros(frames, bool)
    for event in outcome.analysis.events:
        if event.kind == "speech":
            named[event.interval.first : event.interval.last + 1] = True
    for gap in outcome.analysis.gaps:
        named[gap.interval.first : gap.interval.last + 1] = True
    return int(named[span.first : span.last + 1].sum()), len(span)


def share(part: int, whole: int) -> str:
    if not whole:
        return "-"
    low, high = binomtest(part, whole).proportion_ci(method="wilson")
    return f"{part} of {whole} ({100 * low:.0f}-{100 * high:.0f} %)"


def rows(outcomes: list[Outcome]) -> dict[str, str]:
    """Return figure -> value of one method."""
    events = [(o, e) for o in outcomes for e in o.truth.expressions]
    found = [(o, e) for o, e in events if o.hit(e)]
    smiles = [(o, e) for o, e in events if any(word in o.file for word in SMILES)]
    named = [o.hit(e) for o, e in smiles]
    natural = [o for o in outcomes if o.natural]
    minutes = sum(o.seconds for o in natural) / 60
    every = sum(o.seconds for o in outcomes) / 60
    blinks = [(o, b) for o in outcomes for b in o.truth.blinks]
    seen = [1 for o, b in blinks if any(b.shared(e) for e in o.blink_events())]
    false = [
        1 for o in outcomes for e in o.blink_events()
        if not any(e.shared(b) for b in o.truth.blinks)
    ]  # fmt: skip
    told, all_talk = (sum(column) for column in zip(*map(talking, outcomes), strict=True))
    shown = sum(len(o.analysis.findings) for o in natural)
    return {
        "brief expressions found": share(len(found), len(events)),
        "  of the plain ones (M*)": share(
            sum(o.file[0] == "M" for o, _ in found), sum(o.file[0] == "M" for o, _ in events)
        ),
        "shown beside them, same recordings": str(
            sum(len(o.extra()) for o in outcomes if not o.natural)
        ),
        "smile flashes called positive": share(
            sum(f is not None and f.detection.emotion == "positive" for f in named), len(named)
        ),
        "shown on natural recordings": f"{shown} ({shown / max(minutes, 1e-9):.1f} a minute)",
        "blinks called an expression": str(sum(len(o.on_blinks()) for o in outcomes)),
        "blinks named": share(len(seen), len(blinks)),
        "false blinks a minute": f"{len(false) / max(every, 1e-9):.2f}",
        "talking time named or not judged": f"{100 * told / max(all_talk, 1):.0f} %",
        "time that could not be judged": f"{100 * unjudged_share(outcomes):.0f} %",
    }


def unjudged_share(outcomes: list[Outcome]) -> float:
    gone = 0
    for o in outcomes:
        mask = np.zeros(int(o.analysis.video["frames"]), bool)
        for gap in o.analysis.gaps:
            mask[gap.interval.first : gap.interval.last + 1] = True
        gone += int(mask.sum())
    return gone / max(1, sum(int(o.analysis.video["frames"]) for o in outcomes))


def details(outcomes: list[Outcome]) -> list[str]:
    """Return lines on everything that a person should look at."""
    lines = []
    for o in outcomes:
        lines += [f"  {o.file}: missed {e.first}-{e.last}" for e in o.truth.expressions
                  if o.hit(e) is None]  # fmt: skip
        for f in o.extra():
            d = f.detection
            lines.append(
                f"  {o.file}: shown {d.interval.first}-{d.interval.last} {d.kind} {d.emotion} "
                f"{d.score:.2f} AU {'+'.join(f.evidence.action_units) or '-'}"
            )
        lines += [
            f"  {o.file}: blink {b.first}-{b.last} not named" for b in o.truth.blinks
            if not any(b.shared(e) for e in o.blink_events())
        ]  # fmt: skip
        lines += [
            f"  {o.file}: blink event {e.first}-{e.last} is not in the truth"
            for e in o.blink_events() if not any(e.shared(b) for b in o.truth.blinks)
        ]  # fmt: skip
    return lines


def write_strips(outcomes: list[Outcome], source: Path, folder: Path) -> None:
    """Write a strip of twelve frames around every shown detection that is no hit."""
    folder.mkdir(parents=True, exist_ok=True)
    for o in outcomes:
        video = open_video(source / o.file)
        for f in o.extra():
            span = f.detection.interval
            at = np.linspace(max(0, span.first - 5), min(len(video) - 1, span.last + 5), 12)
            images = video.read(sorted({int(i) for i in at}), grey=False)
            height = 220
            parts = [
                cv2.resize(i, (round(height * i.shape[1] / i.shape[0]), height))
                for i in images.values()
            ]
            name = f"{Path(o.file).stem}-{span.first}-{span.last}.jpg"
            cv2.imwrite(str(folder / name), np.hstack(parts)[..., ::-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path(__file__).resolve().parents[2] / "shared" / "data" / "real_faces"
    parser.add_argument("folder", nargs="?", type=Path, default=default)
    parser.add_argument("--model", default=None)
    parser.add_argument("--method", choices=sorted(SPOTTERS), action="append")
    parser.add_argument("--strips", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    truth = read_truth(options.folder)
    analyzer = mescope.load(*([options.model] if options.model else []))
    table: dict[str, dict[str, str]] = {}
    told: dict[str, Any] = {}
    for method in options.method or METHODS:
        outcomes = [
            Outcome(
                name,
                truth[name],
                analyzer.analyze(options.folder / name, method=method, pictures=False),
            )
            for name in sorted(truth)
        ]
        title = analyzer.name if analyzer.spotter(method).needs_network else method
        table[title] = rows(outcomes)
        told[title] = details(outcomes)
        if options.strips:
            write_strips(outcomes, options.folder, options.strips / title)
    print(f"{'figure':<38}" + "".join(f"{name:>30}" for name in table))
    for figure in next(iter(table.values())):
        print(f"{figure:<38}" + "".join(f"{column[figure]:>30}" for column in table.values()))
    for title, lines in told.items():
        print(f"\n{title}: to be looked at", *lines, sep="\n")
    if options.json:
        both = {"table": table, "look": told}
        options.json.write_text(json.dumps(both, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
