"""Losses as an offline run of Weights & Biases."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning_fabric.loggers.logger import Logger
from lightning_fabric.utilities.rank_zero import rank_zero_only


class OfflineRun(Logger):
    """A logger of Fabric that writes ``wandb/offline-run-*`` into a folder, and sends nothing.

    The run begins with the first number and ends with :meth:`finalize`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._run = folder, None

    @property
    def name(self) -> str:
        """What runs are grouped by."""
        return "mescope"

    @property
    def version(self) -> str:
        """What this run is called."""
        return self._folder.name

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Write what an epoch ended with."""
        self._started().log(dict(metrics), step=step)

    @rank_zero_only
    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Write what was chosen beforehand."""
        self._started().config.update(dict(params), allow_val_change=True)

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """End the run."""
        if self._run is not None:
            self._run.finish(exit_code=0 if status == "success" else 1)
            self._run = None

    def _started(self) -> Any:
        if self._run is None:
            import wandb

            self._run = wandb.init(
                mode="offline", dir=self._folder, project=self.name, name=self.version,
                settings=wandb.Settings(silent=True, console="off"), reinit="create_new",
            )  # fmt: skip
        return self._run
