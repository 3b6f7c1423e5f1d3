"""Segments for training: mirrors are mirrors, and planted expressions are labelled as such."""

import numpy as np
from planted_motion import NAMES, UP, measured, recording

from mescope.events import Expression, Interval
from mescope.labels import SPOTTING_CLASSES
from mescope.samples.candidate_segments import (
    REGIONS,
    Candidates,
    labels,
)
from mescope.spotting.cascade import PROPOSER
from mescope.spotting.flow_peaks import candidates
from mescope.spotting.segments import CORE, SAMPLES, channels, sample_positions

NEUTRAL = len(SPOTTING_CLASSES) - 1


SMILE = Expression(interval=Interval(100, 113), kind="micro", apex=106, emotion="positive")
FROWN = Expression(interval=Interval(500, 545), kind="macro", apex=520, emotion="negative")


def candidate_windows(measured, copies=0, jobs=1):
    """Every row of the candidates."""
    every = Candidates(measured, copies=copies, jobs=jobs)
    return every.cut(np.arange(len(every)))


def talker(number=0, seed=0):
    """A recording with a one-sided micro smile, a macro frown, and a movement that is none."""
    events = [
        ((100, 113), ["corner_l"], (-1.0, -3.0)),
        ((500, 545), ["brow_l", "brow_r"], (0.0, 9.0)),
        ((700, 712), ["lips"], UP),
    ]
    return measured(number, recording(events=events, seed=seed), [SMILE, FROWN])


def test_samples_are_labelled_where_planted_expressions_are():
    one = talker()
    at = [c.interval for c in candidates(one.motion, one.rate, REGIONS, PROPOSER)[0]]
    windows = candidate_windows([one])
    own = windows.take(np.arange(len(at)))
    assert own.flow.shape == (len(at), channels(18), SAMPLES)
    assert any(interval.iou(SMILE.interval) > 0.5 for interval in at)
    assert any(interval.iou(FROWN.interval) > 0.5 for interval in at)
    for interval, spotting, classes in zip(at, own.spotting, own.classes, strict=True):
        for frame, score, name in zip(
            sample_positions(interval), spotting, classes, strict=True
        ):
            inside = [e for e in (SMILE, FROWN) if e.interval.first < frame < e.interval.last]
            assert score == len(inside)
            wanted = SPOTTING_CLASSES.index(inside[0].emotion) if inside else NEUTRAL
            assert name == wanted
    free = [i for i, interval in enumerate(at) if interval.shared(Interval(700, 712))]
    assert free
    assert not own.spotting[free].any()


def test_a_tremor_within_a_long_smile_is_no_expression():
    """Its segment shows nothing of the smile; a part that is most of the smile is the smile."""
    smile = Expression(interval=Interval(100, 199), kind="macro", emotion="positive")
    tremor, half, other = Interval(140, 150), Interval(120, 170), Interval(300, 320)
    spotting, classes = labels([smile], [tremor, half, other])
    assert not spotting[[0, 2]].any()
    assert (classes[[0, 2]] == NEUTRAL).all()
    assert spotting[1, CORE].all()
    assert (classes[1, CORE] == SPOTTING_CLASSES.index("positive")).all()


def test_every_recording_is_seen_in_the_mirror_too():
    one = talker()
    windows = candidate_windows([one])
    side, twin = (2 * NAMES.index(name) + 1 for name in ("MOUTH_48", "MOUTH_54"))
    smiles = windows.take((windows.classes == SPOTTING_CLASSES.index("positive")).any(axis=1))
    left = np.abs(smiles.flow[:, side]).max(axis=1) > np.abs(smiles.flow[:, twin]).max(axis=1)
    assert left.sum() == (~left).sum() > 0


def test_recordings_without_a_face_or_without_movement_give_nothing():
    still = measured(0, np.zeros((900, 36)), [SMILE])
    hidden = talker(1)
    hidden.valid[:] = False
    for some in ([], [still], [hidden], [still, hidden]):
        windows = candidate_windows(some)
        assert windows.flow.shape == (0, channels(18), SAMPLES)
        assert windows.spotting.shape == windows.classes.shape == (0, SAMPLES)
    assert len(candidate_windows([still, talker(2)]).flow)


def test_copies_are_the_same_movements_cut_otherwise():
    """As many as asked for, near the candidates, labelled where the expressions really are."""
    one = talker()
    at = [c.interval for c in candidates(one.motion, one.rate, REGIONS, PROPOSER)[0]]
    plain, more = candidate_windows([one]), candidate_windows([one], copies=4)
    assert len(more.flow) == 5 * len(plain.flow) == 10 * len(at)
    versions = more.flow.reshape(5, *plain.flow.shape)
    np.testing.assert_array_equal(versions[0], plain.flow)
    smile = (more.classes == SPOTTING_CLASSES.index("positive")).any(axis=1).reshape(5, -1)
    meant = np.array([interval.iou(SMILE.interval) > 0.5 for interval in at] * 2)
    assert smile[:, meant].mean() > 0.9
    cut = versions[smile].reshape(smile.sum(), -1)
    assert len(np.unique(cut, axis=0)) > 0.5 * len(cut)
    again = candidate_windows([one], copies=4)
    np.testing.assert_array_equal(more.flow, again.flow)


def test_rows_are_the_same_however_they_are_asked_for():
    """Single rows, in any order, twice; and whoever proposes."""
    some = [talker(n, seed=n) for n in range(3)]
    every = Candidates(some, copies=2)
    whole = candidate_windows(some, copies=2, jobs=2)
    assert len(every) == len(whole.flow)
    np.testing.assert_array_equal(every.positive, (whole.spotting > 0).any(axis=1))
    rows = np.random.default_rng(0).integers(len(every), size=200)
    for got, wanted in zip(every.cut(rows), whole.take(rows), strict=True):
        np.testing.assert_array_equal(got, wanted)
    for row in rows[:5]:
        np.testing.assert_array_equal(every.cut(np.array([row])).flow[0], whole.flow[row])
