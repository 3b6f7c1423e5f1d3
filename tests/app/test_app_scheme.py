"""Code schemes, checked strictly; codes are judgements, and leave as files."""

from __future__ import annotations

import csv
import io
import json
from xml.etree import ElementTree

import pytest

from mescope.annotations import dumps, read
from mescope.app.keys import DEFAULT_KEYS
from mescope.app.routes_scheme import TEMPLATES
from mescope.app.scheme import SchemeFile, parsed, usual
from mescope.errors import MescopeError
from mescope.labels import RAW_COUNTS

TIER = {
    "name": "Gaze", "kind": "state", "exclusive": True,
    "codes": [{"name": "away", "key": "f", "meaning": "x"}, {"name": "down", "key": "d"}],
    "modifiers": [{"name": "head", "values": [{"name": "turned", "key": "y"}]}],
}  # fmt: skip
POINTS = {"name": "Hands", "kind": "point", "codes": [{"name": "touch"}]}


def scheme(**changes):
    return usual().to_json() | {"tiers": [TIER, POINTS]} | changes


@pytest.fixture
def coded(served, analyzed):
    """A recording without codes, and a project whose scheme has two tiers."""
    before = served.client.get("/api/scheme").json()
    assert served.client.put("/api/scheme", json=scheme()).status_code == 200
    yield analyzed
    assert served.client.put("/api/scheme", json=before).status_code == 200


def code(served, recording, **values):
    answer = served.judge(recording, "code", **values)
    assert answer.status_code == 200, answer.text
    codes = served.client.get(f"/api/recordings/{recording}/codes").json()["codes"]
    return max(codes, key=lambda one: one["first"])


def test_a_new_project_has_every_emotion_word_of_the_data_sets_and_a_key_for_each():
    words = {one.name: one.key for one in usual().emotions}
    assert {name for counts in RAW_COUNTS.values() for name in counts} <= set(words)
    assert all(words.values())
    keys = [key for key, _ in usual().taken()]
    assert len(keys) == len(set(keys))


def test_templates_can_be_taken_in():
    for path in TEMPLATES.glob("*.json"):
        assert parsed(path.read_bytes()).tiers, path.name


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": "other"}, "whose format is mescope-scheme"),
        ({"schema": 2}, "schema"),
        ({"more": 1}, "more"),
        ({"tiers": [TIER, TIER]}, "'Gaze' is there twice"),
        ({"tiers": [TIER | {"kind": "line"}]}, "tiers 1 kind"),
        ({"tiers": [TIER | {"codes": []}]}, "tiers 1 codes"),
        ({"tiers": [TIER | {"codes": [{"name": "a", "key": "n"}]}]}, "the key n stands for"),
        ({"tiers": [TIER | {"codes": [{"name": "a", "key": "ab"}]}]}, "expected a key such as"),
        ({"tiers": [TIER | {"codes": [{"name": " a", "key": None}]}]}, "without blanks"),
        ({"tiers": [TIER | {"codes": [{"name": "a"}, {"name": "A"}]}]}, "is there twice"),
        ({"keys": {"fly": "f"}}, "'fly' is no command"),
        ({"keys": {"play": "n"}}, "the key n stands for play and for next_mark"),
        ({"emotions": "joy"}, "emotions"),
        ({"name": "x" * 65}, "name"),
    ],
)  # fmt: skip
def test_what_is_no_scheme_is_refused_with_its_field(change, said):
    with pytest.raises(MescopeError) as error:
        parsed(json.dumps(scheme(**change)))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b"[" * 100_000, b"\xff", b"7"])
def test_other_files_are_refused_in_words(data):
    with pytest.raises(MescopeError, match="code scheme: "):
        parsed(data)


def test_a_scheme_is_kept_and_a_damaged_one_is_not_written_over(tmp_path):
    path = tmp_path / "scheme.json"
    data = json.dumps(scheme(keys={"play": "Shift+p"}, name="study 1"))
    SchemeFile(path).change(data.encode())
    again = SchemeFile(path).now
    assert again.name == "study 1"
    assert again.to_page()["keys"] == DEFAULT_KEYS | {"play": "Shift+p"}
    path.write_text("{")
    with pytest.raises(MescopeError, match=r"scheme\.json: .*move it away"):
        SchemeFile(path)
    assert path.read_text() == "{"


def test_codes_are_judgements_with_an_undo(served, coded):
    one = code(served, coded, tier="Gaze", code="away", first=10, last=20)
    assert (one["coder"], one["kind"], one["onset_s"]) == ("ann", "state", pytest.approx(1 / 3))
    served.judge(coded, "recode", one["id"], coder="bob", last=25, modifiers={"head": "turned"})
    served.judge(coded, "uncode", one["id"], coder="bob")
    url = f"/api/recordings/{coded}"
    assert served.client.get(f"{url}/codes").json()["codes"] == []
    revision = served.client.get(f"{url}/marks").json()["revision"]
    answer = served.client.post(f"{url}/undo", json={"revision": revision, "coder": "bob"})
    assert answer.status_code == 200
    (back,) = served.client.get(f"{url}/codes").json()["codes"]
    assert (back["last"], back["modifiers"]) == (25, {"head": "turned"})
    assert served.client.get(f"{url}/marks").json()["annotations"] == []  # no mark of it


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"tier": "Nose", "code": "away"}, "expected a tier of the code scheme (Gaze, Hands)"),
        ({"tier": "Gaze", "code": "up"}, "expected a code of Gaze (away, down)"),
        ({"tier": "Gaze", "code": "away", "modifiers": {"head": "off"}}, "a modifier of Gaze"),
        ({"tier": "Gaze", "code": "away", "first": 50, "last": 120}, "< 120"),
        ({"tier": "Gaze", "code": "away", "first": "1"}, "first"),
        ({"tier": "Gaze", "code": "away", "colour": "red"}, "colour"),
    ],
)
def test_a_code_that_makes_no_sense_is_refused(served, coded, values, said):
    answer = served.judge(coded, "code", **({"first": 1, "last": 2} | values))
    assert answer.status_code == 400
    assert said in answer.json()["error"]


def test_codes_leave_for_other_programs_and_marks_come_back(served, coded, tmp_path):
    """Marks are read as if the tiers of coders were not there."""
    code(
        served, coded, tier="Gaze", code="away", first=10, last=20, modifiers={"head": "turned"}
    )
    code(served, coded, tier="Hands", code="touch", first=30, last=30, kind="point", note="ear")
    served.judge(coded, "add", first=40, last=44)

    def export(form, who="ann"):
        url = f"/api/recordings/{coded}/export"
        answer = served.client.get(url, params={"format": form, "who": who})
        assert answer.status_code == 200, answer.text
        return answer.content

    table = list(csv.DictReader(io.StringIO(export("codes").decode())))
    assert [(r["tier"], r["code"], r["onset"], r["offset"], r["modifiers"]) for r in table] == [
        ("Gaze", "away", "10", "20", "head=turned"), ("Hands", "touch", "30", "30", ""),
    ]  # fmt: skip
    kept = json.loads(export("json"))
    assert [one["code"] for one in kept["codes"]] == ["away", "touch"]
    assert kept["scheme"]["tiers"][0]["name"] == "Gaze"
    eaf = ElementTree.fromstring(export("elan"))
    values = {
        tier.get("TIER_ID"): [v.text for v in tier.iter("ANNOTATION_VALUE")]
        for tier in eaf.iter("TIER")
    }
    assert values["Gaze@ann"] == ["away"]
    assert values["Gaze-head@ann"] == ["turned"]
    assert values["Hands-note@ann"] == ["ear"]
    words = {cv.get("CV_ID"): [v.text for v in cv.iter("CVE_VALUE")]
             for cv in eaf.iter("CONTROLLED_VOCABULARY")}  # fmt: skip
    assert words["codes of Gaze"] == ["away", "down"]
    project = json.loads(export("boris"))
    kinds = {b["code"]: (b["type"], b["category"]) for b in project["behaviors_conf"].values()}
    assert kinds["away"] == ("State event", "Gaze")
    assert kinds["touch"] == ("Point event", "Hands")
    (observation,) = project["observations"].values()
    rows = [row for row in observation["events"] if row[2] in ("away", "touch")]
    assert [(row[0], row[3]) for row in rows] == [
        (0.333, "turned"),
        (0.7, "turned"),
        (1.0, ""),
    ]
    for form, name in (("elan", "a.eaf"), ("boris", "a.boris"), ("json", "a.json")):
        path = tmp_path / name
        path.write_bytes(export(form))
        (found,) = read(path).sets
        assert [(m.interval.first, m.interval.last) for m in found.marks] == [(40, 44)], form
        assert dumps([found], "csv")


def test_the_models_words_do_not_become_the_coders(served, analyzed):
    """Only the emotion was corrected, and one detection rejected with its reason."""
    served.judge(analyzed, "edit", "m30-40-49", emotion="fear")
    served.judge(analyzed, "reject", "m70-75-80", reason="blink")
    served.judge(analyzed, "edit", "m70-75-80", note="seen twice")
    url = f"/api/recordings/{analyzed}/export"

    def rows(who):
        text = served.client.get(url, params={"format": "csv", "who": who}).text
        return list(csv.DictReader(io.StringIO(text)))

    names = ("emotion", "score", "au", "note", "status", "reason", "taken")
    assert [tuple(row[name] for name in names) for row in rows("ann")] == [
        ("fear", "", "", "", "edited", "", "onset+apex+offset"),
        ("positive", "", "", "seen twice", "rejected", "blink", "onset+apex+offset+emotion"),
    ]
    assert [row["score"] for row in rows("model")] == ["0.9", "0.6"]
    assert all(row["note"] and not row["reason"] for row in rows("model"))
    mark = served.client.get(f"/api/recordings/{analyzed}/marks").json()["detections"][0]
    assert mark["said"] == ["emotion"]
    served.judge(analyzed, "edit", "m30-40-49", confidence=0.5, action_units=["L12B"], last=50)
    (first, _) = rows("ann")
    assert [first[name] for name in ("score", "au", "taken")] == ["0.5", "L12B", "onset+apex"]


def test_two_who_change_the_scheme_at_once_do_not_undo_each_other(served, coded):
    """A page sends the whole scheme: what another one did since it was opened would go."""
    opened = served.client.get("/api/project").json()["scheme"]["version"]

    def sent(seen, **changes):
        head = {"If-Match": f'"{seen}"'}
        return served.client.put("/api/scheme", json=scheme(**changes), headers=head)

    first = sent(opened, name="of ann")
    assert first.status_code == 200, first.text
    late = sent(opened, name="of bob")
    assert (late.status_code, "somebody else" in late.json()["error"]) == (409, True)
    assert served.client.get("/api/scheme").json()["name"] == "of ann"
    assert sent(first.json()["version"], name="of bob").status_code == 200
