"""What is learned of a recording, and what is not known of it."""

import numpy as np
import pytest
from made_up_recordings import made_up

from mescope.errors import DatasetError
from mescope.labels import SPOTTING_CLASSES
from mescope.samples.recording_targets import (
    UNKNOWN,
    RecordingEpochs,
    class_of,
    frame_targets,
    training_windows,
    without_class,
)
from mescope.samples.spotting_kinds import AnnotatedRecordings

MICRO, BOTH = AnnotatedRecordings(), AnnotatedRecordings(macro=True)
PUBLISHED = AnnotatedRecordings(mode="as_published")


def test_the_frames_between_onset_and_offset_are_the_targets():
    one = made_up("1", (71, 125, "surprise"), windows=9, step=7)
    targets = frame_targets(one, MICRO, "4-class")
    inside = list(range(71 // 7 + 1, 125 // 7))
    assert np.flatnonzero(targets.spotting).tolist() == inside
    assert set(targets.classes[inside]) == {SPOTTING_CLASSES.index("surprise")}
    assert (np.delete(targets.classes, inside) == 4).all()


def test_macro_expressions_are_neutral_unless_they_are_asked_for():
    one = made_up("1", (5, 20, "positive", "macro"), (30, 40, "negative"))
    assert not frame_targets(one, MICRO, "4-class").spotting[:22].any()
    both = frame_targets(one, BOTH, "4-class")
    assert both.spotting[6:20].all()
    assert both.classes[10] == 1


def test_raw_emotions_find_their_class_and_those_without_are_spotted_but_not_named():
    one = made_up("1", (5, 12, "contempt"), (30, 40, "boredom"), dataset="samm-lv")
    targets = frame_targets(one, MICRO, "4-class")
    assert targets.classes[8] == SPOTTING_CLASSES.index("negative")
    assert targets.spotting[31:40].all()
    assert (targets.classes[31:40] == UNKNOWN).all()
    assert without_class([one], MICRO, "4-class") == {"boredom": 1}
    assert class_of(None, "4-class", "samm") is None
    assert class_of("others", "4-class", "no such set") == "others"


def test_an_expression_in_the_padded_tail_does_not_wander():
    one = made_up("1", (24, 34, "positive"), windows=3, padded=10)
    assert np.flatnonzero(frame_targets(one, MICRO, "4-class").spotting).tolist() == [
        25, 26, 27, 28
    ]  # fmt: skip


def test_frames_without_a_face_are_not_learned_as_published_they_are():
    valid = np.ones((5, 20), bool)
    valid[1], valid[2, 15:] = False, False
    one = made_up("1", (30, 40, "positive"), valid=valid)
    cut = training_windows(one, MICRO, "4-class")
    assert len(cut.flow) == 4  # the window without any face is gone
    np.testing.assert_array_equal(cut.flow[1], one.windows[2])
    assert (cut.spotting[1, 15:] == UNKNOWN).all()
    assert (cut.classes[1, 15:] == UNKNOWN).all()
    assert (cut.spotting[1, :15] >= 0).all()
    every = training_windows(one, PUBLISHED, "4-class")
    assert len(every.flow) == 5
    assert (every.spotting >= 0).all()


def epochs(wanted=MICRO, **more):
    some = [made_up(str(i), (30, 40, "positive"), windows=30, seed=i, **more) for i in range(3)]
    return RecordingEpochs(wanted, "4-class", 1, some)


def test_an_epoch_has_every_window_with_a_target_and_others_in_proportion():
    source = epochs(AnnotatedRecordings(negative_ratio=2.0))
    data = source(0).by_length[20]
    positive = (data.spotting > 0).any(1)
    assert positive.sum() == 6  # two windows see frames 31 to 39
    assert len(positive) == 6 + 12 == source.sizes()[0]
    assert source(0).class_counts()[1] == (data.classes == 1).sum()


def test_others_are_drawn_anew_as_published_once():
    def flows(source, epoch):
        return source(epoch).by_length[20].flow

    clean, published = epochs(), epochs(PUBLISHED)
    assert not np.array_equal(flows(clean, 0), flows(clean, 1))
    np.testing.assert_array_equal(flows(clean, 1), flows(epochs(), 1))
    np.testing.assert_array_equal(flows(published, 0), flows(published, 5))


def test_windows_of_several_lengths_stay_apart():
    some = [made_up("1", (30, 40, "positive")), made_up("2", (30, 40, "surprise"), window=30)]
    assert sorted(RecordingEpochs(MICRO, "4-class", 0, some)(0).by_length) == [20, 30]


def test_recordings_without_anything_to_learn_are_an_error():
    with pytest.raises(DatasetError, match="micro-expressions to learn from in 1 recordings"):
        RecordingEpochs(MICRO, "4-class", 0, [made_up("1", (5, 20, "positive", "macro"))])
