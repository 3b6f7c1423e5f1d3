"""Any name that the system allows: through project, database, page and every export."""

import json
import os
import sqlite3
from contextlib import closing
from urllib.parse import quote, unquote

import pytest
from app_server import serving
from fake_analysis import made_up
from hypothesis import given, settings
from hypothesis import strategies as st
from numbered_video import write_numbered

from mescope.app.downsampling import pack
from mescope.app.worker import series
from mescope.io.file_names import LONGEST, fitted, from_text, printable, to_text, valid
from mescope.reports.json import to_dict

NAMES = {
    "not UTF-8": b"caf\xe9 \xff.mp4",
    "latin": "Grüße".encode("latin-1") + b".MP4",
    "cut": "名".encode()[:2] + b".mp4",
    "control": b"a\x01\n\x1b[2J\x7f.mp4",
    "255 bytes": b"x" * 251 + b".mp4",
    "255 bytes of Chinese": "名".encode() * 83 + b"yy.mp4",
    "quotes": b"\"'<b>&amp;%00%ff$(x).mp4",
    "like the mark of odd names": b"caf%E9.mp4",
}
pytestmark = pytest.mark.skipif(os.name == "nt", reason="names that Windows refuses")


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """A server on a folder with all of them, which has an odd name itself."""
    top = tmp_path_factory.mktemp("odd")
    folder = os.path.join(os.fsencode(top), b"study \xfe")
    try:
        os.makedirs(os.path.join(folder, b"S\xff1"))
    except OSError:
        pytest.skip("this file system takes valid UTF-8 only")
    data = write_numbered(top / "any.mp4", 8).read_bytes()
    for name in (*NAMES.values(), b"S\xff1/b.mp4"):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)
    with serving(os.fsdecode(folder)) as one:
        yield one


def listed(odd):
    found = odd.client.get("/api/recordings")
    assert found.status_code == 200
    return {recording["name"]: recording for recording in found.json()}


def test_the_app_starts_and_shows_every_name(odd):
    """H2: one such file ended the app at its start."""
    shown = {printable(os.fsdecode(name)) for name in NAMES.values()}
    assert shown | {"S\\xff1/b.mp4"} == set(listed(odd))
    assert "study \\xfe" in odd.client.get("/api/project").text.replace("\\\\", "\\")
    for name, recording in listed(odd).items():
        assert not any(ord(c) < 32 for c in name)
        odd.wait(name, lambda r: r["frames"] == 8)
        frame = odd.client.get(f"/api/recordings/{recording['id']}/frames/3.jpg")
        assert frame.status_code == 200


def test_a_running_app_takes_them_in_and_goes_on(odd):
    """The files that come after it in the order of names, too."""
    data = (odd.folder.parent / "any.mp4").read_bytes()
    for name in (b"new \xe9.mp4", b"znew.mp4"):
        with open(os.path.join(os.fsencode(odd.folder), name), "wb") as file:
            file.write(data)
    found = odd.client.post("/api/recordings/rescan").json()
    assert {"new \\xe9.mp4", "znew.mp4"} <= {r["name"] for r in found["recordings"]}
    assert len(found["added"]) == 2
    assert odd.client.post("/api/recordings/rescan").json()["added"] == []


@pytest.mark.parametrize("kind", ["not UTF-8", "control", "255 bytes of Chinese", "quotes"])
def test_every_format_goes_out_and_comes_back(odd, kind):
    """Marks of a recording with such a name, as every export, and in again."""
    name = printable(os.fsdecode(NAMES[kind]))
    identity = listed(odd)[name]["id"]
    found = made_up(name, 8 + 112)
    traces = pack(found.traces.frames, found.traces.times, series(found))
    odd.project.keep_analysis(identity, to_dict(found, traces=False), traces)
    assert odd.judge(identity, "add", first=1, last=2).status_code == 200
    url = f"/api/recordings/{identity}"
    for one in odd.client.get("/api/project").json()["exports"]:
        answer = odd.client.get(f"{url}/export?format={one['name']}&who=ann")
        assert answer.status_code == 200, (one, answer.text)
        if one["name"] != "datavyu":  # a zip
            answer.content.decode("utf-8")
        header = answer.headers["content-disposition"]
        assert not any(ord(c) < 32 for c in header)
        sent = unquote(header.split("''")[1])
        if one["name"] in ("csv", "elan", "boris", "vtt", "datavyu"):
            again = odd.client.post(
                f"{url}/import", content=answer.content,
                headers={"X-Name": quote(sent)},
            )  # fmt: skip
            assert again.status_code == 200, (one, again.text)
            assert again.json()["known"] >= 1, one
    report = odd.client.get("/api/report")
    assert report.status_code == 200, report.text[-400:]


def test_judging_analyzing_and_forgetting(odd):
    name = "S\\xff1/b.mp4"
    identity = listed(odd)[name]["id"]
    assert odd.client.post(f"/api/recordings/{identity}/analyze").status_code == 202
    odd.wait(name, lambda r: r["state"] == "to review")
    assert odd.client.delete(f"/api/recordings/{identity}?file=true").status_code == 204
    assert name not in listed(odd)
    assert not os.path.exists(os.path.join(os.fsencode(odd.folder), b"S\xff1", b"b.mp4"))


def test_what_is_in_the_database_is_text(odd):
    with closing(sqlite3.connect(odd.folder / ".mescope" / "project.sqlite")) as raw:
        rows = raw.execute("SELECT name, path FROM recordings").fetchall()
    assert rows
    for name, path in rows:
        json.dumps([name, path]).encode()
        assert os.path.exists(odd.folder / from_text(path))


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=300).filter(lambda b: b"\0" not in b and b"/" not in b))
def test_any_name_comes_back_from_text(data):
    """And what people see can be shown anywhere."""
    name = os.fsdecode(data)
    assert from_text(to_text(name)) == name
    for shown in (to_text(name), printable(name), valid(name)):
        shown.encode("utf-8")
    assert not any(ord(c) < 32 or ord(c) == 127 for c in printable(name))
    short = fitted(name, 100)
    assert len(os.fsencode(short)) <= 100
    assert fitted(short, 100) == short


def test_names_that_are_cut_alike_stay_apart():
    long = "x" * 300
    assert fitted(long + "a", LONGEST) != fitted(long + "b", LONGEST)
    fitted("名" * 100, 100).encode("utf-8")  # not cut within a character
