"""From scores of frames to expressions; networks are made up, maps and scores planted."""

from dataclasses import replace

import numpy as np
import pytest
from planted_motion import recording, region_flow

from mescope.errors import MescopeError, WeightsError
from mescope.events import Expression, Interval
from mescope.samples.pair_labels import pair_labels
from mescope.spotting import SPOTTERS, Network
from mescope.spotting.frame_scores import FrameRule, frame_intervals

EMOTIONS = ("negative", "positive", "surprise")


def planted(*spans, n=900, k=6, noise=0.0):
    """Scores of a network that gives every pair its label."""
    truth = [Expression(interval=Interval(*span), kind="micro") for span in spans]
    labels = pair_labels(truth, n, k) + np.random.default_rng(1).normal(0, noise, n - k)
    return np.concatenate([labels, np.full(k, np.nan)])


def network(**more):
    given = dict(name="w", look="frames", head="face", rule={}, score=None, model="softnet")
    return Network(**{**given, **more})


@pytest.mark.parametrize("rate", [15.0, 30.0, 60.0])
def test_right_scores_give_right_intervals(rate):
    k = round(0.2 * rate)
    spans = [(round(t * rate), round(t * rate) + 2 * k - 1) for t in (4, 9, 14)]
    scores = planted(*spans, n=round(20 * rate), k=k, noise=0.02)
    found, floor = frame_intervals(scores, rate, FrameRule())
    shown = [d for d in found if d.score >= floor]
    assert len(shown) == 3
    for one, span in zip(shown, spans, strict=True):
        assert one.interval.iou(Interval(*span)) >= 0.5  # all peaks of a plateau are alike
        assert one.kind == "micro"


def test_the_weights_say_which_kind_they_are_for():
    scores = planted((100, 140), k=20)
    for kind in ("micro", "macro"):
        (found,), _ = frame_intervals(scores, 30.0, FrameRule(half_s=2 / 3, kind=kind))
        assert found.kind == kind
    (found,), _ = frame_intervals(scores, 30.0, FrameRule(half_s=2 / 3))
    assert found.kind == "macro"


def test_low_scores_show_nothing_but_with_the_published_threshold():
    scores = 0.1 * planted((100, 111), (400, 411), noise=0.05)
    found, floor = frame_intervals(scores, 30.0, FrameRule())
    assert [d for d in found if d.score >= floor] == []
    found, floor = frame_intervals(scores, 30.0, FrameRule(floor=0.0))
    assert [d for d in found if d.score >= floor] != []


def test_gaps_are_never_spanned():
    scores = planted((100, 111), (500, 511))
    scores[480:540] = np.nan
    found, _ = frame_intervals(scores, 30.0, FrameRule())
    assert len(found) == 1
    assert found[0].interval.iou(Interval(100, 111)) >= 0.7


@pytest.mark.parametrize("n", [0, 1, 3])
def test_nothing_at_all(n):
    assert frame_intervals(np.full(n, np.nan), 30.0, FrameRule())[0] == []
    assert frame_intervals(np.zeros(n), 30.0, FrameRule())[0] == []


def test_the_emotion_is_that_of_most_frames_before_the_peak():
    scores = planted((100, 111))
    logits = np.tile([1.0, 0.0, 0.0], (900, 1))
    logits[93:103] = [0.0, 0.0, 3.0]
    (found,), _ = frame_intervals(scores, 30.0, FrameRule(), logits, EMOTIONS)
    assert found.emotion == "surprise"
    assert found.emotion_scores is not None
    assert sum(found.emotion_scores.values()) == pytest.approx(1.0)


def test_other_weights_are_refused():
    with pytest.raises(WeightsError, match=r"needs weights of the model 'softnet'.*--model"):
        SPOTTERS["softnet"](network(look="windows", model="me-tst-plus"))
    with pytest.raises(WeightsError, match="'mean'"):
        SPOTTERS["mean"](network())
    with pytest.raises(WeightsError, match="does not fit"):
        SPOTTERS["softnet"](network(rule={"half_s": -1.0}))


def test_region_flow_alone_is_not_enough():
    with pytest.raises(MescopeError, match=r"needs the pictures.*Analyzer\.analyze"):
        SPOTTERS["softnet"](network()).spot(region_flow(recording()))


def test_frames_without_a_face_have_no_score_and_ends_have_zero():
    spotter = SPOTTERS["softnet"](network())
    flow = region_flow(recording())
    valid = flow.valid.copy()
    valid[3:6] = False
    scores = planted((100, 111))
    scores[75:150] = np.nan
    spotter.seen = scores, np.empty((900, 0))
    spotting = spotter.spot(replace(flow, valid=valid))
    gone = np.isnan(spotting.score)
    assert gone[100:150].all()
    assert not gone[:75].any()
    assert not gone[175:].any()
    assert spotting.score[899] == 0.0
    assert spotting.detections == ()


@pytest.mark.parametrize("wrong", [{"share": 2.0}, {"kind": "large"}, {"flow": "raft"}])
def test_impossible_constants_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        FrameRule(**wrong)
