"""ME-TST and ME-TST+ against figures of the published code and of the paper."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from mescope.models import create_model
from mescope.models.layers import DropPath, MambaLayer, MambaMixer, drop_path_rates
from mescope.models.me_tst import MeTstPlusConfig, SlowFast


def count(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("name", "options", "parameters"),
    [
        ("me-tst", {"mode": "as_published"}, 1_249_926),
        ("me-tst", {"mode": "as_published", "states": 16}, 807_558),
        ("me-tst", {}, 1_246_854),
        ("me-tst", {"states": 16}, 804_486),
        ("me-tst-plus", {}, 16_847_366),
        ("me-tst-plus", {"states": 16}, 14_193_158),
        ("me-tst", {"channels": 36, "dim": 128}, 3_757_062),  # no SlowFast
    ],
)
def test_parameter_counts(name, options, parameters):
    with torch.device("meta"):
        assert count(create_model(name, **options)) == parameters


def test_parameter_counts_of_the_parts():
    with torch.device("meta"):
        model = create_model("me-tst-plus")
        assert count(MambaMixer(64, 64)) == 51_072
        assert count(MambaMixer(64, 16)) == 32_640
        assert count(MambaLayer(128, 64)) == 153_856
        assert count(MambaLayer(256, 64)) == 512_512
        assert count(create_model("me-tst").stem) == 14_592
    assert count(model.stem) == 63_744
    assert count(model.trunks[0].to_slow) == count(model.trunks[0].laterals[0]) == 98_560
    assert count(model.trunks[0]) + count(model.spotting_head) == 8_391_041
    assert count(model.trunks[1]) + count(model.emotion_head) == 8_392_581


def test_small_preset_is_small():
    with torch.device("meta"):
        model = create_model("me-tst-plus-small")
    assert count(model) <= 1_000_000
    assert sum(4 * p.numel() for p in model.parameters()) <= 4_000_000


@pytest.mark.parametrize(("states", "live"), [(64, 630_918), (16, 409_734)])
def test_published_model_trains_half_of_itself(states, live):  # check 9
    model = create_model("me-tst", mode="as_published", states=states).train()
    out = model(torch.randn(2, 10, 16))
    (out.spotting.sum() + out.emotion.square().sum()).backward()
    assert sum(p.numel() for p in model.parameters() if p.grad is not None) == live


def test_published_branches_see_the_same_hidden_sequence():
    model = create_model("me-tst", mode="as_published", states=8).eval()
    seen = []
    for head in (model.spotting_head, model.emotion_head):
        head.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    with torch.no_grad():
        model(torch.randn(1, 10, 16))
    assert torch.equal(seen[0], seen[1])


def test_published_initialisation():  # check 10
    torch.manual_seed(0)
    model = create_model("me-tst", mode="as_published")
    mixers = [m for m in model.modules() if isinstance(m, MambaMixer)]
    assert len(mixers) == 24
    for mixer in mixers:
        assert not mixer.dt_proj.bias.any()
        assert mixer.out_proj.weight.std().item() == pytest.approx(0.0255, abs=0.0015)
        assert mixer.in_proj.weight.std().item() == pytest.approx(0.02, abs=0.001)
        assert torch.equal(mixer.A_log[3], torch.arange(1, 65).float().log())
        assert torch.equal(mixer.D, torch.ones(128))


def test_clean_initialisation_keeps_the_step_size():
    for mixer in create_model("me-tst").modules():
        if isinstance(mixer, MambaMixer):
            step = nn.functional.softplus(mixer.dt_proj.bias)
            assert step.min() >= 0.00099
            assert step.max() <= 0.1001
            assert mixer.dt_proj.weight.abs().max() <= mixer.rank**-0.5


@pytest.mark.parametrize(
    ("name", "options", "ahead"),
    [
        ("me-tst", {}, {2}),
        ("me-tst-plus-small", {}, {3, 4}),
        ("me-tst-plus-small", {"mode": "as_published"}, {2, 3}),
        ("boosting-vrme-small", {}, {2, 3}),
    ],
)
def test_an_answer_depends_on_a_few_frames_ahead_and_no_more(name, options, ahead):  # check 11
    torch.manual_seed(0)
    model = create_model(name, **options).double().eval()
    flow = torch.randn(1, 10 if name == "me-tst" else 36, 30, dtype=torch.float64)
    with torch.no_grad():
        before = torch.cat([part.reshape(30, -1) for part in model(flow)], 1)
        found = set()
        for changed in range(10, 29):
            other = flow.clone()
            other[:, :, changed] += 1
            after = torch.cat([part.reshape(30, -1) for part in model(other)], 1)
            moved = ((before - after).abs() > 1e-12).any(1).nonzero()
            found.add(changed - int(moved[0]))
    assert found == ahead


def test_mixer_is_causal():  # check 11
    torch.manual_seed(1)
    mixer = MambaMixer(16, 8).double()
    x = torch.randn(2, 20, 16, dtype=torch.float64)
    y = x.clone()
    y[:, 7] += 1.0
    with torch.no_grad():
        before, after = mixer(x), mixer(y)
    assert torch.equal(before[:, :7], after[:, :7])
    assert (before[:, 7:] != after[:, 7:]).flatten(2).any(-1).all()


def test_me_tst_sees_two_frames_ahead_and_no_more():  # check 11
    torch.manual_seed(1)
    model = create_model("me-tst", states=8, depth=2).double().eval()
    x = torch.randn(1, 10, 30, dtype=torch.float64)
    y = x.clone()
    y[:, :, 12] += 5.0
    with torch.no_grad():
        changed = (model(x).emotion != model(y).emotion)[0].any(-1)
    assert not changed[:10].any()
    assert changed[10:].all()


@pytest.mark.parametrize("frames", [30, 50])
def test_slow_path_has_half_the_frames(frames):  # check 12
    with torch.device("meta"):
        trunk = SlowFast(MeTstPlusConfig())
        shapes = []
        trunk.slow[2].register_forward_hook(lambda *args: shapes.append(args[2].shape))
        trunk.to_slow.register_forward_hook(lambda *args: shapes.append(args[2].shape))
    trunk.slow = nn.ModuleList(nn.Identity() for _ in range(3))
    trunk.fast = nn.ModuleList(nn.Identity() for _ in range(3))
    joined = trunk(torch.empty(4, 128, frames, device="meta"))
    assert shapes == [(4, 256, frames // 2)]
    assert joined.shape == (4, frames, 384)


def test_odd_windows_keep_their_length():
    out = create_model("me-tst-plus-small").eval()(torch.randn(1, 36, 17))
    assert out.spotting.shape == (1, 17)


def test_variants_of_the_plus_model():
    x = torch.randn(2, 36, 16)
    for options in ({"trunks": 1}, {"lateral_norm": True}):
        model = create_model("me-tst-plus-small", **options)
        assert model(x).emotion.shape == (2, 16, 5)


def test_mixer_equals_the_equations_step_by_step():
    torch.manual_seed(2)
    mixer = MambaMixer(8, 4).double()
    u = torch.randn(9, 8, dtype=torch.float64)
    x, z = (u @ mixer.in_proj.weight.T).split(16, dim=-1)
    taps, bias = mixer.conv1d.weight[:, 0], mixer.conv1d.bias
    past = torch.cat([torch.zeros(3, 16, dtype=torch.float64), x])
    x = torch.stack([(past[t : t + 4] * taps.T).sum(0) + bias for t in range(9)])
    x = nn.functional.silu(x)
    d, B, C = (x @ mixer.x_proj.weight.T).split([1, 4, 4], dim=-1)
    delta = nn.functional.softplus(d @ mixer.dt_proj.weight.T + mixer.dt_proj.bias)
    A, h, ys = -torch.exp(mixer.A_log.double()), torch.zeros(16, 4, dtype=torch.float64), []
    for t in range(9):
        h = torch.exp(delta[t, :, None] * A) * h + (delta[t] * x[t])[:, None] * B[t]
        ys.append(h @ C[t] + mixer.D * x[t])
    wanted = (torch.stack(ys) * nn.functional.silu(z)) @ mixer.out_proj.weight.T
    torch.testing.assert_close(mixer(u[None])[0], wanted, rtol=1e-9, atol=1e-12)


def test_convolution_equals_the_library():
    mixer = MambaMixer(8, 4).double()
    x = torch.randn(3, 11, 16, dtype=torch.float64)
    padded = nn.functional.pad(x.transpose(1, 2), (3, 0))
    torch.testing.assert_close(mixer._convolve(x), mixer.conv1d(padded).transpose(1, 2))


def test_drop_path_rates_of_the_spec():
    wanted = [0, 0, 0.01818, 0.03636, 0.05455, 0.07273, 0.09091, 0.10909, 0.12727, 0.14545]
    wanted += [0.16364, 0.18182]
    assert drop_path_rates(12, 0.2) == pytest.approx(wanted, abs=5e-6)
    assert drop_path_rates(1, 0.2) == [0.0]


def test_drop_path_drops_whole_samples_and_keeps_the_mean():
    torch.manual_seed(3)
    layer = DropPath(0.25)
    out = layer(torch.ones(4000, 3, 2))
    per_sample = out.flatten(1)
    assert torch.equal(per_sample.amin(1), per_sample.amax(1))
    assert out.mean().item() == pytest.approx(1.0, abs=0.05)
    assert math.isclose(out.max().item(), 1 / 0.75, rel_tol=1e-6)
    assert torch.equal(layer.eval()(torch.ones(2, 2, 2)), torch.ones(2, 2, 2))
