"""What the server answers, over a real socket."""

import json
import re
import threading
import time
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from app_server import decoded
from numbered_video import number_of, picture, write_numbered

from mescope.synthesis.encode import write_video
from mescope.video.arrays import ArrayVideo

NO_ID = "0" * 12


# -- what is there -----------------------------------------------------------------------


def test_the_project_says_what_it_takes(served):
    found = served.client.get("/api/project").json()
    assert {"name", "version", "emotions", "limits"} <= set(found)
    assert found["emotions"][:4] == ["negative", "positive", "surprise", "others"]
    assert "neutral" not in found["emotions"]
    assert found["limits"]["upload_bytes"] == 2_000_000


def test_a_recording_says_what_it_is(served, numbers):
    found = served.client.get(f"/api/recordings/{numbers}").json()
    facts = {
        k: found[k] for k in ("name", "frames", "rate", "width", "height", "variable_rate")
    }
    assert facts == {"name": "numbers.mp4", "frames": 120, "rate": 30.0, "width": 128,
                     "height": 48, "variable_rate": False}  # fmt: skip
    assert found["seconds"] == pytest.approx(4.0)
    assert str(served.folder) not in json.dumps(found)


def test_frames_are_exact_in_any_order(served, numbers):
    url = f"/api/recordings/{numbers}/frames"
    for n in (0, 1, 2, 119, 60, 59, 58, 57, 61, 0, 100, 30):
        assert number_of(decoded(served.client.get(f"{url}/{n}.jpg"))) == n
    assert decoded(served.client.get(f"{url}/7.jpg?width=64")).shape == (24, 64, 3)


def test_a_frame_that_was_sent_is_not_sent_again(served, numbers):
    url = f"/api/recordings/{numbers}/frames/5.jpg"
    first = served.client.get(url)
    again = served.client.get(url, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_times_and_the_thumbnail(served, numbers):
    found = served.client.get(f"/api/recordings/{numbers}/times?first=3&last=5").json()
    assert found["first"] == 3
    assert found["times"] == pytest.approx([0.1, 4 / 30, 5 / 30], abs=1e-9)
    tail = served.client.get(f"/api/recordings/{numbers}/times?first=118&last=400").json()
    assert len(tail["times"]) == 2
    many = served.client.get(f"/api/recordings/{numbers}/times?first=0&last=20000")
    assert many.status_code == 400
    thumbnail = served.client.get(f"/api/recordings/{numbers}/thumbnail.jpg")
    assert number_of(decoded(thumbnail)) == 11


def test_traces_wait_for_an_analysis(served, numbers, analyzed):
    early = served.client.get(f"/api/recordings/{numbers}/traces")
    assert (early.status_code, "analyze it" in early.json()["error"]) == (404, True)
    found = served.client.get(f"/api/recordings/{analyzed}/traces?points=12").json()
    assert max(v for v in found["series"]["spotting"]["max"]) == pytest.approx(0.9)
    assert "emotion:positive" in found["series"]
    assert "region:BROW_L_20" in found["series"]


def test_a_pair_and_an_overlay_without_a_face(served, numbers):
    url = f"/api/recordings/{numbers}"
    image = decoded(served.client.get(f"{url}/pair?onset=10&apex=12&magnify=5"))
    assert image.shape == (320, 968, 3)
    assert served.client.get(f"{url}/overlay/3").json() == {
        "landmarks": None, "regions": [], "arrows": [],
    }  # fmt: skip


def test_damage_is_told_in_words(served):
    """A file that is none does not stop the others (V2)."""
    (served.folder / "text.mp4").write_text("no video at all")
    identity = served.known("text.mp4")
    found = served.client.get(f"/api/recordings/{identity}").json()
    assert (found["state"], "not a supported video" in found["error"]) == ("failed", True)
    for tail in ("frames/0.jpg", "thumbnail.jpg"):
        answer = served.client.get(f"/api/recordings/{identity}/{tail}")
        assert answer.status_code == 404
        assert "not a supported video" in answer.json()["error"]
    assert served.client.post(f"/api/recordings/{identity}/analyze").status_code == 400


def test_a_playlist_opens_nothing(served, tmp_path):
    """As a file of the folder and as an upload."""
    secret = write_numbered(tmp_path / "secret.mp4", 3)
    text = f"ffconcat version 1.0\nfile '{secret}'\n"
    (served.folder / "list.mp4").write_text(text)
    assert "playlist" in served.client.get(
        f"/api/recordings/{served.known('list.mp4')}").json()["error"]  # fmt: skip
    sent = served.client.post("/api/recordings", content=text, headers={"X-Name": "sent.mp4"})
    assert "playlist" in sent.json()["error"]
    served.client.delete(f"/api/recordings/{sent.json()['id']}?file=true")


# -- judging -----------------------------------------------------------------------------


def test_judging_undoing_and_the_history(served, analyzed):
    first = served.client.get(f"/api/recordings/{analyzed}/marks").json()
    mark = first["detections"][0]
    assert (mark["first"], mark["apex"], mark["last"], mark["status"]) == (
        30,
        40,
        49,
        "proposed",
    )
    assert "brow" in mark["evidence"]["sentence"]
    after = served.judge(analyzed, "edit", mark["id"], first=28, apex=40, last=50).json()
    mark = after["detections"][0]
    assert (mark["first"], mark["changed"], mark["original"]["first"]) == (28, True, 30)
    assert mark["onset_s"] == pytest.approx(28 / 30)
    body = {"revision": after["revision"], "coder": "ann"}
    back = served.client.post(f"/api/recordings/{analyzed}/undo", json=body).json()
    assert back["detections"][0] == first["detections"][0]
    log = served.client.get(f"/api/recordings/{analyzed}/history").json()
    assert [e["action"] for e in log] == ["analyzed", "edit", "undo"]
    assert log[1]["undone"]


def test_a_brief_answer_tells_the_one_mark_that_changed(served, analyzed):
    """Applied to what was seen before, it gives what a page that loads everything sees."""
    url = f"/api/recordings/{analyzed}"
    seen = served.client.get(f"{url}/marks").json()
    steps = [
        ("edit", "m30-40-49", {"first": 28}), ("add", None, {"first": 90, "last": 99}),
        ("remove", "added", {}), ("reviewed", None, {}), ("undo", None, {}), ("undo", None, {}),
    ]  # fmt: skip
    for action, mark, values in steps:
        if mark == "added":
            mark = seen["annotations"][0]["id"]
        body = {"revision": seen["revision"], "coder": "ann"}
        if action != "undo":
            body |= {"action": action, "mark": mark, "values": values}
        tail = "undo" if action == "undo" else "events"
        told = served.client.post(f"{url}/{tail}?brief=true", json=body).json()
        assert len(told["detections"] + told["annotations"] + told["removed"]) <= 1
        for kind in ("detections", "annotations"):
            gone = {*told["removed"], *(m["id"] for m in told[kind])}
            kept = [m for m in seen[kind] if m["id"] not in gone]
            seen[kind] = sorted([*kept, *told[kind]], key=lambda m: m["first"])
        seen |= {name: told[name] for name in ("revision", "reviewed", "finished")}
        assert seen == served.client.get(f"{url}/marks").json()


def test_some_marks_are_asked_for_by_their_ids(served, analyzed):
    """Those that are not there are named; too many at once are refused in words."""
    url = f"/api/recordings/{analyzed}/marks"
    served.judge(analyzed, "add", first=1, last=3)
    whole = served.client.get(url).json()
    second, own = whole["detections"][1], whole["annotations"][0]
    some = served.client.get(url, params={"ids": f"{own['id']},none,{second['id']}"}).json()
    assert (some["detections"], some["annotations"]) == ([second], [own])
    assert (some["removed"], some["revision"]) == (["none"], whole["revision"])
    alone = served.client.get(url, params={"ids": own["id"], "coder": "bea"}).json()
    assert (alone["annotations"], alone["removed"]) == ([], [own["id"]])
    many = ",".join(["none"] * 501)
    answer = served.client.get(url, params={"ids": many})
    assert (answer.status_code, "at most 500 marks, found 501" in answer.text) == (400, True)
    assert served.client.get(url, params={"ids": "x" * 50_001}).status_code == 400
    assert served.client.get(f"/api/recordings/{'0' * 12}/marks/rows").status_code == 404


def test_who_comes_late_with_a_brief_judgement_is_told_the_one_mark(served, analyzed):
    seen = served.client.get(f"/api/recordings/{analyzed}/marks").json()
    first, second = (mark["id"] for mark in seen["detections"])
    served.judge(analyzed, "confirm", first)
    served.judge(analyzed, "reject", second)
    url = f"/api/recordings/{analyzed}"
    late = {"revision": seen["revision"], "coder": "bea"}
    answer = served.client.post(
        f"{url}/events?brief=true", json=late | {"action": "reject", "mark": first}
    )
    assert answer.status_code == 409
    (told,) = answer.json()["marks"]["detections"]
    assert (told["id"], told["status"]) == (first, "confirmed")
    answer = served.client.post(f"{url}/undo?brief=true", json=late).json()
    assert (answer["marks"]["detections"], answer["marks"]["removed"]) == ([], [])


def test_what_is_known_of_a_recording_needs_none_of_its_marks(served, analyzed):
    store = served.project.store
    outline, whole = (store.analysis(analyzed, whole=w).document for w in (False, True))
    assert outline == {k: v for k, v in whole.items() if k not in ("marks", "detections")}
    assert whole["marks"]
    assert outline["gaps"]


def test_a_judgement_among_very_many_marks_stays_small(served):
    """Of 5000 detections, some of the same frames, every one has an id of its own."""
    identity = served.known_as_analyzed("many.mp4")
    found = {"onset": 3, "apex": 4, "offset": 9, "emotion": "positive", "score": 0.5}
    many = [found | {"offset": 9 + n % 110} for n in range(5000)]
    traces = served.project.store.trace_file(identity)
    served.project.review.enter_analysis(identity, {"detections": many}, traces)
    url = f"/api/recordings/{identity}"
    marks = served.client.get(f"{url}/marks").json()
    ids = {mark["id"] for mark in marks["detections"]}
    assert len(ids) == 5000
    body = {"revision": marks["revision"], "coder": "ann", "action": "confirm",
            "mark": max(ids)}  # fmt: skip
    answer = served.client.post(f"{url}/events?brief=true", json=body)
    assert answer.json()["detections"][0]["status"] == "confirmed"
    assert len(answer.content) < 2000
    served.client.delete(f"{url}?file=true")


def test_two_tabs_edit_one_mark(served, analyzed):
    """The second gets 409 with what the first did, and nothing is lost."""
    seen = served.client.get(f"/api/recordings/{analyzed}/marks").json()
    mark, revision = seen["detections"][0]["id"], seen["revision"]
    assert served.judge(analyzed, "confirm", mark, revision=revision).status_code == 200
    late = served.judge(analyzed, "reject", mark, coder="bea", revision=revision)
    assert late.status_code == 409
    assert late.json()["marks"]["detections"][0]["status"] == "confirmed"
    again = served.judge(analyzed, "reject", mark, coder="bea")
    assert again.json()["detections"][0]["coder"] == "bea"
    alone = served.client.get(f"/api/recordings/{analyzed}/marks?coder=ann").json()
    assert alone["detections"][0]["status"] == "confirmed"


def test_a_judgement_that_is_sent_twice_counts_once(served, analyzed):
    """A page that lost its connection sends again."""
    revision = served.client.get(f"/api/recordings/{analyzed}/marks").json()["revision"]
    body = {"revision": revision, "coder": "ann", "action": "add", "key": "a-key-of-the-page",
            "values": {"first": 1, "apex": 2, "last": 3}}  # fmt: skip
    answers = [
        served.client.post(f"/api/recordings/{analyzed}/events", json=body) for _ in range(2)
    ]
    assert [a.status_code for a in answers] == [200, 200]
    assert len(answers[1].json()["annotations"]) == 1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"first": 5, "last": 4}, "first <= apex <= last"),
        ({"first": 5, "apex": 9, "last": 8}, "apex 9"),
        ({"first": 5, "last": 120}, "< 120"),
        ({"first": -1, "last": 4}, "0 <= first"),
        ({"first": 1.5, "last": 4}, "frame number"),
        ({"first": True, "last": 4}, "frame number"),
        ({"last": 4}, "first None"),
        ({"first": 1, "last": 4, "action_units": ["banana"]}, "action unit"),
        ({"first": 1, "last": 4, "confidence": 2}, "0 to 1"),
        ({"first": 1, "last": 4, "emotion": "x" * 100}, "64 characters"),
        ({"first": 1, "last": 4, "note": ["x"]}, "as text"),
        ({"first": 1, "last": 4, "colour": "red"}, "'colour'"),
    ],
)
def test_values_that_make_no_sense(served, analyzed, values, said):
    answer = served.judge(analyzed, "add", **values)
    assert answer.status_code == 400
    assert said in answer.json()["error"]
    assert served.client.get(f"/api/recordings/{analyzed}/marks").json()["annotations"] == []


@pytest.mark.parametrize(
    ("action", "own", "said"),
    [
        ("confirm", True, "edit or remove"),
        ("remove", False, "reject it"),
        ("confirm", None, "id"),
    ],
)
def test_actions_on_the_wrong_mark(served, analyzed, action, own, said):
    marks = served.judge(analyzed, "add", first=1, last=3).json()
    mark = None if own is None else marks["annotations" if own else "detections"][0]["id"]
    assert said in served.judge(analyzed, action, mark).json()["error"]


@pytest.mark.parametrize("coder", ["", "  ", "model", "MODEL", "x" * 65, "\u202e", 5, None])
def test_names_that_are_none(served, analyzed, coder):
    assert served.judge(analyzed, "reviewed", coder=coder).status_code == 400


def test_reviewed_is_a_state_of_the_recording(served, analyzed):
    served.judge(analyzed, "reviewed")
    assert served.client.get(f"/api/recordings/{analyzed}").json()["state"] == "reviewed"
    served.judge(analyzed, "reviewed", reviewed=False)
    assert served.client.get(f"/api/recordings/{analyzed}").json()["state"] == "to review"


def test_each_coder_finishes_for_themselves(served, analyzed):
    served.judge(analyzed, "reviewed")
    found = served.judge(analyzed, "reviewed", coder="bea", reviewed=False).json()
    assert (found["reviewed"], found["finished"]) == (True, ["ann"])
    assert served.client.get(f"/api/recordings/{analyzed}").json()["state"] == "reviewed"
    found = served.judge(analyzed, "reviewed", coder="bea").json()
    assert found["finished"] == ["ann", "bea"]
    page = served.client.get(f"/api/recordings/{analyzed}/marks/rows").json()
    assert page["finished"] == ["ann", "bea"]


@pytest.mark.parametrize("action", ["edit", "remove"])
def test_what_another_coder_marked_is_refused_with_whose_it_is(served, analyzed, action):
    own = served.judge(analyzed, "add", first=90, last=99).json()["annotations"][0]
    values = {"last": 92} if action == "edit" else {}
    answer = served.judge(analyzed, action, own["id"], coder="bea", **values)
    assert answer.status_code == 400
    assert "found one of ann" in answer.json()["error"]
    mine = served.client.get(f"/api/recordings/{analyzed}/marks").json()["annotations"]
    assert mine == [own]


def test_hostile_text_comes_back_as_text(served, analyzed):
    """Markup, direction marks, a long note; control characters go."""
    note = (
        '<script>alert(1)</script>"><img onerror=x> \u202e\u2028 ]]> -->\0\x1b\n' + "x" * 10_000
    )
    found = served.judge(analyzed, "add", first=1, last=3, note=note).json()["annotations"][0]
    assert found["note"] == note.replace("\0", "").replace("\x1b", "")
    page = served.client.get(f"/api/recordings/{analyzed}/export?format=html").text
    assert "<script>" not in page
    assert "<img" not in page
    assert served.judge(analyzed, "add", first=1, last=3, note="x" * 30_000).status_code == 400


# -- bad requests ------------------------------------------------------------------------

TRICKS = [
    "../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%252e%252e%252f", "..%5c..%5cx", "C:%5cx",
    "C:x", "%5c%5chost%5cshare", "%2fwindows%2fwin.ini", "%00", "a.mp4::$DATA", "numbers.mp4",
    "." * 12, NO_ID, "é" * 12, "0" * 11 + "%0a",
]  # fmt: skip


@pytest.mark.parametrize("trick", TRICKS)
def test_no_address_leads_out(served, trick):
    """In the place of every id, and of every file of the page."""
    for url in (f"/api/recordings/{trick}", f"/api/recordings/{trick}/file",
                f"/api/recordings/{trick}/frames/0.jpg", f"/api/recordings/{trick}/marks",
                f"/static/{trick}", f"/{trick}"):  # fmt: skip
        answer = served.client.get(url)
        assert answer.status_code in (400, 404), url
        assert "root:" not in answer.text


@pytest.mark.parametrize("name", TRICKS[:10])
def test_no_upload_leads_out(served, name, tmp_path):
    before = {p for p in served.folder.parent.rglob("*") if served.folder not in p.parents}
    answer = served.client.post(
        "/api/recordings", content=b"x", headers={"X-Name": f"{name}.mp4"}
    )
    assert answer.status_code in (201, 400)
    if answer.status_code == 201:
        served.client.delete(f"/api/recordings/{answer.json()['id']}?file=true")
    after = {p for p in served.folder.parent.rglob("*") if served.folder not in p.parents}
    assert {p for p in after - before if "mescope" not in str(p)} == set()


def test_a_link_out_of_the_folder_is_no_recording(served, tmp_path):
    write_numbered(tmp_path / "outside.mp4", 3)
    (served.folder / "link.mp4").symlink_to(tmp_path / "outside.mp4")
    found = served.client.post("/api/recordings/rescan").json()
    (served.folder / "link.mp4").unlink()
    assert [s["name"] for s in found["skipped"]] == ["link.mp4"]
    assert "link.mp4" not in [r["name"] for r in found["recordings"]]


def test_a_recording_that_becomes_a_link_later(served, tmp_path):
    """What was looked at once is checked again each time."""
    identity = served.add("turns.mp4", 10)
    path = served.folder / "turns.mp4"
    path.unlink()
    path.symlink_to("/etc/passwd")
    for tail in ("file", "frames/0.jpg"):
        answer = served.client.get(f"/api/recordings/{identity}/{tail}")
        assert answer.status_code in (400, 404)
        assert "root:" not in answer.text
    path.unlink()
    assert served.client.get(f"/api/recordings/{identity}/file").status_code in (400, 404)
    served.client.delete(f"/api/recordings/{identity}")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"{", b'{"revision": NaN}', b'{"revision": Infinity}',
        b'{"coder":"a","coder":"b"}', b"[" * 100_000, b'{"a":' * 30_000, b"\xff\xfe",
        b'{"revision": ' + b"9" * 10_000 + b"}", b'{"revision": 1e400, "coder": "a"}',
        b'{"revision": 0, "coder": "a", "action": "confirm", "more": 1}',
        b'{"revision": "0", "coder": "a", "action": "confirm"}',
        b'{"revision": 0, "coder": "a", "action": "erase"}',
        b'{"revision": 0, "coder": "a", "action": "add", "values": []}',
    ],
)  # fmt: skip
def test_json_that_is_none(served, analyzed, body):
    for tail in ("events", "undo"):
        answer = served.client.post(f"/api/recordings/{analyzed}/{tail}", content=body)
        assert answer.status_code == 400, answer.text
        assert list(answer.json()) == ["error"]
        assert "\n" not in answer.json()["error"]


def test_a_body_without_end_is_cut_off(served, analyzed):
    """Whatever it announces."""
    url = f"/api/recordings/{analyzed}/events"

    def endless():
        for _ in range(10_000):
            yield b" " * 1000

    assert served.client.post(url, content=endless()).status_code == 413
    assert served.client.post(url, content=b" " * 300_000).status_code == 413


def test_unknown_addresses_and_methods_answer_in_json(served, numbers):
    for method, url, status in (("GET", "/api/nothing", 404), ("PUT", "/api/project", 405),
                                ("GET", f"/api/recordings/{NO_ID}", 404),
                                ("GET", f"/api/recordings/{numbers}/frames/120.jpg", 404),
                                ("GET", f"/api/recordings/{numbers}/frames/-1.jpg", 400),
                                ("GET", f"/api/recordings/{numbers}/frames/x.jpg", 400),
                                ):  # fmt: skip
        answer = served.client.request(method, url)
        assert answer.status_code == status, url
        assert list(answer.json()) == ["error"]


# -- uploads -----------------------------------------------------------------------------


def upload(served, data, name="sent.mp4", **headers):
    return served.client.post(
        "/api/recordings", content=data, headers={"X-Name": quote(name), **headers}
    )


def incoming(served):
    return list((served.project.home / "incoming").iterdir())


def test_an_upload_becomes_a_recording_once(served, tmp_path):
    """The same content again is the same recording."""
    data = write_numbered(tmp_path / "a.mp4", 33).read_bytes()
    answer = upload(served, data, "../Frau Müller 😀.mp4")
    found = answer.json()
    assert (answer.status_code, found["name"], found["frames"]) == (
        201,
        "Frau Müller 😀.mp4",
        33,
    )
    assert (served.folder / found["name"]).read_bytes() == data
    again = upload(served, data, "other.mp4")
    assert (again.status_code, again.json()["id"]) == (200, found["id"])
    other = upload(served, data + b"\0" * 8, "frau müller 😀.MP4").json()
    assert other["name"] == "frau müller 😀 (2).MP4"
    assert incoming(served) == []


@pytest.mark.parametrize("lie", [None, "100", "0"])
def test_too_large_an_upload_leaves_nothing(served, lie):
    """Announced, and not announced."""
    before = sorted(p.name for p in served.folder.iterdir())
    chunks = (b"x" * 100_000 for _ in range(100)) if lie is None else b"x" * 3_000_000
    answer = upload(served, chunks)
    assert answer.status_code == 413
    assert "copy the file into the project folder" in answer.json()["error"]
    assert sorted(p.name for p in served.folder.iterdir()) == before
    assert incoming(served) == []


def test_an_upload_that_breaks_off_leaves_nothing(served):
    """The sender vanishes half way."""
    import socket

    host, port = served.client.base_url.host, served.client.base_url.port
    before = sorted(p.name for p in served.folder.iterdir())
    with socket.create_connection((host, port)) as line:
        head = f"POST /api/recordings HTTP/1.1\r\nHost: {host}\r\nX-Name: half.mp4\r\n"
        line.sendall(head.encode() + b"Content-Length: 1000000\r\n\r\n" + b"x" * 400_000)
        for _ in range(100):
            if incoming(served):
                break
            time.sleep(0.05)
        assert incoming(served)
    for _ in range(200):
        if not incoming(served):
            break
        time.sleep(0.05)
    assert incoming(served) == []
    assert sorted(p.name for p in served.folder.iterdir()) == before


@pytest.mark.parametrize("name", ["", "x", "x.txt", "x.m3u8", "%00", "." * 5000])
def test_uploads_without_a_proper_name(served, name):
    assert upload(served, b"x", name).status_code == 400


def test_an_empty_upload(served):
    assert upload(served, b"").status_code == 400
    assert incoming(served) == []


def test_no_room_is_told_before_anything_is_sent(served, monkeypatch):
    monkeypatch.setattr(
        "mescope.app.intake.shutil.disk_usage", lambda p: type("U", (), {"free": 10})()
    )
    answer = upload(served, b"x" * 1000)
    assert (answer.status_code, "make room" in answer.json()["error"]) == (413, True)


# -- forgetting --------------------------------------------------------------------------


def test_what_is_forgotten_leaves_no_trace(served):
    """Neither in the database, nor in caches, nor in journals."""
    identity = served.analyzed("person-of-interest.mp4")
    served.judge(identity, "add", coder="secretive", first=1, last=2, note="remarkable-note")
    served.client.get(f"/api/recordings/{identity}/frames/0.jpg")
    assert served.client.delete(f"/api/recordings/{identity}?file=true").status_code == 204
    assert served.client.get(f"/api/recordings/{identity}").status_code == 404
    for path in served.folder.rglob("*"):
        assert identity not in path.name
        assert "person-of-interest" not in path.name
        if path.is_file():
            data = path.read_bytes()
            for word in (identity, "person-of-interest", "secretive", "remarkable-note"):
                assert word.encode() not in data, path


# -- news --------------------------------------------------------------------------------


def test_news_come_as_events(served, analyzed):
    with served.client.stream("GET", "/api/progress") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        assert next(lines).startswith("retry")
        served.judge(analyzed, "reviewed")
        for line in lines:
            if line.startswith("data:"):
                news = json.loads(line[5:])
                if news["id"] == analyzed and news["state"] == "reviewed":
                    break
    assert news["revision"] > 0


def test_the_interface_describes_itself(served):
    found = served.client.get("/openapi.json").json()
    assert "/api/recordings/{id}/events" in found["paths"]
    page = (Path(__file__).parents[2] / "docs" / "app.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| ([A-Z]+) \| `([^`]+)`", page, re.MULTILINE))
    assert told == {(m.upper(), path) for path, all_ in found["paths"].items() for m in all_}
    for path, methods in found["paths"].items():
        for method, entry in methods.items():
            assert entry.get("description") or entry.get("summary"), (method, path)


# -- codecs and races --------------------------------------------------------------------


@pytest.mark.parametrize(("name", "codec"), [("a.avi", "mpeg4"), ("b.mkv", "ffv1")])
def test_what_no_browser_plays_is_shown_frame_by_frame(served, name, codec):
    pictures = np.stack([picture(n) for n in range(20)])
    write_video(ArrayVideo(pictures, 25.0), served.folder / name, codec)
    url = f"/api/recordings/{served.known(name)}/frames"
    for n in (0, 19, 7):
        assert number_of(decoded(served.client.get(f"{url}/{n}.jpg"))) == n


def test_judging_analyzing_and_looking_at_once(served):
    """Many at a time; nobody waits for ever, and every judgement that was taken counts."""
    identity, taken = served.known_as_analyzed("busy.mp4"), []

    def work(coder):
        for n in range(8):
            answer = served.judge(identity, "add", coder=coder, first=n, last=n + 1)
            taken.append(answer.status_code)
            served.client.get("/api/recordings")
            served.client.get(f"/api/recordings/{identity}/export?format=csv")
            if n == 3:
                served.client.post(f"/api/recordings/{identity}/analyze")

    threads = [threading.Thread(target=work, args=(name,)) for name in ("ann", "bea", "cyd")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()
    assert set(taken) <= {200, 409}
    served.wait("busy.mp4", lambda r: r["state"] == "to review")
    marks = served.client.get(f"/api/recordings/{identity}/marks").json()
    assert len(marks["annotations"]) == taken.count(200)
