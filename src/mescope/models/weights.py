"""Weights that describe themselves: safetensors whose metadata is a model card.

A file is a plain safetensors file; its metadata holds the card as JSON under ``mescope`` and
is covered, like the tensors, by a checksum.  Nothing here ever unpickles, and a header is
checked before any of its numbers is believed.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_tensors
from safetensors.torch import save as pack_tensors
from torch import Tensor, nn

from mescope.errors import WeightsError
from mescope.models import MODELS, create_model
from mescope.models.card import (
    KEY,
    Card,
    check_entries,
    check_module,
    entries_of,
    read_card,
)
from mescope.models.checksum import checksum
from mescope.models.headers import SUFFIX, Shape, read_shapes, words_of
from mescope.models.sizes import bounded
from mescope.models.weight_files import find, list_weights
from mescope.ranges import shown
from mescope.registry import suggestion

__all__ = ["KEY", "Card", "config_of", "find", "list_weights", "load", "read_card", "save"]


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
    check_entries(card, path)
    _build(card, _shapes(tensors), path)
    card = dataclasses.replace(card, sha256=_checksum(tensors, card))
    text = json.dumps(entries_of(card), sort_keys=True)
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
    module = _build(card, read_shapes(path), path)  # before a tensor is read
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
    module.load_state_dict(tensors, assign=True)
    return module.eval(), card


def config_of(module: nn.Module, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a module is built with: the fields of its config, or what it was given.

    Args:
        module: a model; those of mescope have a frozen dataclass as ``config``.
        given: the options that built it, for one without.
    """
    config: Any = getattr(module, "config", None)
    return dict(given) if config is None else dataclasses.asdict(config)


def _build(card: Card, found: Mapping[str, Shape], path: Path) -> nn.Module:
    """Return the card's model, ours without memory of its own; refuse if tensors do not fit.

    A network that grows far over what the file holds is stopped while it is built.
    """
    if card.model not in MODELS:
        raise WeightsError(
            f"{path}: there is no model {shown(card.model)}"
            f"{suggestion(card.model, MODELS)}; if a plug-in brings the model, name it by "
            "--plugin"
        )
    ours = MODELS[card.model].__module__.startswith("mescope.")
    numbers = sum(math.prod(size) for _, size in found.values())
    try:
        with (
            bounded(2 * numbers + 1_000_000, 8 * len(found) + 4_000),
            # whoever else wrote a model may keep tensors in it that no file holds
            torch.device("meta") if ours else torch.random.fork_rng(devices=[]),
        ):
            module = create_model(card.model, **card.config)
    except Exception as error:
        if ours and not isinstance(error, WeightsError | TypeError):
            raise
        raise WeightsError(
            f"{path}: {card.model} cannot be built as the card says: {error}"
        ) from error
    check_module(card, module, path)
    wanted = {n: words_of(shape) for n, shape in _shapes(module.state_dict()).items()}
    there = {name: words_of(shape) for name, shape in found.items()}
    if wanted != there:
        raise WeightsError(f"{path}: not the weights of {card.model}; {_diff(wanted, there)}")
    return module


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, Shape]:
    return {
        name: (str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape))
        for name, tensor in tensors.items()
    }


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


def _checksum(tensors: Mapping[str, Tensor], card: Card) -> str:
    """Return the checksum of a card and of its tensors, which may be of types NumPy lacks."""
    held = {n: t.contiguous().view(-1).view(torch.uint8).numpy() for n, t in tensors.items()}
    return checksum(card, held, _shapes(tensors))
