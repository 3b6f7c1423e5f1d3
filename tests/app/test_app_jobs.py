"""The queue: workers may die, hang or want too much."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest
from app_server import LIMITS, begin, only, serving
from numbered_video import write_numbered

from mescope.app.limits import Limits
from mescope.app.turns import Turns
from mescope.errors import MescopeError
from mescope.video.reading import open_video

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX signals and limits")


def start(served, name):
    identity = served.add(name)
    assert served.client.post(f"/api/recordings/{identity}/analyze").status_code == 202
    return identity


def tries(served, identity):
    return len((served.project.cache(identity) / "tries").read_text())


def test_an_analysis_gives_proposals(served):
    identity = start(served, "good.mp4")
    found = served.wait("good.mp4", lambda r: r["state"] == "to review")
    assert (found["detections"], found["progress"], found["error"]) == (2, None, None)
    about = served.client.get(f"/api/recordings/{identity}").json()
    assert (about["model"], about["simulated"]) == ("made-up", True)
    assert about["face_gaps"] == [[5, 5]]
    assert "one frame without a face" in about["warnings"]
    assert list((served.project.home / "work").iterdir()) == []


def test_what_people_said_survives_another_analysis(served):
    identity = served.analyzed("again.mp4")
    marks = served.client.get(f"/api/recordings/{identity}/marks").json()
    served.judge(identity, "edit", marks["detections"][0]["id"], emotion="fear")
    served.judge(identity, "add", first=1, last=2)
    before = served.client.get(f"/api/recordings/{identity}/marks").json()
    served.client.post(f"/api/recordings/{identity}/analyze")
    served.wait("again.mp4", lambda r: r["state"] == "to review")
    after = served.client.get(f"/api/recordings/{identity}/marks").json()
    assert after["revision"] == before["revision"] + 1
    assert after["detections"] == before["detections"]
    assert after["annotations"] == before["annotations"]


def test_a_recording_that_cannot_be_analyzed(served):
    start(served, "bad.mp4")
    found = served.wait("bad.mp4", lambda r: r["state"] == "failed")
    assert "convert it" in found["error"]


def test_a_worker_that_dies_is_tried_once_more(served):
    identity = start(served, "dies.mp4")
    found = served.wait("dies.mp4", lambda r: r["state"] == "failed")
    assert "ended unexpectedly 2 times" in found["error"]
    assert tries(served, identity) == 2
    identity = start(served, "stumbles.mp4")
    served.wait("stumbles.mp4", lambda r: r["state"] == "to review")
    assert tries(served, identity) == 2
    assert served.client.get("/api/project").status_code == 200


def test_a_worker_that_wants_too_much_memory(served):
    """The limit holds, the server does not notice."""
    start(served, "greedy.mp4")
    found = served.wait("greedy.mp4", lambda r: r["state"] == "failed")
    assert "needs more memory than allowed" in found["error"]


def test_cancel_and_go_on(served):
    identity = start(served, "endless.mp4")
    other = start(served, "waiting.mp4")
    found = served.wait("endless.mp4", lambda r: r["progress"])
    assert (found["state"], found["progress"]) == ("analyzing", 0.25)
    assert served.wait("waiting.mp4", lambda r: True)["state"] == "queued"
    assert served.client.post(f"/api/recordings/{other}/cancel").json()["state"] == "new"
    assert served.client.post(f"/api/recordings/{identity}/cancel").json()["state"] == "new"
    (served.project.cache(identity) / "enough").write_text("")
    again = served.client.post(f"/api/recordings/{identity}/analyze")
    assert again.json()["state"] in ("queued", "analyzing")
    served.wait("endless.mp4", lambda r: r["state"] == "to review")


def test_asking_twice_queues_once(served):
    identity = start(served, "twice-endless.mp4")
    served.client.post(f"/api/recordings/{identity}/analyze")
    assert len(served.project.store.jobs(identity)) == 1
    served.client.post(f"/api/recordings/{identity}/cancel")


def test_an_analysis_without_progress_is_stopped(tmp_path):
    write_numbered(tmp_path / "endless.mp4", 10)
    with serving(tmp_path, limits=Limits(stall_seconds=1.0)) as one:
        identity = one.known("endless.mp4")
        one.client.post(f"/api/recordings/{identity}/analyze")
        found = one.wait("endless.mp4", lambda r: r["state"] == "failed")
    assert "progress" in found["error"]


def test_a_reader_that_is_killed_is_replaced(served, numbers):
    """A hostile file may end the process that reads it; nobody else notices."""
    url = f"/api/recordings/{numbers}/frames"
    assert served.client.get(f"{url}/90.jpg?width=65").status_code == 200
    for pid in served.project.frames.pids:
        os.kill(pid, signal.SIGKILL)
    time.sleep(0.2)
    assert served.client.get(f"{url}/91.jpg?width=65").status_code == 200


def test_what_is_short_goes_first_and_nobody_is_left_out():
    """Who steps does not wait for who jumps; among equals it is who came first."""
    turns, order, held = Turns(), [], threading.Event()

    def want(name, long):
        with turns.turn(long=long):
            order.append(name)

    def hold():
        with turns.turn():
            held.set()
            time.sleep(0.5)

    threads = [threading.Thread(target=hold)]
    threads[0].start()
    held.wait()
    for name, long in (
        ("jump 1", True),
        ("step 1", False),
        ("jump 2", True),
        ("step 2", False),
    ):
        threads.append(threading.Thread(target=want, args=(name, long)))
        threads[-1].start()
        time.sleep(0.05)
    for thread in threads:
        thread.join()
    assert order == ["step 1", "step 2", "jump 1", "jump 2"]


def test_what_is_long_waits_for_some_not_for_all():
    """A stream of short wishes does not keep a long one out."""
    turns, order, end = Turns(), [], threading.Event()

    def steps():
        while not end.is_set():
            with turns.turn():
                order.append("step")
                time.sleep(0.002)

    threads = [threading.Thread(target=steps) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        with turns.turn(long=True):
            order.append("jump")
    end.set()
    for thread in threads:
        thread.join(20)
    assert order.count("jump") == 5
    assert order.count("step") >= 5


def test_a_file_that_changes_is_not_analyzed_with_old_facts(served):
    """Another file of the same name is looked at anew, and the page is told."""
    identity = served.analyzed("changes.mp4")
    write_numbered(served.folder / "changes.mp4", 60)
    served.client.post("/api/recordings/rescan")
    found = served.wait("changes.mp4", lambda r: r["frames"] == 60)
    assert found["id"] == identity
    about = served.client.get(f"/api/recordings/{identity}").json()
    assert any("replaced" in warning for warning in about["warnings"])


def children(pid):
    """Return the processes that ``pid`` started and that still run."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def alive(pid):
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_killed_server_takes_its_work_up_again(tmp_path):
    """Kill -9 leaves no orphans; judgements and the queue are there afterwards."""
    write_numbered(tmp_path / "endless.mp4")
    process, client = begin(tmp_path)
    identity = only(client, lambda r: r["frames"])["id"]
    url = f"/api/recordings/{identity}"
    body = {"revision": 0, "coder": "ann", "action": "add", "values": {"first": 1, "last": 2}}
    assert client.post(f"{url}/events", json=body).status_code == 200
    client.post(f"{url}/analyze")
    only(client, lambda r: r["progress"])
    started = children(process.pid)
    assert started
    process.kill()
    process.communicate()
    client.close()
    end = time.monotonic() + 20
    while any(map(alive, started)) and time.monotonic() < end:
        time.sleep(0.1)
    assert not any(map(alive, started))
    (tmp_path / ".mescope" / "cache" / identity / "enough").write_text("")
    process, client = begin(tmp_path)
    only(client, lambda r: r["state"] == "to review")
    marks = client.get(f"{url}/marks").json()
    assert len(marks["annotations"]) == 1
    assert len(marks["detections"]) == 2
    process.communicate("\n", timeout=60)
    client.close()


def test_the_file_is_read_exactly_as_the_video_layer_reads_it(served, numbers):
    video = open_video(served.folder / "numbers.mp4")
    found = served.client.get(f"/api/recordings/{numbers}/times?first=0&last=119").json()
    assert found["times"] == pytest.approx(video.times.tolist(), abs=1e-9)


def test_a_file_that_is_gone_cannot_be_queued(served):
    identity = served.add("gone.mp4", 5)
    (served.folder / "gone.mp4").unlink()
    answer = served.client.post(f"/api/recordings/{identity}/analyze")
    assert answer.status_code == 400
    assert "put it back" in answer.json()["error"]
    served.client.delete(f"/api/recordings/{identity}")


def test_two_servers_on_one_folder(served):
    with pytest.raises(MescopeError, match="is open in another"), serving(served.folder):
        pass
    assert LIMITS.attempts == 2
