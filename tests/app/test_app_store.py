"""Nothing that was acknowledged is lost, and nothing is guessed at."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading

import pytest

from mescope.app.lock import ProjectLock
from mescope.app.project import Project
from mescope.app.records import StoredRecording
from mescope.app.store import ProjectStore, StaleError
from mescope.errors import MescopeError, OutputError

WRITER = """
import sys
from pathlib import Path
from mescope.app.store import ProjectStore
store = ProjectStore(Path(sys.argv[1]))
for number in range(10**6):
    store.add_event("r", None, "ann", "confirm", mark=str(number))
    print(number, flush=True)
"""


@pytest.fixture
def store(tmp_path):
    opened = ProjectStore(tmp_path / "p.sqlite")
    yield opened
    opened.close()


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("after", [1, 40])
def test_kill_9_loses_no_acknowledged_event(tmp_path, after):
    path = tmp_path / "p.sqlite"
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        said = [int(process.stdout.readline()) for _ in range(after)]
        process.send_signal(signal.SIGKILL)
        said += [int(line) for line in process.stdout if line.endswith("\n")]
    kept = [int(event.mark) for event in ProjectStore(path).events("r")]
    assert kept[: len(said)] == said
    assert len(kept) <= len(said) + 1  # the one that was under way


def test_a_stale_revision_is_refused_and_changes_nothing(store):
    store.add_event("r", 0, "ann", "confirm")
    with pytest.raises(StaleError, match="revision 1"):
        store.add_event("r", 0, "bea", "reject")
    assert [event.coder for event in store.events("r")] == ["ann"]


def test_threads_that_race_get_one_winner_each_time(store):
    won = []

    def race(name):
        for _ in range(20):
            try:
                won.append(store.add_event("r", store.revision("r"), name, "confirm").seq)
            except StaleError:
                continue

    threads = [threading.Thread(target=race, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.revision("r") == len(store.events("r")) == len(won)


def test_order_is_that_of_the_numbers_not_of_the_clock(store, monkeypatch):
    """The clock is set back."""
    monkeypatch.setattr("mescope.app.store.now", lambda: "2030-01-01T00:00:00+00:00")
    store.add_event("r", 0, "ann", "confirm")
    monkeypatch.setattr("mescope.app.store.now", lambda: "1999-01-01T00:00:00+00:00")
    store.add_event("r", 1, "ann", "reject")
    assert [event.action for event in store.events("r")] == ["confirm", "reject"]


def test_a_step_that_fails_leaves_nothing(store):
    def step():
        with store.together():
            store.add_event("r", 0, "ann", "confirm")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        step()
    assert store.events("r") == []


@pytest.mark.parametrize("damage", ["newer", "text", "cut"])
def test_a_damaged_or_newer_database_is_refused_as_it_is(tmp_path, damage):
    path = tmp_path / "p.sqlite"
    store = ProjectStore(path)
    for number in range(200):
        store.add_event("r", None, "ann", "edit", values={"note": "x" * 500 + str(number)})
    store.close()
    if damage == "newer":
        with sqlite3.connect(path) as raw:
            raw.execute("PRAGMA user_version = 99")
        raw.close()
    elif damage == "text":
        path.write_text("this is no database" * 100)
    else:
        data = path.read_bytes()
        path.write_bytes(data[:8192] + b"\xaa" * (len(data) - 8192))
    before = path.read_bytes()
    with pytest.raises(MescopeError, match=r"later mescope|copy the folder") as caught:
        ProjectStore(path)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before


def test_one_process_for_one_project(tmp_path):
    """The second is told so; the lock of a dead process holds nobody."""
    lock = ProjectLock(tmp_path / "lock")
    with pytest.raises(MescopeError, match=f"process {os.getpid()}"):
        ProjectLock(tmp_path / "lock")
    lock.release()
    hold = "import sys; from pathlib import Path; from mescope.app.lock import ProjectLock;"
    hold += "lock = ProjectLock(Path(sys.argv[1])); print(1, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(tmp_path / "lock")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout.readline() == "1\n"
        with pytest.raises(MescopeError, match=f"process {process.pid}"):
            ProjectLock(tmp_path / "lock")
        process.kill()
    ProjectLock(tmp_path / "lock").release()


def test_a_folder_that_is_none(tmp_path):
    with pytest.raises(MescopeError, match="expected a folder"):
        Project(tmp_path / "none")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / ".mescope").write_text("")
    with pytest.raises(OutputError, match="can be written"):
        Project(tmp_path / "taken")


def test_what_was_interrupted_is_tidied_up(tmp_path):
    """The rest of an upload and of an analysis go; what is referred to stays."""
    project = Project(tmp_path)
    project.store.add_recording(
        StoredRecording(id="0" * 12, name="a", path="a", size=1, mtime_ns=1, sha256=None,
                  fingerprint=None, added="", facts=None, error=None)
    )  # fmt: skip
    project.store.add_analysis("0" * 12, {"marks": []}, "kept.npz")
    for name in ("incoming/half", "analyses/kept.npz", "analyses/lost.npz", "times/x.f8"):
        (project.home / name).write_text("")
    (project.home / "work" / "3").mkdir()
    project.close()
    Project(tmp_path).close()
    left = sorted(p.name for f in ("incoming", "analyses", "times", "work")
                  for p in (project.home / f).iterdir())  # fmt: skip
    assert left == ["kept.npz"]
