"""Segments for training: mirrors are mirrors, and planted expressions are labelled as such."""

import numpy as np
import pytest
from planted_motion import NAMES, UP, measured, recording

from mescope.events import Expression, Interval
from mescope.labels import SPOTTING_CLASSES
from mescope.spotting.cascade import PROPOSER
from mescope.spotting.face_shape import TRACES, shape_traces
from mescope.spotting.flow_peaks import candidates
from mescope.spotting.segments import SAMPLES, channels, sample_positions
from mescope.synthesis.motion import MIRROR, UNITS, displacement_basis, units_of
from mescope.synthesis.shapes import mean_shape
from mescope.training.candidate_segments import (
    REGIONS,
    candidate_windows,
    flow_mirror,
    shape_mirror,
)
from mescope.video.regions import REGIONS_18, place

NEUTRAL = len(SPOTTING_CLASSES) - 1


@pytest.mark.parametrize(
    ("mirror", "columns"), [(flow_mirror(), 36), (shape_mirror(), len(TRACES))]
)
def test_a_mirror_of_a_mirror_is_the_original(mirror, columns):
    table = np.random.default_rng(0).normal(size=(7, columns))
    assert not np.allclose(mirror(table), table)
    np.testing.assert_array_equal(mirror(mirror(table)), table)
    assert sorted(mirror.column) == list(range(columns))


def region_motion(unit):
    """Motion (1, 36) of the regions of the mean face by an action unit at full strength."""
    boxes = [p.inner for p in place(mean_shape(), REGIONS_18)]
    centres = np.array([[(b.left + b.right) / 2, (b.top + b.bottom) / 2] for b in boxes])
    basis = displacement_basis(mean_shape(), centres)
    return sum(basis[UNITS.index(u)] for u in units_of(unit)).reshape(1, -1)


@pytest.mark.parametrize("unit", ["1", "2", "4", "9", "12", "15"])
def test_the_left_half_of_an_expression_mirrors_the_right_one(unit):
    left, right = region_motion(f"L{unit}"), region_motion(f"R{unit}")
    largest = np.abs(left).max()
    assert np.abs(left - right).max() > 0.5 * largest
    # The regions of the two brows are not quite each other's mirror images.
    assert np.abs(flow_mirror()(left) - right).max() < 0.15 * largest


def test_landmarks_in_a_mirror_give_mirrored_traces():
    """Anything that landmarks may do, against the mirror image of the pictures."""
    rng = np.random.default_rng(3)
    slow = np.cumsum(rng.normal(0, 0.4, (200, 68, 2)), axis=0)
    points = mean_shape() + slow + np.cumsum(rng.normal(0, 1.0, (200, 1, 2)), axis=0)
    mirrored = points[:, MIRROR] * (-1, 1) + (640, 0)
    np.testing.assert_allclose(
        shape_traces(mirrored, 30.0), shape_mirror()(shape_traces(points, 30.0)), atol=1e-6
    )


SMILE = Expression(interval=Interval(100, 113), kind="micro", apex=106, emotion="positive")
FROWN = Expression(interval=Interval(500, 545), kind="macro", apex=520, emotion="negative")


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
