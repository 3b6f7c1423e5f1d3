"""Published weights of ME-TST, ME-TST+ and BoostingVRME: names, numbers, refusals."""

from __future__ import annotations

import hashlib
import json
import math
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from published_states import SMALL, made_up
from safetensors.torch import load_file, save_file
from swaying_face import film
from torch.nn import functional as F

from mescope.analysis import load
from mescope.analysis.extraction import extraction_for
from mescope.cli import run
from mescope.errors import MescopeError, WeightsError
from mescope.models import create_model, weights
from mescope.models.me_tst_import import (
    FAMILIES,
    TRAININGS,
    from_published,
    import_checkpoint,
    published_rule,
    published_shapes,
)
from mescope.motion.regions import REGIONS_18
from mescope.spotting.proposals import ProposalRule

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"
PARAMETERS = {"me-tst": 1_249_926, "me-tst-plus": 16_671_750, "boosting-vrme": 8_368_902}
needs_data = pytest.mark.skipif(not DATA.exists(), reason="needs ../shared/data")


def small(family):
    """State, inputs and outputs of the published network of width 8."""
    found = load_file(DATA / f"official_{family}_small.safetensors")
    state = {n.removeprefix("state."): t for n, t in found.items() if n.startswith("state.")}
    return state, {n: t for n, t in found.items() if not n.startswith("state.")}


@pytest.mark.parametrize("family", FAMILIES)
def test_parameters_as_published(family):
    with torch.device("meta"):
        network = create_model(family, mode="as_published")
    assert sum(p.numel() for p in network.parameters()) == PARAMETERS[family]


@pytest.mark.data
@needs_data
@pytest.mark.parametrize("family", FAMILIES)
def test_names_and_shapes_are_the_published_ones(family):
    table = json.loads((DATA / "official_state_names.json").read_text(encoding="utf-8"))[family]
    wanted = {n.removeprefix("module."): tuple(s) for n, s in table["state"].items()}
    assert published_shapes(family) == wanted
    assert table["parameters"] == PARAMETERS[family]


def differences(found, numbers):
    """Distances to the published outputs, of scores and of logits."""
    pairs = (
        ((found[k][0], f"spotting.{k}") for k in found),
        ((found[k][1], f"emotion.{k}") for k in found),
    )
    return [
        torch.cat(
            [(one.double() - numbers[name].double()).abs().flatten() for one, name in pair]
        )
        for pair in pairs
    ]


def typical(distances):
    """The geometric mean: single frames are off by far more than all others."""
    return distances.clamp_min(1e-12).log().mean().exp()


def outputs(network, numbers):
    kind = next(network.parameters()).dtype
    with torch.no_grad():
        return {k: network(numbers[f"in.{k}"].to(kind)) for k in (30, 50)}


def published_network(family):
    """The published network of width 8 in float32, and its inputs and outputs."""
    state, numbers = small(family)
    state = {n.removeprefix("module."): t for n, t in state.items()}
    network = create_model(family, dim=8, mode="as_published").eval()
    network.load_state_dict(from_published(state, network, family))
    return network, numbers


def plain_sums(monkeypatch):
    """Compute as Mamba's plain code does, in its order of sums."""
    monkeypatch.setenv("MESCOPE_SCAN", "reference")
    monkeypatch.setenv("MESCOPE_DEPTHWISE_CONV", "library")


def rounding_of_this_machine():
    """Digest of what PyTorch makes here of the operations of such a layer, without our code."""
    x = torch.sin(torch.arange(720.0)).view(3, 30, 8)

    def w(*size):
        return torch.cos(torch.arange(float(math.prod(size)))).view(size)

    xz = F.linear(x, w(32, 8)).transpose(1, 2)
    u, z = xz.chunk(2, 1)
    u = F.silu(F.conv1d(u, w(16, 1, 4), w(16), padding=3, groups=16)[..., :30])
    mixed = F.linear(u.transpose(1, 2), w(129, 16))
    delta = F.softplus(mixed[..., :1])
    strided = F.conv1d(x.transpose(1, 2), w(16, 8, 3), w(16), stride=2, padding=1)
    norm = F.layer_norm(F.linear((u * z).transpose(1, 2), w(8, 16)), (8,))
    decay = torch.exp(-delta[..., None] * w(16, 64).abs()).sum(-1)
    parts = (xz, u, mixed, delta, strided, norm, decay)
    content = b"".join(t.contiguous().numpy().tobytes() for t in parts)
    return hashlib.sha256(content).hexdigest()[:12]


@pytest.mark.data
@needs_data
@pytest.mark.parametrize("prefix", ["module.", ""])
@pytest.mark.parametrize("family", FAMILIES)
def test_imported_weights_give_the_published_numbers(family, prefix, tmp_path, monkeypatch):
    """Within 1e-5 in every frame, where sums are made in the published order.

    The made-up weights of these files blow rounding up (single frames by 1e5), so a machine
    whose matrix products or exponentials round otherwise is up to 0.2 off with the very same
    code: as far as the published float32 is from float64.
    """
    if rounding_of_this_machine() != "2d22b436bfc1":
        pytest.skip("this processor's libraries round otherwise than those of the numbers")
    plain_sums(monkeypatch)
    state, numbers = small(family)
    state = {prefix + n.removeprefix("module."): t for n, t in state.items()}
    torch.save(state, tmp_path / "fold.pkl")
    import_checkpoint(tmp_path / "fold.pkl", tmp_path / "w.safetensors", family, dim=8)
    network, _ = weights.load(tmp_path / "w.safetensors")
    for off in differences(outputs(network, numbers), numbers):
        assert off.max() <= 1e-5


@pytest.mark.data
@needs_data
@pytest.mark.parametrize("family", FAMILIES)
def test_the_fast_order_of_sums_is_as_exact_as_the_published_one(family, monkeypatch):
    """On any machine: both are as far from float64, where both orders are the same network."""
    network, numbers = published_network(family)
    fast = outputs(network, numbers)
    exact = outputs(network.double(), numbers)
    names = {f"{name}.{k}": getattr(exact[k], name) for k in exact for name in exact[k]._fields}
    for ours, theirs in zip(differences(fast, names), differences(exact, numbers), strict=True):
        assert typical(ours) <= 1.5 * typical(theirs)
        assert ours.max() <= 10 * theirs.max()
    plain_sums(monkeypatch)
    for off in differences(outputs(network, numbers), names):
        assert off.max() <= 1e-8


@pytest.mark.data
@needs_data
def test_the_published_numbers_tell_small_changes():
    """The comparisons above would see another epsilon of the norms."""
    network, numbers = published_network("boosting-vrme")
    for module in network.modules():
        if isinstance(module, torch.nn.LayerNorm):
            module.eps = 1e-6
    exact = outputs(network.double(), numbers)
    assert differences(exact, numbers)[0].median() > 5e-5
    assert differences(outputs(network.float(), numbers), numbers)[0].median() > 5e-5


def test_odd_windows_are_refused_as_published():
    network = create_model("boosting-vrme-small").eval()
    with pytest.raises(MescopeError, match="even number of frames, found 17") as error:
        network(torch.randn(1, 36, 17))
    assert "\n" not in str(error.value)
    with pytest.raises(WeightsError, match="lateral_norm is a choice of clean"):
        create_model("boosting-vrme-small", lateral_norm=True)


def test_drop_path_and_norms_of_the_published_trunk():
    with torch.device("meta"):
        network = create_model("me-tst-plus", mode="as_published")
    for path in (*network.trunks[0].fast, *network.trunks[1].slow):
        assert [layer.drop_path.rate for layer in path] == pytest.approx([0, 0, 1 / 15, 2 / 15])
    assert len(network.trunks[0].laterals) == 2


def test_published_initialisation_of_the_plus_model():
    torch.manual_seed(0)
    network = create_model("boosting-vrme", dim=32)
    for name, parameter in network.named_parameters():
        if name.endswith("dt_proj.bias"):
            assert not parameter.any()
    out = network.trunks[0].slow[0][0].mixer.out_proj.weight  # uniform +-1/sqrt(fan in)/2
    assert out.abs().max().item() == pytest.approx(128**-0.5 / 2, rel=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_full_size_checkpoint_comes_in(family, tmp_path):
    torch.save(made_up(family), tmp_path / "subject_1.pkl")
    out = tmp_path / "w.safetensors"
    import_checkpoint(
        tmp_path / "subject_1.pkl", out, family, trained_on="samm-lv", without="006"
    )
    network, card = weights.load(out)
    assert sum(p.numel() for p in network.parameters()) == PARAMETERS[family]
    assert (card.mode, card.look, card.window, card.without) == (
        "as_published", "windows", 30, "006",
    )  # fmt: skip
    with torch.no_grad():
        found = network(torch.randn(1, 2 * len(card.regions), 30))
    assert torch.isfinite(found.emotion).all()


def imported(tmp_path, state, family="boosting-vrme", **options):
    torch.save(state, tmp_path / "fold.pkl")
    return import_checkpoint(
        tmp_path / "fold.pkl", tmp_path / "w.safetensors", family, **(SMALL | options)
    )


def test_the_card_says_what_was_imported(tmp_path):
    state = made_up("boosting-vrme", **SMALL)
    card = imported(tmp_path, state, trained_on="samm-lv", without="006")
    again = weights.read_card(tmp_path / "w.safetensors")
    assert again == card
    assert (card.model, card.mode, card.head) == ("boosting-vrme", "as_published", "nose")
    assert card.regions == tuple(region.name for region in REGIONS_18)
    assert (card.shares, card.reference, card.recipe) == ("me-tst-plus", "late", "import")
    assert (card.window, round(card.rate, 3), card.look) == (30, 28.571, "windows")
    assert "SAMM Long Videos without subject 006" in card.trained_on
    assert "MIT" in card.licence
    assert "fold.pkl (sha256 " in card.notes
    assert not card.simulated
    rule = ProposalRule(**card.proposals)
    assert (rule.mode, rule.half_length, rule.strategy, rule.floor) == ("as_published", 5, 2, 0)


def test_the_card_of_me_tst(tmp_path):
    card = imported(tmp_path, made_up("me-tst", **SMALL), "me-tst")
    assert len(card.regions) == 5
    assert (card.shares, card.reference, card.window, card.rate) == ("default", "walk", 50, 30)
    assert "not stated" in card.trained_on
    assert "no licence file" in card.licence


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", TRAININGS)
def test_the_rule_is_the_published_one(name, family):
    half = TRAININGS[name].half_length
    of = "boosting-vrme" if family == "boosting-vrme" else "me-tst-plus"
    wanted = replace(ProposalRule.as_published(half, of=of), floor=0.0)
    assert ProposalRule(**published_rule(half, family)) == wanted


def test_safetensors_come_in_too(tmp_path):
    state = made_up("me-tst-plus", **SMALL)
    save_file(state, tmp_path / "fold.safetensors")
    card = import_checkpoint(
        tmp_path / "fold.safetensors", tmp_path / "w.safetensors", "me-tst-plus", **SMALL
    )
    network, _ = weights.load(tmp_path / "w.safetensors")
    head = network.state_dict()["emotion_head.weight"]
    assert torch.equal(head, state["module.fc_recog.weight"])
    assert card.model == "me-tst-plus"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda s: s.pop("module.Stem.0.bias"), "Stem.0.bias is missing"),
        (lambda s: s.update(more=torch.ones(1)), "more is unknown"),
        (
            lambda s: s.update({"module.Stem.0.bias": torch.ones(5)}),
            r"Stem.0.bias: expected \(4,\), found \(5,\)",
        ),
        (lambda s: s.update({"module.Stem.0.bias": torch.full((4,), torch.nan)}), "holds NaN"),
        (
            lambda s: s.update({"module.Stem.0.bias": torch.ones(4, dtype=torch.int64)}),
            "expected floating weights",
        ),
        (lambda s: s.update(epoch=3), "found int under 'epoch'"),
        (lambda s: s.update({"Stem.0.bias": torch.ones(4)}), "Stem.0.bias occurs twice"),
        (lambda s: [s.pop(n) for n in list(s)[1:]], "and 39[0-9] more; choose the network"),
    ],
)
def test_what_does_not_fit_is_named_in_one_line(change, says, tmp_path):
    state = made_up("boosting-vrme", **SMALL)
    change(state)
    with pytest.raises(WeightsError, match=says) as error:
        imported(tmp_path, state)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "w.safetensors").exists()


def test_another_network_of_the_line_is_refused(tmp_path):
    with pytest.raises(WeightsError, match="not a published checkpoint of ME-TST:"):
        imported(tmp_path, made_up("me-tst-plus", **SMALL), "me-tst")


class Canary:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("suffix", [".pkl", ".pt", ".safetensors"])
@pytest.mark.parametrize("plain", [True, False])
def test_code_in_a_file_is_not_run(suffix, plain, tmp_path):
    canary, file = tmp_path / "canary", tmp_path / f"fold{suffix}"
    if plain:
        file.write_bytes(pickle.dumps({"module.Stem.0.bias": Canary(canary)}))
    else:
        torch.save({"module.Stem.0.bias": Canary(canary)}, file)
    with pytest.raises(WeightsError, match="fold") as error:
        import_checkpoint(file, tmp_path / "w.safetensors", "me-tst")
    assert "\n" not in str(error.value)
    assert "trust the source" not in str(error.value)  # nobody is told how to run it
    if suffix != ".safetensors" and not plain:
        assert "found 'io.open', which is no tensor" in str(error.value)
    assert not canary.exists()


@pytest.mark.parametrize("content", [b"", b"nothing", b"PK\x03\x04 broken", b"\x80\x02}q\x00."])
def test_files_of_another_kind_are_refused(content, tmp_path):
    (tmp_path / "fold.pkl").write_bytes(content)
    with pytest.raises(WeightsError) as error:
        import_checkpoint(tmp_path / "fold.pkl", tmp_path / "w.safetensors", "me-tst")
    assert "\n" not in str(error.value)


def test_wrong_choices_are_named(tmp_path):
    with pytest.raises(WeightsError, match="expected one of me-tst, me-tst-plus"):
        import_checkpoint(tmp_path / "fold.pkl", tmp_path / "w.safetensors", "htnet")
    with pytest.raises(WeightsError, match="casme3 or samm-lv as data set, found 'smic'"):
        import_checkpoint(
            tmp_path / "fold.pkl", tmp_path / "w.safetensors", "me-tst", trained_on="smic"
        )


@pytest.mark.parametrize("family", FAMILIES)
def test_the_command_line_imports_and_analyzes(family, tmp_path, capsys, monkeypatch):
    torch.save(made_up(family, **SMALL), tmp_path / "fold.pt")
    monkeypatch.chdir(tmp_path)
    words = ["models", "import", "fold.pt", "--as", family, "--name", "mine", "--force"]
    words += [f"--set={name}={value}" for name, value in SMALL.items()]
    assert run([*words, "--trained-on", "samm-lv", "--without", "006"]) == 0
    assert f"{family} for negative, positive, surprise" in capsys.readouterr().err
    assert run(["models", "show", "mine.safetensors", "--json"]) == 0
    card = json.loads(capsys.readouterr().out)
    assert (card["without"], card["window"], card["mode"]) == ("006", 30, "as_published")
    analysis = load("mine.safetensors").analyze(film(66), rate=30, cache=None, pictures=False)
    measured = analysis.provenance["parameters"]["extraction"]
    assert (measured["mode"], measured["window"], measured["step"]) == ("as_published", 30, 1)
    assert measured["regions"].get("BROW_R_24") == (None if family == "me-tst" else 0.3)
    assert measured.get("reference") == (None if family == "me-tst" else "late")
    assert analysis.traces.spotting.shape == (60,)
    assert np.isfinite(analysis.traces.spotting).all()
    assert analysis.provenance["architecture"] == family


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--as", "me-tst-pluss", "-o", "w.safetensors"], "did you mean 'me-tst-plus'"),
        (["--as", "me-tst"], "found neither --output nor --name"),
        (["--as", "me-tst", "--name", "../w"], "expected a plain name"),
        (["--as", "me-tst", "--name", "w", "-o", "nowhere"], "expected a folder as --output"),
        (["--as", "me-tst", "-o", "w.safetensors", "--labels", "a,b"], "expected no --labels"),
        (["--as", "videomamba", "-o", "w.safetensors"], "give them as --labels"),
        (
            ["-o", "w.safetensors", "--labels", "a,b", "--without", "1"],
            "expected no --without for such a checkpoint",
        ),
    ],
)
def test_wrong_orders_are_refused_in_one_line(words, says, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["models", "import", "fold.pt", *words]) == 1
    assert says in capsys.readouterr().err


def test_weights_are_analyzed_at_the_rate_of_their_card():
    card = weights.Card(
        model="me-tst", config={}, regions=("BROW_L", "MOUTH"), window=30, rate=200 / 7,
        mode="as_published",
    )  # fmt: skip
    options = extraction_for(card, 200.0)
    assert (options["timing"].step, options["timing"].window) == (7, 30)
    assert [region.name for region in options["regions"]] == ["BROW_L", "MOUTH"]
    assert extraction_for(None, 200.0) == {}
    clean = replace(card, mode="clean")
    assert set(extraction_for(clean, 200.0)) == {"regions"}
    every = tuple(region.name for region in REGIONS_18)
    assert extraction_for(replace(clean, regions=every), 200.0) == {}
    with pytest.raises(WeightsError, match="names the region 'CHIN'"):
        extraction_for(replace(card, regions=("CHIN",)), 30.0)
