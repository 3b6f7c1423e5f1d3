"""Mirrors are mirrors, and a network is asked about both sides."""

import numpy as np
import pytest
from planted_motion import NAMES, points_of, recording

from mescope.events import Interval
from mescope.motion.regions import REGIONS_18, place
from mescope.spotting.face_shape import TRACES, shape_traces
from mescope.spotting.mirror import both_sides, flow_mirror, segment_mirror, shape_mirror
from mescope.spotting.segments import SAMPLES, channels, segments
from mescope.synthesis.motion import MIRROR, UNITS, displacement_basis, units_of
from mescope.synthesis.shapes import mean_shape


@pytest.mark.parametrize(
    ("mirror", "columns"),
    [
        (flow_mirror(NAMES), 36),
        (shape_mirror(), len(TRACES)),
        (segment_mirror(NAMES), channels(18)),
    ],
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
    assert np.abs(flow_mirror(NAMES)(left) - right).max() < 0.15 * largest


def test_landmarks_in_a_mirror_give_mirrored_traces():
    """Anything that landmarks may do, against the mirror image of the pictures."""
    rng = np.random.default_rng(3)
    slow = np.cumsum(rng.normal(0, 0.4, (200, 68, 2)), axis=0)
    points = mean_shape() + slow + np.cumsum(rng.normal(0, 1.0, (200, 1, 2)), axis=0)
    mirrored = points[:, MIRROR] * (-1, 1) + (640, 0)
    np.testing.assert_allclose(
        shape_traces(mirrored, 30.0), shape_mirror()(shape_traces(points, 30.0)), atol=1e-6
    )


def test_segments_in_the_mirror_are_segments_of_mirrored_motion():
    rng = np.random.default_rng(1)
    motion = recording(noise=0.5, drift=3.0)
    shape = shape_traces(points_of(900) + rng.normal(0, 1.0, (900, 68, 2)), 30.0)
    at = [Interval(100, 111), Interval(400, 470)]
    plain = segments(motion, shape, at, 30.0, NAMES)
    turned = segments(flow_mirror(NAMES)(motion), shape_mirror()(shape), at, 30.0, NAMES)
    assert np.abs(plain - turned).max() > 0.5
    np.testing.assert_allclose(segment_mirror(NAMES).of_segments(plain), turned, atol=1e-5)


def test_a_network_that_sees_one_side_only_is_asked_about_both():
    def left_corner(cut):
        at = 2 * NAMES.index("MOUTH_48") + 1
        return np.abs(cut[:, at]), np.repeat(cut[:, :1].transpose(0, 2, 1), 4, axis=2)

    cut = np.random.default_rng(0).normal(size=(3, channels(18), SAMPLES)).astype(np.float32)
    asked = both_sides(left_corner, NAMES)
    scores, logits = asked(cut)
    a, b = (2 * NAMES.index(name) + 1 for name in ("MOUTH_48", "MOUTH_54"))
    np.testing.assert_allclose(scores, (np.abs(cut[:, a]) + np.abs(cut[:, b])) / 2, rtol=1e-6)
    for found, wanted in zip(
        asked(segment_mirror(NAMES).of_segments(cut)), (scores, logits), strict=True
    ):
        np.testing.assert_allclose(found, wanted, atol=1e-6)
