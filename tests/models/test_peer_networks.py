"""RCN-A, AlexNet, FeatRef, CapsuleNet, SLSTT and HTNet's areas: shapes, gradients, learning.

What holds for every model is in ``test_all_models.py``; here small sizes of the large ones.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mescope.models import create_model
from mescope.models.capsulenet import routed, squash
from mescope.models.featref import FeatRefOutput
from mescope.models.htnet import four_areas
from mescope.training.recipe import parse_recipe
from mescope.training.recognizers import train_recognizer
from mescope.training.tasks import task_of

SMALL = {  # preset: options of a small size, and the shape of one input
    "rcn-a": ({"filters": 8}, (3, 28, 28)),
    "alexnet": ({"width": 16}, (3, 64, 64)),
    "featref": ({"width": 32}, (3, 28, 28)),
    "dual-inception": ({"width": 32}, (3, 28, 28)),
    "capsulenet": (
        {"size": 48, "widths": (8, 8, 8), "kernel": 2, "capsules": 4}, (1, 48, 48),
    ),
    "slstt": (
        {"size": 16, "patch": 8, "dim": 16, "depth": 1, "heads": 2, "memory": 8,
         "memories": 1, "width": 8},
        (3, 4, 16, 16),
    ),
}  # fmt: skip
EPOCHS = {"slstt": 120}  # an LSTM takes its time; 25 are enough for the others
RATES = {"alexnet": 1e-3}  # at 5e-3 half of the seeds learn nothing
KINDS = {"capsulenet": "apex", "slstt": "flow-sequence"}
LARGE_PRESETS = ("alexnet", "capsulenet", "slstt")


def small(name, **more):
    torch.manual_seed(3)
    options, shape = SMALL[name]
    return create_model(name, **options, **more), shape


def planted(shape, n=6):
    """Three classes, told by which third of the columns moves."""
    rng = np.random.default_rng(5)
    labels = np.arange(n, dtype=np.int64) % 3
    inputs = 0.1 * rng.standard_normal((n, *shape))
    third = shape[-1] // 3
    for i, label in enumerate(labels):
        inputs[i, ..., label * third : (label + 1) * third] += 1.0
    return inputs.astype(np.float32), labels


@pytest.mark.parametrize("name", LARGE_PRESETS)
def test_shapes_gradients_and_independence_of_the_batch(name):
    model, shape = small(name, classes=4)
    x = torch.from_numpy(planted(shape, 5)[0])
    out = model.train()(x)
    assert out.emotion.shape == (5, 4)
    out.emotion.square().mean().backward()
    assert not {n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()}
    model.eval().double()
    with torch.no_grad():
        many, one = model(x.double()).emotion, model(x[2:3].double()).emotion
    assert torch.isfinite(many).all()
    torch.testing.assert_close(many[2:3], one, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", LARGE_PRESETS)
def test_halves_of_autocast_change_the_output_by_their_rounding(name, dtype):
    """As ``test_all_models.py`` asks of every model that has a small preset."""
    model, shape = small(name, classes=4)
    x = torch.from_numpy(planted(shape, 5)[0])
    wanted = model.eval()(x).emotion.detach()
    with torch.autocast("cpu", dtype=dtype):
        found = model(x).emotion
    error = (found.float() - wanted).abs().max()
    assert error < 16 * torch.finfo(dtype).eps * wanted.abs().max().clamp_min(0.1)
    found.float().square().mean().backward()
    for parameter, value in model.named_parameters():
        assert value.grad.dtype == torch.float32, parameter
        assert value.grad.isfinite().all(), parameter


@pytest.mark.parametrize("name", SMALL)
def test_each_learns_a_few_clips_by_heart(name):
    options, shape = SMALL[name]
    if name != "capsulenet":
        options = {**options, "dropout": 0.0}
    lines = [f"options.{k} = {json.dumps(v)}\n" for k, v in options.items()]
    recipe = parse_recipe(
        f'name = "few"\n[model]\nname = "{name}"\n{"".join(lines)}'
        f'[data]\nkind = "{KINDS.get(name, "flow")}"\nsize = {shape[-1]}\n'
        f"[optim]\nepochs = {EPOCHS.get(name, 25)}\nbatch_size = 6\n"
        f"learning_rate = {RATES.get(name, 5e-3)}\n"
    )
    inputs, labels = planted(shape)
    learned = train_recognizer(recipe, inputs, labels, ("a", "b", "c"), seed=0)
    found = learned.scores(inputs)
    np.testing.assert_array_equal(found.argmax(1), labels)
    np.testing.assert_allclose(found.sum(1), 1.0, atol=1e-6)


def test_attention_of_rcn_a_has_no_parameters_and_is_the_activation_map():
    model, _ = small("rcn-a")
    x = torch.rand(2, 8, 12, 12)
    found = model._attention(x)
    seen = F.adaptive_avg_pool2d(x, 5)
    weights = model.head.weight.view(3, 8, 5, 5)
    slow = torch.zeros(2, 1, 5, 5)
    for b in range(2):
        for k in range(3):
            cam = (weights[k] * seen[b]).mean(0)
            slow[b, 0] += (cam - cam.min()) / (cam.max() - cam.min()) / 3
    torch.testing.assert_close(found, slow, rtol=1e-4, atol=1e-5)
    assert not model._attention(torch.zeros_like(x)).isnan().any()


def test_parameters_of_the_published_sizes():
    def count(name):
        with torch.device("meta"):
            return sum(p.numel() for p in create_model(name).parameters())

    # conv, recurrent 1 x 1 and 3 x 3, three norms of 2 x 32, linear on 32 x 5 x 5
    assert count("rcn-a") == 32 * 75 + 32 * 32 + 32 * 288 + 3 * 64 + 801 * 3
    assert count("rcn-a") + 3 * 32 == 15_331  # with the biases that the norms take off
    assert round(count("dual-inception") / 1e6, 2) == 6.45  # as a published comparison has it
    with torch.device("meta"):
        imagenet = create_model("alexnet", classes=1000)
    assert sum(p.numel() for p in imagenet.parameters()) == 61_100_840


def test_capsules_are_as_long_as_sure_and_agreement_routes_them():
    vectors = torch.tensor([[3.0, 4.0], [0.0, 0.0]])
    torch.testing.assert_close(squash(vectors)[0], torch.tensor([0.6, 0.8]) * 25 / 26)
    assert squash(vectors)[1].tolist() == [0.0, 0.0]
    votes = torch.zeros(1, 2, 3, 2)  # two classes, three capsules
    votes[0, 0] = torch.tensor([1.0, 0.0])  # all say the same of the first
    votes[0, 1] = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])  # none agree on the other
    lengths = [routed(votes, rounds).norm(dim=-1)[0] for rounds in (1, 3)]
    assert lengths[1][0] > lengths[0][0] > lengths[0][1]
    assert lengths[1][1] < lengths[0][1]


def test_losses_of_capsules_and_of_proposals():
    recipe = parse_recipe('name = "c"\n[model]\nname = "capsulenet"\n[data]\nkind = "apex"\n')
    task = object.__new__(task_of(recipe))
    task.recipe, task.classes, task.weights = recipe, ("a", "b"), None
    lengths, labels = torch.tensor([[0.99, 0.01], [0.49, 0.51]]), torch.tensor([0, 0])
    found = task.loss(lengths, (None, labels))
    assert float(found) == pytest.approx((0.0 + 0.5**2 + 0.5 * 0.5**2) / 2)
    recipe = parse_recipe('name = "f"\n[model]\nname = "featref"\n[data]\nkind = "flow28"\n')
    task = object.__new__(task_of(recipe))
    task.recipe, task.classes, task.weights = recipe, ("a", "b"), None
    output = FeatRefOutput(torch.tensor([[0.0, 0.0]]), torch.tensor([[0.0, 0.0]]))
    found = task.loss(output, (None, torch.tensor([1])))
    assert float(found) == pytest.approx(2 * np.log(2.0))
    task.weights = torch.tensor([0.5, 3.0])  # the label's loss is divided by its weight
    found = task.loss(output, (None, torch.tensor([1])))
    assert float(found) == pytest.approx((1 + (0.5 + 3.0) / 2) * np.log(2.0))


def test_four_areas_are_where_eyes_and_mouth_are():
    maps = torch.zeros(1, 1, 28, 28)
    for value, (row, column) in enumerate(((7, 6), (22, 8), (7, 22), (22, 20)), 1):
        maps[0, 0, row, column] = value  # left eye, left corner, right eye, right corner
    found = four_areas(maps)
    assert found.shape == maps.shape
    quarters = [found[0, 0, r : r + 14, c : c + 14].max() for r in (0, 14) for c in (0, 14)]
    assert quarters == [1, 2, 3, 4]
