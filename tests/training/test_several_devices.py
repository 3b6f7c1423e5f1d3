"""One training on several devices learns what one device learns; played by CPUs."""

from __future__ import annotations

import queue
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from ammsm_sets import recipe_of
from made_recipes import changed, flat_recipe

from mescope.errors import MescopeError, RecipeError
from mescope.models import create_model
from mescope.samples.examples import Examples
from mescope.training import fit, several_devices
from mescope.training.batch_norm import over_processes
from mescope.training.checkpoint import read_history
from mescope.training.several_devices import train_together
from mescope.training.train_clips import train_on_all

pytestmark = pytest.mark.filterwarnings("ignore")  # of libraries, about processes that end

CLIPS = 20  # batches of 9, 9 and 2: shares of 5 and 4, and of 1
RECIPE = {
    "name": "several", "model": "off-apexnet", "data": "flow28", "labels": "3-class",
    "seeds": 1, "epochs": 3, "batch_size": 9, "learning_rate": 1e-3, "clip_norm": 1.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def clips():
    rng = np.random.default_rng(0)
    return Examples(
        kind="flow28",
        inputs=rng.uniform(0, 255, (CLIPS, 3, 28, 28)).astype(np.float32),
        labels=np.arange(CLIPS) % 3,
        classes=("negative", "positive", "surprise"),
        persons=tuple(("a", f"{i}") for i in range(CLIPS)),
        names=tuple(map(str, range(CLIPS))),
    )


NORMED = {"model": "ststnet", "options": {"dropout": 0.0}}
"""With batch norm behind a ReLU: a bias right before a norm has no gradient but rounding."""


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{}, NORMED], ids=["plain", "batch norm"])
def test_two_processes_learn_what_one_learns(clips, tmp_path, changes):
    recipe = flat_recipe(**RECIPE | changes)
    one, _ = train_on_all(recipe, clips, tmp_path / "one")
    told = []
    two, _ = train_on_all(
        recipe, clips, tmp_path / "two", device="cpu,cpu", report=lambda n, x: told.append(n)
    )
    assert told == list(range(1, 10))
    for name, value in one.model.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue  # the fused stem does not count them, and nothing uses them
        # Nine steps of Adam move a weight by up to 9e-3, also where its gradient is rounding.
        torch.testing.assert_close(two.model.state_dict()[name], value, rtol=1e-3, atol=1e-4)
    losses = [[e["loss"] for e in read_history(tmp_path / run)] for run in ("one", "two")]
    np.testing.assert_allclose(*losses, rtol=1e-4)
    assert losses[0][0] != losses[0][-1]  # something was learned


def test_shares_of_a_batch_count_by_their_length():
    """Also of one that is too small for every process to have a share."""
    for length in (1, 2, 5):
        batch = torch.arange(length), torch.arange(length)
        some = [SimpleNamespace(global_rank=r, world_size=3, device="cpu") for r in range(3)]
        found = [fit._share(batch, one) for one in some]
        assert all(len(share[0]) == len(share[1]) > 0 for share, _ in found)
        mean = sum(weight * float(share[0].double().mean()) for share, weight in found) / 3
        assert mean == pytest.approx(float(batch[0].double().mean()))


def test_cards_take_the_norm_of_torch_and_keep_the_parameters():
    """No card is needed to exchange them; what they compute, a CPU cannot show."""
    model = create_model("flow-cnn")
    before = dict(model.named_parameters())
    made = over_processes(model, "cuda")
    assert type(made.norm) is type(made.norm_2) is torch.nn.SyncBatchNorm
    assert all(one is before[name] for name, one in made.named_parameters())


def test_a_norm_over_processes_is_the_norm_of_torch_where_it_is_alone(monkeypatch):
    """Gradients, running values and what evaluation computes, in one and two dimensions."""
    monkeypatch.setattr(torch.distributed, "all_reduce", lambda values: None)
    for kind, shape in ((torch.nn.BatchNorm1d, (6, 5)), (torch.nn.BatchNorm2d, (4, 5, 3, 2))):
        plain, other = kind(5, momentum=None).double(), kind(5, momentum=None).double()
        shared = over_processes(torch.nn.Sequential(other), "cpu")[0]
        assert shared.weight is other.weight
        for seed in (1, 2):
            torch.manual_seed(seed)
            x, wanted = torch.randn(shape).double() + 3, torch.randn(shape).double()
            one, two = x.clone().requires_grad_(), x.clone().requires_grad_()
            for norm, given in ((plain, one), (shared, two)):
                norm.zero_grad()
                (norm(given) * wanted).sum().backward()
            torch.testing.assert_close(two.grad, one.grad)
            torch.testing.assert_close(shared.weight.grad, plain.weight.grad)
        torch.testing.assert_close(dict(shared.state_dict()), dict(plain.state_dict()))
        torch.testing.assert_close(shared.eval()(x), plain.eval()(x))


def fails(device, report):
    raise RecipeError(f"this training is wrong on {device}")


@pytest.mark.slow
def test_a_training_that_fails_in_a_process_is_told():
    with pytest.raises(RecipeError, match="is wrong on cpu"):
        train_together(("cpu", "cpu"), fails, {})


def test_a_process_that_was_ended_is_told():
    some = [SimpleNamespace(exitcode=e, is_alive=lambda: True) for e in (None, -9)]
    with pytest.raises(RecipeError, match="a process of the training ended: from outside"):
        several_devices._wait(some, queue.Queue(), None)


def test_a_device_that_is_not_there_is_told_before_anything_is_written(clips, tmp_path):
    if torch.cuda.is_available():
        pytest.skip("there is a card")
    with pytest.raises(
        MescopeError, match="device cuda:1 was asked for, but torch sees no GPU"
    ):
        train_on_all(flat_recipe(**RECIPE), clips, tmp_path, device="cuda:1")
    assert not list(tmp_path.iterdir())


def test_the_device_is_chosen_by_what_is_there(clips, tmp_path, monkeypatch):
    monkeypatch.setattr("mescope.io.devices.cards", lambda: ())
    made, _ = train_on_all(flat_recipe(**RECIPE), clips, tmp_path, device="auto")
    assert next(made.model.parameters()).device.type == "cpu"


@pytest.mark.parametrize("first", ["loop", "train"])
def test_a_new_process_may_import_any_part_of_it_first(first):
    """As the processes of a training on several devices do."""
    code = f"import mescope.training.{first}"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_search_wants_one_process(clips, tmp_path):
    recipe = recipe_of(search_population=4, search_generations=0, hold_out=0.3)
    with pytest.raises(RecipeError, match="expected one device, found cpu,cpu"):
        train_on_all(recipe, clips, tmp_path, device="cpu,cpu")


@pytest.mark.parametrize(("precision", "allowed"), [("32-true", False), ("tf32", True)])
def test_cards_multiply_as_the_precision_says(precision, allowed):
    flags = torch.backends.cuda.matmul, torch.backends.cudnn
    before = [one.allow_tf32 for one in flags]
    with fit.products(precision):
        assert [one.allow_tf32 for one in flags] == [allowed, allowed]
    assert [one.allow_tf32 for one in flags] == before


def test_a_compiled_model_learns_the_same(clips, tmp_path, monkeypatch):
    """The compiler's own back end needs a C++ compiler; what is passed on is tried without."""
    plain, _ = train_on_all(flat_recipe(**RECIPE), clips, tmp_path / "plain")
    seen, real = [], torch.compile

    def eager(model, **_how):
        seen.append(model)
        return real(model, backend="eager")

    monkeypatch.setattr(torch, "compile", eager)
    compiled = changed(flat_recipe(**RECIPE), optim={"compiled": True})
    made, _ = train_on_all(compiled, clips, tmp_path / "made")
    assert {id(one) for one in seen} == {id(made.model)}
    for name, value in plain.model.state_dict().items():
        torch.testing.assert_close(made.model.state_dict()[name], value)
