"""One suite over every model: what must hold for any of them (design 3.4)."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from mescope.errors import WeightsError
from mescope.models import MODELS, create_model
from mescope.models.weights import Card, load, save

SEED = 20

SPOTTING = {
    "me-tst": 10,
    "me-tst-plus": 36,
    "me-tst-plus-small": 36,
    "boosting-vrme": 36,
    "boosting-vrme-small": 36,
}
"""Channels of the models that score every frame of a window."""

CLIPS = {  # channels and side of the models that name a clip; larger ones are below
    "ststnet": (3, 28),
    "off-apexnet": (3, 28),
    "flow-cnn": (3, 28),
    "htnet-small": (3, 28),
    "rcn-a": (3, 28),
    "featref": (3, 28),
    "dual-inception": (3, 28),
    "mambavision-s28": (3, 28),
    "merba-s28": (2, 28),
    "merba-s56": (2, 56),
    "merba-s56-full": (2, 56),
    "merba-s64": (2, 64),
    "ammsm-s28": (2, 28),
    "ammsm-s56": (2, 56),
}
FRAMES = {"softnet": (3, 42), "mean": (3, 42)}  # channels and side: score single frames
VIDEOS = {"videomamba-xs": (3, 8, 56)}  # channels, frames and side
PICTURES = {"ammsm-s28", "ammsm-s56"}
"""Models that see the onset frame, too."""

LARGE = {  # parameters with three classes; built without memory
    "htnet": 139_582_982,
    "alexnet": 61_100_840 - 997 * 4097,
    "capsulenet": 2_782_784 + 2 * (256 * 256 * 81 + 256) + 3 * 1152 * 16 * 8,
    "slstt": 86_090_496 + 6_828_032 + 513 * 256 + 257 * 3,  # ViT-B/16 at 384 px, LSTM
    "mambavision-t": 31_794_248 - 997 * 641,
    "mambavision-t2": 35_104_008 - 997 * 641,
    "mambavision-s": 50_140_584 - 997 * 769,
    "mambavision-b": 97_685_288 - 997 * 1025,
    "mambavision-l": 227_961_048 - 997 * 1569,
    "merba": 111_142_920,
    "merba-shared": 93_865_992,
    "videomamba-ti": 6_957_316 - 193,
    "videomamba-s": 25_416_196 - 385,
    "videomamba-m": 73_647_364 - 577,
    "ammsm": 43_369_785,
    "ammsm-256": 43_369_785,
    "ammsm-transformer": 22_120_195 + 17_267_458 + 683_072,
    "vssd-tiny": 24_270_724 - 997 * 513,
}

GOLDEN = {  # spotting of frames 3 and 19, negative and neutral logit of frame 11
    "me-tst": [0.981630038, 0.981634511, 3.97890138, -0.331668998],
    "me-tst-plus": [0.310235689, 0.311275793, -0.794223077, -3.1551641],
    "me-tst-plus-small": [0.98515068, 0.985147883, 4.19476859, 2.16163644],
    "boosting-vrme": [0.970488225, 0.970571381, 3.49573138, 3.9260435],
    "boosting-vrme-small": [0.955065908, 0.955056476, 3.05649646, 1.64394],
    "softnet": [0.995732281],
    "mean": [0.0203605643, 0.0203605643, 0.118478438, -0.0100798932],
    "ststnet": [0.0425848521, 0.10350006, -0.0668025583],
    "off-apexnet": [2.70470988, 2.67592633, 2.09711583],
    "flow-cnn": [0.0191342882, 0.0950983898, -0.0410441069],
    "htnet-small": [0.967907348, 1.01637572, 0.744553675],
    "rcn-a": [0.0236392485, 0.0762812387, -0.00559927358],
    "featref": [3.53854118, 0.626655905, -3.06036197],
    "dual-inception": [2.5599589, 2.49704628, 1.90674749],
    "mambavision-s28": [0.341967381, -0.0352119765, -0.259148262],
    "merba-s28": [0.35627838, -0.0398350197, -0.269730879],
    "merba-s56": [0.35627838, -0.0398350196, -0.269730879],
    "merba-s56-full": [0.341961274, -0.0352037998, -0.259148749],
    "merba-s64": [0.659240216, -0.342163805, -0.089177733],
    "videomamba-xs": [9.74348045e-05, 0.0993293873, -0.0253268128],
    "ammsm-s28": [0.673224982, -0.407046266, -0.0155975325],
    "ammsm-s56": [0.673224982, -0.407046266, -0.0155975325],
}  # of clip models: the logits of the only clip; of frame models the score before them


FLAT = {"htnet-small": {"positions.2"}}
"""Parameters whose gradient is zero but for rounding: where a level has one token to a block,
its position is one number added to all channels, which every norm after it takes off again."""


def build(name, **options):
    """The model with fixed weights, small where the full size only costs time."""
    torch.manual_seed(SEED)
    if name in ("me-tst-plus", "boosting-vrme"):
        options = {"dim": 32, "states": 16, **options}
    if name == "me-tst":
        options = {"states": 16, **options}
    if name.startswith("videomamba"):
        options = {"classes": 3, **options}
    return create_model(name, **options).eval()


def inputs(name, batch=2, frames=30):
    generator = torch.Generator().manual_seed(SEED)
    if name in SPOTTING:
        return torch.randn(batch, SPOTTING[name], frames, generator=generator)
    *before, side = (CLIPS | VIDEOS | FRAMES)[name]
    return torch.randn(batch, *before, side, side, generator=generator)


def run(name, model, x):
    """The output of the model; pictures, where it wants some, are made of the flow."""
    return model(x, x[:, [0, 1, 0]] + 0.5) if name in PICTURES else model(x)


def floats(out):
    """The floating tensors of an output."""
    several = out if isinstance(out, tuple) else (out,)
    return [t for t in several if isinstance(t, torch.Tensor) and t.is_floating_point()]


@pytest.fixture(params=[*SPOTTING, *CLIPS, *VIDEOS, *FRAMES])
def name(request):
    return request.param


def test_every_preset_is_covered():
    assert {*SPOTTING, *CLIPS, *VIDEOS, *FRAMES, *LARGE} == set(MODELS)


@pytest.mark.parametrize("large", LARGE)
def test_parameters_of_large_presets(large):
    with torch.device("meta"):
        model = build(large) if large.startswith("videomamba") else create_model(large)
        assert sum(p.numel() for p in model.parameters()) == LARGE[large]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_halves_of_autocast_change_the_output_by_their_rounding(name, dtype):
    """As a card trains: products in halves, gradients in float32."""
    model, x = build(name), inputs(name)
    wanted = floats(run(name, model, x))
    with torch.autocast("cpu", dtype=dtype):
        found = floats(run(name, model, x))
    for f, w in zip(found, wanted, strict=True):
        error = (f.float() - w).detach().abs().max()
        assert error < 16 * torch.finfo(dtype).eps * w.detach().abs().max().clamp_min(0.1)
    sum(t.float().square().mean() for t in found).backward()
    for parameter, value in model.named_parameters():
        assert value.grad is None or (value.grad.dtype, bool(value.grad.isfinite().all())) == (
            torch.float32, True,
        ), parameter  # fmt: skip


@pytest.mark.parametrize("frames", [16, 30, 50])
@pytest.mark.parametrize("name", SPOTTING)
def test_shapes_ranges_and_no_nan(name, frames):
    with torch.no_grad():
        out = build(name)(inputs(name, 3, frames))
    assert out.spotting.shape == (3, frames)
    assert out.emotion.shape == (3, frames, 5)
    assert torch.isfinite(out.emotion).all()
    assert ((out.spotting >= 0) & (out.spotting <= 1)).all()


@pytest.mark.parametrize("classes", [3, 7])
@pytest.mark.parametrize("name", [*CLIPS, *VIDEOS])
def test_logits_of_every_class(name, classes):
    with torch.no_grad():
        out = run(name, build(name, classes=classes), inputs(name, 3))
    assert out.emotion.shape == (3, classes)
    assert torch.isfinite(out.emotion).all()


@pytest.mark.parametrize(("name", "count"), [("softnet", 314_817), ("mean", 7_580)])
def test_frames_are_scored_one_by_one(name, count):
    model = build(name)
    assert sum(p.numel() for p in model.parameters()) == count
    with torch.no_grad():
        out = model(inputs(name, 3))
    assert out.spotting.shape == (3,)
    assert name == "softnet" or out.emotion.shape == (3, 3)


def test_every_parameter_gets_a_gradient(name):  # check 9, clean mode
    model = build(name).train()
    out = run(name, model, inputs(name, 4))
    sum(part.square().mean() for part in out).backward()
    dead = {n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()}
    dead -= {n for n in dead if ".norm_unused." in n}  # as published: declared and never used
    assert dead <= FLAT.get(name, set())


def test_an_input_does_not_depend_on_its_batch(name):
    model, x = build(name).double(), inputs(name, 4).double()
    with torch.no_grad():
        together, alone = run(name, model, x), run(name, model, x[2:3])
    for many, one in zip(together, alone, strict=True):
        torch.testing.assert_close(many[2:3], one, rtol=0, atol=1e-12)


def test_weights_come_back_with_the_same_numbers(name, tmp_path):
    model, x = build(name), inputs(name)
    card = Card(model=name, config=vars(model.config), regions=(), window=0, rate=0.0)
    if name in SPOTTING:
        regions = tuple(f"region {i}" for i in range(SPOTTING[name] // 2))
        card = dataclasses.replace(card, regions=regions, window=30, rate=30.0)
    elif name in FRAMES:
        labels = ("negative", "positive", "surprise") if name == "mean" else ()
        card = dataclasses.replace(card, look="frames", window=6, rate=30.0, labels=labels)
    else:
        card = dataclasses.replace(card, labels=("negative", "positive", "surprise"))
    save(tmp_path / "w.safetensors", model, card)
    again, _ = load(tmp_path / "w.safetensors")
    with torch.no_grad():
        assert all(map(torch.equal, run(name, model, x), run(name, again, x)))
    assert again.config == model.config


def test_golden_outputs(name):
    """Numbers computed once; a change means that every trained weight file changes meaning."""
    # Such weights make windows alike: which of them is dropped would be up to rounding.
    model = build(name, **({"sparse": False} if name in PICTURES else {}))
    with torch.no_grad():
        for parameter in model.parameters():  # deterministic on every platform and version
            values = torch.arange(parameter.numel(), dtype=torch.float64)
            parameter.copy_((0.1 * torch.sin(1.7 * values)).reshape(parameter.shape))
        shape = inputs(name, 1, 20).shape
        steps = torch.arange(shape.numel(), dtype=torch.float64)
        out = run(name, model.double(), torch.cos(0.37 * steps).reshape(shape))
    if name in SPOTTING:
        found = [*out.spotting[0, [3, 19]].tolist(), *out.emotion[0, 11, [0, 4]].tolist()]
    elif name in FRAMES:
        found = [value for part in out for value in part.flatten().tolist()]
    else:
        found = out.emotion[0].tolist()
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
