"""Folders that cannot be read, and files of a recording that must not be replaced."""

import os

import pytest
from made_up_results import touch

from mescope.cli.inputs import gather
from mescope.errors import OutputError, VideoError
from mescope.io.atomic import refuse_source
from mescope.video.image_folders import numbered_files


@pytest.fixture
def locked(monkeypatch):
    """Folders called locked cannot be listed, as without read permission."""
    listdir, scandir = os.listdir, os.scandir

    def refusing(call):
        def wrapped(path="."):
            if os.path.basename(os.path.normpath(os.fspath(path))) == "locked":
                raise PermissionError(13, "Permission denied", os.fspath(path))
            return call(path)

        return wrapped

    monkeypatch.setattr(os, "listdir", refusing(listdir))
    monkeypatch.setattr(os, "scandir", refusing(scandir))


def test_a_folder_without_read_permission_is_named(here, locked):
    touch("a.mp4", "locked/b.mp4")
    jobs, failed = gather(["a.mp4", "locked/"])
    assert [job.name for job in jobs] == ["a"]
    assert "locked/: the folder cannot be read (Permission denied)" in str(failed["locked/"])
    with pytest.raises(VideoError, match=r"locked: the folder cannot be read"):
        numbered_files(here / "locked")


def test_a_subfolder_without_read_permission_fails_and_the_rest_goes_on(
    run, here, analyzer, locked
):
    touch("study/a.mp4", "study/locked/b.mp4", "closed/locked/c.mp4")
    status, _, err = run("analyze", "study")
    assert status == 3
    assert f"{os.path.join('study', 'locked')}: the folder cannot be read" in err
    assert len(analyzer.calls) == 1
    status, _, err = run("analyze", "closed")
    assert (status, "locked: the folder cannot be read" in err) == (1, True)


def test_a_picture_of_the_recording_is_not_replaced(here):
    touch("clip/img1.png")
    with pytest.raises(OutputError, match="is a file of the recording"):
        refuse_source(here / "clip" / "img1.png", "clip")
    refuse_source(here / "clip" / "new.png", "clip")
    refuse_source(here / "other.png", "clip")
