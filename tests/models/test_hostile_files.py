"""Tampered weights, recipes and reports: taken, or refused in words; never anything else.

``benchmarks/hostile.py`` does the same with thousands, and measures time and memory.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import struct
import zipfile
from pathlib import Path

import hostile_files
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from made_recipes import flat_recipe

from mescope.cli import run
from mescope.errors import MescopeError, RecipeError, WeightsError
from mescope.io.names import check_name
from mescope.models import MODELS, create_model
from mescope.models.importers import IMPORTERS, Order
from mescope.models.sizes import bounded
from mescope.models.weights import load, read_card
from mescope.ranges import Within, declared
from mescope.samples.kinds import SAMPLES
from mescope.training.recipe import parse_recipe, read_recipe
from mescope.training.recipe_text import read_text
from mescope.training.recognizers import load_recognizer
from mescope.training.tables import Recipe
from mescope.training.tasks import TASKS

pytestmark = pytest.mark.usefixtures("one_thread")
few = settings(
    max_examples=int(os.environ.get("MESCOPE_HOSTILE", "60")), deadline=None, database=None,
    phases=[Phase.generate], suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    torch.manual_seed(0)
    return hostile_files.make_weights(tmp_path_factory.mktemp("sound"))


@pytest.fixture
def forged(sources, tmp_path):
    """Return a function that writes a card with other entries and a checksum that is right."""

    def write(name, entries=(), **config):
        header, payload = hostile_files.split(sources[name])
        card = json.loads(header["__metadata__"]["mescope"])
        card |= dict(entries)
        if config:
            card["config"] |= config
        header["__metadata__"]["mescope"] = json.dumps(card)
        path = tmp_path / "forged.safetensors"
        hostile_files.write_header(path, header, payload)
        hostile_files.resign(path)
        return path

    return write


def read_weights(path):
    return load(path) if read_card(path).window else load_recognizer(path)


def test_sound_ones_are_taken(sources):
    for path in sources.values():
        read_weights(path)


def test_tampered_cards(sources, tmp_path):
    path = tmp_path / "tampered.safetensors"

    @few
    @given(hostile_files.tampered_cards(sources))
    def answered(made):
        header, payload, _ = made
        hostile_files.write_header(path, header, payload)
        hostile_files.resign(path)
        refused_in_words(read_weights, path)

    answered()


def test_tampered_headers(sources, tmp_path):
    path = tmp_path / "tampered.safetensors"

    @few
    @given(hostile_files.tampered_headers(sources))
    def answered(data):
        path.write_bytes(data)
        refused_in_words(read_weights, path)

    answered()


def test_tampered_recipes(tmp_path):
    path = tmp_path / "tampered.toml"

    @few
    @given(hostile_files.tampered_recipes())
    def answered(data):
        path.write_bytes(data)
        refused_in_words(read_recipe, path)

    answered()


def refused_in_words(read, path):
    said = ""
    try:
        read(path)
    except MescopeError as error:
        said = str(error).replace(str(path), "")
    assert "\n" not in said
    assert len(said) < 2000


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("merba-s28", {"conv_blocks": 10**9}),
        ("merba-s28", {"local": [128] * 8, "attention": [128] * 8, "heads": [1] * 8}),
        ("htnet-small", {"repeats": [128, 128, 128]}),
        ("ammsm-s28", {"depths": [128, 128, 128, 128]}),
        ("videomamba-xs", {"depth": 128, "dim": 2048}),
        ("mambavision-s28", {"dim": 4096}),
        ("off-apexnet", {"width": 4096, "filters": [1024, 1024]}),
        ("flow-cnn", {"filters": [10**9, 2]}),
        ("me-tst", {"dim": 1024, "states": 256, "depth": 64}),
    ],
)
def test_networks_are_bounded_while_they_are_built(forged, name, config, monkeypatch):
    """Their numbers are out of range, or multiply to more than the file can hold."""
    built = []
    plain = torch.nn.Module.register_parameter

    def counting(self, key, parameter):
        built.append(parameter)
        return plain(self, key, parameter)

    monkeypatch.setattr(torch.nn.Module, "register_parameter", counting)
    path = forged(name, **config)
    built.clear()
    with pytest.raises(WeightsError):
        load(path)
    assert len(built) < 10_000
    assert all(p is None or p.device.type == "meta" for p in built)


@pytest.mark.parametrize(
    "entries",
    [
        {"window": 10**9}, {"window": -5}, {"rate": float("nan")}, {"rate": 1e-300},
        {"rate": float("inf")}, {"mode": "x"}, {"window": 0}, {"labels": []},
        {"labels": ["a"] * 5}, {"scores": {"f1": float("nan")}}, {"scores": {"f1": "high"}},
        {"recipe": "x" * 10**6}, {"shares": ["default"]}, {"without": 3},
        {"notes": None}, {"config": [1]}, {"regions": [["R"]]}, {"simulated": "no"},
    ],
    ids=repr,
)  # fmt: skip
def test_entries_have_types_and_ranges(forged, entries):
    with pytest.raises(WeightsError, match=re.escape("forged.safetensors: ")):
        load(forged("me-tst-plus-small", entries))


@pytest.mark.parametrize(
    "proposals",
    [{"half_length": 10**9}, {"share": "x"}, {"smooth": -1}, {"floor": float("nan")},
     {"longest_s": [1]}, {"mode": {}}, {"strategy": 1.5}, {"x": 1}],
    ids=repr,
)  # fmt: skip
def test_rules_on_cards_have_types_and_ranges(forged, proposals):
    from mescope import load as analyzer_of

    with pytest.raises(WeightsError, match=r"does not fit|finite"):
        analyzer_of(forged("me-tst-plus-small", {"proposals": proposals})).rule()


@pytest.mark.parametrize(
    "inputs",
    [{"size": -1}, {"size": 10**9}, {"channels": "3"}, {"slope": [1, "x", 1]}, {"shift": []},
     {"data": "../x"}, {"data": ["flow28"]}, {"slope": 3}, {"frames": 10**12}],
    ids=repr,
)  # fmt: skip
def test_preparations_on_cards_have_types_and_ranges(forged, inputs):
    sound = {"data": "flow28", "size": 28, "channels": 3, "slope": [1.0] * 3,
             "shift": [0.0] * 3}  # fmt: skip
    load_recognizer(forged("ststnet", {"inputs": sound}))
    with pytest.raises(WeightsError):
        load_recognizer(forged("ststnet", {"inputs": sound | inputs}))


def test_a_task_that_names_no_clips_is_refused(forged):
    with pytest.raises(WeightsError, match="task that names clips"):
        load_recognizer(forged("ststnet", {"task": "spotting-simulated"}))


def test_every_number_of_every_config_has_a_range():
    """A model that is added with a bare int or float fails here."""
    for name in MODELS:
        with torch.device("meta"):
            config = create_model(name).config
        hints = declared(type(config))
        assert hints, name
        for field in dataclasses.fields(config):
            assert bounded_hint(hints[field.name]), f"{name}: {field.name}"


def test_every_number_of_every_table_of_a_recipe_has_a_range():
    tables = {Recipe, *SAMPLES.values()}
    for task in TASKS.values():
        tables |= {task.optim_table, task.augment_table, task.task_table}
    for table in tables:
        hints = declared(table)
        assert hints or not dataclasses.fields(table), table
        for field in dataclasses.fields(table):
            assert bounded_hint(hints[field.name]), f"{table.__name__}: {field.name}"


def bounded_hint(hint):
    """Say whether every number in a type has a range; texts may be of any length here."""
    from typing import Annotated, get_args, get_origin

    if hint in (int, float):
        return False
    if get_origin(hint) is Annotated:
        inner, *notes = get_args(hint)
        ranged = any(isinstance(note, Within) for note in notes)
        return ranged if inner in (int, float) else ranged and bounded_hint(inner)
    return all(bounded_hint(inner) for inner in get_args(hint) if inner is not Ellipsis)


def test_a_whole_number_is_a_number(sources):
    """0 for 0.0 in JSON made tensors of whole numbers, which nothing can learn."""
    from mescope.models.merba import MerbaConfig

    assert isinstance(MerbaConfig(layer_scale=0).layer_scale, float)
    assert isinstance(MerbaConfig(drop=0).drop, float)
    create_model("merba-s28", layer_scale=1)


def test_what_is_built_elsewhere_is_not_counted():
    """Another thread may build a network while one is bounded."""
    import threading

    with bounded(parameters=10):
        other = threading.Thread(target=torch.nn.Linear, args=(50, 50))
        other.start()
        other.join()
        with pytest.raises(WeightsError, match="at most 10 weights"):
            torch.nn.Linear(50, 50)
    torch.nn.Linear(50, 50)


NAMES = [
    "../../evil", "/etc/evil", "..", ".", ".hidden", "a/b", "a\\b", "a\0b", "a\nb", "", " x",
    "x ", "x.", "con", "NUL", "com1.toml", "x" * 101, "é" * 51, "a\u202eb", "-rf", "a:b", "a*",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_names_stay_in_their_folder(name, tmp_path, monkeypatch, capsys):
    with pytest.raises(ValueError, match="a name must"):
        check_name(name)
    with pytest.raises(RecipeError, match="a name must"):
        flat_recipe(name=name, model="flow-cnn", data="synthetic-maps", maps=20, epochs=1)
    inner = tmp_path / "inner"
    inner.mkdir()
    monkeypatch.chdir(inner)
    text = f'name = {json.dumps(name)}\nmodel.name = "flow-cnn"\noptim.epochs = 1\n'
    Path("r.toml").write_text(text + '[data]\nkind = "synthetic-maps"\nmaps = 20\n')
    assert run(["train", "r.toml", "-o", "run"]) == 1
    assert "Traceback" not in capsys.readouterr().err
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["inner", "r.toml"]


@pytest.mark.parametrize("name", ["3db-flow-cnn", "a b", "größe", "v1.2", "名字", "x" * 100])
def test_names_of_every_day_are_fine(name):
    check_name(name)


GOOD = 'name = "x"\nmodel.name = "flow-cnn"\n[data]\nkind = "synthetic-maps"\nmaps = 20\n'


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("maps = 20", "maps = 1e12", "data.maps must be a whole number"),
        ("maps = 20", "maps = 1000000000000", r"data.maps must be .* in 1\.\.1000000"),
        ("[data]", "optim.learning_rate = inf\n[data]", "finite"),
        ("[data]", "optim.learning_rate = 1e9\n[data]", "learning_rate must be a number in"),
        ("[data]", "optim.weight_decay = nan\n[data]", "finite"),
        ("flow-cnn", "flow-cnm", "did you mean 'flow-cnn'"),
        ("[data]", "model.options.dimm = 3\n[data]", "unknown model option 'dimm'"),
        ("[data]", 'model.options.filters = ["a", 1]\n[data]', "filters must be a list"),
        ("[data]", "model.options.filters = [1000, 100000]\n[data]", "filters must be a list"),
        ("[data]", "model.options.size = 56\n[data]", "size 56, .data. size is 28"),
        ("[data]", "model.options.channels = 2\n[data]", "channels 2, .data. channels is 3"),
        ("[data]", 'labels = "9-class"\n[data]', "no label set '9-class'"),
        ("[data]", 'model.weights = "nothing"\n[data]', "no weights 'nothing'"),
        ("[data]", 'model.weights = "no.safetensors"\n[data]', "expected a weights file"),
        ("[data]", "seed = -1\n[data]", "seed must be a whole number"),
        ("[data]", "seeds = 1000000\n[data]", "seeds must be a whole number"),
        ("[data]", "notes = 1979-05-27T07:32:00Z\n[data]", "notes must be a text"),
    ],
)
def test_a_recipe_is_checked_whole_before_anything_is_drawn(
    old, new, says, tmp_path, monkeypatch, capsys
):
    from mescope.samples.clip_kinds import SimulatedMaps

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(SimulatedMaps, "drawn", lambda *_: pytest.fail("drawn"))
    Path("r.toml").write_text(GOOD.replace(old, new))
    assert run(["train", "r.toml", "-o", "run"]) == 1
    assert re.search(says, capsys.readouterr().err)
    assert not Path("run").exists()


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 50_000, "a." * 30_000 + "a = 1", "a = 1" + "0" * 5000,
        "a = 0x" + "f" * 5000, "[" + "a." * 30_000 + "a]", "a = " + "{b = " * 5000, "\0",
        "x" * 300_000, 'a = "' + "\\" * 150_000, "a = [" + "1," * 60_000 + "]",
        "\n".join(f"a{i} = 1" for i in range(15_000)), '"""' * 30_001,
        "name = 0x" + "f" * 300, "[model.options]\nx = [[[[[[[[[[[[[1]]]]]]]]]]]]]",
    ],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_recipes_have_a_size_a_depth_and_numbers_of_a_length(text):
    with pytest.raises(RecipeError) as caught:
        parse_recipe(text)
    assert len(str(caught.value)) < 1000


def test_dots_and_brackets_in_texts_are_no_depth():
    notes = "[[[[[[[[[[[[[[[[ a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p {{{{{{{{{{{{{{{{"
    for text in (f'notes = "{notes}"\n', f"notes = '''\n{notes}'''\n", f"# {notes}\n"):
        assert parse_recipe(text + GOOD).name == "x"


@pytest.mark.skipif(os.name == "nt", reason="POSIX files")
def test_pipes_devices_and_folders_are_no_recipes(tmp_path):
    os.mkfifo(tmp_path / "pipe.toml")
    for path in (tmp_path / "pipe.toml", tmp_path, Path("/dev/zero"), Path("/dev/null")):
        with pytest.raises(RecipeError, match=r"cannot read the recipe|a recipe's file"):
            read_recipe(path)
        with pytest.raises(RecipeError, match="expected a file, found a"):
            read_text(path)
    for name in ("a\0b.toml", "a\0b"):
        with pytest.raises(RecipeError):
            read_recipe(name)
    os.mkfifo(tmp_path / "pipe.safetensors")
    with pytest.raises(WeightsError, match="expected a weights file"):
        load(tmp_path / "pipe.safetensors")


@pytest.mark.parametrize("kind", ["videomamba", "me-tst-plus"])
def test_published_files_cannot_claim_more_than_they_hold(kind, tmp_path):
    """An expanded tensor, and an archive that unpacks to a thousand times its size."""
    order = Order(
        source=tmp_path / "x.pth", out=tmp_path / "out.safetensors",
        labels=("a", "b") if kind == "videomamba" else (),
    )  # fmt: skip
    torch.save({"a": torch.zeros(1).expand(10**6, 10**6)}, order.source)
    with pytest.raises(WeightsError, match="claims more than the file holds"):
        IMPORTERS[kind].run(order)
    torch.save({"a": torch.zeros(10**6)}, tmp_path / "plain.pth")
    with (
        zipfile.ZipFile(tmp_path / "plain.pth") as stored,
        zipfile.ZipFile(order.source, "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in stored.namelist():
            packed.writestr(name, stored.read(name))
    with pytest.raises(WeightsError, match="packed archive"):
        IMPORTERS[kind].run(order)
    assert not order.out.exists()


def test_a_header_that_names_a_tensor_twice_is_one_tensor(sources, tmp_path):
    header, payload = hostile_files.split(sources["ststnet"])
    name = next(key for key in header if key != "__metadata__")
    again = json.dumps({name: header[name]}).encode()
    text = json.dumps(header).encode()[:-1] + b", " + again[1:]
    path = tmp_path / "twice.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + payload)
    refused_in_words(load_recognizer, path)
