"""What the commands tell beside their tables, and that they tell it once."""

import dataclasses

import made_up_results
from made_up_results import touch

from mescope.analysis import Gap
from mescope.events import FaceEvent, Interval


def test_the_same_warning_is_told_once_and_counted(run, here, analyzer):
    analyzer.warnings = ("the light flickers", "the light flickers")
    touch("a.mp4", "b.mp4", "c.mp4")
    status, _, err = run("analyze", "a.mp4", "b.mp4", "c.mp4")
    assert status == 0
    assert err.count(": the light flickers") == 2
    assert "a.mp4: the light flickers" in err
    assert "the same of 2 more recordings: the light flickers" in err
    assert err.count("learned from simulated faces") == 1


def test_events_and_what_was_not_judged_are_told(run, here, analyzer, monkeypatch):
    plain = made_up_results.made_up

    def eventful(name, warnings=()):
        blink = FaceEvent(
            kind="blink", interval=Interval(5, 9), onset_s=0.1, offset_s=0.3, strength=0.8
        )
        dark = Gap(interval=Interval(60, 89), start_s=2.0, end_s=89 / 30, reason="too dark")
        return dataclasses.replace(plain(name, warnings), events=(blink,), gaps=(dark,))

    monkeypatch.setattr(made_up_results, "made_up", eventful)
    touch("a.mp4")
    status, out, _ = run("analyze", "a.mp4")
    assert status == 0
    assert "1 micro-expression in 3.0 s, of which 1.0 s could not be judged" in out
    assert "events: 1 blink (30.0 a minute)" in out
    status, out, _ = run("spot", "a.mp4")
    assert "1 interval; 1.0 s could not be judged" in out
