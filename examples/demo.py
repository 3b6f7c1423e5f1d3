"""Render a sample recording, analyze it and say where the report is: what `make demo` runs.

The face is Grace Hopper's public-domain portrait, moved by simulated action units.  Everything
happens on this machine.
"""

from __future__ import annotations

import sys
from pathlib import Path

import mescope
from mescope.synthesis.corpus import write_demo


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    video = write_demo(folder / "sample.mp4", force=True)
    analysis = mescope.load().analyze(video)
    for d in analysis.detections:
        print(
            f"{d.onset_s:7.2f} s to {d.offset_s:6.2f} s  frames {d.interval.first}"
            f" to {d.interval.last}  {d.kind}  {d.emotion}  score {d.score:.2f}"
        )
    page = analysis.save(folder / "report.html", force=True)
    print(f"\nThe report is {page.resolve()}: open it in a browser.")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo"))
