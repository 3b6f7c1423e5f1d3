"""Rounds of faults: a command is killed, its disk is full, files vanish, and it runs again.

A prepared process, which has imported everything and computed nothing, forks for every run:
that saves the imports, and what is killed is a real process of its own, with SIGKILL.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import mescope.cli

DRAFT = re.compile(r"^\..*\.(tmp|part)$")
"""Hidden files of a write that was not finished; nobody reads them."""

_TIMES = (
    (re.compile(rb"\d{4}-\d\d-\d\d(T|, | )\d\d:\d\d(:\d\d(\.\d+)?)?([+-]\d\d:?\d\d|Z)?"), b"T"),
    (re.compile(rb'\\?"seconds\\?": [\d.e+-]+'), b'"seconds": S'),
    (re.compile(rb"urn:[a-z]+:[0-9a-f-]+"), b"urn"),
    (re.compile(rb"testing took [\d.,]+ [a-z]+"), b"S"),
)
"""What differs between two undisturbed runs: when they ran, and for how long."""


@dataclass(frozen=True)
class Command:
    """One command with its inputs.

    Attributes:
        name: for the table.
        words: of the command line, run in a folder of its own.
        prepare: makes the inputs in that folder.
        out: the folder of the results.
        results: patterns of files that may vanish and come again.
    """

    name: str
    words: tuple[str, ...]
    prepare: Callable[[Path], None]
    out: str
    results: tuple[str, ...]


@dataclass
class Outcome:
    """What became of the rounds of one command and one fault."""

    command: str
    fault: str
    rounds: int = 0
    faults: int = 0  # kills, full disks, files dropped
    equal: int = 0  # rounds that ended as the undisturbed run did
    drafts: int = 0  # hidden files that kills left
    edits: int = 0  # acknowledged, of the app
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Reference:
    """An undisturbed run: what it wrote, how long it took, how often it wrote."""

    files: dict[str, str]
    seconds: float
    writes: int
    bytes: int


def forked(
    work: Callable[[], int], log: Path, *, kill_after: float | None = None, limit: float = 300,
    tell: Callable[[int], None] | None = None,
) -> int:  # fmt: skip
    """Run ``work`` in a child of its own session; return its status, or minus the signal.

    ``tell`` is given the number of the process.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        status = 70
        try:
            os.setsid()
            handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(handle, 1)
            os.dup2(handle, 2)
            status = work()
        except BaseException:  # noqa: BLE001  # the child's last words
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    if tell is not None:
        tell(pid)
    started = time.monotonic()
    killed = False
    while True:
        done, code = os.waitpid(pid, os.WNOHANG)
        if done:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)  # workers of a child that was killed
            return os.waitstatus_to_exitcode(code)
        spent = time.monotonic() - started
        if not killed and spent > (limit if kill_after is None else kill_after):
            killed = True
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        time.sleep(0.005)


def run(
    command: Command, folder: Path, *, kill_after: float | None = None,
    die_at: int | None = None, count: Path | None = None,
) -> int:  # fmt: skip
    """Run a command in its folder.

    Args:
        command: what to run.
        folder: with its inputs.
        kill_after: SIGKILL after so many seconds.
        die_at: SIGKILL before so many syncs and renames are done, so between two files.
        count: file that gets the number of syncs and renames.
    """

    def work() -> int:
        os.chdir(folder)
        os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
        seen = itertools.count(1)
        last = [0]
        for name in ("fsync", "replace"):
            setattr(os, name, counted(getattr(os, name), seen, last, die_at))
        status = mescope.cli.run(list(command.words))
        if count is not None:
            count.write_text(str(last[0]))
        return status

    return forked(work, folder / "log.txt", kill_after=kill_after)


def counted(
    plain: Callable[..., None], seen: Iterator[int], last: list[int], die_at: int | None
) -> Callable[..., None]:
    """Return a function that counts, and ends the process at its turn."""

    def call(*words: object, **options: object) -> None:
        last[0] = next(seen)
        if last[0] == die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        plain(*words, **options)

    return call


def contents(folder: Path) -> dict[str, str]:
    """Return a digest of every file, without what tells the time of the run."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(plain(path)).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not DRAFT.match(path.name)
    }


def plain(path: Path) -> bytes:
    """Return the bytes of a file, without what tells the time of the run."""
    data = path.read_bytes()
    if path.suffix == ".safetensors":
        length = struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8 : 8 + length])
        return without_times(json.dumps(header, sort_keys=True).encode()) + data[8 + length :]
    return without_times(data) if path.suffix not in (".png", ".mp4", ".cache") else data


def without_times(data: bytes) -> bytes:
    """Replace times and durations."""
    for pattern, word in _TIMES:
        data = pattern.sub(word, data)
    return data


def reference(command: Command, home: Path) -> Reference:
    """Run a command undisturbed, twice: what differs then is no fault of anybody."""
    found = []
    for number in range(2):
        folder = home / f"reference-{number}"
        folder.mkdir(parents=True)
        forked(lambda folder=folder: command.prepare(folder) or 0, folder / "log.txt")
        started = time.monotonic()
        status = run(command, folder, count=folder / "count.txt")
        seconds = time.monotonic() - started
        if status:
            raise RuntimeError(f"{command.name}: {(folder / 'log.txt').read_text()[-2000:]}")
        size = sum(p.stat().st_size for p in (folder / command.out).rglob("*") if p.is_file())
        writes = int((folder / "count.txt").read_text())
        found.append(Reference(contents(folder / command.out), seconds, writes, size))
    if found[0].files != found[1].files:
        names = sorted(
            name for name in found[0].files | found[1].files
            if found[0].files.get(name) != found[1].files.get(name)
        )  # fmt: skip
        raise RuntimeError(f"{command.name}: two undisturbed runs differ in {names}")
    return found[1]


def fresh(home: Path, number: int) -> Path:
    """Return a folder with the inputs of the reference."""
    folder = home / f"round-{number}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copytree(home / "inputs", folder, dirs_exist_ok=True)
    return folder


def killed_rounds(
    command: Command, home: Path, whole: Reference, rounds: int, rng: random.Random
) -> Outcome:
    """Kill at a random time or at a random write, once or twice; then run to the end."""
    found = Outcome(command.name, "kill -9")
    for number in range(rounds):
        folder = fresh(home, number)
        for _ in range(rng.choice((1, 1, 2))):
            if rng.random() < 0.5:
                status = run(command, folder, kill_after=rng.uniform(0, whole.seconds))
            else:
                status = run(command, folder, die_at=rng.randint(1, max(1, whole.writes)))
            found.faults += status == -signal.SIGKILL
        finish(command, folder, whole, found)
        shutil.rmtree(folder)
    return found


def dropped_rounds(
    command: Command, home: Path, whole: Reference, rounds: int, rng: random.Random
) -> Outcome:
    """Let some of the results vanish after a whole or a killed run; then run to the end."""
    found = Outcome(command.name, "files vanish")
    for number in range(rounds):
        folder = fresh(home, number)
        run(command, folder, kill_after=rng.choice((None, rng.uniform(0, whole.seconds))))
        there = [p for pattern in command.results for p in (folder / command.out).glob(pattern)]
        for path in rng.sample(there, rng.randint(min(1, len(there)), len(there))):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
            found.faults += 1
        finish(command, folder, whole, found)
        shutil.rmtree(folder)
    return found


def full_rounds(
    command: Command, home: Path, whole: Reference, rounds: int, rng: random.Random
) -> Outcome:
    """Run on a disk that is too small, then with room; the first must end in words."""
    found = Outcome(command.name, "full disk")
    for number in range(rounds):
        folder = fresh(home, number)
        results = folder / command.out
        results.mkdir(parents=True)
        with small_disk(results, int(whole.bytes * rng.uniform(0.05, 0.9))) as grow:
            status = run(command, folder)
            found.faults += status != 0
            said = (folder / "log.txt").read_text()
            if "Traceback" in said:
                found.wrong.append(f"a traceback on a full disk: {said[-500:]}")
            grow()
            finish(command, folder, whole, found)
        shutil.rmtree(folder)
    return found


@contextlib.contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Callable[[], None]]:
    """Mount a small tmpfs on a folder; the function that comes back gives it room."""
    size = max(8192, size)
    mount("-t", "tmpfs", "-o", f"size={size}", "none", str(folder))
    try:
        yield lambda: mount("-o", "remount,size=512m", str(folder))
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def mount(*words: str) -> None:
    """Mount; raises where that is not allowed."""
    subprocess.run(["mount", *words], check=True, capture_output=True)


def can_mount(folder: Path) -> bool:
    """Say whether a tmpfs can be mounted here."""
    try:
        with small_disk(folder, 1 << 20):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


def finish(command: Command, folder: Path, whole: Reference, found: Outcome) -> None:
    """Run the same command to its end, and compare with the undisturbed run."""
    found.rounds += 1
    status = run(command, folder)
    results = folder / command.out
    now = contents(results)
    found.drafts += sum(bool(DRAFT.match(p.name)) for p in results.rglob("*"))
    if status == 0 and now == whole.files:
        found.equal += 1
        return
    differ = sorted(n for n in now | whole.files if now.get(n) != whole.files.get(n))
    said = (folder / "log.txt").read_text()[-600:]
    found.wrong.append(f"status {status}, other or missing: {differ[:5]}; {said}")
    print(f"{command.name}, {found.fault}: {found.wrong[-1]}", file=sys.stderr)
