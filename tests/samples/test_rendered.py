"""Rendered recordings: measured once, kept, read back as they were."""

from dataclasses import replace

import numpy as np
import pytest
from planted_motion import NAMES, UP, recording
from planted_motion import measured as planted

from mescope.events import Expression, FaceEvent, Interval
from mescope.motion.regions import REGIONS_18
from mescope.samples import rendered
from mescope.samples.rendered import measured_recordings

SEED = 11


def made_up(number, seed, seconds, manner="natural"):
    """What rendering would give, in no time: planted motion with its truth."""
    rng_seed = 1000 * seed + number + 500 * (manner == "staged")
    smile = Expression(
        interval=Interval(30, 43), kind="micro", apex=36, emotion="positive",
        action_units=("6", "12"),
    )  # fmt: skip
    blink = FaceEvent(
        kind="blink", interval=Interval(50, 56), onset_s=50 / 30, offset_s=56 / 30, strength=0.9
    )
    one = planted(number, recording(round(30 * seconds), events=[((30, 43), ["lips"], UP)],
                                    seed=rng_seed), [smile])  # fmt: skip
    return replace(one, expressions=(smile,), events=(blink,))


@pytest.fixture
def rendering(monkeypatch):
    """Count the recordings that are rendered."""
    calls = []

    def counted(*what):
        calls.append(what[0])
        return made_up(*what)

    monkeypatch.setattr(rendered, "measure", counted)
    return calls


def same(a, b):
    for name in rendered.KEPT:
        left, right = getattr(a, name), getattr(b, name)
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left, right)
    assert (a.number, a.rate, a.expressions, a.events) == (
        b.number, b.rate, b.expressions, b.events,
    )  # fmt: skip


def test_what_is_kept_is_read_back_as_it_was(rendering, tmp_path):
    first = list(measured_recordings(tmp_path / "new", 3, SEED, 4.0))
    assert rendering == [0, 1, 2]
    again = list(measured_recordings(tmp_path / "new", 3, SEED, 4.0))
    assert rendering == [0, 1, 2]  # none was rendered again
    for number, (a, b) in enumerate(zip(first, again, strict=True)):
        same(a, made_up(number, SEED, 4.0))
        same(a, b)
    assert not np.array_equal(first[0].windows, first[1].windows)
    assert isinstance(first[0].expressions[0].action_units, tuple)


def test_whoever_stops_loses_one_recording(rendering, tmp_path, monkeypatch):
    def stopped(*what):
        if what[0] == 2:
            raise KeyboardInterrupt
        return counted(*what)

    counted = rendered.measure
    with monkeypatch.context() as patch:
        patch.setattr(rendered, "measure", stopped)
        with pytest.raises(KeyboardInterrupt):
            list(measured_recordings(tmp_path, 4, SEED, 4.0))
    assert rendering == [0, 1]
    told = []
    found = list(
        measured_recordings(tmp_path, 4, SEED, 4.0, progress=lambda *done: told.append(done))
    )
    assert rendering == [0, 1, 2, 3]
    assert told == [(2, 4), (3, 4), (4, 4)]
    assert [one.number for one in found] == [0, 1, 2, 3]


def test_more_recordings_add_to_those_there_are(rendering, tmp_path):
    list(measured_recordings(tmp_path, 2, SEED, 4.0))
    assert len(list(measured_recordings(tmp_path, 3, SEED, 4.0))) == 3
    assert rendering == [0, 1, 2]


@pytest.mark.parametrize("other", [{"seed": 12}, {"seconds": 5.0}, {"manner": "staged"}])
def test_other_recordings_are_not_mistaken_for_these(rendering, tmp_path, other):
    wanted = {"seed": SEED, "seconds": 4.0, "manner": "natural"}
    list(measured_recordings(tmp_path, 1, **wanted))
    (one,) = measured_recordings(tmp_path, 1, **(wanted | other))
    assert rendering == [0, 0]
    changed = wanted | other
    same(one, made_up(0, **changed))


@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_a_damaged_entry_is_computed_again(rendering, tmp_path, damage):
    list(measured_recordings(tmp_path, 2, SEED, 4.0))
    file = sorted(tmp_path.glob("*-000001.cache"))[0]
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(bytes(data) if damage == "changed" else bytes(data[:100]))
    found = list(measured_recordings(tmp_path, 2, SEED, 4.0))
    assert rendering == [0, 1, 1]
    same(found[1], made_up(1, SEED, 4.0))


def test_motion_and_shape_follow_from_what_is_kept():
    one = made_up(0, SEED, 4.0)
    assert one.motion.shape == (100, 36)  # 120 frames, of which four whole hops are used
    lips = one.motion[:, 2 * NAMES.index("MOUTH") + 1]
    assert lips[36] - lips[30] == pytest.approx(UP[1], abs=0.3)
    assert one.shape.shape[0] == 100
    assert not np.isnan(one.shape).any()


def test_staged_sitters_show_faint_and_strong_expressions_or_none():
    made = [rendered.staged_recording((SEED, number), 30.0).script for number in range(24)]
    shown = [len(script.expressions) for script in made]
    assert 0 < sum(count == 0 for count in shown) < 10
    peaks = np.array([e.peak for script in made for e in script.expressions])
    low, high = rendered.STRENGTHS
    assert low <= peaks.min() < 0.3
    assert 3.0 < peaks.max() <= high
    assert {e.kind for script in made for e in script.expressions} == {"micro", "macro"}
    assert {script.level for script in made} == {"calm", "middle", "hard"}


@pytest.mark.slow
def test_a_rendered_recording_is_measured_by_the_real_extraction(tmp_path):
    (one,) = measured_recordings(tmp_path, 1, SEED, 2.0)
    assert one.windows.dtype == np.float16
    assert one.windows.shape[1] == 2 * len(REGIONS_18)
    assert one.valid.any()
    n = (len(one.windows) + 1) * one.windows.shape[2] // 2
    assert one.points.shape == (n, 68, 2)
    assert len(one.times) == n
    assert np.isfinite(one.motion).any()
    assert np.isfinite(one.shape).any()
    assert all(e.interval.last < n for e in (*one.expressions, *one.events))
