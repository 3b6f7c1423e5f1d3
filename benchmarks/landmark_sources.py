"""Measure on real faces how far an analysis depends on whose landmarks it is given.

    python benchmarks/landmark_sources.py TABLES [folder] [--method NAME]

TABLES holds NAME.csv for the recordings of the folder (default: ../shared/data/real_faces), as
OpenFace, py-feat or MediaPipe wrote them.  Each recording is analyzed with dlib's landmarks,
with those of its table, and with dlib's own as an analysis has them of every frame, written as
OpenFace would write them: what differs there is how they are brought in, not who found them.

Printed for each: recall of the planted expressions at IoU 0.5 and what else is shown; the flow,
as correlation with dlib's over all regions and valid frames, and as the median of the distances
over the median length; blinks.  Nothing is kept but what is printed.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np

import mescope
from mescope.analysis import Analysis
from mescope.events import Interval
from mescope.face.points import bridged
from mescope.motion.roi_flow import RoiFlow
from mescope.video.reading import open_video

SUFFIXES = (".mp4", ".mpg")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("tables", type=Path)
    parser.add_argument("folder", type=Path, nargs="?", default="../shared/data/real_faces")
    parser.add_argument("--method", default="model")
    chosen = parser.parse_args()
    truth = read_truth(chosen.folder / "truth.csv")
    analyzer = mescope.load(method=chosen.method)
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0] * 4)
    for path in sorted(p for p in chosen.folder.iterdir() if p.suffix in SUFFIXES):
        table = chosen.tables / f"{path.stem}.csv"
        known = {"dlib": None, "table": table, "dlib as OpenFace": None}
        own: RoiFlow | None = None
        with tempfile.TemporaryDirectory() as folder:
            for name, landmarks in known.items():
                if name == "dlib as OpenFace":
                    landmarks = write_openface(own, Path(folder) / "own.csv")
                if landmarks is not None and not landmarks.is_file():
                    continue
                flow = mescope.extract(open_video(path), landmarks=landmarks)
                found = analyzer.analyze(path, landmarks=landmarks, cache=None, pictures=False)
                own = flow if name == "dlib" else own
                row = judged(found, truth[path.name])
                sums[name] = [a + b for a, b in zip(sums[name], row, strict=True)]
                r, apart = compared(flow, own)
                print(
                    f"{path.name:24} {name:17} found {row[0]:.0f}/{row[1]:.0f} others "
                    f"{row[2]:.0f} blinks {row[3]:.0f} flow r {r:.4f} apart {apart:.3f}",
                    flush=True,
                )
    for name, (hits, wanted, others, blinks) in sums.items():
        print(
            f"{name:17} found {hits:.0f}/{wanted:.0f}, others {others:.0f}, blinks {blinks:.0f}"
        )


def read_truth(path: Path) -> dict[str, list[Interval]]:
    """Return the expressions of every recording."""
    found: dict[str, list[Interval]] = defaultdict(list)
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["what"] == "expression":
                found[row["file"]].append(Interval(int(row["first"]), int(row["last"])))
    return found


def write_openface(flow: RoiFlow, path: Path) -> Path:
    """Write the landmarks of an analysis in OpenFace's columns, those between two in a line."""
    points = bridged(flow.points, flow.timing.rate)
    seen = ~np.isnan(points[:, 0, 0])
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        marks = [f" {axis}_{i}" for axis in "xy" for i in range(68)]
        writer.writerow(["frame", " face_id", " timestamp", " confidence", " success", *marks])
        for number, one, good in zip(flow.frames, points, seen, strict=False):
            row = [int(number) + 1, 0, 0.0, 0.98 * good, int(good)]
            writer.writerow([*row, *(f"{v:.3f}" for v in np.nan_to_num(one).T.ravel())])
    return path


def judged(found: Analysis, truth: list[Interval]) -> list[float]:
    """Return hits, expressions, other detections, blinks."""
    hits = [t for t in truth if any(d.interval.iou(t) >= 0.5 for d in found.detections)]
    others = [d for d in found.detections if all(d.interval.iou(t) < 0.5 for t in truth)]
    blinks = sum(event.kind == "blink" for event in found.events)
    return [len(hits), len(truth), len(others), blinks]


def compared(flow: RoiFlow, other: RoiFlow) -> tuple[float, float]:
    """Return the correlation of two flows, and their distance over the usual length."""
    both = flow.valid & other.valid
    a, b = (one.windows.transpose(0, 2, 1)[both] for one in (flow, other))
    if not len(a):
        return float("nan"), float("nan")
    r = float(np.corrcoef(a.ravel(), b.ravel())[0, 1])
    apart = np.hypot(*(a - b).reshape(len(a), -1, 2).transpose(2, 0, 1))
    usual = np.hypot(*b.reshape(len(b), -1, 2).transpose(2, 0, 1))
    return r, float(np.median(apart) / np.median(usual))


if __name__ == "__main__":
    main()
