"""Recognisers on a user's own clips: videos and folders of pictures, intervals from a table."""

from __future__ import annotations

import csv
import json

import pytest
from one_expression import one_expression as film
from PIL import Image

from mescope.analysis import recognize_many
from mescope.cli import run
from mescope.synthesis.encode import write_video
from mescope.synthesis.portraits import test_portraits

RECIPE = """name = "own"
seeds = 1
[model]
name = "flow-cnn"
[data]
kind = "flow28"
[optim]
epochs = 1
"""
TABLE = """recording,subject,onset,apex,offset,kind,emotion,rate
smile,anna,0,8,19,micro,happiness,
brows,bert,0,8,19,micro,surprise,50
brows,bert,0,8,199,micro,surprise,50
gone,carl,0,8,19,micro,happiness,
"""
"""Of its rows two are lost: one ends after its recording, one is of no video."""


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A video of one person, a folder of pictures of another, and their table."""
    root = tmp_path_factory.mktemp("own")
    write_video(film(test_portraits()[0], ("12",)), root / "smile.mp4")
    (root / "deep" / "brows").mkdir(parents=True)
    for index, picture in film(test_portraits()[-1], ("1", "2")).frames(grey=False):
        Image.fromarray(picture).save(root / "deep" / "brows" / f"img{index + 1:03d}.png")
    (root / "expressions.csv").write_text(TABLE)
    return root


@pytest.fixture
def words(own, tmp_path):
    (tmp_path / "own.toml").write_text(RECIPE)
    return [str(tmp_path / "own.toml"), "--dataset", "folder", "--root", str(own)]


def test_training_says_which_rows_it_went_without(words, tmp_path, capsys):
    """Weights of fewer clips than the table has look like those of all of them."""
    kept = tmp_path / "kept"
    ways = ["-o", str(tmp_path / "run"), "--cache", str(kept)]
    assert run(["train", *words, *ways, "--json"]) == 0
    shown = capsys.readouterr()
    assert "no video 'gone' below the folder" in shown.err
    assert "offset 199, but brows has frames 0 to 19" in shown.err
    weights = tmp_path / "run" / "own.safetensors"
    assert weights.exists()
    measured = [p for p in kept.rglob("*") if p.is_file()]
    assert measured
    assert not (tmp_path / "run" / "features").exists()
    before = {p: p.stat().st_mtime_ns for p in measured}
    evaluated = ["evaluate", *words, "-o", str(tmp_path / "tested"), "--cache", str(kept)]
    assert run([*evaluated, "--jobs", "1", "--json"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["all"]["clips"] == 2
    assert "no video 'gone' below the folder" in shown.err
    assert before == {p: p.stat().st_mtime_ns for p in measured}  # and not again
    table = str(words[-1]) + "/expressions.csv"
    named = ["recognize", words[-1], "--table", table, "--model", str(weights), "--json"]
    assert run(named) == 3
    shown = capsys.readouterr()
    assert [r["recording"] for r in json.loads(shown.out)] == ["smile", "brows"]
    assert "2 rows of the table were left out" in shown.err


def test_what_is_fitted_leaves_no_weights_and_says_so_before_it_looks(words, tmp_path, capsys):
    recipe = tmp_path / "own.toml"
    recipe.write_text(RECIPE.replace("flow-cnn", "svm-flow-rbf").split("[optim]")[0])
    assert run(["train", *words, "-o", str(tmp_path / "run")]) == 1
    assert "is fitted within `mescope evaluate`" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_table_of_which_rows_are_lost_is_no_success(own, tmp_path, capsys):
    out = tmp_path / "named.csv"
    words = ["recognize", str(own), "--table", str(own / "expressions.csv"), "-o", str(out)]
    assert run(words) == 3
    shown = capsys.readouterr()
    assert "2 rows of the table were left out, as said above" in shown.err
    with out.open(newline="") as file:
        assert [row["recording"] for row in csv.DictReader(file)] == ["smile", "brows"]
    whole = tmp_path / "whole.csv"
    whole.write_text("".join(TABLE.splitlines(keepends=True)[:3]))
    assert run(["recognize", str(own), "--table", str(whole), "--json"]) == 0
    assert "left out," not in capsys.readouterr().err
    # of one video only its own rows are asked about, and the others are no loss
    one = ["recognize", str(own / "smile.mp4"), "--table", str(own / "expressions.csv")]
    assert run([*one, "--json"]) == 0
    assert [r["recording"] for r in json.loads(capsys.readouterr().out)] == ["smile"]


def test_a_file_that_goes_away_while_others_are_named_costs_its_own(own, capsys, monkeypatch):
    plain = recognize_many.open_recording

    def gone(recording):
        if recording.name == "smile":
            raise PermissionError(13, "Permission denied", recording.path)
        return plain(recording)

    monkeypatch.setattr(recognize_many, "open_recording", gone)
    words = ["recognize", str(own), "--table", str(own / "expressions.csv"), "--json"]
    assert run(words) == 3
    shown = capsys.readouterr()
    found = json.loads(shown.out)
    assert [(r["recording"], bool(r["named"])) for r in found] == [
        ("smile", False), ("brows", True),
    ]  # fmt: skip
    assert "Permission denied" in found[0]["note"]
    assert "1 of 2 expressions could not be named" in shown.err
