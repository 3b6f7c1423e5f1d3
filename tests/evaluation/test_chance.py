"""Intervals at random places: what arithmetic says, and a slow loop beside."""

from pathlib import Path

import numpy as np
import pytest

from mescope.errors import DatasetError
from mescope.evaluation.chance import GIVEN, LAST_NAMED, at_random, last_named
from mescope.evaluation.interval_table import Row, read_lengths, table_of
from mescope.evaluation.megc import read_files
from mescope.evaluation.scores import MODES, score
from mescope.events import Interval

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
LOG, LIST = SHARED / "megc2020_cas_me2_mdmd_log.txt", SHARED / "megc2020_cas_me2_truth.txt"


def row(first, last, video="v", kind="micro", emotion=None):
    return Row(
        subject="s", video=video, interval=Interval(first, last), kind=kind, emotion=emotion
    )


def test_a_place_that_leaves_no_choice_is_always_hit():
    table = table_of([row(0, 9), row(0, 4, "w")])
    chance = at_random(table, table, frames={("s", "v"): 10, ("s", "w"): 5})
    assert chance.spotting["micro"] == {
        "tp": 2, "fp": 0, "fn": 0, "precision": 1, "recall": 1, "f1": 1,
    }  # fmt: skip


def test_one_interval_hits_as_often_as_places_fit():
    """Length 10 on length 10: IoU of at least 1/2 for a shift of at most 3; 7 of 91 places."""
    truth, found = table_of([row(40, 49)]), table_of([row(3, 12)])
    chance = at_random(found, truth, frames={("s", "v"): 100}, draws=20_000)
    assert chance.spotting["micro"]["tp"] == pytest.approx(7 / 91, abs=0.006)
    assert chance.spotting["micro"]["f1"] == pytest.approx(7 / 91, abs=0.006)
    assert chance.spotting["overall"]["fn"] == pytest.approx(84 / 91, abs=0.006)


def test_against_a_slow_loop_through_the_scorer():
    rng = np.random.default_rng(2)
    truth = table_of(
        [row(a, a + 14, f"v{i % 3}") for i, a in enumerate(range(0, 90, 15))], [("s", "none")]
    )
    found = table_of(
        [row(a, a + 11, v) for a in (5, 30, 70) for v in ("v0", "v1", "none")]
        + [row(10, 60, "v2", "macro")]
    )
    frames = {video: 120 for video in truth.videos}
    tp, f1 = [], []
    for _ in range(400):
        starts = [int(rng.integers(0, 120 - len(r.interval) + 1)) for r in found.rows]
        placed = [
            row(s, s + len(r.interval) - 1, r.video, r.kind)
            for s, r in zip(starts, found.rows, strict=True)
        ]
        counts = score(table_of(placed), truth).counts["micro"]
        tp.append(counts.tp)
        f1.append(counts.f1)
    chance = at_random(found, truth, frames=frames, draws=400).spotting
    assert chance["micro"]["tp"] == pytest.approx(np.mean(tp), abs=0.15)
    assert chance["micro"]["f1"] == pytest.approx(np.mean(f1), abs=0.02)
    assert chance["micro"]["tp"] + chance["micro"]["fp"] == pytest.approx(9)
    assert (chance["macro"]["fp"], chance["macro"]["tp"]) == (1, 0)
    assert chance["overall"]["fp"] == pytest.approx(chance["micro"]["fp"] + 1)


def test_equal_seeds_place_equally():
    truth, found = table_of([row(40, 49)]), table_of([row(3, 22), row(30, 44)])
    assert at_random(found, truth, seed=1) == at_random(found, truth, seed=1)
    assert at_random(found, truth, seed=1) != at_random(found, truth, seed=2)


def test_unknown_lengths_are_told_and_flatter_chance_only():
    truth, found = table_of([row(40, 49)]), table_of([row(3, 12)])
    assert last_named(found, truth) == {("s", "v"): 50}
    short = at_random(found, truth, draws=2000)
    long = at_random(found, truth, frames={("s", "v"): 500}, draws=2000)
    assert (short.places, long.places) == (LAST_NAMED, GIVEN)
    assert short.spotting["micro"]["tp"] > long.spotting["micro"]["tp"]


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_has_its_chance(mode):
    truth = table_of([row(40, 49), row(100, 130, kind="macro")], [("s", "empty")])
    found = table_of([row(3, 12), row(60, 90, kind="macro"), row(1, 9, "empty")])
    real = score(found, truth, mode=mode)
    chance = at_random(found, truth, mode=mode, draws=50).spotting
    for kind, counts in real.counts.items():
        assert chance[kind]["tp"] + chance[kind]["fn"] == pytest.approx(counts.tp + counts.fn)
    assert at_random(table_of([]), truth, mode=mode).spotting["micro"]["fp"] == 0


def test_chance_discards_what_the_mode_discards():
    """Videos with one place only, so that chance is certain; a macro has nothing to hit."""
    truth = table_of([row(0, 9)])
    micro, macro = row(0, 9, emotion="neutral"), row(0, 9, kind="macro", emotion="neutral")
    for mode, wanted, alarms in (
        ("as_published_metst", (0, 0, 1), 0),
        ("as_published_metst_unfiltered", (1, 0, 0), 1),
        ("clean", (1, 0, 0), 1),
    ):
        found = table_of([micro, macro])
        chance = at_random(found, truth, mode=mode, frames={("s", "v"): 10}, draws=3).spotting
        assert tuple(chance["micro"][key] for key in ("tp", "fp", "fn")) == wanted, mode
        assert chance["macro"]["fp"] == alarms, mode


def test_detections_outside_their_video_are_refused():
    truth, found = table_of([row(40, 49)]), table_of([row(3, 12)])
    with pytest.raises(DatasetError, match="s/v: expected a video with frame 12, found 12 fr"):
        at_random(found, truth, frames={("s", "v"): 12})
    with pytest.raises(DatasetError, match="found no length"):
        at_random(found, truth, frames={})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("subject,video,frames\ns,v,100\n", None),
        ("subject,video,frames\ns,v,\n", "row 2: frames"),
        ("subject,video,frames\ns,v,0\n", "row 2: expected a whole number"),
        ("subject,video,frames\ns,v,1.5\n", "row 2: expected a whole number"),
        ("subject,video,frames\ns,w,9\n", "none for s/v"),
        ("subject,video\ns,v\n", "frames"),
    ],
)
def test_lengths_are_read(tmp_path, text, said):
    path = tmp_path / "lengths.csv"
    path.write_text(text, encoding="utf-8")
    if said is None:
        assert read_lengths(path, [("s", "v")]) == {("s", "v"): 100}
    else:
        with pytest.raises(DatasetError, match=said):
            read_lengths(path, [("s", "v")])


@pytest.mark.data
@pytest.mark.skipif(not LOG.exists(), reason="needs ../shared/data")
def test_the_published_baseline_beats_chance_on_both_kinds():
    """MDMD on CAS(ME)^2: little, but more than its five thousand intervals get by luck."""
    found, truth = read_files(LOG, LIST)
    mode = "as_published_megc2020"
    real, chance = score(found, truth, mode=mode), at_random(found, truth, mode=mode)
    for kind, counts in real.counts.items():
        assert 0 < 2 * chance.spotting[kind]["f1"] < counts.f1
