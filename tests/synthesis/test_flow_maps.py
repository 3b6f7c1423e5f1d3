"""Simulated flow maps: what is planted lies where the face has it."""

import numpy as np
import pytest

from mescope.synthesis import flow_maps
from mescope.synthesis.dynamics import EMOTION_UNITS
from mescope.synthesis.flow_maps import CLASSES, MAP_UNITS, SIDE, draw_flow_maps


def test_the_same_seed_gives_the_same_maps():
    one, other = draw_flow_maps(20, 3), draw_flow_maps(20, 3)
    np.testing.assert_array_equal(one.maps, other.maps)
    np.testing.assert_array_equal(one.labels, other.labels)
    assert (draw_flow_maps(20, 4).maps != one.maps).any()


def test_maps_are_grey_and_every_class_occurs():
    drawn = draw_flow_maps(90, 0)
    assert drawn.maps.shape == (90, 3, SIDE, SIDE)
    assert drawn.maps.dtype == np.uint8
    assert (drawn.maps.min((2, 3)) == 0).all()
    assert (drawn.maps.max((2, 3)) == 255).all()
    counts = np.bincount(drawn.labels, minlength=len(CLASSES))
    assert (counts > 15).all()


@pytest.mark.parametrize(
    ("emotion", "channel", "rows", "sign"),
    [("surprise", 1, slice(0, 6), -1), ("positive", 1, slice(16, 26), -1)],
)
def test_motion_is_where_the_action_units_are(monkeypatch, emotion, channel, rows, sign):
    """Brows rise in surprise, mouth corners in a smile; y points down.  No errors of flow."""
    monkeypatch.setattr(flow_maps, "_disturbed", lambda field, points, inside, rng: field)
    kept = []
    monkeypatch.setattr(flow_maps, "grey_maps", lambda flow: kept.append(flow) or flow)
    drawn = draw_flow_maps(200, 1)
    flow = np.stack(kept)[drawn.labels == CLASSES.index(emotion)].mean(0)[channel]
    others = np.delete(np.arange(SIDE), np.arange(SIDE)[rows])
    strongest = np.abs(flow).max(1).argmax()
    assert strongest in np.arange(SIDE)[rows]
    assert sign * flow[rows].mean() > 2 * abs(flow[others].mean())


def test_classes_share_no_set_of_units():
    seen = [frozenset(units) for choices in MAP_UNITS.values() for units in set(choices)]
    assert len(seen) == len(set(seen))
    for emotion in CLASSES:
        assert set(EMOTION_UNITS[emotion]) <= set(MAP_UNITS[emotion])


def test_no_maps_are_refused():
    with pytest.raises(ValueError, match="1 or more, found 0"):
        draw_flow_maps(0, 0)
