"""Which files of weights are meant by a name, a path, a folder, or several; reads none."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from mescope.errors import WeightsError
from mescope.io.natural_order import natural
from mescope.models.headers import SUFFIX
from mescope.registry import suggestion

Given = str | Path | Sequence[str | Path]
"""A shipped name, a file, a folder of files, or several of these."""


def list_weights() -> dict[str, Path]:
    """Return name -> file of the weights that come with mescope.

    Example:
        >>> sorted(list_weights())
        ['ammsm-s28-dense-simulated', 'me-tst-plus-cascade', 'me-tst-plus-small', 'merba-s28']
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


def weight_files(given: Given) -> list[Path]:
    """Return the files that are meant, those of a folder in natural order.

    Raises:
        WeightsError: unknown name, missing file, or a folder without weights.
    """
    several = [given] if isinstance(given, str | Path) else list(given)
    found: list[Path] = []
    for one in several:
        folder = Path(one)
        if not folder.is_dir() or str(one) in list_weights():
            found.append(find(one))
            continue
        inside = [p for p in folder.iterdir() if p.suffix == SUFFIX and p.is_file()]
        if not inside:
            raise WeightsError(
                f"{folder}: expected {SUFFIX} files of one family in this folder, found none; "
                "`mescope models import` makes them of published checkpoints"
            )
        found += sorted(inside, key=lambda p: natural(p.name))
    if not found:
        raise WeightsError("expected weights, found no name and no file")
    return found
