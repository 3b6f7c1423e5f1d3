"""Train a task from the start, or from where its checkpoint stands."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from mescope.models.averaged import Averaged
from mescope.models.recompute import recompute
from mescope.training.checkpoint import Checkpointer
from mescope.training.fit import Report, fit, is_first, one_device, products
from mescope.training.logs import LOGS, Log, logger

if TYPE_CHECKING:
    # A task imports this file, and no file may need one that needs it.
    from mescope.training.tasks.base import LoopTask


def train_task(
    task: LoopTask,
    *,
    device: str = "cpu",
    until: int | None = None,
    checkpointer: Checkpointer | None = None,
    log: Log = "none",
    log_folder: Path | None = None,
    after_epoch: Callable[[int], None] | None = None,
    report: Report | None = None,
    stop: Callable[[], bool] | None = None,
) -> None:
    """Train in place.

    Args:
        task: what is trained, on what, by which loss.
        device: a torch device.
        until: stop before this epoch, everything else being as for all of them.
        checkpointer: writes a checkpoint after every epoch, and goes on from one.
        log: also write the loss of every epoch.
        log_folder: for it; by default ``logs`` in the checkpointer's folder.
        after_epoch: called with the epoch's number, before the checkpoint is written, which
            keeps what this changed in the checkpointer's companions.
        report: called after every batch with the batches done and the loss.
        stop: asked before every epoch; no further one is trained once it says so.

    Raises:
        RecipeError: the loss is not a number, or the checkpoint is another recipe's.
    """
    if task.recompute:
        recompute(task.module)
    first = checkpointer.restore(task.kept, task.optimizer) if checkpointer else 0
    mean = task.kept if isinstance(task.kept, Averaged) else None
    done = task.steps_before(first)

    def look(epoch: int, entry: dict[str, float]) -> None:
        if after_epoch:
            with mean.settled() if mean else nullcontext():
                after_epoch(epoch)
        if checkpointer:
            checkpointer.keep(task.kept, task.optimizer, entry)

    def after_step() -> None:
        task.after_step()
        if mean:
            mean.follow()

    where = log_folder or (checkpointer.path.parent / LOGS if checkpointer else None)
    loggers = logger(log, where) if where and is_first() else []
    with products(task.precision):
        fit(
            task.module, task.optimizer, task.batches, task.loss,
            epochs=task.epochs if until is None else until, first=first, seed=task.seed,
            fabric=one_device(device, loggers=loggers, precision=task.precision),
            schedule=task.schedule(done), clip_norm=task.clip_norm,
            accumulate=task.accumulate, compiled=task.compiled,
            after_step=after_step, after_epoch=look, stop=stop,
            report=report and (lambda now, loss: report(done + now, loss)),
        )  # fmt: skip
    for one in loggers:
        one.finalize("success")
    task.finish()
