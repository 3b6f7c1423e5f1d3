"""Marks leave and come back."""

import csv
import io
import json
import shutil
import sys
from pathlib import Path

import pytest

import mescope
from mescope import annotations as coding
from mescope.app.exports import formats
from mescope.plugins import VARIABLE, load_plugin, module_name

FORMATS = tuple(formats())


def export(served, identity, form, who=None):
    params = {"format": form} | ({} if who is None else {"who": who})
    answer = served.client.get(f"/api/recordings/{identity}/export", params=params)
    assert answer.status_code == 200, answer.text
    return answer


@pytest.fixture
def judged(served, analyzed):
    """Ann corrects the first detection, rejects the second and adds one."""
    marks = served.client.get(f"/api/recordings/{analyzed}/marks").json()
    one, two = (mark["id"] for mark in marks["detections"])
    served.judge(analyzed, "edit", one, first=28, apex=41, last=50, emotion="fear")
    served.judge(analyzed, "reject", two)
    served.judge(analyzed, "add", first=90, apex=95, last=99, emotion="happiness",
                 action_units="6+12", note='=cmd|"x"')  # fmt: skip
    return analyzed


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("who", [None, "model", "ann"])
def test_every_format_is_a_file_to_save(served, judged, form, who):
    answer = export(served, judged, form, who)
    assert answer.content
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith("attachment; filename*=UTF-8''analyzed")
    assert str(served.folder) not in answer.text


def test_the_models_own_values_stay_whatever_people_do(served, judged):
    found = json.loads(export(served, judged, "json", "model").content)
    assert [(m["first"], m["last"], m["emotion"]) for m in found["detections"]] == [
        (30, 49, "surprise"), (70, 80, "positive"),
    ]  # fmt: skip


def test_a_coders_file_has_what_the_coder_said(served, judged):
    text = export(served, judged, "csv", "ann").text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(r["onset"], r["offset"], r["emotion"], r["status"]) for r in rows] == [
        ("28", "50", "fear", "edited"),
        ("70", "80", "positive", "rejected"),
        ("90", "99", "happiness", "added"),
    ]
    assert rows[2]["note"].startswith("'=")
    assert {r["source"] for r in rows} == {"ann"}


def test_the_megc_log_compares_with_what_people_hold_true(served, judged):
    lines = export(served, judged, "megc").text.splitlines()
    assert lines[0] == "1"
    assert [line.split("\t")[5] for line in lines[1:]] == ["TP", "FP", "FN"]


@pytest.mark.parametrize(
    "form", ["csv", "json", "elan", "boris", "datavyu", "activitynet", "vtt"]
)
def test_there_and_back(served, judged, form, tmp_path):
    """What a coder marked is the same in another recording of the same name."""
    data = export(served, judged, form, "ann").content
    ending = {"elan": ".eaf", "datavyu": ".opf", "activitynet": ".json"}.get(form, f".{form}")
    path = tmp_path / f"back{ending}"
    path.write_bytes(data)
    (sheet,) = coding.read(path).sets
    kept = {(m.interval.first, m.apex, m.interval.last, m.emotion) for m in sheet.marks}
    assert {(28, 41, 50, "fear"), (90, 95, 99, "happiness")} <= kept
    answer = served.client.post(
        f"/api/recordings/{judged}/import?coder=bea", content=data,
        headers={"X-Name": path.name},
    )  # fmt: skip
    assert (answer.status_code, answer.json()["added"]) == (200, 2), answer.text
    mine = [m for m in answer.json()["annotations"] if m["coder"] == "bea"]
    assert {(m["first"], m["apex"], m["last"], m["emotion"]) for m in mine} == {
        (28, 41, 50, "fear"), (90, 95, 99, "happiness"),
    }  # fmt: skip
    again = served.client.post(
        f"/api/recordings/{judged}/import?coder=bea", content=data,
        headers={"X-Name": path.name},
    )  # fmt: skip
    assert (again.json()["added"], again.json()["known"]) == (0, 2)


def test_a_file_of_everybody_stays_everybodys(served, judged):
    """Who brings it in is named only where the file names nobody."""
    served.judge(judged, "add", coder="bea", first=3, last=9)
    data = export(served, judged, "csv").content
    served.project.store.database.run("DELETE FROM events WHERE coder IN ('ann', 'bea')")
    served.project.review._known.clear()
    url = f"/api/recordings/{judged}/import?unnamed=cem"
    answer = served.client.post(url, content=data, headers={"X-Name": "all.csv"})
    assert {m["coder"] for m in answer.json()["annotations"]} == {"ann", "bea"}
    rows = b"video,onset,offset,type\nanalyzed.mp4,3,11,micro\n"
    answer = served.client.post(url, content=rows, headers={"X-Name": "none.csv"})
    assert {m["coder"] for m in answer.json()["annotations"]} == {"ann", "bea", "cem"}


BOMB = """<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "xxxxxxxxxx">
<!ENTITY y "&x;&x;&x;&x;&x;&x;&x;&x;&x;&x;">]><ANNOTATION_DOCUMENT>&y;</ANNOTATION_DOCUMENT>"""


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("x.eaf", BOMB, "x.eaf"),
        ("x.eaf", "<a/>", "x.eaf"),
        ("x.csv", "", "empty"),
        ("x.boris", "{", "x.boris"),
        ("x.json", "[1]", "x.json"),
        ("x.json", '{"format": "mescope-review", "schema": 2}', "newer one"),
        ("x.json", '{"format": "mescope-review", "schema": 1}', "export the recording again"),
        ("x.exe", "x", "ends in"),
        ("../../x.eaf", "<a", "x.eaf"),
    ],
)
def test_files_that_are_none(served, analyzed, name, data, said):
    """Bounded, one line, nothing added, nothing left."""
    answer = served.client.post(
        f"/api/recordings/{analyzed}/import", content=data, headers={"X-Name": name}
    )
    assert answer.status_code == 400
    assert said in answer.json()["error"]
    assert "\n" not in answer.json()["error"]
    assert list((served.project.home / "incoming").iterdir()) == []


def test_an_import_past_the_end_adds_nothing(served, analyzed):
    rows = (
        "subject,video,onset,offset,emotion\n,analyzed.mp4,1,2,fear\n,analyzed.mp4,5,500,fear\n"
    )
    answer = served.client.post(
        f"/api/recordings/{analyzed}/import?coder=bea",
        content=rows,
        headers={"X-Name": "a.csv"},
    )
    assert answer.status_code == 400
    assert served.client.get(f"/api/recordings/{analyzed}/marks").json()["annotations"] == []


def test_too_large_an_import(served, analyzed):
    answer = served.client.post(
        f"/api/recordings/{analyzed}/import", content=b"x" * 1_500_000,
        headers={"X-Name": "a.csv"},
    )  # fmt: skip
    assert answer.status_code == 413


def test_agreement_counts_by_hand(served, judged):
    """Ann's three: 28-50 overlaps 30-49 (IoU 20/23), she rejected 70-80 and added 90-99."""
    found = served.client.get("/api/agreement?a=model&b=ann").json()
    row = next(r for r in found["recordings"] if r["recording"] == judged)
    assert (row["tp"], row["fp"], row["fn"]) == (1, 1, 1)
    assert row["f1"] == pytest.approx(0.5)
    both, model, ann, frames = 20, 11, 3 + 10, 120
    neither = frames - both - model - ann
    observed = (both + neither) / frames
    chance = ((both + model) * (both + ann) + (neither + ann) * (neither + model)) / frames**2
    assert row["kappa"] == pytest.approx((observed - chance) / (1 - chance))
    assert found["pooled"]["tp"] >= 1


def test_agreement_with_nobody(served, judged):
    answer = served.client.get("/api/agreement?a=ann&b=nobody")
    assert (answer.status_code, "nobody" in answer.json()["error"]) == (400, True)
    answer = served.client.get(f"/api/recordings/{judged}/export?format=csv&who=nobody")
    assert answer.status_code == 400


@pytest.mark.parametrize("form", ["csv", "json"])
def test_what_coders_made_of_it_becomes_training_data(served, analyzed, tmp_path, form):
    """The CSV of a coder beside the video is a data set for ``mescope evaluate``; the JSON
    becomes one as ``mescope convert`` turns it into a table."""
    served.judge(analyzed, "edit", "m30-40-49", first=28, emotion="positive")
    served.judge(analyzed, "reject", "m70-75-80")
    served.judge(analyzed, "add", first=90, apex=95, last=99, emotion="surprise")
    url = f"/api/recordings/{analyzed}/export"
    data = served.client.get(url, params={"format": form, "who": "ann"}).content
    table = tmp_path / "annotations.csv"
    if form == "csv":
        table.write_bytes(data)
    else:
        (tmp_path / "ann.json").write_bytes(data)
        coding.write(coding.read(tmp_path / "ann.json").sets, table)
    shutil.copy(served.folder / "analyzed.mp4", tmp_path)
    dataset = mescope.open_dataset("folder", tmp_path)
    assert [p.message for p in dataset.problems] == [
        "1 rows were rejected by a person and are not used"
    ]
    [recording] = dataset.recordings
    found = [
        (e.interval.first, e.apex, e.interval.last, e.emotion) for e in recording.expressions
    ]
    assert found == [(28, 40, 49, "positive"), (90, 95, 99, "surprise")]


def test_a_format_from_outside_is_offered_and_exported(served, judged, monkeypatch):
    """The page asks the server for the list; see tests/plugins/own_format.py."""
    monkeypatch.setenv(VARIABLE, "")
    path = Path(__file__).parents[1] / "plugins" / "own_format.py"
    load_plugin(path)
    try:
        project = served.client.get("/api/project").json()
        assert {"name": "own", "title": "own table"} in project["exports"]
        assert {"title": "own table", "suffixes": [".own.tsv"]} in project["imports"]
        answer = export(served, judged, "own", "ann")
        assert answer.headers["content-disposition"].endswith("analyzed.ann.own.tsv")
        rows = [line.split("\t") for line in answer.text.splitlines()[1:]]
        assert [row[1] for row in rows] == ["0.9333", "2.3333", "3.0000"]
        sent = served.client.post(
            f"/api/recordings/{judged}/import?coder=bea", content=answer.content,
            headers={"X-Name": "x.own.tsv"},
        )  # fmt: skip
        assert sent.json()["added"] == 3
    finally:
        coding.CODECS.remove("own")
        sys.modules.pop(module_name(path.resolve()), None)


def test_the_page_gets_every_format_from_the_server(served):
    names = {one["name"] for one in served.client.get("/api/project").json()["exports"]}
    assert names == set(FORMATS) >= {"csv", "json", "html", "megc", "elan", "activitynet"}


def test_an_unknown_format_is_one_line(served, judged):
    answer = served.client.get(f"/api/recordings/{judged}/export?format=praat")
    assert (answer.status_code, "expected any of csv" in answer.json()["error"]) == (400, True)
