"""Agreement of coders: hand-computed tables, scikit-learn, and a plain frame-by-frame count."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from mescope.annotations import Annotation, AnnotationSet
from mescope.errors import DatasetError
from mescope.evaluation.agreement import agree, cohens_kappa, frame_table, made_by, paired
from mescope.events import Interval


def mark(first, last, kind="micro", **fields):
    return Annotation(interval=Interval(first, last), kind=kind, **fields)


def sheet(*marks, frames=100, video="a.mp4", **fields):
    return AnnotationSet(video=video, frames=frames, marks=marks, **fields)


def test_kappa_by_hand():
    """Observed 35/50, expected (25*30 + 25*20)/2500 = 0.5: (0.7 - 0.5) / 0.5."""
    assert cohens_kappa([[20, 5], [10, 15]]) == pytest.approx(0.4)
    assert cohens_kappa([[5, 0], [0, 5]]) == 1.0
    assert cohens_kappa([[0, 5], [5, 0]]) == -1.0


def test_kappa_is_not_defined_where_chance_agrees_wholly():
    assert cohens_kappa([[7, 0], [0, 0]]) is None
    assert cohens_kappa([[0, 0], [0, 0]]) is None
    assert cohens_kappa(np.zeros((0, 0), int)) is None
    assert cohens_kappa([[7, 3], [0, 0]]) == 0.0


@pytest.mark.parametrize("seed", range(20))
def test_kappa_is_scikit_learns(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 4, (2, 60))
    table = np.zeros((4, 4), int)
    np.add.at(table, (a, b), 1)
    assert cohens_kappa(table) == pytest.approx(cohen_kappa_score(a, b))


def test_kappa_of_long_recordings_does_not_overflow():
    """Products of frame counts pass 64 bits at 3e9 frames."""
    big = np.array([[20, 5], [10, 15]]) * 10**15
    assert cohens_kappa(big) == pytest.approx(0.4)


@pytest.mark.parametrize("seed", range(30))
def test_frames_are_counted_as_one_by_one(seed):
    rng = np.random.default_rng(seed)

    def some():
        starts = rng.integers(0, 90, rng.integers(0, 7))
        return [Interval(int(s), int(s + rng.integers(0, 10))) for s in starts]

    a, b = some(), some()
    inside = np.zeros((2, 100), int)
    for i, intervals in enumerate((a, b)):
        for one in intervals:
            inside[i, one.first : one.last + 1] = 1
    wanted = np.zeros((2, 2), int)
    np.add.at(wanted, (inside[0], inside[1]), 1)
    assert frame_table(a, b, 100).tolist() == wanted.tolist()
    assert frame_table(b, a, 100).tolist() == wanted.T.tolist()


def test_two_coders_by_hand():
    """A: 10-19, 40-49; B: 12-21 (IoU 8/12), 45-60 (5/21), 80-89 macro.

    Micro: one pair, one of A alone, one of B alone.  Micro frames: both 8 + 5 = 13, A alone 7,
    B alone 13, none 67; observed 0.8, expected (20*26 + 80*74)/10000 = 0.644.
    """
    a = sheet(mark(10, 19, emotion="Happy"), mark(40, 49, emotion="fear"))
    b = sheet(mark(12, 21, emotion="happiness"), mark(45, 60), mark(80, 89, "macro"))
    result = agree([(a, b)])
    micro, macro, anything = (result.rows[name] for name in ("micro", "macro", "any"))
    assert (micro.counts.tp, micro.counts.fp, micro.counts.fn) == (1, 1, 1)
    assert micro.counts.f1 == 0.5
    assert micro.frames.tolist() == [[67, 13], [7, 13]]
    assert micro.kappa == pytest.approx((0.8 - 0.644) / (1 - 0.644))
    assert (macro.counts.fn, macro.kappa) == (1, 0.0)
    assert anything.counts.f1 == pytest.approx(2 / 5)
    assert anything.frames.tolist() == [[57, 23], [7, 13]]
    assert result.classes == ("happiness",)
    assert result.emotions.tolist() == [[1]]
    assert result.shifts == (2.0, 2.0)


def test_iou_of_exactly_half_is_a_pair():
    assert agree([(sheet(mark(0, 9)), sheet(mark(0, 19)))]).rows["micro"].counts.tp == 1
    assert agree([(sheet(mark(0, 9)), sheet(mark(0, 20)))]).rows["micro"].counts.tp == 0


def test_who_comes_first_does_not_matter():
    rng = np.random.default_rng(3)
    for _ in range(20):
        sheets = [
            sheet(*(mark(int(s), int(s) + 9) for s in rng.integers(0, 90, 4))) for _ in "ab"
        ]
        there, back = (agree([tuple(pair)]).rows["any"] for pair in (sheets, sheets[::-1]))
        assert there.counts.f1 == back.counts.f1
        assert there.kappa == pytest.approx(back.kappa)


def test_videos_add_up_before_anything_is_divided():
    one = agree([(sheet(mark(0, 9)), sheet(mark(0, 9)))])
    two = agree([(sheet(mark(0, 9)), sheet(mark(0, 9))), (sheet(mark(5, 9)), sheet())])
    assert one.rows["micro"].kappa == 1.0
    assert two.rows["micro"].frames.tolist() == [[185, 0], [5, 10]]
    assert two.rows["micro"].counts.f1 == pytest.approx(2 / 3)


def test_rejected_marks_do_not_count():
    a = sheet(mark(0, 9), mark(20, 29, status="rejected"))
    assert agree([(a, sheet(mark(0, 9)))]).rows["any"].counts.f1 == 1.0


def test_faces_are_compared_by_name_where_there_are_several():
    two = sheet(mark(0, 9, face="0"), mark(0, 9, face="1"))
    other = sheet(mark(0, 9, face="1"))
    assert agree([(two, other)]).rows["micro"].counts.fp == 1
    assert agree([(two, other)]).rows["micro"].frames.sum() == 200
    anna = sheet(mark(0, 9, face="Anna"))
    assert agree([(anna, other)]).rows["micro"].counts.f1 == 1.0


def test_without_a_length_there_is_no_kappa():
    result = agree([(sheet(mark(0, 9), frames=None), sheet(mark(0, 9), frames=None))])
    assert result.rows["micro"].kappa is None
    assert result.to_dict()["rows"]["micro"]["f1"] == 1.0


def test_lengths_that_differ_and_marks_past_the_end_are_errors():
    with pytest.raises(DatasetError, match="found 100 frames in the first file and 90"):
        agree([(sheet(), sheet(frames=90))])
    with pytest.raises(DatasetError, match="reaches frame 100, the video has 0 to 99"):
        agree([(sheet(mark(95, 100)), sheet())])
    with pytest.raises(DatasetError, match="none in common"):
        agree([])


def test_videos_are_paired_by_name_and_person():
    mine = [sheet(video="a.mp4"), sheet(video="b", subject="s1"), sheet(video="only.avi")]
    theirs = [sheet(video="b.mp4", subject="s2"), sheet(video="a", subject="s1")]
    pairs, alone = paired(mine, theirs)
    assert [(a.video, b.video) for a, b in pairs] == [("a.mp4", "a")]
    assert alone == ("b", "only.avi", "b.mp4")


def test_a_coder_or_the_model_can_be_chosen():
    both = sheet(mark(0, 9, source="anna"), mark(3, 5, origin="model", source="me-tst"))
    assert [m.source for m in made_by(both, "anna").marks] == ["anna"]
    assert [m.source for m in made_by(both, "model").marks] == ["me-tst"]
    with pytest.raises(DatasetError, match="found anna, me-tst; choose"):
        made_by(both, None)
