"""One analysis in a process of its own, and how it ended."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mescope.app import worker
from mescope.app.limits import Limits
from mescope.app.records import AnalysisJob
from mescope.app.sandbox import ChildProcess
from mescope.app.trouble import of_system
from mescope.errors import OutputError

LOOK_EVERY = 0.2
"""Seconds between two looks whether somebody wants it to end."""

_LARGEST_MESSAGE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended.

    Attributes:
        state: done, failed, cancelled, or queued: to be run again.
        reason: why it failed, or waits.
        results: the folder that holds them, if it is done.
        counts: whether it was an attempt that a worker did not survive.
    """

    state: str
    reason: str | None = None
    results: Path | None = None
    counts: bool = True

    def read(self) -> tuple[dict[str, Any], bytes]:
        """Return document and traces; raises OutputError if they cannot be read now."""
        if self.results is None:
            raise ValueError("expected an outcome with results")
        try:
            document = (self.results / worker.DOCUMENT).read_bytes()
            return json.loads(document), (self.results / worker.TRACES).read_bytes()
        except OSError as error:
            raise of_system(error) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is run: the recording, where its motion is kept, a folder for results."""

    source: Path
    cache: Path
    work: Path
    analyze: str
    models: Sequence[str]
    faces: Mapping[str, Any] | None = None  # answers where every face is analyzed


class Run:
    """A worker with its job.

    Args:
        job: which.
        limits: of memory and time.
        wanted: returns None as long as it may go on, else how it is to end.
        progress: is told the share that is done.
    """

    def __init__(
        self,
        job: AnalysisJob,
        limits: Limits,
        wanted: Callable[[], Outcome | None],
        progress: Callable[[float], None],
    ) -> None:
        self._job, self._limits, self._wanted, self._progress = job, limits, wanted, progress
        self.process: ChildProcess | None = None

    def __call__(self, work: Work) -> Outcome:
        """Run it to its end, whatever that is.

        Raises:
            OutputError: the folder cannot be written, or the disk is full; run it again.
        """
        self._make_folders(work)
        request = {
            "source": str(work.source), "cache": str(work.cache), "work": str(work.work),
            "analyze": work.analyze, "models": list(work.models), "faces": work.faces,
        }  # fmt: skip
        child = self.process = ChildProcess(worker.run, self._limits.worker_memory)
        try:
            child.send(request)
            return self._follow(child, work)
        except (EOFError, OSError, ValueError):
            return self._died(child.exit_status(5))
        finally:
            self.process = None
            child.end()

    def _make_folders(self, work: Work) -> None:
        try:
            work.cache.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(work.work, ignore_errors=True)
            work.work.mkdir(parents=True)
        except OSError as error:
            raise of_system(error) from error

    def _follow(self, child: ChildProcess, work: Work) -> Outcome:
        """Read what the worker sends until it is done, or is not wanted any more."""
        last, stall = time.monotonic(), self._limits.stall_seconds
        while True:
            ending = self._wanted()
            if ending is not None:
                return ending
            said = child.receive(LOOK_EVERY, _LARGEST_MESSAGE)
            if said is None:
                if time.monotonic() - last > stall:
                    return Outcome(state="failed", reason=_STALLED.format(stall))
                continue
            last = time.monotonic()
            if "progress" in said:
                done, total = said["progress"]
                self._progress(done / max(1, total))
            elif said.get("passing"):
                raise OutputError(str(said["error"]))
            elif "error" in said:
                return Outcome(state="failed", reason=str(said["error"]))
            else:
                return Outcome(state="done", results=work.work)

    def _died(self, code: int | None) -> Outcome:
        attempt = self._job.attempts + 1
        if attempt < self._limits.attempts:
            return Outcome(state="queued")
        return Outcome(
            state="failed",
            reason=f"the analysis ended unexpectedly {attempt} times (exit status {code}; "
            "-9 means that memory ran out); what was measured is kept: try again, or split "
            "the recording",
        )


_STALLED = (
    "expected progress, found none for {:g} s, so the analysis was stopped; what was measured "
    "is kept: try again"
)
