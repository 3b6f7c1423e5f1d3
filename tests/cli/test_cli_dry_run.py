"""``mescope train --dry-run``: figures from measured steps, and nothing left behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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


@pytest.mark.parametrize(
    ("recipe", "said"),
    [("3db-svm-flow", "expected a network"), ("3db-ststnet", "give --dataset and --root")],
)
def test_what_cannot_be_measured_is_said(run, here, recipe, said):
    status, _, err = run("train", recipe, "--dry-run")
    assert status != 0
    assert said in err
    assert "Traceback" not in err
