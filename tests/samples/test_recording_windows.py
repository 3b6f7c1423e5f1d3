"""Windows of recordings with the targets that were planted."""

from dataclasses import replace

import numpy as np
import pytest

from mescope.datasets import folder
from mescope.datasets.base import Dataset
from mescope.errors import DatasetError
from mescope.events import Expression, Interval, Recording
from mescope.labels import SPOTTING_CLASSES
from mescope.motion.roi_flow import RoiFlow, extract
from mescope.motion.windows import Timing
from mescope.samples import roi_windows
from mescope.samples.roi_windows import window_examples
from mescope.synthesis.corpus import write_corpus
from mescope.video.reading import open_video


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    root = tmp_path_factory.mktemp("corpus")
    write_corpus(root, 2, 5, duration=4.0, levels=("calm",), micro_per_minute=40)
    return folder.read(root)


@pytest.mark.slow
def test_a_rendered_corpus_becomes_windows_with_its_truth(corpus, tmp_path):
    seen = []
    found = window_examples(
        corpus, cache=tmp_path, progress=lambda done, n: seen.append((done, n))
    )
    assert seen == [(1, 2), (2, 2)]
    examples = found.examples
    assert examples.kind == "windows"
    assert examples.inputs.shape[1:] == (36, 50)
    assert examples.classes == SPOTTING_CLASSES
    assert found.spotting.shape == found.classes.shape == found.valid.shape
    place = 0
    for recording in corpus.recordings:
        flow = extract(open_video(recording.path), cache=tmp_path)
        for j in range(len(flow.windows)):
            np.testing.assert_array_equal(examples.inputs[place], flow.windows[j])
            assert examples.persons[place] == ("synthetic", recording.subject)
            assert examples.names[place] == f"{recording.name}#{j}"
            for i, frame in enumerate(flow.frames[j * 25 : j * 25 + 50]):
                over = [
                    e for e in recording.expressions
                    if e.kind == "micro" and e.interval.first < frame < e.interval.last
                ]  # fmt: skip
                wanted = over[0].emotion if over else "neutral"
                assert SPOTTING_CLASSES[found.classes[place, i]] == wanted
                assert found.spotting[place, i] == bool(over)
            place += 1
    assert place == len(examples)
    assert found.spotting.any()


# The rest without pixels: what was measured is made up.


def measured(windows=3, window=50, step=1, padded=0, valid=True):
    hop = window // 2
    n = (windows + 1) * hop
    frames = np.minimum(np.arange(n), n - 1 - padded) * step
    return RoiFlow(
        windows=np.arange(windows, dtype=np.float32)[:, None, None] + np.zeros((1, 36, window)),
        timing=Timing(window, hop, step, 30.0),
        frames=frames,
        times=frames / 30,
        valid=np.full((windows, window), valid),
        boxes=np.zeros((windows, 4), np.float32),
        landmarks=np.zeros((windows, 68, 2), np.float32),
        regions=(),
        mode="clean",
        parameters={},
        warnings=(),
        padded=padded,
    )


def recording(*expressions, name="r", dataset="casmesq"):
    return Recording(
        dataset=dataset, subject="1", name=name, frames=700, rate=30.0, path=name,
        expressions=tuple(
            Expression(interval=Interval(*span), kind=kind, emotion=emotion)
            for span, kind, emotion in expressions
        ),
    )  # fmt: skip


@pytest.fixture
def pretend(monkeypatch):
    def use(**flows):
        def give(record, **options):
            flow = flows[record.name]
            if isinstance(flow, Exception):
                raise flow
            return flow

        monkeypatch.setattr(roi_windows, "_measured", give)

    return use


def test_native_frames_become_decimated_ones_as_published(pretend):
    """Both ends divided with truncation; the ends themselves are not labelled."""
    pretend(r=measured(step=7))
    found = window_examples(
        Dataset(name="x", recordings=(recording(((71, 125), "micro", "surprise")),))
    )
    first, last = 71 // 7, 125 // 7
    assert np.flatnonzero(found.spotting[0]).tolist() == list(range(first + 1, last))
    assert found.examples.labels.tolist() == [SPOTTING_CLASSES.index("surprise"), 4, 4]


def test_macro_expressions_are_neutral_and_raw_emotions_find_their_class(pretend):
    pretend(r=measured())
    found = window_examples(
        Dataset(
            name="samm",
            recordings=(
                recording(
                    ((5, 20), "macro", "happiness"), ((60, 70), "micro", "contempt"),
                    dataset="samm",
                ),
            ),
        )
    )  # fmt: skip
    assert not found.spotting[0].any()
    assert found.classes[1, 40] == SPOTTING_CLASSES.index("negative")
    assert found.problems == ()


def test_the_long_videos_of_samm_show_the_people_of_samm(pretend):
    """One person in two data sets must not stand on both sides of a split."""
    pretend(r=measured())
    record = recording(((60, 70), "micro", "contempt"), dataset="samm-lv")
    found = window_examples(Dataset(name="samm-lv", recordings=(record,)))
    assert set(found.examples.persons) == {("samm", "1")}
    assert found.classes[1, 40] == SPOTTING_CLASSES.index("negative")


def test_windows_that_touch_an_expression_without_a_class_are_left_out(pretend):
    pretend(r=measured(5))
    found = window_examples(
        Dataset(name="x", recordings=(recording(((60, 70), "micro", "boredom")),))
    )
    assert found.examples.names == ("r#0", "r#3", "r#4")  # 60..70 is in windows 1 and 2
    assert found.examples.inputs[:, 0, 0].tolist() == [0, 3, 4]
    assert "no class in the label set 4-class of casmesq (boredom)" in str(found.problems[0])


def test_an_expression_in_the_padded_tail_does_not_wander(pretend):
    pretend(r=measured(3, padded=10))
    found = window_examples(
        Dataset(name="x", recordings=(recording(((84, 89), "micro", "positive")),))
    )
    assert np.flatnonzero(found.spotting[2]).tolist() == [35, 36, 37, 38]  # 85 to 88


def test_windows_without_a_face_and_recordings_of_another_length_are_left_out(pretend):
    flow = measured()
    valid = flow.valid.copy()
    valid[1] = False
    pretend(r=replace(flow, valid=valid), short=measured(1, window=30), bad=DatasetError("no"))
    records = tuple(recording(name=name) for name in ("r", "short", "bad"))
    found = window_examples(Dataset(name="x", recordings=records))
    assert found.examples.names == ("r#0", "r#2")
    told = [str(p) for p in found.problems]
    assert "error: casmesq 1/bad: no" in told
    assert any("windows of 30 frames where most have 50" in line for line in told)


def test_recordings_that_cannot_be_used_at_all_are_an_error(pretend, tmp_path):
    pretend(r=measured(valid=False))
    with pytest.raises(DatasetError, match="none of 1 recordings can be used; the first"):
        window_examples(Dataset(name="x", recordings=(recording(),)))
    with pytest.raises(DatasetError, match="expected recordings, found none"):
        window_examples(Dataset(name="x"))


def test_a_recording_without_a_file_or_with_a_lost_one_is_named(tmp_path):
    lost = recording(name=str(tmp_path / "lost.mp4"))
    none = replace(lost, path=None)
    with pytest.raises(DatasetError, match=r"lost\.mp4"):
        window_examples(Dataset(name="x", recordings=(lost,)))
    with pytest.raises(DatasetError, match="names no file"):
        window_examples(Dataset(name="x", recordings=(none,)))
