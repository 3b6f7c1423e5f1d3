"""The apex that nobody annotated: the unimodal rule against plain references."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from mescope.face.aligned import align
from mescope.samples.apex import find_apex, unimodal
from mescope.synthesis.dynamics import PlantedExpression, Script, Waves
from mescope.synthesis.portraits import test_portraits
from mescope.synthesis.render import SyntheticVideo

CURVES = st.lists(st.floats(-10, 10, allow_nan=False), min_size=1, max_size=14)
STILL = Waves(amplitudes=(), frequencies=(), phases=())


def best_error(values):
    """Least squared error over all splits, each part fitted by scikit-learn."""
    errors = []
    for split in range(len(values) + 1):
        error = 0.0
        for part, rises in ((values[:split], True), (values[split:], False)):
            if len(part):
                fit = IsotonicRegression(increasing=rises).fit_transform(range(len(part)), part)
                error += float(((fit - part) ** 2).sum())
        errors.append(error)
    return min(errors)


@settings(max_examples=60, deadline=None)
@given(CURVES)
def test_the_fit_is_unimodal_and_as_near_as_any(values):
    values = np.array(values)
    fit = unimodal(values)
    slopes = np.sign(np.round(np.diff(fit), 9))
    falls = np.flatnonzero(slopes < 0)
    assert not len(falls) or (slopes[falls[0] :] <= 0).all()
    assert ((fit - values) ** 2).sum() == pytest.approx(best_error(values), abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(CURVES, st.integers(0, 13))
def test_a_unimodal_curve_stays_as_it_is(values, top):
    top = min(top, len(values) - 1)
    curve = np.array([*sorted(values[:top]), 11.0, *sorted(values[top + 1 :], reverse=True)])
    np.testing.assert_allclose(unimodal(curve), curve, atol=1e-9)


def test_a_single_spike_of_noise_is_no_apex():
    curve = np.array([0.0, 0.1, 1.3, 0.3, 0.5, 0.8, 1.0, 1.2, 1.25, 1.1, 0.7, 0.2])
    assert np.argmax(curve) == 2
    assert np.argmax(unimodal(curve)) == 8


def shifted(texture, x):
    matrix = np.float32([[1, 0, x], [0, 1, 0]])
    moved = cv2.warpAffine(
        texture, matrix, (64, 64), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    return moved


def test_a_planted_motion_is_measured_and_its_top_found():
    noise = np.random.default_rng(1).uniform(0, 255, (64, 64)).astype(np.float32)
    texture = cv2.GaussianBlur(noise, (0, 0), 2).astype(np.uint8)
    planted = [0, 0.3, 0.8, 1.3, 1.6, 1.2, 0.6]
    found = find_apex(np.stack([shifted(texture, x) for x in planted]))
    assert found.frame == 4
    np.testing.assert_allclose(found.curve, planted, atol=0.15)
    assert found.fit.shape == (7,)


def test_the_onset_is_never_the_apex_even_where_nothing_moves():
    assert find_apex(np.full((3, 32, 32), 90, np.uint8)).frame >= 1
    assert find_apex(np.full((2, 32, 32), 90, np.uint8)).frame == 1
    with pytest.raises(ValueError, match="at least two frames"):
        find_apex(np.full((1, 32, 32), 90, np.uint8))


@pytest.mark.parametrize("apex_s", [0.12, 0.24])
def test_the_apex_of_a_rendered_expression_is_found_within_a_frame(apex_s):
    planted = PlantedExpression(
        onset_s=0.0, apex_s=apex_s, offset_s=0.36, kind="micro", emotion="positive",
        action_units=("12",), peak=1.0,
    )  # fmt: skip
    script = Script(
        duration=0.4, expressions=(planted,), disturbances=(), sway=(STILL,) * 4, nods=(),
        flicker=STILL, noise=1.0, quality=None, seed=3, level="calm",
    )  # fmt: skip
    video = SyntheticVideo(test_portraits()[1], script, rate=50)
    frames = [video.read([i], grey=True)[i] for i in range(19)]
    crops, _ = align(frames, 112)
    assert abs(find_apex(crops).frame - apex_s * 50) <= 1
