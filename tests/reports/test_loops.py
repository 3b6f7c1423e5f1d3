"""A loop is small, slow and endless, or there is none."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from mescope.reports.loops import LARGEST, SLOWER, loop_uri


def frames(count, height=256, width=256, seed=0):
    rng = np.random.default_rng(seed)
    return tuple(rng.integers(0, 255, (height, width, 3), dtype=np.uint8) for _ in range(count))


def opened(uri):
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


def test_a_loop_is_slowed_and_has_every_frame():
    picture = opened(
        loop_uri(tuple(np.full((64, 64, 3), 20 * i, np.uint8) for i in range(9)), 25)
    )
    assert picture.n_frames == 9
    assert picture.info["loop"] == 0
    durations = []
    for i in range(9):
        picture.seek(i)
        picture.load()
        durations.append(picture.info["duration"])
    assert durations == [1000 * SLOWER // 25] * 9


def test_even_noise_stays_below_the_limit():
    """Noise is the worst that a codec can meet."""
    uri = loop_uri(frames(60), 60)
    assert len(base64.b64decode(uri.partition(",")[2])) <= LARGEST


def test_a_long_clip_keeps_its_length_in_time():
    still = tuple(np.full((32, 32, 3), i % 250, np.uint8) for i in range(150))
    picture = opened(loop_uri(still, 50))
    total = 0
    for i in range(picture.n_frames):
        picture.seek(i)
        picture.load()
        total += picture.info["duration"]
    assert picture.n_frames <= 60
    assert total == pytest.approx(150 / 50 * SLOWER * 1000, rel=0.05)


@pytest.mark.parametrize(("count", "rate"), [(0, 25), (1, 25), (5, 0.0)])
def test_nothing_to_loop(count, rate):
    assert loop_uri(frames(count), rate) is None


def test_a_crop_at_the_edge_of_the_frame_keeps_its_shape():
    picture = opened(loop_uri(frames(3, height=100, width=200), 25))
    assert picture.width == 2 * picture.height
