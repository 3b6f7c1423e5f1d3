from itertools import pairwise

import numpy as np
import pytest

from mescope.facs import emotion_of
from mescope.synthesis.dynamics import (
    EMOTION_UNITS,
    LEVELS,
    PlantedExpression,
    random_script,
    truth,
)
from mescope.synthesis.motion import UNITS


def script(seed=0, **options):
    return random_script(np.random.default_rng(seed), 60.0, micro_per_minute=12, **options)


def test_the_same_seed_gives_the_same_script():
    assert script(3) == script(3)
    assert script(3) != script(4)


def test_planted_units_speak_for_the_emotion_they_are_planted_as():
    for emotion, options in EMOTION_UNITS.items():
        for units in options:
            assert emotion_of(units) == emotion, (units, emotion)


@pytest.mark.parametrize("seed", range(5))
def test_durations_keep_to_the_definition_and_expressions_keep_apart(seed):
    events = script(seed).expressions
    assert events
    for e in events:
        low, high = (0.1, 0.5) if e.kind == "micro" else (0.5, 4.0)
        assert low <= e.offset_s - e.onset_s <= high
        assert e.onset_s < e.apex_s < e.offset_s
    for a, b in pairwise(events):
        assert b.onset_s > a.offset_s + 0.99


def test_activation_is_zero_outside_and_peaks_at_the_apex():
    e = PlantedExpression(
        onset_s=1.0, apex_s=1.2, offset_s=1.4, kind="micro", emotion="positive",
        action_units=("12",), peak=0.8,
    )  # fmt: skip
    times = np.array([0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5])
    np.testing.assert_allclose(e.course(times), [0, 0, 0.4, 0.8, 0.4, 0, 0], atol=1e-12)


def test_a_script_is_a_function_of_time_alone():
    one = script()
    times = np.arange(0, 60, 1 / 200)
    every, seventh = one.activations(times), one.activations(times[::7])
    np.testing.assert_array_equal(every[::7], seventh)
    np.testing.assert_allclose(one.head(times)[::7], one.head(times[::7]), atol=1e-12)


def test_truth_lies_in_frames_of_the_time_table():
    one = script()
    for rate in (30.0, 200.0):
        times = np.arange(int(60 * rate)) / rate
        found = truth(one, times)
        assert len(found) == len(one.expressions)
        for planted, e in zip(one.expressions, found, strict=True):
            assert times[e.interval.first] >= planted.onset_s - 1e-9
            assert times[e.interval.last] <= planted.offset_s + 1e-9
            assert abs(times[e.apex] - planted.apex_s) <= 1 / rate
    assert truth(one, np.arange(10) / 30.0) == ()  # a recording that ends before anything


def test_a_face_at_rest_only_sways():
    still = random_script(
        np.random.default_rng(0), 600, level="hard", micro_per_minute=0, macro_per_minute=0
    )
    times = np.arange(0, 600, 0.1)
    assert not still.activations(times).any()
    assert still.head(times).std(axis=0)[0] == pytest.approx(LEVELS["hard"].sway, rel=0.5)


def test_blinks_move_the_lids():
    one = script(1)
    blinks = [d for d in one.disturbances if d.unit == "blink"]
    at = np.array([d.apex_s for d in blinks])
    assert (one.activations(at)[:, UNITS.index("blink")] > 0.6).all()
