"""NumPy's files of arrays, whose headers one thread at a time reads.

NumPy reads headers with ``ast.literal_eval``.  Up to Python 3.11.7 two threads in it may end
each other with "SystemError: AST constructor recursion depth mismatch" when objects are
collected meanwhile (CPython issue 106905), and caches are read by several threads.
"""

from __future__ import annotations

import io
import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_alone = threading.Lock()


def read_arrays(payload: bytes) -> dict[str, NDArray[Any]]:
    """Return the arrays in the bytes of an .npz file by name; no pickles.

    Raises:
        ValueError: it is damaged, or holds objects.
        zipfile.BadZipFile: it is no archive.
    """
    with _alone, np.load(io.BytesIO(payload), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def map_array(path: Path) -> NDArray[Any]:
    """Return the array in an .npy file, mapped read-only; no pickles.

    Raises:
        OSError: it is gone.
        ValueError: it is damaged, or holds objects.
    """
    with _alone:
        mapped: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return mapped
