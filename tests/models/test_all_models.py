"""One suite over every model: what must hold for any of them (design 3.4)."""

from __future__ import annotations

import pytest
import torch

from mescope.errors import WeightsError
from mescope.models import MODELS, create_model
from mescope.models.weights import Card, load, save

CHANNELS = {"me-tst": 10, "me-tst-plus": 36, "me-tst-plus-small": 36}
SEED = 20

GOLDEN = {  # spotting of frames 3 and 19, negative and neutral logit of frame 11
    "me-tst": [0.981630038, 0.981634511, 3.97890138, -0.331668998],
    "me-tst-plus": [0.310235689, 0.311275793, -0.794223077, -3.1551641],
    "me-tst-plus-small": [0.98515068, 0.985147883, 4.19476859, 2.16163644],
}


def build(name, **options):
    """The model with fixed weights, small where the full size only costs time."""
    torch.manual_seed(SEED)
    if name == "me-tst-plus":
        options = {"dim": 32, "states": 16, **options}
    if name == "me-tst":
        options = {"states": 16, **options}
    return create_model(name, **options).eval()


def flow(name, batch=2, frames=30):
    generator = torch.Generator().manual_seed(SEED)
    return torch.randn(batch, CHANNELS[name], frames, generator=generator)


@pytest.fixture(params=sorted(MODELS))
def name(request):
    return request.param


def test_every_preset_is_covered():
    assert set(CHANNELS) == set(MODELS)


@pytest.mark.parametrize("frames", [16, 30, 50])
def test_shapes_ranges_and_no_nan(name, frames):  # spec_metst 11, check 12
    with torch.no_grad():
        out = build(name)(flow(name, 3, frames))
    assert out.spotting.shape == (3, frames)
    assert out.emotion.shape == (3, frames, 5)
    assert torch.isfinite(out.emotion).all()
    assert ((out.spotting >= 0) & (out.spotting <= 1)).all()


def test_every_parameter_gets_a_gradient(name):  # check 9, clean mode
    model = build(name).train()
    out = model(flow(name, 4))
    (out.spotting.square().mean() + out.emotion.square().mean()).backward()
    dead = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert dead == []


def test_a_window_does_not_depend_on_its_batch(name):
    model, x = build(name).double(), flow(name, 4).double()
    with torch.no_grad():
        together, alone = model(x), model(x[2:3])
    torch.testing.assert_close(together.spotting[2:3], alone.spotting, rtol=0, atol=1e-12)
    torch.testing.assert_close(together.emotion[2:3], alone.emotion, rtol=0, atol=1e-12)


def test_weights_come_back_with_the_same_numbers(name, tmp_path):
    model, x = build(name), flow(name)
    regions = tuple(f"region {i}" for i in range(CHANNELS[name] // 2))
    config = vars(model.config)
    card = Card(model=name, config=config, regions=regions, window=30, rate=30.0)
    save(tmp_path / "w.safetensors", model, card)
    again, _ = load(tmp_path / "w.safetensors")
    with torch.no_grad():
        assert torch.equal(model(x).spotting, again(x).spotting)
        assert torch.equal(model(x).emotion, again(x).emotion)
    assert again.config == model.config


def test_golden_outputs(name):
    """Numbers computed once; a change means that every trained weight file changes meaning."""
    model = build(name)
    with torch.no_grad():
        for parameter in model.parameters():  # deterministic on every platform and version
            values = torch.arange(parameter.numel(), dtype=torch.float64)
            parameter.copy_((0.1 * torch.sin(1.7 * values)).reshape(parameter.shape))
        steps = torch.arange(CHANNELS[name] * 20, dtype=torch.float64)
        x = torch.cos(0.37 * steps).reshape(1, CHANNELS[name], 20)
        out = model.double()(x)
    found = [*out.spotting[0, [3, 19]].tolist(), *out.emotion[0, 11, [0, 4]].tolist()]
    assert found == pytest.approx(GOLDEN[name], rel=1e-6)


def test_seed_decides_the_weights(name):
    first, second = build(name), build(name)
    assert all(map(torch.equal, first.parameters(), second.parameters()))


def test_unknown_model_is_suggested():
    with pytest.raises(WeightsError, match="did you mean 'me-tst-plus-small'"):
        create_model("me-tst-plus-smal")


def test_unknown_option_is_suggested():
    with pytest.raises(WeightsError, match="did you mean 'states'"):
        create_model("me-tst", state=3)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("me-tst", {"dim": 0}),
        ("me-tst", {"dim": 10**9}),
        ("me-tst", {"depth": True}),
        ("me-tst", {"mode": "published"}),
        ("me-tst", {"drop_path": 1.0}),
        ("me-tst-plus", {"trunks": 3}),
        ("me-tst-plus", {"lateral_norm": "yes"}),
        ("me-tst-plus", {"channels": 36.0}),
    ],
)
def test_impossible_sizes_are_refused(name, options):
    with pytest.raises(WeightsError, match=next(iter(options))):
        create_model(name, **options)
