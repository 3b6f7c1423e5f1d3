"""Check a safetensors header before a single one of its numbers is believed.

Format: 8 bytes little-endian length, that many bytes of JSON, then the tensors' bytes.  A
hostile or damaged header can ask for terabytes, let tensors overlap or hide bytes; memory here
is bounded by ``HEADER_MAX`` whatever the file says.
"""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any, TypeGuard

from mescope.errors import WeightsError

SUFFIX = ".safetensors"
HEADER_MAX = 16 * 2**20  # bytes; our largest header has 60 kB

_BYTES = {"F32": 4, "I64": 8}  # dtypes that mescope writes
_PICKLED = (".pt", ".pth", ".pkl", ".pickle", ".bin", ".ckpt", ".joblib")
_MAGIC = {
    b"\x80": "a pickle",
    b"PK\x03\x04": "a zip archive, most likely a pickled PyTorch checkpoint",
    b"\x93NUMPY": "a NumPy array",
    b"\x89HDF": "an HDF5 file",
    b"\x1f\x8b": "a gzip file",
}
_HINT = (
    "it was not opened, because unpickling runs code; convert it where you trust it, with "
    "torch.load(..., weights_only=True) and mescope.models.weights.save"
)


def read_header(path: Path) -> tuple[dict[str, Any], int]:
    """Return the parsed header and the number of bytes that follow it.

    Raises:
        WeightsError: another format (pickles included), empty, truncated, or not JSON.
    """
    if path.suffix.lower() in _PICKLED:
        raise WeightsError(f"{path}: {path.suffix} weights may be a pickle; {_HINT}")
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            start = file.read(8)
            length = _header_length(start, size, path)
            text = file.read(length)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read: {error.strerror}") from error
    return _parse(text, path), size - 8 - length


def _header_length(start: bytes, size: int, path: Path) -> int:
    length = int.from_bytes(start, "little")
    if len(start) == 8 and 2 <= length <= min(HEADER_MAX, size - 8):
        return length
    for magic, kind in _MAGIC.items():
        if start.startswith(magic):
            raise WeightsError(f"{path}: expected safetensors, found {kind}; {_HINT}")
    if len(start) < 8:
        raise WeightsError(f"{path}: expected safetensors, found only {size} bytes")
    raise WeightsError(
        f"{path}: truncated or not safetensors: its header claims {length} bytes, at most "
        f"{min(HEADER_MAX, size - 8)} are possible; fetch the file again"
    )


def _parse(text: bytes, path: Path) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        if len(set(names)) != len(names):
            raise ValueError("a name occurs twice")
        return dict(pairs)

    try:
        header = json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: the header is not valid JSON: {error}") from error
    if not isinstance(header, dict) or not isinstance(header.get("__metadata__", {}), dict):
        raise WeightsError(f"{path}: the header must be a JSON object with metadata")
    return header


def check_header(header: dict[str, Any], payload: int, path: Path) -> None:
    """Refuse tensors that overlap, leave gaps, lie outside the file or have odd types.

    Args:
        header: as :func:`read_header` returns it.
        payload: bytes of the file behind the header.
        path: for the message.

    Raises:
        WeightsError: naming the tensor at fault.
    """
    spans = sorted(
        (*_span(name, entry, path), name)
        for name, entry in header.items()
        if name != "__metadata__"
    )
    end = 0
    for first, last, name in spans:
        if first != end:
            problem = "overlaps the one before it" if first < end else "leaves a gap before it"
            raise WeightsError(f"{path}: damaged header: tensor {name} {problem}")
        end = last
    if end != payload:
        raise WeightsError(
            f"{path}: truncated or damaged: tensors need {end} bytes, the file has {payload}"
        )


def _span(name: str, entry: object, path: Path) -> tuple[int, int]:
    """Return the byte range of one tensor after checking its type, shape and size."""
    fields = entry if isinstance(entry, dict) else {}
    dtype, shape = fields.get("dtype"), fields.get("shape")
    offsets = fields.get("data_offsets")
    if not _whole_numbers(shape) or not _whole_numbers(offsets) or len(offsets) != 2:
        raise WeightsError(f"{path}: damaged header: tensor {name} has no shape or offsets")
    if not isinstance(dtype, str) or dtype not in _BYTES:
        raise WeightsError(
            f"{path}: tensor {name} has type {dtype!s:.20}, expected {' or '.join(_BYTES)}"
        )
    first, last = offsets
    if last - first != math.prod(shape) * _BYTES[dtype]:
        raise WeightsError(f"{path}: damaged header: size of tensor {name} does not fit")
    return first, last


def _whole_numbers(value: object) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(
        isinstance(number, int) and not isinstance(number, bool) and number >= 0
        for number in value
    )
