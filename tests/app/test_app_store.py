"""Nothing that was acknowledged is lost, and nothing is guessed at."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import pytest

from mescope.app.lock import ProjectLock
from mescope.app.project import Project
from mescope.app.records import StoredRecording
from mescope.app.schema import _STEPS, VERSION
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
    """The rest of an upload, of an analysis and of a write go; what is referred to stays."""
    project = Project(tmp_path)
    project.store.add_recording(
        StoredRecording(id="0" * 12, name="a", path="a", size=1, mtime_ns=1, sha256=None,
                  fingerprint=None, added="", facts=None, error=None)
    )  # fmt: skip
    project.store.add_analysis("0" * 12, {"marks": []}, "kept.npz")
    for name in ("incoming/half", "analyses/kept.npz", "analyses/lost.npz", "times/x.f8"):
        (project.home / name).write_text("")
    (project.home / "work" / "3").mkdir()
    drafts = [".marks.json.0f.tmp", ".motion.npz.part"]
    for folder in ("0" * 12, "f" * 12, "of-somebody-else"):  # known, forgotten
        (project.home / "cache" / folder).mkdir(parents=True)
        for name in ("marks.json", ".hidden", *drafts):
            (project.home / "cache" / folder / name).write_text("")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / drafts[0]).write_text("")
    (project.home / "cache" / ("e" * 12)).symlink_to(outside)
    project.close()
    Project(tmp_path).close()
    left = sorted(p.name for f in ("incoming", "analyses", "times", "work")
                  for p in (project.home / f).iterdir())  # fmt: skip
    assert left == ["kept.npz"]
    for folder in ("0" * 12, "of-somebody-else"):
        kept = sorted(path.name for path in (project.home / "cache" / folder).iterdir())
        assert kept == [".hidden", "marks.json"]
    assert not (project.home / "cache" / ("f" * 12)).exists()
    assert (outside / drafts[0]).exists()


LAYOUT_1 = """
CREATE TABLE recordings (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL, sha256 TEXT, fingerprint TEXT, added TEXT NOT NULL,
  facts TEXT, error TEXT
) STRICT;
CREATE UNIQUE INDEX recording_path ON recordings (path);
CREATE TABLE analyses (
  number INTEGER PRIMARY KEY AUTOINCREMENT, recording TEXT NOT NULL, at TEXT NOT NULL,
  document TEXT NOT NULL, traces TEXT NOT NULL, detections INTEGER NOT NULL
) STRICT;
CREATE INDEX analysis_recording ON analyses (recording);
CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, recording TEXT NOT NULL, revision INTEGER NOT NULL,
  at TEXT NOT NULL, coder TEXT NOT NULL, action TEXT NOT NULL, mark TEXT,
  "values" TEXT NOT NULL, undoes INTEGER, key TEXT,
  UNIQUE (recording, revision), UNIQUE (recording, key)
) STRICT;
CREATE TABLE jobs (
  number INTEGER PRIMARY KEY AUTOINCREMENT, recording TEXT NOT NULL, state TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0, at TEXT NOT NULL, error TEXT
) STRICT;
CREATE INDEX job_recording ON jobs (recording);
CREATE INDEX job_state ON jobs (state);
PRAGMA user_version = 1;
INSERT INTO recordings VALUES ('000000000001', 'a', 'a.mp4', 5, 7, NULL, 'f', '', NULL, NULL);
INSERT INTO events (recording, revision, at, coder, action, mark, "values")
  VALUES ('000000000001', 1, 't', 'ann', 'add', 'h1', '{"first": 1, "last": 2}'),
         ('000000000001', 2, 't', 'secretive', 'edit', 'h1', '{"note": "kept"}');
INSERT INTO analyses (recording, at, document, traces, detections)
  VALUES ('000000000001', 't', '{"marks": [1], "detections": [1], "floor": 0.25}', 't.npz', 1);
INSERT INTO jobs (recording, state, at) VALUES ('000000000001', 'running', 't');
"""
"""A project as version 0.1.0 left it."""


@pytest.fixture
def older(tmp_path):
    path = tmp_path / "p.sqlite"
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA journal_mode = WAL")
        raw.executescript(LAYOUT_1)
    return path


def layout(path):
    with closing(sqlite3.connect(path)) as raw:
        return raw.execute("PRAGMA user_version").fetchone()[0]


def test_an_older_project_opens_and_a_copy_of_it_is_kept(older):
    """S80: everything is there, the layout is that of a new project, once."""
    fresh = older.with_name("fresh.sqlite")
    ProjectStore(fresh).close()
    for _ in range(2):
        with closing(ProjectStore(older)) as store:
            assert [e.values for e in store.events("000000000001")] == [
                {"first": 1, "last": 2}, {"note": "kept"},
            ]  # fmt: skip
            assert [r.path for r in store.recordings()] == ["a.mp4"]
            assert store.analysis("000000000001").document == {"floor": 0.25}
            assert store.analysis("000000000001", whole=True).document["marks"] == [1]
            assert store.requeue_running() in (0, 1)
    shape = "SELECT type, name, sql FROM sqlite_master ORDER BY type, name"
    with closing(sqlite3.connect(older)) as a, closing(sqlite3.connect(fresh)) as b:
        assert a.execute(shape).fetchall() == b.execute(shape).fetchall()
    assert layout(older) == layout(fresh) == VERSION
    (copy,) = older.parent.glob("p.layout*")
    assert (copy.name, layout(copy)) == ("p.layout1.sqlite", 1)
    with closing(sqlite3.connect(copy)) as raw:
        assert raw.execute("SELECT COUNT(*) FROM events").fetchone() == (2,)


def test_an_upgrade_that_fails_leaves_the_project_as_it_was(older, monkeypatch):
    step = "CREATE TABLE half (x); CREATE TABLE jobs (x);"
    monkeypatch.setattr("mescope.app.schema._STEPS", {**_STEPS, 1: step})
    with pytest.raises((MescopeError, sqlite3.Error)):
        ProjectStore(older)
    assert layout(older) == 1
    monkeypatch.undo()
    ProjectStore(older).close()
    assert layout(older) == VERSION


def test_without_room_for_the_copy_nothing_is_changed(older, monkeypatch):
    def full(*_):
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    monkeypatch.setattr("mescope.app.schema._copy_to", full)
    with pytest.raises(OutputError, match="make room"):
        ProjectStore(older)
    assert layout(older) == 1
    assert not list(older.parent.glob("*layout*"))


def test_who_is_forgotten_is_also_taken_out_of_copies(older):
    with closing(ProjectStore(older)) as store:
        store.forget_recording("000000000001")
    for path in older.parent.iterdir():
        assert b"secretive" not in path.read_bytes(), path


def test_what_cannot_be_overwritten_yet_is_overwritten_later(older):
    """Another program reads the database as somebody is forgotten."""
    with closing(ProjectStore(older)) as store:
        with closing(sqlite3.connect(older, isolation_level=None)) as other:
            other.execute("BEGIN")
            other.execute("SELECT * FROM events").fetchall()
            store.forget_recording("000000000001")
            assert store.events("000000000001") == []
            other.execute("ROLLBACK")
        store.database.finish_deleting()
        for path in older.parent.glob("p.sqlite*"):
            assert b"secretive" not in path.read_bytes(), path
