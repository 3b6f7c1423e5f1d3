"""SOFTNet and MEAN learn a small planted set: brows or mouth that move, or noise."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mescope.errors import WeightsError
from mescope.models import create_model
from mescope.models.inference import score_frames


def maps(n, seed):
    """Maps (n, 3, 42, 42), labels (n,) and which half moved (n,): noise, brows or mouth."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 3, n)
    x = rng.uniform(0, 0.35, (n, 3, 42, 42)).astype(np.float32)
    for i, what in enumerate(kind):
        if what:
            top, left = rng.integers(2, 9) + 21 * (what - 1), rng.integers(2, 26)
            x[i, :, top : top + 9, left : left + 12] += 0.6
    return torch.from_numpy(x), torch.from_numpy((kind > 0).astype(np.float32)), kind


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("name", ["softnet", "mean"])
def test_a_planted_set_is_learned(name):
    torch.manual_seed(0)
    model = create_model(name).train()
    x, y, kind = maps(240, 0)
    named = torch.from_numpy(np.where(kind > 0, kind - 1, -1))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for step in range(80):
        take = torch.arange(24) + 24 * (step % 10)
        out = model(x[take])
        loss = F.mse_loss(out.spotting, y[take])
        if name == "mean":
            loss = loss + F.cross_entropy(out.emotion, named[take], ignore_index=-1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    x, y, kind = maps(90, 1)
    scores, logits = score_frames(model.eval(), x.numpy())
    assert ((scores > 0.5) == (y.numpy() > 0.5)).mean() > 0.95
    assert logits.shape == (90, 3 if name == "mean" else 0)
    if name == "mean":
        moved = kind > 0
        assert (logits.argmax(1)[moved] == kind[moved] - 1).mean() > 0.9


def test_mean_names_with_streams_that_are_held_still():
    model = create_model("mean", classes=4)
    model.hold_streams()
    free = {name.split(".")[0] for name, p in model.named_parameters() if p.requires_grad}
    assert free == {"name_conv", "name_head"}
    weights = sum(conv.weight.square().sum() for conv in model.streams)
    heads = model.spot_conv.weight.square().sum() + model.name_conv.weight.square().sum()
    torch.testing.assert_close(model.penalty(), 0.001 * weights + 0.1 * heads)


def test_no_frames_have_no_scores():
    scores, logits = score_frames(create_model("softnet"), np.empty((0, 3, 42, 42), np.float32))
    assert (scores.shape, logits.shape) == ((0,), (0, 0))


@pytest.mark.parametrize(
    ("name", "options"),
    [("softnet", {"streams": (3, 5)}), ("softnet", {"width": 0}), ("softnet", {"size": 5}),
     ("mean", {"classes": 1}), ("mean", {"filters": 0}), ("mean", {"dropout": 1.0})],
)  # fmt: skip
def test_impossible_sizes_are_refused(name, options):
    with pytest.raises(WeightsError, match=next(iter(options))):
        create_model(name, **options)
