"""Published weights of ME-TST, ME-TST+ and BoostingVRME: names, numbers, refusals."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from published_states import SMALL, made_up
from safetensors.torch import load_file, save_file
from swaying_face import film

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


@pytest.mark.data
@needs_data
@pytest.mark.parametrize("prefix", ["module.", ""])
@pytest.mark.parametrize("family", FAMILIES)
def test_imported_weights_give_the_published_numbers(family, prefix, tmp_path):
    """To within 1e-5, as far as float32 is that exact.

    The made-up weights of these files blow rounding up (single frames by 1e5), so float32 and
    float64 of one network differ as much as ours and the published float32.  Half of all
    scores agree within 1e-5, and on the whole ours is no further off than rounding.
    """
    state, numbers = small(family)
    state = {prefix + n.removeprefix("module."): t for n, t in state.items()}
    torch.save(state, tmp_path / "fold.pkl")
    import_checkpoint(tmp_path / "fold.pkl", tmp_path / "w.safetensors", family, dim=8)
    network, _ = weights.load(tmp_path / "w.safetensors")
    single = outputs(network, numbers)
    exact = outputs(network.double(), numbers)
    scores, logits = differences(single, numbers)
    assert scores.median() <= 1e-5
    assert logits.median() <= 2e-4
    rounding = differences(
        single,
        {f"{name}.{k}": getattr(exact[k], name) for k in exact for name in exact[k]._fields},
    )
    for off, allowed in zip(differences(exact, numbers), rounding, strict=True):
        assert typical(off) <= 3 * typical(allowed)


@pytest.mark.data
@needs_data
def test_the_published_numbers_tell_small_changes(tmp_path):
    """The comparison above would see another epsilon of the norms."""
    state, numbers = small("boosting-vrme")
    state = {n.removeprefix("module."): t for n, t in state.items()}
    network = create_model("boosting-vrme", dim=8).eval()
    network.load_state_dict(from_published(state, network, "boosting-vrme"))
    for module in network.modules():
        if isinstance(module, torch.nn.LayerNorm):
            module.eps = 1e-6
    assert differences(outputs(network, numbers), numbers)[0].median() > 5e-5


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
