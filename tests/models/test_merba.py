"""MERba and MambaVision: published sizes, locality of windows, the two heads, learning."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mescope.errors import WeightsError
from mescope.models import create_model
from mescope.models.mambavision import MambaVision, MambaVisionConfig
from mescope.models.merba import FULL, Extractor, Merba, MerbaConfig, MerbaOutput, Stage
from mescope.models.vision_layers import Attention, TokenBlock

PAPER = MerbaConfig()
SMALL = dataclasses.replace(create_model("merba-s28").config, dgcm=True)


def count(build):
    with torch.device("meta"):
        return sum(p.numel() for p in build().parameters())


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({}, 111_142_920),
        ({"dgcm": False}, 111_141_895),
        ({"dgcm": False, "classes": 3}, 111_137_795),
        ({"channels": 3}, 111_143_496),
        ({"layer_scale": None}, 111_120_904),
        ({"share_mixer": True}, 93_865_992),
        ({"share_mixer": True, "dgcm": False}, 93_864_967),
        ({"local": (3, 10, 5)}, 147_882_504),
        ({"local": (3, 10, 5), "share_mixer": True}, 121_659_912),
        ({"local": (3, 8, 3)}, 112_918_024),
        ({"local": (2, 2, 2)}, 76_989_192),
    ],
)
def test_parameters_of_the_paper_size(change, wanted):
    assert count(lambda: Merba(dataclasses.replace(PAPER, **change))) == wanted


@pytest.mark.parametrize(
    ("name", "dgcm", "three", "shared"),
    [
        ("merba-s28", 230_536, 230_211, 209_608),
        ("merba-s56", 230_536, 230_211, 209_608),
        ("merba-s56-full", 172_616, 172_291, 150_104),
        ("merba-s64", 987_720, 987_075, 892_296),
    ],
)
def test_parameters_of_the_small_sizes(name, dgcm, three, shared):
    assert count(lambda: create_model(name, dgcm=True)) == dgcm
    assert count(lambda: create_model(name)) == three
    assert count(lambda: create_model(name, dgcm=True, share_mixer=True)) == shared


@pytest.mark.parametrize(
    ("name", "millions"),
    [  # as published; -B to the last parameter: check 15
        ("mambavision-t", 31.8),
        ("mambavision-t2", 35.1),
        ("mambavision-s", 50.1),
        ("mambavision-b", 97.7),
        ("mambavision-l", 227.9),
    ],
)
def test_parameters_of_mambavision(name, millions):
    found = count(lambda: create_model(name, classes=1000))
    assert found / 1e6 == pytest.approx(millions, abs=0.07)
    if name == "mambavision-b":
        assert found == 97_685_288


def test_components_of_the_paper_size():
    with torch.device("meta"):
        model = Merba(PAPER)

    def of(part):
        return sum(p.numel() for p in part.parameters())

    assert of(model.stem) == 75_264
    assert of(model.conv_stage) == 887_040
    assert [of(d) for d in model.downs] == [294_912, 1_179_648, 4_718_592]
    assert [of(s.extractors[0]) for s in model.stages] == [887_552, 3_511_808, 13_970_432]
    assert [of(s.attentions[0]) for s in model.stages] == [790_272, 3_153_408, 12_598_272]
    assert of(model.norm) == 2_048
    assert of(model.coarse) == of(model.fine) == 4_100


def test_maps_and_logits():  # check 13, at a size a test can afford
    model = Merba(SMALL).eval()
    seen = []
    for part in (model.stem, model.conv_stage, *model.stages):
        part.register_forward_hook(lambda m, a, out: seen.append(tuple(out.shape[1:])))
    with torch.no_grad():
        out = model(torch.randn(3, 2, 28, 28))
    assert seen == [(16, 28, 28), (16, 28, 28), (32, 14, 14), (64, 7, 7)]
    assert out.coarse.shape == out.fine.shape == (3, 4)
    assert PAPER.side == 224
    assert SMALL.side == 28


def test_a_wrong_side_is_named():  # check 16
    with pytest.raises(ValueError, match=r"expected flow \(b, 2, 28, 28\), found \(1, 2, 32"):
        Merba(SMALL)(torch.randn(1, 2, 32, 32))
    with pytest.raises(ValueError, match=r"found \(1, 3, 28, 28\)"):
        Merba(SMALL)(torch.randn(1, 3, 28, 28))


def stage(**change):
    torch.manual_seed(0)
    config = dataclasses.replace(SMALL, layer_scale=None, drop=0.0, **change)
    made = Stage(config, 0, [0.0] * 3).double().eval()
    with torch.no_grad():
        for weight in made.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    return made


def test_windows_do_not_see_each_other_until_attention():  # check 8
    made = stage()
    x = torch.randn(1, 32, 14, 14, dtype=torch.float64)
    y = x.clone()
    y[:, :, 7:, 7:] += 1
    with torch.no_grad():
        whole = (made(y) - made(x)).abs().sum(1)
        made.attentions = nn.Sequential()
        apart = (made(y) - made(x)).abs().sum(1)
    assert (whole > 0).all()
    assert (apart[:, 7:, 7:] > 0).all()
    apart[:, 7:, 7:] = 0
    assert not apart.any()


def test_one_window_is_the_whole_map_of_the_last_stage():  # check 9
    x = torch.randn(2, 64, 7, 7)
    found = []
    for scope in ("local", "global"):
        torch.manual_seed(3)
        config = dataclasses.replace(SMALL, extractor_scope=scope, attention_scope=scope)
        with torch.no_grad():
            found.append(Stage(config, 1, [0.0] * 3).eval()(x))
    assert torch.equal(*found)


def test_scopes_have_the_same_parameters_and_differ():
    x = torch.randn(1, 32, 14, 14, dtype=torch.float64)
    scopes = [("local", "global"), ("local", "local"), ("global", "global")]
    stages = [stage(extractor_scope=a, attention_scope=b) for a, b in scopes]
    counts = {sum(p.numel() for p in s.parameters()) for s in stages}
    assert len(counts) == 1
    for other in stages[1:]:
        other.load_state_dict(stages[0].state_dict())
        assert not torch.allclose(other(x), stages[0](x))


def extractor(directions, **change):
    config = dataclasses.replace(SMALL, directions=directions, drop=0.0, **change)
    torch.manual_seed(2)
    made = Extractor(config, 32, 7).double().eval()
    with torch.no_grad():
        for weight in made.parameters():
            weight.copy_(0.3 * torch.randn_like(weight))
    return made


def test_the_same_reading_four_times_is_one_reading():  # checks 10 and 11
    four = extractor(("hr",) * 4, share_mixer=True)
    one = extractor(("hr",), share_mixer=True)
    one.load_state_dict(four.state_dict())
    x = torch.randn(3, 49, 32, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(four(x), 4 * one(x))


def test_a_direction_is_a_permutation_around_the_mixer():
    x = torch.randn(2, 49, 32, dtype=torch.float64)
    plain = extractor(("hr",))
    turned = extractor(("vr",))
    turned.load_state_dict(plain.state_dict())

    def transposed(t):
        return t.reshape(2, 7, 7, 32).transpose(1, 2).reshape(2, 49, 32)

    with torch.no_grad():
        torch.testing.assert_close(turned(x), transposed(plain(transposed(x))))


def test_orders_are_no_weights():  # check 29
    names = extractor(("hr", "vz")).state_dict()
    assert "forth" not in names
    assert "back" not in names


def test_what_two_heads_say_together():  # check 17
    wanted = {(0, f): n for f, n in enumerate((0, 2, 3, 5))}
    wanted |= {(c, f): n for c, n in ((1, 4), (2, 6), (3, 1)) for f in range(4)}
    for (c, f), full in wanted.items():
        output = MerbaOutput(F.one_hot(torch.tensor([c]), 4), F.one_hot(torch.tensor([f]), 4))
        assert output.predict().tolist() == [full]
    assert [FULL[n] for n in (4, 6, 1)] == ["happiness", "surprise", "contempt"]


def four_motions(n=16):
    """Flow of four motions that no window mistakes: left, right, up, down, somewhere."""
    g = torch.Generator().manual_seed(0)
    x = 0.2 * torch.randn(n, 2, 28, 28, generator=g)
    labels = torch.arange(n) % 4
    for i, label in enumerate(labels.tolist()):
        row, column = 4 + 8 * (i // 4 % 2), 4 + 8 * (i // 8)
        x[i, label // 2, row : row + 10, column : column + 10] += 2.0 * (1 - 2 * (label % 2))
    return x, labels


@pytest.mark.slow
def test_small_merba_learns_four_motions():  # check 27
    x, labels = four_motions()
    torch.manual_seed(0)
    model = create_model("merba-s28", classes=4, channels=2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for _ in range(60):
        loss = F.cross_entropy(model.train()(x).emotion, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        assert (model.eval()(x).emotion.argmax(1) == labels).all()


def test_a_head_that_keeps_place_tells_where_motion_is():
    torch.manual_seed(1)
    plain, placed = (
        create_model("merba-s28", classes=3, channels=2, keeps_place=keeps).eval()
        for keeps in (False, True)
    )
    per_place = 3 * (64 * 49 - 64)
    counts = [sum(p.numel() for p in model.parameters()) for model in (plain, placed)]
    assert counts[1] - counts[0] == per_place
    placed.load_state_dict(
        {k: v for k, v in plain.state_dict().items() if not k.startswith("head")}, strict=False
    )
    flow = torch.randn(2, 2, 28, 28)
    with torch.no_grad():
        features = placed.features(flow)
        torch.testing.assert_close(
            features.unflatten(1, (64, 49)).mean(-1), plain.features(flow)
        )
        assert placed(flow).emotion.shape == (2, 3)


def test_equal_seeds_equal_losses():  # check 28
    x, labels = four_motions()
    found = []
    for _ in range(2):
        torch.manual_seed(7)
        model = create_model("merba-s28", classes=4, channels=2)
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
        losses = []
        for _ in range(3):
            loss = F.cross_entropy(model(x).emotion, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
        found.append(losses)
    assert found[0] == found[1]


def test_mambavision_scans_first_and_attends_after():
    with torch.device("meta"):
        model = MambaVision(MambaVisionConfig())
    kinds = [
        [isinstance(block.mixer, Attention) for block in stage if isinstance(block, TokenBlock)]
        for stage in model.token_stages
    ]
    assert kinds == [[False] * 5 + [True] * 5, [False] * 3 + [True] * 2]


def test_mambavision_names_channels_that_do_not_fit():
    with pytest.raises(ValueError, match=r"expected maps \(b, 3, h, w\), found \(1, 2, 28, 28"):
        create_model("mambavision-s28")(torch.randn(1, 2, 28, 28))


def test_mambavision_pads_what_windows_do_not_divide():
    torch.manual_seed(0)
    model = create_model("mambavision-s28", channels=2, classes=3).eval()
    for size in (28, 30, 41):
        with torch.no_grad():
            assert torch.isfinite(model(torch.randn(2, 2, size, size)).emotion).all()


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("merba-s28", {"directions": ["hr", "diagonal"]}, "expected an order"),
        ("merba-s28", {"directions": []}, "directions"),
        ("merba-s28", {"heads": [2]}, "local, attention and heads"),
        ("merba-s28", {"heads": [3, 4]}, "heads must divide"),
        ("merba-s28", {"extractor_scope": "window"}, "scope must be"),
        ("merba-s28", {"dim": 0}, "dim must be a whole number in 1..4096"),
        ("mambavision-s28", {"windows": [7]}, "depths, heads and windows"),
        ("mambavision-s28", {"heads": [3, 4]}, "heads must divide"),
    ],
)
def test_impossible_sizes_are_refused(name, options, says):
    with pytest.raises(WeightsError, match=says):
        create_model(name, **options)
