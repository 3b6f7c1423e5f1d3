"""Render a sample recording, analyze it and say where the report is: what `make demo` runs.

The face is Grace Hopper's public-domain portrait, moved by simulated action units, so the truth
is known and printed beside what was found.  Everything happens on this machine.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import mescope
from mescope.synthesis.dynamics import random_script
from mescope.synthesis.encode import write_video
from mescope.synthesis.portraits import test_portraits
from mescope.synthesis.render import SyntheticVideo


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    script = random_script(np.random.default_rng(3), 30.0, level="calm", micro_per_minute=12)
    rendered = SyntheticVideo(test_portraits()[0], script, rate=30.0, name="sample")
    print("Rendering 30 s of a face that moves on command ...")
    write_video(rendered, folder / "sample.mp4")
    print("Analyzing it ...")
    analysis = mescope.load().analyze(folder / "sample.mp4", cache=None)
    for what, events in (("planted", rendered.expressions), ("found", analysis.detections)):
        for e in events:
            first, last = e.interval.first, e.interval.last
            print(f"{what:>8}: frames {first:>4} to {last:>4}  {e.kind}  {e.emotion}")
    page = analysis.save(folder / "report.html", force=True)
    print(f"\nThe report: {page.resolve()}\nOpen it in a browser; it needs no network.")
    print("`make app` opens the sample for review in a browser.")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo"))
