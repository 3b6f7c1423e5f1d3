"""Blocks and stages of AMMSM: what dropped windows may and may not do."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from mescope.models import sparse_layers
from mescope.models.magnifier import Magnifier, _enlarged
from mescope.models.sparse_layers import (
    AttentionMixer,
    Places,
    SparseBlock,
    SparseStage,
    SsdMixer,
    Stem,
)
from mescope.models.spatial_stream import SpatialStream
from mescope.ops.ssd import noncausal_ssd_reference
from mescope.ops.windows import grid, kept_windows, top_windows, window_scores, window_tokens

READINGS = ("zero", "exclude", "gather")
DIM, WINDOW = 8, 4


def stage(dropped="zero", *, depth=4, attention=1, seed=0, **options):
    """A stage with weights large enough that every path shows, in float64."""
    torch.manual_seed(seed)
    blocks = []
    for j in range(depth):
        mixer = AttentionMixer(DIM, 2) if j >= depth - attention else SsdMixer(DIM, 2, 4)
        blocks.append(SparseBlock(DIM, mixer, drop=0.0, drop_path=0.0))
    made = SparseStage(blocks, WINDOW, dropped=dropped, **options).double()
    with torch.no_grad():
        for weight in made.parameters():
            weight.add_(0.2 * torch.randn_like(weight))
    return made


def maps(side, batch=3, seed=1):
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(batch, DIM, side, side, dtype=torch.float64, generator=g)
    strength = 1 + torch.rand(batch, 1, *grid(side, side, WINDOW), generator=g).double()
    return x * F.interpolate(strength, scale_factor=WINDOW)[:, :, :side, :side]


def kept(x, ratio):
    """Tokens of the map that stay, (b, h, w)."""
    scores = window_scores(x, WINDOW)
    mask = top_windows(scores, kept_windows(scores.shape[1], ratio))
    return window_tokens(mask, *x.shape[2:], WINDOW).reshape(len(x), *x.shape[2:])


# --- the mixers


def plain_mixer(m, tokens, side):
    """The SSD mixer of AMMSM on one map (l, c), from its formulas."""
    inner, n = m.inner, m.states
    mixed = tokens @ m.in_proj.weight.T
    z, xbc, dt = mixed[:, :inner], mixed[:, inner : 2 * inner + 2 * n], mixed[:, -m.heads :]
    dt = F.softplus(dt + m.dt_bias)
    as_map = F.pad(xbc.T.reshape(1, -1, side, side), (1, 1, 1, 1))
    out = m.conv.bias[:, None, None] + sum(
        m.conv.weight[:, 0, i, j, None, None] * as_map[0, :, i : i + side, j : j + side]
        for i in range(3)
        for j in range(3)
    )
    xbc = F.silu(out).reshape(len(out), -1).T
    x = xbc[:, :inner].reshape(-1, m.heads, inner // m.heads)
    b, c = xbc[:, inner : inner + n], xbc[:, inner + n :]
    y = noncausal_ssd_reference(x[None], dt[None], -m.A_log.exp(), b[None], c[None], m.D, None)[
        0
    ].flatten(1)
    mean, var = y.mean(1, keepdim=True), y.var(1, unbiased=False, keepdim=True)
    y = (y - mean) / (var + 1e-5).sqrt() * m.norm.weight + m.norm.bias
    return (y * z) @ m.out_proj.weight.T


def test_ssd_mixer_equals_the_definition():
    mixer = stage(depth=1, attention=0).blocks[0].mixer
    tokens = torch.randn(2, 25, DIM, dtype=torch.float64)
    with torch.no_grad():
        found = mixer(tokens, Places(5, 5))
        for one, wanted in zip(tokens, found, strict=True):
            torch.testing.assert_close(plain_mixer(mixer, one, 5), wanted)


def test_block_equals_the_definition():
    block = stage(depth=1).blocks[0]
    x = torch.randn(2, DIM, 5, 5, dtype=torch.float64)
    with torch.no_grad():
        x1 = x + block.conv_mix(x)
        mixed = block.mixer(block.norm_mix(x1.movedim(1, 3)).reshape(2, 25, DIM), Places(5, 5))
        x2 = x1 + mixed.mT.reshape(x.shape)
        x3 = x2 + block.conv_mlp(x2)
        x4 = x3 + block.mlp(block.norm_mlp(x3.movedim(1, 3))).movedim(3, 1)
        found = block(x.flatten(2).mT, Places(5, 5)).mT.reshape(x.shape)
    torch.testing.assert_close(found, x4)


def test_stem_adds_what_it_refines():
    stem = Stem(2, 8, (2, 2)).eval()
    x = torch.randn(1, 2, 28, 28)
    with torch.no_grad():
        first = stem.enter(x)
        assert first.shape == (1, 4, 14, 14)
        torch.testing.assert_close(stem(x), stem.leave(first + stem.refine(first)))


def test_only_the_convolution_knows_where_tokens_lie():  # check 5
    mixer = stage(depth=1, attention=0).blocks[0].mixer
    tokens = torch.randn(1, 25, DIM, dtype=torch.float64)
    order = torch.randperm(25)
    with torch.no_grad():
        moved = mixer(tokens[:, order], Places(5, 5)) - mixer(tokens, Places(5, 5))[:, order]
        assert float(moved.abs().max()) > 1e-3
        mixer.conv.weight.zero_()
        mixer.conv.weight[:, 0, 1, 1] = 1.0
        moved = mixer(tokens[:, order], Places(5, 5)) - mixer(tokens, Places(5, 5))[:, order]
        assert float(moved.abs().max()) < 1e-12


def test_start_of_the_ssd_mixer():  # check 8
    torch.manual_seed(0)
    mixers = [SsdMixer(8, 4, 4) for _ in range(50)]
    steps = torch.cat([F.softplus(m.dt_bias.detach()) for m in mixers])
    rates = torch.cat([m.A_log.detach().exp() for m in mixers])
    assert 0.00099 < float(steps.min()) < 0.002 < 0.05 < float(steps.max()) < 0.1001
    assert 0.999 < float(rates.min()) < 2 < 14 < float(rates.max()) < 16.001
    assert all((m.D == 1).all() for m in mixers)


def test_excluded_tokens_get_no_weight():  # check 17
    block = stage(depth=1).blocks[0].mixer
    tokens = torch.randn(2, 16, DIM, dtype=torch.float64)
    keep = torch.rand(2, 16, generator=torch.Generator().manual_seed(3)) > 0.4
    found = block(tokens, Places(4, 4, keep=keep))
    for one, there, wanted in zip(tokens, keep, found, strict=True):
        alone = block(one[there][None], Places(1, int(there.sum())))
        torch.testing.assert_close(alone[0], wanted[there])


def test_excluded_tokens_do_not_write_the_state():  # check 17
    mixer = stage(depth=1, attention=0).blocks[0].mixer
    with torch.no_grad():  # no look at neighbours, so that tokens can be taken away
        mixer.conv.weight.zero_()
        mixer.conv.weight[:, 0, 1, 1] = 1.0
        tokens = torch.randn(1, 16, DIM, dtype=torch.float64)
        keep = torch.arange(16)[None] % 3 > 0
        found = mixer(tokens, Places(4, 4, keep=keep))
        alone = mixer(tokens[:, keep[0]], Places(2, 5))
    torch.testing.assert_close(found[:, keep[0]], alone)


# --- stages


@pytest.mark.parametrize("dropped", READINGS)
def test_nothing_dropped_is_dense(dropped):  # check 9
    made, x = stage(dropped), maps(8)
    dense = x.flatten(2).transpose(1, 2)
    with torch.no_grad():
        for block in made.blocks:
            dense = block(dense, Places(8, 8))
        wanted = dense.transpose(1, 2).reshape(x.shape)
        assert torch.equal(made(x, [0.0] * 4), wanted)
        assert torch.equal(made(x), wanted)
        ones = torch.ones(3, 64, dtype=torch.bool)  # a mask of ones is no mask
        tokens = made._run(made.blocks, x.flatten(2).mT, Places(8, 8, keep=ones))
        torch.testing.assert_close(tokens.mT.reshape(x.shape), wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("side", [8, 7, 14])
@pytest.mark.parametrize("dropped", READINGS)
def test_windows_dropped_at_once_leave_unchanged(dropped, side):  # check 11
    made, x = stage(dropped), maps(side)
    ratio = 0.5
    there = kept(x, ratio)[:, None].expand_as(x)
    with torch.no_grad():
        y = made(x, [ratio] * 4)
    assert torch.equal(y[~there], x[~there])
    assert ((y - x)[there].abs() > 0).all()


@pytest.mark.parametrize("side", [8, 7, 14])
@pytest.mark.parametrize("dropped", READINGS)
def test_dropped_windows_have_no_influence(dropped, side):  # check 13
    made, x = stage(dropped), maps(side)
    there = kept(x, 0.5)[:, None].expand_as(x)
    other = torch.where(there, x, 0.9 * x.flip(1))
    assert torch.equal(kept(other, 0.5), kept(x, 0.5))
    with torch.no_grad():
        assert torch.equal(made(other, [0.5] * 4)[there], made(x, [0.5] * 4)[there])


def test_zero_and_exclude_differ():
    x = maps(8)
    with torch.no_grad():
        zero, excluded = (stage(d)(x, [0.5] * 4) for d in ("zero", "exclude"))
    assert float((zero - excluded).abs().max()) > 1e-3


@pytest.mark.parametrize("ratios", [[0.5] * 4, [0.25, 0.25, 0.75, 0.75], [0.0, 0.0, 0.8, 0.8]])
@pytest.mark.parametrize("side", [8, 7, 14])
def test_gather_equals_exclude_with_gradients(side, ratios):
    """The fast path: same numbers, same gradients of the map and of every weight."""
    found = []
    for dropped in ("exclude", "gather"):
        made, x = stage(dropped), maps(side).requires_grad_()
        y = made(x, ratios)
        weights = [x, *made.parameters()]
        factor = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y)
        found.append([y, *torch.autograd.grad((y * factor).sum(), weights)])
    for slow, fast in zip(*found, strict=True):
        scale = float(slow.abs().max().detach())
        torch.testing.assert_close(fast, slow, rtol=0, atol=1e-10 * max(1.0, scale))


def test_gather_computes_kept_tokens_only():
    seen = []
    made, x = stage("gather"), maps(14)
    for block in made.blocks:
        block.mlp.register_forward_hook(lambda m, args, out: seen.append(args[0].shape[1]))
    with torch.no_grad():
        made(x, [0.5, 0.5, 0.75, 0.75])
    counts = [int(kept(x, ratio).flatten(1).sum(1).max()) for ratio in (0.5, 0.75)]
    assert seen == [counts[0]] * 2 + [counts[1]] * 2
    assert counts[0] <= 8 * 16


def test_gather_with_drop_path_draws_as_exclude_does():
    found = []
    for dropped in ("exclude", "gather"):
        made, x = stage(dropped).train(), maps(8, batch=6)
        for block in made.blocks:
            block.drop_path.rate = 0.5
        torch.manual_seed(7)
        found.append(made(x, [0.5] * 4))
    torch.testing.assert_close(*found)


@pytest.mark.parametrize("dropped", ["zero", "exclude"])
def test_ascending_ratios_equal_one_copy_at_the_end(dropped):  # check 14
    made, x = stage(dropped), maps(8)
    ratios = [0.25, 0.25, 0.75, 0.75]
    with torch.no_grad():
        tokens = x.flatten(2).mT
        frozen = {}
        for j, (ratio, block) in enumerate(zip(ratios, made.blocks, strict=True)):
            keep = kept(x, ratio).flatten(1)
            frozen[j] = (keep, tokens)
            places = Places(8, 8, keep=keep if dropped == "exclude" else None)
            tokens = block(tokens * keep[..., None], places)
        for keep, before in reversed(frozen.values()):  # the value when it was dropped
            tokens = torch.where(keep[..., None], tokens, before)
        found = made(x, ratios)
    torch.testing.assert_close(found, tokens.mT.reshape(x.shape), rtol=0, atol=1e-12)


def test_a_window_dropped_later_keeps_what_it_had_then():  # S6
    made, x = stage(), maps(8)
    first, second = kept(x, 0.25), kept(x, 0.75)
    with torch.no_grad():
        half = SparseStage(list(made.blocks[:2]), WINDOW)(x, [0.25, 0.25])
        whole = made(x, [0.25, 0.25, 0.75, 0.75])
    between = (first & ~second)[:, None].expand_as(x)
    assert between.any()
    assert torch.equal(whole[between], half[between])


def test_scores_once_and_masks_when_the_ratio_changes(monkeypatch):  # check 12
    calls = {"window_scores": 0, "top_windows": 0}
    for name in calls:
        real = getattr(sparse_layers, name)

        def counted(*args, _name=name, _real=real):
            calls[_name] += 1
            return _real(*args)

        monkeypatch.setattr(sparse_layers, name, counted)
    made, x = stage(depth=6), maps(8)
    with torch.no_grad():
        made(x, [0.25, 0.25, 0.5, 0.5, 0.75, 0.75])
        assert calls == {"window_scores": 1, "top_windows": 3}
        made(x, [0.5] * 6)
        assert calls == {"window_scores": 2, "top_windows": 4}
        made(x, [0.0] * 6)
        assert calls == {"window_scores": 2, "top_windows": 4}


@pytest.mark.parametrize("dropped", READINGS)
def test_empty_windows_give_no_nan(dropped):  # check 18
    made, x = stage(dropped), maps(8)
    x[:, :, :4, :4] = 0.0
    x[1] = 0.0
    x.requires_grad_()
    y = made(x, [0.5] * 4)
    gradients = torch.autograd.grad(y.square().sum(), [x, *made.parameters()])
    assert all(g.isfinite().all() for g in gradients)


def test_bad_ratios_of_a_stage():
    with pytest.raises(ValueError, match="expected 4 ratios, found 3"):
        stage()(maps(8), [0.5] * 3)
    with pytest.raises(ValueError, match=r"0..0.9, found 0.95"):
        stage()(maps(8), [0.95] * 4)


# --- magnifier and spatial stream


@pytest.mark.parametrize(("height", "width"), [(28, 28), (56, 56), (30, 34), (17, 16)])
@pytest.mark.parametrize("alpha_map", ["plane", "sines"])
def test_magnifier_keeps_every_size(height, width, alpha_map):  # check 1
    net = Magnifier(2, 4, 5, alpha_map).eval()
    with torch.no_grad():
        assert net(torch.randn(2, 2, height, width), torch.ones(2)).shape == (
            2,
            2,
            height,
            width,
        )


def test_magnifier_at_the_paper_size():  # check 1
    with torch.device("meta"):
        found = Magnifier()(torch.empty(2, 2, 224, 224), torch.empty(2))
    assert found.shape == (2, 2, 224, 224)


@pytest.mark.parametrize("alpha_map", ["plane", "sines"])
def test_magnifier_listens_to_alpha(alpha_map):  # check 2
    torch.manual_seed(0)
    net = Magnifier(2, 8, 3, alpha_map).eval()
    flow = torch.randn(1, 2, 28, 28).expand(3, -1, -1, -1)
    with torch.no_grad():
        one, two, three = net(flow, torch.tensor([1.5, 2.5, 1.5]))
    assert float((one - two).abs().mean()) > 1e-4
    torch.testing.assert_close(one, three)


def test_planes_of_alpha():  # S4
    flow, alpha = torch.zeros(2, 2, 16, 16), torch.tensor([1.0, 2.5])
    plane = Magnifier()._planes(flow, alpha)
    assert plane.shape == (2, 1, 16, 16)
    assert plane[:, 0, 3, 5].tolist() == [1.0, 2.5]
    sines = Magnifier(alpha_map="sines")._planes(flow, alpha)
    assert sines.shape == (2, 32, 16, 16)
    for k in (0, 7, 31):
        wavelength = 2 ** (-3 + 10 * k / 31)
        wanted = math.sin(2 * math.pi * 2.5 / wavelength)
        assert float(sines[1, k, 0, 0]) == pytest.approx(wanted, abs=1e-4)


def test_enlarging_keeps_corners_and_pads_odd_sides():
    small = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    found = _enlarged(small, torch.zeros(1, 1, 5, 4))[0, 0]
    assert found.shape == (5, 4)
    torch.testing.assert_close(found[0], torch.tensor([3.0, 4.0, 5.0, 6.0]) / 3)
    assert found[3, [0, 3]].tolist() == [3.0, 4.0]
    assert not found[4].any()


def test_decoder_reads_the_skip_first():
    net = Magnifier(2, 4, 3).eval()
    kept, read = [], []
    for layer in net.encoder:
        layer.register_forward_hook(lambda m, args, out: kept.append(out))
    for layer in net.decoder:
        layer.register_forward_hook(lambda m, args, out: read.append(args[0]))
    with torch.no_grad():
        net(torch.randn(1, 2, 28, 28), torch.ones(1))
    assert torch.equal(read[0][:, :8], kept[1])
    assert torch.equal(read[1][:, :4], kept[0])


def test_spatial_stream_starts_as_resnet_does():
    net = SpatialStream((4, 8)).eval()
    conv, pooled = [], []
    net.norm.register_forward_hook(lambda m, args, out: conv.append(out))
    net.stages[0].register_forward_hook(lambda m, args, out: pooled.append(args[0]))
    with torch.no_grad():
        assert net(torch.randn(1, 3, 32, 32)).shape == (1, 8, 4, 4)
    assert pooled[0].shape == (1, 4, 8, 8)
    assert float(pooled[0][0, 0, 1, 1]) == float(conv[0][0, 0, 1:4, 1:4].max().clamp_min(0))


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({}, 17_267_458),
        ({"alpha_map": "sines"}, 17_285_314),
        ({"width": 8, "levels": 3}, 16_722),
    ],
)
def test_parameters_of_the_magnifier(options, wanted):
    with torch.device("meta"):
        assert sum(p.numel() for p in Magnifier(**options).parameters()) == wanted


@pytest.mark.parametrize(
    ("widths", "options", "wanted"),
    [
        ((16, 32), {"kernel": 3, "stride": 1, "pool": False}, 42_896),
        ((64, 128), {}, 683_072),
        ((64, 128, 256), {}, 2_782_784),
        ((64, 128, 256, 512), {}, 11_176_512),
    ],
)
def test_parameters_of_the_spatial_stream(widths, options, wanted):
    with torch.device("meta"):
        assert sum(p.numel() for p in SpatialStream(widths, **options).parameters()) == wanted


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"\(b, 2, h, w\) and alpha \(b,\), found \(1, 3, 28"):
        Magnifier(2, 4, 3)(torch.zeros(1, 3, 28, 28), torch.ones(1))
    with pytest.raises(ValueError, match=r"sides of 16 or more, found \(1, 2, 15, 28\)"):
        Magnifier(2, 4, 5)(torch.zeros(1, 2, 15, 28), torch.ones(1))
    with pytest.raises(ValueError, match="2 levels or more"):
        Magnifier(2, 4, 1)
    with pytest.raises(ValueError, match="plane or sines, found 'map'"):
        Magnifier(alpha_map="map")
    with pytest.raises(ValueError, match=r"pictures \(b, 3, h, w\), found \(1, 1, 28, 28\)"):
        SpatialStream((4, 8))(torch.zeros(1, 1, 28, 28))
