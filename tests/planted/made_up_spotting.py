"""A made-up evaluation on recordings with its traces, for tests of reports and pages."""

import numpy as np

from mescope.evaluation.interval_table import Row
from mescope.evaluation.predictions import environment
from mescope.evaluation.spotting_report import (
    SpottedBy,
    SpottedRun,
    SpottedVideo,
    SpottingReport,
)
from mescope.events import Interval
from mescope.spotting.proposals import ProposalRule

EMOTIONS = ("negative", "positive", "surprise", "others")
METHODS = {
    "strategy-1": ("network, with result-level synergy", 1),
    "strategy-2": ("network, without result-level synergy", 2),
    "flow-peaks": ("flow-peaks", None),
}


def row(first, last, *, subject="1", video="a", kind="micro", emotion=None, score=None):
    return Row(
        subject=subject, video=video, interval=Interval(first, last), kind=kind,
        emotion=emotion, apex=(first + last) // 2 if score is not None else None, score=score,
    )  # fmt: skip


def shrunk(one, step):
    """Return a row in decimated frames."""
    ends = one.interval.first // step, one.interval.last // step
    apex = None if one.apex is None else min(max(one.apex // step, ends[0]), ends[1])
    return Row(
        subject=one.subject, video=one.video, interval=Interval(*ends), kind=one.kind,
        emotion=one.emotion, apex=apex, score=one.score,
    )  # fmt: skip


def report_of(
    truth,
    runs,
    *,
    videos=(("1", "a"),),
    frames=900,
    rate=30.0,
    step=1,
    mode="clean",
    dataset="casme3a",
    **changes,
):
    """Return a report; ``runs`` are (method, seed, rows), rows in native frames."""
    seeds = sorted({seed for _, seed, _ in runs})
    people = sorted({(dataset, subject) for subject, _ in videos})
    rule = ProposalRule.as_published(8).to_dict()
    values = {
        "name": "me-tst-plus-small", "protocol": "loso", "mode": mode,
        "recipe": {"model": {"name": "me-tst-plus-small"}, "data": {"kind": "recordings"}},
        "videos": tuple(
            SpottedVideo(
                key=key, person=(dataset, key[0]), native=frames,
                decimated=-(-frames // step), minutes=frames / rate / 60,
            )
            for key in videos
        ),
        "truth_native": tuple(truth),
        "truth_decimated": tuple(shrunk(one, step) for one in truth),
        "runs": tuple(
            SpottedRun(
                method=method, title=METHODS[method][0], seed=seed,
                strategy=METHODS[method][1], native=tuple(rows),
                decimated=tuple(shrunk(one, step) for one in rows),
            )
            for method, seed, rows in runs
        ),
        "folds": tuple(
            SpottedBy(
                fold="/".join(person), seed=seed,
                train=tuple(p for p in people if p != person), test=(person,), rule=rule,
            )
            for seed in seeds
            for person in people
        ),
        "hashes": {"data": "3f" * 32, "split": "0c" * 32}, "environment": environment(),
        "seconds": 4321.5,
    }  # fmt: skip
    return SpottingReport(**(values | changes))


def made_up_spotting(
    seeds=(0, 1, 2), *, people=12, each=2, macro=False, frames=900, skill=0.6, **options
):
    """Return a report of three methods on people with ``each`` videos of three micros."""
    rng = np.random.default_rng(5)
    videos = [
        (f"s{p + 1:02d}", f"{p + 1:02d}_{v + 1}") for p in range(people) for v in range(each)
    ]
    truth = []
    for subject, video in videos:
        for slot in range(3):
            first = int(rng.integers(slot * frames // 3, (slot + 1) * frames // 3 - 40))
            truth.append(
                row(first, first + int(rng.integers(8, 15)), subject=subject, video=video,
                    emotion=EMOTIONS[int(rng.choice(4, p=(0.5, 0.2, 0.2, 0.1)))])
            )  # fmt: skip
        if macro:
            truth.append(row(20, 60, subject=subject, video=video, kind="macro"))
    runs = []
    for method in METHODS:
        for seed in seeds if METHODS[method][1] else seeds[:1]:
            draws = np.random.default_rng((seed, 7))
            runs.append((method, seed, _found(truth, videos, method, draws, frames, skill)))
    return report_of(truth, runs, videos=videos, frames=frames, **options)


def _found(truth, videos, method, rng, frames, skill):
    named, found = METHODS[method][1] is not None, []
    for one in truth:
        hit, right, moved = rng.random() < skill, rng.random() < 0.7, int(rng.integers(-2, 3))
        if hit:
            emotion = one.emotion if right else str(rng.choice(EMOTIONS))
            found.append(
                row(max(0, one.interval.first + moved), one.interval.last + moved,
                    subject=one.subject, video=one.video, kind=one.kind,
                    emotion=emotion if named else None, score=float(rng.uniform(0.6, 1)))
            )  # fmt: skip
    for subject, video in videos:
        for _ in range(int(rng.poisson(1.5 if method == "strategy-1" else 2.5))):
            first = int(rng.integers(0, frames - 20))
            found.append(
                row(first, first + 12, subject=subject, video=video,
                    emotion=str(rng.choice(EMOTIONS)) if named else None,
                    score=float(rng.uniform(0.4, 0.9)))
            )  # fmt: skip
    return found


def trace_of(report, video, seed=0):
    """Return a trace (n,) and logits (n, 5) of a video that peak where its detections are."""
    known = next(one for one in report.videos if one.key == video)
    rng = np.random.default_rng((seed, len(video[1])))
    at = np.arange(known.decimated)
    score = 0.1 + 0.03 * rng.standard_normal(known.decimated)
    logits = np.zeros((known.decimated, 5))
    logits[:, 4] = 2.0
    run = next(run for run in report.runs if run.seed == seed)
    for one in run.decimated:
        if one.where == video:
            hump = np.exp(-(((at - one.apex) / (len(one.interval) / 2)) ** 2))
            score = np.maximum(score, (one.score or 0.5) * hump)
            if one.emotion in EMOTIONS:
                logits[:, EMOTIONS.index(one.emotion)] += 3 * hump
    return np.clip(score, 0, 1), logits


def keep_traces(report, folder, store):
    """Write the traces of a report's folds into ``store``, as an evaluation does."""
    for seed in report.seeds:
        folds = [fold for fold in report.folds if fold.seed == seed]
        for number, fold in enumerate(folds):
            arrays = {}
            tested = [v.key for v in report.videos if v.person in fold.test]
            for i, key in enumerate(tested):
                score, logits = trace_of(report, key, seed)
                arrays[f"{i}-score"] = score.astype(np.float32)
                arrays[f"{i}-emotion"] = logits.astype(np.float32)
            store.save(f"seed-{seed}-{number:03d}", arrays)
