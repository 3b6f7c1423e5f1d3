"""What the authors of ME-TST+ and BoostingVRME answer on made-up traces, to the last figure."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path

import numpy as np
import pytest

from mescope.evaluation.interval_table import Row, Table, table_of
from mescope.evaluation.recognition import harmonic_f1, macro_precision, uar, uf1
from mescope.evaluation.scores import CLASSES, Scores, score
from mescope.events import Interval
from mescope.labels import SPOTTING_CLASSES
from mescope.spotting.proposals import ProposalRule, propose

OFFICIAL = Path(__file__).parents[2] / ".." / "shared" / "data" / "official_postprocessing.json"
SETS = ("casme3-like", "sammlv-like")
SETTINGS = {
    "me-tst+ synergy 0": ("me-tst-plus", 0),
    "me-tst+ synergy 1": ("me-tst-plus", 1),
    "me-tst+ synergy 2": ("me-tst-plus", 2),
    "boosting intervals, synergy 1": ("boosting-vrme", 1),
    "boosting intervals, synergy 2": ("boosting-vrme", 2),
}
RATE = 30.0  # published intervals do not depend on it

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(
        not OFFICIAL.exists(),
        reason="the answers of the authors' code in ../shared/data are not here",
    ),
]


@functools.cache
def official():
    return json.loads(OFFICIAL.read_text(encoding="utf-8"))


def recordings(name):
    for s, subject in enumerate(official()[name]["subjects"]):
        for r, recording in enumerate(subject):
            yield (f"s{s}", f"s{s}r{r:02}"), recording


def found_in(name, setting):
    """Our detections by video, in order."""
    of, strategy = SETTINGS[setting]
    rule = ProposalRule.as_published(official()[name]["k_p"], strategy, of=of)
    return {
        video: propose(np.array(one["score"]), np.array(one["logits"]), RATE, rule)
        for video, one in recordings(name)
    }


def found_table(found) -> Table:
    rows = [
        Row(subject=s, video=v, interval=d.interval, kind="micro", emotion=d.emotion)
        for (s, v), detections in found.items()
        for d in detections
    ]
    return table_of(rows, list(found))


def truth_table(name) -> Table:
    rows = [
        Row(subject=s, video=v, interval=Interval(on, off), kind="micro", emotion=emotion)
        for (s, v), one in recordings(name)
        for (on, _, off), emotion in zip(
            one["samples_onset_apex_offset"], one["emotions"], strict=True
        )
    ]
    return table_of(rows)


def figures(scores: Scores) -> list[float]:
    """Everything the published evaluator prints, in its order, unrounded."""
    counts = scores.counts["micro"]
    out = [counts.tp, counts.fp, counts.fn, counts.precision, counts.recall, counts.f1]
    for classes in (CLASSES, CLASSES[:3]):
        c = scores.recognition(classes)
        fn = [n - tp for n, tp in zip(c.n, c.tp, strict=True)]
        tn = [sum(c.n) - tp - fp - m for tp, fp, m in zip(c.tp, c.fp, fn, strict=True)]
        for row in zip(c.tp, c.fp, fn, tn, strict=True):
            out += row
        out += [sum(c.tp), sum(c.fp), sum(fn), sum(tn)]
        policy = scores.policy
        out += [macro_precision(c, policy), uar(c, policy)]  # macro recall is the UAR
        out += [uf1(c, policy), uar(c, policy), harmonic_f1(c, policy)]
    return [*out, scores.strs(CLASSES[:3])]


def printed(lines: list[str]) -> list[float]:
    """The numbers of an answer; names such as UF1 and CASME_3 hold digits too."""
    after_names = "\n".join(re.sub(r"UF1|F1|CASME_3", "", line) for line in lines)
    return [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", after_names)]


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", SETS)
def test_every_interval_emotion_match_and_figure(name, setting):
    wanted = official()[name]["runs"][setting]
    found = found_in(name, setting)
    intervals = [
        [d.interval.first, d.interval.last, d.apex] for each in found.values() for d in each
    ]
    assert intervals == [
        one
        for subject in wanted["intervals_onset_offset_peak"]
        for recording in subject
        for one in recording
    ]
    emotions = [SPOTTING_CLASSES.index(d.emotion) for each in found.values() for d in each]
    assert emotions == wanted["emotion_of_interval"]

    mine, truth = found_table(found), truth_table(name)
    unfiltered = score(mine, truth, mode="as_published_metst_unfiltered")
    filtered = score(mine, truth, mode="as_published_metst")
    for scores, suffix in ((unfiltered, ""), (filtered, "_without_neutral")):
        counts = scores.counts["micro"]
        key = f"counts{suffix}"
        assert {"tp": counts.tp, "fp": counts.fp, "fn": counts.fn} == wanted[key]
        assert figures(scores) == pytest.approx(printed(wanted[f"printed{suffix}"]), abs=5.1e-5)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", SETS)
def test_every_detection_finds_the_published_truth(name, setting):
    """Class of the expression that each detection found, -1 for a false alarm."""
    from mescope.evaluation.matching import match

    found = found_in(name, setting)
    answers = []
    for video, one in recordings(name):
        truth = [Interval(on, off) for on, _, off in one["samples_onset_apex_offset"]]
        matches = match([d.interval for d in found[video]], truth, how="voc_greedy")
        of = dict(matches.pairs)
        answers += [
            CLASSES.index(one["emotions"][of[i]]) if i in of else -1
            for i in range(len(found[video]))
        ]
    assert answers == official()[name]["runs"][setting]["truth_of_interval"]
