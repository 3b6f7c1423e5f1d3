"""VideoMamba: published sizes, both directions, orders, positions, learning."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from torch.nn import functional as F

from mescope.errors import WeightsError
from mescope.models import create_model, videomamba_layers
from mescope.models.videomamba import PRESETS, Patches, VideoMamba, VideoMambaConfig
from mescope.models.videomamba_layers import (
    READINGS,
    BiMixer,
    mixer_reference,
    stretch_space,
    stretch_time,
    temporal_first,
)

TINY = VideoMambaConfig(
    classes=3, frames=4, side=16, patch=8, dim=16, depth=3, states=4, drop_path=0.0
)


def meta(name, **options):
    with torch.device("meta"):
        return create_model(name, **options)


def count(module):
    return sum(p.numel() for p in module.parameters())


def tiny(**change):
    torch.manual_seed(0)
    model = VideoMamba(dataclasses.replace(TINY, **change)).double().eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.2 * torch.randn_like(weight))
    return model


def clips(b=2, config=TINY):
    generator = torch.Generator().manual_seed(1)
    shape = (b, config.channels, config.frames, config.side, config.side)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize(
    ("name", "four", "sixteen_frames", "thousand", "block"),
    [  # spec 5.1
        ("videomamba-ti", 6_957_316, 6_958_852, 7_149_544, 282_048),
        ("videomamba-s", 25_416_196, 25_419_268, 25_799_656, 1_043_328),
        ("videomamba-m", 73_647_364, 73_651_972, 74_222_056, 2_283_840),
    ],
)
def test_published_parameters(name, four, sixteen_frames, thousand, block):  # check 14
    assert count(meta(name)) == four
    assert count(meta(name, frames=16)) == sixteen_frames
    assert count(meta(name, classes=1000)) == thousand
    assert count(meta(name).blocks[0]) == block


@pytest.mark.parametrize("dim", [192, 384, 576])
def test_the_formula_of_a_block(dim):  # check 14
    inner, n, rank = 2 * dim, 16, math.ceil(dim / 16)
    way = 5 * inner + inner * (rank + 2 * n) + rank * inner + inner + inner * n + inner
    assert count(meta("videomamba-ti", dim=dim).blocks[0]) == 6 * dim**2 + 2 * way + dim


def test_the_small_preset():
    assert count(create_model("videomamba-xs")) == 67_108
    assert PRESETS["videomamba-xs"].tokens == 8 * 16 + 1


@pytest.mark.parametrize(
    ("frames", "tubelet", "tokens"), [(8, 1, 1569), (16, 1, 3137), (16, 2, 1569)]
)
def test_length_of_the_sequence(frames, tubelet, tokens):  # check 15
    config = VideoMambaConfig(frames=frames, tubelet=tubelet)
    assert config.tokens == tokens
    model = tiny(frames=frames, tubelet=tubelet)
    sequence = model.embed(clips(3, model.config))
    assert sequence.shape == (3, frames // tubelet * 4 + 1, 16)
    assert model(clips(3, model.config)).emotion.shape == (3, 3)


def test_fresh_weights():  # check 16
    torch.manual_seed(0)
    model = VideoMamba(VideoMambaConfig(depth=24, side=32, frames=2))
    mixers = [block.mixer for block in model.blocks]
    assert not any(m.step_bias.any() for m in mixers)
    spread = torch.stack([m.out_proj.weight for m in mixers]).std().item()
    assert spread == pytest.approx(1 / math.sqrt(3 * 384) / math.sqrt(24), rel=0.03)
    assert spread == pytest.approx(0.0060, abs=5e-5)
    for m in mixers:
        torch.testing.assert_close(m.A_log.exp(), torch.arange(1.0, 17).expand(2, 384, 16))
        assert (m.D == 1).all()
        for weight in (m.in_proj.weight, m.x_weight, m.step_weight):
            assert weight.std().item() == pytest.approx(0.02, rel=0.03)
        assert m.conv_weight.abs().max().item() <= 0.5
    assert model.space.std().item() == pytest.approx(0.02, rel=0.1)
    for zero in (model.class_token, model.time, model.head.bias):
        assert not zero.any()
    assert all((block.norm.weight == 1).all() for block in model.blocks)


def test_steps_start_where_mamba_means_them():
    steps = F.softplus(BiMixer(64, step_init="mamba").step_bias.detach())
    assert 0.001 <= steps.min().item() < 0.01 < steps.max().item() <= 0.1001


def test_rates_of_drop_path():  # check 17
    model = meta("videomamba-ti")
    rates = [block.drop_path.rate for block in model.blocks]
    assert rates[:2] == [0.0, 0.0]
    assert rates[2:4] == pytest.approx([0.00435, 0.00870], abs=5e-6)
    assert rates[-1] == pytest.approx(0.09565, abs=5e-6)
    assert len(rates) == 24
    assert model.drop_path.rate == 0.1
    assert meta("videomamba-s").drop_path.rate == 0.35
    assert meta("videomamba-m").drop_path.rate == 0.8


@pytest.mark.parametrize("order", READINGS)
def test_only_the_backward_scan_shows_patches_to_the_class_token(order):  # check 18
    model, x = tiny(order=order), clips(1)
    other = x.clone()
    other[:, :, -1, -8:, -8:] += 1  # the last patch
    with torch.no_grad():
        assert (model(other).emotion - model(x).emotion).abs().max() > 1e-6
        for block in model.blocks:
            block.mixer.conv_weight[1] = 0
            block.mixer.conv_bias[1] = 0
        assert torch.equal(model(other).emotion, model(x).emotion)


def test_the_last_forward_scan_forgets_nothing_that_matters():
    """Its state before the class token is empty, so no rate of forgetting gets a gradient."""
    model = tiny().train()
    model(clips()).emotion.square().sum().backward()
    rates = [block.mixer.A_log.grad.flatten(1).abs().amax(1) for block in model.blocks]
    assert (torch.stack(rates) > 0).tolist() == [[True, True], [True, True], [False, True]]


def test_the_carried_residual_is_a_plain_residual_network():  # check 19
    model, x = tiny(), clips()
    with torch.no_grad():
        tokens = model.embed(x)
        for block in model.blocks:
            spread = tokens.pow(2).mean(-1, keepdim=True)
            normed = tokens * block.norm.weight / torch.sqrt(spread + 1e-5)
            tokens = tokens + mixer_reference(block.mixer, normed, TINY.steps)
        last = tokens[:, 0]
        last = last * model.norm.weight / torch.sqrt(last.pow(2).mean(-1, keepdim=True) + 1e-5)
        wanted = last @ model.head.weight.t() + model.head.bias
        torch.testing.assert_close(model(x).emotion, wanted, rtol=0, atol=1e-10)


def test_drop_path_acts_on_what_the_block_before_gave():
    model = tiny(drop_path=0.5).train()
    blocks, seen = model.blocks, []
    assert [block.drop_path.rate for block in blocks] == [0.0, 0.0, 0.25]
    blocks[2].drop_path.register_forward_hook(lambda m, args, out: seen.append((args, out)))
    model(clips(64))
    (before,), after = seen[0]
    dropped = (after == 0).flatten(1).all(1)
    assert 4 < dropped.sum() < 32  # of 64, a quarter
    torch.testing.assert_close(after[~dropped], before[~dropped] / 0.75)


def mixer(order="spatial", dim=16, **options):
    torch.manual_seed(3)
    made = BiMixer(dim, states=4, order=order, **options).double()
    with torch.no_grad():
        for weight in made.parameters():
            weight.add_(0.3 * torch.randn_like(weight))
    return made


def sequence(b=2, steps=3, patches=4, dim=16):
    generator = torch.Generator().manual_seed(5)
    return torch.randn(b, 1 + steps * patches, dim, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("order", READINGS)
@pytest.mark.parametrize(("steps", "patches"), [(3, 4), (1, 6), (5, 1), (9, 9)])
def test_the_mixer_equals_its_definition_with_gradients(order, steps, patches):
    made, x = mixer(order), sequence(2, steps, patches).requires_grad_()
    found, wanted = made(x, steps), mixer_reference(made, x, steps)
    torch.testing.assert_close(found, wanted)
    seed, inputs = torch.randn_like(wanted), [x, *made.parameters()]
    for a, b in zip(
        torch.autograd.grad(found, inputs, seed),
        torch.autograd.grad(wanted, inputs, seed),
        strict=True,
    ):
        torch.testing.assert_close(a, b)


def test_gradients_of_a_mixer_by_differences():
    made, x = mixer("spatiotemporal", dim=4), sequence(1, 2, 2, 4).requires_grad_()
    names = [n for n, _ in made.named_parameters()]
    values = [p.detach().requires_grad_() for p in made.parameters()]

    def run(tokens, *weights):
        weights = dict(zip(names, weights, strict=True))
        return torch.func.functional_call(made, weights, (tokens, 2))

    assert torch.autograd.gradcheck(run, (x, *values), fast_mode=True)


@pytest.mark.parametrize("order", READINGS)
def test_both_directions_are_one_call_of_the_scan(order, monkeypatch):
    shapes, scan = [], videomamba_layers.selective_scans

    def watched(u, *rest):
        shapes.append(tuple(u.shape))
        return scan(u, *rest)

    monkeypatch.setattr(videomamba_layers, "selective_scans", watched)
    mixer(order)(sequence(), 3)
    assert shapes == [(2, 4 if order == "spatiotemporal-full" else 2, 13, 32)]


def test_tokens_patch_by_patch():
    x = torch.arange(7.0).reshape(1, 7, 1)  # class token, then 2 frames of 3 patches
    turned = temporal_first(x, 2)
    assert turned.flatten().tolist() == [0, 1, 4, 2, 5, 3, 6]
    assert torch.equal(temporal_first(turned, 3), x)


def test_orders_are_permutations_around_the_spatial_one():
    x, made = sequence(), {order: mixer(order) for order in READINGS}
    with torch.no_grad():
        spatial, temporal = made["spatial"](x, 3), made["temporal"](x, 3)
        turned = made["spatial"](temporal_first(x, 3), 4)
        torch.testing.assert_close(temporal, temporal_first(turned, 4))
        torch.testing.assert_close(made["spatiotemporal-full"](x, 3), spatial + temporal)
        only = {}
        for order, silenced in (("spatial", 1), ("temporal", 0)):
            made[order].conv_weight[silenced] = 0
            made[order].conv_bias[silenced] = 0
            only[order] = made[order](x, 3)
        hybrid = made["spatiotemporal"](x, 3)
        torch.testing.assert_close(hybrid, only["spatial"] + only["temporal"])
        assert not torch.allclose(spatial, temporal)


@pytest.mark.parametrize("tubelet", [1, 2, 4])
def test_patches_are_the_published_convolution(tubelet):
    config = dataclasses.replace(TINY, tubelet=tubelet, side=24)
    made = Patches(config).double()
    x = clips(2, config)
    wanted = F.conv3d(x, made.weight, made.bias, stride=made.size)  # (b, d, t, h, w)
    torch.testing.assert_close(made(x), wanted.flatten(3).permute(0, 2, 3, 1))


def test_where_positions_go():
    model, x = tiny(frames=2), clips(1, dataclasses.replace(TINY, frames=2))
    with torch.no_grad():
        plain = model.embed(x)
        model.time[0, 1] += 1.0
        in_time = model.embed(x) - plain
        model.space[0, 3] += 1.0
        in_both = model.embed(x) - plain
    in_time, in_both = (d[0, :, 0].round(decimals=9).tolist() for d in (in_time, in_both))
    assert in_time == [0, 0, 0, 0, 0, 1, 1, 1, 1]  # the class token has no time
    assert in_both == [0, 0, 0, 1, 0, 1, 1, 2, 1]


def test_positions_stretch():
    time = torch.tensor([0.0, 1.0]).reshape(1, 2, 1)
    assert stretch_time(time, 4).flatten().tolist() == [0.0, 0.25, 0.75, 1.0]
    assert stretch_time(time, 2) is time
    ramp = torch.arange(4.0).repeat(4, 1).flatten()  # columns of a grid of 4
    space = torch.cat([torch.tensor([9.0]), ramp]).reshape(1, 17, 1)
    grown = stretch_space(space, 8).flatten()
    assert grown[0] == 9
    rows = grown[1:].reshape(8, 8)
    torch.testing.assert_close(rows, rows[:1].expand(8, 8))
    # A quarter past column 1, by the cubic with a = -0.75: weights .879, .262 and -.035.
    torch.testing.assert_close(rows[0, 3:5], torch.tensor([1.296875, 1.703125]))
    with pytest.raises(ValueError, match=r"square grid of patches, found \(1, 7, 1\)"):
        stretch_space(torch.zeros(1, 7, 1), 4)


def test_a_model_for_other_frames_keeps_its_weights():
    model = tiny(frames=4).train()
    longer = model.resized(frames=8, side=32)
    assert (longer.config.frames, longer.config.side, longer.training) == (8, 32, True)
    changed = {
        name
        for name, tensor in longer.state_dict().items()
        if not torch.equal(tensor, model.state_dict().get(name, tensor))
    }
    assert changed == {"time", "space"}
    torch.testing.assert_close(longer.time[:, :1], model.time[:, :1])
    assert longer(clips(1, longer.config)).emotion.shape == (1, 3)
    same = model.resized()
    assert torch.equal(same(clips()).emotion, model(clips()).emotion)
    with torch.no_grad():
        longer.head.bias.add_(1.0)  # of its own
    assert not torch.equal(longer.head.bias, model.head.bias)
    with pytest.raises(ValueError, match="patch must divide side"):
        model.resized(side=20)


def saved_bytes(model, x):
    total = 0

    def keep(tensor):
        nonlocal total
        total += tensor.nbytes
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = model(x).emotion.square().sum()
    loss.backward()
    return total, [p.grad for p in model.parameters()]


def test_recomputing_gives_the_same_gradients_for_less_memory():
    found = [saved_bytes(tiny(recompute=n).train(), clips(4)) for n in (0, 2, 3)]
    for _, gradients in found[1:]:
        assert all(map(torch.equal, gradients, found[0][1]))
    assert found[1][0] < 0.5 * found[0][0]
    assert found[2][0] < 0.5 * found[1][0]


def test_bfloat16_autocast(monkeypatch):
    types, scan = set(), videomamba_layers.selective_scans

    def watched(*args):
        types.update(a.dtype for a in args)
        return scan(*args)

    monkeypatch.setattr(videomamba_layers, "selective_scans", watched)
    torch.manual_seed(0)
    model, x = create_model("videomamba-xs", side=28, depth=3), torch.randn(4, 3, 8, 28, 28)
    residuals = []
    model.blocks[-1].register_forward_hook(lambda m, args, out: residuals.append(out[1].dtype))
    exact = model(x).emotion
    exact.square().sum().backward()
    gradients = {n: p.grad.clone() for n, p in model.named_parameters()}
    model.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = model(x).emotion
        half.float().square().sum().backward()
    assert types == {torch.float32}  # what spec 5.7 asks of the scan
    assert residuals == [torch.float32] * 2  # and 5.3 of the residual
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), exact, rtol=0.05, atol=0.01)
    for name, parameter in model.named_parameters():
        wanted, found = gradients[name], parameter.grad
        assert torch.isfinite(found).all()
        assert (found - wanted).norm() <= 0.1 * wanted.norm() + 1e-6, name


@pytest.mark.parametrize(
    ("shape", "found"),
    [
        ((2, 3, 5, 16, 16), r"found float32 \(2, 3, 5, 16, 16\).*other frames="),
        ((2, 3, 4, 24, 16), r"found float32 \(2, 3, 4, 24, 16\)"),
        ((2, 1, 4, 16, 16), r"found float32 \(2, 1, 4, 16, 16\)"),
        ((2, 4, 3, 16, 16), r"found float32 \(2, 4, 3, 16, 16\)"),
        ((3, 4, 16, 16), r"found float32 \(3, 4, 16, 16\)"),
        ((0, 3, 4, 16, 16), r"found float32 \(0, 3, 4, 16, 16\)"),
    ],
)
def test_clips_of_another_shape_are_named(shape, found):
    wanted = r"expected floating clips \(b, 3, 4, 16, 16\) of channels, frames, height"
    with pytest.raises(ValueError, match=wanted + ".*" + found) as error:
        VideoMamba(TINY)(torch.zeros(shape))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_none_are_refused(value):
    x = torch.zeros(3, 3, 4, 16, 16)
    x[1, 2, 3, 4, 5] = value
    with pytest.raises(ValueError, match=r"finite numbers, .* NaN or infinity in clip 1"):
        VideoMamba(TINY)(x)


def test_clips_in_double_precision_are_taken():
    model, x = VideoMamba(TINY).eval(), clips()
    assert torch.equal(model(x).emotion, model(x.float()).emotion)


def test_pixels_as_bytes_are_refused():
    with pytest.raises(ValueError, match=r"found uint8 \(1, 3, 4, 16, 16\); scale the pixels"):
        VideoMamba(TINY)(torch.zeros(1, 3, 4, 16, 16, dtype=torch.uint8))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"order": "diagonal"}, "order must be one of spatial, temporal"),
        ({"step_init": "zero"}, "step_init must be one of released, mamba"),
        ({"patch": 15}, "patch must divide side"),
        ({"tubelet": 3}, "tubelet frames"),
        ({"dim": 0}, "dim must be a whole number in 1..2048"),
        ({"depth": True}, "depth must be"),
        ({"frames": 8.0}, "frames must be"),
        ({"recompute": 25}, "recompute must be a whole number in 0..24"),
        ({"drop_path": 1.0}, "drop_path must be a number in 0..1"),
        ({"head_drop": -0.1}, "head_drop must be a number in"),
        ({"scan": "x"}, "unknown model option 'scan'"),
    ],
)
def test_impossible_sizes_are_refused(options, says):
    with pytest.raises(WeightsError, match=says):
        create_model("videomamba-ti", **options)


def test_eight_clips_can_be_learned_by_heart():  # check 21
    torch.manual_seed(0)
    model = create_model("videomamba-ti", depth=2, side=64, drop_path=0.0)
    x, labels = torch.randn(8, 3, 8, 64, 64), torch.arange(8) % 4
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for _ in range(199):
        loss = F.cross_entropy(model(x).emotion, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            if (model(x).emotion.argmax(1) == labels).all():
                return
    pytest.fail("not learned within 200 steps")
