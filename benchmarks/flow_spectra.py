"""Region flow of real recordings beside that of rendered ones: is the simulation too tame?

    python benchmarks/flow_spectra.py [--real FOLDER] [--recordings 24] [--seconds 15]

For every real clip in the folder, and for rendered recordings grouped by what their script
holds, the table shows percentiles 50 / 90 / 99 of the region flow (length of the vector since
the window's reference, nose removed, px of the 320-px face crop) and of its change from frame
to frame, for brows, mouth and nose wings, pooled over regions and windows.  The last columns
are the noise at rest: the amplitude (rms, px) of the brow flow at 0.5 to 2, 2 to 5 and above
5 Hz in the quietest quarter of the windows.  Nothing is learned from the real clips.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from joblib import Parallel, delayed

from mescope.errors import MescopeError
from mescope.motion.roi_flow import RoiFlow, extract
from mescope.synthesis.recorded import rendered_recording
from mescope.video.reading import open_video
from mescope.video.source import Video

PARTS = {"brow": "BROW", "mouth": "MOUTH", "nose": "NOSE"}
PERCENTILES = (50, 90, 99)
BANDS = ((0.5, 2.0), (2.0, 5.0), (5.0, 15.0))  # Hz
SUFFIXES = {".mp4", ".mpg", ".avi", ".mov", ".mkv", ".webm"}


@dataclass
class Sample:
    """What was measured in one recording: vector lengths and steps by part, band amplitudes."""

    name: str
    group: str
    lengths: dict[str, np.ndarray]
    steps: dict[str, np.ndarray]
    bands: np.ndarray  # (windows, len(BANDS)) px
    seen: float  # share of the frames with a face


def measure(video: Video, name: str, group: str) -> Sample:
    """Extract the region flow of a recording and take it apart."""
    flow = extract(video, jobs=1, cache=None)
    vectors = flow.windows.reshape(len(flow.windows), len(flow.regions), 2, -1)
    lengths, steps = {}, {}
    whole = flow.valid.all(axis=1)
    for part, start in PARTS.items():
        rows = [i for i, region in enumerate(flow.regions) if region.startswith(start)]
        part_flow = vectors[whole][:, rows]
        lengths[part] = np.linalg.norm(part_flow[..., 1:], axis=2).ravel()
        steps[part] = np.linalg.norm(np.diff(part_flow, axis=-1)[..., 1:], axis=2).ravel()
    return Sample(name, group, lengths, steps, bands(flow, whole), float(flow.valid.mean()))


def bands(flow: RoiFlow, whole: np.ndarray) -> np.ndarray:
    """Return the rms of the brow flow in every band, (windows, bands) px."""
    rows = [i for i, region in enumerate(flow.regions) if region.startswith("BROW")]
    vectors = flow.windows.reshape(len(flow.windows), len(flow.regions), 2, -1)[whole][:, rows]
    if not len(vectors):
        return np.zeros((0, len(BANDS)))
    n = vectors.shape[-1]
    tapered = (vectors - vectors.mean(axis=-1, keepdims=True)) * np.hanning(n)
    power = np.abs(np.fft.rfft(tapered, axis=-1)) ** 2 * 2 / (n * (np.hanning(n) ** 2).sum())
    frequency = np.fft.rfftfreq(n, 1 / flow.timing.rate)
    return np.stack(
        [
            np.sqrt(power[..., (low <= frequency) & (frequency < high)].sum(axis=-1)).mean(
                axis=(1, 2)
            )
            for low, high in BANDS
        ],
        axis=1,
    )


def measure_rendered(seed: int, number: int, seconds: float) -> Sample | None:
    """Render and measure recording ``number``; None where no window can be measured."""
    cv2.setNumThreads(1)
    video = rendered_recording((seed, number), seconds)
    kinds = {event.kind for event in video.events}
    talks = sum(e.offset_s - e.onset_s for e in video.script.events if e.kind == "speech")
    if talks > 0.6 * seconds:
        group = "rendered, talking throughout"
    elif "speech" in kinds:
        group = "rendered, bouts of speech"
    elif video.expressions:
        group = "rendered, expressions"
    else:
        group = "rendered, rest"
    try:
        return measure(video, f"rendered-{number}", group)
    except MescopeError:
        return None


def measure_real(path: Path) -> Sample | None:
    """Measure one real clip; None where it is too short or shows no face."""
    try:
        return measure(open_video(path), path.stem, "real")
    except MescopeError:
        return None


def row(title: str, samples: list[Sample]) -> str:
    """Return one line of the table."""
    cells = [f"{title:<30}"]
    for part in PARTS:
        for table in ("lengths", "steps"):
            values = np.concatenate([getattr(s, table)[part] for s in samples])
            if not len(values):
                cells.append(f"{'-':^18}")
                continue
            p = np.percentile(values, PERCENTILES)
            cells.append(f"{p[0]:5.2f}/{p[1]:5.1f}/{p[2]:5.1f}")
    rest = np.concatenate([s.bands for s in samples])
    if len(rest):
        quiet = rest[rest.sum(axis=1) <= np.percentile(rest.sum(axis=1), 25)]
        cells.append("/".join(f"{v:5.2f}" for v in np.median(quiet, axis=0)))
    cells.append(f"{np.mean([s.seen for s in samples]):5.2f}")
    return "  ".join(cells)


def show(samples: list[Sample]) -> None:
    """Print the table: every real clip, then the rendered groups and their sum."""
    heads = [f"{p}{t}" for p in PARTS for t in (" flow 50/90/99", " step")]
    print(
        "  ".join([f"{'':<30}", *[f"{h:<17}" for h in heads], "rest 0.5-2/2-5/5-15 Hz  seen"])
    )
    for sample in samples:
        if sample.group == "real":
            print(row(sample.name, [sample]))
    for group in sorted({s.group for s in samples if s.group != "real"}):
        chosen = [s for s in samples if s.group == group]
        print(row(f"{group} ({len(chosen)})", chosen))
    for title in ("real", "rendered"):
        chosen = [s for s in samples if s.group.startswith(title)]
        if chosen:
            print(row(f"all {title} ({len(chosen)})", chosen))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--real", type=Path, default=Path("../shared/data/real_faces"))
    parser.add_argument("--recordings", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    clips = []
    if options.real.is_dir():
        clips = sorted(p for p in options.real.iterdir() if p.suffix.lower() in SUFFIXES)
    else:
        print(f"no folder {options.real}: rendered recordings alone; give one with --real")
    jobs = [delayed(measure_real)(path) for path in clips]
    jobs += [
        delayed(measure_rendered)(options.seed, number, options.seconds)
        for number in range(options.recordings)
    ]
    show([s for s in Parallel(n_jobs=options.jobs)(jobs) if s is not None])


if __name__ == "__main__":
    main()
