"""Which devices there are, and which of them a process of several gets.

A device is named as torch names it: ``cpu``, ``cuda`` (the first card), ``cuda:1``, ``mps``;
``auto`` is the first card, or the CPU where there is none.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from pathlib import Path

from mescope.errors import MescopeError
from mescope.io.lock import take

_NAME = re.compile(r"cpu|mps|cuda(:\d{1,3})?")
_EXPECTED = "expected cpu, cuda, a card such as cuda:1, mps or auto"
_WAIT = 0.05  # seconds between two looks for a device that another process gives back

_held: dict[str, tuple[int, str]] = {}
"""What this process holds, by the folder of the run: an open file, and its device."""


def cards() -> tuple[str, ...]:
    """Return the names of the cards that torch sees, such as ``cuda:0``."""
    import torch

    return tuple(f"cuda:{number}" for number in range(torch.cuda.device_count()))


def checked_device(name: str) -> str:
    """Return one device that is there; nothing is imported for the CPU.

    Raises:
        MescopeError: there is no such device here, in words that say what there is.
    """
    if name == "auto":
        return "cuda" if cards() else "cpu"
    if not _NAME.fullmatch(name):
        raise MescopeError(f"unknown device {name!r}; {_EXPECTED}")
    if name.startswith("cuda"):
        _check_card(name, cards())
    if name == "mps":
        import torch

        if not torch.backends.mps.is_available():
            raise MescopeError("device mps was asked for, but torch sees none here; use cpu")
    return name


def _check_card(name: str, there: Sequence[str]) -> None:
    if not there:
        raise MescopeError(f"device {name} was asked for, but torch sees no GPU; use cpu")
    if ":" in name and name not in there:
        some = "1 GPU" if len(there) == 1 else f"{len(there)} GPUs"
        raise MescopeError(
            f"device {name} was asked for, but torch sees {some} ({', '.join(there)}); name "
            "one of them"
        )


def checked_devices(names: str) -> tuple[str, ...]:
    """Return the devices of a list with commas, each checked; ``cpu,cpu`` are two processes.

    >>> checked_devices("cpu,cpu")
    ('cpu', 'cpu')

    Raises:
        MescopeError: one of them is not there, or a card is named twice.
    """
    found = tuple(checked_device(name.strip()) for name in names.split(","))
    several = [name for name in set(found) if name != "cpu" and found.count(name) > 1]
    mixed = len({name.split(":")[0] for name in found}) > 1
    if several or mixed or (len(found) > 1 and "cuda" in found):
        raise MescopeError(
            f"expected different cards of one kind with their numbers, such as cuda:0,cuda:1, "
            f"found {names!r}"
        )
    return found


def devices_for_jobs(names: str, *, here: bool = True) -> tuple[str, ...]:
    """Return the devices over which independent jobs are spread; ``cuda`` is every card.

    Args:
        names: as for :func:`checked_devices`.
        here: the jobs run on this machine.  Elsewhere a job is shown one card and no other.

    Raises:
        MescopeError: as :func:`checked_devices`, or a card of another machine has a number.
    """
    if not here and names.startswith("cuda"):
        if names != "cuda":
            raise MescopeError(
                f"expected --device cuda, found {names}: Ray itself gives every job a card"
            )
        return (names,)
    found = checked_devices(names)
    return cards() if found == ("cuda",) else found


def spread(devices: Sequence[str], processes: int) -> tuple[str, ...]:
    """Return the device of every process: each is given one before any is given a second.

    >>> spread(["cuda:0", "cuda:1"], 2), spread(["cuda:0", "cuda:1"], 3), spread(["cpu"], 2)
    (('cuda:0', 'cuda:1'), ('cuda:0', 'cuda:1', 'cuda:0'), ('cpu', 'cpu'))
    """
    return tuple(devices[number % len(devices)] for number in range(processes))


def claimed(folder: str, devices: Sequence[str]) -> str:
    """Return the device that is this process's own for as long as it lives.

    Each of ``len(devices)`` processes gets another entry of the list: it holds a lock on a
    file, which the system gives back when the process ends, so that one which takes the place
    of a dead one gets its device.

    Args:
        folder: of the run; the same for all its processes.
        devices: one for each process; the same list for all.
    """
    while folder not in _held:
        for number, device in enumerate(devices):
            handle = os.open(Path(folder) / f"{number}.lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                take(handle)
            except OSError:
                os.close(handle)
                continue
            _held[folder] = handle, device
            break
        else:
            time.sleep(_WAIT)
    return _held[folder][1]
