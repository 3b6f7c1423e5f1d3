"""The queue of analyses: one worker process at a time, which may die without harm.

What is queued lies in the database.  What ran when the server ended is queued again at the next
start and goes on from the motion that was measured already.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import threading
import time
from collections.abc import Sequence
from typing import Any

from mescope.app import worker
from mescope.app.project import Project
from mescope.app.records import AnalysisJob
from mescope.app.safety import inside
from mescope.app.sandbox import ChildProcess
from mescope.app.views import overview
from mescope.errors import MescopeError

Analyze = str
"""``module:function``, called as ``function(source, cache, progress)`` in the worker."""

_LOOK_EVERY = 0.2  # seconds between two looks for a cancelled job
_LARGEST_MESSAGE = 1 << 20


class AnalysisQueue:
    """Looks at new recordings and analyzes what is queued, in two threads.

    ``process`` is the worker that runs, if any.  ``models`` are the weights; none: the shipped.
    """

    def __init__(self, project: Project, analyze: Analyze, models: Sequence[str] = ()) -> None:
        self._project, self._analyze, self._models = project, analyze, list(models)
        self._lock = threading.Lock()
        self._work, self._new = threading.Event(), threading.Event()
        self._progress: dict[str, float] = {}
        self._changed: dict[str, int] = {}
        self._version = 0
        self._stop: set[int] = set()  # jobs whose worker is to be ended
        self.process: ChildProcess | None = None
        self._threads = [
            threading.Thread(target=self._look_loop, name="look", daemon=True),
            threading.Thread(target=self._work_loop, name="work", daemon=True),
        ]
        self.closing = False

    def start(self) -> None:
        """Begin; what was running when the server ended is taken up again."""
        self._project.store.requeue_running()
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """End the worker; its job stays in the queue for the next start."""
        self.closing = True
        self._work.set()
        self._new.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(20)

    # -- for the routes ------------------------------------------------------------------

    def enqueue(self, identity: str) -> None:
        """Queue an analysis of a recording.

        Raises:
            MescopeError: the recording cannot be read.
        """
        recording = self._project.recording(identity)
        inside(self._project.folder, recording.path)
        if recording.error is not None:  # perhaps it was repaired meanwhile
            self._project.look(recording)
            recording = self._project.recording(identity)
        if recording.error is not None:
            raise MescopeError(recording.error)
        self._project.store.add_job(identity)
        self.note_change(identity)
        self._work.set()

    def cancel(self, identity: str) -> None:
        """Take the analysis of a recording out of the queue, or end its worker."""
        for job in self._project.store.jobs(identity):
            if job.state == "queued":
                self._project.store.change_job(job.number, "cancelled")
            elif job.state == "running":
                self._stop.add(job.number)
                self._wait_for_end(job.number)
        self.note_change(identity)

    def wake(self) -> None:
        """Look at recordings that came in."""
        self._new.set()

    def progress(self) -> dict[str, float]:
        """Return the progress, 0 to 1, of what runs."""
        with self._lock:
            return dict(self._progress)

    def note_change(self, identity: str) -> None:
        """Note that something about a recording changed."""
        with self._lock:
            self._version += 1
            self._changed[identity] = self._version

    def version(self) -> int:
        """Return a number that grows with every change."""
        return self._version

    def news(self, since: int) -> list[dict[str, Any]]:
        """Return state and progress of the recordings that changed after a version.

        A negative version asks for all that are queued or running.
        """
        progress = self.progress()
        if since < 0:
            wanted = {job.recording for job in self._project.store.active_jobs()}
        else:
            with self._lock:
                wanted = {one for one, version in self._changed.items() if version > since}
        revisions = self._project.store.revisions()
        return [
            {
                **{key: entry[key] for key in ("id", "state", "progress", "error")},
                "revision": revisions.get(entry["id"], 0),
            }
            for entry in overview(self._project, progress, wanted)
        ]

    # -- looking -------------------------------------------------------------------------

    def _look_loop(self) -> None:
        while not self.closing:
            self._new.clear()
            for recording in self._project.unseen():
                if self.closing:
                    return
                self._project.look(recording)
                self.note_change(recording.id)
            self._new.wait()

    # -- working -------------------------------------------------------------------------

    def _work_loop(self) -> None:
        while not self.closing:
            self._work.clear()
            job = self._project.store.next_job()
            if job is None:
                self._work.wait()
                continue
            self._do(job)

    def _do(self, job: AnalysisJob) -> None:
        store, identity = self._project.store, job.recording
        store.change_job(job.number, "running")
        self._set_progress(identity, 0.0)
        try:
            error = self._in_worker(job)
            state = "done" if error is None else "failed"
        except _EndedError as ended:
            state, error = ended.state, ended.reason
        except MescopeError as problem:
            state, error = "failed", str(problem)
        store.change_job(job.number, state, error)
        with self._lock:
            self._progress.pop(identity, None)
        self._stop.discard(job.number)
        self.note_change(identity)

    def _in_worker(self, job: AnalysisJob) -> str | None:
        """Run a job; return None when its results are kept, or why there are none."""
        project, identity = self._project, job.recording
        work = project.home / "work" / str(job.number)
        source = inside(project.folder, project.recording(identity).path)
        cache = project.cache(identity)
        cache.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        request = {
            "source": str(source), "cache": str(cache), "work": str(work),
            "analyze": self._analyze, "models": self._models,
        }  # fmt: skip
        child = None
        try:
            child = self.process = ChildProcess(worker.run, project.limits.worker_memory)
            child.send(request)
            error = self._follow(job, child)
            if error is None:
                document = json.loads((work / worker.DOCUMENT).read_bytes())
                project.keep_analysis(identity, document, (work / worker.TRACES).read_bytes())
            return error
        except (EOFError, OSError) as broken:
            code = None if child is None else child.exit_status(5)
            raise self._died(job, code) from broken
        finally:
            self.process = None
            if child is not None:
                child.end()
            shutil.rmtree(work, ignore_errors=True)

    def _follow(self, job: AnalysisJob, child: ChildProcess) -> str | None:
        """Read what the worker sends until it is done; return its error, if any."""
        last = time.monotonic()
        stall = self._project.limits.stall_seconds
        while True:
            if job.number in self._stop:
                raise _EndedError("cancelled", None)
            if self.closing:
                raise _EndedError("queued", None)
            said = child.receive(_LOOK_EVERY, _LARGEST_MESSAGE)
            if said is None:
                if time.monotonic() - last > stall:
                    raise _EndedError("failed", _STALLED.format(stall))
                continue
            last = time.monotonic()
            if "progress" in said:
                done, total = said["progress"]
                self._set_progress(job.recording, done / max(1, total))
            else:
                return str(said["error"]) if "error" in said else None

    def _died(self, job: AnalysisJob, code: int | None) -> _EndedError:
        if job.attempts + 1 < self._project.limits.attempts:
            return _EndedError("queued", None)
        return _EndedError(
            "failed",
            f"the analysis ended unexpectedly {job.attempts + 1} times (exit status {code}; "
            "-9 means that memory ran out); what was measured is kept: try again, or split "
            "the recording",
        )

    def _set_progress(self, identity: str, share: float) -> None:
        with self._lock:
            self._progress[identity] = round(min(1.0, max(0.0, share)), 4)
        self.note_change(identity)

    def _wait_for_end(self, number: int) -> None:
        for _ in range(100):
            with contextlib.suppress(StopIteration):
                job = next(j for j in self._project.store.jobs() if j.number == number)
                if job.state != "running":
                    return
            time.sleep(0.1)


class _EndedError(Exception):
    """The worker was ended before it was done."""

    def __init__(self, state: str, reason: str | None) -> None:
        super().__init__(reason)
        self.state, self.reason = state, reason


_STALLED = (
    "expected progress, found none for {:g} s, so the analysis was stopped; what was measured "
    "is kept: try again"
)
