"""One training on several devices: a process for each, in which each has its share of a batch.

Lightning Fabric averages the gradients (DDP; NCCL between cards, gloo between CPUs).  The
processes leave nothing but the checkpoint of the run, which the first of them writes; whoever
called goes on from it, and finds the training finished.  So weights, cards and reports are made
in one place, whatever trained them.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from mescope.errors import MescopeError, RecipeError

_LOOK = 0.2  # seconds between two looks at whether every process lives

Told = Callable[..., None]
"""What a training calls after every batch, with plain numbers."""


def train_together(
    devices: Sequence[str],
    function: Callable[..., Any],
    arguments: Mapping[str, Any],
    report: Told | None = None,
) -> None:
    """Call a training in a process for each device, and wait until its checkpoint is finished.

    Args:
        devices: of one kind, such as ``cuda:0`` and ``cuda:1``, or ``cpu`` twice.
        function: of a module; called with ``arguments``, ``device`` and ``report``.
        arguments: travel through a file, from which arrays are mapped, not copied.
        report: called here with what the first process reports.

    Raises:
        MescopeError: whatever the training raises.
        RecipeError: a process was ended from outside.
    """
    from joblib import dump

    context = get_context("spawn")  # a process that has used a card cannot be forked
    told = context.Queue()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "arguments"
        dump((function, dict(arguments)), path)
        some = [
            context.Process(target=_process, args=(rank, tuple(devices), path, told))
            for rank in range(len(devices))
        ]
        try:
            for one in some:
                one.start()
            _wait(some, told, report)
        finally:
            for one in some:
                one.kill()
                one.join()


def _wait(some: Sequence[Any], told: Any, report: Told | None) -> None:
    """Pass on what is told until every process has ended well."""
    while True:
        alive = any(one.is_alive() for one in some)
        try:
            kind, what = told.get(timeout=_LOOK)
        except queue.Empty:
            if any(one.exitcode for one in some):
                raise RecipeError(
                    "a process of the training ended: from outside, most often because memory "
                    "ran out, or by an error that stands above; what was finished is kept: run "
                    "the same command again"
                ) from None
            if not alive:
                return
            continue
        if kind == "failed":
            raise what
        if report:
            report(*what)


def _process(rank: int, devices: tuple[str, ...], path: Path, told: Any) -> None:
    """Train as one of several; a known error is told to who waits."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # who waits says that it was interrupted
    size, loop = len(devices), "lo" if sys.platform == "linux" else "lo0"
    os.environ |= {
        "RANK": str(rank), "LOCAL_RANK": str(rank), "GROUP_RANK": "0",
        "WORLD_SIZE": str(size), "LOCAL_WORLD_SIZE": str(size),
        # Nobody outside this machine is to be heard, and nothing is said of unused weights.
        "GLOO_SOCKET_IFNAME": loop, "NCCL_SOCKET_IFNAME": loop, "TORCH_CPP_LOG_LEVEL": "ERROR",
    }  # fmt: skip
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    import torch
    from joblib import load

    from mescope.training import fit

    if devices[0] == "cpu":
        torch.set_num_threads(max(1, torch.get_num_threads() // size))
    function, arguments = load(path, mmap_mode="c")  # torch wants arrays that can be written

    def tell(*numbers: float) -> None:
        if rank == 0:
            told.put(("batch", numbers))

    fit.begin_together(devices, rank, path.with_name("meeting"))
    try:
        function(**arguments, device=devices[rank], report=tell)
        torch.distributed.barrier()
    except MescopeError as error:
        told.put(("failed", error))
        told.close()
        told.join_thread()  # what was told must have gone out before this process ends
        sys.exit(0)
    torch.distributed.destroy_process_group()
