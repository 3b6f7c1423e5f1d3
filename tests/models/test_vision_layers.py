"""Windows, mixers and blocks of MambaVision and MERba, each against its plain definition."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from mescope.models.vision_layers import (
    Attention,
    ConvBlock,
    ScanMixers,
    TokenBlock,
    linear_rates,
    merge,
    partition,
)


def plain_mixer(m, s, k):
    """Mixer k of ``m`` on one sequence (l, c), step by step from the paper."""
    half, states = m.D.shape[1], m.states
    pq = s @ m.in_weight[k]
    padded = F.pad(pq, (0, 0, 1, 1))
    conv = sum(padded[i : i + len(s)] * m.conv_weight[k, i] for i in range(3))
    x, z = F.silu(conv)[:, :half], F.silu(conv)[:, half:]
    d, B, C = torch.split(x @ m.x_weight[k], [m.rank, states, states], dim=-1)
    delta = F.softplus(d @ m.step_weight[k] + m.step_bias[k])
    a, h, out = -torch.exp(m.A_log[k]), torch.zeros(half, states, dtype=s.dtype), []
    for t in range(len(s)):
        h = torch.exp(delta[t][:, None] * a) * h + (delta[t] * x[t])[:, None] * B[t]
        out.append((h * C[t]).sum(-1) + m.D[k] * x[t])
    return torch.cat([torch.stack(out), z], dim=-1)


def mixers(dim=32, sets=3, **options):
    torch.manual_seed(0)
    m = ScanMixers(dim, sets, **options).double()
    with torch.no_grad():  # weights of 0.02 would hide every fault
        for weight in m.parameters():
            weight.add_(0.3 * torch.randn_like(weight))
    return m


def test_mixers_equal_the_definition():
    m = mixers()
    s = torch.randn(3, 2, 9, 32, dtype=torch.float64)
    with torch.no_grad():
        found = m(s)
        for k in range(3):
            for b in range(2):
                wanted = plain_mixer(m, s[k, b], k)
                torch.testing.assert_close(found[k, b], wanted, rtol=1e-9, atol=1e-10)


def test_one_mixer_for_all_sequences():
    m = mixers(sets=1)
    s = torch.randn(4, 2, 9, 32, dtype=torch.float64)
    with torch.no_grad():
        found = m(s)
        for k in range(4):
            torch.testing.assert_close(found[k], m(s[k : k + 1])[0], rtol=0, atol=1e-12)


def test_a_mixer_looks_one_token_ahead_only():
    m, j = mixers(sets=1), 5
    s = torch.randn(1, 1, 9, 32, dtype=torch.float64)
    other = s.clone()
    other[:, :, j] += 1
    with torch.no_grad():
        change = (m(other) - m(s)).abs().amax((0, 1, 3))
    assert (change[: j - 1] == 0).all()
    assert (change[j - 1 :] > 0).all()


def test_a_sequence_of_one_token():  # check 5: y = delta (B . C) x + D x
    m = mixers(dim=16, sets=1)
    s = torch.randn(1, 1, 1, 16, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(m(s)[0, 0], plain_mixer(m, s[0, 0], 0))
        m.D.zero_()
        m.x_weight[:, :, -m.states :] = 0  # C
        assert not m(s)[..., :8].any()


def test_gradients_of_a_mixer_by_differences():  # check 7
    m = mixers(dim=16, sets=2)
    s = torch.randn(2, 1, 5, 16, dtype=torch.float64, requires_grad=True)
    names = [n for n, _ in m.named_parameters()]
    values = [p.detach().requires_grad_() for p in m.parameters()]

    def run(x, *weights):
        return torch.func.functional_call(m, dict(zip(names, weights, strict=True)), (x,))

    assert torch.autograd.gradcheck(run, (s, *values), fast_mode=True)


@pytest.mark.parametrize("dim", [256, 512, 1024])
def test_parameters_of_a_mixer(dim):
    with torch.device("meta"):
        count = sum(p.numel() for p in ScanMixers(dim).parameters())
    assert count == {256: 73_728, 512: 286_720, 1024: 1_130_496}[dim]


def test_steps_start_where_asked():
    released = ScanMixers(64, 4)
    assert not released.step_bias.any()
    steps = F.softplus(ScanMixers(64, 4, step_init="mamba").step_bias.detach())
    assert 0.001 <= float(steps.min()) < 0.01 < float(steps.max()) <= 0.1001


@pytest.mark.parametrize(("size", "windows"), [((28, 28), 16), ((14, 14), 4), ((7, 7), 1)])
def test_windows_of_the_three_stages(size, windows):  # check 3
    x = torch.randn(2, 5, *size)
    cut = partition(x, 7)
    assert cut.shape == (2 * windows, 49, 5)
    assert torch.equal(merge(cut, 7, *size), x)
    torch.testing.assert_close(cut[0, 8], x[0, :, 1, 1])  # row by row inside a window
    if windows > 1:
        torch.testing.assert_close(cut[1, 0], x[0, :, 0, 7])  # and window by window


@pytest.mark.parametrize("size", [(5, 9), (7, 8), (1, 13)])
def test_maps_that_windows_do_not_divide_are_padded(size):
    x = torch.randn(3, 2, *size)
    cut = partition(x, 4)
    assert cut.shape[0] == 3 * -(-size[0] // 4) * -(-size[1] // 4)
    assert torch.equal(merge(cut, 4, *size), x)
    assert float(cut.abs().sum()) == pytest.approx(float(x.abs().sum()), rel=1e-5)


def test_attention_equals_the_definition():
    torch.manual_seed(1)
    block = Attention(12, 3).double().eval()
    x = torch.randn(2, 7, 12, dtype=torch.float64)
    q, k, v = block.qkv(x).chunk(3, -1)
    heads = []
    for h in range(3):
        part = slice(4 * h, 4 * h + 4)
        share = (q[..., part] @ k[..., part].transpose(1, 2) / 2).softmax(-1)
        heads.append(share @ v[..., part])
    torch.testing.assert_close(block(x), block.proj(torch.cat(heads, -1)))


def test_layer_scale_of_zero_is_the_identity():  # check 12
    block = TokenBlock(8, Attention(8, 2), drop=0.1, drop_path=0.5, layer_scale=0.0).eval()
    x = torch.randn(2, 5, 8)
    assert torch.equal(block(x), x)
    conv = ConvBlock(8, 0.0, layer_scale=0.0).eval()
    y = torch.randn(2, 8, 5, 5)
    assert torch.equal(conv(y), y)
    with torch.device("meta"):
        assert sum(p.numel() for p in ConvBlock(128, 0.0).parameters()) == 295_680


def test_rates_grow_from_nothing():
    assert linear_rates(21, 0.3)[0] == 0.0
    assert linear_rates(21, 0.3)[-1] == pytest.approx(0.3)
    assert linear_rates(1, 0.3) == [0.0]
