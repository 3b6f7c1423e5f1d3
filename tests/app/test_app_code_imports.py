"""Codes leave and come back: the same coders, tiers, codes, modifiers, frames; none twice."""

import json
import secrets
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "annotations"))
from app_server import serving
from blind_people import Person, coded_blind, leave
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from studies_made_up import boris, eaf

from mescope.annotations.tiers import Cell, Tier
from mescope.app import exports, imports
from mescope.app.import_reader import look, marks_in
from mescope.app.scheme import usual

NAMES = {"elan": "x.eaf", "boris": "x.boris", "json": "x.json", "codes": "x.codes.csv"}


def tier(name, kind, codes, **modifiers):
    """Return a tier of a scheme as its file has it."""
    sets = [{"name": m, "values": [{"name": v} for v in vs]} for m, vs in modifiers.items()]
    return {
        "name": name,
        "kind": kind,
        "exclusive": False,
        "codes": [{"name": one} for one in codes],
        "modifiers": sets,
    }


TIERS = [
    tier("Gaze", "state", ["away", "down"], head=["turned", "bowed"], side=["L", "R"]),
    tier("Hands", "point", ["touch", "away"], note=["ear", "a|b"]),
    tier("Gaze-head", "state", ["micro", "x;y=z%3B", "blink"], code=["=1+1"]),
    tier("ME", "point", ["ME-apex", "speech"], intensity=["A", "E"]),
]
"""A scheme whose words mean something else to programs, too."""


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("codes")) as one:
        one.identity = one.add("a.mp4")
        scheme = usual().to_json() | {"tiers": TIERS}
        assert one.client.put("/api/scheme", json=scheme).status_code == 200
        yield one


def forget(study):
    """Leave the recording as if nobody had coded anything."""
    run = study.project.store.database.run
    run("DELETE FROM events WHERE action != 'analyzed'")
    run("DELETE FROM tiers")
    run("DELETE FROM mappings")
    study.project.review._known.clear()


@pytest.fixture
def case(study):
    forget(study)
    yield study
    leave()


def put(study, found, recording=None):
    rows = [(who, f"c{secrets.token_hex(6)}", values) for who, values in found]
    study.project.store.add_marks(recording or study.identity, rows, "code")


def codes(study, recording=None):
    """Return what is coded, without ids and seconds."""
    url = f"/api/recordings/{recording or study.identity}/codes"
    names = ("coder", "tier", "code", "kind", "first", "last", "note")
    return sorted(
        (*(one[name] for name in names), tuple(sorted(one["modifiers"].items())))
        for one in study.client.get(url).json()["codes"]
    )


def send(study, name, data, client=None, **params):
    return (client or study.client).post(
        f"/api/recordings/{study.identity}/import", content=data, headers={"X-Name": name},
        params=params,
    )  # fmt: skip


def code(tier_name, code_name, first, last=None, note="", **modifiers):
    kind = next(one["kind"] for one in TIERS if one["name"] == tier_name)
    return {
        "tier": tier_name, "code": code_name, "kind": kind, "first": first,
        "last": first if last is None else last, "modifiers": modifiers, "note": note,
    }  # fmt: skip


SOME = [
    ("ann", code("Gaze", "away", 10, 19, head="turned", side="L")),
    ("ann", code("Gaze", "down", 20, 29, note="seen")),
    ("ben", code("Gaze", "away", 12, 22)),
    ("ben", code("Hands", "touch", 40, note="two\nlines", **{"note ": "ear"})),
    ("ann", code("ME", "speech", 119, intensity="E")),
]
SOME[3][1]["modifiers"] = {"note": "ear"}


def export(study, form, who=None):
    params = {"format": form} | ({"who": who} if who else {})
    answer = study.client.get(f"/api/recordings/{study.identity}/export", params=params)
    assert answer.status_code == 200, answer.text
    return answer.content


@pytest.mark.parametrize("form", [*NAMES, "datavyu", "csv"])
def test_codes_come_back_as_codes_and_none_twice(case, form):
    """Whoever brings the file in; nothing of them is kept as a tier besides."""
    name = NAMES.get(form, {"datavyu": "x.opf", "csv": "x.csv"}.get(form))
    put(case, SOME)
    before, data = codes(case), export(case, form)
    again = send(case, name, data, coder="cem").json()
    assert (again["coded"], codes(case)) == ({"added": 0, "known": 5}, before), again
    forget(case)
    answer = send(case, name, data, coder="cem").json()
    assert answer["coded"] == {"added": 5, "known": 0}, answer
    assert codes(case) == before
    assert (answer["added"], answer["kept"]) == (0, [])


class Inside:
    """Reads files without a process of its own, so that many can be read."""

    def __init__(self, *_, **__):
        pass

    def ask(self, *, do, **values):
        return {"marks": marks_in, "look": look}[do](**values)

    def close(self):
        pass


@st.composite
def any_codes(draw):
    found = []
    for _ in range(draw(st.integers(1, 8))):
        one = draw(st.sampled_from(TIERS))
        first = draw(st.integers(0, 119))
        more = 0 if one["kind"] == "point" else draw(st.sampled_from((0, 1, 9, 60)))
        chosen = {
            m["name"]: draw(st.sampled_from([v["name"] for v in m["values"]]))
            for m in one["modifiers"]
            if draw(st.booleans())
        }
        values = code(
            one["name"], draw(st.sampled_from(one["codes"]))["name"], first,
            min(119, first + more), note=draw(st.sampled_from(("", "n", "=1", "a\nb"))),
        )  # fmt: skip
        values["modifiers"] = chosen
        found.append((draw(st.sampled_from(("ann", "ben", "Ça #2", "c@d"))), values))
    return list({json.dumps([who, v], sort_keys=True): (who, v) for who, v in found}.values())


@pytest.mark.parametrize("form", NAMES)
@given(found=any_codes())
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_codes_of_the_scheme_come_back(study, form, found, monkeypatch):
    monkeypatch.setattr(imports, "Sandbox", Inside)
    project, recording = study.project, study.project.recording(study.identity)
    forget(study)
    put(study, found)
    before = {one[:6] + one[7:] for one in codes(study)}
    data = exports.chosen(form).make(project, recording, None)
    assert imports.bring_in(project, recording, NAMES[form], data, "x")["coded"]["added"] == 0
    forget(study)
    answer = imports.bring_in(project, recording, NAMES[form], data, "x")
    assert {one[:6] + one[7:] for one in codes(study)} == before
    assert (answer["kept"], answer["added"]) == ([], 0)


def test_what_the_scheme_does_not_have_stays_a_tier_with_words(case):
    """And goes out again, comes back, and is a code once the scheme has it."""
    put(case, SOME)
    data = export(case, "elan")
    forget(case)
    before = case.client.get("/api/scheme").json()
    less = [tier("Gaze", "state", ["away"], head=["turned"], side=["L"]),
            tier("Hands", "state", ["touch"], note=["ear"])]  # fmt: skip
    case.client.put("/api/scheme", json=before | {"tiers": less})
    try:
        answer = send(case, "x.eaf", data).json()
        assert answer["coded"] == {"added": 2, "known": 0}
        assert answer["remarks"] == [
            "Gaze: 1 not in the code scheme (no code 'down'), kept as a tier",
            "Hands: 1 not in the code scheme (its tier is of states, these are points), "
            "kept as a tier",
            "ME: 1 not in the code scheme (no tier 'ME'), kept as a tier",
        ]
        kept = {(t["name"], t["coder"], t["count"]) for t in answer["kept"]}
        assert kept == {("Gaze", "ann", 1), ("Hands", "ben", 1), ("ME", "ann", 1)}
        again = send(case, "x.eaf", export(case, "elan")).json()
        assert (again["coded"], len(again["kept"])) == ({"added": 0, "known": 2}, 3)
    finally:
        case.client.put("/api/scheme", json=before)
    (found,) = [t for t in case.project.kept.of(case.identity) if t.name == "Hands"]
    assert (found.fields, found.cells[0].values) == (
        ("code", "note", "note"), ("touch", "ear", "two\nlines"),
    )  # fmt: skip
    answer = send(case, "x.eaf", export(case, "elan")).json()
    assert answer["coded"] == {"added": 3, "known": 2}


def test_a_tier_that_is_kept_is_not_lost_to_codes_of_its_name(case):
    other = Tier(name="Nose", coder="ann", cells=(Cell(1, 5, ("x",)),))
    case.project.kept.keep(case.identity, [other], "y.eaf")
    text = (
        "video,tier,kind,code,onset,offset,onset_s,offset_s,end_s,coder,modifiers,note\n"
        "a.mp4,Nose,state,up,1,2,0.033,0.067,0.1,ann,,\n"
        "a.mp4,Nose,state,up,{0},{0},0.1,0.1,0.133,ann,,\n"
    )
    send(case, "x.csv", text.format(3))
    answer = send(case, "x.csv", text.format(4)).json()
    kept = {(t["name"], t["count"]) for t in answer["kept"]}
    assert kept == {("Nose", 1), ("Nose (codes)", 3)}


def test_another_note_is_told_and_a_frame_too_many_refused(case):
    put(case, SOME[:1])
    text = export(case, "codes").decode()
    answer = send(case, "x.csv", text.rstrip() + "changed\r\n").json()
    assert answer["coded"] == {"added": 0, "known": 1}
    assert answer["remarks"] == [
        "1 codes that were there have another note in the file; ours stays"
    ]
    before = codes(case)
    refused = send(case, "x.csv", text.replace("10,19", "10,190"))
    assert (refused.status_code, codes(case)) == (400, before)
    assert "is it another recording?" in refused.json()["error"]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("s.eaf", eaf({"Blick": ("ben", [(333, 667, "away"), (700, 967, "Down")])})),
        ("s.boris", boris({"down": ("ben", [(333, 667, "turned"), (1000, 1333, "who?")])})),
    ],
)
def test_tiers_of_other_programs_are_proposed_as_codes_and_come_in(case, name, data):
    """By their values, or by the name of a behaviour."""
    headers = {"X-Name": name}
    url = f"/api/recordings/{case.identity}"
    found = case.client.post(f"{url}/look", content=data, headers=headers).json()
    (row,) = found["tiers"]
    by_values = {"name": "Blick", "means": "codes", "tier": "Gaze"}
    by_name = {"name": "down", "means": "codes", "tier": "Gaze", "code": "down"}
    assert row["means"] == (by_values if name == "s.eaf" else by_name)
    case.client.post("/api/mapping", json={"tiers": [row["means"] | {"keep": False}]})
    answer = send(case, name, data, mapped=True, coder="cem").json()
    expected = {
        "s.eaf": [
            ("ben", "Gaze", "away", "state", 10, 19, "", ()),
            ("ben", "Gaze", "down", "state", 21, 28, "", ()),
        ],
        "s.boris": [
            ("ben", "Gaze", "down", "state", 10, 19, "", (("head", "turned"),)),
            ("ben", "Gaze", "down", "state", 30, 39, "who?", ()),
        ],
    }
    assert codes(case) == expected[name]
    assert answer["kept"] == []
    assert answer["counts"][0]["marks"] == len(expected[name])


def test_who_codes_blind_brings_in_their_own_alone(case):
    """Nothing of others comes in, is told, or is changed before a recording is finished."""
    put(case, SOME)
    mine, all_of_it = export(case, "elan", "ann"), export(case, "elan")
    theirs = Tier(name="Nose", coder="ben", cells=(Cell(1, 5, ("x",)),))
    case.project.kept.keep(case.identity, [theirs], "y.eaf")
    with_theirs = export(case, "json", "ben")
    case.project.store.database.run("DELETE FROM events WHERE coder = 'ann'")
    case.project.review._known.clear()
    before, tiers = codes(case), case.project.kept.of(case.identity)
    with coded_blind(case):
        ann = Person(case, "ann")
        for data, name in ((all_of_it, "x.eaf"), (with_theirs, "x.json")):
            refused = send(case, name, data, ann.http, coder="ann")
            assert refused.status_code == 403, refused.text
            assert "expected a judgement of ann" in refused.json()["error"]
        only = Tier(name="Nose", coder="ben", cells=(Cell(2, 9, ("y",)),))
        changed = eaf({only.name: ("ben", [(2, 9, "y")])})
        refused = send(case, "y.eaf", changed, ann.http, coder="ann", mapped=True)
        assert refused.status_code == 403, refused.text
        answer = send(case, "x.eaf", mine, ann.http, coder="ann").json()
        assert answer["coded"] == {"added": 3, "known": 0}
        assert answer["kept"] == []
        url = f"/api/recordings/{case.identity}/codes"
        assert {one["coder"] for one in ann.http.get(url).json()["codes"]} == {"ann"}
        assert ann.judge(case.identity, "reviewed").status_code == 200
        refused = send(case, "x.eaf", mine, ann.http, coder="ann")
        assert (refused.status_code, "you finished" in refused.text) == (403, True)
    assert case.project.kept.of(case.identity) == tiers
    assert {one for one in codes(case) if one[0] == "ben"} == set(before)
