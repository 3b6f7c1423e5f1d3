"""Recordings come in by path and with their folders; what leads elsewhere does not."""

import os
from dataclasses import replace
from urllib.parse import quote

import pytest
from app_server import LIMITS, decoded, serving
from hypothesis import given, settings
from hypothesis import strategies as st
from numbered_video import number_of, write_numbered

from mescope.app.safety import DEEPEST_FOLDER, LONGEST_NAME, UnsafeError, safe_folder


def add(served, path):
    return served.client.post("/api/recordings/add", json={"path": path})


def send(served, name, folder, frames=5, first=0):
    path = write_numbered(served.folder.parent / "sent" / name, frames, first=first)
    headers = {"X-Name": quote(name), "X-Folder": quote(folder)}
    return served.client.post("/api/recordings", content=path.read_bytes(), headers=headers)


def names(found):
    return {one["id"]: one["name"] for one in found["recordings"]}


def test_a_file_and_a_folder_by_path(served):
    """One file by a relative path, then the rest of its folder by an absolute one."""
    for name in ("P01/a.mp4", "P01/day 2/b.mp4", "P01/notes.txt", "P01/.hidden.mp4"):
        if name.endswith(".mp4"):
            write_numbered(served.folder / name, 5)
        else:
            (served.folder / name).write_text("x")
    one = add(served, "P01/a.mp4").json()
    assert [names(one)[i] for i in one["added"]] == ["P01/a.mp4"]
    rest = add(served, str(served.folder / "P01")).json()
    assert [names(rest)[i] for i in rest["added"]] == ["P01/day 2/b.mp4"]
    assert add(served, "P01").json()["added"] == []


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("../secret.mp4", "leads out"), ("/etc", "leads out"), ("/dev/zero", "leads out"),
        ("link/secret.mp4", "leads out"), (".mescope", "found none"),
        ("none.mp4", "found none"),
        ("http://127.0.0.1:1/x.mp4", "found none"), ("file:///etc/passwd", "found none"),
        ("a\0.mp4", "control"), ("C:\\x.mp4", "found none"),
        ("plain.txt", "convert it"), ("x" * 4000, "found none"), ("", "path"), (5, "path"),
    ],
)  # fmt: skip
def test_no_path_leads_out(served, tmp_path, path, said):
    """Neither up, nor by a link, nor to another machine."""
    write_numbered(tmp_path / "secret.mp4", 3)
    (served.folder / "plain.txt").write_text("x")
    link = served.folder / "link"
    link.symlink_to(tmp_path, target_is_directory=True)
    try:
        answer = add(served, path)
    finally:
        link.unlink()
    assert (answer.status_code, said in answer.json()["error"]) == (400, True), answer.text
    assert "secret" not in str(served.client.get("/api/recordings").json())


def test_a_full_project_takes_no_more(tmp_path):
    """By hand and over the network, with the reason."""
    for name in ("a.mp4", "b.mp4", "c.mp4"):
        write_numbered(tmp_path / name, 3)
    with serving(tmp_path, limits=replace(LIMITS, recordings=2)) as one:
        found = one.client.post("/api/recordings/rescan").json()
        assert list(names(found).values()) == ["a.mp4", "b.mp4"]
        assert [(s["name"], "begin another" in s["error"]) for s in found["skipped"]] == [
            ("c.mp4", True)
        ]
        answer = one.client.post("/api/recordings", content=b"x", headers={"X-Name": "d.mp4"})
        assert (answer.status_code, "begin another" in answer.json()["error"]) == (413, True)


def test_what_is_sent_keeps_its_folder(served):
    """Two clips of one name and two people stay apart."""
    one, two = (send(served, "clip.mp4", f"study/S0{n}", first=n).json() for n in (1, 2))
    assert (one["name"], two["name"]) == ("study/S01/clip.mp4", "study/S02/clip.mp4")
    assert (served.folder / "study" / "S02" / "clip.mp4").is_file()
    assert (
        number_of(decoded(served.client.get(f"/api/recordings/{two['id']}/frames/0.jpg"))) == 2
    )


def test_no_folder_of_an_upload_leads_out(served, tmp_path):
    answer = send(served, "up.mp4", "../../up", first=9)
    assert answer.json()["name"] == "up/up.mp4"
    (served.folder / "away").symlink_to(tmp_path, target_is_directory=True)
    try:
        for folder in ("away", "away/deeper"):
            answer = send(served, "away.mp4", folder, first=10)
            assert (answer.status_code, "is a link" in answer.json()["error"]) == (400, True)
    finally:
        (served.folder / "away").unlink()
    assert list(tmp_path.iterdir()) == []
    (served.folder / "taken").write_text("a file")
    answer = send(served, "taken.mp4", "taken", first=11)
    assert (answer.status_code, "cannot make" in answer.json()["error"]) == (507, True)
    assert list((served.project.home / "incoming").iterdir()) == []


@settings(deadline=None)
@given(st.text(max_size=300))
def test_no_folder_is_dangerous(text):
    try:
        folder = safe_folder(text)
    except UnsafeError:
        return
    parts = folder.split("/") if folder else []
    assert len(parts) <= DEEPEST_FOLDER
    for part in parts:
        assert part == os.path.basename(part)
        assert not part.startswith(".")
        assert len(part.encode()) <= LONGEST_NAME
        assert not set(part) & set('<>:"/\\|?*\0\n\u202e')


def test_a_picture_is_kept_only_as_long_as_its_file(served):
    """An address names the version it shows; one that names none is asked for again."""
    identity = served.add("replaced.mp4", 5)
    url = f"/api/recordings/{identity}"
    version = served.client.get(url).json()["version"]
    for tail in ("frames/0.jpg", "thumbnail.jpg", "pair?onset=0&apex=1"):
        address = f"{url}/{tail}{'&' if '?' in tail else '?'}version="
        assert "immutable" in served.client.get(address + version).headers["cache-control"]
        for other in ("1-2", ""):
            kept = served.client.get(address + other).headers["cache-control"]
            assert kept == "private, no-cache"
    write_numbered(served.folder / "replaced.mp4", 7, first=3)
    served.client.post("/api/recordings/rescan")
    after = served.wait("replaced.mp4", lambda r: r["frames"] == 7)
    assert after["version"] != version
    assert number_of(decoded(served.client.get(f"{url}/frames/0.jpg?version={version}"))) == 3
