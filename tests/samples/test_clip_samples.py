"""From records to examples: planted motion comes back, and bad clips cost only themselves."""

import numpy as np
import openpyxl
import pytest
from clip_sets import (
    FixedFinder,
    moving_clip,
    moving_set,
    record,
    rendered,
    shifted,
    texture,
    write,
)

from mescope.datasets import casme2
from mescope.datasets.base import Dataset
from mescope.datasets.clips import Findings
from mescope.errors import DatasetError, RecipeError
from mescope.face.aligned import alignment
from mescope.labels import SPOTTING_CLASSES
from mescope.samples.clip_features import Choice, FlowFeature
from mescope.samples.clip_samples import (
    clip_examples,
    clips_with_class,
    flow_examples,
    onset_flow_examples,
)
from mescope.samples.recording_windows import measure_recordings
from mescope.samples.spotting_kinds import AnnotatedRecordings
from mescope.synthesis.motion import UNITS, displacement_basis
from mescope.synthesis.portraits import test_portraits

FINDER = FixedFinder()
SMALL = {"labels": "3-class", "size": 16, "crop": 64, "finder": FINDER}


def told(problems, text, level=None):
    return [p for p in problems if text in str(p) and level in (None, p.level)]


# Planted motion.


@pytest.mark.parametrize("which", [0, 1])
def test_a_smile_pulls_the_corners_of_the_mouth_out_and_up(tmp_path, which):
    portrait = test_portraits()[which]
    write(tmp_path / "smile", rendered(portrait, ("12",)))
    dataset = Dataset(
        name="samm",
        clips=(record(tmp_path / "smile", 20, apex=8, emotion="happiness", dataset="samm"),),
    )
    examples, problems = flow_examples(dataset, labels="3-class")
    assert problems == ()
    assert examples.inputs.shape == (1, 3, 28, 28)
    u, v, strain = examples.inputs[0]
    placed = alignment(portrait.landmarks, 224)
    basis = displacement_basis(portrait.landmarks, portrait.landmarks[[48, 54]])
    planted = basis[UNITS.index("L12")] + basis[UNITS.index("R12")]
    planted = planted @ placed.matrix[:, :2].T  # px of the crop
    corners = placed.points(portrait.landmarks[[48, 54]])
    for (x, y), (du, dv) in zip(np.round(corners / 8 - 0.5).astype(int), planted, strict=True):
        here = (slice(y - 1, y + 2), slice(x - 1, x + 2))
        # The motion falls off around the corner, and the fold that deepens beside it, which
        # does not move, takes another seventh.
        assert u[here].mean() == pytest.approx(du, rel=0.42)
        assert v[here].mean() == pytest.approx(dv, rel=0.42)
    left, right = np.round(corners[:, 0] / 8 - 0.5).astype(int)
    row = slice(*np.round(corners[:, 1].mean() / 8 + [-2, 2]).astype(int))
    assert (
        u[row, left - 1 : left + 2].mean() < -0.5 < 0.5 < u[row, right - 1 : right + 2].mean()
    )
    assert np.hypot(u, v)[:6].mean() < 0.15  # the brow stays
    assert strain[14:24].mean() > 8 * strain[:6].mean()
    edge = np.concatenate([strain[:, 0], strain[:, -1], strain[0], strain[-1]])
    assert edge.max() < 0.5 * strain[14:24, 4:-4].max()  # none invented at the borders


def test_flow_is_in_px_of_the_crop_and_averaged_down(tmp_path):
    dataset = moving_set(tmp_path, 1)
    scale = alignment(FINDER.marks, 64).scale
    full = flow_examples(dataset, **SMALL | {"size": 64}).examples.inputs[0]
    small = flow_examples(dataset, **SMALL).examples.inputs[0]
    inner = full[:, 8:-8, 8:-8]
    assert inner[0].mean() == pytest.approx(1.5 * scale, abs=0.08)
    assert inner[1].mean() == pytest.approx(0, abs=0.08)
    np.testing.assert_allclose(
        small, full.reshape(3, 16, 4, 16, 4).mean((2, 4)), rtol=1e-4, atol=1e-5
    )
    other = flow_examples(dataset, **SMALL | {"crop": 128}).examples.inputs[0]
    assert other[0, 4:-4, 4:-4].mean() == pytest.approx(3.0 * scale, abs=0.1)
    dense = flow_examples(dataset, **SMALL, method="farneback").examples.inputs[0]
    assert dense[0, 4:-4, 4:-4].mean() == pytest.approx(1.5 * scale, abs=0.1)


def test_examples_carry_class_person_and_name_in_the_order_of_the_table(tmp_path):
    dataset = moving_set(tmp_path, 5)
    seen = []
    examples, problems = flow_examples(
        dataset, **SMALL, jobs=2, progress=lambda done, n: seen.append((done, n))
    )
    assert seen == [(i, 5) for i in range(1, 6)]
    assert problems == ()
    assert examples.kind == "flow"
    assert examples.inputs.dtype == np.float32
    assert examples.classes == ("negative", "positive", "surprise")
    assert examples.labels.tolist() == [1, 2, 0, 1, 2]
    assert examples.names == tuple(f"EP{i:02d}" for i in range(5))
    assert examples.persons == tuple(("casme2", f"sub{i % 2:02d}") for i in range(5))
    alone = flow_examples(dataset, **SMALL, jobs=1).examples
    np.testing.assert_array_equal(alone.inputs, examples.inputs)


def test_two_data_sets_in_one_keep_their_people_apart(tmp_path):
    one = moving_clip(tmp_path, "a", emotion="repression", dataset="casme2", subject="1")
    two = moving_clip(tmp_path, "b", emotion="contempt", dataset="samm", subject="1")
    both = Dataset(name="composite", clips=(one, two))
    examples, _ = flow_examples(both, **SMALL)
    assert examples.persons == (("casme2", "1"), ("samm", "1"))
    assert examples.labels.tolist() == [0, 0]
    with pytest.raises(DatasetError, match="the same classes in all data sets, found casme2"):
        flow_examples(both, **SMALL | {"labels": "5-class"})


def test_classes_outside_the_label_set_are_told(tmp_path):
    clips = [
        moving_clip(tmp_path, name, emotion=emotion)
        for name, emotion in (
            ("a", "surprise"),
            ("b", "others"),
            ("c", "others"),
            ("d", "fear"),
        )
    ]
    examples, problems = flow_examples(Dataset(name="casme2", clips=tuple(clips)), **SMALL)
    assert examples.names == ("a",)
    assert [str(p) for p in problems] == [
        "warning: casme2: the label set 3-class leaves out 3 clips: "
        "2 others of casme2, 1 fear of casme2"
    ]


def test_the_reader_of_a_data_set_and_the_features_fit_together(tmp_path):
    """A sheet and pictures in the layout of CASME II, from files to examples."""
    book = openpyxl.Workbook()
    book.active.append(
        ["Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None,
         "Action Units", "Estimated Emotion"]
    )  # fmt: skip
    portrait = test_portraits()[1]
    for name, apex, emotion in (("EP02_01f", 54, "happiness"), ("EP03_02", "/", "surprise")):
        folder = tmp_path / "CASME2_RAW_selected/sub01" / name
        write(folder, rendered(portrait, ("12",)))
        book.active.append(["01", name, None, 46, apex, 65, None, "12", emotion])
    book.save(tmp_path / "CASME2-coding-20140508.xlsx")
    examples, problems = flow_examples(casme2.read(tmp_path), labels="3-class", crop=112)
    assert examples.persons == (("casme2", "sub01"),) * 2
    assert examples.labels.tolist() == [1, 2]
    found = told(problems, "found by the unimodal rule")
    assert len(found) == 1
    assert "EP03_02 at 5" in str(found[0])  # 53, 54 or 55
    np.testing.assert_allclose(examples.inputs[0], examples.inputs[1], atol=0.3)


# The apex.


@pytest.mark.parametrize("apex", [None, 0])
def test_an_apex_that_is_not_known_is_found(tmp_path, apex):
    planted = (0, 0.4, 0.8, 1.3, 1.7, 1.2, 0.5)
    clip = moving_clip(tmp_path, "a", planted, apex=apex)
    examples, problems = flow_examples(Dataset(name="casme2", clips=(clip,)), **SMALL)
    scale = alignment(FINDER.marks, 64).scale
    assert examples.inputs[0, 0, 4:-4, 4:-4].mean() == pytest.approx(1.7 * scale, abs=0.08)
    assert len(told(problems, "casme2 s1/a at 50", "warning")) == 1


def test_an_expression_of_one_frame_has_no_motion(tmp_path):
    clips = (moving_clip(tmp_path, "a", (0,), apex=0), moving_clip(tmp_path, "b"))
    examples, problems = flow_examples(Dataset(name="casme2", clips=clips), **SMALL)
    assert examples.names == ("b",)
    assert told(problems, "2 pictures or more are needed, found 1", "error")


# Clips of frames.


def test_clips_are_sampled_at_equal_steps_with_both_ends(tmp_path):
    levels = np.arange(60, 60 + 9 * 15, 15)
    write(tmp_path / "a", [np.full((160, 160), level, np.uint8) for level in levels])
    clip = record(tmp_path / "a", 9)
    dataset = Dataset(name="casme2", clips=(clip,))
    for frames, expected in ((5, [0, 2, 4, 6, 8]), (4, [0, 3, 5, 8]), (2, [0, 8])):
        examples, _ = clip_examples(
            dataset, labels="3-class", frames=frames, size=32, finder=FINDER
        )
        assert examples.kind == "clips"
        assert examples.inputs.shape == (1, frames, 32, 32)
        assert examples.inputs.dtype == np.float32
        np.testing.assert_allclose(
            examples.inputs[0].mean((1, 2)), levels[expected] / 255, atol=1e-3
        )
    longer, _ = clip_examples(dataset, labels="3-class", frames=17, size=32, finder=FINDER)
    np.testing.assert_allclose(longer.inputs[0, ::2].mean((1, 2)), levels / 255, atol=1e-3)


def test_a_gap_in_a_clip_of_frames_is_filled_by_the_nearest_and_told(tmp_path):
    clip = moving_clip(tmp_path, "a")
    (clip.folder / "img48.png").unlink()
    dataset = Dataset(name="casme2", clips=(clip,))
    examples, problems = clip_examples(
        dataset, labels="3-class", frames=6, size=32, finder=FINDER
    )
    np.testing.assert_array_equal(examples.inputs[0, 2], examples.inputs[0, 1])
    assert told(problems, "1 of 6 pictures are missing, the nearest ones used", "warning")


# Clips that cannot be used, and pictures that are missing.


def spoil_no_face(clip):
    for path in clip.folder.iterdir():
        path.unlink()
    write(clip.folder / "new", [np.zeros((160, 160), np.uint8)] * 6)
    for path in (clip.folder / "new").iterdir():
        path.rename(clip.folder / path.name)


def spoil_size(clip):
    from PIL import Image

    Image.fromarray(texture()[:120]).save(clip.folder / "img49.png")


def spoil_gone(clip):
    for path in clip.folder.iterdir():
        path.unlink()
    clip.folder.rmdir()


def spoil_empty(clip):
    for path in clip.folder.iterdir():
        path.unlink()


def spoil_twice(clip):
    (clip.folder / "copy_46.png").write_bytes((clip.folder / "img46.png").read_bytes())


def spoil_all_pictures(clip):
    for path in clip.folder.iterdir():
        path.write_bytes(b"no picture")


def spoil_start(clip):
    for number in (46, 47, 48):
        (clip.folder / f"img{number}.png").unlink()


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (spoil_no_face, "no face was found in the onset frame"),
        (spoil_size, "expected 160x160 pixels as in the first picture, found 160x120"),
        (spoil_gone, "No such file"),
        (spoil_empty, "found neither"),
        (spoil_twice, "both have the number 46"),
        (spoil_all_pictures, "none of its pictures can be read"),
        (spoil_start, "the onset picture 46 is missing or damaged and the nearest is 49"),
    ],
)
def test_a_clip_that_cannot_be_used_costs_only_itself(tmp_path, spoil, expected):
    """ecosystem D: unreadable image, mixed sizes, frames missing, no face."""
    dataset = moving_set(tmp_path)
    spoil(dataset.clips[1])
    examples, problems = flow_examples(dataset, **SMALL)
    assert examples.names == ("EP00", "EP02")
    assert examples.labels.tolist() == [1, 0]
    (problem,) = problems
    assert problem.level == "error"
    assert problem.where == "casme2 sub01/EP01"
    assert expected in problem.message
    with pytest.raises(DatasetError, match="none of 1 clips can be used; the first, casme2"):
        flow_examples(Dataset(name="casme2", clips=dataset.clips[1:2]), **SMALL)


def test_an_emotion_that_the_data_set_does_not_have_costs_its_clip(tmp_path):
    clips = (moving_clip(tmp_path, "a"), moving_clip(tmp_path, "b", emotion="joy"))
    examples, problems = flow_examples(Dataset(name="casme2", clips=clips), **SMALL)
    assert examples.names == ("a",)
    assert told(problems, "unknown emotion of casme2: 'joy'", "error")


@pytest.mark.parametrize("how", ["missing", "damaged"])
@pytest.mark.parametrize(("number", "what"), [(46, "onset"), (49, "apex")])
def test_a_neighbour_stands_for_a_picture_that_is_missing(tmp_path, number, what, how):
    planted = (0, 0, 0.9, 1.5, 1.4, 0.4)
    clip = moving_clip(tmp_path, "a", planted)
    path = clip.folder / f"img{number}.png"
    (clip.folder / "img45.png").write_bytes(path.read_bytes())  # before the onset
    if how == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:200])
    examples, problems = flow_examples(Dataset(name="casme2", clips=(clip,)), **SMALL)
    used = 47 if what == "onset" else 48
    assert [str(p) for p in problems] == [
        f"warning: casme2 s1/a: the {what} picture {number} is missing, {used} used"
    ]
    expected = (1.5 if what == "onset" else 0.9) * alignment(FINDER.marks, 64).scale
    assert examples.inputs[0, 0, 4:-4, 4:-4].mean() == pytest.approx(expected, abs=0.08)


def test_frames_count_from_the_number_in_the_record(tmp_path):
    """A first picture that vanished since the table was read must not shift the others."""
    clip = moving_clip(tmp_path, "a", (0, 0, 0.9, 1.5, 0.9, 0.4))
    whole = flow_examples(Dataset(name="casme2", clips=(clip,)), **SMALL).examples
    (clip.folder / "img46.png").unlink()
    later = flow_examples(Dataset(name="casme2", clips=(clip,)), **SMALL).examples
    np.testing.assert_array_equal(later.inputs, whole.inputs)  # frame 1 equals frame 0
    write(tmp_path / "more", [shifted(texture(), 9)] * 3, first=40)
    for path in (tmp_path / "more").iterdir():
        path.rename(clip.folder / path.name)
    more = flow_examples(Dataset(name="casme2", clips=(clip,)), **SMALL).examples
    np.testing.assert_array_equal(more.inputs, whole.inputs)


def test_several_faces_are_told(tmp_path):
    class Two(FixedFinder):
        def find(self, grey):
            return super().find(grey) * 2

    _, problems = flow_examples(moving_set(tmp_path, 1), **SMALL | {"finder": Two()})
    assert told(problems, "2 faces in frame 0", "warning")


def test_questions_that_make_no_sense_are_refused(tmp_path):
    dataset = moving_set(tmp_path, 1)
    with pytest.raises(DatasetError, match=r"expected clips, or .*, found none"):
        flow_examples(Dataset(name="casme2"), **SMALL)
    with pytest.raises(DatasetError, match=r"label set of casme2: '3-clas'; .*did you"):
        flow_examples(dataset, **SMALL | {"labels": "3-clas"})
    clip = moving_clip(tmp_path, "m", emotion="happiness", dataset="casme")
    with pytest.raises(DatasetError, match="no clip has a class of the label set 4-class"):
        flow_examples(Dataset(name="casme", clips=(clip,)), **SMALL | {"labels": "4-class"})
    for wrong in ({"method": "raft"}, {"size": 65}, {"crop": 8}, {"size": 0}):
        with pytest.raises(RecipeError, match=r"unknown flow method|expected a crop"):
            flow_examples(dataset, **SMALL | wrong)
    with pytest.raises(RecipeError, match="2 frames or more"):
        clip_examples(dataset, labels="3-class", frames=1)
    with pytest.raises(DatasetError, match="its clips are for recipes that name clips"):
        measure_recordings(dataset, AnnotatedRecordings())
    assert SPOTTING_CLASSES[-1] == "neutral"


def test_a_composite_has_its_classes_already(tmp_path):
    """MEGC2019: the clips come with negative, positive or surprise, whatever the sheets say."""
    one = moving_clip(tmp_path, "a", emotion="negative", dataset="casme2", subject="1")
    two = moving_clip(tmp_path, "b", emotion="positive", dataset="samm", subject="1")
    examples, problems = flow_examples(Dataset(name="megc2019", clips=(one, two)), **SMALL)
    assert examples.labels.tolist() == [0, 1]
    assert [p for p in problems if p.level == "error"] == []


def test_flow_comes_with_the_onset_frame_of_the_same_square(tmp_path):
    data = moving_set(tmp_path)
    finder = FixedFinder()
    found = onset_flow_examples(
        data, labels="3-class", size=56, crop=112, jobs=1, finder=finder
    ).examples
    flow = flow_examples(data, labels="3-class", size=56, crop=112, jobs=1, finder=finder)
    assert found.kind == "flow-onset"
    np.testing.assert_array_equal(found.inputs[:, :2], flow.examples.inputs[:, :2])
    clips = clip_examples(data, labels="3-class", frames=2, size=112, jobs=1, finder=finder)
    onset = clips.examples.inputs[:, 0]
    wanted = onset.reshape(len(onset), 56, 2, 56, 2).mean((2, 4))
    np.testing.assert_allclose(found.inputs[:, 2], wanted, atol=1e-5)


def test_clips_that_a_label_set_leaves_out_by_name_leave(tmp_path):
    clips = [
        record(tmp_path / name, 6, emotion="disgust", subject=subject)
        for name, subject in (("EP12_01f", "sub04"), ("EP12_01f", "sub05"), ("a", "sub04"))
    ]
    data = Dataset(name="casme2", clips=tuple(clips))
    _, kept, _ = clips_with_class(data, "3-class", found := Findings("casme2"))
    names = [(clip.subject, clip.name) for clip in kept]
    assert names == [("sub05", "EP12_01f"), ("sub04", "a")]
    assert "leaves out 1 clips: 1 disgust of casme2 by their names" in found.single[0].message
    assert len(clips_with_class(data, "5-class", found)[1]) == 3


@pytest.mark.parametrize("factor", [2, 3])
def test_a_field_of_another_size_has_displacements_of_that_size(factor):  # check 22 of MERba
    """px are those of the crop; the samples' side alone changes no value."""
    pictures = [texture(), shifted(texture(), 2.0)]
    values = {
        (crop, size): FlowFeature(size, crop, "tvl1").compute(pictures, Choice((0, 1)), FINDER)
        for crop, size in ((48, 48), (48, 16), (48 * factor, 48))
    }
    u = {key: float(np.median(found.values[0])) for key, found in values.items()}
    assert u[48, 48] > 0.3
    assert u[48 * factor, 48] == pytest.approx(factor * u[48, 48], rel=0.05)
    assert u[48, 16] == pytest.approx(u[48, 48], rel=0.05)
