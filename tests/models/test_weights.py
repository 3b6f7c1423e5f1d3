"""Weights files: what is written comes back, and anything else is refused in one line."""

from __future__ import annotations

import json
import pickle
import struct
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from mescope.errors import WeightsError
from mescope.models import create_model, weights
from mescope.models.headers import HEADER_MAX
from mescope.models.weights import Card, list_weights, load, read_card, save

OPTIONS = {"dim": 16, "blocks": 1, "layers": 1, "states": 4}


@pytest.fixture
def model():
    torch.manual_seed(0)
    return create_model("me-tst-plus-small", **OPTIONS)


@pytest.fixture
def card(model):
    return Card(
        model="me-tst-plus-small",
        config=asdict(model.config),
        regions=tuple(f"R{i}" for i in range(18)),
        window=50,
        rate=30.0,
        scores={"planted F1": 0.5},
        proposals={"floor": 0.3},
        simulated=True,
        notes="für Tests",
    )


@pytest.fixture
def path(tmp_path, model, card):
    save(tmp_path / "small.safetensors", model, card)
    return tmp_path / "small.safetensors"


def split(path):
    """Header as a dictionary, and the bytes behind it."""
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def write(path, header, payload):
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + payload)


def edit_card(path, **changes):
    header, payload = split(path)
    fields = json.loads(header["__metadata__"]["mescope"])
    header["__metadata__"]["mescope"] = json.dumps(fields | changes)
    write(path, header, payload)


def one_line(error):
    return "\n" not in str(error.value)


def test_card_comes_back(path, card):
    _, found = load(path)
    assert replace(found, sha256="") == card
    assert len(found.sha256) == 64
    assert read_card(path) == found


def test_loaded_model_is_in_eval_mode_and_trainable(path):
    module, _ = load(str(path))
    assert not module.training
    assert all(p.requires_grad and p.device.type == "cpu" for p in module.parameters())


def test_saving_twice_gives_the_same_bytes(path, model, card):
    first = path.read_bytes()
    save(path, model, card)
    assert path.read_bytes() == first
    assert [p.name for p in path.parent.iterdir()] == [path.name]  # no temporary left


class Canary:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("name", ["w.pt", "w.pth", "w.pkl", "w.bin", "w.safetensors"])
@pytest.mark.parametrize("writer", ["pickle", "torch"])
def test_pickles_are_not_opened(tmp_path, name, writer):
    canary = tmp_path / "canary"
    file = tmp_path / name
    if writer == "pickle":
        file.write_bytes(pickle.dumps(Canary(canary), protocol=4))
    else:
        torch.save({"a": Canary(canary)}, file)
    with pytest.raises(WeightsError, match="convert") as error:
        load(file)
    assert one_line(error)
    assert not canary.exists()


@pytest.mark.parametrize("keep", [0, 5, 8, 200, -1])
def test_truncated(path, keep):
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(WeightsError, match=r"truncated|only \d bytes") as error:
        load(path)
    assert one_line(error)


@pytest.mark.parametrize("length", [HEADER_MAX + 1, 2**40, 2**64 - 1, 0])
def test_header_length_is_not_believed(path, length):
    """Memory stays bounded because the length is checked first."""
    path.write_bytes(struct.pack("<Q", length) + path.read_bytes()[8:])
    with pytest.raises(WeightsError, match=r"its header claims"):
        load(path)


def _shift(header, name, by):
    header[name]["data_offsets"] = [offset + by for offset in header[name]["data_offsets"]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda h: _shift(h, "emotion_head.weight", -4),
            "invalid offset for tensor `emotion_head.weight`",
        ),
        (lambda h: _shift(h, "spotting_head.weight", 4), "damaged header"),
        (lambda h: h["emotion_head.bias"].update(dtype="F64"), "invalid shape, data type"),
        (lambda h: h["emotion_head.bias"].update(dtype=[1]), "damaged header"),
        (lambda h: h["emotion_head.bias"].update(shape=[6]), "invalid shape"),
        (lambda h: h["emotion_head.bias"].update(shape=[2**62, 8]), "overflow"),
        (lambda h: h["emotion_head.bias"].update(shape=[-5]), "damaged header"),
        (lambda h: h["emotion_head.bias"].update(data_offsets=[0]), "invalid length 1"),
        (lambda h: h.update({"emotion_head.bias": 3}), "damaged header"),
        (lambda h: h.update({"__metadata__": 3}), "damaged header"),
        (lambda h: h.pop("__metadata__"), "without a mescope card"),
    ],
)
def test_damaged_headers(path, change, message):
    """Overlapping offsets, wrong types, sizes that do not fit."""
    header, payload = split(path)
    change(header)
    write(path, header, payload)
    with pytest.raises(WeightsError, match=message) as error:
        load(path)
    assert one_line(error)


@pytest.mark.parametrize("text", [b"[1, 2]", b'{"a": 1, "a": 1}', b"\xff\xfe{}", b"[" * 99999])
def test_header_that_is_not_a_json_object(tmp_path, text):
    path = tmp_path / "w.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"0000")
    with pytest.raises(WeightsError, match="header"):
        load(path)


def test_hidden_bytes_behind_the_tensors(path):
    path.write_bytes(path.read_bytes() + b"hidden")
    with pytest.raises(WeightsError, match="damaged"):
        load(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"labels": ["negative", "positive", "surprise", "neutral", "others"]},
            "labels differ",
        ),
        ({"regions": ["R0"]}, "contradicts itself"),
        ({"model": "me-tst"}, "unknown model option 'blocks'"),
    ],
)
def test_of_another_kind(path, changes, message):
    edit_card(path, **changes)
    _resign(path)
    with pytest.raises(WeightsError, match=message):
        load(path)


def test_other_shapes_come_with_a_diff(path):
    fields = json.loads(split(path)[0]["__metadata__"]["mescope"])
    edit_card(path, config=fields["config"] | {"states": 5})
    _resign(path)
    with pytest.raises(WeightsError, match=r"expected float32 32x5, found float32 32x4"):
        load(path)


def _resign(path):
    """Give a changed card a valid checksum, so that the check behind it is reached."""
    card = read_card(path)
    tensors = weights.parse_tensors(path.read_bytes())
    edit_card(path, sha256=weights._checksum(tensors, replace(card, sha256="")))


def test_tampered_tensors(path):
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(WeightsError, match="checksum"):
        load(path)


@pytest.mark.parametrize("change", [{"simulated": False}, {"scores": {"planted F1": 0.99}}])
def test_tampered_card(path, change):
    """A better score cannot be written into a card by hand."""
    edit_card(path, **change)
    with pytest.raises(WeightsError, match="checksum"):
        load(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite(path, model, card, value):
    """Refused when read, and not even written."""
    header, payload = split(path)
    first = header["emotion_head.bias"]["data_offsets"][0]
    payload = payload[:first] + np.float32(value).tobytes() + payload[first + 4 :]
    write(path, header, payload)
    _resign(path)
    with pytest.raises(WeightsError, match=r"emotion_head.bias holds NaN or infinite"):
        load(path)
    with torch.no_grad():
        model.emotion_head.bias[0] = value
    with pytest.raises(WeightsError, match="NaN or infinite"):
        save(path.with_name("other.safetensors"), model, card)
    assert not path.with_name("other.safetensors").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"config": {"dim": 16, "_target_": "os.system"}}, "unknown model option '_target_'"),
        ({"config": {"dim": 10**12}}, "dim must be"),
        ({"config": {"dim": "16"}}, "dim must be"),
        ({"model": "os.system"}, "there is no model 'os.system'"),
        ({"model": "../../me-tst"}, "there is no model"),
        ({"surprise": 1}, "unknown card entries surprise"),
        ({"window": True}, "window must be a whole number"),
        ({"rate": "30"}, "rate must be a number"),
        ({"labels": [1, 2]}, "labels must be a list, each of it a text"),
    ],
)
def test_hostile_cards(path, changes, message):
    """Unknown keys, class paths, traversal, absurd sizes."""
    edit_card(path, **changes)
    if {"config", "model"} & set(changes):
        _resign(path)
    with pytest.raises(WeightsError, match=message) as error:
        load(path)
    assert one_line(error)
    assert path.name in str(error.value)


def test_card_that_lacks_an_entry(path):
    header, payload = split(path)
    fields = json.loads(header["__metadata__"]["mescope"])
    del fields["regions"]
    header["__metadata__"]["mescope"] = json.dumps(fields)
    write(path, header, payload)
    with pytest.raises(WeightsError, match="lacks regions"):
        load(path)


def test_unknown_name_says_what_to_do(monkeypatch, path):
    """Nothing is downloaded, so there is nothing to wait for."""
    monkeypatch.setattr(weights, "list_weights", lambda: {"me-tst-plus-small": path})
    with pytest.raises(WeightsError, match=r"mescope models.*did you mean 'me-tst-plus-small'"):
        load("me-tst-plus-smal")
    assert load("me-tst-plus-small")[1].window == 50


@pytest.mark.parametrize("name", ["missing.safetensors", "../nowhere/x", "."])
def test_missing_file(name):
    with pytest.raises(WeightsError, match="expected a weights file"):
        load(name)


def test_save_refuses_a_card_that_does_not_fit(tmp_path, model, card):
    wrong = replace(card, config=card.config | {"dim": 32})
    with pytest.raises(WeightsError, match="expected float32"):
        save(tmp_path / "w.safetensors", model, wrong)
    with pytest.raises(WeightsError, match=r"written as .safetensors"):
        save(tmp_path / "w.pt", model, card)
    assert list(tmp_path.iterdir()) == []


def test_shipped_weights_load():
    for name, file in list_weights().items():
        module, card = load(name)
        assert file.suffix == ".safetensors"
        assert card.licence
        assert sum(p.numel() for p in module.parameters()) > 0


def test_later_entries_are_written_only_where_they_say_something(path, model, card):
    """Files of version 0.1.0 know no head and no look: they stay as they are, byte for byte."""
    written = json.loads(split(path)[0]["__metadata__"]["mescope"])
    assert not {"head", "look", "inputs"} & set(written)
    _, found = load(path)
    assert (found.head, found.look) == ("nose", "windows")
    save(path, model, replace(card, head="face"))
    assert json.loads(split(path)[0]["__metadata__"]["mescope"])["head"] == "face"
    assert load(path)[1].head == "face"


def test_the_first_weights_keep_their_extraction():
    card = read_card(list_weights()["me-tst-plus-small"])
    assert (card.head, card.look, card.window) == ("nose", "windows", 50)


@pytest.mark.parametrize("entry", ["head", "look"])
def test_a_head_or_look_that_nobody_knows_is_refused(path, entry):
    edit_card(path, **{entry: "ear"})
    with pytest.raises(
        WeightsError, match=f"card entry {entry} must be one of .*, .*, got 'ear'"
    ):
        load(path)


def test_a_changed_look_breaks_the_checksum(path):
    edit_card(path, head="face")
    with pytest.raises(WeightsError, match="checksum"):
        load(path)


def test_candidates_are_shown_more_than_flow(tmp_path, card):
    """36 channels of flow and the rest; and flow alone only to windows."""
    wide = create_model("me-tst-plus-small", **OPTIONS, channels=61)
    fits = replace(card, config=asdict(wide.config), look="candidates", window=48)
    save(tmp_path / "w.safetensors", wide, fits)
    assert load(tmp_path / "w.safetensors")[1].look == "candidates"
    with pytest.raises(WeightsError, match=r"contradicts itself: 18 regions .* 61 channels"):
        save(tmp_path / "x.safetensors", wide, replace(fits, look="windows"))
    flow = create_model("me-tst-plus-small", **OPTIONS)
    narrow = replace(card, look="candidates")
    with pytest.raises(WeightsError, match="contradicts itself"):
        save(tmp_path / "x.safetensors", flow, narrow)
