"""The queue of analyses: one worker process at a time, which may die without harm.

What is queued lies in the database.  What ran when the server ended is queued again at the next
start and goes on from the motion that was measured already.  A job ends in exactly one of done,
failed and cancelled; while something is in its way it waits, and the page says for what.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mescope.app import faces
from mescope.app.loops import Loop, Troubles
from mescope.app.project import Project
from mescope.app.records import AnalysisJob
from mescope.app.running import Outcome, Run, Work
from mescope.app.safety import inside
from mescope.app.sandbox import ChildProcess
from mescope.app.trouble import BUSY, PASSING, BusyError
from mescope.app.views import overview
from mescope.app.watch import EVERY, Hold, Watch
from mescope.errors import MescopeError, OutputError

Analyze = str
"""``module:function``, called as ``function(source, cache, progress)`` in the worker."""

_FOR_AN_END = 5.0  # seconds that a cancelling request waits for the worker to be gone


class AnalysisQueue:
    """Looks at new recordings, analyzes what is queued, and watches whether all is there.

    ``models`` are the weights; none: the shipped.
    """

    def __init__(self, project: Project, analyze: Analyze, models: Sequence[str] = ()) -> None:
        self._project, self._analyze, self._models = project, analyze, list(models)
        self._lock = threading.Lock()
        self._progress: dict[str, float] = {}
        self._changed: dict[str, int] = {}
        self._version = 0
        self._stop: set[int] = set()  # jobs that are to end
        self._ended: tuple[AnalysisJob, Outcome] | None = None  # not in the database yet
        self._hold = Hold(project.home)
        self._run: Run | None = None
        self._doing: int | None = None  # the number of the job that runs
        self.closing = False
        self._begun = {"look": False, "work": False}
        troubles = project.troubles = Troubles(self._note_trouble)
        self._look = Loop("look", self._look_step, troubles)
        self._work = Loop("work", self._work_step, troubles)
        self._loops = (
            self._look,
            self._work,
            Loop("watch", Watch(project, self._note_presence).step, troubles, EVERY),
            Loop("prepare", project.review.prepare, troubles, EVERY),
        )

    def start(self) -> None:
        """Begin; what was running when the server ended is taken up again."""
        for loop in self._loops:
            loop.start()

    def close(self) -> None:
        """End the worker; its job stays in the queue for the next start."""
        self.closing = True
        for loop in self._loops:
            loop.close()

    @property
    def process(self) -> ChildProcess | None:
        """Return the worker that runs, if any."""
        run = self._run
        return None if run is None else run.process

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
        self._work.call()

    def cancel(self, identity: str) -> None:
        """Take the analysis of a recording out of the queue, or end its worker.

        Raises:
            BusyError: the worker is ended, or about to; that could not be noted yet.
        """
        for job in self._project.store.jobs(identity):
            if job.state in ("queued", "running"):
                self._stop.add(job.number)
                self._project.store.change_job(job.number, "cancelled")
                self._wait_for_end(job.number)
        self.note_change(identity)

    def wake(self) -> None:
        """Look at recordings that came in."""
        self._look.call()

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

    def _note_trouble(self) -> None:
        """Tell those who wait: what is in their way is part of their state."""
        with self._lock:
            self._version += 1
            for identity in self._progress:
                self._changed[identity] = self._version

    def _note_presence(self, identity: str) -> None:
        self.note_change(identity)
        self._look.call()
        self._work.call()

    # -- looking -------------------------------------------------------------------------

    def _look_step(self) -> bool:
        if not self._begun["look"]:
            self._project.rescan()
            self._begun["look"] = True
        for recording in self._project.unseen():
            if self.closing:
                return False
            if recording.id not in self._project.absent:
                self._project.look(recording)
                self.note_change(recording.id)
        return False

    # -- working -------------------------------------------------------------------------

    def _work_step(self) -> bool:
        """Do the next job, or note how the last one ended."""
        if not self._begun["work"]:
            self._project.store.requeue_running()
            self._begun["work"] = True
        if self._ended is None:
            self._hold.check()
            job = self._next()
            if job is None:
                return False
            if not self._project.store.change_job(job.number, "running"):
                return True  # cancelled just now
            self._set_progress(job.recording, 0.0)
            self._doing = job.number
            try:
                self._ended = job, self._outcome(job)
            finally:
                self._doing = None
        self._settle(*self._ended)
        return True

    def _next(self) -> AnalysisJob | None:
        """Return the oldest queued job whose recording is there."""
        absent = self._project.absent
        queued = (j for j in self._project.store.queued_jobs() if j.recording not in absent)
        return next(queued, None)

    def _outcome(self, job: AnalysisJob) -> Outcome:
        """Run a job; whatever happens is an outcome."""
        project, identity = self._project, job.recording
        self._run = Run(
            job, project.limits, lambda: self._wanted(job.number),
            lambda share: self._set_progress(identity, share),
        )  # fmt: skip
        try:
            source = inside(project.folder, project.recording(identity).path)
            outcome = self._run(
                Work(
                    source=source, cache=project.cache(identity),
                    work=project.home / "work" / str(job.number),
                    analyze=self._analyze, models=self._models,
                    faces=self._faces(identity),
                )
            )  # fmt: skip
        except OutputError as error:
            self._hold.begin(error)
            return Outcome(state="queued", reason=str(error), counts=False)
        except PASSING as error:
            return Outcome(state="queued", reason=str(error), counts=False)
        except MescopeError as error:
            outcome = Outcome(state="failed", reason=str(error))
        finally:
            self._run = None
        if outcome.state == "failed" and not self._is_there(identity):
            return Outcome(state="queued", reason="its file is gone", counts=False)
        return outcome

    def _faces(self, identity: str) -> dict[str, Any] | None:
        """Return what was said about the faces, but no names: those are given afterwards."""
        answers = faces.wanted(self._project.store.database, identity)
        return None if answers is None else answers.to_json() | {"names": {}}

    def _is_there(self, identity: str) -> bool:
        """Say whether a recording has its file; if not, its job waits until it is back."""
        found = self._project.store.recording(identity)
        there = found is None or os.path.exists(self._project.folder / found.path)
        if not there:
            self._project.absent |= {identity}
        return there

    def _wanted(self, number: int) -> Outcome | None:
        if number in self._stop:
            return Outcome(state="cancelled")
        return Outcome(state="queued", counts=False) if self.closing else None

    def _settle(self, job: AnalysisJob, outcome: Outcome) -> None:
        """Enter how a job ended; what is in the way is raised, and the loop comes again."""
        if job.number in self._stop:
            outcome = Outcome(state="cancelled")
        try:
            if outcome.state == "done":
                document, traces = outcome.read()
                self._project.keep_analysis(job.recording, document, traces, job.number)
                self._project.review.page(job.recording)  # nobody waits for it later
                self._hold.done()
            else:
                self._project.store.change_job(
                    job.number, outcome.state, outcome.reason, counts=outcome.counts
                )
        except PASSING:
            if outcome.results is not None and self._are_lost(outcome.results):
                self._ended = job, Outcome(state="queued", counts=False)
            raise
        except Exception as error:
            if outcome.state != "done":
                raise
            reason = f"its results cannot be used ({type(error).__name__}: {str(error)[:200]})"
            self._ended = job, Outcome(state="failed", reason=reason)
            raise
        self._ended = None
        shutil.rmtree(self._project.home / "work" / str(job.number), ignore_errors=True)
        with self._lock:
            self._progress.pop(job.recording, None)
        self._stop.discard(job.number)
        self.note_change(job.recording)

    def _are_lost(self, results: Path) -> bool:
        """Say whether results went, while the project is there: the job is to be run again."""
        return self._project.home.is_dir() and not results.is_dir()

    def _set_progress(self, identity: str, share: float) -> None:
        with self._lock:
            self._progress[identity] = round(min(1.0, max(0.0, share)), 4)
        self.note_change(identity)

    def _wait_for_end(self, number: int) -> None:
        """Return once no worker has the job any more."""
        end = time.monotonic() + _FOR_AN_END
        while self._doing == number:
            if time.monotonic() > end:
                raise BusyError(BUSY)
            time.sleep(0.05)
        self._work.call()
