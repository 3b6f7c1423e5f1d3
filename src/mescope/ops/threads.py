"""Tasks of a CPU kernel on plain Python threads.

Numba's own parallel layers are not used because they abort the process on concurrent calls
(workqueue) or after a fork (OpenMP); kernels release the interpreter lock instead.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch

_INLINE = 100_000  # below this much work a thread costs more than it saves
_pools: dict[tuple[int, int], ThreadPoolExecutor] = {}


def run(
    task: Callable[[int, int, int, int], None],
    tasks: Sequence[tuple[int, int, int, int]],
    work: int,
) -> None:
    """Call ``task(*item)`` for every item, on at most ``torch.get_num_threads()`` threads.

    ``work`` is about the number of inner steps of all tasks together; where it is small, all
    run on the calling thread.  How the work is cut into tasks must not depend on the number of
    threads, so that results do not.
    """
    threads = min(torch.get_num_threads(), len(tasks))
    if threads == 1 or work < _INLINE:
        for item in tasks:
            task(*item)
        return
    key = (os.getpid(), threads)  # a forked child has no threads: it makes its own pool
    pool = _pools.get(key)
    if pool is None:
        pool = _pools.setdefault(key, ThreadPoolExecutor(threads - 1, "mescope-kernel"))
    share = -(-len(tasks) // threads)

    def work_off(start: int) -> None:
        for item in tasks[start : start + share]:
            task(*item)

    others = [pool.submit(work_off, start) for start in range(share, len(tasks), share)]
    work_off(0)  # here, rather than wait
    for one in others:
        one.result()
