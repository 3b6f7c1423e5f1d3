"""Mixed clips of a data set on disk: read back, resumed, refused, nobody in two parts."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from mix_sets import PlanFinder, data_set, expression, frames_in, recording
from PIL import Image

from mescope.datasets import read
from mescope.datasets.base import Dataset
from mescope.errors import DatasetError, OutputError
from mescope.evaluation.folds import leave_one_subject_out
from mescope.events import Interval
from mescope.samples.rsmix import write as rsmix_write
from mescope.samples.rsmix.paste import pixels
from mescope.samples.rsmix.plan import Settings, plan_recording
from mescope.samples.rsmix.write import LOG_COLUMNS, augment_rsmix
from mescope.video.reading import open_video

SMALL = Settings(size=112)


@pytest.fixture
def finder():
    return PlanFinder()


@pytest.fixture
def films(tmp_path):
    root = tmp_path / "films"
    return data_set(
        recording(root, "spNO.1-a", 60, [
            expression(20, 24, "L12", apex=22),
            replace(expression(40, 43, "4", kind="macro", emotion=None), objective_class=1),
        ], subject="spNO.1"),
        recording(root, "spNO.1-b", 30, [expression(5, 9, "99")], subject="spNO.1"),
        recording(root, "spNO.2-a", 50, [
            expression(30, 33, "1+R2"), expression(30, 33, "1+R2", kind="macro"),
        ], subject="spNO.2", rate=60.0),
        recording(root, "spNO.2-quiet", 5, [], subject="spNO.2"),
    )  # fmt: skip


def table(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def pictures(folder):
    files = sorted(folder.glob("*.png"))
    return np.stack([np.asarray(Image.open(f).convert("RGB")) for f in files])


def content(folder):
    """Every file of a run with its bytes."""
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file()
    }


def test_clips_read_back_as_recordings_of_the_same_people(films, finder, tmp_path):
    seen = []
    done = augment_rsmix(films, tmp_path / "out", SMALL, finder=finder,
                         progress=lambda *now: seen.append(now))  # fmt: skip
    assert (done.clips, done.skipped) == (4, 1)
    assert seen == [(1, 3), (2, 3), (3, 3)]
    back = read("folder", tmp_path / "out")
    assert back.problems == ()
    assert [(r.dataset, r.subject, r.frames, r.rate) for r in back.recordings] == [
        ("casme3a", "spNO.1", 5, 30.0), ("casme3a", "spNO.1", 4, 30.0),
        ("casme3a", "spNO.2", 4, 60.0), ("casme3a", "spNO.2", 4, 60.0),
    ]  # fmt: skip
    found = [r.expressions[0] for r in back.recordings]
    assert [e.interval for e in found] == [Interval(0, 4), *[Interval(0, 3)] * 3]
    assert [e.apex for e in found] == [2, None, None, None]
    assert [e.emotion for e in found] == ["surprise", None, "surprise", "surprise"]
    assert [e.action_units for e in found] == [("L12",), ("4",), ("1", "R2"), ("1", "R2")]
    assert [e.kind for e in found] == ["micro", "macro", "macro", "micro"]
    assert [e.objective_class for e in found] == [None, 1, None, None]  # read, not computed


def test_the_pictures_are_the_planned_ones_without_loss(films, finder, tmp_path):
    done = augment_rsmix(films, tmp_path / "out", SMALL, finder=finder)
    first = films.recordings[0]
    plan = plan_recording(first, open_video(first.path, rate=30), SMALL, finder)[0]
    clip = pictures(done.folder / "clips" / "0000-spNO-1-a-00020-00024")
    assert clip.shape == (5, 112, 112, 3)
    inside, outside = frames_in(clip, pixels(plan.cells, 112))
    assert inside == [20, 21, 22, 23, 24]
    assert outside == list(plan.target.frames) == [0, 1, 2, 3, 4]


def test_the_log_accounts_for_every_expression(films, finder, tmp_path):
    done = augment_rsmix(films, tmp_path / "out", SMALL, finder=finder)
    rows = table(done.log)
    assert list(rows[0]) == list(LOG_COLUMNS)
    assert len(rows) == sum(len(r.expressions) for r in films.recordings)
    first = rows[0]
    assert first["clip"] == "clips/0000-spNO-1-a-00020-00024"
    assert (first["target"], first["pasted"], first["rule"]) == ("0-4", "20-24", "first fit")
    assert (first["units"], first["unmapped"], first["repeated"]) == ("L12", "", "0")
    assert float(first["cells"]) > 9
    lost = rows[2]
    assert (lost["clip"], lost["target"], lost["pasted"]) == ("", "", "")
    assert lost["skipped"] == "no action unit has landmarks"
    assert lost["unmapped"] == "99"
    assert rows[4]["clip"] == rows[3]["clip"] + "-2"  # the same frames, annotated twice


def test_nobody_is_in_both_parts_with_mixed_clips_beside_their_originals(
    films, finder, tmp_path
):
    """spec_rsmix_videomamba, section 8, check 11, by person."""
    augment_rsmix(films, tmp_path / "out", SMALL, finder=finder)
    back = read("folder", tmp_path / "out")
    every = [*films.recordings, *back.recordings]
    persons = [(r.dataset, r.subject) for r in every]
    folds = leave_one_subject_out(persons)
    assert [f.name for f in folds] == ["casme3a/spNO.1", "casme3a/spNO.2"]
    for fold in folds:
        train, test = ({every[i].subject for i in part} for part in (fold.train, fold.test))
        assert not train & test
        mixed = [every[i] for i in fold.train if every[i] in back.recordings]
        assert mixed
        assert all(r.name.startswith("00") for r in mixed)


def test_a_kill_before_the_manifest_is_gone_on_from(films, finder, tmp_path):
    """The draft of a manifest that got no name yet is nobody's file."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".manifest.json.0a1b2c3d.tmp").write_text('{"form')
    assert augment_rsmix(films, tmp_path / "out", SMALL, finder=finder).clips
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / ".mine").write_text("x")
    with pytest.raises(OutputError, match="unknown origin"):
        augment_rsmix(films, tmp_path / "other", SMALL, finder=finder)


def test_a_control_is_labelled_others_and_has_no_units(films, finder, tmp_path):
    """Section 3.4."""
    plain = augment_rsmix(films, tmp_path / "plain", SMALL, finder=finder)
    control = Settings(size=112, control=True)
    done = augment_rsmix(films, tmp_path / "control", control, finder=finder)
    back = read("folder", tmp_path / "control")
    assert back.errors == ()
    assert {(e.emotion, e.action_units) for r in back.recordings for e in r.expressions} == {
        ("others", ())
    }
    assert {row["source"] for row in table(done.folder / "expressions.csv")} == {
        "rsmix-control"
    }
    log = table(done.log)
    assert [r["target"] for r in log] == [r["target"] for r in table(plain.log)]
    assert log[0]["emotion"] == "surprise"
    assert log[0]["pasted"] != "20-24"


def test_an_interrupted_run_goes_on_and_ends_in_the_same_files(
    films, finder, tmp_path, monkeypatch
):
    whole = augment_rsmix(films, tmp_path / "whole", SMALL, finder=finder)
    drawn, draw = [], rsmix_write.draw

    def interrupted(plan, video):
        if len(drawn) == 3:  # in the middle of the third clip
            yield from list(draw(plan, video))[:2]
            raise KeyboardInterrupt
        drawn.append(plan)
        yield from draw(plan, video)

    monkeypatch.setattr(rsmix_write, "draw", interrupted)
    with pytest.raises(KeyboardInterrupt):
        augment_rsmix(films, tmp_path / "cut", SMALL, finder=finder)
    assert len(drawn) == 3
    assert not (tmp_path / "cut" / "log.csv").exists()
    assert not list((tmp_path / "cut").rglob("*.part"))
    assert not json.loads((tmp_path / "cut" / "manifest.json").read_text())["complete"]
    kept = {p: p.stat().st_mtime_ns for p in (tmp_path / "cut" / "clips").glob("*/*.png")}
    monkeypatch.setattr(rsmix_write, "draw", draw)
    looks = finder.looks
    done = augment_rsmix(films, tmp_path / "cut", SMALL, finder=finder)
    assert finder.looks - looks < looks / 2  # finished recordings are not looked at again
    assert content(done.folder) == content(whole.folder)
    assert all(p.stat().st_mtime_ns == t for p, t in kept.items())
    assert json.loads((done.folder / "manifest.json").read_text())["complete"]
    looks = finder.looks
    assert augment_rsmix(films, tmp_path / "cut", SMALL, finder=finder).clips == 4
    assert finder.looks == looks


@pytest.mark.slow
def test_several_processes_write_the_same(films, tmp_path):
    """The finder of the processes is dlib, which sees nobody in grey squares."""
    one = augment_rsmix(films, tmp_path / "one", SMALL)
    two = augment_rsmix(films, tmp_path / "two", SMALL, jobs=2)
    assert (one.clips, two.clips, two.skipped) == (0, 0, 5)
    assert content(one.folder) == content(two.folder)
    assert "show no face" in two.log.read_text()


@pytest.mark.parametrize("damage", ["state", "clip"])
def test_what_was_damaged_since_is_made_again(films, finder, tmp_path, damage):
    done = augment_rsmix(films, tmp_path / "out", SMALL, finder=finder)
    before = content(done.folder)
    if damage == "state":
        (done.folder / "done" / "00000.json").write_text("{")
    else:
        clip = done.folder / "clips" / "0002-spNO-2-a-00030-00033"
        for file in clip.iterdir():
            file.unlink()
        clip.rmdir()
    augment_rsmix(films, tmp_path / "out", SMALL, finder=finder)
    assert content(done.folder) == before


def test_another_run_in_the_same_folder_is_refused(films, finder, tmp_path):
    augment_rsmix(films, tmp_path / "out", SMALL, finder=finder)
    with pytest.raises(OutputError, match="holds another run: guard differ"):
        augment_rsmix(films, tmp_path / "out", Settings(size=112, guard=2), finder=finder)
    fewer = data_set(*films.recordings[:2])
    with pytest.raises(OutputError, match="holds another run: records differ"):
        augment_rsmix(fewer, tmp_path / "out", SMALL, finder=finder)


def test_folders_of_unknown_origin_are_left_alone(films, finder, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "expressions.csv").write_text("precious")
    with pytest.raises(OutputError, match="files of unknown origin"):
        augment_rsmix(films, tmp_path / "mine", SMALL, finder=finder)
    assert (tmp_path / "mine" / "expressions.csv").read_text() == "precious"
    (tmp_path / "odd").mkdir()
    for text in ("[]", "{", '{"asked": 3}'):
        (tmp_path / "odd" / "manifest.json").write_text(text)
        with pytest.raises(OutputError, match="cannot write mixed clips into"):
            augment_rsmix(films, tmp_path / "odd", SMALL, finder=finder)


def test_data_sets_without_long_videos_are_refused(films, finder, tmp_path):
    for dataset in (Dataset(name="casme2"), data_set(films.recordings[3])):
        with pytest.raises(DatasetError, match="expected long recordings with expressions"):
            augment_rsmix(dataset, tmp_path / "out", finder=finder)


def test_a_recording_that_is_lost_is_told_and_tried_again(films, finder, tmp_path):
    folder = tmp_path / "films" / "spNO.1-a"
    folder.rename(tmp_path / "elsewhere")
    done = augment_rsmix(films, tmp_path / "out", SMALL, finder=finder)
    assert (done.clips, done.skipped) == (2, 3)
    assert "spNO.1-a" in table(done.log)[0]["skipped"]
    assert read("folder", tmp_path / "out").errors == ()
    (tmp_path / "elsewhere").rename(folder)
    assert augment_rsmix(films, tmp_path / "out", SMALL, finder=finder).clips == 4
