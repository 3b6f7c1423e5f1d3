"""Labels and window sampling of ME-TST."""

from __future__ import annotations

import numpy as np
import pytest

from mescope.events import Expression, Interval
from mescope.labels import SPOTTING_CLASSES
from mescope.samples.window_labels import decimate, frame_labels, sample_windows, window_labels


def micro(first, last, emotion):
    return Expression(interval=Interval(first, last), kind="micro", emotion=emotion)


def test_labels_of_a_decimated_annotation():
    onset, apex, offset = 1912, 1948, 1988  # annotation counts from 1
    interval = decimate(Interval(onset - 1, offset - 1), 7)
    assert (interval.first, (apex - 1) // 7, interval.last) == (273, 278, 283)
    target = Expression(interval=interval, kind="micro", emotion="surprise")
    spotting, classes = frame_labels([target], 400)
    assert np.flatnonzero(spotting).tolist() == list(range(274, 283))
    assert (classes[274:283] == SPOTTING_CLASSES.index("surprise")).all()
    assert (np.delete(classes, np.s_[274:283]) == 4).all()


def test_later_expressions_overwrite_and_ends_are_cut():
    targets = [micro(2, 10, "negative"), micro(8, 12, "positive"), micro(18, 40, "others")]
    spotting, classes = frame_labels(targets, 20)
    assert spotting.tolist() == [0] * 3 + [1] * 9 + [0] * 7 + [1]
    assert classes.tolist() == [4] * 3 + [0] * 6 + [1] * 3 + [4] * 7 + [3]


def test_two_frames_label_nothing():
    assert not frame_labels([micro(5, 6, "negative")], 10)[0].any()


@pytest.mark.parametrize("emotion", ["neutral", "joy", None])
def test_unknown_emotion(emotion):
    with pytest.raises(ValueError, match="expected an emotion of negative, positive"):
        frame_labels([micro(1, 5, emotion)], 10)


@pytest.mark.parametrize(
    ("n", "k", "count", "covered"), [(1003, 50, 39, 1000), (1003, 30, 65, 990)]
)
def test_windows_of_a_recording(n, k, count, covered):  # check 5
    windows = window_labels(np.arange(n), k, k // 2)
    assert windows.shape == (count, k)
    assert windows[-1, -1] == covered - 1
    assert (windows[:, 0] == np.arange(count) * (k // 2)).all()


def test_windows_that_cannot_be():
    with pytest.raises(ValueError, match="two hops"):
        window_labels(np.arange(100), 15, 7)
    with pytest.raises(ValueError, match="fewer than a window"):
        window_labels(np.arange(49), 50, 25)


@pytest.mark.parametrize(
    ("ratio", "negatives"), [(0.5, 5), (4, 40), (4.05, 40), (100, 190), (0, 0)]
)
def test_sampling_keeps_every_positive(ratio, negatives):
    spotting = np.zeros((200, 6))
    positive = np.arange(7, 200, 20)
    spotting[positive, positive % 6] = 1
    taken = sample_windows(spotting, ratio, np.random.default_rng(3))
    assert set(positive) <= set(taken)
    assert len(taken) == len(set(taken.tolist())) == 10 + negatives
    again = sample_windows(spotting, ratio, np.random.default_rng(3))
    assert np.array_equal(taken, again)


def test_negatives_are_drawn_evenly():
    spotting = np.zeros((100, 2))
    spotting[::10] = 1
    rng, hits = np.random.default_rng(0), np.zeros(100)
    for _ in range(300):
        hits[sample_windows(spotting, 3, rng)] += 1
    assert np.delete(hits, np.s_[::10]).min() > 60  # expected 100
