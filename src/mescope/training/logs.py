"""Logs of training, written by the libraries that people already read them with.

Nothing leaves this machine: Weights & Biases runs offline, and who wants its run on a server
sends the folder with ``wandb sync``.
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from mescope.errors import OutputError, RecipeError

if TYPE_CHECKING:
    from lightning_fabric.loggers.logger import Logger

Log = Literal["none", "csv", "tensorboard", "wandb"]

LOGS = "logs"
"""Folder within a run that its logs go into."""

_NEEDS = {"tensorboard": ("tensorboard", "tensorboardX"), "wandb": ("wandb",)}
_INSTALL = {"tensorboard": "TensorBoard", "wandb": "Weights & Biases"}


def checked_log(name: str) -> Log:
    """Return a kind of log from its name, if what it needs is installed.

    Raises:
        RecipeError: there is no such kind, or its package is not installed.
    """
    if name not in get_args(Log):
        raise RecipeError(f"expected a log of {', '.join(get_args(Log))}, found {name!r}")
    kind, needed = cast(Log, name), _NEEDS.get(name, ())
    if needed and not any(importlib.util.find_spec(package) for package in needed):
        raise RecipeError(
            f"expected {_INSTALL[kind]} to be installed, found no {' or '.join(needed)}; "
            f"`pip install {needed[0]}`, or log as csv"
        )
    return kind


def check_log(kind: Log, out: str | Path | None) -> Log:
    """Return a kind of log that can be written, before anything is trained.

    Raises:
        RecipeError: there is no folder for it, no such kind, or its package is not installed.
    """
    if checked_log(kind) != "none" and out is None:
        raise RecipeError(f"a log ({kind}) goes into the folder of a run; give out=FOLDER")
    return kind


def logger(kind: Log, folder: Path) -> list[Logger]:
    """Return Fabric's loggers of one kind that write into a folder.

    Raises:
        RecipeError: the package is not installed.
        OutputError: the folder cannot be written.
    """
    from lightning_fabric.loggers.csv_logs import CSVLogger
    from lightning_fabric.loggers.tensorboard import TensorBoardLogger

    where: dict[str, Any] = {"root_dir": folder.parent, "name": folder.name}
    if checked_log(kind) == "none":
        return []
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error}") from error
    if kind == "csv":
        return [CSVLogger(**where, flush_logs_every_n_steps=1)]
    if kind == "wandb":
        from mescope.training.wandb_log import OfflineRun

        return [OfflineRun(folder)]
    return [TensorBoardLogger(**where)]


def fold_log(out: Path | None, seed: int, fold: str) -> Path | None:
    """Return the folder for the log of one fold and seed of an evaluation in ``out``.

    >>> fold_log(Path("runs/a"), 0, "casme2/01").as_posix()
    'runs/a/logs/seed-0/casme2-01'
    """
    return (
        None if out is None else out / LOGS / f"seed-{seed}" / re.sub(r"[^\w.+-]+", "-", fold)
    )
