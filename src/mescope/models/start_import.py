"""Start AMMSM from published checkpoints of pictures: VSSD-Tiny's, and ResNet-18's.

AMMSM's temporal stream is VSSD with other mixers in two stages, its onset stream the first
stages of ResNet-18; whether its authors began from ImageNet weights, the paper does not say.
What of a checkpoint has a place is taken, what has none starts anew, and the card says which.
Nothing is downloaded, and no code of the file runs (:mod:`mescope.models.published_state`).

Names as in YuHengsss/VSSD (August 2024) and torchvision; nothing of them is copied.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mescope.errors import WeightsError
from mescope.models import create_model
from mescope.models.ammsm import Ammsm
from mescope.models.published_state import (
    RUN_OPTIONS,
    check_names,
    check_values,
    fit_channels,
    read_state,
)
from mescope.models.spatial_stream import SpatialStream
from mescope.models.videomamba_import import IMPORTED
from mescope.models.weights import Card, load, save

COUNTS = ("num_batches_tracked",)
_PREFIXES = ("module.", "backbone.")

_VSSD = (
    (r"stem\.enter\.0", "patch_embed.conv1.conv"),
    (r"stem\.enter\.1", "patch_embed.conv1.norm"),
    (r"stem\.refine\.0", "patch_embed.conv2.0.conv"),
    (r"stem\.refine\.1", "patch_embed.conv2.0.norm"),
    (r"stem\.refine\.3", "patch_embed.conv2.1.conv"),
    (r"stem\.refine\.4", "patch_embed.conv2.1.norm"),
    (r"stem\.leave\.0", "patch_embed.conv3.0.conv"),
    (r"stem\.leave\.1", "patch_embed.conv3.0.norm"),
    (r"stem\.leave\.3", "patch_embed.conv3.1.conv"),
    (r"stem\.leave\.4", "patch_embed.conv3.1.norm"),
    (r"merges\.(\d)\.0", r"layers.\1.downsample.conv.0.conv"),
    (r"merges\.(\d)\.2", r"layers.\1.downsample.conv.1.conv"),
    (r"merges\.(\d)\.4", r"layers.\1.downsample.conv.2.conv"),
    (r"merges\.(\d)\.5", r"layers.\1.downsample.conv.2.norm"),
    (r"stages\.(\d)\.(blocks\.\d+)\.conv_mix", r"layers.\1.\2.cpe1"),
    (r"stages\.(\d)\.(blocks\.\d+)\.norm_mix", r"layers.\1.\2.norm1"),
    (r"stages\.(\d)\.(blocks\.\d+)\.conv_mlp", r"layers.\1.\2.cpe2"),
    (r"stages\.(\d)\.(blocks\.\d+)\.norm_mlp", r"layers.\1.\2.norm2"),
    (r"stages\.(\d)\.(blocks\.\d+)\.mlp\.0", r"layers.\1.\2.mlp.fc1"),
    (r"stages\.(\d)\.(blocks\.\d+)\.mlp\.3", r"layers.\1.\2.mlp.fc2"),
    (r"stages\.(\d)\.(blocks\.\d+)\.mixer\.attention\.qkv", r"layers.\1.\2.attn.to_qkv"),
    (r"stages\.(\d)\.(blocks\.\d+)\.mixer\.attention\.proj", r"layers.\1.\2.attn.to_out"),
    (r"stages\.(\d)\.(blocks\.\d+)\.mixer\.conv", r"layers.\1.\2.attn.conv2d"),
    (r"stages\.(\d)\.(blocks\.\d+)\.mixer", r"layers.\1.\2.attn"),
)
"""Starts of our names within the temporal stream, as patterns, and of VSSD's; the first that
fits counts, and what none fits is called alike."""

_RESNET = (
    (r"conv\.", "conv1."),
    (r"norm\.", "bn1."),
    (r"stages\.(\d)\.(\d)\.conv_2", r"layer\1.\2.conv2"),
    (r"stages\.(\d)\.(\d)\.norm_2", r"layer\1.\2.bn2"),
    (r"stages\.(\d)\.(\d)\.conv", r"layer\1.\2.conv1"),
    (r"stages\.(\d)\.(\d)\.norm", r"layer\1.\2.bn1"),
    (r"stages\.(\d)\.(\d)\.shortcut", r"layer\1.\2.downsample"),
)
"""The same within the onset's stream; torchvision counts layers from 1."""


class Taken(NamedTuple):
    """What a published checkpoint gives a network, by the network's names."""

    state: dict[str, Tensor]
    fresh: tuple[str, ...]  # of the same part, but not in the checkpoint: they start anew
    fitted: tuple[str, ...]  # brought to other channels


def import_start(
    source: Path, out: Path, kind: str, *, model: str = "", labels: Sequence[str] = (),
    onto: Path | None = None, licence: str = "", **options: Any,
) -> Card:  # fmt: skip
    """Write an AMMSM that begins from a published checkpoint.

    Args:
        source: the published file.
        out: the .safetensors file to write.
        kind: one of :data:`KINDS`.
        model: a preset of AMMSM; ``ammsm`` by default.
        labels: classes of the head, which starts anew.
        onto: weights of an earlier import to put these into; model and labels are theirs.
        licence: of the checkpoint, as the user knows it.
        options: fields of the preset's config to change.

    Raises:
        WeightsError: the file is not such a checkpoint, or the model has no place for it.
    """
    network, before = _network(model, labels, onto, options)
    tensors = read_state(source, prefixes=_PREFIXES, allowed=[argparse.Namespace, RUN_OPTIONS])
    check_values(tensors, COUNTS)
    found = KINDS[kind](tensors, network)
    network.load_state_dict(found.state, strict=False)
    digest = hashlib.sha256(Path(source).read_bytes()).hexdigest()
    told = licence or "not told"
    taken = f"{len(found.state)} tensors of {kind} from {Path(source).name} (sha256 {digest})"
    notes = (
        f"taken: {taken}; beside them starts anew: {_groups(found.fresh)}; fitted to other "
        f"channels: {', '.join(found.fitted) or 'nothing'}"
    )
    earlier = [before] if before else []
    card = Card(
        model=before.model if before else model or "ammsm",
        config=dataclasses.asdict(network.config), regions=(), window=0, rate=0.0,
        labels=before.labels if before else tuple(labels), recipe=IMPORTED,
        licence="; ".join([*(c.licence for c in earlier), f"{kind}: {told}"]),
        trained_on="; ".join([*(c.trained_on for c in earlier), f"what {kind}'s file saw"]),
        notes="; ".join([*(c.notes for c in earlier), notes]),
    )  # fmt: skip
    return save(out, network, card)


def _network(
    model: str, labels: Sequence[str], onto: Path | None, options: Mapping[str, Any]
) -> tuple[Ammsm, Card | None]:
    """Return the network to put weights into, and the card of those it has already."""
    before: Card | None = None
    if onto is not None:
        found, before = load(onto)
        if model or labels or options or before.recipe != IMPORTED:
            raise WeightsError(
                f"expected {onto} to be an earlier import, and no --model, --labels or --set "
                f"beside it, found weights made by {before.recipe[:80] or 'a training'!r}; "
                "leave --onto out to begin another"
            )
    elif not labels:
        raise WeightsError(
            "expected the classes of the new head, found none; give them as --labels "
            "negative,positive,surprise, or --onto an earlier import"
        )
    else:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)  # of what starts anew
            found = create_model(model or "ammsm", classes=len(labels), **options)
    if not isinstance(found, Ammsm):
        raise WeightsError(f"expected a preset of AMMSM, found {model or onto}")
    return found, before


def from_vssd(tensors: Mapping[str, Tensor], network: Ammsm) -> Taken:
    """Return what VSSD of these sizes gives the temporal stream.

    Mixers are taken where both have the same one (AMMSM has attention at the end of stages 3
    and 4, VSSD in all of stage 4); the stem is fitted to two channels of flow.

    Raises:
        WeightsError: it is not such a checkpoint.
    """
    c = network.config
    config = dataclasses.replace(
        c, channels=3, classes=_classes(tensors, "head.weight"), sparse=False, ratios=None,
        attention=(0, 0, 0, c.depths[-1]), magnify=False, spatial=False,
    )  # fmt: skip
    with torch.device("meta"):
        whole = Ammsm(config)
    wanted = {vssd_name(n): tuple(t.shape) for n, t in whole.temporal.state_dict().items()}
    check_names(tensors, wanted, "VSSD of this size", "choose the preset of that size")
    return _taken(tensors, network.temporal, "temporal.", vssd_name)


def from_resnet(tensors: Mapping[str, Tensor], network: Ammsm) -> Taken:
    """Return what ResNet-18 gives the onset's stream: its first stages.

    Raises:
        WeightsError: it is not such a checkpoint, or the model has no onset's stream.
    """
    c = network.config
    if network.spatial is None:
        raise WeightsError(
            "expected a model that sees the onset frame, found spatial = false; leave it out"
        )
    widths = [c.dim << i for i in range(4)]
    with torch.device("meta"):
        whole = SpatialStream(widths, kernel=c.spatial_kernel)
    wanted = {resnet_name(n): tuple(t.shape) for n, t in whole.state_dict().items()}
    classes = _classes(tensors, "fc.weight")
    wanted |= {"fc.weight": (classes, widths[-1]), "fc.bias": (classes,)}
    check_names(tensors, wanted, "ResNet-18 of this size", "take torchvision's resnet18")
    return _taken(tensors, network.spatial, "spatial.", resnet_name)


KINDS: Mapping[str, Callable[[Mapping[str, Tensor], Ammsm], Taken]] = {
    "vssd-tiny": from_vssd, "resnet-18": from_resnet,
}  # fmt: skip
"""What can be taken in, by its name."""


def vssd_name(ours: str) -> str:
    """Return how VSSD calls a tensor of the temporal stream.

    >>> vssd_name("stages.2.blocks.7.mixer.attention.qkv.weight")
    'layers.2.blocks.7.attn.to_qkv.weight'
    """
    return _renamed(ours, _VSSD)


def resnet_name(ours: str) -> str:
    """Return how torchvision calls a tensor of the onset's stream.

    >>> resnet_name("stages.1.0.shortcut.0.weight")
    'layer2.0.downsample.0.weight'
    """
    named = _renamed(ours, _RESNET)
    return re.sub(r"^layer(\d)", lambda m: f"layer{int(m[1]) + 1}", named)


def _renamed(ours: str, table: Sequence[tuple[str, str]]) -> str:
    for pattern, theirs in table:
        if match := re.match(pattern, ours):
            return match.expand(theirs) + ours[match.end() :]
    return ours


def _taken(
    tensors: Mapping[str, Tensor], part: nn.Module, prefix: str, name_of: Callable[[str], str]
) -> Taken:
    """Return what fits a part of the network, under the names of the whole."""
    state, fresh, fitted = {}, [], []
    for ours, tensor in part.state_dict().items():
        found = tensors.get(name_of(ours))
        if found is not None and found.dim() == 4 and found.shape[1] == 3 != tensor.shape[1]:
            found = fit_channels(found, tensor.shape[1])
            fitted.append(prefix + ours)
        if found is None or found.shape != tensor.shape or ours.startswith("head."):
            fresh.append(prefix + ours)
        else:
            state[prefix + ours] = found.detach().to(tensor.dtype, copy=True).contiguous()
    return Taken(state, tuple(fresh), tuple(fitted))


def _classes(tensors: Mapping[str, Tensor], name: str) -> int:
    head = tensors.get(name)
    if head is None or head.dim() != 2 or not len(head):
        raise WeightsError(f"{name} is missing or no matrix; take the whole checkpoint")
    return len(head)


def _groups(names: Sequence[str]) -> str:
    """Return names of tensors, shortened to the modules that they are of."""
    return ", ".join(dict.fromkeys(name.rpartition(".")[0] for name in names)) or "nothing"
