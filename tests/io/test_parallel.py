"""Jobs on processes and on a Ray cluster give what one process gives."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from made_recipes import flat_recipe
from made_up_recordings import people

from mescope.errors import RecipeError
from mescope.io.parallel import checked_engine, run_jobs
from mescope.samples.examples import Examples
from mescope.samples.recording_windows import MeasuredRecordings
from mescope.training.evaluate import evaluate
from mescope.training.evaluate_recordings import evaluate_recordings
from mescope.training.recipe import parse_recipe

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
    started = Cluster(initialize_head=True, head_node_args=node | {"include_dashboard": False})
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
