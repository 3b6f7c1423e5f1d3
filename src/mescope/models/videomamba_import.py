"""Start VideoMamba from a published checkpoint that lies in a local file.

Two kinds are published: of pictures (ImageNet), whose patches are flat and which know no time,
and of videos (Kinetics and others).  Nothing is downloaded.  The file is read with
``torch.load(..., weights_only=True)``, which builds tensors and plain containers only.

Names as in OpenGVLab/VideoMamba.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mescope.errors import WeightsError
from mescope.models import create_model
from mescope.models.published_state import (
    check_names,
    check_values,
    fit_channels,
    read_state,
)
from mescope.models.videomamba import VideoMamba, VideoMambaConfig
from mescope.models.videomamba_layers import stretch_space, stretch_time
from mescope.models.weights import Card, save

IMPORTED = "import"
"""``Card.recipe`` of an imported checkpoint: nothing was trained on here."""

_PREFIXES = ("module.", "backbone.", "encoder.")
_TRAINING_ONLY = "distill_head."  # of the published -M for pictures; no part of the network

_WHOLE = {
    "cls_token": "class_token", "pos_embed": "space", "temporal_pos_embedding": "time",
    "patch_embed.proj.weight": "patches.weight", "patch_embed.proj.bias": "patches.bias",
    "norm_f.weight": "norm.weight", "head.weight": "head.weight", "head.bias": "head.bias",
}  # fmt: skip
"""Published name -> ours, outside the blocks."""

_BLOCK = {
    "norm.weight": "norm.weight", "mixer.in_proj.weight": "mixer.in_proj.weight",
    "mixer.out_proj.weight": "mixer.out_proj.weight",
}  # fmt: skip
"""The same inside ``layers.i`` and ``blocks.i``, where they are one tensor on both sides."""

_WAYS = {
    "conv_weight": ("mixer.conv1d.weight", "mixer.conv1d_b.weight"),
    "conv_bias": ("mixer.conv1d.bias", "mixer.conv1d_b.bias"),
    "x_weight": ("mixer.x_proj.weight", "mixer.x_proj_b.weight"),
    "step_weight": ("mixer.dt_proj.weight", "mixer.dt_proj_b.weight"),
    "step_bias": ("mixer.dt_proj.bias", "mixer.dt_proj_b.bias"),
    "A_log": ("mixer.A_log", "mixer.A_b_log"),
    "D": ("mixer.D", "mixer.D_b"),
}
"""Ours inside ``blocks.i.mixer`` -> published forward and backward, which ours stacks."""

_TURNED: dict[str, Callable[[Tensor], Tensor]] = {
    "conv_weight": lambda w: w[:, 0].t(),  # (e, 1, taps) -> (taps, e)
    "x_weight": lambda w: w.t(),
    "step_weight": lambda w: w.t(),
}
"""What a published tensor of one direction becomes before it is stacked; others stay."""

_BACK: dict[str, Callable[[Tensor], Tensor]] = {
    "conv_weight": lambda w: w.t()[:, None],
    "x_weight": lambda w: w.t(),
    "step_weight": lambda w: w.t(),
}
"""The inverse of ``_TURNED``."""


class Imported(NamedTuple):
    """What became of a published checkpoint."""

    state: dict[str, Tensor]  # our weights, without those of ``fresh``
    fresh: tuple[str, ...]  # our weights that the checkpoint does not give: they start anew
    fitted: tuple[str, ...]  # our weights that were inflated or interpolated to fit


def import_checkpoint(
    source: str | Path, out: str | Path, model: str, labels: Sequence[str],
    licence: str = "", **options: Any,
) -> tuple[Card, Imported]:  # fmt: skip
    """Write a published checkpoint as weights of mescope, to begin a training from.

    Args:
        source: the published file.
        out: the .safetensors file to write.
        model: a preset of VideoMamba.
        labels: classes of the head, which starts anew unless the checkpoint has as many.
        licence: of the checkpoint, as the user knows it.
        options: fields of the preset's config to change, such as ``frames``.

    Raises:
        WeightsError: as :func:`start_from`, or ``model`` is not a VideoMamba.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # of what starts anew
        network = create_model(model, classes=len(labels), **options)
    if not isinstance(network, VideoMamba):
        raise WeightsError(f"expected a preset of VideoMamba, found {model!r}")
    found = start_from(network, source)
    digest = hashlib.sha256(Path(source).read_bytes()).hexdigest()
    card = Card(
        model=model, config=dataclasses.asdict(network.config), regions=(), window=0, rate=0.0,
        labels=tuple(labels), recipe=IMPORTED,
        licence=licence or "that of the published checkpoint",
        trained_on=f"what the published checkpoint {Path(source).name} saw (sha256 {digest})",
        notes=f"starts anew: {', '.join(found.fresh) or 'nothing'}; "
        f"fitted: {', '.join(found.fitted) or 'nothing'}",
    )  # fmt: skip
    return save(out, network, card), found


def start_from(model: VideoMamba, path: str | Path) -> Imported:
    """Put the weights of a published checkpoint into ``model``, in place.

    What :func:`from_published` calls fresh keeps the value it has.

    Raises:
        WeightsError: as :func:`read_published` and :func:`from_published`.
    """
    found = from_published(read_published(path), model.config)
    model.load_state_dict(found.state, strict=False)
    return found


def read_published(path: str | Path) -> dict[str, Tensor]:
    """Return the tensors of a published checkpoint by their published names.

    The weights may lie under ``model``, ``module`` or ``state_dict``; prefixes of wrappers
    (``module.``, ``backbone.``, ``encoder.``) are taken off.

    Raises:
        WeightsError: no such file, not written by torch.save, objects other than tensors and
            plain containers in it, or no table of tensors.
    """
    # Checkpoints of a training run hold the options of the run as such a namespace.
    return read_state(path, prefixes=_PREFIXES, allowed=[argparse.Namespace])


def from_published(tensors: Mapping[str, Tensor], config: VideoMambaConfig) -> Imported:
    """Turn published tensors into weights for ``config``.

    Flat patches of pictures come into the middle frame of the tubelet, the others get zeros;
    patches of colours are fitted to grey ones (:func:`published_state.fit_channels`);
    positions are interpolated, linearly in time and bicubically in space.  Fresh stay the head
    where it is missing or of another number of classes, and positions in time where the
    checkpoint is of pictures.

    Raises:
        WeightsError: tensors are missing, unknown, of a shape that does not fit, no floats or
            not finite; each of them is named.
    """
    given = {n: t for n, t in tensors.items() if not n.startswith(_TRAINING_ONLY)}
    check_values(given)
    fresh = _fresh(given, config)
    for name in fresh:
        given.pop(name, None)
    fitted = _fit(given, config)
    wanted = {n: s for n, s in published_shapes(config).items() if n not in fresh}
    check_names(
        given,
        wanted,
        "a VideoMamba checkpoint of this size",
        "choose the preset that it was made with",
    )
    return Imported(
        state=_renamed(given, config),
        fresh=tuple(_WHOLE[name] for name in fresh),
        fitted=tuple(dict.fromkeys(_WHOLE[name] for name in fitted)),
    )


def published_shapes(config: VideoMambaConfig) -> dict[str, tuple[int, ...]]:
    """Return name -> shape of a published video checkpoint of that size."""
    with torch.device("meta"):
        model = VideoMamba(config)
    return {n: tuple(t.shape) for n, t in to_published(model.state_dict(), config).items()}


def to_published(state: Mapping[str, Tensor], config: VideoMambaConfig) -> dict[str, Tensor]:
    """Return our weights by their published names; undoes :func:`from_published`."""
    found = {theirs: state[ours] for theirs, ours in _WHOLE.items()}
    for i in range(config.depth):
        for theirs, ours in _BLOCK.items():
            found[f"layers.{i}.{theirs}"] = state[f"blocks.{i}.{ours}"]
        for ours, pair in _WAYS.items():
            both = state[f"blocks.{i}.mixer.{ours}"]
            for theirs, one in zip(pair, both, strict=True):
                turned = _BACK[ours](one) if ours in _BACK else one
                found[f"layers.{i}.{theirs}"] = turned.contiguous()
    return found


def _renamed(given: Mapping[str, Tensor], config: VideoMambaConfig) -> dict[str, Tensor]:
    """Return float32 weights by our names."""
    state = {ours: given[theirs] for theirs, ours in _WHOLE.items() if theirs in given}
    for i in range(config.depth):
        for theirs, ours in _BLOCK.items():
            state[f"blocks.{i}.{ours}"] = given[f"layers.{i}.{theirs}"]
        for ours, pair in _WAYS.items():
            both = [given[f"layers.{i}.{theirs}"] for theirs in pair]
            if ours in _TURNED:
                both = [_TURNED[ours](one) for one in both]
            state[f"blocks.{i}.mixer.{ours}"] = torch.stack(both)
    return {n: t.detach().to(torch.float32, copy=True).contiguous() for n, t in state.items()}


def _fresh(given: Mapping[str, Tensor], config: VideoMambaConfig) -> tuple[str, ...]:
    """Return the published names that this checkpoint cannot or need not give."""
    fresh: list[str] = []
    head = given.get("head.weight")
    if head is None or (head.dim() == 2 and len(head) != config.classes):
        fresh += ["head.weight", "head.bias"]
    if _flat(given) and "temporal_pos_embedding" not in given:
        fresh.append("temporal_pos_embedding")
    return tuple(fresh)


def _flat(given: Mapping[str, Tensor]) -> bool:
    """Whether the checkpoint is of pictures."""
    weight = given.get("patch_embed.proj.weight")
    return weight is not None and weight.dim() == 4


def _fit(given: dict[str, Tensor], config: VideoMambaConfig) -> list[str]:
    """Inflate and interpolate inside ``given`` what can be; return the names changed."""
    fitted = []
    if _flat(given):
        flat = given["patch_embed.proj.weight"]
        full = flat.new_zeros(*flat.shape[:2], config.tubelet, *flat.shape[2:])
        full[:, :, config.tubelet // 2] = flat
        given["patch_embed.proj.weight"] = full
        fitted.append("patch_embed.proj.weight")
    patches = given.get("patch_embed.proj.weight")
    if patches is not None and patches.dim() == 5 and patches.shape[1] == 3 != config.channels:
        given["patch_embed.proj.weight"] = fit_channels(patches, config.channels)
        fitted.append("patch_embed.proj.weight")
    for name, stretch, size in (
        ("temporal_pos_embedding", stretch_time, config.steps),
        ("pos_embed", stretch_space, config.grid),
    ):
        positions = given.get(name)
        if positions is None or positions.dim() != 3 or 0 in positions.shape:
            continue  # missing or of a wrong shape: named when all names are checked
        try:
            given[name] = stretch(positions.float(), size)
        except ValueError as error:
            raise WeightsError(f"{name}: {error}") from error
        if given[name].shape != positions.shape:
            fitted.append(name)
    return fitted
