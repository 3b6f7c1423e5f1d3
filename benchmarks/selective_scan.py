"""Time and memory of the selective scan against plain torch and mambapy, in one run.

    python benchmarks/selective_scan.py [--rounds 3]

``reference`` goes step by step, ``chunked`` is what runs where there is no kernel.  All compute
the same scan in float32 with the same threads.  Each round gives every side
five runs in a row, of which the first, whose caches the side before has filled, does not count;
times are medians.  Memory is how far the resident set of a fresh process rises above
what inputs and libraries take, at its highest.  mambapy (PyPI) is run as its own Mamba block
runs it: two (b, l, d, n) tensors and its parallel scan.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from mambapy.pscan import pscan
from torch import Tensor

from mescope.ops.selective_scan import backend_in_use, selective_scan

# b, d, l, n
SHAPES = (
    (32, 128, 50, 64), (1, 256, 4096, 16), (1, 128, 2000, 64), (1, 48, 3137, 16),
    (1, 384, 3137, 16),
)  # fmt: skip


def mambapy(u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor) -> Tensor:
    decay = torch.exp(delta.unsqueeze(-1) * A)
    gain = delta.unsqueeze(-1) * B.unsqueeze(2) * u.unsqueeze(-1)
    return (pscan(decay, gain) @ C.unsqueeze(-1)).squeeze(3) + D * u


def fused(*args: Tensor) -> Tensor:
    return selective_scan(*args, backend="numba")


def chunked(*args: Tensor) -> Tensor:
    return selective_scan(*args, backend="chunked")


def reference(*args: Tensor) -> Tensor:
    return selective_scan(*args, backend="reference")


SIDES: dict[str, Callable[..., Tensor]] = {
    "fused": fused,
    "mambapy": mambapy,
    "chunked": chunked,
    "reference": reference,
}


def inputs(b: int, d: int, length: int, n: int) -> list[Tensor]:
    torch.manual_seed(0)
    delta = torch.nn.functional.softplus(torch.randn(b, length, d) - 2)
    made = [torch.randn(b, length, d), delta, -torch.rand(d, n) * 8 - 0.1]
    made += [torch.randn(b, length, n), torch.randn(b, length, n), torch.randn(d)]
    return [t.requires_grad_() for t in made]


def once(side: str, args: list[Tensor], backward: bool) -> float:
    """Return the seconds of one run."""
    start = time.perf_counter()
    if backward:
        torch.autograd.grad(SIDES[side](*args).sum(), args)
    else:
        with torch.no_grad():
            SIDES[side](*args)
    return time.perf_counter() - start


def resident(name: str) -> float:
    """Return VmRSS (now) or VmHWM (the highest so far) of this process in MiB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    [line] = [line for line in status.splitlines() if line.startswith(name)]
    return int(line.split()[1]) / 1024


def child(side: str, backward: bool, shape: tuple[int, ...]) -> None:
    once(side, inputs(1, 64, 64, 8), backward)  # compile and load before the count starts
    args = inputs(*shape)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forget the highest so far
    before = resident("VmRSS")
    once(side, args, backward)
    print(resident("VmHWM") - before)


def memory(side: str, backward: bool, shape: tuple[int, ...]) -> float:
    words = [sys.executable, __file__, "--child", side, str(int(backward)), *map(str, shape)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return float(done.stdout)


def compare(shape: tuple[int, ...], backward: bool, rounds: int) -> None:
    args = inputs(*shape)
    times: dict[str, list[float]] = {side: [] for side in SIDES}
    for _ in range(rounds):
        for side in SIDES:
            once(side, args, backward)
            times[side] += [once(side, args, backward) for _ in range(4)]
    middle = {side: statistics.median(taken) for side, taken in times.items()}
    peak = {side: memory(side, backward, shape) for side in SIDES}
    for side in SIDES:
        print(
            f"{shape!s:21} {'fwd+bwd' if backward else 'forward':8} {side:10}"
            f"{middle[side] * 1e3:9.1f} {middle[side] / middle['fused']:8.1f}"
            f"{peak[side]:10.1f} {peak['fused'] / peak[side]:8.3f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    start = time.perf_counter()
    print(f"back end {backend_in_use('scan')}, ready in {time.perf_counter() - start:.1f} s, "
          f"{torch.get_num_threads()} threads")  # fmt: skip
    print("(b, d, l, n)          pass     side             ms  / fused       MiB  fused /")
    for shape in SHAPES:
        for backward in (False, True):
            compare(shape, backward, rounds)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], sys.argv[3] == "1", tuple(map(int, sys.argv[4:])))
    else:
        main()
