"""Published checkpoints that AMMSM may begin from, made up from the names of their authors."""

from __future__ import annotations

import sys
import types

import pytest
import torch
from made_recipes import flat_recipe

from mescope.cli import run
from mescope.errors import WeightsError
from mescope.models import create_model, weights
from mescope.models.importers import IMPORTERS, Order
from mescope.models.published_state import RUN_OPTIONS, check_values, fit_channels, read_state
from mescope.models.start_import import import_start, resnet_name, vssd_name
from mescope.models.videomamba_import import IMPORTED
from mescope.training.tasks.ammsm import AmmsmTask

LABELS = ("negative", "positive", "surprise")
TINY = {
    "size": 32, "dim": 8, "depths": [1, 1, 2, 2], "heads": [1, 1, 2, 2], "states": 4,
    "magnifier_width": 4, "magnifier_levels": 2,
}  # fmt: skip


def vssd(classes=10, **change):
    """A VSSD of these sizes under its published names, and with its published mixers."""
    torch.manual_seed(5)
    options = TINY | {"attention": [0, 0, 0, 2]} | change
    found = create_model("vssd-tiny", classes=classes, **options).temporal.state_dict()
    return {vssd_name(name): tensor + 1 for name, tensor in found.items()}


def resnet(dim=8):
    """ResNet-18's tensors as torchvision names them, spelled out."""
    torch.manual_seed(6)
    found = {"conv1.weight": torch.randn(dim, 3, 7, 7), **norm("bn1", dim)}
    for i in range(4):
        width, before = dim << i, dim << max(0, i - 1)
        for j in range(2):
            name = f"layer{i + 1}.{j}"
            enters = before if j == 0 else width
            found[f"{name}.conv1.weight"] = torch.randn(width, enters, 3, 3)
            found[f"{name}.conv2.weight"] = torch.randn(width, width, 3, 3)
            found |= {**norm(f"{name}.bn1", width), **norm(f"{name}.bn2", width)}
            if i and not j:
                found[f"{name}.downsample.0.weight"] = torch.randn(width, before, 1, 1)
                found |= norm(f"{name}.downsample.1", width)
    return found | {"fc.weight": torch.randn(1000, dim << 3), "fc.bias": torch.randn(1000)}


def norm(name, width):
    found = {
        key: torch.rand(width) for key in ("weight", "bias", "running_mean", "running_var")
    }
    found["num_batches_tracked"] = torch.tensor(7)
    return {f"{name}.{key}": tensor for key, tensor in found.items()}


def imported(tmp_path, kind="vssd-tiny", tensors=None, **options):
    source = tmp_path / "published.pth"
    torch.save({"model": vssd() if tensors is None else tensors}, source)
    given = {"labels": LABELS, **TINY} | options
    card = import_start(source, tmp_path / "start.safetensors", kind, **given)
    return weights.load(tmp_path / "start.safetensors")[0].state_dict(), card


def test_grey_pictures_see_what_colours_saw():
    weight, grey = torch.randn(4, 3, 3, 3).double(), torch.randn(2, 1, 9, 9).double()
    theirs = torch.conv2d(grey.expand(-1, 3, -1, -1), weight)
    torch.testing.assert_close(torch.conv2d(grey, fit_channels(weight, 1)), theirs)
    flow = torch.conv2d(grey.expand(-1, 2, -1, -1), fit_channels(weight, 2))
    torch.testing.assert_close(flow, theirs)


def test_vssd_gives_all_but_other_mixers_and_the_head(tmp_path):
    state, card = imported(tmp_path, licence="none stated")
    theirs = vssd()
    name = "stages.2.blocks.1.conv_mlp.weight"  # of a block whose mixer is another one
    assert torch.equal(state[f"temporal.{name}"], theirs["layers.2.blocks.1.cpe2.weight"])
    last = state["temporal.stages.3.blocks.1.mixer.attention.qkv.weight"]  # in both
    assert torch.equal(last, theirs["layers.3.blocks.1.attn.to_qkv.weight"])
    stem = theirs["patch_embed.conv1.conv.weight"]
    assert torch.equal(state["temporal.stem.enter.0.weight"], fit_channels(stem, 2))
    for fresh in ("stages.2.blocks.1.mixer.attention.qkv", "stages.3.blocks.0.mixer", "head"):
        assert f"temporal.{fresh}" in card.notes
    assert "stages.2.blocks.0.mixer" not in card.notes  # the same in both
    assert (card.recipe, card.licence) == (IMPORTED, "vssd-tiny: none stated")
    assert "temporal.stem.enter.0.weight" in card.notes


def test_resnet_goes_onto_an_earlier_import(tmp_path):
    _, first = imported(tmp_path)
    source, out = tmp_path / "resnet18.pth", tmp_path / "both.safetensors"
    torch.save(resnet(), source)
    options = ["-o", str(out), "--onto", str(tmp_path / "start.safetensors")]
    command = ["models", "import", str(source), "--as", "resnet-18", *options]
    assert run([*command, "--licence", "BSD-3-Clause"]) == 0
    model, card = weights.load(out)
    theirs, ours = resnet(), model.spatial.state_dict()
    assert all(torch.equal(ours[name], theirs[resnet_name(name)]) for name in ours)
    assert card.licence == "vssd-tiny: not told; resnet-18: BSD-3-Clause"
    assert card.notes.startswith(first.notes)
    assert "starts anew: nothing" in card.notes


def test_a_recipe_starts_from_it(tmp_path):
    state, _ = imported(tmp_path)
    recipe = flat_recipe(
        name="a", model="ammsm", data="flow-onset", size=32, epochs=1, options=TINY,
        weights=str(tmp_path / "start.safetensors"),
    )  # fmt: skip
    begun = AmmsmTask.start(recipe, LABELS).state_dict()
    assert all(torch.equal(begun[name], tensor) for name, tensor in state.items())


def test_what_is_no_such_checkpoint_is_refused(tmp_path):
    with pytest.raises(WeightsError, match="not VSSD of this size: patch_embed"):
        imported(tmp_path, tensors=vssd(dim=16))
    lacks = {k: v for k, v in resnet().items() if not k.startswith("layer4")}
    with pytest.raises(WeightsError, match=r"not ResNet-18 of this size: .*is missing"):
        imported(tmp_path, "resnet-18", lacks)
    with pytest.raises(WeightsError, match="expected the classes of the new head"):
        imported(tmp_path, labels=())
    with pytest.raises(WeightsError, match="sees the onset frame"):
        imported(tmp_path, "resnet-18", resnet(), spatial=False)


def test_options_of_a_run_beside_the_weights_are_a_plain_table(tmp_path, monkeypatch):
    module = types.ModuleType("yacs.config")
    node = type("CfgNode", (dict,), {"__module__": "yacs.config"})
    module.CfgNode = node
    for name in ("yacs", "yacs.config"):
        monkeypatch.setitem(sys.modules, name, module)
    options = node(LR=0.1, DATA=node(SIZE=224))
    options.__dict__["immutable"] = True
    torch.save({"model": {"a": torch.ones(2)}, "config": options}, tmp_path / "a.pth")
    monkeypatch.delitem(sys.modules, "yacs.config")
    found = read_state(tmp_path / "a.pth", prefixes=(), allowed=[RUN_OPTIONS])
    assert torch.equal(found["a"], torch.ones(2))
    with pytest.raises(WeightsError, match="cannot be read as tensors"):
        read_state(tmp_path / "a.pth", prefixes=())


@pytest.mark.filterwarnings("ignore:.*nested")
@pytest.mark.parametrize("kind", ["videomamba", "me-tst-plus"])
def test_published_files_hold_plain_tensors(kind, tmp_path):
    """Tensors without values, of several lengths, or of a type that torch cannot look into."""
    order = Order(
        source=tmp_path / "x.pth", out=tmp_path / "out.safetensors",
        labels=("a", "b") if kind == "videomamba" else (),
    )  # fmt: skip
    for odd in (
        torch.empty(3, device="meta"),
        torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]),
        torch.zeros(3).to(torch.float8_e4m3fn),
    ):
        torch.save({"a": odd}, order.source)
        with pytest.raises(WeightsError):
            IMPORTERS[kind].run(order)


def test_short_floats_are_looked_into():
    with pytest.raises(WeightsError, match="a holds NaN"):
        check_values({"a": torch.tensor([1.0, float("nan")]).to(torch.float8_e4m3fn)})
    check_values({"a": torch.ones(2).to(torch.float8_e5m2)})
