"""Which frames of a clip are shown: check 20 of the RSMix specification."""

import numpy as np
import pytest

from mescope.errors import RecipeError
from mescope.samples.sparse_frames import draw, middle, pool, views


@pytest.mark.parametrize(
    ("available", "wanted", "frames"),
    [
        (17, 8, [1, 3, 5, 7, 9, 11, 13, 15]),
        (2, 8, [0, 0, 0, 0, 0, 1, 1, 1]),
        (10, 8, [0, 1, 2, 3, 4, 6, 7, 8]),
        (21, 16, [0, 1, 2, 4, 5, 6, 8, 9, 10, 11, 12, 14, 15, 16, 18, 19]),
        (1, 3, [0, 0, 0]),
    ],
)
def test_tested_frames(available, wanted, frames):  # check 20
    assert middle(available, wanted).tolist() == frames


@pytest.mark.parametrize(
    ("available", "wanted", "count", "frames"),
    [
        # segments of 6 frames: 1.5, 3 and 4.5 into each, rounded down
        (25, 4, 3, [[1, 7, 13, 19], [3, 9, 15, 21], [4, 10, 16, 22]]),
        (25, 4, 2, [[2, 8, 14, 20], [4, 10, 16, 22]]),
        # of 2.5, whose borders 2.5, 7.5, 12.5 ... go to the even neighbour: 0.625, 1.25, 1.875
        (21, 8, 3, [[0, 2, 5, 8, 10, 12, 15, 18], *[[1, 3, 6, 9, 11, 13, 16, 19]] * 2]),
        # fewer frames than are shown: borders 0, 0.5, 1, 1.5 ..., nothing to choose from
        (5, 8, 3, [[0, 0, 1, 2, 2, 2, 3, 4]] * 3),
        (2, 8, 3, [[0, 0, 0, 0, 0, 1, 1, 1]] * 3),
        (1, 3, 2, [[0, 0, 0]] * 2),
        # the median micro-expression under 16 frames: segments of 1.25, less than 4 / 3
        (21, 16, 3, [[0, 1, 2, 4, 5, 6, 8, 9, 10, 11, 12, 14, 15, 16, 18, 19]] * 3),
    ],
)
def test_views_by_hand(available, wanted, count, frames):
    assert views(available, wanted, count).tolist() == frames


@pytest.mark.parametrize("wanted", [2, 6, 16])
def test_one_view_is_the_middles_of_the_published_code(wanted):
    for available in range(1, 200):
        step = max(0, (available - 1) / wanted)
        middles = [
            min(int(np.round(step * i)) + int(step / 2), available - 1) for i in range(wanted)
        ]
        assert middle(available, wanted).tolist() == middles
        assert views(available, wanted, 1).tolist() == [middles]


def test_views_are_inside_and_in_order_and_not_for_nothing():
    for available in range(1, 120):
        found = views(available, 8, 5)
        assert found.min() >= 0
        assert found.max() < available
        assert (np.diff(found, axis=0) >= 0).all()
        assert (np.diff(found, axis=1) >= 0).all()
    with pytest.raises(RecipeError, match="expected 1 view or more, found 0"):
        views(9, 8, 0)


@pytest.mark.parametrize(("available", "wanted"), [(17, 8), (2, 8), (100, 16), (1, 4)])
def test_drawn_frames_lie_in_their_segments_and_reach_both_ends(available, wanted):  # check 20
    step = (available - 1) / wanted
    rng = np.random.default_rng(0)
    drawn = np.stack([draw(available, wanted, rng) for _ in range(400)])
    for i in range(wanted):
        low, high = round(step * i), min(round(step * (i + 1)), available - 1)
        assert (drawn[:, i].min(), drawn[:, i].max()) == (low, high)
    assert (np.diff(drawn, axis=1) >= 0).all()


def test_a_pool_begins_with_the_tested_frames_and_repeats_itself():
    found = pool(50, 8, 3, seed=7)
    assert found.shape == (4, 8)
    assert found[0].tolist() == middle(50, 8).tolist()
    assert (found == pool(50, 8, 3, seed=7)).all()
    assert (found != pool(50, 8, 3, seed=8)).any()
    assert pool(50, 8, 0, seed=7).shape == (1, 8)


def test_a_pool_of_several_views_learns_what_that_of_one_does():
    one, three = pool(50, 8, 3, seed=7), pool(50, 8, 3, seed=7, count=3)
    assert three.shape == (6, 8)
    assert (three[:3] == views(50, 8, 3)).all()
    assert (three[3:] == one[1:]).all()
    bare = pool(50, 8, 0, seed=7, count=2)  # without draws the middles are learned from
    assert (bare == [*views(50, 8, 2), middle(50, 8)]).all()


def test_nothing_to_show_is_refused():
    with pytest.raises(RecipeError, match="expected 1 frame or more, found 8 of 0"):
        middle(0, 8)
