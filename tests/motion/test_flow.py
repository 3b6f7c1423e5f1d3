"""Checks 1 to 4 of the ME-TST specification, section 11, on flow alone."""

import cv2
import numpy as np
import pytest
from test_regions import LANDMARKS

from mescope.face.box import Box
from mescope.face.crop import CroppedFace, crop_box
from mescope.motion.flow import farneback
from mescope.motion.flow_pyramid import patch_flow
from mescope.motion.flow_strongest import strongest_mean
from mescope.motion.regions import GLOBAL, REGIONS_5, REGIONS_18, place
from mescope.motion.roi_flow_plain import follow, plain_window_flow
from mescope.motion.roi_window import window_flow

BOTH = pytest.mark.parametrize("measure", [plain_window_flow, window_flow])


def texture(size=320, seed=0):
    """Blurred noise, sigma 3, full contrast, as float so that shifts are exact."""
    noise = np.random.default_rng(seed).normal(size=(size, size))
    smooth = cv2.GaussianBlur(noise, (0, 0), 3)
    return (smooth - smooth.min()) / np.ptp(smooth) * 255


def moved(image, x, y):
    """Translate by a fraction of a pixel in the frequency domain (no interpolation blur)."""
    fy, fx = np.fft.fftfreq(image.shape[0])[:, None], np.fft.fftfreq(image.shape[1])[None]
    spectrum = np.fft.fft2(image) * np.exp(-2j * np.pi * (fx * x + fy * y))
    return np.fft.ifft2(spectrum).real


def grey(image):
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def face():
    points = np.array(LANDMARKS, dtype=np.float32)
    return CroppedFace(Box(0, 0, 320, 320), points, points)


def vectors(measure, first, second, regions=REGIONS_18):
    values = measure([first, second], first, face(), regions).values
    assert not values[:, 0].any()
    return values[:, 1].reshape(-1, 2)


@BOTH
def test_identical_frames_have_no_flow(measure):
    image = grey(texture())
    assert np.abs(vectors(measure, image, image.copy())).max() <= 0.05


@BOTH
@pytest.mark.parametrize("shift", [(0.5, 0.0), (0.3, -0.6)])
def test_translation_is_the_nose_motion_and_nothing_else(measure, shift):
    image = texture()
    first, second = grey(image), grey(moved(image, *shift))
    (nose,) = place(LANDMARKS, (GLOBAL,))
    _, _, head = follow(first, second, Box(0, 0, 320, 320), nose, "clean")
    assert np.abs(head - shift).max() <= 0.06
    assert np.abs(vectors(measure, first, second)).max() <= 0.03


@BOTH
def test_only_the_moved_brow_reports_motion(measure):
    """Check 3."""
    first = grey(texture())
    second = first.copy()
    second[50:110, 45:140] = first[51:111, 45:140]  # the image moved up by one pixel
    found = vectors(measure, first, second)
    assert np.abs(found[:4, 0]).max() <= 0.03
    assert np.abs(found[:4, 1] + 1).max() <= 0.05
    assert np.abs(found[4:]).max() <= 0.05


def test_strongest_mean_of_ten_vectors():
    """Check 4."""
    patch = np.zeros((2, 5, 2), np.float32)
    patch[..., 0] = np.arange(1, 11).reshape(2, 5)
    planes = np.ascontiguousarray(np.moveaxis(patch, 2, 0))
    assert strongest_mean(planes, 0, 2, 0, 5, 7, np.empty(10)) == (9.0, 0.0)


def test_strongest_mean_agrees_with_sorting():
    rng = np.random.default_rng(2)
    for _ in range(100):
        flow = rng.normal(size=(2, 12, 17)).astype(np.float32).round(1)  # many ties
        top, left = rng.integers(0, 6, 2)
        bottom, right = top + rng.integers(1, 6), left + rng.integers(1, 8)
        share = rng.uniform(0.05, 1)
        patch = np.moveaxis(flow, 0, 2)[top:bottom, left:right].reshape(-1, 2)
        patch = patch.astype(np.float64)
        skip = int(len(patch) * (1 - share))
        order = np.argsort((patch**2).sum(1), kind="stable")
        found = strongest_mean(flow, top, bottom, left, right, skip, np.empty(len(patch)))
        assert found == pytest.approx(patch[order[skip:]].mean(axis=0), abs=1e-12)


def test_five_regions_have_the_vectors_of_the_eighteen():
    """Check 19."""
    first, second = grey(texture()), grey(texture(seed=1) * 0.1 + texture() * 0.9)
    five = vectors(window_flow, first, second, REGIONS_5)
    np.testing.assert_array_equal(five, vectors(window_flow, first, second)[[0, 4, 8, 14, 15]])


@pytest.mark.parametrize(
    "shape",
    [
        (33, 77),
        (58, 130),
        (20, 40),
        (43, 26),
        (10, 10),
        (10, 63),
        (63, 200),
        (11, 300),
        (64, 64),
        (73, 131),
        (129, 250),
    ],
)
@pytest.mark.parametrize("strength", [0.3, 2.5, 30.0])
def test_compiled_flow_is_opencvs(shape, strength):
    """The fast path against the plain one: small, large and absurd motion, noise."""
    rng = np.random.default_rng(3)
    image = texture()
    first = grey(image)
    second = grey(moved(image, strength, -0.7 * strength) + rng.normal(0, 2, image.shape))
    part = slice(60, 60 + shape[0]), slice(10, 10 + shape[1])
    a, b = (np.ascontiguousarray(image[part]) for image in (first, second))
    flow = patch_flow(a, b)
    np.testing.assert_allclose(np.moveaxis(flow, 0, 2), farneback(a, b), rtol=1e-5, atol=5e-5)


def test_crop_of_the_specification():
    points = np.zeros((68, 2), np.float32)
    points[39], points[42] = (212, 104), (238, 104)
    for mode in ("clean", "as_published"):
        assert crop_box(points, (400, 600), mode) == Box(167, 59, 283, 175)
    assert crop_box(points, (160, 270), "clean") == Box(167, 59, 270, 160)
    assert crop_box(points, (160, 270), "as_published") == Box(167, 59, 283, 175)
    points[42, 0] = 213  # a profile: the corners of the eyes coincide
    assert crop_box(points, (400, 600)) is None
