"""Reports on recordings: figures counted by hand, intervals, chance, and the way back."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_spotting import EMOTIONS, made_up_spotting, report_of, row

from mescope.errors import DatasetError, LeakError
from mescope.evaluation.spotting_files import as_csv, as_json, from_json
from mescope.evaluation.spotting_report import SpottedBy
from mescope.evaluation.spotting_tables import (
    CHANCE,
    described,
    headline,
    kinds_table,
    named_headline,
    parted,
    synergy_table,
)
from mescope.evaluation.spotting_verdicts import verdicts


@pytest.fixture(scope="module")
def big():
    return made_up_spotting(macro=True)


@pytest.fixture(scope="module")
def summary(big):
    return big.summary()


def by_hand(mode="clean", **changes):
    """Two people of one minute each: four micros, of which 2 are found without a filter."""
    one, two = {"subject": "1", "video": "a"}, {"subject": "2", "video": "b"}
    truth = [
        row(100, 109, emotion="negative", **one), row(300, 309, emotion="surprise", **one),
        row(500, 509, emotion="positive", **two), row(700, 709, emotion="others", **two),
        row(1000, 1059, kind="macro", **two),
    ]  # fmt: skip
    hits = [
        row(101, 110, emotion="negative", score=0.9, **one),  # a hit, IoU 9/11
        row(500, 504, emotion="negative", score=0.7, **two),  # a hit, IoU exactly 1/2
    ]
    alarms = [
        row(800, 809, emotion="positive", score=0.8, **one),
        row(700, 703, emotion="others", score=0.2, **two),  # IoU 0.4: found only at 0.3
    ]
    neutral = row(305, 314, emotion="neutral", score=0.5, **one)  # IoU 5/15
    runs = [
        ("strategy-1", 0, [*hits, *alarms] + ([neutral] if mode != "clean" else [])),
        ("strategy-2", 0, [*hits, *alarms, replace(neutral, emotion="surprise")]),
    ]
    return report_of(
        truth, runs, videos=(("1", "a"), ("2", "b")), frames=1800, mode=mode, **changes
    )


def test_figures_are_those_counted_by_hand():
    first = by_hand().summary()["methods"]["strategy-1"]["per_seed"][0]
    assert (first["tp"], first["fp"], first["fn"]) == (2, 2, 2)
    assert (first["precision"], first["recall"], first["f1"]) == (0.5, 0.5, 0.5)
    assert first["false_alarms_per_minute"] == 1.0
    # ranked: hit 0.9, alarm 0.8, hit 0.7, alarm 0.2; precision at the hits 1 and 2/3
    assert first["ap"] == pytest.approx((1 + 2 / 3) / 4)
    assert first["f1_at_iou"] == {"0.3": 0.75, "0.5": 0.5, "0.7": 0.25}
    # of the hits: negative named so, positive called negative; surprise does not occur, and
    # nothing is called so, so it leaves the means
    assert first["confusion"][:2] == [[1, 0, 0, 0, 0], [1, 0, 0, 0, 0]]
    assert first["pairs"] == 2
    assert first["uf1"] == pytest.approx((2 / 3 + 0) / 2)
    assert first["uar"] == pytest.approx((1 + 0) / 2)
    precision, recall = (1 / 2 + 0) / 2, 1 / 2
    named = 2 * precision * recall / (precision + recall)
    assert first["harmonic_f1"] == pytest.approx(named)
    assert first["strs"] == pytest.approx(0.5 * named)
    assert first["kinds"]["macro"]["fn"] == 1


def test_the_synergy_of_two_strategies_by_hand():
    """Table IV: spotting of all expressions; recognition of the hits that have a class."""
    found = by_hand().summary()["synergy"]
    assert found["without"]["spotting"] == pytest.approx(
        {"total": 4, "tp": 2, "fp": 3, "fn": 2, "precision": 0.4, "recall": 0.5, "f1": 4 / 9}
    )
    recognition = found["with"]["recognition"]
    assert [recognition[k] for k in ("total", "tp", "fp", "fn")] == [2, 1, 1, 1]
    heads, rows = synergy_table(by_hand().summary())
    assert len(heads) == 5
    assert rows[0] == ("total", "4", "2", "4", "2")
    alone = by_hand()
    assert synergy_table(replace(alone, runs=alone.runs[:1]).summary())[1] == []


def test_a_hit_called_others_is_a_miss_of_its_class_and_a_false_answer_of_none():
    """So the published 72 = 52 + 20 with 13 false answers comes about."""
    truth = [row(100 * i, 100 * i + 9, emotion=e) for i, e in enumerate(EMOTIONS[:3], 1)]
    named = ["negative", "others", None]
    found = [replace(t, emotion=n, score=0.5) for t, n in zip(truth, named, strict=True)]
    runs = [("strategy-1", 0, found), ("strategy-2", 0, found)]
    counted = report_of(truth, runs).summary()["synergy"]["with"]["recognition"]
    assert [counted[k] for k in ("total", "tp", "fp", "fn")] == [3, 1, 0, 2]


def test_people_and_verdicts_add_to_the_figures(big, summary):
    for method, runs in big.methods.items():
        part = summary["methods"][method]
        for name in ("tp", "fp", "fn"):
            total = sum(person[name] for person in part["people"])
            assert total == pytest.approx(part["over"][name]["mean"])
        words = [v.word for some in verdicts(big, runs[0]).values() for v in some]
        kinds = part["per_seed"][0]["kinds"]["overall"]
        assert words.count("hit") == kinds["tp"]
        assert words.count("false alarm") == kinds["fp"]
        assert words.count("miss") == kinds["fn"]


def test_as_published_what_is_called_neutral_is_dropped_after_matching():
    report = by_hand("as_published")
    some = verdicts(report, report.runs[0])["1", "a"]
    assert [v.word for v in some] == ["hit", "miss", "dropped", "false alarm"]
    summary = report.summary()
    assert summary["mode"] == "as_published_metst"
    clean = by_hand().summary()["methods"]["strategy-1"]["per_seed"][0]
    assert summary["methods"]["strategy-1"]["per_seed"][0]["ap"] == clean["ap"]
    text = described(report.summary())
    assert "not comparable with clean figures" in text
    assert "mode as_published_metst" in text


def test_a_published_interval_may_stick_out_of_the_last_frame():
    found = [row(880, 905, emotion="negative", score=0.5)]
    report = report_of([row(10, 19)], [("strategy-1", 0, found)], mode="as_published")
    assert report.lengths() == {("1", "a"): 906}
    assert report.summary()["spotting"]["micro"]["fp"] == 1
    assert report.summary()["methods"]["strategy-1"]["chance"]["tp"] < 1


def test_decimated_matches_are_shown_in_native_frames():
    report = made_up_spotting(
        (0,), people=3, mode="as_published", rate=200.0, step=7, frames=6000
    )
    natives = set(report.runs[0].native)
    words = []
    for some in verdicts(report, report.runs[0]).values():
        assert all(v.found in natives for v in some if v.found)
        words += [v.word for v in some]
    assert words.count("hit") == report.summary()["spotting"]["micro"]["tp"]


def test_intervals_hold_the_mean_and_seeds_their_ends(summary):
    for name in ("f1", "uf1", "uar", "harmonic_f1", "strs"):
        over = summary["methods"]["strategy-1"]["over"][name]
        low, high = over["interval"]
        assert low < over["mean"] < high
        assert over["min"] <= over["mean"] <= over["max"]


def test_chance_stands_below_every_method(summary):
    rows = headline(summary)
    assert [row[0] == CHANCE for row in rows] == [False, True] * 3
    for ours, luck in zip(rows[::2], rows[1::2], strict=True):
        assert float(luck[6]) < 0.3 * float(ours[6])
    spotting, naming = parted(rows)
    assert [ours for ours, _ in spotting] == [True, False] * 3
    assert [row[0] for row in naming] == [row[0] for row in rows[:4:2]]  # flow-peaks has none
    assert named_headline({"x": summary})[0][0] == f"x: {rows[0][0]}"


def test_macro_expressions_are_shown_where_they_are_targets(summary):
    assert kinds_table(summary) == []
    macro = {"data": {"kind": "recordings", "macro": True}}
    rows = kinds_table(made_up_spotting((0, 1), people=3, macro=True, recipe=macro).summary())
    assert [row[1] for row in rows] == ["micro", "micro", "macro", "macro", "overall"] + [
        "overall"
    ] + ["micro", "micro", "macro", "macro", "overall", "overall"] * 2
    for i in range(0, len(rows), 6):
        micro, macro, both = (rows[i + j] for j in (0, 2, 4))
        assert float(micro[4]) + float(macro[4]) == pytest.approx(float(both[4]), abs=0.11)


def test_a_summary_that_was_changed_changes_no_other(big):
    big.summary()["methods"].clear()
    assert big.summary()["methods"]
    json.dumps(big.summary(), allow_nan=False)


def test_the_hash_of_the_truth_is_that_of_the_data_alone(big, summary):
    assert summary["hashes"]["truth"] == big.truth_hash()
    assert replace(big, hashes={"data": "other"}).truth_hash() == big.truth_hash()
    shuffled = replace(
        big, truth_native=big.truth_native[::-1], truth_decimated=big.truth_decimated[::-1]
    )
    assert shuffled.truth_hash() == big.truth_hash()
    fewer = replace(big, truth_native=big.truth_native[1:])
    assert fewer.truth_hash() != big.truth_hash()


def test_who_was_learned_from_is_not_tested():
    person = ("casme3a", "1")
    fold = SpottedBy(fold="x", seed=0, train=(person,), test=(person,), rule={})
    with pytest.raises(LeakError, match="casme3a/1"):
        by_hand(folds=(fold,))
    with pytest.raises(DatasetError, match="found some in 9/z"):
        report_of([], [("strategy-1", 0, [row(0, 9, subject="9", video="z", score=0.5)])])


names = st.text(st.characters(codec="utf-8"), max_size=8)
spans = st.tuples(st.integers(0, 800), st.integers(0, 80)).map(lambda p: (p[0], p[0] + p[1]))


@st.composite
def reports(draw):
    videos = draw(st.lists(st.tuples(names, names), min_size=1, max_size=3, unique=True))

    def rows(scored):
        out = []
        for subject, video in videos:
            for first, last in draw(st.lists(spans, max_size=3)):
                score = draw(st.floats(0, 1)) if scored else None
                out.append(
                    row(first, last, subject=subject, video=video, score=score,
                        kind=draw(st.sampled_from(("micro", "macro"))),
                        emotion=draw(st.sampled_from((None, *EMOTIONS))))
                )  # fmt: skip
        return out

    runs = [("strategy-1", 3, rows(True)), ("flow-peaks", 3, rows(True))]
    warnings = tuple(draw(st.lists(names, max_size=2)))
    return report_of(rows(False), runs, videos=videos, warnings=warnings, step=2)


@settings(max_examples=12, deadline=None)
@given(reports())
def test_any_report_comes_back(report):
    assert from_json(as_json(report)) == report


def test_text_that_is_no_report_says_so(big):
    document = json.loads(as_json(big))
    for broken, said in (
        ("{", "no JSON"),
        ("[1]", "another file"),
        (json.dumps({**document, "schema": 99}), "expected schema 1, found 99"),
        (json.dumps({k: v for k, v in document.items() if k != "runs"}), "damaged"),
        (json.dumps({**document, "videos": [1]}), "damaged"),
    ):
        with pytest.raises(DatasetError, match=said):
            from_json(broken, name="r.json")


def test_tables_name_every_video_with_its_length(big):
    frames = {video.key: video.native for video in big.videos}
    lines = as_csv([], frames).splitlines()
    assert lines[0].startswith("subject,video,onset,offset,type,emotion,apex,score,frames")
    assert len(lines) == 1 + len(big.videos)
    assert lines[1] == "s01,01_1,,,,,,,900"
    hostile = as_csv([], {("=1+1", "@a"): 5})
    assert "'=1+1,'@a" in hostile


def test_seeds_that_differ_give_their_mean(summary):
    part = summary["methods"]["strategy-1"]
    values = [seed["f1"] for seed in part["per_seed"]]
    assert part["over"]["f1"]["mean"] == pytest.approx(np.mean(values))
    assert len(summary["methods"]["flow-peaks"]["per_seed"]) == 1  # nothing in it is drawn


def test_as_published_recordings_without_a_micro_expression_count_nowhere():
    """Also where a run took all of them: hits, minutes and ranks are of the same recordings."""
    truth = [row(100, 109, emotion="negative")]
    hit = row(100, 109, score=0.8, emotion="negative")
    false = row(300, 309, subject="2", video="b", score=0.9, emotion="negative")
    runs = [("strategy-1", 0, [hit, false])]
    report = report_of(truth, runs, videos=(("1", "a"), ("2", "b")), mode="as_published")
    figures = report.summary()
    (seed,) = figures["methods"]["strategy-1"]["per_seed"]
    assert figures["minutes"] == pytest.approx(0.5)
    assert (seed["tp"], seed["fp"], seed["fn"]) == (1, 0, 0)
    assert (seed["ap"], seed["false_alarms_per_minute"]) == (1.0, 0.0)
    rows = figures["methods"]["strategy-1"]["people"]
    assert [(r["subject"], r["recordings"]) for r in rows] == [("1", 1), ("2", 0)]
    clean = replace(report, mode="clean").summary()
    assert clean["minutes"] == pytest.approx(1.0)
    assert clean["methods"]["strategy-1"]["per_seed"][0]["ap"] == 0.5
