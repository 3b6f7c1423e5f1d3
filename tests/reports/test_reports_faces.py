"""Several faces in one file of each kind, every row and mark with the name of its face."""

import csv
import io
import json
from dataclasses import replace

import pytest
from made_up_faces import two_faces
from test_reports_page import Page

from mescope import annotations
from mescope.errors import MescopeError, OutputError
from mescope.events import Interval
from mescope.reports import files_of, is_ours, read_events, read_json, write
from mescope.reports.faces_page import faces_page
from mescope.reports.json import read_document
from mescope.results import Gap

NAMES = ("the mother", "Kim, 4")


def test_tables_have_the_name_behind_all_else(tmp_path):
    two_faces(names=NAMES).save(tmp_path / "two.csv")
    for file in files_of(tmp_path / "two.csv"):
        assert is_ours(file)
        head, *rows = csv.reader(io.StringIO(file.read_text(encoding="utf-8")))
        assert head[-1] == "face_id"
        assert {row[-1] for row in rows} <= {*NAMES, "face 3"}
        assert {len(row) for row in rows} == {len(head)}
    rows = list(csv.DictReader((tmp_path / "two.csv").read_text("utf-8").splitlines()))
    assert [(r["onset"], r["emotion"], r["id"], r["face_id"]) for r in rows] == [
        ("20", "positive", "f1d1", "the mother"), ("60", "surprise", "f2d1", "Kim, 4"),
    ]  # fmt: skip


def test_json_is_that_of_one_face_with_names(tmp_path):
    path = two_faces(names=NAMES).save(tmp_path / "two.json")
    assert is_ours(path)
    document = read_document(path)
    assert [(d["onset"], d["face"]) for d in document["detections"]] == [
        (20, "the mother"), (60, "Kim, 4"),
    ]  # fmt: skip
    assert [face["name"] for face in document["faces"]] == [*NAMES, "face 3"]
    assert document["faces"][1]["traces"]["me_score"][0] == 0.2
    assert document["questions"][0]["later"] == "75-1"
    assert document["provenance"]["parameters"]["extraction"]["face"] == "all"
    assert len(read_json(path)) == 2
    assert [event.face for event in read_events(path)] == list(NAMES)
    assert "the mother: only about 1" in document["warnings"]
    assert document["warnings"].count("the same for all") == 1


@pytest.mark.parametrize("suffix", [".eaf", ".boris", ".vtt", ".activitynet.json"])
def test_annotation_files_keep_the_face(tmp_path, suffix):
    path = two_faces(names=NAMES).save(tmp_path / f"two{suffix}")
    (found,) = annotations.read(path).sets
    assert [(m.interval.first, m.face) for m in found.marks] == [
        (20, "the mother"), (60, "Kim, 4"),
    ]  # fmt: skip
    text = path.read_text(encoding="utf-8")
    if suffix == ".eaf":
        assert 'TIER_ID="ME@the mother#model"' in text
        assert 'TIER_ID="EVENT-blink@Kim, 4#model"' in text
        assert "EVENT-blink@0" not in text
    if suffix == ".boris":
        assert {s["name"] for s in json.loads(text)["subjects_conf"].values()} == {
            f"{name}#model" for name in NAMES
        }


def test_the_page_says_of_each_face_what_could_not_be_judged_and_what_is_fainter():
    found = two_faces(names=("Ann", "Ben"))
    ann = found.faces[0].analysis
    gap = Gap(interval=Interval(90, 104), start_s=3.0, end_s=3.467, reason="turned away")
    fainter = replace(ann.findings[0], id="f1c1")
    faces = (replace(found.faces[0], analysis=replace(ann, gaps=(gap,), candidates=(fainter,))),
             *found.faces[1:])  # fmt: skip
    words = " ".join(" ".join(Page(faces_page(replace(found, faces=faces))).words).split())
    assert words.count("Could not be judged Small movements cannot be seen well here") == 3
    assert "0:03.000 0:03.467 90–104 turned away" in words
    assert words.count("turned away") == 3  # two drawings, and the table
    assert "1 fainter movement with lower scores stands in the JSON report" in words


def test_the_page_explains_its_timelines_and_words():
    found = two_faces(names=("Ann", "Ben"))
    words = " ".join(" ".join(Page(faces_page(found)).words).split())
    drawn = sum(one.analysis.traces is not None for one in found)
    assert words.count("score: how sure the model is of an expression, 0 to 1") == drawn == 3
    assert words.count("Words used here") == 1


def test_the_page_names_asks_and_runs_nothing(tmp_path):
    found = two_faces(names=("<b>Ann</b>", "Ben"))
    path = found.save(tmp_path / "two.html")
    assert is_ours(path)
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    words = " ".join(page.words)
    assert "<b>Ann</b>" in words  # as text
    assert "script" not in page.tags
    assert page.handlers == []
    assert "Is face 3, seen from 0:02.500 (frame 75) on, the same person as Ben?" in words
    assert len(page.ids) == len(set(page.ids))
    for link in page.links:
        assert link.startswith("data:") or link.removeprefix("#") in page.ids


def test_a_table_for_further_work():
    table = two_faces(names=NAMES).to_pandas()
    assert table[["id", "face_id"]].to_numpy().tolist() == [
        ["f1d1", "the mother"], ["f2d1", "Kim, 4"],
    ]  # fmt: skip
    frames = two_faces().to_pandas("frames")
    assert len(frames) == 3 * 120
    with pytest.raises(MescopeError, match="expected detections"):
        two_faces().to_pandas("faces")


def test_faces_by_name_and_by_hand(tmp_path):
    found = two_faces(names=NAMES)
    assert found.face("Kim, 4").analysis.findings[0].id == "f2d1"
    with pytest.raises(MescopeError, match="expected one of the faces the mother"):
        found.face("face 9")
    with pytest.raises(OutputError, match="put together by hand"):
        replace(found, writer=None).save(tmp_path / "x.csv")
    found.save(tmp_path / "x.csv")
    with pytest.raises(OutputError, match="exists already"):
        write(found, tmp_path / "x.csv")
