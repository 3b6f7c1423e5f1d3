"""Files of any study come into the app: looked at, given a meaning, kept, and out again."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "annotations"))
from studies_made_up import SHEET, eaf, opf

from mescope.annotations import read


def post(served, identity, what, name, data, **params):
    return served.client.post(
        f"/api/recordings/{identity}/{what}", content=data, headers={"X-Name": name},
        params=params,
    )  # fmt: skip


@pytest.fixture(scope="module")
def one(served):
    return served.analyzed("studied.mp4")


@pytest.fixture
def fresh(served, one):
    """Return a recording without judgements and tiers, in a project that remembers nothing."""
    run = served.project.store.database.run
    run("DELETE FROM events WHERE action != 'analyzed'")
    run("DELETE FROM tiers")
    run("DELETE FROM mappings")
    served.project.review._known.clear()
    return one


def test_a_study_comes_in_as_proposed_and_is_remembered(served, fresh):
    look = post(served, fresh, "look", "s.eaf", eaf())
    assert look.status_code == 200, look.text
    found = look.json()
    assert (found["own"], found["remembered"]) == (False, False)
    by_name = {tier["name"]: tier for tier in found["tiers"]}
    assert by_name["AU12"]["means"] == {"name": "AU12", "means": "au", "unit": "12"}
    assert by_name["Ausdruck"]["fields"] == [
        {"name": "value", "examples": ["Freude", "komisch"]}
    ]
    mapping = {"tiers": [tier["means"] for tier in found["tiers"]]}
    assert served.client.post("/api/mapping", json=mapping).status_code == 200
    answer = post(served, fresh, "import", "s.eaf", eaf(), mapped=True, coder="cem").json()
    assert (answer["added"], answer["known"]) == (4, 0)
    assert {m["coder"] for m in answer["annotations"]} == {"anna", "ben"}
    units = sorted("+".join(m["action_units"]) for m in answer["annotations"])
    assert units == ["", "", "12", "L12B+6"]
    counts = {count["name"]: count for count in answer["counts"]}
    assert (counts["AU12"]["marks"], counts["Transkript"]["marks"]) == (2, 0)
    kept = {(t["name"], t["coder"], t["event"], t["count"]) for t in answer["kept"]}
    assert {("Blinzeln", "anna", "blink", 1), ("Transkript", "cem", None, 1)} <= kept
    assert post(served, fresh, "look", "s.eaf", eaf()).json()["remembered"]
    again = post(served, fresh, "import", "s.eaf", eaf(), mapped=True, coder="cem").json()
    assert (again["added"], again["known"], len(again["kept"])) == (0, 4, 5)


def test_what_is_kept_goes_out_again(served, fresh, tmp_path):
    """With everything, and with the coder whose it is."""
    post(served, fresh, "import", "s.eaf", eaf(), mapped=True, coder="cem")
    url = f"/api/recordings/{fresh}"
    for who, names in ((None, 5), ("anna", 3), ("model", 0)):
        params = {"format": "datavyu"} | ({"who": who} if who else {})
        path = tmp_path / "x.opf"
        if who == "anna":
            served.judge(fresh, "add", coder="anna", first=1, last=5)
        path.write_bytes(served.client.get(f"{url}/export", params=params).content)
        assert len(read(path).sets[0].tiers) == names, who


def test_a_changed_tier_replaces_what_was_there_and_one_can_be_taken_out(served, fresh):
    post(served, fresh, "import", "s.eaf", eaf(), mapped=True)
    other = eaf({"Transkript": ("", [(0, 100, "Neu")])})
    answer = post(served, fresh, "import", "s.eaf", other, mapped=True).json()
    assert answer["remarks"] == ["Transkript: the tier was there and is now as in this file"]
    url = f"/api/recordings/{fresh}/tiers"
    left = served.client.delete(url, params={"name": "AU6", "coder": "anna"}).json()
    assert "AU6" not in {tier["name"] for tier in left}
    assert served.client.get(url).json() == left
    assert served.client.delete(url, params={"name": "AU6", "coder": "anna"}).status_code == 400


TABLE = "Wer;Von;Bis;Was\nanna;3;11;Wut\n"


def test_a_table_asks_for_its_columns(served, fresh):
    found = post(served, fresh, "look", "t.csv", TABLE.replace("Von", "x")).json()
    assert (found["columns"], found["tiers"], found["table"]) == (
        ["Wer", "x", "Bis", "Was"], [], None,
    )  # fmt: skip
    table = {"start": "Von", "end": "Bis", "unit": "frames", "coder": "Wer"}
    found = post(served, fresh, "look", "t.csv", TABLE, table=json.dumps(table)).json()
    assert found["table"] == table
    mapping = {
        "tiers": [{"name": found["tiers"][0]["name"], "means": "expression"}],
        "table": table,
    }
    served.client.post("/api/mapping", json=mapping)
    answer = post(served, fresh, "import", "t.csv", TABLE, mapped=True).json()
    assert [
        (m["first"], m["last"], m["emotion"], m["coder"]) for m in answer["annotations"]
    ] == [(3, 11, "anger", "anna")]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("x.opf", opf(SHEET)[:-30], "x.opf: expected an .opf of Datavyu"),
        ("x.boris", "{}", 'x.boris: expected a BORIS project with "observations"'),
        ("x.csv", "a\n1\n", "x.csv"),
    ],
)
def test_files_that_hold_nothing_are_told_before_they_come_in(served, fresh, name, data, said):
    answer = post(served, fresh, "look", name, data)
    assert answer.status_code == 400
    assert said in answer.json()["error"]
    assert "\n" not in answer.json()["error"]
    assert list((served.project.home / "incoming").iterdir()) == []


@pytest.mark.parametrize(
    "body", [{"tiers": 1}, {"tiers": [{"name": "a", "means": "x"}]}, {"a": 1}]
)
def test_a_wrong_mapping_is_not_remembered(served, fresh, body):
    assert served.client.post("/api/mapping", json=body).status_code == 400
    assert served.client.get("/api/mapping").json()["tiers"] == []


def test_a_forgotten_recording_leaves_no_tier(served):
    identity = served.add("goes.mp4")
    served.client.post(
        "/api/mapping", json={"tiers": [{"name": "Transkript", "means": "keep"}]}
    )
    post(served, identity, "import", "s.eaf", eaf(), mapped=True)
    assert served.project.kept.of(identity)
    served.client.delete(f"/api/recordings/{identity}")
    left = served.project.store.database.all(
        "SELECT * FROM tiers WHERE recording = ?", identity
    )
    assert left == []


def test_faces_that_a_recording_does_not_have_are_told(served, fresh):
    """Marks of two people would be taken for those of one without a word."""
    head = "recording,onset,offset,kind,source,face_id\n"
    one = "studied.mp4,3,9,micro,ann,left\n"
    two = "studied.mp4,3,9,micro,ann,right\nstudied.mp4,30,39,micro,ann,0\n"
    found = post(served, fresh, "import", "m.csv", head + one).json()
    assert (found["added"], found["remarks"]) == (1, [])  # the only face is the only one
    (said,) = post(served, fresh, "import", "m.csv", head + one + two).json()["remarks"]
    assert said.startswith(
        "2 marks are of faces that this recording does not have (left, right)"
    )
