"""Weights that describe themselves: safetensors whose metadata is a model card.

A file is a plain safetensors file; its metadata holds the card as JSON under ``mescope`` and
is covered, like the tensors, by a checksum.  Nothing here ever unpickles, and a header is
checked before any of its numbers is believed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_tensors
from safetensors.torch import save as pack_tensors
from torch import Tensor, nn

from mescope.errors import WeightsError
from mescope.labels import SPOTTING_CLASSES
from mescope.models import MODELS, create_model
from mescope.models.headers import SUFFIX, read_metadata
from mescope.motion.regions import SHARES
from mescope.registry import suggestion

KEY = "mescope"  # metadata entry that holds the card


@dataclasses.dataclass(frozen=True, kw_only=True)
class Card:
    """What weights say about themselves.

    Of a spotting model, frames are decimated frames: ``window`` of them make one input at
    ``rate`` per second, and ``proposals`` are the fields of the spotting rule
    (:class:`mescope.spotting.proposals.ProposalRule`) chosen together with the weights; of one
    that scores single frames, ``window`` is k_p, and ``regions`` is empty.  Of a
    model that names clips, ``regions`` is empty and ``window`` and ``rate`` are 0.
    ``shares`` and ``reference`` say how the regions were measured
    (:func:`mescope.motion.roi_flow.extract`).  ``without`` is the subject whose recordings
    training left out, where the weights are one fold of many.
    ``config`` are the fields of the model's config.  ``inputs`` says what a model that names
    clips is given (:class:`mescope.samples.preparation.Preparation`), and ``task`` how its
    family is asked (:data:`mescope.training.tasks.TASKS`); empty for others.
    ``sha256`` covers tensors and card; :func:`save` fills it in.
    """

    model: str  # a name of mescope.models.MODELS
    config: dict[str, Any]
    regions: tuple[str, ...]
    window: int
    rate: float
    labels: tuple[str, ...] = SPOTTING_CLASSES
    mode: str = "clean"  # of the features it was trained on
    head: str = "nose"  # whose motion was taken for the head's: see video.head_motion
    look: str = "windows"  # or "candidates", "frames": what it is shown, see mescope.spotting
    recipe: str = ""
    trained_on: str = ""
    simulated: bool = False
    scores: dict[str, float] = dataclasses.field(default_factory=dict)
    proposals: dict[str, Any] = dataclasses.field(default_factory=dict)
    inputs: dict[str, Any] = dataclasses.field(default_factory=dict)
    licence: str = ""
    version: str = ""
    notes: str = ""
    task: str = ""
    shares: str = "default"  # of the vectors that a region averages: motion.regions.SHARES
    reference: str = "walk"  # without a face, as published: motion.regions.Reference
    without: str = ""
    dataset: str = ""  # a name of mescope.datasets that training saw; empty: see trained_on
    sha256: str = ""


def save(path: str | Path, module: nn.Module, card: Card) -> Card:
    """Write the weights of ``module`` with their card; atomic, an old file is replaced.

    Returns:
        The card as written, with its checksum.

    Raises:
        WeightsError: the name does not end in .safetensors, a weight is not finite, or the
            card does not describe the module (so the file could not be loaded again).
    """
    from mescope.io.atomic import write_atomically

    path = Path(path)
    if path.suffix != SUFFIX:
        raise WeightsError(f"weights are written as {SUFFIX} files, not as {path.name!r}")
    tensors = {
        name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()
    }
    _check_finite(tensors, path)
    _build(card, tensors, path)
    card = dataclasses.replace(card, sha256=_checksum(tensors, card))
    text = json.dumps(_entries(card), sort_keys=True)
    write_atomically(path, pack_tensors(tensors, {KEY: text}))
    return card


def load(name_or_path: str | Path) -> tuple[nn.Module, Card]:
    """Return the model of shipped weights or of a file, in eval mode, and its card.

    Args:
        name_or_path: a name that :func:`list_weights` gives, or a path to a .safetensors file.

    Raises:
        WeightsError: unknown name, missing file, another format, damaged, tampered with, or
            not finite; the message says which and what to do.
    """
    path = find(name_or_path)
    card = read_card(path)
    try:
        tensors = parse_tensors(path.read_bytes())
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path}: cannot be read as safetensors: {error}") from error
    if _checksum(tensors, card) != card.sha256:
        raise WeightsError(
            f"{path}: the checksum does not match, the file was changed or damaged after it "
            "was written; fetch it again from where it came"
        )
    _check_finite(tensors, path)
    module = _build(card, tensors, path)
    module.load_state_dict(tensors, assign=True)
    return module.eval(), card


def list_weights() -> dict[str, Path]:
    """Return name -> file of the weights that come with mescope.

    Example:
        >>> sorted(list_weights())
        ['me-tst-plus-cascade', 'me-tst-plus-small', 'merba-s28']
    """
    folder = Path(str(resources.files("mescope"))) / "weights"
    return {path.stem: path for path in sorted(folder.glob(f"*{SUFFIX}"))}


def find(name_or_path: str | Path) -> Path:
    """Return the file of a shipped name or of a path.

    Raises:
        WeightsError: there is no such name or file; near names are suggested.
    """
    text = str(name_or_path)
    path = Path(name_or_path)
    if isinstance(name_or_path, Path) or path.suffix or path.name != text:
        if not path.is_file():
            found = "a folder" if path.is_dir() else "nothing"
            raise WeightsError(f"{path}: expected a weights file, found {found} there")
        return path
    shipped = list_weights()
    if text not in shipped:
        raise WeightsError(
            f"there are no weights {text!r} and nothing is downloaded; `mescope models` lists "
            f"what is here ({', '.join(shipped) or 'none'}){suggestion(text, list(shipped))}"
        )
    return shipped[text]


def read_card(path: str | Path) -> Card:
    """Return the card of a weights file; reads its header only, checks no checksum.

    Raises:
        WeightsError: the file is of another format, damaged, or has no card of mescope.
    """
    path = Path(path)
    text = read_metadata(path).get(KEY)
    if text is None:
        raise WeightsError(
            f"{path}: safetensors, but without a mescope card; write it with "
            "mescope.models.weights.save"
        )
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: the card is not JSON: {error}") from error
    return _card(fields, path)


def _card(fields: object, path: Path) -> Card:
    known = {field.name: field for field in dataclasses.fields(Card)}
    if not isinstance(fields, dict):
        raise WeightsError(f"{path}: the card must be a JSON object, found {type(fields)}")
    if unknown := sorted(set(fields) - set(known)):
        raise WeightsError(
            f"{path}: unknown card entries {', '.join(unknown)}; written by a newer mescope?"
        )
    fields = _LATER | fields
    for name, allowed in _CHOICES.items():
        if fields[name] not in allowed:
            raise WeightsError(
                f"{path}: card entry {name} must be {' or '.join(allowed)}, "
                f"found {fields[name]!r:.60}"
            )
    if missing := sorted(set(known) - set(fields)):
        raise WeightsError(f"{path}: the card lacks {', '.join(missing)}")
    for name, kind in _KINDS.items():
        value = fields[name]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise WeightsError(f"{path}: card entry {name} has a wrong type: {value!r:.60}")
    for name in ("labels", "regions"):
        if not all(isinstance(entry, str) for entry in fields[name]):
            raise WeightsError(f"{path}: card entry {name} must hold names only")
        fields[name] = tuple(fields[name])
    return Card(**fields)


_LATER: dict[str, Any] = {
    "inputs": {}, "head": "nose", "look": "windows", "task": "",
    "shares": "default", "reference": "walk", "without": "", "dataset": "",
}  # fmt: skip
"""Entries that the first files lack, and what their lack means."""

_CHOICES = {
    "head": ("nose", "face"), "look": ("windows", "candidates", "frames"),
    "shares": tuple(SHARES), "reference": ("walk", "late"),
}  # fmt: skip

_KINDS: dict[str, type | tuple[type, ...]] = {
    "model": str,
    "config": dict,
    "regions": list,
    "labels": list,
    "window": int,
    "rate": (int, float),
    "mode": str,
    "head": str,
    "look": str,
    "recipe": str,
    "trained_on": str,
    "simulated": bool,
    "scores": dict,
    "proposals": dict,
    "inputs": dict,
    "licence": str,
    "version": str,
    "notes": str,
    "task": str,
    "shares": str,
    "reference": str,
    "without": str,
    "dataset": str,
    "sha256": str,
}


def config_of(module: nn.Module, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a module is built with: the fields of its config, or what it was given.

    Args:
        module: a model; those of mescope have a frozen dataclass as ``config``.
        given: the options that built it, for one without.
    """
    config: Any = getattr(module, "config", None)
    return dict(given) if config is None else dataclasses.asdict(config)


def _build(card: Card, tensors: Mapping[str, Tensor], path: Path) -> nn.Module:
    """Return the card's model, ours without memory of its own; refuse if tensors do not fit."""
    try:
        ours = MODELS.named(card.model).__module__.startswith("mescope.")
        # whoever else wrote a model may keep tensors in it that no file holds
        with torch.device("meta") if ours else torch.random.fork_rng(devices=[]):
            module = create_model(card.model, **card.config)
    except WeightsError as error:
        raise WeightsError(
            f"{path}: {error}; if a plug-in brings the model, name it by --plugin"
        ) from error
    except TypeError as error:
        raise WeightsError(
            f"{path}: {card.model} cannot be built as the card says: {error}"
        ) from error
    _check_card(card, module, path)
    wanted = {name: _describe(tensor) for name, tensor in module.state_dict().items()}
    found = {name: _describe(tensor) for name, tensor in tensors.items()}
    if wanted != found:
        raise WeightsError(f"{path}: not the weights of {card.model}; {_diff(wanted, found)}")
    return module


def _check_card(card: Card, module: nn.Module, path: Path) -> None:
    """Refuse a card whose labels and regions are not those of its model."""
    config: Any = getattr(module, "config", None)
    classes = getattr(config, "classes", len(card.labels))
    channels = getattr(config, "channels", None)
    if card.look == "frames":  # a spotting model that sees maps of single frames
        shown = not card.regions and card.window > 0
    elif card.window:  # a spotting model
        if tuple(card.labels) != SPOTTING_CLASSES:
            raise WeightsError(
                f"{path}: labels differ; expected {', '.join(SPOTTING_CLASSES)}, "
                f"found {', '.join(card.labels)}"
            )
        flow = 2 * len(card.regions)  # what is shown of a candidate holds more than flow
        shown = channels is None or (
            channels > flow if card.look == "candidates" else channels == flow
        )
    else:
        shown = not card.regions
    if not shown or classes != len(card.labels):
        raise WeightsError(
            f"{path}: the card contradicts itself: {len(card.regions)} regions and "
            f"{len(card.labels)} labels, but {'no' if channels is None else channels} channels "
            f"and {classes} classes"
        )


def _describe(tensor: Tensor) -> str:
    size = "x".join(map(str, tensor.shape)) or "scalar"
    return f"{str(tensor.dtype).removeprefix('torch.')} {size}"


def _diff(wanted: Mapping[str, str], found: Mapping[str, str], most: int = 4) -> str:
    """Return the first differences of two tables in words."""
    lines = [
        f"{name}: expected {wanted.get(name, 'nothing')}, found {found.get(name, 'nothing')}"
        for name in sorted(set(wanted) | set(found))
        if wanted.get(name) != found.get(name)
    ]
    more = f"; and {len(lines) - most} more" if len(lines) > most else ""
    return "; ".join(lines[:most]) + more


def _check_finite(tensors: Mapping[str, Tensor], path: Path) -> None:
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise WeightsError(f"{path}: {name} holds NaN or infinite weights; train it again")


def _entries(card: Card) -> dict[str, Any]:
    """Return what is written; without later entries that say nothing, as older files are."""
    entries = dataclasses.asdict(card)
    return {k: v for k, v in entries.items() if k not in _LATER or v != _LATER[k]}


def _checksum(tensors: Mapping[str, Tensor], card: Card) -> str:
    """Return the SHA-256 of the card (without its checksum) and of all tensors by name."""
    digest = hashlib.sha256()
    bare = _entries(dataclasses.replace(card, sha256=""))
    digest.update(json.dumps(bare, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"\n{name} {_describe(tensor)}\n".encode())
        digest.update(tensor.contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
