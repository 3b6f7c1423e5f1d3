"""How much could be judged, how often events happened, and the words for it."""

import dataclasses

import pytest
from made_up_analysis import make_analysis

from mescope.analysis import Gap
from mescope.events import FaceEvent, Interval
from mescope.reports.judged import headline, judged_s, rates, rates_in_words, unjudged_s

RATE = 30.0


def recording(*gaps, events=(), duration=60.0):
    """Return a recording without detections; gaps and events in whole seconds."""
    analysis = make_analysis(duration=duration, planted=(), gaps=False, pictures=False)
    return dataclasses.replace(
        analysis,
        gaps=tuple(
            Gap(
                interval=Interval(round(a * RATE), round(b * RATE) - 1), start_s=a,
                end_s=b - 1 / RATE, reason="dark",
            )
            for a, b in gaps
        ),
        events=tuple(
            FaceEvent(
                kind=kind, interval=Interval(round(a * RATE), round(b * RATE)), onset_s=a,
                offset_s=b, strength=1.0,
            )
            for kind, a, b in events
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("gaps", "seconds"),
    [
        ((), 0),
        (((10, 20),), 10),
        (((10, 20), (15, 25)), 15),  # an overlap counts once
        (((10, 20), (20, 25)), 15),
        (((0, 60),), 60),
    ],
)
def test_time_that_could_not_be_judged(gaps, seconds):
    analysis = recording(*gaps)
    assert unjudged_s(analysis) == pytest.approx(seconds, abs=0.04)
    assert judged_s(analysis) == pytest.approx(60 - seconds, abs=0.04)


def test_rates_leave_out_what_could_not_be_judged():
    """4 blinks in 60 s of which 30 s could be judged are 8 a minute."""
    blinks = [("blink", t, t + 0.2) for t in (1, 5, 9, 20)]
    (rate,) = rates(recording((30, 60), events=blinks))
    assert rate.number == 4
    assert rate.a_minute == pytest.approx(8, abs=0.05)
    assert rate.seconds == pytest.approx(0.8)


def test_what_begins_where_nothing_could_be_judged_is_in_no_rate():
    """As a study counts: such a stretch is no time, so its events are none of that time."""
    turns = [("head", t, t + 1) for t in (1, 29, 30, 40, 59)]
    (rate,) = rates(recording((30, 60), (35, 45), events=turns))
    assert (rate.number, rate.seconds) == (5, 5)
    assert rate.a_minute == pytest.approx(4, abs=0.05)


def test_overlapping_speech_lasts_no_longer_than_it_does():
    speech = [("speech", 0, 10), ("speech", 5, 12)]
    (rate,) = rates(recording(events=speech))
    assert rate.seconds == 12
    assert rates_in_words(recording(events=speech)) == "2 stretches of speech (12 s)"


def test_no_judged_time_no_rate():
    (rate,) = rates(recording((0, 60), events=[("blink", 1, 2)]))
    assert rate.a_minute is None
    assert rates_in_words(recording((0, 60), events=[("blink", 1, 2)])) == "1 blink"


@pytest.mark.parametrize(
    ("gaps", "words"),
    [
        ((), "No expressions were found in 1 min"),
        (((10, 20),), "No expressions were found in 1 min, of which 10 s could not be judged"),
        (((0, 60),), "Nothing could be judged in 1 min"),
    ],
)
def test_silence_is_not_called_absence(gaps, words):
    assert " ".join(headline(recording(*gaps))) == words


def test_what_was_found_is_told_also_where_nothing_could_be_judged():
    """Too few frames a second: two lines further the page would show what it called nothing."""
    analysis = make_analysis(duration=60, gaps=False, pictures=False)
    whole = Gap(
        interval=Interval(0, 1799), start_s=0, end_s=60 - 1 / RATE,
        reason="too few frames a second",
    )  # fmt: skip
    words = " ".join(headline(dataclasses.replace(analysis, gaps=(whole,))))
    assert "expression" in words.split(" in ")[0]
    assert words.endswith(" in 1 min, no part of which could be judged")
