"""A folder of pictures as a file: beside ``clip01/`` lies ``clip01.pictures``, with its rate.

Pictures have no times, so a folder of them needs to be told how many were taken a second.  Who
opens the file opens the folder at that rate.  It holds one object of JSON:
``{"folder": "clip01", "rate": 200.0}``; the folder lies beside it.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

from mescope.errors import VideoError
from mescope.io.atomic import write_atomically
from mescope.io.json_text import json_value

SUFFIX = ".pictures"
_MOST_BYTES = 10_000


def list_of(folder: Path) -> Path:
    """Return where the file for a folder lies."""
    return folder.with_name(folder.name + SUFFIX)


def write_list(folder: Path, rate: float) -> Path:
    """Write the file for a folder of pictures and return where it is.

    Raises:
        VideoError: the rate is none.
    """
    if not (math.isfinite(rate) and 0 < rate <= 100_000):
        raise VideoError(f"expected a rate above 0 frames/s, found {rate}")
    path = list_of(folder)
    text = json.dumps({"folder": folder.name, "rate": float(rate)}, ensure_ascii=False)
    write_atomically(path, text.encode("utf-8", "surrogateescape"))
    return path


def listed(path: Path) -> tuple[Path, float]:
    """Return the folder that a file stands for, and its frames per second.

    Raises:
        VideoError: it is another file, or names a folder that does not lie beside it.
    """
    try:
        with path.open("rb") as file:
            found = json_value(file.read(_MOST_BYTES).decode("utf-8", "surrogateescape"))
        name, rate = found["folder"], float(found["rate"])
        if not isinstance(name, str) or Path(name).name != name or name in ("", ".", ".."):
            raise ValueError("its folder is no plain name")
        if not (math.isfinite(rate) and rate > 0):
            raise ValueError(f"its rate is {rate}")
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise VideoError(
            f'{path.name}: expected {{"folder": "NAME", "rate": FRAMES_PER_SECOND}}, found '
            f"another file ({str(error)[:100]}); remove it and give the rate anew"
        ) from error
    folder = path.with_name(name)
    if folder.is_symlink() or not folder.is_dir():
        raise VideoError(f"{path.name}: expected the folder {name[:80]} beside it, found none")
    return folder, rate
