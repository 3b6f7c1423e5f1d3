"""Scripts as lively as real recordings: the truth is exact, and nothing gives it away."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from mescope.synthesis.dynamics import random_script
from mescope.synthesis.motion import UNITS
from mescope.synthesis.natural import AMPLITUDE_PX, OVERLAPPED, draw_temper, natural_script
from mescope.synthesis.timecourse import truth, truth_events

SECONDS = 60.0


@pytest.fixture(scope="module")
def scripts():
    return [natural_script(np.random.default_rng([7, n]), SECONDS) for n in range(60)]


def test_a_script_is_its_seed(scripts):
    assert natural_script(np.random.default_rng([7, 3]), SECONDS) == scripts[3]
    assert scripts[3] != scripts[4]


def test_amplitude_does_not_tell_the_duration(scripts):
    """|rank correlation| < 0.1 over hundreds of draws; both spread over their whole range."""
    every = [e for s in scripts for e in s.expressions]
    length = np.array([e.offset_s - e.onset_s for e in every])
    peak = np.array([e.peak for e in every]) * 2.675  # px of the face crop
    assert len(every) > 400
    ranks = [np.argsort(np.argsort(v)) for v in (length, peak)]
    assert abs(np.corrcoef(*ranks)[0, 1]) < 0.1
    for kind in ("micro", "macro"):
        own = peak[[e.kind == kind for e in every]]
        assert own.min() < 0.6
        assert own.max() > 12
        assert np.median(own) == pytest.approx(np.sqrt(np.prod(AMPLITUDE_PX)), rel=0.35)
    assert all((e.offset_s - e.onset_s <= 0.5) == (e.kind == "micro") for e in every)


def test_truth_is_where_the_face_moves(scripts):
    """Nothing of an expression outside its interval; the apex is its first highest point."""
    for script in scripts[:20]:
        for e in script.expressions:
            times = np.linspace(e.onset_s - 0.2, e.offset_s + 0.2, 2001)
            course = e.course(times)
            outside = (times < e.onset_s) | (times > e.offset_s)
            assert not course[outside].any()
            assert course.max() == pytest.approx(e.peak, rel=1e-3)
            near = np.flatnonzero(course > 0.999 * course.max())
            assert times[near[0]] <= e.apex_s <= times[near[-1]] + 1e-9
        times = np.arange(int(SECONDS * 30)) / 30
        for planted, found in zip(script.expressions, truth(script, times), strict=True):
            assert times[found.interval.first] >= planted.onset_s - 1e-9
            assert times[found.interval.last] <= planted.offset_s + 1e-9


def test_expressions_keep_apart(scripts):
    for script in scripts:
        for a, b in pairwise(script.expressions):
            assert b.onset_s > a.offset_s + 0.29


def test_a_third_of_the_recordings_shows_no_expression():
    rng = np.random.default_rng(0)
    tempers = [draw_temper(rng) for _ in range(1000)]
    assert np.mean([t.macro == 0 for t in tempers]) == pytest.approx(1 / 3, abs=0.06)
    assert all(t.micro == 0 for t in tempers if t.macro == 0 or t.posed)


def test_some_expressions_meet_a_blink_or_a_glance(scripts):
    met = [
        any(
            v.kind in ("blink", "gaze") and v.onset_s < e.offset_s and v.offset_s > e.onset_s
            for v in script.events
        )
        for script in scripts
        for e in script.expressions
    ]
    # Rather more than planned: a glance or a held blink may run on into an expression.
    assert 0.8 * OVERLAPPED < np.mean(met) < 2.5 * OVERLAPPED


def test_events_are_where_lids_and_head_move(scripts):
    times = np.arange(int(SECONDS * 100)) / 100
    for script in scripts[:20]:
        lids = script.activations(times)[:, UNITS.index("blink")]
        shut = np.zeros(len(times), bool)
        for event in truth_events(script, times):
            span = slice(event.interval.first, event.interval.last + 1)
            assert event.onset_s == times[event.interval.first]
            assert event.offset_s == times[event.interval.last]
            if event.kind == "blink":
                shut[span] = True
                assert lids[span].max() == pytest.approx(event.strength, abs=0.05)
        assert not lids[~shut].any()
    kinds = {e.kind for s in scripts for e in s.events}
    assert kinds == {"blink", "speech", "head", "gaze"}


def test_a_quick_turn_turns_by_its_strength(scripts):
    """Where one head event stands alone, the head turns by about what it says."""
    checked = 0
    for script in scripts:
        heads = [e for e in script.events if e.kind == "head"]
        for event in heads:
            alone = all(
                o is event or o.onset_s > event.offset_s or o.offset_s < event.onset_s
                for o in heads
            )
            if not alone or event.strength < 10 or event.offset_s > SECONDS:
                continue
            times = np.linspace(event.onset_s, event.offset_s, 400)
            turn = np.zeros((400, 2))  # yaw, pitch
            for step in script.steps:
                if step.channel >= 4:
                    turn[:, step.channel - 4] += step(times)
            checked += 1
            assert np.degrees(np.ptp(turn, axis=0).max()) > 0.5 * event.strength
    assert checked > 5


def test_talk_moves_the_mouth_only_while_it_lasts(scripts):
    talkers = [s for s in scripts if any(e.kind == "speech" for e in s.events)]
    assert 0.2 < len(talkers) / len(scripts) < 0.8
    times = np.arange(int(SECONDS * 50)) / 50
    for script in talkers[:10]:
        quiet = np.ones(len(times), bool)
        for event in script.events:
            if event.kind == "speech":
                quiet &= (times < event.onset_s) | (times > event.offset_s)
        for e in script.expressions:
            quiet &= (times < e.onset_s) | (times > e.offset_s)
        opened = script.parting(times)
        assert opened.max() > 0
        assert not opened[quiet].any()


def test_a_script_is_a_function_of_time_alone(scripts):
    times = np.arange(0, SECONDS, 1 / 100)
    for script in scripts[:4]:
        for course in (script.activations, script.head, script.light, script.parting):
            np.testing.assert_allclose(course(times)[::7], course(times[::7]), atol=1e-12)


def test_tame_scripts_have_events_too_and_options_for_the_planted_benchmark():
    rng = np.random.default_rng(1)
    script = random_script(
        rng, 300.0, level="hard", micro_per_minute=12, peaks=(0.15, 5.5), blinks_over=0.5
    )
    assert {e.kind for e in script.events} == {"blink", "gaze", "speech", "head"}
    peaks = {
        kind: [e.peak for e in script.expressions if e.kind == kind]
        for kind in ("micro", "macro")
    }
    assert min(peaks["micro"]) < 0.4 < 3.0 < max(peaks["micro"])
    met = [
        any(
            b.kind == "blink" and b.onset_s < e.offset_s and b.offset_s > e.onset_s
            for b in script.events
        )
        for e in script.expressions
    ]
    assert 0.3 < np.mean(met) < 0.7
