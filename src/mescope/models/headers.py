"""Read the metadata of a safetensors file without believing what it says of itself.

Format: 8 bytes little-endian length, that many bytes of JSON, then the tensors' bytes.  A
hostile header can ask for terabytes: memory here is bounded by ``HEADER_MAX``.  Tensors that
overlap, leave gaps, lie outside the file or do not fit their type are refused by safetensors.
"""

from __future__ import annotations

import os
from pathlib import Path

from safetensors import SafetensorError, safe_open

from mescope.errors import WeightsError

SUFFIX = ".safetensors"
HEADER_MAX = 16 * 2**20  # bytes; our largest header has 60 kB

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


def read_metadata(path: Path) -> dict[str, str]:
    """Return the metadata of a safetensors file whose header is sound; reads no tensor.

    Raises:
        WeightsError: another format (pickles included), empty, truncated, or a header that
            safetensors refuses: not JSON, tensors that overlap, leave gaps or do not fit.
    """
    if path.suffix.lower() in _PICKLED:
        raise WeightsError(f"{path}: {path.suffix} weights may be a pickle; {_HINT}")
    try:
        with path.open("rb") as file:
            _check_length(file.read(8), os.fstat(file.fileno()).st_size, path)
        with safe_open(str(path), "np") as tensors:
            return dict(tensors.metadata() or {})
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read: {error.strerror}") from error
    except SafetensorError as error:
        reason = str(error).removeprefix("Error while deserializing header: ")
        raise WeightsError(f"{path}: truncated or damaged header: {reason}") from error


Shape = tuple[str, tuple[int, ...]]
"""Type as torch names it, and size, of one tensor."""

_TYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64",
    "I32": "int32", "I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "bool",
}  # fmt: skip


def read_shapes(path: Path) -> dict[str, Shape]:
    """Return name -> type and size of the tensors of a file; reads none of them.

    Raises:
        WeightsError: as :func:`read_metadata`.
    """
    read_metadata(path)
    try:
        with safe_open(str(path), "np") as tensors:
            slices = {name: tensors.get_slice(name) for name in tensors.keys()}  # noqa: SIM118
            return {
                name: (_TYPES.get(one.get_dtype(), one.get_dtype()), tuple(one.get_shape()))
                for name, one in slices.items()
            }
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path}: cannot be read as safetensors: {error}") from error


def words_of(shape: Shape) -> str:
    """Return a type and size in words.

    >>> words_of(("float32", (32, 5)))
    'float32 32x5'
    """
    return f"{shape[0]} {'x'.join(map(str, shape[1])) or 'scalar'}"


def _check_length(start: bytes, size: int, path: Path) -> None:
    """Refuse a length that cannot be true, and say what the file is instead."""
    length = int.from_bytes(start, "little")
    if len(start) == 8 and 2 <= length <= min(HEADER_MAX, size - 8):
        return
    for magic, kind in _MAGIC.items():
        if start.startswith(magic):
            raise WeightsError(f"{path}: expected safetensors, found {kind}; {_HINT}")
    if len(start) < 8:
        raise WeightsError(f"{path}: expected safetensors, found only {size} bytes")
    raise WeightsError(
        f"{path}: truncated or not safetensors: its header claims {length} bytes, at most "
        f"{min(HEADER_MAX, size - 8)} are possible; fetch the file again"
    )
