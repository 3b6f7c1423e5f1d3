"""Read the state of a published network from a local file, without running any code in it.

``torch.load(..., weights_only=True)`` builds tensors and plain containers only; a safetensors
file holds nothing else.  Nothing is downloaded.
"""

from __future__ import annotations

import re
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_tensors
from torch import Tensor

from mescope.errors import WeightsError
from mescope.models.headers import SUFFIX, read_metadata
from mescope.ranges import shown

INSIDE = ("model", "module", "state_dict")
"""Where training scripts put the weights among other things."""


Allowed = type | tuple[type, str]

RUN_OPTIONS: Allowed = (OrderedDict, "yacs.config.CfgNode")
"""The options of a run that some checkpoints hold: read as the plain table that they are."""


def read_state(
    path: str | Path, *, prefixes: Sequence[str], allowed: Sequence[Allowed] = ()
) -> dict[str, Tensor]:
    """Return the tensors of a published checkpoint by their published names.

    Args:
        path: a .safetensors file, or one that ``torch.save`` wrote, whatever its suffix.
        prefixes: of wrappers, in this order; taken off every name.
        allowed: classes of plain values that may lie beside the tensors; with a name, one that
            stands for the class of that name.

    Raises:
        WeightsError: no such file, of another kind, objects other than tensors and plain
            containers in it, or no table of tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsError(
            f"{path}: expected a published checkpoint, found no file; nothing is downloaded"
        )
    return _tensors(_contents(path, allowed), path, prefixes)


def _contents(path: Path, allowed: Sequence[Allowed]) -> object:
    """Return what lies in the file."""
    if path.suffix == SUFFIX:
        read_metadata(path)  # a sound header, before any of its numbers is believed
        try:
            return parse_tensors(path.read_bytes())
        except (SafetensorError, OSError) as error:
            raise WeightsError(f"{path}: cannot be read as safetensors: {error}") from error
    _check_zip(path)
    listed: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [*allowed]
    try:
        with torch.serialization.safe_globals(listed):
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what a hostile or broken file does to the reader is unknown
        raise WeightsError(
            f"{path}: cannot be read as tensors, weights_only=True: {_reason(error)}; save its "
            "state dict alone where you trust it"
        ) from error


def _reason(error: Exception) -> str:
    """Return what was refused, in a line, without the library's advice to run it anyway."""
    text = f"{error}"
    named = re.search(r"Unsupported (?:global|class): (?:GLOBAL )?([\w.]+)", text)
    if named:
        return f"found {named[1]!r}, which is no tensor and could be code"
    if "Weights only load failed" in text:
        return "it holds something else, or was not written by torch.save"
    return text.splitlines()[0][:200] if text else type(error).__name__


def _check_zip(path: Path) -> None:
    """Refuse a zip whose parts are packed: torch.save stores them, a bomb does not."""
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as parts:
            packed = [p for p in parts.infolist() if p.compress_type != zipfile.ZIP_STORED]
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError) as error:
        raise WeightsError(f"{path}: a damaged zip archive: {error}") from None
    if packed:
        raise WeightsError(
            f"{path}: expected what torch.save writes, found a packed archive "
            f"({packed[0].filename!r:.60}); unpack it where you trust it"
        )


def _tensors(found: object, path: Path, prefixes: Sequence[str]) -> dict[str, Tensor]:
    for inside in INSIDE:
        if isinstance(found, Mapping) and isinstance(found.get(inside), Mapping):
            found = found[inside]
    if not isinstance(found, Mapping) or not found:
        raise WeightsError(
            f"{path}: expected a table of tensors, found {type(found).__name__}; save the "
            "state dict of the network"
        )
    tensors: dict[str, Tensor] = {}
    most = path.stat().st_size
    for key, tensor in found.items():
        if not isinstance(key, str) or not isinstance(tensor, Tensor):
            raise WeightsError(
                f"{path}: expected tensors by name, found {type(tensor).__name__} under "
                f"{shown(key)}; save the state dict of the network"
            )
        if tensor.is_nested or tensor.is_quantized or tensor.device.type != "cpu":
            raise WeightsError(
                f"{path}: expected plain tensors, found something else under {shown(key)} "
                f"({'nested' if tensor.is_nested else tensor.dtype} on {tensor.device}); save "
                "the state dict of the network as it computes"
            )
        if tensor.layout != torch.strided or tensor.numel() * tensor.element_size() > most:
            raise WeightsError(
                f"{path}: {shown(key)} of the size {tuple(tensor.shape)} claims more than the "
                "file holds; fetch it again"
            )
        name = key
        for prefix in prefixes:
            name = name.removeprefix(prefix)
        if name in tensors:
            raise WeightsError(f"{path}: {name} occurs twice, once as {key}; drop one of them")
        tensors[name] = tensor
    return tensors


def fit_channels(weight: Tensor, channels: int) -> Tensor:
    """Return the weights of a first convolution over colours for other channels.

    Every channel gets the mean over the colours, so much of it that inputs of the same size
    give outputs of the same size.  For one channel that is their sum, which is exact for grey
    pictures: those are three equal colours.

    Args:
        weight: (out, 3, ...).
        channels: of the new input.
    """
    mean = weight.mean(1, keepdim=True) * (weight.shape[1] / channels)
    return mean.repeat_interleave(channels, 1)


def check_values(given: Mapping[str, Tensor], counts: Sequence[str] = ()) -> None:
    """Refuse what is no weight: no floats, or not finite.

    Args:
        given: tensors by their published names.
        counts: endings of names that hold whole numbers.

    Raises:
        WeightsError: with the name of the first such tensor.
    """
    for name, tensor in given.items():
        if name.endswith(tuple(counts)) and tensor.dtype == torch.int64:
            continue
        if not tensor.is_floating_point():
            raise WeightsError(
                f"{name}: expected floating weights, found {tensor.dtype} "
                f"{tuple(tensor.shape)}; use the checkpoint as it was published"
            )
        if not bool(torch.isfinite(tensor.double()).all()):  # not every type has isfinite
            raise WeightsError(f"{name} holds NaN or infinite weights; fetch the file again")


def check_names(
    given: Mapping[str, Tensor],
    wanted: Mapping[str, tuple[int, ...]],
    what: str,
    advice: str,
    most: int = 6,
) -> None:
    """Refuse what is missing, unknown or of another shape, naming the first of it.

    Args:
        given: tensors by their published names.
        wanted: published name -> shape.
        what: the checkpoint that was expected, in words.
        advice: what to do.
        most: so many are named.

    Raises:
        WeightsError: one line.
    """
    lines = [f"{name} is missing" for name in wanted if name not in given]
    lines += [f"{name} is unknown" for name in given if name not in wanted]
    lines += [
        f"{name}: expected {shape}, found {tuple(given[name].shape)}"
        for name, shape in wanted.items()
        if name in given and tuple(given[name].shape) != shape
    ]
    if lines:
        more = f"; and {len(lines) - most} more" if len(lines) > most else ""
        raise WeightsError(f"not {what}: {'; '.join(lines[:most])}{more}; {advice}")
