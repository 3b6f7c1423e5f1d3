"""How far the memory of this process rose, for the benchmarks (Linux)."""

from __future__ import annotations

from pathlib import Path


def resident(name: str) -> float:
    """Return VmRSS (now) or VmHWM (the highest so far) of this process in MiB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    [line] = [line for line in status.splitlines() if line.startswith(name)]
    return int(line.split()[1]) / 1024


def forget_highest() -> None:
    """Let VmHWM begin anew at what is resident now."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
