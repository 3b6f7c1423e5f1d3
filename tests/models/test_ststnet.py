"""STSTNet: the published checkpoints give the published figures, to the last digit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from mescope.errors import WeightsError
from mescope.evaluation.recognition import count_classes, uar, uf1
from mescope.models import create_model
from mescope.models.ststnet import from_published

SHARED = Path(__file__).parents[2] / ".." / "shared" / "data"
CLASSES = ("negative", "positive", "surprise")

needs_data = pytest.mark.skipif(
    not (SHARED / "ststnet_3db_loso.safetensors").exists(),
    reason="the published checkpoints and flow maps in ../shared/data are not here",
)


@pytest.fixture(scope="module")
def predicted():
    """Truth, data set and prediction of all 442, by the model that never saw the person."""
    maps = np.load(SHARED / "3db_flow28.npz", allow_pickle=False)
    tensors = load_file(SHARED / "ststnet_3db_loso.safetensors")
    flow = torch.from_numpy(maps["flow"]).permute(0, 3, 1, 2).float()
    model = create_model("ststnet").eval()
    found = np.full(len(flow), -1)
    for person in np.unique(maps["subject"]):
        own = {
            key.split("/")[1]: t for key, t in tensors.items() if key.startswith(f"{person}/")
        }
        model.load_state_dict(from_published(own))
        rows = maps["subject"] == person
        with torch.no_grad():
            found[rows] = model(flow[rows]).emotion.argmax(1).numpy()
    return maps["label"], maps["dataset"], found


@needs_data
@pytest.mark.data
@pytest.mark.parametrize(
    ("part", "f1", "recall"),
    [
        ("", 0.7209, 0.7250),
        ("casme2", 0.8304, None),
        ("samm", 0.5993, None),
        ("smic", 0.6871, None),
    ],
)
def test_published_checkpoints_give_the_published_figures(predicted, part, f1, recall):
    truth, dataset, found = predicted
    rows = (dataset == part) | (part == "")
    counts = count_classes(
        [CLASSES[i] for i in truth[rows]], [CLASSES[i] for i in found[rows]], CLASSES
    )
    assert round(uf1(counts), 4) == f1
    if recall is not None:
        assert round(uar(counts), 4) == recall


def test_three_streams_are_one_convolution():
    """Against the published way: three separate streams that read the channels reversed."""
    torch.manual_seed(3)
    x = torch.rand(4, 3, 28, 28) * 255
    state, streams = {}, []
    for i, filters in enumerate((3, 5, 8), 1):
        conv = torch.nn.Conv2d(3, filters, 3, padding=2)
        norm = torch.nn.BatchNorm2d(filters)
        torch.nn.init.normal_(norm.weight)
        torch.nn.init.uniform_(norm.running_var, 1.0, 9.0)
        state |= {f"conv{i}.{k}": v for k, v in conv.state_dict().items()}
        state |= {f"bn{i}.{k}": v for k, v in norm.state_dict().items()}
        with torch.no_grad():
            y = norm.eval()(torch.relu(conv(x.flip(1))))
        streams.append(torch.max_pool2d(y, 3, 3, padding=1))
    head = torch.nn.Linear(400, 3)
    state |= {f"fc.{k}": v for k, v in head.state_dict().items()}
    model = create_model("ststnet").eval()
    model.load_state_dict(from_published(state))
    with torch.no_grad():
        wanted = head(torch.nn.functional.avg_pool2d(torch.cat(streams, 1), 2).flatten(1))
        torch.testing.assert_close(model(x).emotion, wanted, rtol=1e-5, atol=1e-4)


def test_parameters_as_published():
    model = create_model("ststnet")
    assert sum(p.numel() for p in model.parameters()) == 16 * 28 + 16 * 2 + 400 * 3 + 3


def test_another_checkpoint_is_refused():
    with pytest.raises(WeightsError, match="expected a published STSTNet checkpoint"):
        from_published({"conv1.weight": torch.zeros(3, 3, 3, 3)})
