"""Thumbs that are kept from frame to frame give the answers of thumbs made anew."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mescope.face.box import Box
from mescope.motion.scene_cut import Thumbs, scene_cut

FACES = st.one_of(
    st.none(),
    st.builds(
        lambda x, y, side: Box(x, y, x + side, y + side),
        st.integers(-20, 150), st.integers(-20, 110), st.integers(5, 90),
    ),
)  # fmt: skip


def scene(number: int) -> np.ndarray:
    """Return one of four pictures, 120 x 160."""
    coarse = np.random.default_rng(number % 4).integers(0, 256, (6, 8))
    return np.kron(coarse, np.ones((20, 20))).astype(np.uint8)


@given(st.lists(st.tuples(st.integers(0, 3), FACES), min_size=2, max_size=8))
def test_kept_thumbs_change_no_answer(steps):
    frames = [scene(number) for number, _ in steps]
    thumbs = Thumbs()
    for i in range(1, len(frames)):
        face = steps[i][1]
        wanted = scene_cut(frames[i - 1], frames[i], face)
        assert thumbs.cut(frames[i - 1], frames[i], face) == wanted


def test_after_a_gap_the_thumb_is_made_anew():
    """The frame before need not be the one that was asked about last."""
    a, b, c = scene(0), scene(1), scene(1)
    thumbs = Thumbs()
    assert thumbs.cut(a, b, None)
    assert thumbs.cut(a, c, None)
    assert not thumbs.cut(b, c, None)
