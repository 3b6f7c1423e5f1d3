"""TV-L1 flow and optical strain against motion that was planted."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mescope.errors import VideoError
from mescope.motion import flow as flows
from mescope.motion.flow import strain, tvl1

INNER = (slice(16, -16), slice(16, -16))


def texture(size=96, seed=0):
    noise = np.random.default_rng(seed).uniform(0, 255, (size, size)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 3)
    return cv2.normalize(soft, None, 20, 230, cv2.NORM_MINMAX).astype(np.uint8)


def moved(image, matrix):
    size = image.shape[::-1]
    how = {"flags": cv2.INTER_CUBIC, "borderMode": cv2.BORDER_REFLECT_101}
    return cv2.warpAffine(image, np.float32(matrix), size, **how)


@pytest.mark.parametrize("shift", [(1.0, 0.0), (0.0, -0.7), (-0.4, 1.6)])
def test_a_planted_translation_is_recovered(shift):
    image = texture()
    found = tvl1(image, moved(image, [[1, 0, shift[0]], [0, 1, shift[1]]]))
    assert found.shape == (96, 96, 2)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[INNER].mean((0, 1)), shift, atol=0.05)
    assert np.abs(found[INNER] - shift).max() < 0.35
    assert strain(found)[INNER].mean() < 0.02


def test_a_planted_stretch_shows_as_strain():
    image = texture()
    found = tvl1(image, moved(image, [[1.04, 0, -0.04 * 47.5], [0, 1, 0]]))
    assert strain(found)[INNER].mean() == pytest.approx(0.04, abs=0.012)


def test_nothing_moves_between_equal_images():
    assert np.abs(tvl1(texture(), texture())).max() < 1e-3


def test_the_solver_is_kept_for_each_thread_and_remembers_nothing():
    images = [texture(64, seed) for seed in range(4)]
    alone = [tvl1(images[0], image) for image in images]
    assert flows._solver() is flows._solver()
    with ThreadPoolExecutor(2) as pool:
        others = set(pool.map(lambda _: id(flows._solver()), range(4)))
        again = list(pool.map(lambda image: tvl1(images[0], image), images))
    assert id(flows._solver()) not in others
    for one, two in zip(alone, again, strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_small_image_leaves_no_trace_on_the_images_after_it():
    """OpenCV's solver drops scales for small images and would never take them up again."""
    image = texture(96)
    pair = image, moved(image, [[1, 0, 4.0], [0, 1, 0]])
    fresh = cv2.optflow.DualTVL1OpticalFlow_create().calc(*pair, None)
    tvl1(texture(20), texture(20, 1))
    assert flows._solver().getScalesNumber() < 5
    np.testing.assert_array_equal(tvl1(*pair), fresh)


def test_the_parameters_are_those_that_the_solver_has():
    tvl1(texture(96), texture(96))
    solver = flows._solver()
    assert solver.getLambda() == flows.TVL1["lambda_"]
    assert solver.getTau() == flows.TVL1["tau"]
    assert solver.getTheta() == pytest.approx(0.3)
    assert (solver.getScalesNumber(), solver.getWarpingsNumber()) == (5, 5)


def test_images_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="two grey images of one size"):
        tvl1(texture(64), texture(96))
    with pytest.raises(ValueError, match="grey"):
        tvl1(np.zeros((9, 9, 3), np.uint8), np.zeros((9, 9, 3), np.uint8))


def test_another_opencv_that_hides_the_modules_is_named(monkeypatch):
    monkeypatch.delattr(flows._OWN, "solver", raising=False)
    monkeypatch.delattr(cv2, "optflow")
    with pytest.raises(VideoError, match="opencv-contrib-python-headless"):
        tvl1(texture(32), texture(32))


def linear(a, b, c, d, shift=(0.0, 0.0), size=(7, 9)):
    """Flow u = a x + b y + shift, v = c x + d y + shift."""
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float64)
    u, v = a * x + b * y + shift[0], c * x + d * y + shift[1]
    return np.stack([u, v], axis=-1).astype(np.float32)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (linear(0, 0, 0, 0, (3.0, -2.0)), 0.0),  # translation
        (linear(0, -0.1, 0.1, 0), 0.0),  # a small rotation
        (linear(0.1, 0, 0, 0), 0.1),  # stretch along x
        (linear(0, 0, 0, -0.2), 0.2),  # compression along y
        (linear(0.1, 0, 0, 0.1), 0.1 * np.sqrt(2)),  # expansion
        (linear(0, 0.1, 0.1, 0), 0.1 * np.sqrt(2)),  # pure shear: exy = 0.1
        (linear(0, 0.1, 0, 0), 0.05 * np.sqrt(2)),  # simple shear: exy = 0.05
    ],
)
def test_strain_of_linear_fields(field, expected):
    found = strain(field)
    assert found.shape == (7, 9)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)


def plain_strain(flow):
    """The formula at every pixel, one derivative after the other."""
    h, w = flow.shape[:2]
    out = np.zeros((h, w))

    def slope(plane, y, x, dy, dx):
        y0, y1 = max(0, y - dy), min(h - 1, y + dy)
        x0, x1 = max(0, x - dx), min(w - 1, x + dx)
        return (float(plane[y1, x1]) - float(plane[y0, x0])) / ((y1 - y0) + (x1 - x0))

    for y in range(h):
        for x in range(w):
            u, v = flow[..., 0], flow[..., 1]
            exx, eyy = slope(u, y, x, 0, 1), slope(v, y, x, 1, 0)
            exy = (slope(u, y, x, 1, 0) + slope(v, y, x, 0, 1)) / 2
            out[y, x] = np.sqrt(exx**2 + eyy**2 + 2 * exy**2)
    return out


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 8), st.integers(2, 8), st.integers(0, 1000))
def test_strain_equals_the_plain_formula(height, width, seed):
    flow = np.random.default_rng(seed).normal(0, 2, (height, width, 2)).astype(np.float32)
    np.testing.assert_allclose(strain(flow), plain_strain(flow), rtol=1e-4, atol=1e-5)
