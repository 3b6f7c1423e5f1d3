"""Logs of training, written by the libraries that people already read them with."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any, Literal, cast, get_args

from mescope.errors import RecipeError

Log = Literal["none", "csv", "tensorboard"]


def checked_log(name: str) -> Log:
    """Return a kind of log from its name.

    Raises:
        RecipeError: there is no such kind.
    """
    for kind in get_args(Log):
        if kind == name:
            return cast(Log, kind)
    raise RecipeError(f"expected a log of {', '.join(get_args(Log))}, found {name!r}")


def logger(kind: Log, folder: Path) -> list[Any]:
    """Return Fabric's loggers of one kind that write into ``folder``/logs.

    Raises:
        RecipeError: TensorBoard is not installed.
    """
    from lightning_fabric.loggers.csv_logs import CSVLogger
    from lightning_fabric.loggers.tensorboard import TensorBoardLogger

    if kind == "none":
        return []
    if kind == "csv":
        return [CSVLogger(root_dir=folder, name="logs", flush_logs_every_n_steps=1)]
    if not any(importlib.util.find_spec(name) for name in ("tensorboard", "tensorboardX")):
        raise RecipeError(
            "expected TensorBoard to be installed, found neither tensorboard nor tensorboardX; "
            "`pip install tensorboard`, or log as csv"
        )
    return [TensorBoardLogger(root_dir=folder, name="logs")]
