"""Jobs on processes and on a Ray cluster give what one process gives."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from made_recipes import flat_recipe
from made_up_recordings import people

from mescope.cli import run
from mescope.cli.many import MANIFEST
from mescope.errors import RecipeError
from mescope.io import parallel
from mescope.io.parallel import checked_engine, run_jobs
from mescope.samples.examples import Examples
from mescope.samples.recording_windows import MeasuredRecordings
from mescope.synthesis.encode import write_video
from mescope.training.evaluate import evaluate
from mescope.training.evaluate_recordings import evaluate_recordings
from mescope.training.recipe import parse_recipe
from mescope.video.arrays import ArrayVideo

pytestmark = pytest.mark.filterwarnings("ignore")  # of Ray and joblib, about processes that end


def job(shared, item):
    """Fail or die by request, else tell what came in, and on how many threads."""
    if item == "wrong":
        raise RecipeError("this job is wrong")
    if item == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    return shared + item, torch.get_num_threads()


@pytest.fixture(scope="module")
def by_value() -> Iterator[None]:
    """Send this module's functions whole: Ray's workers do not have the tests on their path."""
    pickle = pytest.importorskip("ray.cloudpickle")
    pickle.register_pickle_by_value(sys.modules[__name__])
    yield
    pickle.unregister_pickle_by_value(sys.modules[__name__])


@pytest.fixture(scope="module")
def cluster(by_value: None) -> Iterator[str]:
    """Two node processes on a loopback address (Ray turns 127.0.0.1 into the machine's own)."""
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "node_ip_address": "127.0.0.2", "object_store_memory": 100 << 20}
    with pytest.MonkeyPatch.context() as patch:
        # else a token that an earlier run of Ray left in ~/.ray is shown to nodes without one
        patch.setenv("RAY_AUTH_MODE", "disabled")
        started = Cluster(
            initialize_head=True, head_node_args=node | {"include_dashboard": False}
        )
        try:
            started.add_node(**node)
            yield started.address
        finally:
            started.shutdown()


@pytest.mark.parametrize("jobs", [1, 2])
def test_each_item_once_with_what_is_shared(jobs):
    found = dict(run_jobs(job, 100, [1, 2, 3], jobs=jobs))
    assert found == {1: (101, 1), 2: (102, 1), 3: (103, 1)}


def test_threads_are_given_back():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with pytest.raises(RecipeError, match="this job is wrong"):
            list(run_jobs(job, "", ["wrong"]))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.slow
def test_a_failing_job_is_told_as_it_is():
    with pytest.raises(RecipeError, match="this job is wrong"):
        list(run_jobs(job, "", ["fine", "wrong"], jobs=2))
    with pytest.raises(RecipeError, match="with fewer jobs"):
        list(run_jobs(job, "", ["fine", "dies"], jobs=2))


@pytest.mark.parametrize(
    ("there", "asked", "mode"),
    [(False, {}, None), (True, {}, "token"), (False, {"RAY_AUTH_TOKEN": "x"}, "token"),
     (True, {"RAY_AUTH_MODE": "disabled"}, "disabled")],
)  # fmt: skip
def test_a_token_that_is_here_is_shown_to_a_cluster(tmp_path, monkeypatch, there, asked, mode):
    """A cluster of Ray 2.60 asks for the one in ~/.ray, and was not to be joined."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RAY_AUTH")} | asked
    monkeypatch.setattr(os, "environ", environment)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    if there:
        (tmp_path / ".ray").mkdir()
        (tmp_path / ".ray" / "auth_token").write_text("0" * 64)
    parallel._show_token()
    assert environment.get("RAY_AUTH_MODE") == mode


@pytest.mark.slow
def test_a_ray_cluster_of_two_nodes(cluster):
    found = dict(run_jobs(where, "on ", [0, 1, 2, 3], engine="ray", address=cluster))
    assert {text for text, _ in found.values()} == {"on 0", "on 1", "on 2", "on 3"}
    assert len({node for _, node in found.values()}) == 2  # both worked
    with pytest.raises(RecipeError, match="this job is wrong"):
        list(run_jobs(job, "", ["wrong"], engine="ray", address=cluster))
    with pytest.raises(RecipeError, match="memory ran out"):
        list(run_jobs(job, "", ["dies"], engine="ray", address=cluster))


@pytest.mark.slow
def test_an_evaluation_on_the_cluster_is_that_of_this_machine(cluster, tmp_path):
    rng = np.random.default_rng(0)
    data = Examples(
        kind="flow28",
        inputs=rng.uniform(0, 255, (18, 3, 28, 28)).astype(np.float32),
        labels=np.arange(18) % 3,
        classes=("negative", "positive", "surprise"),
        persons=tuple(("a", f"{i // 3}") for i in range(18)),
        names=tuple(map(str, range(18))),
    )
    recipe = flat_recipe(
        name="ray", model="ststnet", data="flow28", seeds=1, epochs=2, batch_size=8
    )
    here = evaluate(recipe, data)
    there = evaluate(recipe, data, engine="ray", address=cluster, out=tmp_path)
    assert there.predictions == here.predictions
    assert len(list(tmp_path.glob("folds/seed-0/*.json"))) == 6


@pytest.mark.slow
def test_recordings_spotted_on_the_cluster_are_those_of_this_machine(cluster, tmp_path):
    data = MeasuredRecordings(people(3, recordings=1))
    recipe = parse_recipe(
        'name = "ray"\nlabels = "4-class"\nseeds = 1\n[model]\nname = "me-tst"\n'
        '[model.options]\ndim = 8\ndepth = 2\nstates = 4\n[data]\nkind = "recordings"\n'
        "[optim]\nepochs = 2\nbatch_size = 16\n"
    )
    here = evaluate_recordings(recipe, data)
    there = evaluate_recordings(recipe, data, engine="ray", address=cluster, out=tmp_path)
    assert there.runs == here.runs
    assert len(list(tmp_path.glob("folds/seed-0/*.json"))) == 3


@pytest.mark.slow
def test_recordings_analyzed_on_the_cluster_are_those_of_this_machine(
    cluster, tmp_path, capsys
):
    """To the byte, but for the time at which they were made; what fails stops none."""
    for number, size in enumerate([(96, 64), (64, 64)]):
        grey = np.random.default_rng(number).integers(0, 255, (45, *size), np.uint8)
        write_video(ArrayVideo(grey, 30.0), tmp_path / f"{number}.mp4")
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    videos = [str(tmp_path / name) for name in ("0.mp4", "1.mp4", "broken.mp4")]
    words = ["analyze", *videos, "--method", "flow-peaks", "--format", "json,csv"]
    there = [*words, "-o", str(tmp_path / "there"), "--engine", "ray", "--address", cluster]
    assert run([*words, "-o", str(tmp_path / "here")]) == 3
    assert run(there) == 3
    made = sorted(path.name for path in (tmp_path / "here").iterdir())
    assert sorted(path.name for path in (tmp_path / "there").iterdir()) == [*made, MANIFEST]
    for name in made:
        texts = [(tmp_path / place / name).read_text() for place in ("here", "there")]
        one, other = (re.sub(r'"created": "[^"]*"', "", text) for text in texts)
        assert one == other
    assert states(tmp_path / "there") == ["finished", "finished", "failed"]
    (tmp_path / "there" / "1.csv").unlink()
    capsys.readouterr()
    assert run(there) == 3
    said = capsys.readouterr().err
    assert "2 of 3 recordings done: 1 finished before and kept, 1 completed, 1 failed" in said
    assert states(tmp_path / "there") == ["finished", "finished", "failed"]
    assert (tmp_path / "there" / "1.csv").exists()


def states(folder):
    return [json.loads(line)["state"] for line in (folder / MANIFEST).read_text().splitlines()]


class FakeRay:
    """Counts what is under way at once, on a cluster of two cores."""

    def __init__(self):
        self.under_way, self.most = [], 0

    def init(self, **_place): ...

    def shutdown(self): ...

    def put(self, value):
        return value

    def cluster_resources(self):
        return {"CPU": 2.0}

    def remote(self, **_needs):
        def give(function):
            def begin(*given):
                self.under_way.append((function, given))
                self.most = max(self.most, len(self.under_way))
                return len(self.under_way), given[-1]

            return SimpleNamespace(remote=begin)

        return give

    def wait(self, some, num_returns):
        return some[:num_returns], some[num_returns:]

    def get(self, _ready):
        function, given = self.under_way.pop(0)
        return function(*given)


def test_a_cluster_is_given_a_few_jobs_at_a_time(monkeypatch):
    pytest.importorskip("ray")
    fake = FakeRay()
    for name in ("init", "shutdown", "put", "cluster_resources", "remote", "wait", "get"):
        monkeypatch.setattr(f"ray.{name}", getattr(fake, name))
    found = dict(run_jobs(job, 0, range(50), engine="ray"))
    assert [found[n][0] for n in range(50)] == list(range(50))
    assert fake.most == 4
    with pytest.raises(RecipeError, match="a Ray cluster with cards, found none"):
        list(run_jobs(job, Given("cuda"), [1], engine="ray", devices=("cuda",)))


def test_what_a_cluster_lost_is_told_in_words(monkeypatch):
    exceptions = pytest.importorskip("ray.exceptions")
    fake = FakeRay()

    def lost(_ready):
        raise exceptions.OwnerDiedError("ab", "owner", "where")

    monkeypatch.setattr(fake, "get", lost)
    for name in ("init", "shutdown", "put", "cluster_resources", "remote", "wait", "get"):
        monkeypatch.setattr(f"ray.{name}", getattr(fake, name))
    with pytest.raises(RecipeError, match=r"lost a job .OwnerDiedError: .* kept: run the same"):
        list(run_jobs(job, 0, [1], engine="ray"))


@dataclass(frozen=True)
class Given:
    device: str


def where(shared, item):
    import time

    import ray

    time.sleep(0.5)  # long enough for the other node to be given one
    return f"{shared}{item}", ray.get_runtime_context().get_node_id()


@pytest.mark.slow
def test_ray_on_this_machine_alone(by_value):
    assert dict(run_jobs(job, 5, [1, 2], jobs=2, engine="ray")) == {1: (6, 1), 2: (7, 1)}


@pytest.mark.parametrize("address", ["127.0.0.2:1", "nowhere", "host:port", "h:99999999"])
def test_an_address_without_a_cluster_is_told_at_once(address):
    pytest.importorskip("ray")
    with pytest.raises(RecipeError, match=r"expected (a Ray cluster|the address)"):
        list(run_jobs(job, 5, [1], engine="ray", address=address))


def test_ray_that_is_not_installed_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RecipeError, match="pip install ray"):
        list(run_jobs(job, 5, [1], engine="ray"))
    with pytest.raises(RecipeError, match="an engine of local, ray"):
        checked_engine("slurm")
