"""Plant expressions on faces never trained on; count what is found.

    python benchmarks/planted.py [--clips 60] [--seconds 30] [--jobs 2] [--method NAME]
        [--model WEIGHTS] [--cache FOLDER] [--json out.json]

Clips of the two public-domain portraits at three levels of noise and head motion, at 30 and 200
frames a second; as many at the middle level whose expressions are from faint to strong (0.15 to
5.5 of the usual peak, whatever their duration) and a fifth of them overlapped by a blink; and a
face that only sways (ten minutes at each rate).  Every spotter sees the same pixels.

Micro and macro are matched apart, by IoU >= 0.5 in native frames, optimal matching, counts
pooled over clips; intervals are over clips (bootstrap, 95 %).  UF1 and UAR are over the
micro hits whose truth is negative, positive or surprise; 'others' as an answer is a miss.
*blinks* are planted blinks that were named, *as expr* shown detections that are a planted blink
and no expression.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from joblib import Parallel, delayed

import mescope
from mescope.analysis import Analysis
from mescope.evaluation.bootstrap import interval
from mescope.evaluation.matching import Counts, match_kind
from mescope.evaluation.recognition import count_classes, uar, uf1
from mescope.events import Kind
from mescope.spotting import SPOTTERS
from mescope.synthesis.dynamics import random_script
from mescope.synthesis.portraits import test_portraits
from mescope.synthesis.render import SyntheticVideo

METHODS = ("model", "flow-peaks")
LEVELS = ("calm", "middle", "hard")
RATES = (30.0, 200.0)
KINDS: tuple[Kind, ...] = ("micro", "macro")
STRENGTHS = (0.15, 5.5)  # peaks of the part "strengths"; 1 is about 2.7 px of the face crop
BLINKED_OVER = 0.2  # of its expressions
HEADING = (
    "part         method        micro f1 (interval)   prec    rec fa/min   macro f1   uf1   uar"
    "  on ms off ms  blinks  as expr"
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
    strengths: bool = False

    @property
    def part(self) -> str:
        """The name of the part of the table that it belongs to."""
        return "strengths" if self.strengths else "still" if self.still else self.level


@dataclass
class Outcome:
    """What one method found in one clip."""

    clip: Clip
    method: str
    counts: dict[Kind, Counts]
    onset_ms: list[float] = field(default_factory=list)
    offset_ms: list[float] = field(default_factory=list)
    pairs: list[tuple[str, str]] = field(default_factory=list)  # truth, answer
    blinks: tuple[int, int] = (0, 0)  # named, planted
    called: int = 0  # blinks that are shown as expressions


def run(
    clip: Clip,
    weights: str | None,
    methods: Sequence[str] = METHODS,
    kept: Path | None = None,
) -> list[Outcome]:
    """Render once, analyze with every method, match; measurements are ``kept`` if asked."""
    rng = np.random.default_rng((20261120, clip.seed))
    options: dict[str, Any] = {}
    if clip.still:
        options = {"micro_per_minute": 0.0, "macro_per_minute": 0.0}
    if clip.strengths:
        options = {"peaks": STRENGTHS, "blinks_over": BLINKED_OVER}
    script = random_script(rng, clip.seconds, level=clip.level, **options)
    video = SyntheticVideo(test_portraits()[clip.portrait], script, clip.rate)
    analyzer = mescope.load(*([weights] if weights else []))
    with nullcontext(kept) if kept else TemporaryDirectory() as cache:  # for every method
        return [
            compare(
                clip,
                method,
                analyzer.analyze(
                    video, method=method, jobs=1, pictures=False, cache=Path(cache)
                ),
                video,
            )
            for method in methods
        ]


def compare(clip: Clip, method: str, analysis: Analysis, video: SyntheticVideo) -> Outcome:
    """Match detections with the truth, micro and macro apart."""
    planted, found, times = video.expressions, analysis.detections, video.times
    matches = {kind: match_kind(found, planted, kind) for kind in KINDS}
    out = Outcome(clip, method, {kind: m.counts for kind, m in matches.items()})
    hit = set()
    for kind, matched in matches.items():
        for i, j in matched.pairs:
            hit.add(i)
            if kind == "macro":
                continue
            a, b = found[i].interval, planted[j].interval
            out.onset_ms.append(1000 * float(times[a.first] - times[b.first]))
            out.offset_ms.append(1000 * float(times[a.last] - times[b.last]))
            if planted[j].emotion in SCORED:
                out.pairs.append((str(planted[j].emotion), str(found[i].emotion)))
    blinks = [e.interval for e in video.events if e.kind == "blink"]
    named = [e.interval for e in analysis.events if e.kind == "blink"]
    out.blinks = (sum(any(b.shared(n) for n in named) for b in blinks), len(blinks))
    out.called = sum(
        any(d.interval.iou(b) >= 0.5 for b in blinks)
        and not any(d.interval.shared(e.interval) for e in planted)
        for i, d in enumerate(found) if i not in hit
    )  # fmt: skip
    return out


def summary(outcomes: list[Outcome]) -> dict[str, Any]:
    """Pool the outcomes of several clips."""
    micro, macro = (sum((o.counts[kind] for o in outcomes), Counts()) for kind in KINDS)
    minutes = sum(o.clip.seconds for o in outcomes) / 60
    pairs = list(itertools.chain.from_iterable(o.pairs for o in outcomes))
    onset = np.abs(np.concatenate([o.onset_ms for o in outcomes] or [[]]))
    offset = np.abs(np.concatenate([o.offset_ms for o in outcomes] or [[]]))
    rows = [
        [o.counts["micro"].tp, o.counts["micro"].fp, o.counts["micro"].fn] for o in outcomes
    ]
    row: dict[str, Any] = {
        "clips": len(outcomes),
        "hits": micro.tp,
        "false_alarms": micro.fp,
        "misses": micro.fn,
        "precision": micro.precision,
        "recall": micro.recall,
        "f1": micro.f1,
        "f1_interval": interval(rows, lambda c: Counts(*map(int, c)).f1),
        "false_alarms_per_minute": (micro.fp + macro.fp) / minutes,
        "macro_hits": macro.tp,
        "macro_f1": macro.f1,
        "onset_error_ms": float(np.median(onset)) if len(onset) else None,
        "offset_error_ms": float(np.median(offset)) if len(offset) else None,
        "blinks_named": sum(o.blinks[0] for o in outcomes),
        "blinks_planted": sum(o.blinks[1] for o in outcomes),
        "blinks_called_expressions": sum(o.called for o in outcomes),
        "pairs": len(pairs),
    }
    if pairs:
        t, p = zip(*pairs, strict=True)
        counted = count_classes(t, p, SCORED)
        row |= {"uf1": uf1(counted), "uar": uar(counted)}
    return row


def plan(clips: int, seconds: float) -> list[Clip]:
    """Spread the clips evenly over levels, rates and portraits; a third as many by strength."""
    cells = list(itertools.product(LEVELS, RATES, range(2)))
    plain = [
        Clip(portrait, level, rate, seed, seconds)
        for seed, (level, rate, portrait) in zip(
            range(clips), itertools.cycle(cells), strict=False
        )
    ]
    varied = [
        Clip(portrait, "middle", rate, 500 + seed, seconds, strengths=True)
        for seed, (rate, portrait) in zip(
            range(clips // 3), itertools.cycle(itertools.product(RATES, range(2))), strict=False
        )
    ]
    return plain + varied


def show(title: str, outcomes: list[Outcome]) -> list[dict[str, Any]]:
    """Print one table row per method."""
    rows = []
    for method in dict.fromkeys(o.method for o in outcomes):
        row = summary([o for o in outcomes if o.method == method])
        rows.append({"part": title, "method": method, **row})
        low, high = row["f1_interval"]
        cells = [f"{title:<12} {method:<11} {row['f1']:7.3f} ({low:.3f}-{high:.3f})"]
        keys = ("precision", "recall", "false_alarms_per_minute")
        cells += [f"{row[k]:6.3f}" for k in keys]
        cells.append(f"{row['macro_f1']:9.3f}")
        cells += [f"{row[k]:5.2f}" if k in row else "    -" for k in ("uf1", "uar")]
        for k in ("onset_error_ms", "offset_error_ms"):
            cells.append(f"{row[k]:6.0f}" if row[k] is not None else "     -")
        cells.append(f"{row['blinks_named']:>4}/{row['blinks_planted']:<4}")
        cells.append(f"{row['blinks_called_expressions']:>6}")
        print(" ".join(cells))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--still", type=float, default=600.0, help="seconds of a still face")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument(
        "--method", choices=sorted(SPOTTERS), action="append",
        help="a spotter; give it again for another",
    )  # fmt: skip
    parser.add_argument("--model", help="weights; the default ones if not given")
    parser.add_argument("--cache", type=Path, help="keep measurements here, for other weights")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    methods = tuple(options.method or METHODS)
    clips = plan(options.clips, options.seconds)
    jobs = [delayed(run)(clip, options.model, methods, options.cache) for clip in clips]
    stills = [
        Clip(i % 2, "middle", rate, 1000 + i, options.still / 10, still=True)
        for i, rate in enumerate([RATES[0]] * 10 + [RATES[1]] * 10)
        if options.still > 0
    ]
    jobs += [delayed(run)(clip, options.model, methods, options.cache) for clip in stills]
    nested = Parallel(n_jobs=options.jobs, verbose=5)(jobs)
    outcomes = [o for group in nested for o in group]
    print(HEADING)
    rows = []
    for part in (*LEVELS, "strengths"):
        rows += show(part, [o for o in outcomes if o.clip.part == part])
    moving = [o for o in outcomes if not o.clip.still]
    for rate in RATES:
        rows += show(f"{rate:.0f} fps", [o for o in moving if o.clip.rate == rate])
    rows += show("all", moving)
    rest = [o for o in outcomes if o.clip.still]
    if rest:
        rows += show("still", rest)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
