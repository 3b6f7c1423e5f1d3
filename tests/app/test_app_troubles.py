"""A full disk, a lock of another program, a folder that is away: told, and gone on from."""

import json
import os
import shutil
import sqlite3
import threading
import time
from contextlib import closing, contextmanager

import pytest
from app_server import serving
from numbered_video import write_numbered
from small_disk import fill, small_disk

from mescope.app.database import Database
from mescope.app.loops import Loop, Troubles
from mescope.app.store import ProjectStore
from mescope.app.trouble import BusyError
from mescope.errors import OutputError

SOON = 5  # seconds within which the page must tell the truth
pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX files")


@contextmanager
def foreign_lock(folder):
    """Hold the database as another program would."""
    with closing(sqlite3.connect(folder / ".mescope" / "project.sqlite")) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.rollback()


@contextmanager
def full_database(one):
    """Let the database not grow by a page."""
    writer = one.project.store.database._writer
    pages = writer.execute("PRAGMA page_count").fetchone()[0]
    writer.execute(f"PRAGMA max_page_count = {pages}")
    yield
    writer.execute("PRAGMA max_page_count = 4294967294")


def begin(one, name):
    """Put a recording whose analysis does not end before it may into the queue."""
    identity = one.add(name, 10)
    assert one.client.post(f"/api/recordings/{identity}/analyze").status_code == 202
    return identity


def let_end(one, identity):
    cache = one.project.cache(identity)
    end = time.monotonic() + 20
    while not cache.is_dir() and time.monotonic() < end:
        time.sleep(0.02)
    (cache / "enough").write_text("")


def add_mark(one, identity, revision, **more):
    url = f"/api/recordings/{identity}"
    body = {"revision": revision, "coder": "ann", "action": "add"}
    return one.client.post(
        f"{url}/events", json=body | {"values": {"first": 1, "last": 2, **more}}
    )


def big(number):
    """Return a note that needs pages of its own in the database."""
    return {"note": f"{number} " + "x" * 19_000}


def trouble(one):
    """Return what the server says is in the way: on the page's first line, or instead of it."""
    answer = one.client.get("/api/project")
    found = answer.json()
    if answer.status_code == 503:  # the folder went or came while it was looked at
        return found["error"]
    return found["trouble"]


def passed(one):
    """Wait until nothing is in the way any more."""
    end = time.monotonic() + SOON
    while trouble(one):
        assert time.monotonic() < end
        time.sleep(0.1)


def quick(one, url):
    """Ask for something that is only read; it must not wait for a writer."""
    start = time.monotonic()
    answer = one.client.get(url)
    assert answer.status_code == 200
    return time.monotonic() - start < 1.5


def test_a_lock_of_another_program_is_waited_for(tmp_path):
    """It comes as a job ends, another one is queued, somebody judges and somebody reads."""
    with serving(tmp_path) as one:
        identity, other = begin(one, "endless.mp4"), begin(one, "next.mp4")
        one.wait("endless.mp4", lambda r: r["progress"])
        with foreign_lock(tmp_path):
            let_end(one, identity)
            answers = []
            judging = threading.Thread(
                target=lambda: answers.append(add_mark(one, identity, 0))
            )
            judging.start()
            assert all(quick(one, f"/api/recordings/{identity}{x}") for x in ("", "/marks"))
            assert quick(one, "/api/recordings")
            judging.join()
            assert answers[0].status_code == 503
            assert "another program holds the database" in answers[0].json()["error"]
            assert answers[0].headers["retry-after"]
            found = one.wait("endless.mp4", lambda r: r["error"], SOON)
            assert "goes on by itself" in found["error"]
            assert found["state"] == "analyzing"
            assert "another program" in trouble(one)
        one.wait("endless.mp4", lambda r: r["state"] == "to review", SOON)
        one.wait("next.mp4", lambda r: r["state"] == "to review")
        passed(one)
        states = [job.state for i in (identity, other) for job in one.project.store.jobs(i)]
        assert states == ["done", "done"]


def test_a_cancel_that_cannot_be_noted_says_so_and_holds(tmp_path):
    with serving(tmp_path) as one:
        identity = begin(one, "endless.mp4")
        one.wait("endless.mp4", lambda r: r["progress"])
        with foreign_lock(tmp_path):
            answer = one.client.post(f"/api/recordings/{identity}/cancel")
            assert (answer.status_code, "another program" in answer.json()["error"]) == (
                503,
                True,
            )
        one.wait("endless.mp4", lambda r: r["state"] == "new", SOON)
        assert [job.state for job in one.project.store.jobs(identity)] == ["cancelled"]
        assert one.client.post(f"/api/recordings/{identity}/cancel").status_code == 200


def test_a_full_database_is_told_and_gone_on_from(tmp_path):
    """An analysis, a first look and a judgement meet it; nothing half done stays."""
    with serving(tmp_path) as one:
        identity = begin(one, "endless.mp4")
        with full_database(one):
            kept = 0
            for note in ("x" * 19_000, "x" * 900, ""):
                while (answer := add_mark(one, identity, kept, note=note)).status_code == 200:
                    kept += 1
                assert (answer.status_code, "disk is full" in answer.json()["error"]) == (
                    507,
                    True,
                )
            let_end(one, identity)
            found = one.wait("endless.mp4", lambda r: r["error"], SOON)
            assert ("full" in found["error"], found["state"]) == (True, "analyzing")
            marks = one.client.get(f"/api/recordings/{identity}/marks").json()
            assert len(marks["annotations"]) == kept
        one.wait("endless.mp4", lambda r: r["state"] == "to review", SOON)
        revision = one.client.get(f"/api/recordings/{identity}/marks").json()["revision"]
        assert add_mark(one, identity, revision, **big(9)).status_code == 200
        assert revision == kept + 1  # and the analysis once


def test_a_full_disk_loses_nothing_and_stops_nothing(tmp_path):
    """A real one: uploads, judgements, looks and analyses meet it."""
    with small_disk(tmp_path / "disk", 6) as disk, serving(disk) as one:
        identity = begin(one, "endless.mp4")
        one.wait("endless.mp4", lambda r: r["progress"])
        filler = fill(disk)
        (one.project.cache(identity) / "enough").touch()
        answers = [add_mark(one, identity, n, **big(n)) for n in range(3)]
        assert {a.status_code for a in answers} <= {507, 409}
        assert "disk is full" in answers[0].json()["error"]
        sent = one.client.post(
            "/api/recordings", content=b"x" * 9000, headers={"X-Name": "sent.mp4"}
        )
        assert sent.status_code in (413, 507)
        found = one.wait("endless.mp4", lambda r: r["error"], SOON)
        assert "full" in found["error"]
        assert one.client.get(f"/api/recordings/{identity}/frames/1.jpg").status_code == 200
        filler.unlink()
        one.wait("endless.mp4", lambda r: r["state"] == "to review", 20)
        revision = one.client.get(f"/api/recordings/{identity}/marks").json()["revision"]
        assert add_mark(one, identity, revision, **big(1)).status_code == 200
        assert not list((disk / ".mescope" / "incoming").iterdir())


def test_a_worker_that_meets_a_full_disk_is_run_again(tmp_path):
    """And it is no attempt of which there are only two."""
    with serving(tmp_path) as one:
        identity = begin(one, "filling.mp4")
        found = one.wait("filling.mp4", lambda r: r["error"], 20)
        assert ("disk is full" in found["error"], found["state"]) == (True, "queued")
        let_end(one, identity)
        one.wait("filling.mp4", lambda r: r["state"] == "to review", 20)
        assert [job.attempts for job in one.project.store.jobs(identity)] == [1]


def test_a_bug_of_an_analysis_is_its_reason(tmp_path):
    with serving(tmp_path) as one:
        begin(one, "bug.mp4")
        found = one.wait("bug.mp4", lambda r: r["state"] == "failed")
        assert "ZeroDivisionError" in found["error"]


@pytest.mark.parametrize("how", ["moved", "copied"])
def test_a_folder_that_is_away_comes_back(tmp_path, how):
    """Moved and put back, or put back as a copy: other files on the disk than were open."""
    folder = tmp_path / "study"
    folder.mkdir()
    with serving(folder) as one:
        identity = one.add("a.mp4", 10)
        assert add_mark(one, identity, 0).status_code == 200
        shutil.move(folder, tmp_path / "away")
        answer = add_mark(one, identity, 1)
        assert (answer.status_code, "put it back" in answer.json()["error"]) == (503, True)
        end = time.monotonic() + SOON
        while not trouble(one):
            assert time.monotonic() < end
            time.sleep(0.1)
        found = one.wait("a.mp4", lambda r: r["error"], SOON)
        assert "put it back" in found["error"]
        assert one.client.post(f"/api/recordings/{identity}/analyze").status_code in (400, 503)
        if how == "moved":
            shutil.move(tmp_path / "away", folder)
        else:
            shutil.copytree(tmp_path / "away", folder)
            shutil.rmtree(tmp_path / "away")
        one.wait("a.mp4", lambda r: r["error"] is None, SOON)
        assert add_mark(one, identity, 1).status_code == 200
        assert one.client.post(f"/api/recordings/{identity}/analyze").status_code == 202
        one.wait("a.mp4", lambda r: r["state"] == "to review")
    with closing(ProjectStore(folder / ".mescope" / "project.sqlite")) as store:
        assert [e.action for e in store.events(identity)] == ["add", "add", "analyzed"]


def test_a_recording_that_is_away_waits_for_its_file(tmp_path):
    """Its job is not failed, the others go on, and it is done once the file is back."""
    write_numbered(tmp_path / "disk" / "a.mp4", 10)
    with serving(tmp_path) as one:
        first, other = begin(one, "endless.mp4"), one.known("disk/a.mp4")
        one.client.post(f"/api/recordings/{other}/analyze")
        shutil.move(tmp_path / "disk", tmp_path / ".unplugged")
        found = one.wait("disk/a.mp4", lambda r: r["error"], SOON)
        assert ("put it back" in found["error"], found["state"]) == (True, "queued")
        let_end(one, first)
        one.wait("endless.mp4", lambda r: r["state"] == "to review")
        assert one.wait("disk/a.mp4", lambda r: True)["state"] == "queued"
        shutil.move(tmp_path / ".unplugged", tmp_path / "disk")
        one.wait("disk/a.mp4", lambda r: r["state"] == "to review", 20)


def test_the_page_is_told_what_is_in_the_way(tmp_path):
    """Over the stream of news, and again when it is gone."""
    with serving(tmp_path) as one, one.client.stream("GET", "/api/progress") as news:
        lines = news.iter_lines()

        def said():
            assert next(line for line in lines if line.startswith("event")) == "event: trouble"
            return json.loads(next(lines).removeprefix("data: "))["trouble"]

        for text in ("the disk is full", None):
            one.project.troubles.tell("test", text)
            assert said() == text


@pytest.mark.parametrize(
    "error", [sqlite3.ProgrammingError, RuntimeError, MemoryError, OSError]
)
def test_no_error_ends_a_loop(error, monkeypatch):
    """Neither a known one nor a bug; what went wrong is told until it goes right."""
    monkeypatch.setattr("mescope.app.loops.RETRY", 0.05)
    errors, done, told = [error("x"), error("x")], threading.Event(), []
    troubles = Troubles(lambda: told.append(troubles.text()))

    def step():
        if errors:
            raise errors.pop()
        done.set()
        return False

    loop = Loop("test", step, troubles)
    loop.start()
    assert done.wait(10)
    loop.close()
    assert [text and error.__name__ in text for text in told] == [True, None]


class _Failing:
    """A connection whose next COMMIT fails, as on a disk that breaks."""

    def __init__(self, connection):
        self.connection, self.fails = connection, True

    def execute(self, query, *values):
        if query == "COMMIT" and self.fails:
            self.fails = False
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise error
        return self.connection.execute(query, *values)

    def __getattr__(self, name):
        return getattr(self.connection, name)


def test_a_commit_that_fails_takes_nothing_with_it(tmp_path):
    """Neither is its own step half kept, nor does the next one count as a part of it."""
    path = tmp_path / "p.sqlite"
    store = ProjectStore(path)
    store.database._writer = _Failing(store.database._writer)
    with pytest.raises(OutputError, match="nothing was lost"):
        store.add_event("r", None, "ann", "confirm", mark="lost")
    assert store.events("r") == []
    store.add_event("r", None, "ann", "confirm", mark="kept")
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT mark FROM events").fetchall() == [("kept",)]
    store.close()


def test_a_job_ends_once(tmp_path):
    """What was cancelled is not done afterwards, and its results are not kept."""
    with closing(ProjectStore(tmp_path / "p.sqlite")) as store:
        job = store.add_job("r")
        assert store.change_job(job.number, "running")
        assert store.change_job(job.number, "cancelled")
        for state in ("running", "queued", "done", "failed"):
            assert not store.change_job(job.number, state)
        assert [j.state for j in store.jobs("r")] == ["cancelled"]


def test_a_database_that_is_put_back_is_taken_up(tmp_path):
    """A copy of yesterday takes the place of the file while the app runs."""
    path = tmp_path / ".mescope" / "project.sqlite"
    with serving(tmp_path) as one:
        identity = one.add("a.mp4", 10)
        assert add_mark(one, identity, 0).status_code == 200
        with (
            closing(sqlite3.connect(path)) as raw,
            closing(sqlite3.connect(tmp_path / "copy")) as to,
        ):
            raw.backup(to)
        assert add_mark(one, identity, 1).status_code == 200
        for old in path.parent.glob("project.sqlite-*"):
            old.unlink()
        os.replace(tmp_path / "copy", path)
        end = time.monotonic() + SOON
        url = f"/api/recordings/{identity}/marks"
        while one.client.get(url).json()["revision"] != 1:
            assert time.monotonic() < end
            time.sleep(0.1)
        assert add_mark(one, identity, 1).status_code == 200
        assert len(one.client.get(url).json()["annotations"]) == 2


def test_results_of_who_was_forgotten_are_not_kept(tmp_path):
    """The analysis ends as its recording is forgotten: nothing of it comes back."""
    with serving(tmp_path) as one:
        identity = one.analyzed("a.mp4")
        document = one.project.store.analysis(identity, whole=True).document
        traces = next((one.project.home / "analyses").iterdir()).read_bytes()
        (job,) = one.project.store.jobs(identity)
        one.client.delete(f"/api/recordings/{identity}")
        one.project.keep_analysis(identity, document, traces, job.number)
        assert list((one.project.home / "analyses").iterdir()) == []
        assert one.project.store.analysis(identity) is None


def test_readers_wait_for_no_writer_and_see_whole_steps(tmp_path):
    with closing(Database(tmp_path / "p.sqlite")) as database:
        seen = []
        with database.together():
            database.run("INSERT INTO jobs (recording, state, at) VALUES ('r', 'queued', '')")
            reader = threading.Thread(
                target=lambda: seen.append(database.all("SELECT * FROM jobs"))
            )
            reader.start()
            reader.join(1)
            assert seen == [[]]
            assert len(database.all("SELECT * FROM jobs")) == 1
            blocked = []

            def write():
                try:
                    database.run("DELETE FROM jobs")
                except BusyError as error:
                    blocked.append(error)

            writer = threading.Thread(target=write)
            writer.start()
            writer.join(10)
            assert len(blocked) == 1
