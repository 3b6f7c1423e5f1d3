"""Tampered cards, weights, recipes and reports for hypothesis: sound files, wrong parts."""

from __future__ import annotations

import json
import struct
import tomllib
from dataclasses import asdict, replace
from pathlib import Path

import torch
from hypothesis import strategies as st
from safetensors import SafetensorError

from mescope.errors import MescopeError
from mescope.models import create_model, weights
from mescope.models.weights import Card, read_card, save
from mescope.spotting.proposals import ProposalRule

RECIPES = Path(__file__).parents[2] / "recipes"

NUMBERS = st.sampled_from(
    [-1, -5, 0, 1, 2, 3, 7, 10**4, 10**6, 10**9, 2**31, 2**53, 2**64, -(10**12), 0.5, 1.0, -0.1,
     1e-300, 1e12, 1e308, float("nan"), float("inf"), -float("inf"), True, False]
)  # fmt: skip
TEXTS = st.sampled_from(
    ["", "x", "../../evil", "/etc/passwd", "\0", "a\nb", "con", "NUL.txt", "é" * 3, "\u202e",
     "x" * 300, "x" * 5000, ".", "..", "-rf", "os.system", "clean", "nan", "${HOME}", "{{7*7}}"]
)  # fmt: skip
LEAVES = st.one_of(NUMBERS, TEXTS, st.none(), st.integers(), st.floats(), st.text(max_size=20))
VALUES = st.one_of(
    LEAVES,
    st.lists(LEAVES, max_size=5),
    st.lists(NUMBERS, min_size=1, max_size=9),
    st.dictionaries(TEXTS, LEAVES, max_size=3),
    st.just([[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]),
    st.sampled_from([[1] * 1000, ["a"] * 100, [[0.5] * 4] * 4, {}, []]),
)


def make_weights(folder):
    """Small sound files, one for each family, by name of the preset."""
    torch.manual_seed(0)
    tiny = {"dim": 8, "states": 2}
    options = {
        "me-tst-plus-small": {**tiny, "blocks": 1, "layers": 1},
        "me-tst": {**tiny, "depth": 1, "channels": 36},
        "merba-s28": {},
        "ammsm-s28": {"dim": 8, "heads": (1, 1, 2, 2), "states": 4, "magnifier_width": 4},
        "flow-cnn": {"filters": (2, 2)},
        "ststnet": {},
        "htnet-small": {"dim": 8},
        "off-apexnet": {"filters": (2, 2), "width": 8},
        "mambavision-s28": {},
        "videomamba-xs": {"dim": 8},
        "softnet": {"streams": (1, 1, 1), "width": 4},
        "mean": {"streams": (1, 1, 1), "filters": 2},
    }
    found = {}
    for name, chosen in options.items():
        module = create_model(name, **chosen)
        found[name] = folder / f"{name}.safetensors"
        save(found[name], module, card_for(name, module))
    return found


def card_for(name, module):
    config = module.config
    names = tuple("abcdefghij"[: getattr(config, "classes", 3)])
    bare = Card(
        model=name, config=asdict(config), regions=(), window=0, rate=0.0, labels=names,
        inputs={"data": "flow28", "size": 28, "channels": 3, "slope": [1.0] * 3,
                "shift": [0.0] * 3},
    )  # fmt: skip
    if name.startswith("me-tst"):
        return replace(
            bare, regions=tuple(f"R{i}" for i in range(18)), window=50, rate=30.0, inputs={},
            labels=Card.labels, proposals=ProposalRule().to_dict(),
        )  # fmt: skip
    if name in ("softnet", "mean"):
        return replace(
            bare, window=6, rate=30.0, look="frames", inputs={},
            labels=("a", "b", "c") if name == "mean" else ("a",),
        )  # fmt: skip
    return bare


def split(path):
    """The header of a safetensors file as a dictionary, and the bytes behind it."""
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def write_header(path, header, payload):
    text = json.dumps(header).encode("utf-8", "surrogatepass")
    path.write_bytes(struct.pack("<Q", len(text)) + text + payload)


def near(value):
    """Values like a sound one: of the same type, a little or much larger or smaller."""
    if isinstance(value, bool):
        return st.just(not value)
    if isinstance(value, int | float):
        return st.sampled_from([value + 1, value - 1, value * 2, -value, value * 10**3, value])
    if isinstance(value, list | tuple) and value:
        return st.one_of(
            st.just([*value, value[0]]), st.just(value[:-1]),
            st.integers(0, len(value) - 1).flatmap(
                lambda i: st.one_of(VALUES, near(value[i])).map(
                    lambda new: [*value[:i], new, *value[i + 1 :]]
                )
            ),
        )  # fmt: skip
    return st.just(value)


@st.composite
def tampered_cards(draw, sources):
    """Yield (bytes of a file, what was changed): one to three entries, the checksum right."""
    path = sources[draw(st.sampled_from(sorted(sources)))]
    header, payload = split(path)
    card = json.loads(header["__metadata__"]["mescope"])
    done = []
    for _ in range(draw(st.integers(1, 3))):
        part = draw(st.sampled_from(["card", "config", "config", "proposals", "inputs"]))
        table = card if part == "card" else card.get(part)
        if not isinstance(table, dict) or not table:
            table, part = card, "card"
        key = draw(st.sampled_from([*sorted(table), "surprise"]))
        if draw(st.integers(0, 9)) == 0:
            table.pop(key, None)
            done.append(f"{part}.{key} gone")
        else:
            table[key] = draw(st.one_of(VALUES, near(table.get(key))))
            done.append(f"{part}.{key} = {table[key]!r:.80}")
    header["__metadata__"]["mescope"] = json.dumps(card)
    return header, payload, done


def resign(path):
    """Give a changed card a valid checksum, where it can be read at all."""
    header, payload = split(path)
    try:
        card = read_card(path)
        tensors = weights.parse_tensors(path.read_bytes())
        total = weights._checksum(tensors, replace(card, sha256=""))
    except (MescopeError, SafetensorError):  # refused before its checksum is looked at
        return
    fields = json.loads(header["__metadata__"]["mescope"])
    header["__metadata__"]["mescope"] = json.dumps(fields | {"sha256": total})
    write_header(path, header, payload)


@st.composite
def tampered_headers(draw, sources):
    """Yield the bytes of a safetensors file with a wrong header."""
    path = sources[draw(st.sampled_from(sorted(sources)))]
    header, payload = split(path)
    names = sorted(set(header) - {"__metadata__"})
    kind = draw(st.integers(0, 6))
    name = draw(st.sampled_from(names))
    if kind == 0:
        header[name]["data_offsets"] = draw(st.lists(NUMBERS, min_size=1, max_size=3))
    elif kind == 1:
        header[name]["dtype"] = draw(st.sampled_from(["F64", "I8", "BOOL", "F8_E4M3", "", 3]))
    elif kind == 2:
        header[name]["shape"] = draw(st.lists(NUMBERS, max_size=4))
    elif kind == 3:
        header[name] = draw(VALUES)
    elif kind == 4:
        other = draw(st.sampled_from(names))
        header[name]["data_offsets"] = header[other]["data_offsets"]
    text = json.dumps(header).encode("utf-8", "surrogatepass")
    if kind == 5:  # the same name twice
        text = (
            text[:-1]
            + b', "'
            + name.encode()
            + b'": '
            + json.dumps(header[name]).encode()
            + b"}"
        )
    length = draw(st.sampled_from([0, 1, 2**20, 2**40, 2**64 - 1])) if kind == 6 else len(text)
    return struct.pack("<Q", length) + text + payload


def toml(value):
    """A value as TOML has it; None and the like as something that it has not."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value).replace("e+", "e")
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value)
    return str(value)


ODD = st.sampled_from(
    [
        b"a = " + b"[" * 50_000, b"a." * 60_000 + b"b = 1", b"a = 1" + b"0" * 5000,
        b"a = 0x" + b"f" * 20_000, b'a = "' + b"\\" * 100_000, b"'" * 99_999, b'"' * 99_999,
        b"[" + b"a." * 30_000 + b"a]\n", b"\xff\xfe", b"\0" * 100, b"a = 1979-05-27T07:32:00Z",
        b"\n".join(b"a%d = 1" % i for i in range(30_000)), b"x" * 10**6, b"a = {" * 5000,
        b"[[a]]\n" * 20_000, b"\"\"\"" * 30_000, b"#" * 10**5, b"a = 1e999", b"a = -inf",
    ]
)  # fmt: skip
"""What a parser may stumble over, to be put before or behind a recipe."""


@st.composite
def tampered_recipes(draw):
    """Yield the bytes of a recipe of ours with one to three wrong lines."""
    path = draw(st.sampled_from(sorted(RECIPES.rglob("*.toml"))))
    text = path.read_bytes()
    if draw(st.integers(0, 9)) == 0:
        odd = draw(ODD)
        return (odd + b"\n" + text) if draw(st.booleans()) else text + b"\n" + odd
    if draw(st.integers(0, 9)) == 0:
        cut = draw(st.integers(0, len(text)))
        return text[:cut] + draw(st.binary(max_size=8)) + text[cut:]
    values = tomllib.loads(text.decode())
    for _ in range(draw(st.integers(1, 3))):
        where = draw(st.sampled_from(["", "model", "model.options", "data", "optim", "task"]))
        table = values
        for part in filter(None, where.split(".")):
            table = table.setdefault(part, {}) if isinstance(table, dict) else {}
        if not isinstance(table, dict):
            continue
        table[draw(st.sampled_from([*sorted(table), "surprise", "epochs", "seed"]))] = draw(
            VALUES
        )
    return "\n".join(f"{key} = {toml(value)}" for key, value in values.items()).encode(
        "utf-8", "surrogatepass"
    )


@st.composite
def tampered_json(draw, sound):
    """Yield a JSON document with one to three values of any depth changed."""
    document = json.loads(json.dumps(sound))
    for _ in range(draw(st.integers(1, 3))):
        here = document
        while True:
            keys = sorted(here) if isinstance(here, dict) else list(range(len(here)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            inner = here[key]
            if isinstance(inner, dict | list) and inner and draw(st.integers(0, 3)):
                here = inner
                continue
            if draw(st.integers(0, 5)) == 0:
                del here[key]
            else:
                here[key] = draw(VALUES)
            break
    return json.dumps(document).encode("utf-8", "surrogatepass")
