"""Tables scored end to end: the toy set of the protocol, and a published baseline."""

from fractions import Fraction
from pathlib import Path

import pytest

from mescope.errors import DatasetError
from mescope.evaluation.interval_table import read_table
from mescope.evaluation.matching import HALF, Counts
from mescope.evaluation.megc import read_files, read_truth
from mescope.evaluation.megc_log import is_log, read_log, write_log
from mescope.evaluation.scores import MODES, score
from mescope.evaluation.summary import summarize
from mescope.events import Interval

TRUTH = """subject,video,onset,offset,type,emotion
A,v1,10,29,micro,negative
A,v1,100,119,micro,surprise
A,v2,50,69,micro,positive
B,v1,30,49,micro,others
B,v2,,,,
C,v1,200,219,micro,negative
"""
FOUND = """subject,video,onset,offset,type,emotion
A,v1,12,31,micro,negative
A,v1,15,34,micro,surprise
A,v1,105,124,micro,surprise
A,v2,50,89,micro,negative
B,v1,33,52,micro,negative
B,v2,5,24,micro,positive
"""
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
LOG, LIST = SHARED / "megc2020_cas_me2_mdmd_log.txt", SHARED / "megc2020_cas_me2_truth.txt"


def tables(folder, found=FOUND, truth=TRUTH):
    (folder / "found.csv").write_text(found, encoding="utf-8")
    (folder / "truth.csv").write_text(truth, encoding="utf-8")
    return read_files(folder / "found.csv", folder / "truth.csv")


@pytest.mark.parametrize(
    ("mode", "tp", "fp", "fn", "f1"),
    [
        ("clean", 4, 2, 1, 0.7273),
        ("as_published_metst", 4, 1, 1, 0.8),
        ("as_published_mean", 4, 1, 1, 0.8),
        ("as_published_sfamnet", 5, 1, 0, 0.9091),
        ("as_published_strs", 4, 1, 0, 0.8889),
    ],
)
def test_toy_set_in_every_mode(tmp_path, mode, tp, fp, fn, f1):
    """Protocol 11.2."""
    scores = score(*tables(tmp_path), mode=mode)
    counts = scores.counts["micro"]
    assert (counts.tp, counts.fp, counts.fn) == (tp, fp, fn)
    assert counts.f1 == pytest.approx(f1, abs=5e-5)
    assert scores.mode == mode


@pytest.mark.parametrize(
    ("classes", "strs", "printed"), [("all", 0.3556, 0.3333), ("without others", 0.5079, 0.5)]
)
def test_what_the_metrics_own_code_prints(tmp_path, classes, strs, printed):
    """Protocol 11.2: STRS-Metric, run unmodified, calls mean precision UAR (6.5)."""
    found = summarize(score(*tables(tmp_path), mode="as_published_strs"))
    figures = found["recognition"][classes]
    assert figures["strs"] == pytest.approx(strs, abs=5e-5)
    assert figures["uar"] == pytest.approx(printed, abs=5e-5)
    clean = summarize(score(*tables(tmp_path)))["recognition"][classes]
    assert clean["uar"] == pytest.approx(2 * printed - 1 / 3 if classes != "all" else 0.5)
    wanted = {"all": (0.4, 0.375, 0.2909), "without others": (0.5714, 0.5556, 0.4156)}[classes]
    honest = [clean[name] for name in ("harmonic_f1", "uf1", "strs")]
    assert honest == pytest.approx(wanted, abs=5e-5)


def test_neutral_leaves_after_matching_and_frees_nothing(tmp_path):
    """A neutral hit is a miss, even where a second detection would hit; an alarm is gone."""
    found = FOUND.replace("12,31,micro,negative", "12,31,micro,neutral")
    found = found.replace("B,v1,33,52,micro,negative", "B,v1,70,89,micro,neutral")
    wanted = {
        "as_published_metst": (2, 1, 3),
        "as_published_metst_unfiltered": (3, 2, 2),
        "as_published_mean": (3, 2, 2),
    }
    for mode, (tp, fp, fn) in wanted.items():
        scores = score(*tables(tmp_path, found), mode=mode)
        counts = scores.counts["micro"]
        assert (counts.tp, counts.fp, counts.fn) == (tp, fp, fn), mode
        assert sum(scores.per_subject.values(), Counts()) == counts
        assert scores.curve[HALF] == counts
        assert len(scores.pairs) == tp
    assert scores.pairs[0] == ("negative", "neutral")  # mean: counts as a miss of negative


def test_toy_recognition(tmp_path):
    """Protocol 11.2: four classes, and three without others."""
    figures = summarize(score(*tables(tmp_path)), minutes=2.0)
    four, three = figures["recognition"]["all"], figures["recognition"]["without others"]
    names = ("uar", "harmonic_f1", "uf1", "strs")
    assert [round(four[n], 4) for n in names] == [0.5, 0.4, 0.375, 0.2909]
    assert [round(three[n], 4) for n in names] == [0.6667, 0.5714, 0.5556, 0.4156]
    assert (four["pairs"], three["pairs"]) == (4, 3)
    assert four["n"] == {"negative": 1, "positive": 1, "surprise": 1, "others": 1}
    assert figures["spotting"]["micro"]["false_alarms_per_minute"] == 1.0
    low, high = figures["spotting"]["micro"]["f1_interval"]
    assert 0 <= low < figures["spotting"]["micro"]["f1"] < high <= 1


def test_curve_falls_with_the_threshold(tmp_path):
    curve = score(*tables(tmp_path)).curve
    assert [curve[Fraction(n, 10)].tp for n in (3, 5, 7)] == [4, 4, 2]


def test_a_person_without_detections_stays_in_the_clean_count(tmp_path):
    """Protocol 13.7: misses must not vanish; the published STRS code loses them."""
    assert "C" in score(*tables(tmp_path)).per_subject
    assert "C" not in score(*tables(tmp_path), mode="as_published_strs").per_subject


def test_detections_in_unknown_videos_are_refused(tmp_path):
    found, truth = tables(tmp_path, found=FOUND + "D,v9,1,9,micro,positive\n")
    with pytest.raises(DatasetError, match="found D/v9"):
        score(found, truth)
    assert score(found, truth, mode="as_published_strs").counts["micro"].fp == 1


def test_strange_emotions_and_modes_are_refused(tmp_path):
    found, truth = tables(tmp_path, truth=TRUTH.replace("surprise", "astonished"))
    with pytest.raises(DatasetError, match="astonished"):
        score(found, truth)
    with pytest.raises(DatasetError, match="as_published_metst"):
        score(found, truth, mode="clear")
    found, truth = tables(tmp_path, truth="subject,video,onset,offset\nA,v1,1,9\n")
    with pytest.raises(DatasetError, match="type column"):
        score(found, truth)


def test_capitals_of_emotions_do_not_count(tmp_path):
    plain = score(*tables(tmp_path))
    loud = FOUND.replace("negative", "Negative").replace("surprise", "SURPRISE")
    found, truth = tables(tmp_path, found=loud, truth=TRUTH.replace("positive", "Positive"))
    assert score(found, truth) == plain
    found, truth = tables(tmp_path, found=FOUND.replace("negative", "Neutral"))
    lower, _ = tables(tmp_path, found=FOUND.replace("negative", "neutral"))
    for mode in MODES:
        assert score(found, truth, mode=mode) == score(lower, truth, mode=mode)


def test_kinds_never_hit_each_other(tmp_path):
    found, truth = tables(tmp_path, found=FOUND.replace("12,31,micro", "12,31,macro"))
    scores = score(found, truth)
    assert (scores.counts["macro"].tp, scores.counts["macro"].fp) == (0, 1)
    assert scores.overall.fp == scores.counts["micro"].fp + 1


def test_every_mode_scores_an_empty_table(tmp_path):
    found, truth = tables(tmp_path, found="subject,video,onset,offset,type\n")
    for mode in MODES:
        counts = score(found, truth, mode=mode).counts["micro"]
        assert (counts.tp, counts.fp) == (0, 0)


@pytest.mark.data
@pytest.mark.skipif(not LOG.exists(), reason="needs ../shared/data")
def test_the_published_baseline_of_megc2020():
    """MDMD on CAS(ME)^2, as its authors print it (protocol section 4)."""
    found, truth = read_files(LOG, LIST)
    scores = score(found, truth, mode="as_published_megc2020")
    counts = {**scores.counts, "all": scores.overall}
    assert {k: (c.tp, c.fp, c.fn) for k, c in counts.items()} == {
        "micro": (21, 5014, 36), "macro": (109, 1414, 191), "all": (130, 6428, 227),
    }  # fmt: skip
    assert [round(c.f1, 4) for c in counts.values()] == [0.0082, 0.1196, 0.0376]
    assert scores.videos == 98


def test_a_log_comes_back(tmp_path):
    video, other = ("15", "15_0101"), ("16", "16_0102")
    found = {video: [Interval(3, 12), Interval(40, 50)], other: [Interval(0, 8)]}
    truth = {video: [Interval(4, 12), Interval(90, 99)]}
    path = tmp_path / "log.txt"
    path.write_text(write_log("2", found, truth, {video: [(0, 0)]}), encoding="utf-8")
    assert is_log(path)
    verdicts = [line.split()[-1] for line in path.read_text(encoding="utf-8").splitlines()[1:]]
    assert verdicts == ["TP", "FP", "FN", "FP"]
    back = read_log(path)
    assert {(r.where, r.interval) for r in back.rows} == {
        (v, i) for v, intervals in found.items() for i in intervals
    }
    assert back.videos == {video, other}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2\n15_0101 - - 5 9\n", "line 2: expected video"),
        ("2\n15_0101 - - 5 9 XX\n", "line 2"),
        ("2\n15_0101 - - 9 5 FP\n", "line 2"),
        ("2\n15_0101 - - nan 5 FP\n", "line 2: onset is 'nan': expected a number"),
        ("hello\n", "line 1: expected 1 or 2"),
    ],
)
def test_broken_logs_are_refused_with_their_line(tmp_path, text, said):
    path = tmp_path / "log.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DatasetError, match=said):
        read_log(path)


def test_broken_truth_list_is_refused_with_its_line(tmp_path):
    path = tmp_path / "truth.txt"
    path.write_text("s15 0101 micro-expression 5 7 9\ns15 0101 tiny 5 7 9\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="line 2: expected subject"):
        read_truth(path)


def test_what_mescope_writes_can_be_scored(tmp_path):
    from mescope.reports.tables import INTERVAL_COLUMNS

    row = dict.fromkeys(INTERVAL_COLUMNS, "")
    row |= {"subject": "s1", "video": "a.mp4", "onset": "3", "apex": "5", "offset": "9"}
    row |= {"type": "micro", "emotion": "positive", "score": "0.97"}
    text = ",".join(row) + "\n" + ",".join(row.values()) + "\n"
    path = tmp_path / "intervals.csv"
    path.write_text(text, encoding="utf-8")
    [back] = read_table(path).rows
    assert (back.interval, back.apex, back.score) == (Interval(3, 9), 5, 0.97)


def test_file_names_without_a_person_find_their_video(tmp_path):
    """An analysis writes ``v1.mp4`` without a subject; an annotation has A and v1."""
    truth = TRUTH + "D,w9,10,19,micro,others\n"
    found = FOUND.replace("A,v2,50", "A,v2.mp4,50") + ",w9.mov,10,19,micro,others\n"
    scores = score(*tables(tmp_path, found=found, truth=truth))
    assert (scores.counts["micro"].tp, scores.counts["micro"].fp) == (5, 2)
    ambiguous = FOUND + ",v1.mp4,1,9,micro,others\n"  # three people have a v1
    with pytest.raises(DatasetError, match=r"found v1\.mp4"):
        score(*tables(tmp_path, found=ambiguous))
