"""The page of all marks as it is kept: always what the marks are, whatever happened before."""

import json
import random
from functools import partial

import numpy as np
import pytest
from app_server import serving
from fake_analysis import made_up

from mescope.app import marks_page
from mescope.app.downsampling import pack
from mescope.app.marks_page import MarksPage
from mescope.app.project import Project
from mescope.app.review_mark import detection
from mescope.app.worker import series
from mescope.errors import MescopeError
from mescope.reports.json import to_dict


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with one analyzed recording whose page counts as a long one."""
    monkeypatch.setattr(marks_page, "LONG", 1)
    opened = Project(tmp_path)
    (tmp_path / "a.mp4").write_bytes(b"x")
    opened.rescan()
    (recording,) = opened.store.recordings()
    opened.frames.close()
    found = made_up("a.mp4")
    traces = pack(found.traces.frames, found.traces.times, series(found))
    opened.keep_analysis(recording.id, to_dict(found, traces=False), traces)
    yield opened
    opened.close()


def only(project):
    return project.store.recordings()[0].id


def row(mark):
    """Return what a row tells of a mark."""
    plain = [mark.get(name) for name in marks_page.FIELDS[:10]]
    times = [mark["onset_s"], mark["offset_s"]]
    times = [None if t is None else round(t, 6) for t in times]
    before = mark["changed"] and mark["original"]
    proposed = [before["first"], before["last"]] if before else None
    return [*plain, *times, proposed]


def same(project):
    """Say whether the page, its rows and some of its marks are the marks, made anew."""
    identity = only(project)
    page = partial(project.review.page, identity)
    whole = project.review.view(identity).to_json()
    kinds = {kind: whole[kind] for kind in ("detections", "annotations")}
    rows = json.loads(page(part=MarksPage.rows))
    assert rows.pop("fields") == list(marks_page.FIELDS)
    assert rows == whole | {kind: [row(m) for m in marks] for kind, marks in kinds.items()}
    wanted = [m["id"] for marks in kinds.values() for m in marks][::-2]
    some = json.loads(page(part=partial(MarksPage.some, wanted=[*wanted, "none", "none"])))
    kept = {kind: [m for m in marks if m["id"] in wanted] for kind, marks in kinds.items()}
    assert some == whole | kept | {"removed": ["none"]}
    return json.loads(page()) == whole


def judge(project, draw):
    """Do something that a coder could do; what makes no sense is refused."""
    review, identity = project.review, only(project)
    revision, state = review.state(identity)
    first = draw.randrange(100)
    request = {
        "revision": revision,
        "coder": draw.choice("ab"),
        "action": draw.choice(
            ("confirm", "reject", "reset", "edit", "add", "remove", "reviewed")
        ),
        "mark": draw.choice([*state.marks, "none"]),
        "values": {"first": first, "apex": first + 1, "last": first + draw.randrange(1, 9)},
    }
    if request["action"] not in ("add", "edit"):
        request["values"] = {}
    try:
        if draw.random() < 0.2:
            review.undo(identity, revision, request["coder"])
        else:
            review.judge(identity, 120, request, brief=draw.random() < 0.5)
    except MescopeError:
        return False
    return True


def test_it_follows_every_judgement(project):
    draw, done = random.Random(1), 0
    assert same(project)
    for _ in range(150):
        done += judge(project, draw)
        assert same(project)
    assert done > 60


def test_it_is_there_after_a_restart_until_something_changes(project):
    """And a page of another version is never shown."""
    identity = only(project)
    before = project.review.page(identity)
    project.close()
    again = Project(project.folder)
    try:
        made = again.review.pages.put
        again.review.pages.put = None  # it is read, not made
        assert again.review.page(identity) == before
        assert same(again)
        again.review.pages.put = made
        kept = again.cache(identity) / "marks.json"
        assert kept.read_bytes().endswith(before)
        again.review.judge(
            identity, 120,
            {"revision": json.loads(before)["revision"], "coder": "a", "action": "add",
             "values": {"first": 1, "last": 2}},
        )  # fmt: skip
        assert same(again)
        again.review.pages.forget(identity)
        assert same(again)  # the file is of the version before
        again.review.prepare()
        again.review.pages.save()
        again.review.pages.forget(identity)
        again.review.pages.put = None
        assert same(again)
        for damage in (b"", b"[1]\n{}", kept.read_bytes()[50:], kept.read_bytes()[:-9]):
            kept.write_bytes(damage)
            again.review.pages.forget(identity)
            again.review.pages.put = made
            assert same(again)
    finally:
        again.close()


def test_it_says_when_another_analysis_or_other_times_came(project):
    identity = only(project)
    assert same(project)
    found = made_up("a.mp4")
    traces = pack(found.traces.frames, found.traces.times, series(found))
    project.keep_analysis(identity, to_dict(found, traces=False), traces)
    assert same(project)
    project.times_file(identity).write_bytes((np.arange(120) / 25).astype("<f8").tobytes())
    project._times.clear()
    assert same(project)
    marks = json.loads(project.review.page(identity))["detections"]
    assert marks[0]["onset_s"] == pytest.approx(30 / 25)


def test_nothing_of_it_stays_of_who_is_forgotten(project):
    identity = only(project)
    project.review.page(identity)
    project.review.pages.save()
    assert (project.cache(identity) / "marks.json").is_file()
    project.forget(identity, file=False)
    assert not project.cache(identity).exists()
    project.review.pages.save()
    assert not project.cache(identity).exists()


def test_thousands_of_marks_are_served(tmp_path):
    """With long signals beside them; a judgement changes one of them."""
    with serving(tmp_path) as one:
        identity = one.add("long.mp4", 10)
        at = np.arange(4_000) * 7
        marks = [
            detection(n, int(a), int(a) + 2, int(a) + 5).to_json() for n, a in enumerate(at)
        ]
        n = 28_010
        values = {f"s{i}": np.zeros(n, np.float32) for i in range(15)}
        traces = pack(np.arange(n), np.arange(n) / 100, values)
        (one.project.home / "analyses" / "long.npz").write_bytes(traces)
        one.project.store.add_analysis(identity, {"marks": marks, "provenance": {}}, "long.npz")
        url = f"/api/recordings/{identity}"
        assert len(one.client.get(f"{url}/marks").json()["detections"]) == 4_000
        rows = one.client.get(f"{url}/marks/rows").json()
        assert [row[0] for row in rows["detections"]] == [mark["id"] for mark in marks]
        thin = one.client.get(f"{url}/traces?points=100").json()["series"]["s3"]["max"]
        assert len(thin) <= 100
        answer = one.judge(identity, "reject", marks[500]["id"], revision=0)
        assert answer.status_code == 200
        again = one.client.get(f"{url}/marks").json()["detections"]
        changed = [m["id"] for m in again if m["status"] != "proposed"]
        assert changed == [marks[500]["id"]]
