"""Simulated flow maps: what is planted lies where the face has it."""

import numpy as np
import pytest

from mescope.synthesis import flow_errors, flow_maps
from mescope.synthesis.dynamics import EMOTION_UNITS
from mescope.synthesis.flow_maps import CLASSES, MAP_UNITS, SIDE, draw_flow_maps
from mescope.synthesis.map_faces import draw_face


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
    [("surprise", 1, slice(0, 6), -1), ("positive", 1, slice(12, 21), -1)],
)
def test_motion_is_where_the_action_units_are(monkeypatch, emotion, channel, rows, sign):
    """Brows rise in surprise, cheeks in a smile; y points down.  No errors of flow."""
    monkeypatch.setattr(flow_maps, "disturbed", lambda fields, face, rng: fields)
    monkeypatch.setattr(flow_maps, "solved", lambda fields, held, smooth: fields)
    kept = []
    monkeypatch.setattr(flow_maps, "grey_maps", lambda flow: kept.append(flow) or flow)
    drawn = draw_flow_maps(200, 1)
    flow = np.concatenate(kept)[drawn.labels == CLASSES.index(emotion)].mean(0)[channel]
    others = np.delete(np.arange(SIDE), np.arange(SIDE)[rows])
    strongest = np.abs(flow).max(1).argmax()
    assert strongest in np.arange(SIDE)[rows]
    assert sign * flow[rows].mean() > 2 * abs(flow[others].mean())


def test_negative_is_brows_rather_than_nose_and_mouth():
    rng = np.random.default_rng(0)
    drawn = [flow_maps._chosen(rng, MAP_UNITS["negative"]) for _ in range(2000)]
    share = {unit: np.mean([unit in units for units in drawn]) for unit in ("4", "9", "10")}
    assert share["4"] > 0.4 > 3 * max(share["9"], share["10"])


def test_flow_is_filled_in_from_where_a_face_has_texture():
    """A step under noise: plateaus remain, and the step stays where it was."""
    rng = np.random.default_rng(0)
    step = np.zeros((1, 24, 24, 2), np.float32)
    step[:, :, 12:] = 0.02
    noisy = step + rng.normal(0.0, 0.006, step.shape).astype(np.float32)
    held = np.full((24, 24), 0.3, np.float32)
    found = flow_errors.solved(noisy, held, 0.003)
    jumps = np.abs(np.diff(found, axis=2)).mean((0, 1, 3))
    assert jumps.argmax() == 11
    before = np.abs(np.diff(noisy, axis=2)).mean((0, 1, 3))
    assert np.delete(jumps, 11).mean() < 0.4 * np.delete(before, 11).mean()
    assert np.abs(found - step).mean() < 0.6 * np.abs(noisy - step).mean()


def test_well_held_flow_stays_as_it_is():
    field = np.random.default_rng(1).normal(0.0, 0.01, (2, 8, 8, 2)).astype(np.float32)
    found = flow_errors.solved(field, np.ones((8, 8), np.float32), 1e-6)
    np.testing.assert_allclose(found, field, atol=1e-4)


def test_the_nose_keeps_still_and_cheeks_rise_outward():
    rng = np.random.default_rng(2)
    left, right = np.mean([draw_face(rng, 28).basis[-2:] for _ in range(20)], 0)
    for cheek, sign in ((left, -1), (right, 1)):
        y, x = np.unravel_index(np.hypot(*cheek.T).T.argmax(), (28, 28))
        assert 11 < y < 21
        assert sign * (x - 13.5) > 5
        assert sign * cheek[y, x, 0] > 0 > cheek[y, x, 1]
        assert np.hypot(*cheek[14, 14]) < 0.1 * np.hypot(*cheek[y, x])


def test_classes_share_no_set_of_units():
    seen = [frozenset(units) for choices in MAP_UNITS.values() for units in set(choices)]
    assert len(seen) == len(set(seen))
    for emotion in CLASSES:
        assert set(EMOTION_UNITS[emotion]) <= set(MAP_UNITS[emotion])


def test_no_maps_are_refused():
    with pytest.raises(ValueError, match="1 or more, found 0"):
        draw_flow_maps(0, 0)
