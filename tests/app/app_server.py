"""A server over a real socket, and what tests ask it; analyses are made up by default."""

import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import uvicorn
from fake_analysis import made_up
from numbered_video import write_numbered

from mescope.app.connections import served
from mescope.app.downsampling import pack
from mescope.app.limits import Limits
from mescope.app.project import Project
from mescope.app.server import create_app
from mescope.app.worker import series
from mescope.reports.json import to_dict

LIMITS = Limits(
    upload_bytes=2_000_000, free_bytes=0, import_bytes=1_000_000, body_bytes=200_000,
    worker_memory=2 << 30, reader_seconds=120,
)  # fmt: skip


@dataclass
class Served:
    """A client, the folder and the project behind it."""

    client: httpx.Client
    folder: Path
    project: Project
    jobs: Any

    def add(self, name, frames=120):
        """Put a recording into the folder and return its id once it was looked at."""
        write_numbered(self.folder / name, frames)
        return self.known(name)

    def known(self, name):
        """Take in a file of the folder and return its id once it was looked at."""
        self.client.post("/api/recordings/rescan")
        return self.wait(name, lambda r: r["frames"] or r["error"])["id"]

    def wait(self, name, done, seconds=120):
        """Return the recording ``name`` as soon as ``done(recording)``."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = [r for r in self.client.get("/api/recordings").json() if r["name"] == name]
            if found and done(found[0]):
                return found[0]
            time.sleep(0.05)
        raise AssertionError(f"{name}: {found}")

    def analyzed(self, name):
        """Return the id of a recording with a finished (made-up) analysis."""
        identity = self.add(name)
        self.client.post(f"/api/recordings/{identity}/analyze")
        self.wait(name, lambda r: r["state"] in ("to review", "failed"))
        return identity

    def known_as_analyzed(self, name, made=made_up):
        """Return the id of a recording that has a (made-up) analysis; no worker runs for it."""
        identity = self.add(name)
        found = made(name)
        traces = pack(found.traces.frames, found.traces.times, series(found))
        self.project.keep_analysis(identity, to_dict(found, traces=False), traces)
        self.jobs.note_change(identity)
        return identity

    def judge(self, identity, action, mark=None, *, coder="ann", revision=None, **values):
        """Send a judgement; by default with the revision as it is."""
        url = f"/api/recordings/{identity}"
        if revision is None:
            revision = self.client.get(f"{url}/marks").json()["revision"]
        return self.client.post(
            f"{url}/events",
            json={"revision": revision, "coder": coder, "action": action, "mark": mark,
                  "values": values},
        )  # fmt: skip


@contextmanager
def serving(
    folder, analyze="fake_analysis:analyze", limits=LIMITS, port=0, patience=None, **options
):
    """Serve a folder over a real socket for as long as the block lasts."""
    ending = threading.Event()
    application = create_app(folder, analyze=analyze, limits=limits, ending=ending, **options)
    listening = socket.create_server(("127.0.0.1", port))
    config = served(application, patience)
    config.timeout_graceful_shutdown = 10  # they close at once, but a slow machine is slow
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    state = application._app.state
    try:
        with httpx.Client(base_url=address, timeout=120) as client:
            yield Served(client, Path(folder), state.project, state.jobs)
    finally:
        ending.set()
        server.should_exit = True
        thread.join(60)
        assert not thread.is_alive()


def decoded(answer):
    """Return the picture of an answer, (H, W, 3) RGB."""
    assert answer.status_code == 200, answer.text
    data = np.frombuffer(answer.content, np.uint8)
    return cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


SERVER = """
import sys
sys.path.insert(0, sys.argv.pop(1))
from app_server import serving
from pathlib import Path
with serving(Path(sys.argv[1]), port=int(sys.argv[2])) as one:
    print(one.client.base_url, flush=True)
    input()
"""


def begin(folder, port=0):
    """Start a server in a process of its own; return the process and a client."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(Path(__file__).parent), str(folder), str(port)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    return process, httpx.Client(base_url=process.stdout.readline().strip(), timeout=120)


def only(client, done, seconds=120):
    """Return the one recording of a project as soon as ``done(recording)``."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = client.get("/api/recordings").json()
        if found and done(found[0]):
            return found[0]
        time.sleep(0.05)
    raise AssertionError(found)
