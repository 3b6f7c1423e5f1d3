"""Spotters by name; networks are made up, motion is planted."""

import json
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
import torch
from planted_motion import NAMES, UP, recording, region_flow

from mescope.analysis.analyzer import Analyzer
from mescope.analysis.network import network_of, score_of
from mescope.errors import MescopeError, WeightsError
from mescope.events import Interval
from mescope.labels import SPOTTING_CLASSES
from mescope.models.weights import Card
from mescope.motion.windows import Timing, timing
from mescope.spotting import SPOTTERS
from mescope.spotting.cascade import CascadeRule
from mescope.spotting.network import LOW_FLOOR, rule_of, softmax
from mescope.spotting.proposals import ProposalRule
from mescope.spotting.segments import CORE, channels

STRONG, FAINT = (100, 114), (500, 514)
EVENTS = ((STRONG, ["lips"], (0.0, -4.0)), (FAINT, ["lips"], (0.0, -1.0)))
CARD = Card(model="me-tst-plus-small", config={}, regions=NAMES, window=50, rate=30.0)


class Output(NamedTuple):
    spotting: torch.Tensor
    emotion: torch.Tensor


class ByLips(torch.nn.Module):
    """Scores every frame by how far the lips are up: 1 for 4 px."""

    def forward(self, windows):
        assert windows.shape[1] == 36
        up = -windows[:, 2 * NAMES.index("MOUTH") + 1]
        emotion = torch.zeros(*up.shape, 5)
        emotion[..., 1] = 3.0
        return Output(torch.clamp(up / 4, 0, 1), emotion)


class Sure(torch.nn.Module):
    """Calls every candidate a surprise, scored 0.8."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, cut):
        self.seen.append(tuple(cut.shape[1:]))
        score = torch.full((len(cut), 48), 0.01)
        score[:, CORE] = 0.8
        emotion = torch.zeros(len(cut), 48, 5)
        emotion[..., SPOTTING_CLASSES.index("surprise")] = 4.0
        return Output(score, emotion)


@pytest.fixture(scope="module")
def flow():
    return region_flow(recording(noise=0.02, events=EVENTS))


def by_network(flow, model, card):
    return SPOTTERS["model"](network_of(score_of(model, card), card, "w")).spot(flow)


def rule_in(card):
    return rule_of(network_of(score_of(ByLips(), card), card, "w"))


def at(spotting, span):
    return [d for d in spotting.detections if d.interval.iou(Interval(*span)) > 0.4]


def test_a_network_spotter_without_a_network_says_where_it_comes_from():
    with pytest.raises(WeightsError, match=r"expected a network, found none; mescope\.load"):
        SPOTTERS["model"]()


def test_rules_come_from_cards():
    rule = CascadeRule(floor=0.4, slope=2.0)
    assert rule_in(replace(CARD, look="candidates", proposals=rule.to_dict())) == rule
    plain = ProposalRule(floor=0.2)
    assert rule_in(replace(CARD, proposals=plain.to_dict())) == plain


@pytest.mark.parametrize(
    ("look", "proposals"),
    [("candidates", {"flor": 0.4}), ("candidates", {"edge": 7.0}), ("windows", {"floor": "x"}),
     ("windows", CascadeRule().to_dict())],
)  # fmt: skip
def test_rules_that_do_not_fit_are_refused(look, proposals):
    with pytest.raises(WeightsError, match=r"card of w does not fit.*another version"):
        rule_in(replace(CARD, look=look, proposals=proposals))


def test_training_free_keeps_what_lies_below_the_floor():
    """0.45 px is below the threshold of 0.5 px, but a slider may ask for it."""
    events = [EVENTS[0], (FAINT, ["lips"], (0.0, -0.45))]
    spotting = SPOTTERS["flow-peaks"]().spot(region_flow(recording(noise=0.01, events=events)))
    assert spotting.floor == 0.5
    (strong,), (faint,) = at(spotting, STRONG), at(spotting, FAINT)
    assert faint.score < spotting.floor < strong.score
    assert spotting.score.shape == (900,)
    assert spotting.emotion is None  # a guess is not a probability


def test_windows_propose_as_before_and_keep_the_low_ones(flow):
    rule = ProposalRule(share=0.0, floor=0.5, level=0.45, smooth=1, strategy=2)
    card = replace(CARD, proposals=rule.to_dict())
    spotting = by_network(flow, ByLips(), card)
    assert spotting.floor == 0.5
    (strong,), (faint,) = at(spotting, STRONG), at(spotting, FAINT)
    assert strong.score == pytest.approx(1.0, abs=0.1)
    assert LOW_FLOOR < faint.score == pytest.approx(0.25, abs=0.1)
    assert strong.emotion == "positive"
    frames = [
        t for d in spotting.detections for t in range(d.interval.first, d.interval.last + 1)
    ]
    assert len(frames) == len(set(frames))
    np.testing.assert_allclose(spotting.emotion.sum(axis=1), 1.0)
    assert spotting.movement[107] > 0.5 > spotting.movement[300]


def test_candidates_go_to_the_network_with_their_surroundings(flow):
    rule = CascadeRule(floor=0.6, refine=False)
    card = replace(CARD, look="candidates", head="face", proposals=rule.to_dict())
    network = Sure()
    spotting = by_network(flow, network, card)
    assert spotting.floor == 0.6
    assert network.seen == 2 * [(channels(18), 48)]  # as they are, and in the mirror
    for span in (STRONG, FAINT):
        (found,) = at(spotting, span)
        assert found.score == pytest.approx(0.8, abs=0.05)
        assert found.emotion == "surprise"


def test_analyzer_shows_what_the_floor_lets_through(flow):
    """And which motion is the head's follows from the card."""
    for floor, count in ((0.6, 2), (0.95, 0)):
        rule = CascadeRule(floor=floor, refine=False)
        card = replace(CARD, look="candidates", head="face", proposals=rule.to_dict())
        analyzer = Analyzer(Sure(), card, name="made up")
        assert len(analyzer.spot(flow).detections) >= 2
        shown, score, emotion = analyzer.detect(flow)
        assert len(shown) == count
        assert score.shape == (900,)
        assert emotion.shape == (900, 5)
        assert analyzer.rule() == rule
        assert analyzer.spotter().head == "face"
    old = Analyzer(ByLips(), CARD, name="old")
    assert (old.spotter().head, old.spotter("flow-peaks").head) == ("nose", "face")
    assert (old.spotter().overlap, old.spotter("flow-peaks").overlap) == ("full", "thin")
    assert analyzer.spotter().overlap == "thin"


RULES = ["flow-peaks", "mdmd", "of-fd"]
"""Spotters that need no weights."""


@pytest.mark.parametrize("method", ["model", *RULES])
@pytest.mark.parametrize("look", ["windows", "candidates"])
def test_no_face_gives_nothing_and_nan(method, look):
    motion = recording(noise=0.02, events=[(STRONG, ["lips"], UP)])
    hidden = region_flow(motion, valid=np.zeros((35, 50), bool))
    rule = CascadeRule() if look == "candidates" else ProposalRule()
    card = replace(CARD, look=look, proposals=rule.to_dict())
    model = Sure() if look == "candidates" else ByLips()
    shown, score, emotion = Analyzer(model, card, name="w").detect(hidden, method=method)
    assert shown == []
    assert np.isnan(score).all()
    assert np.isnan(emotion).all()


@pytest.mark.parametrize("method", RULES)
@pytest.mark.parametrize("rate", [15.0, 24.0, 30.0, 60.0, 200.0])
def test_rules_find_macro_expressions_at_any_rate(method, rate):
    """Planted in seconds: one that lasts 1.2 s, at 10 and at 20 s."""
    own = timing(rate).rate
    spans = [(round(at * own), round((at + 1.2) * own)) for at in (10.0, 20.0)]
    events = [(span, ["lips", "corner_l", "corner_r"], (0.0, -6.0)) for span in spans]
    spotting = SPOTTERS[method]().spot(
        region_flow(recording(round(30 * own), noise=0.03, events=events), rate=rate)
    )
    for span in spans:
        best = max(spotting.detections, key=lambda d: d.interval.iou(Interval(*span)))
        assert best.interval.iou(Interval(*span)) >= 0.5
        assert best.kind == "macro"
        assert best.score >= spotting.floor


@pytest.mark.parametrize("method", RULES)
@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_rules_show_nothing_on_a_still_face(method, noise):
    spotting = SPOTTERS[method]().spot(region_flow(recording(1800, noise=noise, drift=8.0)))
    assert [d for d in spotting.detections if d.score >= spotting.floor] == []


@pytest.mark.parametrize("method", RULES)
def test_rules_never_span_frames_without_a_face(method):
    events = [((100, 130), ["lips", "corner_l"], (0.0, -6.0))]
    events += [((500, 530), ["lips", "corner_l"], (0.0, -6.0))]
    valid = np.ones((35, 50), bool)
    for w in range(35):
        inside = [t - 25 * w for t in range(490, 540) if 0 <= t - 25 * w < 50]
        valid[w, inside] = False
    spotting = SPOTTERS[method]().spot(region_flow(recording(events=events), valid=valid))
    shown = [d for d in spotting.detections if d.score >= spotting.floor]
    assert any(d.interval.iou(Interval(100, 130)) >= 0.5 for d in shown)
    assert all(d.interval.shared(Interval(490, 539)) == 0 for d in spotting.detections)
    assert np.isnan(spotting.score[490:540]).all()


@pytest.mark.parametrize("method", RULES)
@pytest.mark.parametrize("frames", [2, 4, 20])
def test_rules_live_with_a_few_frames(method, frames):
    flow = region_flow(recording())
    window = Timing(frames, frames // 2, 1, 30.0)
    few = replace(
        flow, windows=flow.windows[:1, :, :frames], valid=flow.valid[:1, :frames], timing=window
    )
    spotting = SPOTTERS[method]().spot(few)
    assert spotting.score.shape == (frames,)
    assert spotting.detections == ()


@pytest.mark.parametrize("method", RULES)
def test_parameters_of_rules_go_into_a_file(method):
    json.dumps(dict(SPOTTERS[method]().parameters))


def test_a_model_of_other_classes_is_refused():
    with pytest.raises(MescopeError, match="names 3 classes"):
        softmax(np.zeros((4, 3)))
