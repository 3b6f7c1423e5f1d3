"""``mescope recipes``, runs by name, and what a run's folder says about how to repeat it."""

from __future__ import annotations

import csv
import json
import shlex
import sys
import tomllib
import types

import numpy as np
import pytest

from mescope.cli import run as run_words
from mescope.cli.recipes import _COLUMNS
from mescope.training.recipe import read_recipe

TINY = ["--set", "optim.epochs=2", "--set", "optim.batch_size=8", "--seeds", "1"]


@pytest.fixture
def maps(here):
    rng = np.random.default_rng(0)
    np.savez(
        here / "maps.npz",
        flow=rng.integers(0, 256, (12, 28, 28, 3)).astype(np.uint8),
        label=np.arange(12) % 3,
        subject=np.array([f"s{i // 4:02d}" for i in range(12)]),
        clip=np.array([f"clip {i}" for i in range(12)]),
        dataset=np.array(["smic"] * 12),
    )
    return ["--dataset", "flow28", "--root", "maps.npz"]


def test_recipes_are_listed_shown_and_copied(here, run):
    status, out, _ = run("recipes", "--only", "3db-*", "--json")
    rows = json.loads(out)
    assert status == 0
    assert {"3db-ststnet", "3db-svm-flow"} <= {row["name"] for row in rows}
    assert set(_COLUMNS) <= set(rows[0])
    assert {row["run by"] for row in rows} == {"evaluate, train"}
    status, out, _ = run("recipes", "--only", "*cascade")
    assert status == 0
    assert "me-tst-plus-cascade" in out
    assert "3db-ststnet" not in out
    status, out, _ = run("recipes", "show", "3db-ststnet")
    assert status == 0
    assert tomllib.loads(out)["model"]["name"] == "ststnet"
    assert out.startswith("#")  # the comment is there
    assert run("recipes", "copy", "3db-ststnet", "-o", "mine.toml")[:2] == (0, "mine.toml\n")
    assert read_recipe("mine.toml") == read_recipe("3db-ststnet")
    status, _, said = run("recipes", "copy", "3db-ststnet", "-o", "mine.toml")
    assert (status, "kept; --force" in said) == (1, True)
    status, _, said = run("recipes", "show", "3db-stsnet")
    assert (status, "did you mean '3db-ststnet'?" in said) == (1, True)
    assert run("recipes", "--only", "nothing*")[0] == 2


@pytest.mark.slow
def test_a_run_says_how_to_repeat_it_and_the_command_does(here, maps, run, monkeypatch):
    words = ["evaluate", "3db-flow-cnn", *maps, *TINY, "--jobs", "1", "-o", "first"]
    status, out, err = run(*words)
    assert status == 0, err
    told = json.loads((here / "first/repeat.json").read_text())
    assert told["command"] == shlex.join(["mescope", *words])
    assert told["data"]["dataset"] == "flow28"
    assert {"python", "mescope", "torch", "numpy"} <= set(told["environment"])
    assert read_recipe("first/recipe.toml").optim.epochs == 2
    program, *again = shlex.split(told["again"])
    assert program == "mescope"
    assert run_words([*again, "--jobs", "1"]) == 0
    first, second = (
        json.loads((here / f"{name}/report.json").read_text())
        for name in ("first", "first-again")
    )
    assert first["predictions"] == second["predictions"]
    listing = json.loads((here / "first-again/repeat.json").read_text())["data"]["listing"]
    assert listing == told["data"]["listing"]
    # a refused start leaves what the folder says about its own run
    assert run(*words[:-2], "--set", "optim.epochs=3", "-o", "first")[0] == 1
    assert json.loads((here / "first/repeat.json").read_text()) == told
    # own figures stand last, papers' above them
    assert out.rstrip().splitlines()[-1].startswith("Note: ")
    assert out.index("No published table") < out.index("mode clean: loso")
    assert "report.tex" in {path.name for path in (here / "first").iterdir()}


def test_other_data_has_another_listing_and_a_moved_copy_the_same(here, maps, tmp_path):
    from mescope.datasets import open_dataset
    from mescope.datasets.listing import listing_hash

    first = listing_hash(open_dataset("flow28", here / "maps.npz"))
    (here / "elsewhere").mkdir()
    (here / "maps.npz").rename(here / "elsewhere/same.npz")
    moved = here / "elsewhere/same.npz"
    assert listing_hash(open_dataset("flow28", moved)) == first
    arrays = dict(np.load(moved))
    arrays["label"] = (arrays["label"] + 1) % 3
    np.savez(here / "other.npz", **arrays)
    assert listing_hash(open_dataset("flow28", here / "other.npz")) != first


class Wandb(types.ModuleType):
    """As much of the library as is used, keeping what it was told."""

    def __init__(self):
        super().__init__("wandb")
        self.__spec__ = types.SimpleNamespace(name="wandb")
        self.begun, self.logged, self.ended = [], [], 0

    Settings = staticmethod(dict)

    def init(self, **options):
        self.begun.append(options)
        return types.SimpleNamespace(log=self.log, finish=self.finish, config={})

    def log(self, values, step):
        self.logged.append((step, values["loss"]))

    def finish(self, **_):
        self.ended += 1


def test_folds_are_logged_each_into_a_folder_of_its_own(here, maps, run, monkeypatch):
    words = ["evaluate", "3db-flow-cnn", *maps, *TINY, "--jobs", "1"]
    assert run(*words, "--log", "csv", "-o", "a")[0] == 0
    tables = sorted((here / "a/logs").glob("seed-0/*/version_0/metrics.csv"))
    assert [t.parts[-3] for t in tables] == ["smic-s00", "smic-s01", "smic-s02"]
    rows = list(csv.DictReader(tables[0].read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["0.0", "1.0"]
    monkeypatch.setitem(sys.modules, "wandb", planted := Wandb())
    assert run(*words, "--log", "wandb", "-o", "b")[0] == 0
    assert {one["mode"] for one in planted.begun} == {"offline"}  # nothing is sent
    assert [one["dir"].name for one in planted.begun] == ["smic-s00", "smic-s01", "smic-s02"]
    assert len(planted.logged) == 3 * 2
    assert planted.ended == 3


@pytest.mark.parametrize("command", ["evaluate", "train"])
def test_a_log_that_cannot_be_written_is_told_before_any_work(here, maps, run, command):
    status, _, said = run(command, "3db-flow-cnn", *maps, "--log", "tensorbord", "-o", "a")
    assert (status, "expected a log of none, csv, tensorboard, wandb" in said) == (1, True)
    assert not (here / "a/run.json").exists()


def test_training_says_how_to_repeat_it_too(here, maps, run):
    words = ["train", "3db-flow-cnn", *maps, *TINY[:4], "-o", "w", "--log", "csv"]
    assert run(*words)[0] == 0
    told = json.loads((here / "w/repeat.json").read_text())
    assert told["again"].startswith("mescope train w/recipe.toml --dataset flow28")
    assert list((here / "w/logs").glob("version_0/metrics.csv"))


def test_finished_weights_are_those_of_their_data_alone(here, maps, run):
    words = ["train", "3db-flow-cnn", *maps, *TINY[:4], "-o", "w"]
    assert run(*words)[0] == 0
    arrays = dict(np.load(here / "maps.npz"))
    rest = arrays["subject"] != "s00"
    np.savez(here / "rest.npz", **{name: values[rest] for name, values in arrays.items()})
    words[words.index("maps.npz")] = "rest.npz"
    kept = (here / "w/3db-flow-cnn.safetensors").read_bytes()
    status, out, said = run(*words)
    assert (status, out) == (1, "")
    assert "a finished run on other data, which is kept: listing differ" in said
    (here / "w/3db-flow-cnn.safetensors").unlink()  # its checkpoint saw the others, too
    status, _, said = run(*words)
    assert (status, "learned from other data" in said) == (1, True)
    (here / "w/3db-flow-cnn.safetensors").write_bytes(kept)
    (here / "rest.npz").unlink()  # what is not there any more cannot be compared
    assert run(*words)[0] == 0
    words[words.index("rest.npz")] = "maps.npz"
    assert run(*words)[0] == 0
