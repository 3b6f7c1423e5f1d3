"""Published VideoMamba checkpoints, made up from the names and shapes of the specification."""

from __future__ import annotations

import argparse
import json
import math

import pytest
import torch
from torch.nn import functional as F

from mescope.cli import run
from mescope.errors import WeightsError
from mescope.models import create_model, weights
from mescope.models.videomamba_import import (
    from_published,
    import_checkpoint,
    published_shapes,
    read_published,
    start_from,
    to_published,
)

SIZES = {"classes": 3, "frames": 4, "side": 16, "patch": 8, "dim": 32, "depth": 2, "states": 4}


def model(**change):
    torch.manual_seed(9)
    return create_model("videomamba-ti", **(SIZES | {"drop_path": 0.0} | change)).eval()


def shapes(d=32, depth=2, n=4, classes=3, t=4, patches=4, kernel=(1, 8, 8)):
    """Names and shapes as published, spelled out (spec 5.2 to 5.4)."""
    e, r = 2 * d, math.ceil(d / 16)
    found = {
        "cls_token": (1, 1, d),
        "pos_embed": (1, patches + 1, d),
        "temporal_pos_embedding": (1, t, d),
        "patch_embed.proj.weight": (d, 3, *kernel),
        "patch_embed.proj.bias": (d,),
        "norm_f.weight": (d,),
        "head.weight": (classes, d),
        "head.bias": (classes,),
    }
    for i in range(depth):
        found[f"layers.{i}.norm.weight"] = (d,)
        mixer = f"layers.{i}.mixer."
        found[mixer + "in_proj.weight"] = (2 * e, d)
        found[mixer + "out_proj.weight"] = (d, e)
        for way in ("", "_b"):
            found[f"{mixer}conv1d{way}.weight"] = (e, 1, 4)
            found[f"{mixer}conv1d{way}.bias"] = (e,)
            found[f"{mixer}x_proj{way}.weight"] = (r + 2 * n, e)
            found[f"{mixer}dt_proj{way}.weight"] = (e, r)
            found[f"{mixer}dt_proj{way}.bias"] = (e,)
            found[mixer + ("A_b_log" if way else "A_log")] = (e, n)
            found[f"{mixer}D{way}"] = (e,)
    return found


def published(**change):
    generator = torch.Generator().manual_seed(2)
    return {
        name: 0.3 * torch.randn(shape, generator=generator)
        for name, shape in shapes(**change).items()
    }


def plain(w, clips, depth=2, n=4):
    """The network of spec 5.2 to 5.4 on weights of published names, one step after another."""
    x = F.conv3d(clips, w["patch_embed.proj.weight"], w["patch_embed.proj.bias"], (1, 8, 8))
    b, d = x.shape[:2]
    x = x.flatten(3).permute(0, 2, 3, 1) + w["pos_embed"][:, None, 1:]
    x = (x + w["temporal_pos_embedding"][:, :, None]).reshape(b, -1, d)
    x = torch.cat([(w["cls_token"] + w["pos_embed"][:, :1]).expand(b, -1, -1), x], 1)

    def norm(v, weight):
        return v * weight / torch.sqrt(v.pow(2).mean(-1, keepdim=True) + 1e-5)

    for i in range(depth):
        p = {k.removeprefix(f"layers.{i}."): v for k, v in w.items() if f"layers.{i}." in k}
        x = x + plain_mixer({k.removeprefix("mixer."): v for k, v in p.items()}, norm(
            x, p["norm.weight"]), n)  # fmt: skip
    return norm(x[:, 0], w["norm_f.weight"]) @ w["head.weight"].t() + w["head.bias"]


def plain_mixer(w, tokens, n):
    x, z = (tokens @ w["in_proj.weight"].t()).chunk(2, -1)
    total = 0
    for way in ("", "_b"):
        u, gate = (x.flip(1), z.flip(1)) if way else (x, z)
        kernel, length = w[f"conv1d{way}.weight"], u.shape[1]
        u = F.conv1d(u.transpose(1, 2), kernel, w[f"conv1d{way}.bias"], padding=3,
                     groups=len(kernel))[:, :, :length].transpose(1, 2)  # fmt: skip
        u = F.silu(u)
        r = w[f"dt_proj{way}.weight"].shape[1]
        dt, B, C = (u @ w[f"x_proj{way}.weight"].t()).split([r, n, n], -1)
        dt = F.softplus(dt @ w[f"dt_proj{way}.weight"].t() + w[f"dt_proj{way}.bias"])
        A = -torch.exp(w["A_b_log" if way else "A_log"])
        h, out = 0, []
        for k in range(length):
            h = torch.exp(dt[:, k, :, None] * A) * h + (
                dt[:, k, :, None] * u[:, k, :, None] * B[:, k, None]
            )
            out.append((h * C[:, k, None]).sum(-1) + w[f"D{way}"] * u[:, k])
        y = torch.stack(out, 1) * F.silu(gate)
        total = total + (y.flip(1) if way else y)
    return total @ w["out_proj.weight"].t()


def test_names_and_shapes_are_the_published_ones():
    assert published_shapes(model().config) == shapes()
    full = published_shapes(create_model("videomamba-ti", classes=400).config)
    assert full == shapes(192, 24, 16, 400, 8, 196, (1, 16, 16))
    assert sum(map(math.prod, full.values())) == 6_957_316 + 396 * 193


def test_imported_weights_give_the_published_network():
    ours, theirs = model(), published()
    found = from_published(theirs, ours.config)
    assert (found.fresh, found.fitted) == ((), ())
    ours.load_state_dict(found.state)
    clips = torch.randn(2, 3, 4, 16, 16, dtype=torch.float64)
    wide = {name: tensor.double() for name, tensor in theirs.items()}
    with torch.no_grad():
        logits = ours.double()(clips).emotion
        torch.testing.assert_close(logits, plain(wide, clips), rtol=0, atol=1e-10)


def test_there_and_back():
    theirs, config = published(), model().config
    back = to_published(from_published(theirs, config).state, config)
    assert set(back) == set(theirs)
    assert all(torch.equal(back[name], theirs[name]) for name in theirs)


def test_another_number_of_classes_drops_the_head():
    ours, theirs = model(), published(classes=400)
    found = from_published(theirs, ours.config)
    assert found.fresh == ("head.weight", "head.bias")
    assert not {"head.weight", "head.bias"} & set(found.state)
    del theirs["head.weight"], theirs["head.bias"]
    assert from_published(theirs, ours.config).fresh == found.fresh


@pytest.mark.parametrize("tubelet", [1, 2, 3])
def test_weights_of_pictures_are_inflated(tubelet, tmp_path):
    theirs = published(classes=1000, kernel=(8, 8))
    del theirs["temporal_pos_embedding"]
    theirs["distill_head.0.weight"] = torch.ones(32)  # -M for pictures has one
    ours = model(frames=6, tubelet=tubelet)
    head = ours.head.weight.detach().clone()
    torch.save(theirs, tmp_path / "pictures.pth")
    found = start_from(ours, tmp_path / "pictures.pth")
    assert found.fresh == ("head.weight", "head.bias", "time")
    assert found.fitted == ("patches.weight",)
    middle = tubelet // 2
    flat = theirs["patch_embed.proj.weight"]
    assert torch.equal(ours.patches.weight[:, :, middle], flat)
    others = [k for k in range(tubelet) if k != middle]
    assert not ours.patches.weight[:, :, others].any()
    assert torch.equal(ours.head.weight, head)  # as it was
    assert not ours.time.any()
    assert torch.equal(ours.space, theirs["pos_embed"])


def test_positions_are_interpolated_to_other_frames_and_sides():
    theirs = published(t=8, patches=16)
    found = from_published(theirs, model(frames=16, side=64).config)
    assert found.fitted == ("time", "space")
    time = theirs["temporal_pos_embedding"].transpose(1, 2)
    wanted = F.interpolate(time, size=16, mode="linear").transpose(1, 2)
    torch.testing.assert_close(found.state["time"], wanted)
    assert found.state["space"].shape == (1, 65, 32)
    assert torch.equal(found.state["space"][:, 0], theirs["pos_embed"][:, 0])
    shorter = from_published(theirs, model(frames=4, side=32).config)
    torch.testing.assert_close(shorter.state["time"][:, 0], time[:, :, :2].mean(2))
    assert shorter.fitted == ("time",)


def test_half_precision_becomes_single():
    theirs = {name: tensor.half() for name, tensor in published(t=8).items()}
    state = from_published(theirs, model().config).state
    assert {tensor.dtype for tensor in state.values()} == {torch.float32}


def change(name, tensor):
    return lambda w: w.update({name: tensor}) if tensor is not None else w.pop(name)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (change("layers.1.mixer.A_b_log", None), "layers.1.mixer.A_b_log is missing"),
        (change("temporal_pos_embedding", None), "temporal_pos_embedding is missing"),
        (change("pos_embed", None), "pos_embed is missing"),
        (change("head.bias", None), "head.bias is missing"),
        (change("layers.2.norm.weight", torch.ones(32)), "layers.2.norm.weight is unknown"),
        (change("clip_decoder.0.weight", torch.ones(2)), "clip_decoder.0.weight is unknown"),
        (
            change("layers.0.mixer.D", torch.ones(48)),
            r"layers.0.mixer.D: expected \(64,\), found \(48,\)",
        ),
        (change("head.weight", torch.ones(())), r"head.weight: expected \(3, 32\), found \(\)"),
        (change("head.weight", torch.ones(3, 16)), r"head.weight: expected \(3, 32\)"),
        (change("pos_embed", torch.ones(1, 7, 32)), "pos_embed: expected .* square grid"),
        (change("pos_embed", torch.ones(1, 5, 8)), r"pos_embed: expected \(1, 5, 32\)"),
        (change("pos_embed", torch.ones(5, 32)), r"pos_embed: expected .*found \(5, 32\)"),
        (change("temporal_pos_embedding", torch.ones(4)), "temporal_pos_embedding: expected"),
        (
            change("patch_embed.proj.weight", torch.ones(32, 3, 2, 8, 8)),
            r"patch_embed.proj.weight: expected \(32, 3, 1, 8, 8\), found \(32, 3, 2, 8, 8\)",
        ),
        (
            change("patch_embed.proj.weight", torch.ones(32, 3, 16, 16)),
            r"patch_embed.proj.weight: expected",
        ),
        (change("norm_f.weight", torch.full((32,), math.nan)), "norm_f.weight holds NaN"),
        (change("norm_f.weight", torch.ones(32).int()), "norm_f.weight: expected floating"),
    ],
)
def test_what_does_not_fit_is_named(damage, says):
    theirs = published()
    damage(theirs)
    with pytest.raises(WeightsError, match=says) as error:
        from_published(theirs, model().config)
    assert "\n" not in str(error.value)


def test_another_size_is_told_in_few_words():
    with pytest.raises(WeightsError, match=r"choose the preset") as error:
        from_published(published(d=48), model().config)
    assert "and 35 more" in str(error.value)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda w: w,
        lambda w: {"model": w, "epoch": 3, "args": argparse.Namespace(lr=0.1, name="k400")},
        lambda w: {"module": w},
        lambda w: {"state_dict": {f"module.{n}": t for n, t in w.items()}},
        lambda w: {f"module.backbone.{n}": t for n, t in w.items()},
        lambda w: {f"encoder.{n}": t for n, t in w.items()},
    ],
)
def test_files_as_training_runs_write_them(wrap, tmp_path):
    theirs = published()
    torch.save(wrap(theirs), tmp_path / "w.pth")
    found = read_published(tmp_path / "w.pth")
    assert set(found) == set(theirs)
    assert all(torch.equal(found[name], theirs[name]) for name in theirs)


class Canary:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_code_in_a_file_is_not_run(tmp_path):
    canary = tmp_path / "canary"
    torch.save({"model": published(), "x": Canary(canary)}, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match="cannot be read as tensors") as error:
        read_published(tmp_path / "w.pth")
    assert "\n" not in str(error.value)
    assert not canary.exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ([torch.ones(2)], "expected a table of tensors, found list"),
        ({}, "expected a table of tensors"),
        ({"model": {"a": 1}}, "expected tensors by name, found int under 'a'"),
        ({3: torch.ones(2)}, "found Tensor under 3"),
        ({"a": torch.ones(2), "module.a": torch.ones(2)}, "a occurs twice, once as module.a"),
    ],
)
def test_files_without_a_table_of_tensors(content, says, tmp_path):
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match=says):
        read_published(tmp_path / "w.pth")


@pytest.mark.parametrize("content", [b"", b"not weights at all", b"PK\x03\x04 broken"])
def test_files_of_another_kind(content, tmp_path):
    (tmp_path / "w.pth").write_bytes(content)
    with pytest.raises(WeightsError, match=r"w.pth: cannot be read as tensors") as error:
        read_published(tmp_path / "w.pth")
    assert "\n" not in str(error.value)


def test_no_file(tmp_path):
    with pytest.raises(WeightsError, match="found no file; nothing is downloaded"):
        read_published(tmp_path / "none.pth")


LABELS = ("negative", "positive", "surprise")


def test_a_checkpoint_becomes_weights_with_a_card(tmp_path):
    torch.save(published(classes=400), tmp_path / "kinetics.pth")
    options = {key: value for key, value in SIZES.items() if key != "classes"}
    first, found = import_checkpoint(
        tmp_path / "kinetics.pth",
        tmp_path / "a.safetensors",
        "videomamba-ti",
        LABELS,
        **options,
    )
    assert found.fresh == ("head.weight", "head.bias")
    network, card = weights.load(tmp_path / "a.safetensors")
    assert (card.labels, card.simulated, card.recipe) == (LABELS, False, "import")
    assert "kinetics.pth saw (sha256 " in card.trained_on
    assert card.notes == "starts anew: head.weight, head.bias; fitted: nothing"
    state = network.state_dict()
    assert all(torch.equal(state[key], tensor) for key, tensor in found.state.items())
    again, _ = import_checkpoint(
        tmp_path / "kinetics.pth",
        tmp_path / "b.safetensors",
        "videomamba-ti",
        LABELS,
        **options,
    )
    assert again.sha256 == first.sha256


def test_the_command_line_imports(tmp_path, capsys):
    torch.save(published(classes=400), tmp_path / "k.pth")
    out = tmp_path / "k.safetensors"
    changes = [f"--set={k}={v}" for k, v in SIZES.items() if k not in ("classes", "frames")]
    words = ["models", "import", str(tmp_path / "k.pth"), "-o", str(out)]
    words += ["--labels", ",".join(LABELS), *changes]
    assert run([*words, "--set", "frames=8"]) == 0
    assert "starts anew: head.weight, head.bias; fitted: time" in capsys.readouterr().err
    assert run(["models", "show", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["config"]["frames"] == 8
    assert run([*words, "--set", "frames=8"]) == 1
    assert "--force replaces it" in capsys.readouterr().err
    for wrong, said in (
        (["--set", "frame=8"], "did you mean 'frames'"),
        (["--set", "frames=many"], "frames must be a whole number"),
        (["--model", "htnet"], "unknown model option"),
    ):
        assert run([*words, "--force", *wrong]) == 1
        assert said in capsys.readouterr().err


def test_only_videomamba_has_such_checkpoints(tmp_path):
    torch.save(published(), tmp_path / "k.pth")
    with pytest.raises(WeightsError, match="expected a preset of VideoMamba, found 'htnet'"):
        import_checkpoint(tmp_path / "k.pth", tmp_path / "o.safetensors", "htnet", LABELS)


def test_a_checkpoint_of_colours_is_fitted_to_grey():
    tensors = {n: torch.randn(s) for n, s in shapes(kernel=(8, 8)).items()}
    del tensors["temporal_pos_embedding"]
    found = from_published(tensors, model(channels=1).config)
    theirs = tensors["patch_embed.proj.weight"].sum(1)
    torch.testing.assert_close(found.state["patches.weight"][:, 0, 0], theirs)
    assert found.fitted == ("patches.weight",)
