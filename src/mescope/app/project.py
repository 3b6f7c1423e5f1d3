"""A project: a folder with recordings, and ``.mescope`` in it with everything the app keeps."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mescope.app.blind import Blindness
from mescope.app.downsampling import Curves, unpack
from mescope.app.frames import FrameService
from mescope.app.kept_tiers import KeptTiers
from mescope.app.limits import Limits
from mescope.app.lock import ProjectLock
from mescope.app.loops import Troubles
from mescope.app.records import StoredRecording, now
from mescope.app.review import Review
from mescope.app.safety import UnsafeError, inside
from mescope.app.scheme import SchemeFile
from mescope.app.sounds import Sounds
from mescope.app.store import ProjectStore
from mescope.app.trouble import PASSING
from mescope.app.words import Words, english
from mescope.errors import MescopeError, OutputError
from mescope.io.atomic import is_draft, write_atomically
from mescope.io.file_names import printable, valid
from mescope.video.picture_lists import SUFFIX
from mescope.video.suffixes import MEDIA

HOME = ".mescope"
_RECORDINGS = MEDIA | {SUFFIX}
_CURVES = 3  # recordings whose traces stay in memory; two hours at 60 per second take 42 MB
_TIMES = 64
_ID = re.compile("[0-9a-f]{12}")  # of a recording


class MissingError(MescopeError):
    """There is no such recording, frame, mark or analysis."""


class Project:
    """Everything about one folder.  Only one process may have it open.

    Raises:
        MescopeError: it is not a folder, cannot be written, or is open in another process.
    """

    def __init__(
        self, folder: Path, limits: Limits | None = None, words: Words | None = None
    ) -> None:
        self.folder = Path(os.path.abspath(folder))
        self.limits = limits or Limits()
        self.words = words or english()
        self.home = self.folder / HOME
        if not self.folder.is_dir():
            raise MescopeError(f"expected a folder with recordings at {folder}, found none")
        try:
            for part in ("analyses", "times", "incoming", "work"):
                (self.home / part).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"cannot write in {folder} ({error.strerror}); the app keeps its work in a "
                f"folder {HOME} there: choose a folder that can be written"
            ) from error
        self._lock = ProjectLock(self.home / "lock")
        try:
            self.scheme = SchemeFile(self.home / "scheme.json")
            self.store = ProjectStore(self.home / "project.sqlite", self._retake)
        except MescopeError:
            self._lock.release()
            raise
        self.blind = Blindness(self.store.study, self.store.sight, str(self.folder))
        self.absent: frozenset[str] = frozenset()  # recordings whose file is gone for now
        self.troubles = Troubles(lambda: None)
        self.frames = FrameService(self.limits)
        self.sounds = Sounds(self.home / "cache", self.limits, self.frames.sound_streams)
        self.review = Review(self.store, self.times, lambda one: self.cache(one) / "marks.json")
        self.kept = KeptTiers(self.store)
        self.scanning, self._cache_lock = threading.Lock(), threading.Lock()
        self._times: OrderedDict[str, NDArray[np.float64]] = OrderedDict()
        self._curves: OrderedDict[str, Curves] = OrderedDict()
        self._tidy()

    def close(self) -> None:
        """End the processes and let another process have the project."""
        self.review.pages.save()
        self.sounds.close()
        self.frames.close()
        self.store.close()
        self._lock.release()

    def _retake(self) -> None:
        """Take the lock of a folder that came back, and forget what was read before."""
        for part in ("analyses", "times", "incoming", "work"):
            (self.home / part).mkdir(parents=True, exist_ok=True)
        if not self._lock.holds(self.home / "lock"):
            fresh = ProjectLock(self.home / "lock")
            self._lock.release()
            self._lock = fresh
        with self._cache_lock:
            self._times.clear()
            self._curves.clear()

    # -- recordings ----------------------------------------------------------------------

    def recording(self, identity: str) -> StoredRecording:
        """Return a recording by its id.

        Raises:
            MissingError: there is none.
        """
        found = self.store.recording(identity)
        if found is None:
            raise MissingError(
                "expected the id of a recording of this project, found none such; "
                "load the list again"
            )
        return found

    def path(self, identity: str) -> Path:
        """Return where a recording lies; refuse what leads out of the folder."""
        return self.file(self.recording(identity))

    def file(self, recording: StoredRecording) -> Path:
        """Return where a recording lies; refuse what leads out of the folder."""
        return inside(self.folder, recording.path)

    def rescan(self) -> dict[str, Any]:
        """Take in files that were put into the folder by hand; look at new ones later.

        Returns:
            ``added``: ids; ``skipped``: names with the reason.
        """
        return self._take_in(self._files(self.folder))

    def add(self, path: str) -> dict[str, Any]:
        """Take in one file, or all of a folder, by its path in the folder of the project.

        Args:
            path: relative to that folder, or absolute.

        Returns:
            As :meth:`rescan`.

        Raises:
            UnsafeError: it leads out of the folder, or is not a video.
            MescopeError: there is nothing.
        """
        base, found = os.path.realpath(self.folder), os.path.join(self.folder, path)
        shown = printable(path[:120])
        try:
            real = os.path.realpath(found)
            is_folder, there = os.path.isdir(real), os.path.exists(real)
        except ValueError as error:  # a NUL within
            raise UnsafeError("expected a path, found one with control characters") from error
        relative = os.path.relpath(real, base)
        if relative.split(os.sep)[0] == os.pardir:
            raise UnsafeError(
                f"{shown}: leads out of the project folder; copy it there, or start the app "
                "with the folder it is in"
            )
        if not there or any(p.startswith(".") for p in relative.split(os.sep) if p != "."):
            raise MescopeError(
                f"{shown}: expected a file or folder in the project folder, found none"
            )
        if is_folder:
            return self._take_in(self._files(Path(base, relative)))
        if os.path.splitext(real)[1].lower() not in _RECORDINGS:
            raise UnsafeError(f"{shown}: expected {', '.join(sorted(MEDIA))}; convert it")
        return self._take_in([relative])

    def _take_in(self, files: Iterable[str]) -> dict[str, Any]:
        with self.scanning:
            known = {recording.path: recording for recording in self.store.recordings()}
            added: list[str] = []
            skipped: list[dict[str, str]] = []
            for relative in files:
                before = known.get(relative)
                try:
                    path = inside(self.folder, relative)
                    if before is None and len(known) + len(added) >= self.limits.recordings:
                        raise MescopeError(self.full())
                    if before is None:
                        added.append(self.register(path, relative).id)
                    elif has_changed(before, path) or before.error is not None:
                        self._renew(before, path)
                except PASSING:  # of the database: it concerns all files
                    raise
                except (MescopeError, OSError) as error:
                    name = printable(os.path.basename(relative))
                    skipped.append({"name": name, "error": valid(str(error))})
            return {"added": added, "skipped": skipped}

    def _files(self, within: Path) -> Iterator[str]:
        base = self.folder if within == self.folder else os.path.realpath(self.folder)
        for folder, inner, files in os.walk(within):
            inner[:] = sorted(name for name in inner if not name.startswith("."))
            for name in sorted(files):
                if (
                    not name.startswith(".")
                    and os.path.splitext(name)[1].lower() in _RECORDINGS
                ):
                    yield os.path.relpath(os.path.join(folder, name), base)

    def register(self, path: Path, relative: str, sha256: str | None = None) -> StoredRecording:
        """Take in a file whose path in the folder is new."""
        status = path.stat()
        text = relative.replace(os.sep, "/")
        recording = StoredRecording(
            id=secrets.token_hex(6),
            name=printable(text.removesuffix(SUFFIX)),
            path=relative,
            size=status.st_size,
            mtime_ns=status.st_mtime_ns,
            sha256=sha256,
            fingerprint=None,
            added=now(),
            facts=None,
            error=None,
        )
        self.store.add_recording(recording)
        return recording

    def _renew(self, recording: StoredRecording, path: Path) -> None:
        """Look again at a file that changed; judgements belong to what was there before."""
        status = path.stat()
        self._drop_cached(recording.id)
        self.store.change_recording(
            recording.id, size=status.st_size, mtime_ns=status.st_mtime_ns, sha256=None,
            facts=None, error=None,
        )  # fmt: skip

    def look(self, recording: StoredRecording) -> None:
        """Open a recording for the first time: its facts and times, or why it is not usable."""
        try:
            path = inside(self.folder, recording.path)
            facts, fingerprint, times = self.frames.probe(path)
        except MescopeError as error:
            self.store.change_recording(recording.id, error=str(error))
            return
        if recording.fingerprint not in (None, fingerprint):
            replaced = self.words("server.replaced")
            facts = replace(facts, warnings=(*facts.warnings, replaced))
        write_atomically(self.times_file(recording.id), times.tobytes())
        self._drop_cached(recording.id)
        self.store.change_recording(
            recording.id, facts=facts, fingerprint=fingerprint, error=None
        )

    def unseen(self) -> list[StoredRecording]:
        """Return the recordings that nobody looked at yet, or an earlier version did.

        The times of files that other programs make need to know when players show frame 0.
        """
        return [
            r for r in self.store.recordings() if r.start_offset is None and r.error is None
        ]

    # -- what is known of a recording ----------------------------------------------------

    def times(self, identity: str) -> NDArray[np.float64]:
        """Return the (n,) times of all frames in seconds; empty before the first look."""
        with self._cache_lock:
            if identity not in self._times:
                try:
                    data = self.times_file(identity).read_bytes()
                except OSError:
                    return np.zeros(0)
                self._times[identity] = np.frombuffer(data, dtype="<f8")
                while len(self._times) > _TIMES:
                    self._times.popitem(last=False)
            self._times.move_to_end(identity)
            return self._times[identity]

    def times_file(self, identity: str) -> Path:
        """Return where the times of a recording lie as float64, once it was looked at."""
        return self.home / "times" / f"{identity}.f8"

    def curves(self, identity: str) -> Curves:
        """Return the traces of the newest analysis.

        Raises:
            MissingError: the recording was not analyzed yet.
        """
        name = self.store.trace_file(identity)
        if name is None:
            raise MissingError("expected an analyzed recording, found a new one; analyze it")
        with self._cache_lock:
            if name not in self._curves:
                self._curves[name] = unpack(self.home / "analyses" / name)
                while len(self._curves) > _CURVES:
                    self._curves.popitem(last=False)
            self._curves.move_to_end(name)
            return self._curves[name]

    def keep_analysis(
        self, identity: str, document: dict[str, Any], traces: bytes, job: int | None = None
    ) -> None:
        """Keep a finished analysis; what people said about an earlier one stays.

        With a ``job`` that ended already (somebody cancelled it) nothing is kept.
        """
        name = f"{identity}-{secrets.token_hex(6)}.npz"
        path = self.home / "analyses" / name
        try:
            write_atomically(path, traces)
            kept = self.review.enter_analysis(identity, document, name, job)
        except MescopeError:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
            raise
        if not kept:
            path.unlink(missing_ok=True)

    def cache(self, identity: str) -> Path:
        """Return where the motion of a recording is kept, so that its analysis can go on."""
        return self.home / "cache" / identity

    def forget(self, identity: str, *, file: bool) -> None:
        """Remove all traces of a recording; the file itself if asked."""
        self.store.sight.check_lead()
        recording = self.recording(identity)
        if file:
            with contextlib.suppress(MescopeError):
                inside(self.folder, recording.path).unlink(missing_ok=True)
        self.store.forget_recording(identity)
        self._drop_cached(identity)
        shutil.rmtree(self.cache(identity), ignore_errors=True)
        for folder in ("analyses", "times"):
            for path in (self.home / folder).glob(f"{identity}*"):
                path.unlink(missing_ok=True)

    def _drop_cached(self, identity: str) -> None:
        with self._cache_lock:
            self._times.pop(identity, None)
            for name in [name for name in self._curves if name.startswith(identity)]:
                del self._curves[name]
        self.frames.forget(identity)
        self.review.pages.forget(identity)

    def _tidy(self) -> None:
        """Remove what an interrupted upload or analysis left, and what nothing refers to."""
        known = {recording.id for recording in self.store.recordings()}
        kept = self.store.trace_files() | {f"{one}.f8" for one in known}
        for folder in ("incoming", "work", "analyses", "times"):
            for path in (self.home / folder).iterdir():
                if folder in ("incoming", "work") or path.name not in kept:
                    with contextlib.suppress(OSError):
                        shutil.rmtree(path) if path.is_dir() else path.unlink()
        self._tidy_cache(known)

    def _tidy_cache(self, known: Collection[str]) -> None:
        """Remove drafts of writes that a kill ended, and what is of no recording any more.

        Nobody else writes there: the project is open in this process alone.
        """
        for folder in sorted((self.home / "cache").glob("*")):
            with contextlib.suppress(OSError):
                if folder.is_symlink() or not folder.is_dir():
                    continue
                if folder.name not in known and _ID.fullmatch(folder.name):
                    shutil.rmtree(folder)
                    continue
                for path in folder.iterdir():
                    if is_draft(path):
                        path.unlink()

    def full(self) -> str:
        """Return what is said where no recording more is taken."""
        return (
            f"expected at most {self.limits.recordings} recordings in a project; begin another"
        )


def has_changed(recording: StoredRecording, path: Path) -> bool:
    """Say whether a file is another one than when it was taken in."""
    status = path.stat()
    return (status.st_size, status.st_mtime_ns) != (recording.size, recording.mtime_ns)
