"""The one loop: it learns what was planted, on one process or two, and can be watched."""

from __future__ import annotations

import itertools

import pytest
import torch
from lightning_fabric import Fabric
from torch import nn
from torch.nn import functional as F

from mescope.errors import RecipeError
from mescope.training.fit import fit, one_device
from mescope.training.logs import checked_log, logger

TRUTH = torch.tensor([[2.0, -3.0]])


def batches(epoch):
    g = torch.Generator().manual_seed(epoch)
    for _ in range(5):
        x = torch.randn(8, 2, generator=g)
        yield x, x @ TRUTH.T + 1.0


def squared(output, batch):
    return F.mse_loss(output, batch[1])


def train_recognizer(fabric=None, epochs=40, **options):
    torch.manual_seed(0)
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    fit(model, optimizer, batches, squared, epochs=epochs, fabric=fabric, **options)
    return model


def test_the_planted_line_is_learned():
    told, seen = [], []
    model = train_recognizer(after_epoch=lambda n, entry: told.append((n, entry["loss"])),
                  report=lambda done, loss: seen.append(done))  # fmt: skip
    torch.testing.assert_close(model.weight.data, TRUTH, rtol=0, atol=1e-3)
    torch.testing.assert_close(model.bias.data, torch.ones(1), rtol=0, atol=1e-3)
    assert [n for n, _ in told] == list(range(40))
    assert told[-1][1] < 1e-4 < told[0][1]
    assert seen == list(range(1, 201))


def test_going_on_equals_going_through():
    """Dropout included: what is random in an epoch depends on seed and epoch only."""

    def part(model, optimizer, first, last):
        fit(model, optimizer, batches, squared, epochs=last, first=first, seed=7)

    found = []
    for cuts in ([0, 6], [0, 2, 6]):
        torch.manual_seed(1)
        model = nn.Sequential(nn.Linear(2, 8), nn.Dropout(0.5), nn.Linear(8, 1))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for first, last in itertools.pairwise(cuts):
            part(model, optimizer, first, last)
        found.append(model[0].weight.detach())
    assert torch.equal(*found)


@pytest.mark.parametrize("parts", [2, 3, 8, 50])
def test_a_batch_in_parts_gives_the_gradients_of_the_whole(parts):
    """Parts of unequal length count by it; more parts than samples are as many as samples."""
    seen = []
    whole = train_recognizer(epochs=3)
    found = train_recognizer(
        epochs=3, accumulate=parts, report=lambda n, loss: seen.append(loss)
    )
    torch.testing.assert_close(found.weight, whole.weight)
    torch.testing.assert_close(found.bias, whole.bias)
    assert len(seen) == 15


def _save_rank_zero(fabric, path):
    model = train_recognizer(fabric, epochs=3)
    if fabric.is_global_zero:
        torch.save({k.replace("module.", ""): v for k, v in model.state_dict().items()}, path)
    # A process that ends while its group lives may abort: gloo's threads are still running.
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_two_processes_learn_what_one_learns(tmp_path):
    """DDP over gloo: shares of a batch, averaged gradients, the same weights."""
    path = str(tmp_path / "two.pt")
    fabric = Fabric(accelerator="cpu", devices=2, strategy="ddp_spawn")
    fabric.launch(_save_rank_zero, path)
    two = torch.load(path, weights_only=True)
    one = train_recognizer(epochs=3).state_dict()
    assert two.keys() == one.keys()
    for key, value in one.items():
        torch.testing.assert_close(two[key], value, rtol=1e-5, atol=1e-6)


def test_a_loss_that_is_no_number_stops(tmp_path):
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(RecipeError, match="the loss is nan in epoch 0, batch 0"):
        fit(model, optimizer, batches, lambda o, b: squared(o, b) * float("nan"), epochs=1)


def test_losses_can_be_logged_as_csv(tmp_path):
    train_recognizer(one_device(loggers=logger("csv", tmp_path / "logs")), epochs=3)
    (table,) = tmp_path.glob("logs/version_0/metrics.csv")
    lines = table.read_text().splitlines()
    assert "loss" in lines[0]
    assert len(lines) == 4


def test_tensorboard_that_is_not_there_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RecipeError, match="pip install tensorboard"):
        logger("tensorboard", tmp_path)
    with pytest.raises(RecipeError, match="found no wandb; `pip install wandb`, or log as csv"):
        checked_log("wandb")
    with pytest.raises(RecipeError, match="none, csv, tensorboard, wandb"):
        checked_log("mlflow")
    assert checked_log("csv") == "csv"
