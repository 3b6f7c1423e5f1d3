"""AMMSM as a whole: published sizes, joint training, fusion, ablations, bad input, learning."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mescope.errors import WeightsError
from mescope.models import create_model
from mescope.models.ammsm import Ammsm, AmmsmConfig
from mescope.models.ammsm_config import PRESETS, block_ratios, check_ratios
from mescope.models.sparse_layers import AttentionMixer, SsdMixer
from mescope.ops.windows import window_scores

PAPER, SMALL = PRESETS["ammsm"], PRESETS["ammsm-s28"]
HALF = ((0.5, 0.5),) * 4


def small(seed=0, **options):
    torch.manual_seed(seed)
    return create_model("ammsm-s28", **options)


def batch(n=4, seed=1, side=28):
    g = torch.Generator().manual_seed(seed)
    return (
        torch.randn(n, 2, side, side, generator=g),
        torch.randn(n, 3, side, side, generator=g),
    )


def count(module):
    return sum(p.numel() for p in module.parameters())


# --- sizes


@pytest.mark.parametrize(
    ("change", "temporal", "whole"),
    [
        ({}, 25_419_255, 43_369_785),
        ({"classes": 5}, 25_420_281, 43_370_811),
        ({"attention": (2, 4, 8, 4)}, 22_120_195, None),
        ({"attention": (0, 0, 0, 0)}, 26_203_455, None),
        ({"attention": (0, 0, 0, 4)}, 23_758_975, None),
        ({"fusion": "concat"}, 25_452_279, None),
        ({"magnify": False}, 25_419_255, 43_369_785 - 17_267_458),
        ({"spatial": False}, 25_419_255, 43_369_785 - 683_072),
        ({"sparse": False}, 25_419_255, 43_369_785),
        ({"alpha_map": "sines"}, 25_419_255, 43_369_785 + 17_856),
    ],
)
def test_parameters_of_the_paper_size(change, temporal, whole):  # check 20
    with torch.device("meta"):
        model = Ammsm(dataclasses.replace(PAPER, **change))
    assert count(model.temporal) == temporal
    if whole is not None:
        assert count(model) == whole


@pytest.mark.parametrize(
    ("name", "options", "wanted"),
    [
        ("vssd-tiny", {"classes": 1000}, 24_270_724),
        ("ammsm-256", {}, 43_369_785),
        ("ammsm-s28", {}, 808_923),
        ("ammsm-s56", {}, 808_923),
        ("ammsm-s28", {"depths": (2, 4, 4, 2)}, 970_559),
    ],
)
def test_parameters_of_the_presets(name, options, wanted):
    with torch.device("meta"):
        assert count(create_model(name, **options)) == wanted


def test_components_of_the_paper_size():
    with torch.device("meta"):
        model = Ammsm(PAPER)
    stream = model.temporal
    assert count(stream.stem) == 109_952
    assert [count(m) for m in stream.merges] == [104_320, 405_248, 1_596_928]
    first = [count(stage.blocks[0]) for stage in stream.stages]
    assert first == [70_342, 254_348, 967_192, 3_772_208]
    assert [count(stage.blocks[-1]) for stage in stream.stages[2:]] == [794_112, 3_161_088]
    assert count(stream.norm) == 1_024
    assert count(stream.head) == 1_539
    assert count(model.magnifier) == 17_267_458
    assert count(model.spatial) == 683_072


def test_kinds_of_blocks():  # check 21
    with torch.device("meta"):
        model, other = Ammsm(PAPER), create_model("ammsm-transformer")
    kinds = [[type(b.mixer) for b in stage.blocks] for stage in model.temporal.stages]
    S, A = SsdMixer, AttentionMixer
    assert kinds == [[S] * 2, [S] * 4, [S] * 7 + [A], [S] * 3 + [A]]
    for stage in other.temporal.stages:
        assert {type(b.mixer) for b in stage.blocks} == {A}


@pytest.mark.parametrize(
    ("name", "sides"), [("ammsm", (56, 28, 14, 7)), ("ammsm-256", (64, 32, 16, 8))]
)
def test_maps_of_the_paper_size(name, sides):  # check 19
    seen = []
    with torch.device("meta"):
        model = create_model(name)
        parts = [model.temporal.stem, *model.temporal.stages, model.spatial]
        for part in parts:
            part.register_forward_hook(lambda m, args, out: seen.append(tuple(out.shape)))
        size = model.config.size
        ratios = [(0.0,) * depth for depth in model.config.depths]
        out = model.eval().temporal(
            torch.empty(1, 2, size, size), model.spatial(torch.empty(1, 3, size, size)), ratios
        )
    first, *stages = seen[1:]
    assert seen[0] == (1, 128, sides[1], sides[1])
    assert first == (1, 64, sides[0], sides[0])
    assert stages == [(1, 64 << i, side, side) for i, side in enumerate(sides)]
    assert model.config.sides == sides
    assert out.shape == (1, 3)


@pytest.mark.parametrize("name", ["ammsm-s28", "ammsm-s56"])
def test_maps_of_the_small_sizes(name):
    model = create_model(name).eval()
    seen = []
    for part in (*model.temporal.stages, model.spatial):
        part.register_forward_hook(lambda m, args, out: seen.append(tuple(out.shape[1:])))
    side = model.config.size
    with torch.no_grad():
        out = model(*batch(2, side=side))
    assert seen == [(32, 14, 14), (16, 28, 28), (32, 14, 14), (64, 7, 7), (128, 4, 4)]
    assert model.config.sides == (28, 14, 7, 4)
    assert out.emotion.shape == (2, 3)
    assert out.magnified.shape == (2, 2, side, side)


# --- parts that work together


def test_classification_trains_the_magnifier():  # check 4
    model = small()
    F.cross_entropy(model(*batch()).emotion, torch.arange(4) % 3).backward()
    reached = [p.grad is not None and bool(p.grad.any()) for p in model.magnifier.parameters()]
    assert all(reached)


def test_alpha_changes_the_flow():  # check 2
    model = small().eval()
    flow, onset = batch()
    with torch.no_grad():
        two, three = (model(flow, onset, alpha=a) for a in (2.0, 3.0))
        mixed = model(flow, onset, alpha=torch.tensor([2.0, 3.0, 2.0, 3.0]))
        assert torch.equal(model(flow, onset).magnified, three.magnified)  # the config's
    assert not torch.allclose(two.magnified, three.magnified, atol=1e-4)
    torch.testing.assert_close(mixed.magnified[::2], two.magnified[::2])
    torch.testing.assert_close(mixed.magnified[1::2], three.magnified[1::2])


def test_tokens_are_normed_before_their_mean():
    stream, seen = small().temporal.eval(), []
    with torch.no_grad():
        stream.norm.weight.add_(torch.rand(128))
        stream.norm.register_forward_hook(lambda m, args, out: seen.append((args[0], out)))
        found = stream(*batch()[:1])
        (tokens, normed) = seen[0]
        torch.testing.assert_close(found, stream.head(normed.mean(1)))
        torch.testing.assert_close(
            normed, F.layer_norm(tokens, (128,), stream.norm.weight, stream.norm.bias)
        )
    assert tokens.shape == (4, 16, 128)


def test_options_reach_the_blocks():
    with torch.device("meta"):
        model = create_model("ammsm", drop=0.1, score="rms", dropped="gather")
    blocks = [b for stage in model.temporal.stages for b in stage.blocks]
    rates = [b.drop_path.rate for b in blocks]
    assert rates == pytest.approx([0.2 * i / 17 for i in range(18)])
    assert {m.p for b in blocks for m in b.mlp if hasattr(m, "p")} == {0.1}
    assert {(s.score, s.dropped) for s in model.temporal.stages} == {("rms", "gather")}


def test_scores_choose_the_windows():
    model = small(windows=(4, 4, 4, 4), sparse=True)
    found = []
    for score in ("norm", "rms", "absmean"):
        for stage in model.temporal.stages:
            stage.score = score
        with torch.no_grad():
            found.append(model.eval()(*batch(), ratios=HALF).emotion)
    assert not torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_the_stem_reads_the_magnified_flow():
    model = small().eval()
    flow, onset = batch()
    read = []
    model.temporal.stem.register_forward_hook(lambda m, args, out: read.append(args[0]))
    with torch.no_grad():
        out = model(flow, onset)
    assert read[0] is out.magnified


def test_without_magnifier_the_flow_is_read_as_it_is():
    model = small(magnify=False).eval()
    flow, onset = batch()
    with torch.no_grad():
        assert model(flow, onset).magnified is flow
    with pytest.raises(ValueError, match="no alpha in a model with magnify=False"):
        model(flow, onset, alpha=2.0)


@pytest.mark.parametrize("fusion", ["add", "concat"])
def test_the_onset_matters(fusion):  # check 22
    model = small(fusion=fusion).eval()
    flow, onset = batch()
    with torch.no_grad():
        with_features = model(flow, onset).emotion
        model.spatial.register_forward_hook(lambda m, args, out: torch.zeros_like(out))
        without = model(flow, onset).emotion
        again = model(flow, -onset).emotion
    assert float((with_features - without).abs().min()) > 1e-6
    assert torch.equal(without, again)


def test_without_spatial_stream_there_is_no_onset():  # check 22
    model = small(spatial=False).eval()
    flow, onset = batch()
    with torch.no_grad():
        assert model(flow).emotion.shape == (4, 3)
    with pytest.raises(ValueError, match="no onset in a model with spatial=False"):
        model(flow, onset)


def test_features_of_another_shape_are_refused():  # check 19
    stream = small().temporal
    flow, _ = batch()
    with pytest.raises(ValueError, match=r"\(4, 32, 14, 14\) after stage 2, found \(4, 32, 7"):
        stream(flow, torch.zeros(4, 32, 7, 7))


def test_sparsity_zero_is_the_dense_model():  # check 9
    flow, onset = batch()
    sparse, dense = small().eval(), small(sparse=False).eval()
    dense.load_state_dict(sparse.state_dict())
    nothing = [(0.0,) * 2] * 4
    with torch.no_grad():
        wanted = dense(flow, onset)
        assert all(map(torch.equal, sparse(flow, onset, ratios=nothing), wanted))
        assert not torch.equal(sparse(flow, onset).emotion, wanted.emotion)
    with pytest.raises(ValueError, match="no ratios in a model with sparse=False"):
        dense(flow, onset, ratios=HALF)


@pytest.mark.parametrize("training", [False, True])
def test_gather_equals_exclude_with_gradients(training):
    flow, onset = (x.double() for x in batch())
    ratios = ((0.5, 0.5), (0.2, 0.2), (0.8, 0.8), (0.5, 0.5))
    found = []
    for dropped in ("exclude", "gather"):
        model = small(dropped=dropped, drop_path=0.2).double().train(training)
        torch.manual_seed(5)
        out = model(flow, onset, ratios=ratios, alpha=2.0)
        loss = F.cross_entropy(out.emotion, torch.arange(4) % 3) + out.magnified.abs().mean()
        found.append([*out, *torch.autograd.grad(loss, list(model.parameters()))])
    for slow, fast in zip(*found, strict=True):
        torch.testing.assert_close(fast, slow, rtol=1e-8, atol=1e-10)


def test_mixers_with_attention_only():
    model = small(attention=(2, 2, 2, 2), dropped="gather")
    out = model(*batch(), ratios=HALF)
    assert out.emotion.isfinite().all()
    assert not any(isinstance(m, SsdMixer) for m in model.modules())


def test_same_seed_same_weights_and_outputs():  # check 30
    first, second = small(3).eval(), small(3).eval()
    with torch.no_grad():
        assert all(map(torch.equal, first(*batch()), second(*batch())))
    third = small(4).eval()
    third.load_state_dict(first.state_dict())
    with torch.no_grad():
        assert all(map(torch.equal, first(*batch()), third(*batch())))


def test_start_of_the_weights():
    torch.manual_seed(0)
    model = create_model("ammsm-s28")
    linear = model.temporal.stages[3].blocks[0].mixer.in_proj.weight
    assert float(linear.std().detach()) == pytest.approx(0.02, rel=0.1)
    conv = model.spatial.stages[1][0].conv.weight  # kaiming, fan out: sqrt(2 / (9 * 32))
    assert float(conv.std().detach()) == pytest.approx((2 / (9 * 32)) ** 0.5, rel=0.1)
    assert all(
        (m.weight == 1).all() and not m.bias.any()
        for m in model.modules()
        if isinstance(m, nn.LayerNorm | nn.BatchNorm2d)
    )


@pytest.mark.parametrize("dropped", ["zero", "exclude", "gather"])
def test_mixed_precision(dropped):
    model, nothing = small(dropped=dropped).eval(), [(0.0,) * 2] * 4
    with torch.autocast("cpu", dtype=torch.bfloat16):
        dense, out = model(*batch(), ratios=nothing), model(*batch(), ratios=HALF)
    with torch.no_grad():  # with windows dropped, rounding may choose others
        wanted = model(*batch(), ratios=nothing)
    torch.testing.assert_close(dense.emotion.float(), wanted.emotion, rtol=0, atol=2e-2)
    (out.emotion.float().sum() + out.magnified.float().mean()).backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


# --- ratios and bad input


def test_ratios_of_the_config():
    assert SMALL.default_ratios == ((0.6, 0.6), (0.4, 0.4), (0.1, 0.1), (0.2, 0.2))
    stages = PAPER.default_ratios
    assert [len(s) for s in stages] == [2, 4, 8, 4]
    assert stages[2] == (0.1, 0.1, 0.2, 0.2, 0.3, 0.3, 0.4, 0.4)
    assert check_ratios(stages, PAPER.depths) == stages
    odd = dataclasses.replace(SMALL, depths=(3, 5, 1, 2)).default_ratios
    assert odd == ((0.6, 0.6, 0.6), (0.4, 0.4, 0.5, 0.5, 0.5), (0.1,), (0.2, 0.2))
    own = dataclasses.replace(SMALL, ratios=[list(s) for s in HALF])
    assert own.default_ratios == HALF
    assert dataclasses.replace(SMALL, sparse=False).default_ratios is None


def test_ratios_of_the_config_are_those_of_a_call():
    own, plain = small(ratios=HALF).eval(), small().eval()
    with torch.no_grad():
        assert torch.equal(own(*batch()).emotion, plain(*batch(), ratios=HALF).emotion)


def test_pairs_become_blocks():
    genes = [(0.6,), (0.4, 0.5), (0.1, 0.2, 0.3, 0.4), (0.2, 0.4)]
    assert block_ratios(genes, PAPER.depths) == PAPER.default_ratios
    with pytest.raises(ValueError, match=r"expected \[1, 2, 4, 2\] ratios.*\[1, 2, 4, 1\]"):
        block_ratios([*genes[:3], (0.2,)], PAPER.depths)


@pytest.mark.parametrize(
    ("ratios", "message"),
    [  # check 15
        (((0.5, 0.5),) * 3, r"stages of \[2, 2, 2, 2\] blocks, found \[2, 2, 2\]"),
        (((0.5, 0.5),) * 3 + ((0.5,),), r"found \[2, 2, 2, 1\]"),
        (((0.5, 0.5),) * 3 + ((-0.1, 0.5),), r"in 0..0.9"),
        (((0.95, 0.95),) + ((0.5, 0.5),) * 3, r"in 0..0.9"),
        (((0.5, float("nan")),) + ((0.5, 0.5),) * 3, "nan"),
        (((0.5, 0.4),) + ((0.5, 0.5),) * 3, r"ascending ratios in stage 1, found \(0.5, 0.4\)"),
        (((0.4, 0.5),) + ((0.5, 0.5),) * 3, "every two blocks of stage 1"),
    ],
)
def test_bad_ratios(ratios, message):
    with pytest.raises(ValueError, match=message):
        small()(*batch(), ratios=ratios)
    with pytest.raises(WeightsError, match=message):
        create_model("ammsm-s28", ratios=ratios)


@pytest.mark.parametrize(
    ("alpha", "message"),
    [
        (0.0, r"alpha above 0, found 0.0"),
        (-1.0, "alpha above 0, found -1.0"),
        (float("nan"), "alpha above 0"),
        (torch.tensor([1.0, 2.0, 0.0, 1.0]), "alpha above 0"),
        (torch.ones(3), r"one number or \(4,\), found \(3,\)"),
    ],
)
def test_bad_alpha(alpha, message):
    with pytest.raises(ValueError, match=message):
        small()(*batch(), alpha=alpha)


def test_bad_inputs():
    model, (flow, onset) = small(), batch()
    with pytest.raises(ValueError, match=r"flow \(b, 2, 28, 28\), found \(4, 2, 32, 32\)"):
        model(torch.zeros(4, 2, 32, 32), onset)
    with pytest.raises(ValueError, match=r"found \(4, 3, 28, 28\)"):
        model(onset, onset)
    with pytest.raises(ValueError, match=r"onset \(4, 3, 28, 28\) beside .*found none"):
        model(flow)
    with pytest.raises(ValueError, match=r"found \(4, 3, 32, 32\)"):
        model(flow, torch.zeros(4, 3, 32, 32))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("ammsm", {"pad_windows": False}, "stage 3 a map of 14, which windows of 4"),
        ("ammsm-256", {"size": 240}, "stage 2 a map of 30, which windows of 4"),
        ("ammsm-s28", {"windows": (4, 4)}, "one number for each of 4 stages"),
        (
            "ammsm-s28",
            {"windows": (4, 4, 0, 2)},
            "windows must be a list, each of it a whole",
        ),
        ("ammsm-s28", {"heads": (3, 2, 4, 8)}, "heads must divide"),
        ("ammsm-s28", {"attention": (0, 0, 0, 3)}, "attention must be 0 up to"),
        ("ammsm-s28", {"alpha": 0.0}, "alpha must be a number in"),
        ("ammsm-s28", {"score": "l2"}, "score must be"),
        ("ammsm-s28", {"dropped": "skip"}, "dropped must be"),
        ("ammsm-s28", {"alpha_map": "two"}, "alpha_map must be"),
        ("ammsm-s28", {"fusion": "mean"}, "fusion must be"),
        ("ammsm-s28", {"magnifier_levels": 6}, "size of 32 or more, got 28"),
        ("ammsm-s28", {"spatial_stride": 2}, "as the stem does, by 1, got 2"),
        ("ammsm-s28", {"drop_path": 1.0}, "drop_path must be"),
        ("ammsm-s28", {"sparse": False, "ratios": HALF}, "need sparse=True"),
    ],
)
def test_impossible_sizes_are_refused(name, options, message):
    with pytest.raises(WeightsError, match=message), torch.device("meta"):
        create_model(name, **options)


def test_default_config_is_the_paper():
    assert AmmsmConfig() == PAPER


# --- sparsity finds the motion, and the whole learns


def test_windows_with_motion_stay():
    """What is dropped first is where nothing moves."""
    stem = small().temporal.stem.eval()
    flow = torch.zeros(1, 2, 28, 28)
    flow[0, 0, 8:12, 16:20] = 3.0
    with torch.no_grad():
        scores = window_scores(stem(flow), 4).reshape(7, 7)
    assert divmod(int(scores.argmax()), 7) == (2, 4)
    moving = torch.zeros(7, 7, dtype=torch.bool)
    moving[1:4, 3:6] = True  # the window and those that its convolutions reach
    assert not scores[~moving].any()


def three_motions(n=16):
    """Flow of three motions somewhere, and faces that say nothing."""
    g = torch.Generator().manual_seed(0)
    flow = 0.2 * torch.randn(n, 2, 28, 28, generator=g)
    onset = torch.randn(n, 3, 28, 28, generator=g)
    labels = torch.arange(n) % 3
    for i, label in enumerate(labels.tolist()):
        row, column = 4 + 8 * (i // 3 % 2), 4 + 8 * (i // 6 % 2)
        flow[i, label // 2, row : row + 10, column : column + 10] += 2.0 * (1 - 2 * (label % 2))
    return flow, onset, labels


@pytest.mark.slow
def test_small_ammsm_learns_three_motions():  # check 29
    """At most 60 full-batch steps, ratios and alpha drawn anew for each as the recipe does."""
    flow, onset, labels = three_motions()
    model = small()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05)
    g = torch.Generator().manual_seed(2)
    for step in range(60):
        draws = torch.randint(1, 9, (4,), generator=g).tolist()
        ratios = [(draw / 10,) * 2 for draw in draws]
        alpha = float(1 + 3 * torch.rand((), generator=g))
        out = model.train()(flow, onset, ratios=ratios, alpha=alpha)
        loss = F.cross_entropy(out.emotion, labels)
        loss = loss + (1 - step / 60) * (alpha * flow - out.magnified).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step % 10 == 9:
            with torch.no_grad():
                found = model.eval()(flow, onset, ratios=HALF, alpha=3.0).emotion.argmax(-1)
            if torch.equal(found, labels):
                return
    pytest.fail(f"{int((found == labels).sum())} of 16 clips after 60 steps")
