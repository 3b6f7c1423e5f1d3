"""Measured facts become questions; only what was measured is asked."""

import pytest

from mescope.analysis.checks import MUCH, SHUT, UNSTEADY, checks_for
from mescope.events import FaceEvent, Interval
from mescope.spotting.spotters import StandingOut

HERE = Interval(100, 109)


def event(kind, first, last, strength=1.0):
    return FaceEvent(
        kind=kind, interval=Interval(first, last), onset_s=first / 30, offset_s=last / 30,
        strength=strength,
    )  # fmt: skip


def doubts(**facts):
    return {c.question.split()[-1].rstrip("?"): c.doubt for c in checks_for(HERE, **facts)}


def test_nothing_measured_nothing_asked():
    assert checks_for(HERE) == ()


def test_no_events_found_is_an_answer():
    assert doubts(events=()) == {
        "shut": False,
        "talking": False,
        "turning": False,
        "shift": False,
    }


@pytest.mark.parametrize(
    ("openness", "doubt"), [(SHUT - 0.01, True), (SHUT, False), (1.0, False)]
)
def test_lids_decide_by_their_opening(openness, doubt):
    (check,) = checks_for(HERE, openness=openness)
    assert check.doubt is doubt
    assert f"{100 * openness:.0f} %" in check.answer


def test_a_blink_counts_only_where_it_overlaps():
    assert doubts(events=(event("blink", 95, 100),))["shut"]
    assert not doubts(events=(event("blink", 95, 99), event("blink", 110, 114)))["shut"]


@pytest.mark.parametrize(
    ("kind", "word"), [("speech", "talking"), ("head", "turning"), ("gaze", "shift")]
)
def test_an_event_must_fill_enough_of_the_interval(kind, word):
    enough = round(MUCH * 10)
    assert doubts(events=(event(kind, 90, 99 + enough),))[word]
    assert not doubts(events=(event(kind, 90, 98 + enough),))[word]


def test_events_that_overlap_each_other_fill_no_frame_twice():
    twice = (event("speech", 100, 101), event("speech", 101, 101))
    check = next(c for c in checks_for(HERE, events=twice) if "talking" in c.question)
    assert check.answer.startswith("Hardly: 20 %")
    assert not check.doubt


@pytest.mark.parametrize(("moved", "doubt"), [(0.4, True), (0.5, True), (0.6, False)])
def test_movement_at_the_noise_is_doubted(moved, doubt):
    (check,) = checks_for(HERE, movement_px=moved, noise_px=0.5)
    assert check.doubt is doubt


@pytest.mark.parametrize(("change", "doubt"), [(UNSTEADY, True), (UNSTEADY - 0.01, False)])
def test_light(change, doubt):
    (check,) = checks_for(HERE, light=change)
    assert check.doubt is doubt


@pytest.mark.parametrize(
    ("third", "lowered", "doubt"), [(0.4, True, True), (0.4, False, True), (1.2, False, False)]
)
def test_too_few_regions_speak_against_it_and_a_lowered_score_is_said(third, lowered, doubt):
    (check,) = checks_for(HERE, standing_out=StandingOut(third, 0.9, lowered))
    assert "fewer than three regions" in check.question
    assert check.doubt is doubt
    assert f"{third:.1f} px, and 0.9 px" in check.answer
    assert ("its score was lowered" in check.answer) is lowered
