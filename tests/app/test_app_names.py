"""Names and paths from outside."""

import os
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mescope.app.safety import LONGEST_NAME, UnsafeError, free_name, inside, safe_name
from mescope.errors import MescopeError
from mescope.video.suffixes import MEDIA


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd.mp4", "passwd.mp4"),
        ("..\\..\\x.mp4", "x.mp4"),
        ("C:\\x.mp4", "x.mp4"),
        ("C:x.mp4", "C_x.mp4"),
        ("\\\\host\\share\\x.mp4", "x.mp4"),
        ("/windows/win.mp4", "win.mp4"),
        ("a\0b.mp4", "ab.mp4"),
        ("con.mp4", "_con.mp4"),
        ("COM1.x.mp4", "_COM1.x.mp4"),
        ("lpt¹.mp4", "_lpt¹.mp4"),
        ("  . .mp4", "video.mp4"),
        ("trailing. .mp4", "trailing.mp4"),
        ("evil\u202egpj.mp4", "evilgpj.mp4"),
        ("<script>.mp4", "_script_.mp4"),
        ("e\u0301.mp4", "\u00e9.mp4"),
        ("名字 😀.mkv", "名字 😀.mkv"),
        ("-rf.mp4", "-rf.mp4"),
    ],
)
def test_uploads_get_harmless_names(sent, kept):
    assert safe_name(sent) == kept


@pytest.mark.parametrize(
    "sent",
    ["", "..", "x", "x.exe", "file.mp4::$DATA", "x.mp4/", ".mp4", "x.m3u8", "x.mp4 .txt"],
)
def test_what_is_no_video_is_refused(sent):
    with pytest.raises(UnsafeError, match="ends in"):
        safe_name(sent)


@settings(deadline=None)
@given(st.text(max_size=400), st.sampled_from(sorted(MEDIA)))
def test_no_name_is_dangerous(stem, ending):
    try:
        name = safe_name(f"{stem}{ending}")
    except UnsafeError:
        return
    assert name == os.path.basename(name)
    assert not name.startswith(".")
    assert len(name.encode()) <= LONGEST_NAME
    assert not set(name) & set('<>:"/\\|?*\0\n\u202e')


def test_a_name_of_a_megabyte(tmp_path):
    with pytest.raises(UnsafeError):
        safe_name("x" * 1_000_000 + ".mp4")
    name = safe_name("y/" + "x" * 3000 + ".mp4")
    (tmp_path / name).write_text("")
    assert name.endswith(".mp4")


def test_a_taken_name_gets_a_number(tmp_path):
    """Taken on any file system, whatever case or normal form."""
    for name in ("A.mp4", "a (2).mp4", "e\u0301.mp4"):
        (tmp_path / name).write_text("")
    assert free_name(tmp_path, "a.mp4") == "a (3).mp4"
    assert free_name(tmp_path, "\u00e9.mp4") == "\u00e9 (2).mp4"
    assert free_name(tmp_path, "b.mp4") == "b.mp4"


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "root"
    folder.mkdir()
    (folder / "in.mp4").write_text("in")
    (tmp_path / "out.mp4").write_text("out")
    return folder


def test_files_inside_are_found_also_by_a_link_inside(root):
    (root / "link.mp4").symlink_to("in.mp4")
    assert inside(root, "link.mp4") == root.resolve() / "in.mp4"


@pytest.mark.parametrize("path", ["../out.mp4", "out.mp4", "dir/../../out.mp4", "in.mp4\0x"])
def test_nothing_outside_is_opened(root, path):
    """Traversal, and links out of the folder."""
    (root / "dir").mkdir()
    (root / "out.mp4").symlink_to("../out.mp4")
    with pytest.raises(MescopeError):
        inside(root, path)


def test_an_absolute_path_is_refused(root, tmp_path):
    with pytest.raises(UnsafeError, match="out of the project"):
        inside(root, str(tmp_path / "out.mp4"))


def test_a_folder_whose_name_begins_alike_is_outside(root, tmp_path):
    (tmp_path / "root2").mkdir()
    (tmp_path / "root2" / "x.mp4").write_text("")
    with pytest.raises(UnsafeError):
        inside(root, "../root2/x.mp4")


@pytest.mark.skipif(os.name == "nt", reason="POSIX files")
def test_devices_pipes_and_folders_are_no_recordings(root):
    os.mkfifo(root / "pipe.mp4")
    (root / "folder.mp4").mkdir()
    (root / "zero.mp4").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as one:
        try:
            one.bind(str(root / "s.mp4"))
        except OSError:  # the path of the test is too long for a socket
            (root / "s.mp4").mkdir()
        for name in ("pipe.mp4", "folder.mp4", "zero.mp4", "s.mp4"):
            with pytest.raises(UnsafeError):
                inside(root, name)
