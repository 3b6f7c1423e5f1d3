"""``mescope train --dry-run``: figures from measured steps, and nothing left behind."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from mix_sets import data_set, expression

from mescope.events import Recording
from mescope.training.recipe import read_recipe
from mescope.training.tasks.faces import FaceTask

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = ["--set", "model.options.dim=8", "--set", "model.options.states=2"]


def test_a_spotter_is_measured_on_noise_of_its_shape(run, here):
    status, out, err = run("train", "me-tst-plus-small-synthetic", "--dry-run", *SMALL)
    assert status == 0, err
    assert "GiB for a batch of 64" in out
    assert "2,800 steps" in out
    assert "nothing was trained" in err
    assert list(Path().iterdir()) == []


def test_parts_and_blocks_that_compute_twice_need_less(run, here):
    command = ["train", "me-tst-plus-small-synthetic", "--dry-run", "--json"]
    plain = json.loads(run(*command)[1])
    less = json.loads(
        run(*command, "--set", "optim.accumulate=8", "--set", "optim.recompute=true")[1]
    )
    assert plain["steps"] == less["steps"] == 2800
    assert plain["hours"] == pytest.approx(plain["seconds_per_step"] * 2800 / 3600)
    assert less["bytes_per_sample"] < plain["bytes_per_sample"]
    assert less["bytes"] < plain["bytes"] / 4
    assert less["parameters"] == plain["parameters"]


def test_a_recogniser_on_drawn_maps_is_measured_on_some_of_them(run, here):
    status, out, err = run(
        "train", "merba-s28-synthetic", "--dry-run", "--json", "--set", "data.maps=40"
    )
    assert status == 0, err
    found = json.loads(out)
    assert found["steps"] == -(-40 // found["batch_size"]) * 5
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("recipe", ["3db-ststnet", "me-tst-plus-small-casme3"])
def test_without_data_a_step_is_measured_and_what_is_not_known_is_said(run, here, recipe):
    status, out, err = run("train", recipe, "--dry-run")
    assert status == 0, err
    assert "s a step; how many steps they are is known with a data set" in out
    assert list(Path().iterdir()) == []


def test_the_steps_are_those_of_the_data(run, here, tmp_path):
    """Clips, recordings and mirrored copies, of which no picture is there to be opened."""
    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / "maps.npz", flow=rng.integers(0, 256, (12, 28, 28, 3)).astype(np.uint8),
        label=np.arange(12) % 3, subject=np.array([f"s{i // 4:02d}" for i in range(12)]),
        clip=np.array([f"clip {i}" for i in range(12)]), dataset=np.array(["smic"] * 12),
    )  # fmt: skip
    command = ["train", "3db-ststnet", "--dry-run", "--json", "--set", "optim.batch_size=5"]
    data = ["--dataset", "flow28", "--root", str(tmp_path / "maps.npz")]
    status, out, err = run(*command, *data)
    assert status == 0, err
    assert json.loads(out)["steps"] == 3 * 800
    assert [path.name for path in Path().iterdir()] == ["maps.npz"]


def test_an_epoch_of_faces_has_its_mirrored_copies():
    recipe = read_recipe("videomamba-ti", ["augment.flip=true", "data.rsmix=true"])
    some = expression(40, 49, "12"), expression(60, 69, "12")
    recorded = Recording(
        dataset="casme3a", subject="1", name="a", frames=99, rate=30.0, expressions=some
    )
    given = recipe.data.expected(data_set(recorded), "4-class")
    assert FaceTask.an_epoch(recipe, given) == 2 + 2 + 2  # copies are not mirrored


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("3db-svm-flow", "expected a network"),
        ("3db-ststnet --dataset flow28", "--dataset and --root together"),
        ("3db-ststnet --dataset flow28 --root none", "none"),
        ("me-tst-plus-small-casme3 --dataset casme3a --root none", "none"),
        ("me-tst-plus-small-casme3 --dataset nonsense --root .", "nonsense"),
        ("me-tst-plus-small-casme3 --root .", "--dataset and --root together"),
        ("me-tst-plus-small-casme3 --features none", "none"),
        ("me-tst-plus-small-synthetic --dataset casme3a --root .", "expected no --dataset"),
    ],
)
def test_what_cannot_be_measured_is_said(run, here, words, said):
    """A data set that is not there was passed over without a word."""
    status, _, err = run("train", *words.split(), "--dry-run")
    assert status != 0
    assert said in err
    assert "Traceback" not in err
