"""Which frames of a clip are shown: check 20 of the RSMix specification."""

import numpy as np
import pytest

from mescope.errors import RecipeError
from mescope.samples.sparse_frames import draw, middle, pool


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


def test_nothing_to_show_is_refused():
    with pytest.raises(RecipeError, match="expected 1 frame or more, found 8 of 0"):
        middle(0, 8)
