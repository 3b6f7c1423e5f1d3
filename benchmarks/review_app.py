"""How fast the review app answers: many recordings, a two-hour analysis, many marks, frames.

    python benchmarks/review_app.py [--recordings 500] [--marks 100000] [--clients 20]
        [--seconds 20] [--requests 10000] [--browser [--openings 5]]

Everything is made up but the server, its database and, for frames, small videos of noise.
The clients run in a process of their own: each reviews a recording of its own, steps through
neighbouring frames and jumps.  ``--browser`` also opens the two hours in Chromium some times,
and says when their marks are drawn, when keys answer and when the curves come; then it pans the
timeline and counts the pictures.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import multiprocessing
import os
import random
import shutil
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import uvicorn

from mescope.app.connections import served
from mescope.app.downsampling import pack
from mescope.app.project import Project
from mescope.app.records import StoredRecording, VideoFacts
from mescope.app.review_mark import detection
from mescope.app.server import create_app
from mescope.synthesis.encode import write_video
from mescope.video.arrays import ArrayVideo

RATE, HOURS = 60, 2
SERIES = 24


def fill(project: Project, recordings: int, marks: int) -> None:
    """Put made-up recordings into a project; the first has two hours of traces."""
    n = RATE * 3600 * HOURS
    facts = VideoFacts(
        seconds=3600.0 * HOURS, rate=float(RATE), frames=n, width=1920, height=1080
    )
    rng = np.random.default_rng(0)
    traces = pack(
        np.arange(n), np.arange(n) / RATE,
        {f"s{i}": rng.random(n).astype(np.float32) for i in range(SERIES)},
    )  # fmt: skip
    (project.home / "analyses" / "long.npz").write_bytes(traces)
    for number in range(recordings):
        identity = f"{number:012x}"
        project.store.add_recording(
            StoredRecording(id=identity, name=f"r{number:04}", path=f"r{number:04}.mp4", size=1,
                      mtime_ns=1, sha256=None, fingerprint=None, added="", facts=facts,
                      error=None)
        )  # fmt: skip
        count = marks if number == 0 else 100
        at = np.sort(rng.choice(n - 40, count, replace=False))
        found = [detection(i, int(a), int(a) + 9, int(a) + 20, emotion="surprise",
                           confidence=0.5).to_json() for i, a in enumerate(at)]  # fmt: skip
        project.store.add_analysis(identity, {"marks": found, "provenance": {}}, "long.npz")
        project.store.add_event(identity, None, "", "analyzed")
        (project.home / "times" / f"{identity}.f8").write_bytes((np.arange(n) / RATE).tobytes())


@contextmanager
def serving(folder: Path) -> Iterator[tuple[httpx.Client, Project]]:
    """Serve a folder."""
    application = create_app(folder, analyze="none:none")
    # With the number of the protocol asyncio knows that it is TCP, and sends at once.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(served(application))
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}") as client:
        client.timeout = 300
        yield client, application._app.state.project
    server.should_exit = True
    thread.join()


Call = Callable[[httpx.Client], httpx.Response]


def timed(client: httpx.Client, what: str, calls: Sequence[Call]) -> None:
    """Print first and median time of calls in ms."""
    spent = []
    for call in calls:
        start = time.perf_counter()
        answer = call(client)
        spent.append(1000 * (time.perf_counter() - start))
        assert answer.status_code == 200, answer.text[:300]
    first, rest = spent[0], statistics.median(spent[1:] or spent)
    size = len(answer.content)
    print(f"{what:44} first {first:8.1f} ms, then {rest:8.1f} ms, {size:>10,} bytes")


def listed(client: httpx.Client, name: str) -> str:
    """Return the id of a recording once it was looked at."""
    client.post("/api/recordings/rescan")
    while True:
        for one in client.get("/api/recordings").json():
            if one["name"] == name and one["frames"]:
                return str(one["id"])
        time.sleep(0.05)


def measure_frames(client: httpx.Client, folder: Path) -> None:
    """Time frames of a noisy video of five seconds."""
    cells = np.random.default_rng(0).integers(0, 255, (8, 90, 160, 3), np.uint8)
    pictures = np.repeat(np.repeat(cells, 8, 1), 8, 2)[np.arange(300) % 8]
    write_video(ArrayVideo(pictures, 60.0), folder / "frames.mp4")
    url = f"/api/recordings/{listed(client, 'frames.mp4')}/frames"
    for what, numbers in (
        ("frames forward, 1280x720", range(100, 160)),
        ("frames backward", range(90, 40, -1)),
        ("frames anywhere", [7, 288, 31, 170, 260, 5, 222]),
    ):
        timed(client, what, [lambda c, n=n: c.get(f"{url}/{n}.jpg") for n in numbers])


def _review(port: int, identity: str, frames: int, until: float, think: float) -> list[float]:
    """Step through a recording and jump, as one who reviews; return ms of every frame."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    draw, spent = random.Random(identity), []
    while time.monotonic() < until:
        n, step = draw.randrange(frames), draw.choice((1, 1, 1, -1))
        for k in range(draw.randrange(8, 24)):
            at = min(frames - 1, max(0, n + k * step))
            start = time.perf_counter()
            line.request("GET", f"/api/recordings/{identity}/frames/{at}.jpg?width=1280")
            answer = line.getresponse()
            answer.read()
            assert answer.status == 200, answer.status
            spent.append(1000 * (time.perf_counter() - start))
            time.sleep(think)
    return spent


def _clients(
    port: int, ids: list[str], frames: int, seconds: float, think: float, told: Any
) -> None:
    """Review several recordings at once; runs in a process of its own."""
    until, spent = time.monotonic() + seconds, []
    threads = [
        threading.Thread(
            target=lambda one=one: spent.extend(_review(port, one, frames, until, think))
        )
        for one in ids
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told.put(spent)


def measure_clients(client: httpx.Client, folder: Path, clients: int, seconds: float) -> None:
    """Have many review at once, each a recording of ten seconds of its own."""
    cells = np.random.default_rng(1).integers(0, 255, (16, 90, 160, 3), np.uint8)
    pictures = np.repeat(np.repeat(cells, 8, 1), 8, 2)[np.arange(300) // 4 % 16]
    write_video(ArrayVideo(pictures, 30.0), folder / "client0.mp4")
    for number in range(1, clients):
        shutil.copy(folder / "client0.mp4", folder / f"client{number}.mp4")
    ids = [listed(client, f"client{number}.mp4") for number in range(clients)]
    context = multiprocessing.get_context("spawn")
    for think in (0.1, 0.0):
        told = context.Queue()
        arguments = (client.base_url.port, ids, 300, seconds, think, told)
        process = context.Process(target=_clients, args=arguments)
        process.start()
        spent = sorted(told.get())
        process.join()
        p50, p95 = statistics.median(spent), spent[int(0.95 * len(spent))]
        print(
            f"{clients} clients, {think:.1f} s between frames: {len(spent) / seconds:.0f} "
            f"frames/s, p50 {p50:.0f} ms, p95 {p95:.0f} ms, longest {spent[-1]:.0f} ms"
        )


def memory() -> float:
    """Return the memory of this process, which is the server's and the client's, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def measure_memory(client: httpx.Client, url: str, requests: int) -> None:
    """Pan through two hours many times; what is kept must not grow with it."""
    asked = [
        f"{url}/traces?first={k * 4000}&last={k * 4000 + 60_000}&series=s0" for k in range(90)
    ]
    asked += ["/api/project", f"{url}/times?first=0&last=500", f"{url}/history", url]
    used = []
    for number in range(requests):
        client.get(asked[number % len(asked)])
        if number % (requests // 10) == 0:
            used.append(memory())
    shown = ", ".join(f"{mb:.0f}" for mb in [*used, memory()])
    print(f"memory over {requests} requests: {shown} MB")


OPENED = """
(() => {
  const told = window.opened = {}, now = () => performance.now() / 1000;
  let chosen = null;
  const look = () => {
    const line = document.querySelector('#timeline');
    const mark = document.querySelector('.marks [aria-current=true]')?.dataset.mark;
    if (!told.marks && mark && line.width > 300) {
      const x = line.width / 4, y = Math.round(205 * devicePixelRatio);  // the model's lane
      const { data } = line.getContext('2d').getImageData(x, y, line.width / 2, 1);
      if (data.some((value, i) => i % 4 === 3 && value)) told.marks = now();
    }
    if (told.marks && chosen === null) {
      chosen = mark;
      document.dispatchEvent(new KeyboardEvent('keydown', { key: 'n', bubbles: true }));
    } else if (chosen !== null && mark !== chosen) told.keys ??= now();
    const came = (entry) => /series=/.test(entry.name) && entry.responseEnd;
    if (performance.getEntriesByType('resource').some(came)) told.curves ??= now();
    if (!told.keys || !told.curves) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();
"""
"""Watches a page from its beginning: seconds until marks are drawn, a key chose the next one,
and the curves came."""

PAN = """
const done = arguments[0], line = document.querySelector('#timeline'), gaps = [];
let last = performance.now(), left = 120;
(function go(now) {
  gaps.push(now - last);
  last = now;
  if (!left--) return done(gaps.slice(2));
  line.dispatchEvent(new WheelEvent('wheel', { deltaX: 40, cancelable: true }));
  requestAnimationFrame(go);
})(last);
"""


def measure_openings(driver: Any, address: str, openings: int) -> None:
    """Open a page several times, and print how long it takes from the beginning of each."""
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": OPENED})
    driver.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
    found = []
    for _ in range(openings):
        driver.get("about:blank")
        time.sleep(1)
        spent = time.process_time()
        driver.get(address)
        while len(told := driver.execute_script("return window.opened")) < 3:
            time.sleep(0.1)
        metrics = driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
        busy = {one["name"]: one["value"] for one in metrics}["TaskDuration"]
        found.append({**told, "page": busy, "server": time.process_time() - spent})
    for name, what in (
        ("marks", "until its marks are drawn"), ("keys", "until keys answer"),
        ("curves", "until its curves came"), ("page", "processor time of the page"),
        ("server", "processor time of the server"),
    ):  # fmt: skip
        times = [one[name] for one in found]
        middle, least, most = statistics.median(times), min(times), max(times)
        shown = f"page of two hours, {what}"
        print(f"{shown:50} {middle:.2f} s ({least:.2f} to {most:.2f}, {openings} times)")


def measure_browser(base: str, identity: str, openings: int) -> None:
    """Open a recording, zoom in, and pan: the time between two pictures of the screen."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or "chromium"
    for flag in ("--headless=new", "--no-sandbox", "--window-size=1280,1000"):
        options.add_argument(flag)
    service = webdriver.ChromeService(shutil.which("chromedriver") or "chromedriver")
    driver = webdriver.Chrome(options=options, service=service)
    try:
        driver.set_script_timeout(120)
        driver.get(f"{base}/")
        measure_openings(driver, f"{base}/#/r/{identity}", openings)
        time.sleep(3)
        for zoom in (1, 30):
            for _ in range(zoom):
                driver.execute_script(
                    "document.querySelector('[aria-label=\"Zoom in\"]').click()"
                )
            time.sleep(2)
            gaps = sorted(driver.execute_async_script(PAN))
            middle, most = statistics.median(gaps), gaps[int(0.95 * len(gaps))]
            print(
                f"panning, zoomed in {zoom:2} times: between two pictures {middle:.1f} ms, "
                f"95 of 100 within {most:.1f} ms, longest {gaps[-1]:.1f} ms"
            )
        heap = driver.execute_cdp_cmd("Runtime.getHeapUsage", {})["usedSize"] / 1e6
        print(f"JavaScript's memory of the page afterwards: {heap:.0f} MB")
    finally:
        driver.quit()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--recordings", type=int, default=500)
    parser.add_argument("--marks", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--browser", action="store_true")
    parser.add_argument("--openings", type=int, default=5)
    given = parser.parse_args()
    marks = given.marks
    revisions = itertools.count(1)
    url = "/api/recordings/" + "0" * 12

    def judge(client: httpx.Client) -> httpx.Response:
        add = {"coder": "a", "action": "add", "values": {"first": 1, "last": 2}}
        return client.post(
            f"{url}/events?brief=true", json={"revision": next(revisions), **add}
        )

    with tempfile.TemporaryDirectory() as name, serving(Path(name)) as (client, project):
        fill(project, given.recordings, marks)
        listing = [lambda c: c.get("/api/recordings")] * 6
        timed(client, f"{given.recordings} recordings", listing)
        spans = [(0, 10**9)] + [(k * 40_000, k * 40_000 + 60_000) for k in range(5)]
        views = [f"{url}/traces?first={a}&last={b}" for a, b in spans]
        for what, more in ((f"{SERIES} series", ""), ("one series", "&series=s0")):
            calls = [lambda c, v=v + more: c.get(v) for v in views]
            project._drop_cached("0" * 12)
            project._curves.clear()
            timed(client, f"traces of two hours, 1000 points, {what}", calls)
        timed(client, f"{marks} marks", [lambda c: c.get(f"{url}/marks")] * 4)
        timed(client, f"rows of {marks} marks", [lambda c: c.get(f"{url}/marks/rows")] * 4)
        timed(client, "what is known of their recording", [lambda c: c.get(url)] * 4)
        timed(client, "a judgement among them", [judge] * 6)
        measure_memory(client, url, given.requests)
        if given.browser:
            measure_browser(str(client.base_url).rstrip("/"), "0" * 12, given.openings)
        measure_frames(client, Path(name))
        if given.clients:
            measure_clients(client, Path(name), given.clients, given.seconds)


if __name__ == "__main__":
    main()
