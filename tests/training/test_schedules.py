"""The learning rate of MERba, and what its weight decay leaves alone."""

from __future__ import annotations

import pytest
import torch
from made_recipes import flat_recipe

from mescope.models import create_model
from mescope.training.schedules import decay_groups, schedule_of, warm_up


@pytest.mark.parametrize("epochs", [70, 200])
def test_published_course(epochs):
    peak = 5e-4
    assert warm_up(0, epochs, peak) == 1e-6
    assert warm_up(5, epochs, peak) == pytest.approx(peak, rel=0.02)
    assert warm_up(epochs - 10, epochs, peak) == 5e-6
    assert warm_up(epochs - 1, epochs, peak) == 5e-6
    rates = [warm_up(e / 4, epochs, peak) for e in range(4 * epochs)]
    top = rates.index(max(rates))
    assert top in (19, 20, 21)
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)


def test_a_short_run_keeps_the_shape():
    rates = [warm_up(e, 7, 1e-3) for e in range(7)]
    assert rates[0] == 1e-6
    assert rates[-1] == 5e-6
    assert max(rates) == rates[1] > 9e-4


@pytest.mark.parametrize(
    ("name", "end"), [("constant", 1e-3), ("cosine", 0.0), ("warm-up", 5e-6)]
)
def test_schedules_by_name(name, end):
    recipe = flat_recipe(
        name="r", model="ststnet", data="flow28", schedule=name, epochs=80, learning_rate=1e-3
    )
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1e-3)
    schedule = schedule_of(recipe.optim, optimizer, 3)
    for _ in range(240):
        optimizer.step()
        if schedule is not None:
            schedule.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(end, abs=1e-12)


@pytest.mark.parametrize("name", ["merba-s28", "ststnet", "me-tst-plus-small"])
def test_what_decays(name):  # check 24
    model = create_model(name)
    decays, free = decay_groups(model, 0.05)
    assert (decays["weight_decay"], free["weight_decay"]) == (0.05, 0.0)
    names = {id(p): n for n, p in model.named_parameters()}
    for parameter in decays["params"]:
        last = names[id(parameter)].rpartition(".")[2]
        assert parameter.ndim > 1
        assert last not in ("A_log", "D", "gamma")
        assert "bias" not in last
    assert len(decays["params"]) + len(free["params"]) == len(names)


def test_positions_and_the_class_token_do_not_decay():
    model = create_model("videomamba-xs", frames=2, side=28, depth=1)
    _, free = decay_groups(model, 0.05)
    kept = {id(p) for p in free["params"]}
    assert {id(model.class_token), id(model.space), id(model.time)} <= kept
