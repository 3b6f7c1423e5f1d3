"""Plant expressions on faces never trained on; count what is found.

    python benchmarks/planted.py [--clips 60] [--seconds 30] [--jobs 2] [--json out.json]

Clips of the two public-domain portraits at three levels of noise and head motion, at 30 and 200
frames a second, and a face that only sways (ten minutes at each rate).  Both spotters see the
same extracted flow.  Truth and detections are micro-expressions; IoU >= 0.5 in native frames,
optimal matching, counts pooled over clips.  UF1 and UAR are over the hits whose truth is
negative, positive or surprise; 'others' as an answer is a miss.  Detections of more than half a
second ("macros") are counted beside, neither right nor wrong.
"""

from __future__ import annotations

import argparse
import itertools
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed

import mescope
from mescope.analysis.findings import to_native
from mescope.evaluation.matching import Counts, match_kind
from mescope.evaluation.recognition import count_classes, uar, uf1
from mescope.events import Detection, Expression
from mescope.synthesis.dynamics import random_script, truth
from mescope.synthesis.portraits import test_portraits
from mescope.synthesis.render import SyntheticVideo
from mescope.video.roi_flow import extract

METHODS = ("model", "flow-peaks")
LEVELS = ("calm", "middle", "hard")
RATES = (30.0, 200.0)
HEADING = (
    "part           method       hits    fa  miss   prec  recall     f1 fa/min    uf1    uar"
    "  on ms  off ms macros"
)
SCORED = ("negative", "positive", "surprise")


@dataclass(frozen=True)
class Clip:
    """One planted recording."""

    portrait: int
    level: str
    rate: float
    seed: int
    seconds: float
    still: bool = False


@dataclass
class Outcome:
    """What one method found in one clip."""

    clip: Clip
    method: str
    counts: Counts
    onset_ms: list[float] = field(default_factory=list)
    offset_ms: list[float] = field(default_factory=list)
    pairs: list[tuple[str, str]] = field(default_factory=list)  # truth, answer
    macros: int = 0  # detections of more than half a second, not counted above


def run(clip: Clip, weights: str) -> list[Outcome]:
    """Render, extract once, detect with both methods, match."""
    rng = np.random.default_rng((20261120, clip.seed))
    rates = {"micro_per_minute": 0.0, "macro_per_minute": 0.0} if clip.still else {}
    script = random_script(rng, clip.seconds, level=clip.level, **rates)
    video = SyntheticVideo(test_portraits()[clip.portrait], script, clip.rate)
    flow = extract(video, jobs=1, cache=None)
    planted = truth(script, video.times)
    analyzer = mescope.load(weights)
    outcomes = []
    for method in METHODS:
        found = [to_native(d, flow, video) for d in analyzer.detect(flow, method=method)[0]]
        outcomes.append(compare(clip, method, found, planted, video.times))
    return outcomes


def compare(
    clip: Clip,
    method: str,
    found: list[Detection],
    planted: tuple[Expression, ...],
    times: np.ndarray,
) -> Outcome:
    """Match micro detections with micro truth."""
    matches = match_kind(found, planted, "micro")
    out = Outcome(clip, method, matches.counts)
    out.macros = sum(d.kind == "macro" for d in found)
    for i, j in matches.pairs:
        a, b = found[i].interval, planted[j].interval
        out.onset_ms.append(1000 * float(times[a.first] - times[b.first]))
        out.offset_ms.append(1000 * float(times[a.last] - times[b.last]))
        if planted[j].emotion in SCORED:
            out.pairs.append((str(planted[j].emotion), str(found[i].emotion)))
    return out


def summary(outcomes: list[Outcome]) -> dict[str, Any]:
    """Pool the outcomes of several clips."""
    counts = sum((o.counts for o in outcomes), Counts())
    minutes = sum(o.clip.seconds for o in outcomes) / 60
    pairs = list(itertools.chain.from_iterable(o.pairs for o in outcomes))
    onset = np.abs(np.concatenate([o.onset_ms for o in outcomes] or [[]]))
    offset = np.abs(np.concatenate([o.offset_ms for o in outcomes] or [[]]))
    row: dict[str, Any] = {
        "clips": len(outcomes),
        "hits": counts.tp,
        "false_alarms": counts.fp,
        "misses": counts.fn,
        "precision": counts.precision,
        "recall": counts.recall,
        "f1": counts.f1,
        "false_alarms_per_minute": counts.fp / minutes,
        "onset_error_ms": float(np.median(onset)) if len(onset) else None,
        "offset_error_ms": float(np.median(offset)) if len(offset) else None,
        "macro_detections": sum(o.macros for o in outcomes),
        "pairs": len(pairs),
    }
    if pairs:
        t, p = zip(*pairs, strict=True)
        counted = count_classes(t, p, SCORED)
        row |= {"uf1": uf1(counted), "uar": uar(counted)}
    return row


def plan(clips: int, seconds: float) -> list[Clip]:
    """Spread the clips evenly over levels, rates and portraits."""
    cells = list(itertools.product(LEVELS, RATES, range(2)))
    return [
        Clip(portrait, level, rate, seed, seconds)
        for seed, (level, rate, portrait) in zip(
            range(clips), itertools.cycle(cells), strict=False
        )
    ]


def show(title: str, outcomes: list[Outcome]) -> list[dict[str, Any]]:
    """Print one table row per method."""
    rows = []
    for method in METHODS:
        row = summary([o for o in outcomes if o.method == method])
        rows.append({"part": title, "method": method, **row})
        cells = [f"{title:<14} {method:<11}"]
        cells += [f"{row[k]:>5}" for k in ("hits", "false_alarms", "misses")]
        keys = ("precision", "recall", "f1", "false_alarms_per_minute", "uf1", "uar")
        cells += [f"{row[k]:6.3f}" if k in row else "     -" for k in keys]
        for k in ("onset_error_ms", "offset_error_ms"):
            cells.append(f"{row[k]:6.0f}" if row[k] is not None else "     -")
        cells.append(f"{row['macro_detections']:6}")
        print(" ".join(cells))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--still", type=float, default=600.0, help="seconds of a still face")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--model", default="me-tst-plus-small")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    jobs = [delayed(run)(clip, options.model) for clip in plan(options.clips, options.seconds)]
    stills = [
        Clip(i % 2, "middle", rate, 1000 + i, options.still / 10, still=True)
        for i, rate in enumerate([RATES[0]] * 10 + [RATES[1]] * 10)
        if options.still > 0
    ]
    jobs += [delayed(run)(clip, options.model) for clip in stills]
    nested = Parallel(n_jobs=options.jobs, verbose=5)(jobs)
    outcomes = [o for group in nested for o in group]
    print(HEADING)
    rows = []
    moving = [o for o in outcomes if not o.clip.still]
    for level in LEVELS:
        rows += show(level, [o for o in moving if o.clip.level == level])
    for rate in RATES:
        rows += show(f"{rate:.0f} fps", [o for o in moving if o.clip.rate == rate])
    rows += show("all", moving)
    for rate in RATES:
        rest = [o for o in outcomes if o.clip.still and o.clip.rate == rate]
        if rest:
            rows += show(f"still {rate:.0f} fps", rest)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
