"""Render a sample recording, analyze it and say where the report is: what `make demo` runs.

The face is Grace Hopper's public-domain portrait, moved by simulated action units: expressions
as large as real ones, and blinks.  So the truth is known and printed beside what was found.
Everything happens on this machine.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import mescope
from mescope.events import Detection, Expression, FaceEvent, Interval
from mescope.synthesis.dynamics import random_script
from mescope.synthesis.encode import write_video
from mescope.synthesis.portraits import test_portraits
from mescope.synthesis.render import SyntheticVideo

SECONDS, SEED = 30.0, 3
Found = Sequence[Expression | Detection | FaceEvent]


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rendered = sample()
    print(f"Rendering {SECONDS:.0f} s of a face that moves on command ...")
    write_video(rendered, folder / "sample.mp4")
    print("Analyzing it ...")
    analysis = mescope.load().analyze(folder / "sample.mp4", cache=None)
    print("\nExpressions (frames from 0, both ends included)")
    show("planted", rendered.expressions)
    show("found", analysis.detections)
    print("Blinks, which are no expressions")
    show("planted", [e for e in rendered.events if e.kind == "blink"])
    show("named", [e for e in analysis.events if e.kind == "blink"])
    tell("expressions found", rendered.expressions, analysis.detections)
    blinks = [[e for e in side.events if e.kind == "blink"] for side in (rendered, analysis)]
    tell("blinks named", *blinks)
    page = analysis.save(folder / "report.html", force=True)
    print(f"\nThe report: {page.resolve()}\nOpen it in a browser; it needs no network.")
    print("`make app` opens the sample for review in a browser.")


def sample() -> SyntheticVideo:
    """Return the recording: its expressions move the face by 2 to 10 px of the face crop."""
    script = random_script(
        np.random.default_rng(SEED), SECONDS, level="calm", micro_per_minute=12,
        macro_per_minute=2, peaks=(1.0, 4.0),
    )  # fmt: skip
    return SyntheticVideo(test_portraits()[0], script, rate=30.0, name="sample")


def show(what: str, found: Found) -> None:
    """Print one line for each."""
    for e in found:
        name = e.kind if isinstance(e, FaceEvent) else f"{e.kind}  {e.emotion}"
        print(f"{what:>9}: frames {e.interval.first:>4} to {e.interval.last:>4}  {name}")
    if not found:
        print(f"{what:>9}: none")


def tell(what: str, planted: Found, found: Found) -> None:
    """Print how many of the planted were found: half of the frames of both are shared."""

    def met(one: Interval, others: Found) -> bool:
        return any(one.iou(other.interval) >= 0.5 for other in others)

    hits = sum(met(e.interval, found) for e in planted)
    more = sum(not met(e.interval, planted) for e in found)
    print(f"{what}: {hits} of {len(planted)}, and {more} that were not planted")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo"))
