"""``mescope datasets``: the list, and checks of copies that are right, wrong or not there."""

import json

import numpy as np
import pytest

from mescope.cli import run
from mescope.synthesis.encode import FORMATS


@pytest.fixture
def copy(tmp_path):
    """A folder with one short video and a table of two rows, the second of them wrong."""
    import av

    assert ".mp4" in FORMATS
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width = stream.height = 64
        for value in range(20):
            frame = av.VideoFrame.from_ndarray(
                np.full((64, 64, 3), value * 9, np.uint8), "rgb24"
            )
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    rows = "recording,onset,offset,kind,emotion\na,3,9,micro,positive\na,9,3,micro,positive\n"
    (tmp_path / "expressions.csv").write_text(rows, encoding="utf-8")
    return tmp_path


def test_every_data_set_says_how_to_obtain_it(capsys):
    assert run(["datasets", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {"folder", "casme2", "samm"} <= set(listed)
    assert all(entry["title"] and entry["obtain"] for entry in listed.values())


def test_a_copy_with_a_wrong_row(copy, capsys):
    assert run(["datasets", "check", "folder", "--root", str(copy), "--json"]) == 3
    out = json.loads(capsys.readouterr().out)
    assert out["kinds"] == {"micro": 1}
    assert (out["recordings"], out["errors"]) == (1, 1)
    [problem] = [p for p in out["problems"] if p["level"] == "error"]
    assert problem["where"] == "expressions.csv, row 3"


def test_a_copy_that_is_right(copy, capsys):
    table = copy / "expressions.csv"
    table.write_text(
        table.read_text(encoding="utf-8").replace("9,3", "12,15"), encoding="utf-8"
    )
    assert run(["datasets", "check", "folder", "--root", str(copy)]) == 0
    assert "micro 2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [(["casme3"], "no data set 'casme3'"), (["casme2"], "CASME II: no annotation table")],
)
def test_what_is_not_there(copy, capsys, words, said):
    assert run(["datasets", "check", *words, "--root", str(copy)]) == 1
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err


def test_flow_maps_are_listed_and_checked(capsys, tmp_path):

    assert run(["datasets"]) == 0
    listed = capsys.readouterr().out
    for name in ("casme3a", "smic-hs", "4dme", "dfme-train", "megc2019", "flow28", "samm-lv"):
        assert name in listed
    maps = {
        "flow": np.zeros((2, 28, 28, 3), np.uint8), "label": np.array([0, 2]),
        "subject": np.array(["s01", "s02"]), "clip": np.array(["a", "b"]),
        "dataset": np.array(["smic", "smic"]),
    }  # fmt: skip
    np.savez(tmp_path / "maps.npz", **maps)
    assert run(["datasets", "check", "flow28", "--root", str(tmp_path / "maps.npz")]) == 0
    shown = capsys.readouterr().out
    assert "negative 1, surprise 1" in shown
    assert "2 maps, published 442" in shown


def test_a_table_of_another_name(capsys, tmp_path):
    (tmp_path / "mine.txt").write_text("recording,onset,offset,kind\n")
    (tmp_path / "a.csv").write_text("x\n")
    (tmp_path / "b.csv").write_text("x\n")
    arguments = ["datasets", "check", "folder", "--root", str(tmp_path)]
    assert run(arguments) == 1
    assert "name your table expressions.csv" in capsys.readouterr().err
    assert run([*arguments, "--table", str(tmp_path / "mine.txt")]) == 0
    assert run([*arguments, "--table", str(tmp_path / "none.txt")]) == 1
    assert "expected the annotation table" in capsys.readouterr().err
    smic = ["datasets", "check", "smic-hs", "--root", str(tmp_path), "--table", "x"]
    assert run(smic) == 1
    assert "leave --table out" in capsys.readouterr().err
