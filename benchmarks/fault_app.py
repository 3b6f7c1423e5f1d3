"""Faults of the review app: its server and worker killed, its database locked, its disk full.

The server is a forked, prepared process on a real socket; edits are sent by HTTP, as a page
sends them, each with a key, and count as acknowledged once they were answered with 200.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import sqlite3
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from fault_rounds import Outcome, forked, small_disk

SERVED, WAIT = "recording.mp4", 120.0


def analyze(source: str, cache: Path, progress: Any, models: Any = ()) -> Any:
    """Stand for the analysis in the worker: half a second of work, one detection."""
    from mescope.analysis.evidence import explain
    from mescope.events import Detection, Interval
    from mescope.results import Analysis, Finding, Traces

    for step in range(20):
        progress(step + 1, 20)
        time.sleep(0.03)
    regions, n = ("BROW_L_20", "MOUTH_48"), 60
    found = Detection(
        interval=Interval(20, 30), kind="micro", score=0.8, apex=25, emotion="surprise",
        emotion_scores={"surprise": 0.9}, onset_s=0.8, apex_s=1.0, offset_s=1.2,
    )  # fmt: skip
    motion = np.array([[0.0, -2.0], [0.1, 0.0]])
    return Analysis(
        video={"name": Path(source).name, "rate": 25.0, "frames": n, "duration_s": n / 25},
        findings=(Finding(id="d1", detection=found, evidence=explain(motion, regions)),),
        traces=Traces(
            frames=np.arange(n), times=np.arange(n) / 25, spotting=np.full(n, 0.1),
            emotion=np.full((n, 5), 0.2), motion=np.ones((n, 2)), valid=np.ones(n, bool),
            regions=regions,
        ),
        provenance={"model": "made-up", "simulated": True},
    )  # fmt: skip


@dataclass
class Server:
    """A server in a process of its own.

    ``acknowledged`` are the notes of edits that were answered with 200; ``sent`` all of them.
    """

    folder: Path
    pid: int
    client: httpx.Client
    acknowledged: set[str] = field(default_factory=set)
    sent: set[str] = field(default_factory=set)
    refused: dict[int, int] = field(default_factory=dict)

    def identity(self) -> str:
        """Return the id of the one recording, once it was looked at."""
        return str(self.until(lambda one: one["frames"])["id"])

    def until(self, done: Callable[[dict[str, Any]], Any], seconds: float = WAIT) -> Any:
        """Return the recording as soon as ``done``."""
        end, one = time.monotonic() + seconds, None
        while time.monotonic() < end:
            with contextlib.suppress(httpx.HTTPError, ValueError):
                found = self.client.get("/api/recordings").json()
                one = found[0] if isinstance(found, list) and found else None
                if one and done(one):
                    return one
            time.sleep(0.05)
        raise TimeoutError(f"{one} did not come to it within {seconds:g} s")

    def edit(self, identity: str, key: str | None = None) -> bool:
        """Add a mark whose note names the edit; say whether it was acknowledged."""
        key = key or uuid.uuid4().hex
        self.sent.add(key)
        try:
            seen = self.client.get(f"/api/recordings/{identity}/marks")
            if seen.status_code != 200:
                self.refused[seen.status_code] = self.refused.get(seen.status_code, 0) + 1
                return False
            answer = self.client.post(
                f"/api/recordings/{identity}/events",
                json={"revision": seen.json()["revision"], "coder": "ann", "action": "add",
                      "key": key, "values": {"first": 3, "last": 9, "note": key}},
            )  # fmt: skip
        except httpx.HTTPError:
            return False
        if answer.status_code == 200:
            self.acknowledged.add(key)
            return True
        self.refused[answer.status_code] = self.refused.get(answer.status_code, 0) + 1
        return False

    def missing(self, identity: str) -> list[str]:
        """Return what is wrong with the kept edits: lost, or entered twice."""
        log = self.client.get(f"/api/recordings/{identity}/history").json()
        kept = [e["values"].get("note") for e in log if e["action"] == "add"]
        lost = [f"lost {key}" for key in self.acknowledged if key not in kept]
        twice = [f"twice {key}" for key in set(kept) if kept.count(key) > 1]
        return lost + twice + [f"unknown {key}" for key in kept if key not in self.sent]


@contextlib.contextmanager
def serving(folder: Path, port: int, log: Path) -> Iterator[Server]:
    """Serve a folder; whoever kills the server need not end it."""

    def work() -> int:
        import uvicorn

        from mescope.app.server import create_app

        sys.path.insert(0, str(Path(__file__).parent))
        ending = threading.Event()
        application = create_app(folder, analyze="fault_app:analyze", ending=ending)
        uvicorn.Server(
            uvicorn.Config(
                application, host="127.0.0.1", port=port, log_level="warning",
                timeout_graceful_shutdown=1,
            )
        ).run()  # fmt: skip
        return 0

    started: list[int] = []
    ends = threading.Thread(target=lambda: forked(work, log, limit=1e9, tell=started.append))
    ends.start()
    try:
        while not started:
            time.sleep(0.01)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            yield Server(folder, started[0], client)
    finally:
        with contextlib.suppress(ProcessLookupError, IndexError):
            os.killpg(started[0], signal.SIGKILL)
        ends.join()


def free_port() -> int:
    """Return a port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def prepared(home: Path) -> Path:
    """Make a project with one recording."""

    def make() -> int:
        from mescope.synthesis.encode import write_video
        from mescope.video.arrays import ArrayVideo

        pictures = np.random.default_rng(0).integers(0, 255, (60, 48, 64, 3)).astype(np.uint8)
        write_video(ArrayVideo(pictures, 25.0), folder / SERVED)
        return 0

    folder = home / "project"
    folder.mkdir()
    forked(make, home / "app-log.txt")
    return folder


def killed_server(home: Path, whole: Path, rng: random.Random, found: Outcome) -> None:
    """Kill the server while edits are sent, twice; all that was acknowledged is there."""
    folder = home / "app-round"
    shutil.copytree(whole, folder)
    acknowledged: set[str] = set()
    sent: set[str] = set()
    for _ in range(2):
        with serving(folder, free_port(), home / "app-log.txt") as server:
            server.acknowledged, server.sent = acknowledged, sent
            identity = server.identity()
            threading.Timer(
                rng.uniform(0.02, 1.0), os.killpg, (server.pid, signal.SIGKILL)
            ).start()
            while server.edit(identity) or alive(server.pid):
                pass
            found.faults += 1
    with serving(folder, free_port(), home / "app-log.txt") as server:
        server.acknowledged, server.sent = acknowledged, sent
        identity = server.identity()
        for key in sorted(sent - acknowledged):  # a page sends again what was not answered
            server.edit(identity, key)
        ended(found, server.missing(identity), len(acknowledged))
    shutil.rmtree(folder)


def killed_worker(server: Server, identity: str, rng: random.Random, found: Outcome) -> None:
    """Kill the worker in the middle; the job ends in words or begins again, and can be done."""
    server.client.post(f"/api/recordings/{identity}/analyze")
    server.until(lambda one: one["state"] != "new")
    time.sleep(rng.uniform(0.0, 1.5))
    workers = children(server.pid)
    for pid in workers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    found.faults += len(workers)
    one = server.until(lambda one: one["state"] in ("to review", "failed"))
    if one["state"] == "failed":
        server.client.post(f"/api/recordings/{identity}/analyze")
        one = server.until(lambda one: one["state"] == "to review")
    marks = server.client.get(f"/api/recordings/{identity}/marks").json()
    wrong = [] if len(marks["detections"]) == 1 else [f"{marks['detections']}"]
    ended(found, wrong, 1)


def locked(server: Server, identity: str, rng: random.Random, found: Outcome) -> None:
    """Hold the database in another program while an analysis ends and edits are sent."""
    server.client.post(f"/api/recordings/{identity}/analyze")
    database = next((server.folder / ".mescope").glob("*.sqlite"))
    other = sqlite3.connect(database, timeout=30, isolation_level=None)
    time.sleep(rng.uniform(0, 0.6))
    other.execute("BEGIN EXCLUSIVE")
    end = time.monotonic() + rng.choice((0.3, 1.0, 3.0, 12.0))
    found.faults += 1
    while time.monotonic() < end:
        server.edit(identity)
    other.execute("ROLLBACK")
    other.close()
    released = time.monotonic()
    wrong = []
    while not server.edit(identity):
        if time.monotonic() - released > 30:
            wrong.append("no edit is taken 30 s after the lock")
            break
    server.until(lambda one: one["state"] in ("to review", "failed"))
    ended(found, wrong + server.missing(identity), len(server.acknowledged))


def full(server: Server, identity: str, grow: Callable[[], None], found: Outcome) -> None:
    """Fill the disk with edits; they are refused, reads go on, and with room all goes on."""
    filler = server.folder / "filler"
    free = shutil.disk_usage(server.folder).free
    filler.write_bytes(b"\0" * max(0, free - 4096))
    for _ in range(40):
        if not server.edit(identity):
            found.faults += 1
            break
    reading = server.client.get(f"/api/recordings/{identity}/marks").status_code
    wrong = [] if reading == 200 else [f"marks answer {reading} on a full disk"]
    filler.unlink()
    grow()
    begun = time.monotonic()
    while not server.edit(identity):
        if time.monotonic() - begun > 30:
            wrong.append("no edit is taken 30 s after there is room")
            break
    ended(found, wrong + server.missing(identity), len(server.acknowledged))


def ended(found: Outcome, wrong: list[str], edits: int) -> None:
    """Count a round."""
    found.rounds += 1
    found.edits += edits
    found.equal += not wrong
    if wrong:
        found.wrong.append("; ".join(wrong)[:500])
        print(f"{found.command}, {found.fault}: {found.wrong[-1]}", file=sys.stderr)


def children(pid: int) -> list[int]:
    """Return the processes that a process started, and those that they started."""
    found, todo = [], [pid]
    while todo:
        here = todo.pop()
        for task in Path(f"/proc/{here}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                inner = [int(word) for word in task.read_text().split()]
                found += inner
                todo += inner
    return found


def alive(pid: int) -> bool:
    """Say whether a process runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except OSError:
        return False


def app_rounds(
    home: Path, rounds: int, seed: int, mounts: bool, only: list[str] | None
) -> Iterator[Outcome]:
    """Yield what became of every kind of fault of the app."""
    whole = prepared(home)
    rng = random.Random(f"{seed} app")
    if only is None or "app server" in only:
        found = Outcome("app server", "kill -9 during edits")
        for _ in range(rounds):
            killed_server(home, whole, rng, found)
        yield found
    for name, fault, one_round in (
        ("app worker", "kill -9 of all child processes", killed_worker),
        ("app database", "another program holds it", locked),
    ):
        if only is None or name in only:
            found = Outcome(name, fault)
            folder = home / name.replace(" ", "-")
            shutil.copytree(whole, folder)
            with serving(folder, free_port(), home / "app-log.txt") as server:
                identity = server.identity()
                for _ in range(rounds):
                    one_round(server, identity, rng, found)
            yield found
    if mounts and (only is None or "app disk" in only):
        found = Outcome("app disk", "full")
        folder = home / "app-disk"
        folder.mkdir()
        for _ in range(rounds):
            with small_disk(folder, 8 << 20) as grow:
                shutil.copytree(whole, folder, dirs_exist_ok=True)
                with serving(folder, free_port(), home / "app-log.txt") as server:
                    full(server, server.identity(), grow, found)
        yield found
