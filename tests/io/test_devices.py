"""Devices: those that are there, and one for each process."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

import numpy as np
import pytest
from made_recipes import flat_recipe

from mescope.errors import MescopeError
from mescope.io import devices
from mescope.io.devices import checked_device, checked_devices, devices_for_jobs, spread
from mescope.io.parallel import run_jobs
from mescope.samples.examples import Examples
from mescope.training.evaluate import evaluate

TWO = ("cuda:0", "cuda:1")


@pytest.fixture
def two_cards(monkeypatch):
    monkeypatch.setattr(devices, "cards", lambda: TWO)


@pytest.fixture
def no_card(monkeypatch):
    monkeypatch.setattr(devices, "cards", lambda: ())


@pytest.mark.usefixtures("two_cards")
def test_a_card_by_its_number():
    assert checked_device("cuda:1") == "cuda:1"
    assert checked_device("auto") == "cuda"
    assert checked_devices("cuda:1, cuda:0") == ("cuda:1", "cuda:0")
    with pytest.raises(MescopeError, match=r"cuda:2 was .* sees 2 GPUs \(cuda:0, cuda:1\)"):
        checked_device("cuda:2")


@pytest.mark.usefixtures("no_card")
def test_cards_that_are_not_there():
    assert checked_device("auto") == "cpu"
    for name in ("cuda", "cuda:0"):
        with pytest.raises(MescopeError, match=f"device {name} .* torch sees no GPU; use cpu"):
            checked_device(name)


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "cuda:-1", "cpu:1", "", "mps:0"])
def test_what_is_no_device(name):
    with pytest.raises(MescopeError, match=r"unknown device .*such as cuda:1"):
        checked_device(name)


@pytest.mark.usefixtures("two_cards")
@pytest.mark.parametrize("names", ["cuda:0,cuda:0", "cuda,cuda:1", "cpu,cuda:0"])
def test_devices_that_do_not_go_together(names):
    with pytest.raises(MescopeError, match="different cards of one kind"):
        checked_devices(names)


@pytest.mark.usefixtures("two_cards")
def test_jobs_are_spread_over_every_card():
    assert devices_for_jobs("cuda") == TWO
    assert devices_for_jobs("cuda:1") == ("cuda:1",)
    assert devices_for_jobs("cuda", here=False) == ("cuda",)
    with pytest.raises(MescopeError, match="Ray itself gives every job a card"):
        devices_for_jobs("cuda:1", here=False)


@pytest.mark.parametrize("processes", range(1, 9))
@pytest.mark.parametrize("count", range(1, 5))
def test_no_card_gets_a_second_process_before_each_has_one(count, processes):
    some = [f"cuda:{n}" for n in range(count)]
    shares = [spread(some, processes).count(one) for one in some]
    assert sum(shares) == processes
    assert max(shares) - min(shares) <= 1


@dataclass(frozen=True)
class Given:
    device: str


def on_which(shared, item):
    time.sleep(0.05)
    return os.getpid(), shared.device


@pytest.mark.filterwarnings("ignore")  # of joblib, about processes that end
def test_each_process_has_a_device_of_its_own():
    some = ("first", "second")
    done = list(run_jobs(on_which, Given("none"), range(12), devices=some))
    assert sorted(item for item, _ in done) == list(range(12))
    found = {place for _, place in done}
    assert {device for _, device in found} == set(some)
    assert len({process for process, _ in found}) == len(found) == 2  # one each, and kept


def test_a_single_device_is_told_to_the_job():
    assert dict(run_jobs(on_which, Given("none"), [0], devices=("only",)))[0][1] == "only"


@pytest.mark.filterwarnings("ignore")
def test_an_evaluation_over_two_cards_is_that_of_one_process(monkeypatch, tmp_path):
    """Cards that are played by the CPU; torch takes ``cpu:1`` for it."""
    rng = np.random.default_rng(0)
    data = Examples(
        kind="flow28",
        inputs=rng.uniform(0, 255, (12, 3, 28, 28)).astype(np.float32),
        labels=np.arange(12) % 3,
        classes=("negative", "positive", "surprise"),
        persons=tuple(("a", f"{i // 3}") for i in range(12)),
        names=tuple(map(str, range(12))),
    )
    recipe = flat_recipe(
        name="two", model="ststnet", data="flow28", seeds=1, epochs=1, batch_size=8
    )
    here = evaluate(recipe, data)
    monkeypatch.setattr(devices, "cards", lambda: ("cpu:0", "cpu:1"))
    monkeypatch.setattr(devices, "checked_devices", lambda _names: ("cuda",))
    there = evaluate(recipe, data, device="cuda", jobs=2, out=tmp_path)
    assert there.predictions == here.predictions
