"""The cascade with a made-up network: edges, overlaps, calibration, traces."""

import numpy as np
import pytest
from planted_motion import NAMES, UP, bump, recording

from mescope.events import Interval
from mescope.labels import SPOTTING_CLASSES
from mescope.spotting.cascade import (
    PROPOSER,
    CascadeRule,
    Judged,
    Signs,
    clear_of_tremble,
    evidence,
    judge,
    signs_of,
    spot,
)
from mescope.spotting.face_shape import TRACES
from mescope.spotting.flow_peaks import Candidate, candidates
from mescope.spotting.segments import CORE, SAMPLES, sample_positions

RATE = 30.0
POSITIVE = SPOTTING_CLASSES.index("positive")


def shape(motion):
    return np.zeros((len(motion), len(TRACES)))


def logits(m, winner=POSITIVE):
    out = np.zeros((m, SAMPLES, len(SPOTTING_CLASSES)))
    out[..., winner] = 3.0
    return out


def level(value):
    """A network that scores the candidate ``value`` and its surroundings nothing."""

    def score(cut):
        samples = np.zeros((len(cut), SAMPLES))
        samples[:, CORE] = value
        return samples, logits(len(cut))

    return score


def knowing(motion, truth, rate=RATE, winner=POSITIVE):
    """A network that knows the truth: 0.9 strictly inside of it, as training labels are."""
    at = [sample_positions(c.interval) for c in candidates(motion, rate, NAMES, PROPOSER)[0]]

    def score(cut):
        assert len(cut) == len(at)
        samples = np.full((len(cut), SAMPLES), 0.02)
        for row, frames in zip(samples, at, strict=True):
            for first, last in truth:
                row[(frames > first) & (frames < last)] = 0.9
        return samples, logits(len(cut), winner)

    return score


def calibrated(rule, judged):
    return rule.calibrated(signs_of([judged], RATE))[0]


def shown(spotted, floor=0.5):
    return [d for d in spotted.detections if d.score >= floor]


def test_planted_movements_become_detections_and_others_score_low():
    """The network calls the second movement no expression; it stays, with a low score."""
    truth = [(100, 113), (500, 530)]
    events = [(span, ["corner_l", "corner_r"], UP) for span in (truth[0], (300, 313), truth[1])]
    motion = recording(events=events)
    spotted = spot(motion, shape(motion), RATE, NAMES, knowing(motion, truth))
    found = shown(spotted)
    assert [d.kind for d in found] == ["micro", "macro"]
    assert all(d.interval.iou(Interval(*t)) > 0.8 for d, t in zip(found, truth, strict=True))
    assert all(d.emotion == "positive" and d.emotion_scores["positive"] > 0.8 for d in found)
    low = [d for d in spotted.detections if d.interval.shared(Interval(300, 313))]
    assert low
    assert max(d.score for d in low) < 0.1
    assert [d.interval for d in spotted.detections] == sorted(
        d.interval for d in spotted.detections
    )


def test_edges_are_the_networks_own():
    """The movement is planted from 300 to 330, the network says from 304 to 326."""
    motion = recording(noise=0.01, events=[((300, 330), ["lips"], (0, -1))])
    network = knowing(motion, [(304, 326)])
    (own,) = shown(spot(motion, shape(motion), RATE, NAMES, network))
    assert own.interval.first == pytest.approx(304, abs=1)
    assert own.interval.last == pytest.approx(326, abs=1)
    rule = CascadeRule(refine=False)
    proposed = {c.interval for c in candidates(motion, RATE, NAMES, PROPOSER)[0]}
    kept = spot(motion, shape(motion), RATE, NAMES, network, rule).detections
    assert {d.interval for d in kept} <= proposed


def test_edges_that_mean_something_else_are_not_taken():
    """The network sees one frame of thirty."""
    motion = recording(noise=0.01, events=[((300, 330), ["lips"], (0, -6))])
    judged, _ = judge(motion, shape(motion), RATE, NAMES, knowing(motion, [(314, 316)]))
    (one,) = [j for j in judged if j.candidate.interval.iou(Interval(300, 330)) > 0.5]
    assert one.interval == one.candidate.interval


def test_detections_never_share_frames_and_the_best_stay():
    rng = np.random.default_rng(0)
    motion = recording(1800, 0.05)
    motion += np.cumsum(rng.normal(0, 0.3, motion.shape), axis=0)

    def random(cut):
        samples = rng.uniform(0, 1, (len(cut), 1)) * np.ones((1, SAMPLES))
        return samples, logits(len(cut))

    rule = CascadeRule(refine=False)
    rng = np.random.default_rng(4)
    judged, _ = judge(motion, shape(motion), RATE, NAMES, random, rule)
    rng = np.random.default_rng(4)
    found = spot(motion, shape(motion), RATE, NAMES, random, rule).detections
    assert 5 < len(found) < len(judged)
    taken = [t for d in found for t in range(d.interval.first, d.interval.last + 1)]
    assert len(taken) == len(set(taken))
    kept = {d.interval: d.score for d in found}
    for one in judged:  # whoever is not there was beaten by one who is
        rivals = [s for interval, s in kept.items() if interval.shared(one.interval)]
        assert max(rivals) >= calibrated(rule, one) - 1e-12


@pytest.mark.parametrize("rate", [15.0, 30.0, 200 / 7])
@pytest.mark.parametrize("px", [1.0, 14.0])
def test_duration_alone_decides_the_kind(rate, px):
    spans = [(round(a * rate), round(b * rate)) for a, b in ((5, 5.4), (12, 13))]
    motion = recording(round(20 * rate), 0.01, [(s, ["lips"], (0, -px)) for s in spans])
    network = knowing(motion, spans, rate)
    found = shown(spot(motion, shape(motion), rate, NAMES, network))
    assert [d.kind for d in found] == ["micro", "macro"]


def test_strength_is_no_reason_to_score_less():
    """The same movement of 1 and of 15 px, which its form shows, scores the same."""

    def by_form(cut):
        lips = -cut[:, 2 * NAMES.index("MOUTH") + 1]
        peak = np.maximum(lips.max(axis=1, keepdims=True), 1e-6)
        return np.clip(lips / peak, 0, 1), logits(len(cut))

    scores = []
    for px in (1.0, 4.0, 15.0):
        motion = recording(noise=0.0, events=[((300, 314), ["lips"], (0, -px))])
        found = spot(motion, shape(motion), RATE, NAMES, by_form).detections
        scores.append(max(d.score for d in found))
    assert scores[0] > 0.5
    assert np.ptp(scores) < 0.1


def test_scores_are_calibrated():
    motion = recording(noise=0.01, events=[((300, 314), ["lips"], UP)])
    rule = CascadeRule(slope=2.0, offset=-1.0, refine=False)
    found = spot(motion, shape(motion), RATE, NAMES, level(0.7), rule).detections
    (judged,) = judge(motion, shape(motion), RATE, NAMES, level(0.7), rule)[0]
    wanted = 1 / (1 + np.exp(-(2 * np.log(judged.raw / (1 - judged.raw)) - 1)))
    assert [d.score for d in found] == [pytest.approx(wanted)]


def test_calibration_keeps_the_order_and_the_range():
    raw, alike = np.linspace(0, 1, 101), np.ones(101)
    for rule in (CascadeRule(), CascadeRule(slope=0.5, offset=-2.0), CascadeRule(slope=3.0)):
        scores = rule.calibrated(Signs(raw, alike))
        assert (np.diff(scores) > 0).all()
        assert 0 <= scores[0] < scores[-1] <= 1
    np.testing.assert_allclose(CascadeRule().calibrated(Signs(raw, alike))[1:-1], raw[1:-1])
    middle = 1 / (1 + np.exp(-2.0 / 0.5))
    half = CascadeRule(slope=0.5, offset=-2.0).calibrated(Signs(np.array([middle]), np.ones(1)))
    np.testing.assert_allclose(half, 0.5)


def test_traces_show_what_was_found_and_nan_without_a_face():
    motion = recording(events=[((100, 113), ["lips"], UP), ((500, 513), ["lips"], UP)])
    motion[490:600] = np.nan
    spotted = spot(motion, shape(motion), RATE, NAMES, knowing(motion, [(100, 113)]))
    gone = np.zeros(900, bool)
    gone[490:600] = True
    for trace in (spotted.score, spotted.movement, *spotted.emotion.T):
        np.testing.assert_array_equal(np.isnan(trace), gone)
    (found,) = shown(spotted)
    inside = spotted.score[found.interval.first : found.interval.last + 1]
    assert inside.max() == pytest.approx(found.score)
    assert spotted.score[200:480].max() < 0.1
    np.testing.assert_allclose(spotted.emotion[~gone].sum(axis=1), 1.0)
    apex = spotted.emotion[found.apex]
    assert apex[POSITIVE] > 0.5 > apex[-1]
    assert not any(gone[d.interval.first : d.interval.last + 1].any() for d in shown(spotted))


@pytest.mark.parametrize("strength", [0.0, 0.8])
def test_strength_counts_as_much_as_the_rule_says(strength):
    """Twice as strong is e^(0.8 ln 2) times the odds, and no strength is ever held against."""
    rule = CascadeRule(strength=strength)
    strong = np.array([0.5, 1.0, 2.0, 4.0, 100.0])
    scores = rule.calibrated(Signs(np.full(5, 0.3), strong))
    odds = scores / (1 - scores)
    np.testing.assert_allclose(odds, 0.3 / 0.7 * strong**strength)
    assert np.isfinite(rule.calibrated(Signs(np.array([0.3]), np.array([0.0])))).all()


@pytest.mark.parametrize("sign", ["brevity", "breadth", "evenness"])
def test_every_sign_speaks_for_an_expression(sign):
    more = {
        "brevity": Signs(np.full(3, 0.3), np.ones(3), seconds=np.array([4.0, 1.0, 0.25])),
        "breadth": Signs(np.full(3, 0.3), np.ones(3), breadth=np.array([0.0, 1.0, 3.0])),
        "evenness": Signs(np.full(3, 0.3), np.ones(3), evenness=np.array([0.0, 0.5, 1.0])),
    }
    scores = CascadeRule(**{sign: 0.5}).calibrated(more[sign])
    assert (np.diff(scores) > 0.03).all()
    for other in more:  # a sign that is not given, and one that does not count, change nothing
        if other != sign:
            np.testing.assert_allclose(CascadeRule(**{other: 0.5}).calibrated(more[sign]), 0.3)
    assert evidence(more[sign]).shape == (3, 5)


def test_one_region_that_jumps_alone_is_uneven_and_a_muscle_is_not():
    """Flow that fails does so in one region; what does not come back has not moved."""
    spans = {"jump": (100, 114), "muscle": (300, 314), "step": (500, 514)}
    motion = recording(noise=0.005, events=[(spans["muscle"], ["lips"], (0, -2))])
    wide = motion.reshape(len(motion), -1, 2)
    wide[:, NAMES.index("MOUTH"), 1] += 5 * bump(900, *spans["jump"])
    signs = {}
    for name, span in spans.items():
        if name == "step":
            wide[514:, :, 1] += 3.0  # and stays; onset to offset, so it neither comes nor goes
        judged, _ = judge(motion, shape(motion), RATE, NAMES, level(0.7))
        near = [j for j in judged if j.interval.iou(Interval(*span)) > 0.5]
        if near:
            signs[name] = signs_of(near[:1], RATE)
    assert signs["jump"].breadth[0] < 0.1
    assert signs["jump"].evenness[0] < 0.1
    assert signs["muscle"].breadth[0] > 1.0
    assert signs["muscle"].evenness[0] > 0.8
    assert "step" not in signs or signs["step"].breadth[0] < 0.2


def test_a_movement_that_stands_out_has_its_own_edges():
    """The network, which saw few as strong, takes a third of it for the whole."""
    span = Interval(300, 330)
    for px, whole in ((8.0, True), (0.8, False)):
        motion = recording(noise=0.01, events=[((300, 330), ["lips"], (0, -px))])
        network = knowing(motion, [(310, 321)])
        found = shown(spot(motion, shape(motion), RATE, NAMES, network))
        (one,) = [d for d in found if d.interval.shared(span)]
        assert (one.interval.iou(span) > 0.6) == whole, px


def never(cut):
    raise AssertionError("the network was asked about nothing")


@pytest.mark.parametrize("motion", [np.zeros((300, 36)), np.full((300, 36), np.nan)])
def test_a_still_face_or_none_does_not_ask_the_network(motion):
    spotted = spot(motion, shape(motion), RATE, NAMES, never)
    assert spotted.detections == ()
    assert np.isnan(spotted.score).all() == np.isnan(motion).all()


@pytest.mark.parametrize("n", [1, 2, 5])
def test_very_short_recordings(n):
    motion = np.cumsum(np.ones((n, 36)), axis=0)
    spotted = spot(motion, shape(motion), 15.0, NAMES, level(0.9))
    assert spotted.score.shape == spotted.movement.shape == (n,)
    assert spotted.emotion.shape == (n, 5)
    assert not np.isnan(spotted.score).any()


def test_a_movement_that_ends_with_the_recording():
    motion = recording(300, 0.01).reshape(300, -1, 2)
    lips = [i for i, name in enumerate(NAMES) if name.startswith("MOUTH")]
    motion[:, lips, 1] -= 4 * bump(300, 284, 299)[:, None]
    motion = motion.reshape(300, -1)
    network = knowing(motion, [(284, 299)])
    (found,) = shown(spot(motion, shape(motion), RATE, NAMES, network))
    assert found.interval.iou(Interval(284, 299)) > 0.5


def test_rules_travel_as_plain_values_and_refuse_nonsense():
    rule = CascadeRule(floor=0.4, slope=2.0, offset=-1.5, breadth=0.2, edge=0.3, refine=False)
    assert CascadeRule(**rule.to_dict()) == rule
    for wrong in (
        {"floor": 1.2},
        {"edge": 0.0},
        {"slope": 0.0},
        {"sure": 0.0},
        {"clear": -1.0},
    ):
        with pytest.raises(ValueError, match=r"must be a number|floor and edge"):
            CascadeRule(**wrong)


def moving(px, regions):
    """A recording that trembles by about 0.1 px, and some of whose regions come and go once."""
    motion = recording(300, 0.05).reshape(300, -1, 2)
    motion[:, regions, 1] += px * bump(300, 140, 152)[:, None]
    return motion.reshape(300, -1)


@pytest.mark.parametrize(
    ("px", "count", "raw", "stays"),
    [(3.0, 4, 0.6, True), (3.0, 2, 0.6, False), (0.15, 4, 0.6, False), (3.0, 2, 0.9, True)],
)
def test_what_may_be_tremble_is_a_candidate_unless_the_score_is_high(px, count, raw, stays):
    motion = moving(px, list(range(count)))
    interval = Interval(140, 152)
    one = judged_at(motion, interval)
    rule = CascadeRule(floor=0.5, clear=3.0, sure=0.75)
    ((_, p),) = clear_of_tremble([(one, raw)], motion, RATE, rule)
    assert p == pytest.approx(raw if stays else raw * 0.5 / 0.75)
    assert (p >= rule.floor) == stays
    assert clear_of_tremble([(one, raw)], motion, RATE, CascadeRule(floor=0.5)) == [(one, raw)]


def test_how_far_every_movement_stands_out_is_told():
    motion = moving(3.0, [0, 1])
    network = level(0.6)
    rule = CascadeRule(floor=0.5, clear=3.0, sure=0.9)
    spotted = spot(motion, shape(motion), RATE, NAMES, network, rule)
    plain = spot(motion, shape(motion), RATE, NAMES, network, CascadeRule(floor=0.5))
    assert plain.standing_out == {}
    assert [d.interval for d in plain.detections] == [d.interval for d in spotted.detections]
    for before, after in zip(plain.detections, spotted.detections, strict=True):
        told = spotted.standing_out[after.interval]
        assert told.lowered == (after.score < before.score)
        assert told.lowered == (told.third < told.needed)
    (own,) = (d for d in spotted.detections if d.interval.first <= 146 <= d.interval.last)
    assert spotted.standing_out[own.interval].lowered


def judged_at(motion, interval):
    vectors = motion.reshape(len(motion), -1, 2)
    here = np.hypot(*(vectors[146] - vectors[interval.first]).T)
    back = np.hypot(*(vectors[146] - vectors[interval.last]).T)
    most = np.sort(np.minimum(here, back))[::-1]
    candidate = Candidate(interval=interval, apex=146, strength=3.0, motion=())
    moved = float(most[0]), float(most[2])
    return Judged(candidate, interval, 0.5, moved, np.zeros(SAMPLES), np.zeros((16, 5)))
