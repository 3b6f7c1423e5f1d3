"""A data set from outside is one file: listed, checked, opened, and its labels are known."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mescope
from mescope import labels, plugins
from mescope.cli import run
from mescope.datasets import DATASETS, reader_of
from mescope.errors import DatasetError

PLUGIN = Path(__file__).parents[1] / "plugins" / "own_dataset.py"


@pytest.fixture
def plugin(monkeypatch):
    """Return the plug-in file; what it registered is gone afterwards."""
    monkeypatch.setenv(plugins.VARIABLE, "")
    yield PLUGIN
    if "own" in DATASETS:
        DATASETS.remove("own")
    labels._raw_counts.pop("own", None)
    labels._label_sets[:] = labels.LABEL_SETS
    sys.modules.pop(plugins.module_name(PLUGIN), None)


@pytest.fixture
def root(tmp_path):
    """Two clips of ten pictures each; the second row names an emotion that is not there."""
    rows = ["person,clip,onset,apex,offset,emotion", "p1,a,2,4,8,calm", "p2,b,1,3,9,startled"]
    (tmp_path / "labels.csv").write_text("\n".join(rows), encoding="utf-8")
    for person, clip in (("p1", "a"), ("p2", "b")):
        folder = tmp_path / person / clip
        folder.mkdir(parents=True)
        for number in range(1, 11):
            Image.fromarray(np.full((8, 8), number, np.uint8)).save(folder / f"{number}.png")
    return tmp_path


def test_it_is_opened(plugin, root):
    plugins.load_plugin(plugin)
    dataset = mescope.open_dataset("own", root)
    assert [(c.subject, c.expression.apex, c.expression.emotion) for c in dataset.clips] == [
        ("p1", 3, "calm"),
        ("p2", 2, "startled"),
    ]
    assert dataset.problems == ()
    assert labels.to_classes("Calm", "2-class", "own") == "calm"
    assert labels.classes_for("2-class", ["own"]) == ("calm", "startled")


def test_the_command_line_lists_and_checks_it(plugin, root, capsys):
    assert run(["--plugin", str(plugin), "datasets", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert list(listed)[-1] == "own"
    assert listed["own"] == {"title": "My clips", "obtain": "ask me"}
    table = root / "labels.csv"
    table.write_text(table.read_text("utf-8").replace("startled", "cross"), encoding="utf-8")
    words = ["datasets", "check", "own", "--root", str(root), "--pictures", "--json"]
    assert run(["--plugin", str(plugin), *words]) == 3
    checked = json.loads(capsys.readouterr().out)
    assert (checked["clips"], checked["errors"]) == (1, 1)
    assert "unknown emotion 'cross'; known: calm, startled" in str(checked["problems"])


def test_names_and_labels_are_taken_once(plugin):
    with pytest.raises(ValueError, match="no other data set has, found 'casme2'"):
        reader_of("casme2", "Another", obtain="")(read_nothing)
    with pytest.raises(ValueError, match="found 'casme2'"):
        labels.add_labels("casme2", {"calm": 1})
    with pytest.raises(ValueError, match="found 'new'"):
        labels.add_labels("new", {"calm": 1}, [labels.LABEL_SETS[0]])


def read_nothing(root):
    """Return nothing, as a reader must not."""


def test_what_is_no_data_set_is_said_so(plugin, tmp_path):
    reader_of("own", "My clips", obtain="ask me")(read_nothing)
    with pytest.raises(DatasetError, match="expected a Dataset from the reader of My clips"):
        mescope.open_dataset("own", tmp_path)
