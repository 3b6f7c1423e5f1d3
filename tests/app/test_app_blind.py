"""Blind coding over HTTP: nothing of the model and of others before a recording is finished."""

import sys
import threading
from pathlib import Path

import pytest
from app_server import serving
from blind_people import Person, coded_blind, leave

sys.path.insert(0, str(Path(__file__).parents[1] / "annotations"))
from studies_made_up import eaf

from mescope.annotations.tiers import Cell, Tier
from mescope.app import blind
from mescope.app.routes_pictures import _onset
from mescope.app.sight import VIEWER, BlindError, Viewer

SECRETS = (
    b"m30-40-49", b"m70-75-80", b"bob", b"zeta", b"seen by b", b"made-up", b"no face",
    b"Hidden hands", b"Hidden gaze",
)  # fmt: skip
"""Marks, model and reason of the made-up analysis; name, emotion, note, codes and kept tiers of
another coder."""
_PIXELS = (".jpg", "/pair", "/overlay/{n}", "/file", "/progress")
"""Pictures of the video itself, for anybody who codes it; and a stream without end."""
_FILLED = {
    "n": "35", "first": "0", "last": "9", "onset": "30", "apex": "40", "magnify": "2",
    "format": "json", "a": "model", "b": "bob", "who": "model", "frame": "35",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _leaving():
    yield
    leave()


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("blind")) as one:
        scheme = one.client.get("/api/scheme").json()
        hands = {"name": "Hands", "kind": "state", "codes": [{"name": "touch"}]}
        sent = one.client.put("/api/scheme", json={**scheme, "tiers": [hands]})
        assert sent.status_code == 200, sent.text
        yield one


@pytest.fixture
def case(study, request):
    """Bob marked 60-69 and finished; ann has not looked yet."""
    name = f"{request.node.name[:40]}.mp4"
    identity = study.known_as_analyzed(name)
    study.judge(
        identity, "add", coder="bob", first=60, last=69, emotion="zeta", note="seen by b"
    )
    hands = {
        "tier": "Hands", "code": "touch", "kind": "state", "first": 5, "last": 9,
        "note": "Hidden hands",
    }  # fmt: skip
    coded = study.judge(identity, "code", coder="bob", **hands)
    assert coded.status_code == 200, coded.text
    cells = (Cell(start=100, end=200, values=("left",)),)
    gaze = Tier(name="Hidden gaze", coder="bob", cells=cells)
    study.project.kept.keep(identity, [gaze], "gaze.eaf")
    study.judge(identity, "reviewed", coder="bob")
    return identity


def test_no_answer_of_any_kind_tells_who_has_not_finished(study, case):
    """Every address that the server knows is asked, by ann and by nobody."""
    with coded_blind(study):
        paths = study.client.get("/openapi.json").json()["paths"]
        for person in (Person(study, ""), Person(study, "ann")):
            asked = 0
            for path, methods in paths.items():
                if "get" not in methods or path.endswith(_PIXELS):
                    continue
                parameters = methods["get"].get("parameters", [])
                given = {p["name"]: _FILLED.get(p["name"]) for p in parameters}
                query = {
                    p["name"]: given[p["name"]]
                    for p in parameters
                    if p["in"] == "query" and given[p["name"]] is not None
                }
                filled = path.replace("{id}", case).replace("{n}", "35")
                answer = person.http.get(filled, params=query)
                assert "{" not in filled, path
                assert answer.status_code < 500, (path, answer.text)
                said = answer.content.replace(b"model and bob", b"")  # what was asked
                told = [word for word in SECRETS if word in said]
                assert not told, (path, told)
                asked += 1
            assert asked > 15


def test_arrows_on_the_picture_tell_no_onset(study, case):
    """They begin where a mark around the frame begins, of the marks that may be seen."""
    recording = study.project.recording(case)
    with coded_blind(study):
        token = VIEWER.set(Viewer("ann"))
        try:
            assert _onset(study.project, recording, 35) is None
        finally:
            VIEWER.reset(token)
        assert _onset(study.project, recording, 35) == 30  # as the server itself sees it


def test_each_form_of_export_is_refused_or_empty(study, case):
    with coded_blind(study):
        ann = Person(study, "ann")
        for form in ("csv", "elan", "json", "html", "megc"):
            url = f"/api/recordings/{case}/export"
            for who in ("model", "bob", "consensus"):
                answer = ann.http.get(url, params={"format": form, "who": who})
                assert answer.status_code == 403, (form, who)
            answer = ann.http.get(url, params={"format": form})
            assert not any(word in answer.content for word in SECRETS), form
        assert ann.http.get(f"/api/recordings/{case}/traces").status_code == 403


def test_a_coder_codes_finishes_sees_and_cannot_go_back(study, case):
    with coded_blind(study):
        ann = Person(study, "ann")
        shown = ann.http.get(f"/api/recordings/{case}").json()
        assert (shown["state"], shown["blind"], shown["analyzed"]) == ("to code", True, False)
        assert shown["events"] == shown["gaps"] == shown["candidates"] == []
        assert ann.marks(case) == {
            "revision": 0, "reviewed": False, "finished": [], "detections": [],
            "annotations": [],
        }  # fmt: skip
        assert ann.judge(case, "confirm", "m30-40-49").status_code == 400  # as if not there
        assert ann.judge(case, "add", coder="bob", first=1, last=2).status_code == 403
        own = ann.judge(case, "add", first=58, last=68, emotion="fear").json()["annotations"]
        assert [(m["first"], m["coder"]) for m in own] == [(58, "ann")]
        ann.judge(case, "edit", own[0]["id"], last=69)
        assert ann.marks(case)["revision"] == 2  # hers alone
        assert ann.judge(case, "reviewed").status_code == 200
        found = ann.marks(case)
        assert {m["coder"] for m in found["annotations"]} == {"ann", "bob"}
        assert len(found["detections"]) == 2
        assert ann.http.get(f"/api/recordings/{case}").json()["state"] == "finished"
        for answer in (
            ann.judge(case, "edit", own[0]["id"], first=60),
            ann.judge(case, "reviewed", reviewed=False),
            ann.http.post(
                f"/api/recordings/{case}/undo",
                json={"revision": found["revision"], "coder": "ann"},
            ),
        ):
            assert (answer.status_code, "finished" in answer.json()["error"]) == (403, True)


def test_who_has_not_finished_is_hidden_also_afterwards(study, case):
    with coded_blind(study):
        ann, cid = Person(study, "ann"), Person(study, "cid")
        cid.judge(case, "add", first=3, last=9)
        ann.judge(case, "reviewed")
        assert {m["coder"] for m in ann.marks(case)["annotations"]} == {"bob"}
        cid.judge(case, "reviewed")
        assert {m["coder"] for m in ann.marks(case)["annotations"]} == {"bob", "cid"}


def test_a_name_belongs_to_who_took_it_and_the_lead_can_let_it_go(study):
    with coded_blind(study) as lead:
        Person(study, "dan", "first one")
        stranger = Person(study, "")
        sent = {"coder": "dan", "password": "another"}
        assert stranger.http.post("/api/blind/sign-in", json=sent).status_code == 403
        assert (
            stranger.http.post("/api/blind/release", json={"coder": "dan"}).status_code == 403
        )
        assert stranger.http.delete("/api/blind").status_code == 403
        assert lead.http.post("/api/blind/release", json={"coder": "dan"}).json()["released"]
        assert stranger.http.post("/api/blind/sign-in", json=sent).status_code == 200
        stranger.http.post("/api/blind/sign-out")
        assert stranger.http.get("/api/blind").json()["blind"]["coder"] == ""


def test_the_lead_sees_all_and_codes_nothing(study, case):
    with coded_blind(study) as lead:
        assert len(lead.marks(case)["detections"]) == 2
        assert lead.judge(case, "add", first=1, last=2).status_code == 403
        assert lead.judge(case, "add", coder="consensus", first=1, last=2).status_code == 200


def test_the_order_is_drawn_from_a_seed_and_stays(study):
    for n in range(8):  # of four, one order in 24 is that of the names
        study.add(f"order{n}.mp4")

    def names(name):
        listed = Person(study, name).http.get("/api/recordings").json()
        return [one["name"] for one in listed if one["name"].startswith("order")]

    with coded_blind(study, seed="7"):
        ann, bob = names("ann"), names("bob")
        assert sorted(ann) == sorted(bob) != ann
        assert ann != bob
        study.add("order-late.mp4")
        assert [n for n in names("ann") if n != "order-late.mp4"] == ann
    with coded_blind(study, seed="7"):
        assert [n for n in names("ann") if n != "order-late.mp4"] == ann


def test_who_saw_what_when_is_kept_and_leaves_as_a_table(study, case):
    with coded_blind(study) as lead:
        ann = Person(study, "ann")
        ann.marks(case)
        ann.judge(case, "reviewed")
        ann.marks(case)
        for part in ("codes", "tiers", "export?format=csv&who=bob"):
            ann.http.get(f"/api/recordings/{case}/{part}")
        assert ann.http.get("/api/blind/trail.csv").status_code == 403
        lines = lead.http.get("/api/blind/trail.csv").text.splitlines()
        assert lines[0] == "number,time_utc,coder,what,recording_id,recording,detail"
        mine = [line.split(",", 2)[2] for line in lines if f",{case}," in line]
        name = study.client.get(f"/api/recordings/{case}").json()["name"]
        assert [one for one in mine if one.startswith("ann,")] == [
            f"ann,asked marks,{case},{name},blind: own only",
            f"ann,asked marks,{case},{name},revealed",
            f"ann,asked codes,{case},{name},revealed",
            f"ann,asked tiers,{case},{name},revealed",
            f"ann,asked export,{case},{name},revealed format=csv&who=bob",
        ]
        assert any("lena,blind on" in line for line in lines)


def test_after_the_end_everybody_sees_everything(study, case):
    with coded_blind(study):
        Person(study, "ann").judge(case, "add", first=1, last=2)
    found = study.client.get(f"/api/recordings/{case}/marks").json()
    assert {m["coder"] for m in found["annotations"]} == {"ann", "bob"}
    assert len(found["detections"]) == 2


def sent_in(person, identity, cells, **params):
    """Send an ELAN file with tiers: name, coder and cells of each."""
    return person.http.post(
        f"/api/recordings/{identity}/import", content=eaf(cells), params=params,
        headers={"X-Name": "x.eaf"},
    )  # fmt: skip


def test_a_file_changes_no_tier_of_others_and_none_that_is_finished(study, case):
    """Neither by its coder's name, which a file may claim, nor by taking a tier out."""
    tiers = f"/api/recordings/{case}/tiers"
    mapping = {"tiers": [{"name": "Talk", "means": "keep", "coder": "bob"}]}
    assert study.client.post("/api/mapping", json=mapping).status_code == 200
    with coded_blind(study):
        ann = Person(study, "ann")
        claimed = sent_in(ann, case, {"Hidden gaze": ("bob", [(0, 50, "x")])}, mapped=True)
        assert claimed.status_code == 403, claimed.text
        assert "bob" not in ann.http.get("/api/mapping").text
        own = sent_in(ann, case, {"Talk": ("", [(0, 50, "yes")])}, mapped=True)
        assert [(t["name"], t["coder"]) for t in own.json()["kept"]] == [("Talk", "ann")]
        assert "bob" not in ann.http.post("/api/mapping", json={"tiers": []}).text
        ann.judge(case, "reviewed")
        seen = {(t["name"], t["coder"]) for t in ann.http.get(tiers).json()}
        assert seen == {("Talk", "ann"), ("Hidden gaze", "bob")}
        for name, coder in seen:
            gone = ann.http.delete(tiers, params={"name": name, "coder": coder})
            assert gone.status_code == 403, gone.text
        late = sent_in(ann, case, {"Talk": ("", [(0, 70, "no")])}, mapped=True)
        assert late.status_code == 403, late.text
    kept = {t.coder: t.cells[0].values for t in study.project.kept.of(case)}
    assert kept == {"ann": ("yes",), "bob": ("left",)}
    assert study.project.kept.mapping().of("Talk").coder == "bob"
    assert (
        study.client.delete(tiers, params={"name": "Talk", "coder": "ann"}).status_code == 200
    )


def test_of_two_who_take_a_name_at_once_one_has_it(study, monkeypatch):
    """The second one comes while the password of the first one is hashed."""
    digest, came = blind._digest, []

    def meanwhile(password, salt):
        monkeypatch.undo()
        came.append(study.project.blind.sign_in("eve", "the second one"))
        return digest(password, salt)

    monkeypatch.setattr(blind, "_digest", meanwhile)
    with pytest.raises(BlindError, match="another"):
        study.project.blind.sign_in("eve", "the first one")
    assert study.project.blind.sign_in("eve", "the second one")
    with pytest.raises(BlindError):
        study.project.blind.sign_in("eve", "the first one")


def test_what_was_read_before_it_was_blind_is_not_believed_after(study, monkeypatch):
    """Somebody asks for the setting while another one begins; afterwards it is blind."""
    one, read = study.project.blind, study.project.blind._tables.setting
    one._known, waiting, begun = None, threading.Event(), threading.Event()

    def slow(name):
        found = read(name)
        waiting.set()
        begun.wait(1)
        return found

    monkeypatch.setattr(one._tables, "setting", slow)
    asking = threading.Thread(target=one.setting)
    asking.start()
    waiting.wait(60)
    beginning = threading.Thread(
        target=lambda: (one._set({"lead": "lena", "seed": "", "since": ""}), begun.set())
    )
    beginning.start()
    asking.join(60)
    beginning.join(60)
    monkeypatch.undo()
    assert one.setting() is not None
    one._set(None)


def test_who_may_not_remove_a_recording_ends_no_analysis_of_it(study, case, monkeypatch):
    ended = []
    monkeypatch.setattr(study.jobs, "cancel", ended.append)
    with coded_blind(study):
        answer = Person(study, "ann").http.delete(f"/api/recordings/{case}")
        assert (answer.status_code, ended) == (403, [])
