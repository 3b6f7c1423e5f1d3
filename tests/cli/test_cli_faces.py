"""`mescope analyze --faces all`: every face by its name, and what does not go with it."""

import json
from pathlib import Path

import pytest
from made_up_faces import two_faces

import mescope.analysis


class Faces:
    """Stands for an analyzer that was asked for every face."""

    def __init__(self):
        self.calls = []

    def analyze_faces(self, source, **options):
        options.pop("progress")
        self.calls.append((source, options))
        return two_faces(Path(source).name)


@pytest.fixture
def faces(monkeypatch):
    fake = Faces()
    monkeypatch.setattr(
        mescope.analysis, "load", lambda name, *, device, method: fake, raising=False
    )
    return fake


def test_all_faces_go_into_the_files_of_one(run, here, faces):
    (here / "two.mp4").touch()
    words = "--faces all --start 1 --format json,csv,html,elan --method flow-peaks"
    status, out, err = run("analyze", "two.mp4", *words.split())
    assert status == 0
    ((_, options),) = faces.calls
    assert options == {"start": 1.0, "end": None, "rate": None, "jobs": None}
    made = sorted(p.name for p in (here / "mescope-results").iterdir())
    assert made == [
        "two.csv", "two.eaf", "two.events.csv", "two.frames.csv", "two.html", "two.json",
    ]  # fmt: skip
    assert "two.mp4, face 1: 1 micro-expression" in out
    assert "two.mp4, face 2: 1 micro-expression" in out
    assert "the report can show them" not in out  # the page of several faces has no others
    assert "is face 3, seen from 0:02.500" in " ".join(err.split())
    assert "face 2: only about 2" in " ".join(err.split())
    again, _, err = run("analyze", "two.mp4", *words.split())
    assert (again, len(faces.calls)) == (0, 1)
    assert "finished before and kept" in err


def test_json_of_all_faces(run, here, faces):
    (here / "two.mp4").touch()
    _, out, _ = run("analyze", "two.mp4", "--faces", "all", "--json", "--method", "flow-peaks")
    (result,) = json.loads(out)["results"]
    assert [d["face"] for d in result["detections"]] == ["face 1", "face 2"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--face", "2"), "--faces all and --face do not go together"),
        (("--landmarks", "x.csv"), "--faces all and --landmarks do not go together"),
        (("--overlay", "o.mp4"), "--faces all and --overlay do not go together"),
    ],
)
def test_what_is_about_one_face_is_refused(run, here, faces, words, said):
    (here / "two.mp4").touch()
    (here / "x.csv").touch()
    status, _, err = run("analyze", "two.mp4", "--faces", "all", *words)
    assert status == 2
    assert said in " ".join(err.replace("│", " ").split())
    assert faces.calls == []


def test_files_of_one_face_are_no_files_of_all(run, here, faces):
    """They answer another question, and stay."""
    (here / "two.mp4").touch()
    words = ("--format", "json", "--method", "flow-peaks")
    run("analyze", "two.mp4", "--faces", "all", *words)
    status, _, err = run("analyze", "two.mp4", *words)
    assert status == 1
    assert "made of another face" in " ".join(err.split())
