"""Clips of faces out of long recordings: which frames they show, what is left out, and why."""

import dataclasses
import shutil

import numpy as np
import pytest
from mix_sets import FIRST, PlanFinder, data_set, expression, recording

from mescope.errors import DatasetError, OutputError, RecipeError
from mescope.events import Interval
from mescope.samples import face_clips, mapped_rows
from mescope.samples.face_clips import FaceClips, face_examples
from mescope.samples.rsmix.plan import Settings
from mescope.samples.sparse_frames import middle, views
from mescope.training.recipe import parse_recipe

ASKED = FaceClips(frames=4, size=28, channels=1, draws=1, macro=True, mixes=True, controls=True)


def made(tmp_path, *expressions, asked=ASKED, frames=120, **options):
    film = recording(tmp_path / "films", "a", frames, expressions, **options)
    return face_examples(data_set(film), asked, labels="4-class", finder=PlanFinder())


def levels(examples, item):
    """Grey levels as frame numbers, of every stored frame: (stored, size, size)."""
    return examples.inputs[item, 0].astype(int) - FIRST


def test_originals_show_their_frames_and_copies_neutral_ones_around(tmp_path):
    found = made(tmp_path, expression(40, 49, "12", emotion="happiness"), frames=90)
    data = found.examples
    assert found.problems == ()
    assert [o.role for o in data.origins] == ["original", "rsmix", "control"]
    assert data.inputs.shape == (3, 1, 8, 28, 28)
    assert data.classes[data.labels[0]] == "positive"
    plain = levels(data, 0)
    assert [np.unique(f).tolist() for f in plain[:4]] == [[40 + j] for j in middle(10, 4)]
    mixed = levels(data, 1)
    for j, frame in zip(middle(10, 4), mixed[:4], strict=True):
        assert np.unique(frame).tolist() == [j, 40 + j]  # neutral from frame 0 on: first fit
    assert data.origins[1].shown == (Interval(0, 9), Interval(40, 49))
    control = levels(data, 2)
    assert set(np.unique(control)) <= set(range(20))  # nothing of the expression
    assert ((control == mixed) == (mixed < 40)).all()  # the mask of the copy, its background
    assert len(set(data.names)) == 3


def test_views_stand_before_the_draws_and_show_what_the_origin_says(tmp_path):
    """Whoever learned from a frame of a view was refused: it belongs to the expression."""
    some = expression(20, 59, "12"), expression(80, 119, kind="macro")
    one = made(tmp_path / "one", *some, frames=130).examples
    three = made(
        tmp_path / "three", *some, frames=130, asked=dataclasses.replace(ASKED, views=3)
    ).examples
    assert three.inputs.shape == (len(one), 1, 4 * 4, 28, 28)
    assert (three.inputs[:, :, 12:] == one.inputs[:, :, 4:]).all()  # what training is shown
    assert (three.inputs[:, :, 4:8] == one.inputs[:, :, :4]).all()  # the middle of three
    assert three.origins == one.origins
    for item, origin in enumerate(three.origins):
        if origin.role != "original":
            continue
        shown = levels(three, item)
        assert (shown == shown[:, :1, :1]).all()
        found = shown[:12, 0, 0]
        wanted = views(40, 4, 3).ravel() + origin.source.first
        assert (found == wanted).all()
        assert all(any(s.first <= f <= s.last for s in origin.shown) for f in found)


def test_views_have_cache_entries_of_their_own(tmp_path, monkeypatch):
    film = recording(tmp_path / "films", "a", 60, [expression(10, 49)])
    monkeypatch.setattr(face_clips, "default_finder", PlanFinder)
    kept, seen = tmp_path / "kept", []
    for count in (1, 3, 1, 3):
        asked = dataclasses.replace(ASKED, mixes=False, controls=False, views=count)
        made = face_examples(data_set(film), asked, labels="4-class", cache=kept).examples
        seen.append(made.inputs)
    assert [s.shape[2] for s in seen] == [8, 16, 8, 16]
    assert (seen[0] == seen[2]).all()
    assert (seen[1] == seen[3]).all()
    assert len(list(kept.glob("faces/*"))) == 2


def test_colour_has_three_channels(tmp_path):
    asked = dataclasses.replace(ASKED, channels=3, draws=0, controls=False)
    data = made(tmp_path, expression(40, 49), asked=asked).examples
    assert data.inputs.shape == (2, 3, 4, 28, 28)
    assert (data.inputs[:, 0] == data.inputs[:, 2]).all()  # the pictures are grey


@pytest.mark.parametrize(
    ("wanted", "count"),
    [({}, 5), ({"macro": False}, 3), ({"mixes": False}, 3), ({"controls": False}, 4),
     ({"macro": False, "mixes": False, "controls": False}, 1)],
)  # fmt: skip
def test_only_what_is_asked_for(tmp_path, wanted, count):
    asked = dataclasses.replace(ASKED, **wanted)
    some = expression(20, 24), expression(60, 79, kind="macro")
    assert len(made(tmp_path, *some, asked=asked).examples) == count


def test_what_is_left_out_says_why(tmp_path):  # section 1.5, and checks 6 and 9
    found = made(
        tmp_path,
        expression(10, 10),
        expression(20, 115, kind="micro"),
        expression(118, 121),
        expression(125, 130, units=""),
        expression(134, 137, emotion=None, units=""),
        expression(141, 144, units="99"),
        expression(150, 155),
        frames=190,
        dark=(118, 119, 120),
        absent=(152,),
    )
    told = {(p.level, p.message) for p in found.problems}
    texts = "\n".join(f"{level}: {message}" for level, message in told)
    for said in (
        "error: the source has 1 frame, at least 2 are needed",
        "error: a micro-expression of 3.2 s, at most 3 s",
        "error: source: 3 of 4 frames show no face, at most 2 may",
        "error: 1 of 6 pictures are missing or damaged",
        "error: neither an emotion nor action units",
        "warning: no mixed copy: no action unit has landmarks",
    ):
        assert said in texts
    kept = [(o.role, o.source.first) for o in found.examples.origins]
    assert kept == [("original", 125), ("original", 141)]


def test_a_macro_expression_gets_its_class_from_its_objective_class(tmp_path):
    some = [
        expression(10, 29, "1+2", kind="macro", emotion=None),
        dataclasses.replace(
            expression(40, 59, "12", kind="macro", emotion=None), objective_class=4
        ),
        expression(80, 99, "14", kind="macro", emotion=None),
        expression(110, 113, "4", emotion="disgust"),
    ]
    asked = dataclasses.replace(ASKED, mixes=False, controls=False)
    data = made(tmp_path, *some, asked=asked).examples
    names = [data.classes[label] for label in data.labels]
    assert names == ["surprise", "negative", "others", "negative"]
    fewer = dataclasses.replace(asked, macro_others=False)
    assert len(made(tmp_path / "again", *some, asked=fewer).examples) == 3


def test_recordings_are_computed_once(tmp_path, monkeypatch):
    film = recording(tmp_path / "films", "a", 60, [expression(30, 34)])
    finder = PlanFinder()
    monkeypatch.setattr(face_clips, "default_finder", lambda: finder)
    one = face_examples(data_set(film), ASKED, labels="4-class", cache=tmp_path / "kept")
    looks = finder.looks
    less = dataclasses.replace(ASKED, macro=False, controls=False)  # part of what is kept
    two = face_examples(data_set(film), less, labels="4-class", cache=tmp_path / "kept")
    assert finder.looks == looks > 0
    assert (two.examples.inputs == one.examples.inputs[:2]).all()
    assert two.examples.origins == one.examples.origins[:2]
    wider = dataclasses.replace(ASKED, size=42)
    face_examples(data_set(film), wider, labels="4-class", cache=tmp_path / "kept")
    assert finder.looks > looks


def test_a_recording_that_is_gone_is_told_and_the_others_go_on(tmp_path):
    films = [recording(tmp_path / "films", n, 60, [expression(30, 34)]) for n in "ab"]
    gone = dataclasses.replace(films[0], path=str(tmp_path / "gone"))
    none = dataclasses.replace(films[0], name="none", path=None)
    found = face_examples(data_set(gone, films[1], none), ASKED, labels="4-class",
                          finder=PlanFinder())  # fmt: skip
    assert {o.recording[1] for o in found.examples.origins} == {"b"}
    assert [p.where for p in found.problems] == ["a", "none"]


def test_a_data_set_without_recordings_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="expected long recordings with expressions"):
        face_examples(data_set(), ASKED, labels="4-class")
    with pytest.raises(DatasetError, match="no micro-expression can be used"):
        made(tmp_path, expression(10, 29, kind="macro"))


def test_control_clips_are_planned_only_if_they_are_asked_for(tmp_path, monkeypatch):
    planned = []
    plain = face_clips.plan_recording

    def spy(recording, video, settings, **options):
        planned.append(settings.control)
        return plain(recording, video, settings, **options)

    monkeypatch.setattr(face_clips, "plan_recording", spy)
    less = dataclasses.replace(ASKED, controls=False)
    assert len(made(tmp_path, expression(30, 34), asked=less).examples) == 2
    assert planned == [False]


def test_clips_too_many_for_memory_lie_in_a_file(tmp_path, monkeypatch):
    film = recording(tmp_path / "films", "a", 90, [expression(30, 34), expression(60, 64)])
    monkeypatch.setattr(face_clips, "default_finder", PlanFinder)
    plain = face_examples(data_set(film), ASKED, labels="4-class").examples
    monkeypatch.setattr(mapped_rows, "BIG", 0)
    big = face_examples(data_set(film), ASKED, labels="4-class", cache=tmp_path).examples
    assert isinstance(big.inputs, np.memmap)
    assert big.hashes() == plain.hashes()
    again = face_examples(data_set(film), ASKED, labels="4-class", cache=tmp_path).examples
    assert again.hashes() == plain.hashes()
    assert len(list(tmp_path.glob("faces/*.npy"))) == 1
    items = [4, 0, 3]
    (mapped, labels), (taken, same) = big.take(items), plain.take(items)
    assert (labels == same).all()
    assert (mapped.shape, mapped.dtype, len(mapped)) == (taken.shape, taken.dtype, 3)
    rows, frames = np.array([2, 0]), np.array([[1, 0], [2, 2]])
    assert (mapped[rows[:, None], :, frames] == taken[rows[:, None], :, frames]).all()
    assert (mapped[1:] == taken[1:]).all()


def test_a_disk_without_room_for_clips_is_told_before_they_are_written(tmp_path, monkeypatch):
    """Pages of a file that find no room as they are written end the process."""
    monkeypatch.setattr(mapped_rows, "BIG", 8)
    room = shutil.disk_usage(tmp_path)._replace(free=100)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: room)
    rows = [np.zeros(16, np.uint8)] * 8
    with pytest.raises(OutputError, match="choose a folder with room"):
        mapped_rows.stacked(rows, 8, tmp_path / "clips" / "x.npy")
    assert list((tmp_path / "clips").iterdir()) == []
    assert mapped_rows.stacked(rows[:6], 6, tmp_path / "clips" / "x.npy").shape == (6, 16)


def test_options_of_rsmix_are_reachable_from_a_recipe():
    text = """
    name = "a"
    [model]
    name = "videomamba-xs"
    [data]
    kind = "faces"
    rsmix = true
    au_table = "as_published"
    smoothing = "none"
    mask = "union"
    extent = "tight"
    guard = 0
    keep_long = true
    """
    data = parse_recipe(text).data
    assert data.wanted.settings == Settings(
        table="as_published", smoothing="none", mask="union", extent="tight", guard=0,
        keep_long=True,
    )  # fmt: skip
    seen = data.measure(np.zeros((1, 3, 16, 28, 28), np.uint8))
    assert (seen.smoothing, seen.extent) == ("none", "tight")
    with pytest.raises(RecipeError, match="au_table must be one of clean, as_published"):
        parse_recipe(text.replace("as_published", "printed"))
