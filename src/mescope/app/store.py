"""What a project keeps: recordings, analyses, events and jobs, in one SQLite file.

Of analyses and events it shows what who asks may see (:mod:`mescope.app.sight`).  They are only
ever added.  One process writes; its threads take turns.  What
can go wrong with the file: :mod:`mescope.app.database`.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from mescope.app.database import Database
from mescope.app.outlines import outline
from mescope.app.people_table import without
from mescope.app.records import (
    AnalysisJob,
    StoredAnalysis,
    StoredRecording,
    VideoFacts,
    now,
)
from mescope.app.replay import ReviewEvent
from mescope.app.review_mark import ReviewView
from mescope.app.schema import copies
from mescope.app.sight import Sight
from mescope.app.study_schema import OF_RECORDINGS
from mescope.app.study_tables import StudyTables
from mescope.errors import MescopeError
from mescope.io.file_names import from_text, to_text


class StaleError(MescopeError):
    """Somebody else changed the recording since the caller looked at it; ``view``: to what."""

    view: ReviewView | None = None


_OF_RECORDINGS = ("analyses", "events", "jobs", "tiers", "recording_faces")


class ProjectStore:
    """The database of one project; every method may be called from any thread."""

    def __init__(self, path: Path, retake: Callable[[], None] | None = None) -> None:
        self._path = path
        self.database = Database(path, retake)
        self._all, self._run = self.database.all, self.database.run
        self.together, self.snapshot = self.database.together, self.database.snapshot
        self.study = StudyTables(self.database)
        self.sight = Sight(self.study)

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    # -- recordings ----------------------------------------------------------------------

    def recordings(self) -> list[StoredRecording]:
        """Return all recordings in order of name."""
        return [_recording(row) for row in self._all("SELECT * FROM recordings ORDER BY name")]

    def recording(self, identity: str) -> StoredRecording | None:
        """Return one recording, or None."""
        rows = self._all("SELECT * FROM recordings WHERE id = ?", identity)
        return _recording(rows[0]) if rows else None

    def add_recording(self, recording: StoredRecording) -> None:
        """Keep a recording whose id and path are new."""
        facts = recording.facts
        self._run(
            "INSERT INTO recordings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            recording.id, recording.name, to_text(recording.path), recording.size,
            recording.mtime_ns, recording.sha256, recording.fingerprint, recording.added,
            None if facts is None else json.dumps(facts.to_json()), recording.error,
        )  # fmt: skip

    def change_recording(self, identity: str, **values: Any) -> None:
        """Set columns of a recording; ``facts`` is turned into JSON."""
        if "facts" in values:
            facts: VideoFacts | None = values["facts"]
            values["facts"] = json.dumps(None if facts is None else facts.to_json())
        names = ", ".join(f"{name} = ?" for name in values)
        self._run(f"UPDATE recordings SET {names} WHERE id = ?", *values.values(), identity)

    def forget_recording(self, identity: str) -> None:
        """Remove every row about a recording, and overwrite where it stood."""
        with self.together():
            recording, kept = self.recording(identity), self.study.setting("people")
            if recording is not None and kept is not None:
                self.study.keep_setting("people", without(kept, recording, self.recordings()))
            self._run("DELETE FROM recordings WHERE id = ?", identity)
            for table in (*_OF_RECORDINGS, *OF_RECORDINGS):
                self._run(f"DELETE FROM {table} WHERE recording = ?", identity)
        for copy in copies(self._path):  # of before an upgrade; it holds the recording, too
            copy.unlink(missing_ok=True)
        self.database.overwrite_deleted()

    def with_sha256(self, digest: str) -> list[StoredRecording]:
        """Return the recordings with this content."""
        rows = self._all("SELECT * FROM recordings WHERE sha256 = ?", digest)
        return [_recording(row) for row in rows]

    def of_size(self, size: int) -> list[StoredRecording]:
        """Return the recordings of a size whose content nobody has read yet."""
        rows = self._all("SELECT * FROM recordings WHERE size = ? AND sha256 IS NULL", size)
        return [_recording(row) for row in rows]

    # -- analyses ------------------------------------------------------------------------

    def add_analysis(self, identity: str, document: Mapping[str, Any], traces: str) -> None:
        """Keep a finished analysis beside earlier ones; the newest one counts."""
        text = json.dumps(document)
        found = sum(not mark.get("earlier") for mark in document.get("marks", ()))
        self._run(
            "INSERT INTO analyses (recording, at, document, outline, traces, detections) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            identity, now(), text, outline(text), traces, found,
        )  # fmt: skip

    def analysis(self, identity: str, *, whole: bool = False) -> StoredAnalysis | None:
        """Return the newest analysis of a recording, or None.

        Args:
            identity: of the recording.
            whole: with detections and marks, which of hours are more than all the rest.
        """
        if not self.sight.sees(identity, ""):
            return None
        part = "document" if whole else "outline AS document"
        rows = self._all(
            f"SELECT number, {part}, traces FROM analyses WHERE recording = ? "
            "ORDER BY number DESC LIMIT 1",
            identity,
        )
        if not rows:
            return None
        row = rows[0]
        return StoredAnalysis(
            number=row["number"],
            recording=identity,
            document=json.loads(row["document"]),
            traces=row["traces"],
        )

    def analysis_number(self, identity: str) -> int:
        """Return the number of the newest analysis of a recording; 0 without one."""
        row = self._all("SELECT MAX(number) FROM analyses WHERE recording = ?", identity)[0]
        return int(row[0] or 0)

    def detection_counts(self) -> dict[str, int]:
        """Return how many detections the newest analysis of every recording has."""
        rows = self._all(
            "SELECT recording, detections FROM analyses WHERE number IN "
            "(SELECT MAX(number) FROM analyses GROUP BY recording)"
        )
        seen = self.sight.seen((row[0], "") for row in rows)
        return {row[0]: row[1] for row in rows if (row[0], "") in seen}

    def reviewed(self) -> set[str]:
        """Return the recordings that a coder called reviewed and did not take back.

        Of who codes blind: those that they finished.
        """
        if (viewer := self.sight.blind) is not None:
            return {one for one, coder in self.study.finished() if coder == viewer.name}
        return {one for one, _ in self.study.finished()}

    def trace_file(self, identity: str) -> str | None:
        """Return the file name of the newest traces of a recording, or None."""
        self.sight.check(identity, "")
        rows = self._all(
            "SELECT traces FROM analyses WHERE recording = ? ORDER BY number DESC LIMIT 1",
            identity,
        )
        return str(rows[0][0]) if rows else None

    def trace_files(self) -> set[str]:
        """Return the names of all files of traces that an analysis refers to."""
        return {row[0] for row in self._all("SELECT traces FROM analyses")}

    # -- events --------------------------------------------------------------------------

    def events(self, identity: str) -> list[ReviewEvent]:
        """Return everything that was done to a recording, in order."""
        rows = self._all("SELECT * FROM events WHERE recording = ? ORDER BY seq", identity)
        return self.sight.events(identity, [_event(row) for row in rows])

    def coders(self, identity: str | None = None) -> list[str]:
        """Return who did anything in a recording, or in all, in order of name."""
        where, values = ("recording = ?", (identity,)) if identity else ("TRUE", ())
        rows = self._all(
            f"SELECT DISTINCT recording, coder FROM events WHERE {where} AND coder != ''",
            *values,
        )
        return sorted({coder for _, coder in self.sight.seen((r[0], r[1]) for r in rows)})

    def revision(self, identity: str) -> int:
        """Return how many events a recording has that may be seen; it grows with each."""
        if self.sight.blind is not None:
            return len(self.events(identity))
        return self._newest(identity)

    def _newest(self, identity: str) -> int:
        row = self._all("SELECT MAX(revision) FROM events WHERE recording = ?", identity)[0]
        return int(row[0] or 0)

    def last_event(self, identity: str) -> tuple[int, str]:
        """Return number and time of the newest event of a recording; 0 and "" without one."""
        rows = self._all(
            "SELECT seq, at FROM events WHERE recording = ? ORDER BY revision DESC LIMIT 1",
            identity,
        )
        return (rows[0]["seq"], rows[0]["at"]) if rows else (0, "")

    def revisions(self) -> dict[str, int]:
        """Return the revision of every recording that has events."""
        if self.sight.blind is None:
            rows = self._all("SELECT recording, MAX(revision) FROM events GROUP BY recording")
            return {row[0]: row[1] for row in rows}
        rows = self._all(
            "SELECT recording, coder, COUNT(*) FROM events GROUP BY recording, coder"
        )
        seen, found = self.sight.seen((row[0], row[1]) for row in rows), Counter[str]()
        for recording, coder, number in rows:
            if (recording, coder) in seen:
                found[recording] += number
        return dict(found)

    def knows_key(self, identity: str, key: str) -> bool:
        """Whether an event with this key was kept already (a request that is sent again)."""
        found = self._all("SELECT 1 FROM events WHERE recording = ? AND key = ?", identity, key)
        return bool(found)

    def add_event(
        self,
        identity: str,
        expected: int | None,
        coder: str,
        action: str,
        *,
        mark: str | None = None,
        values: Mapping[str, Any] | None = None,
        undoes: int | None = None,
        key: str | None = None,
    ) -> ReviewEvent:
        """Keep an event; it is on the disk when this returns.

        Args:
            identity: of the recording.
            expected: the revision that the caller saw; None does not ask.
            coder: who.
            action: what.
            mark: to which mark.
            values: as which values.
            undoes: the event that it takes back.
            key: by which a repeated request is known.

        Raises:
            StaleError: the recording has another revision by now; nothing was kept.
        """
        with self.together():
            seen, revision = self.revision(identity), self._newest(identity)
            if expected is not None and expected != seen:
                raise StaleError(
                    f"expected revision {seen} of this recording, found {expected}: "
                    "somebody else changed it; look at the marks and apply again"
                )
            at, content = now(), dict(values or {})
            cursor = self._run(
                "INSERT INTO events (recording, revision, at, coder, action, mark, "
                '"values", undoes, key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
                identity, revision + 1, at, coder, action, mark,
                json.dumps(content), undoes, key,
            )  # fmt: skip
            seq = int(cursor.lastrowid or 0)
        return ReviewEvent(
            seq=seq, at=at, coder=coder, action=action, mark=mark, values=content, undoes=undoes
        )

    def add_marks(
        self, identity: str, marks: Iterable[tuple[str, str, Mapping[str, Any]]], action: str
    ) -> None:
        """Keep many annotations or codes at once: coder, id, values of each; all or none."""
        with self.together():
            at = now()
            self.database.run_many(
                "INSERT INTO events (recording, revision, at, coder, action, mark, "
                '"values") VALUES (?, ?, ?, ?, ?, ?, ?)',
                (
                    (identity, revision, at, coder, action, mark, json.dumps(dict(values)))
                    for revision, (coder, mark, values) in enumerate(
                        marks, start=self._newest(identity) + 1
                    )
                ),
            )

    # -- jobs ----------------------------------------------------------------------------

    def add_job(self, identity: str) -> AnalysisJob:
        """Queue an analysis, unless one is queued or running already."""
        with self.together():
            active = [j for j in self.jobs(identity) if j.state in ("queued", "running")]
            if active:
                return active[-1]
            self._run(
                "INSERT INTO jobs (recording, state, at) VALUES (?, 'queued', ?)",
                identity, now(),
            )  # fmt: skip
            return self.jobs(identity)[-1]

    def jobs(self, identity: str | None = None) -> list[AnalysisJob]:
        """Return the jobs of one recording, or all, oldest first."""
        where, values = ("WHERE recording = ?", (identity,)) if identity else ("", ())
        return [
            _job(r) for r in self._all(f"SELECT * FROM jobs {where} ORDER BY number", *values)
        ]

    def latest_jobs(self) -> dict[str, AnalysisJob]:
        """Return the newest job of every recording that has one."""
        rows = self._all(
            "SELECT * FROM jobs WHERE number IN "
            "(SELECT MAX(number) FROM jobs GROUP BY recording)"
        )
        return {row["recording"]: _job(row) for row in rows}

    def active_jobs(self) -> list[AnalysisJob]:
        """Return what is queued or running, oldest first."""
        rows = self._all(
            "SELECT * FROM jobs WHERE state IN ('queued', 'running') ORDER BY number"
        )
        return [_job(row) for row in rows]

    def queued_jobs(self) -> list[AnalysisJob]:
        """Return what is queued, oldest first."""
        return [job for job in self.active_jobs() if job.state == "queued"]

    def change_job(
        self, number: int, state: str, error: str | None = None, *, counts: bool = True
    ) -> bool:
        """Set the state of a job that has not ended; return whether there was one.

        ``running`` is one more attempt, unless it is ``queued`` again by no fault of its own
        (``counts`` False).  What is done, failed or cancelled stays so.
        """
        more = 1 if state == "running" else -int(not counts)
        return bool(
            self._run(
                "UPDATE jobs SET state = ?, error = ?, attempts = attempts + ? "
                "WHERE number = ? AND state IN ('queued', 'running')",
                state, error, more, number,
            ).rowcount
        )  # fmt: skip

    def requeue_running(self) -> int:
        """Queue again what was running when the server ended; return how many."""
        return self._run("UPDATE jobs SET state = 'queued' WHERE state = 'running'").rowcount


def _recording(row: sqlite3.Row) -> StoredRecording:
    values = dict(row)
    facts = json.loads(values.pop("facts") or "null")
    values["path"] = from_text(values["path"])
    return StoredRecording(
        facts=None if facts is None else VideoFacts.from_json(facts), **values
    )


def _event(row: sqlite3.Row) -> ReviewEvent:
    return ReviewEvent(
        seq=row["seq"],
        at=row["at"],
        coder=row["coder"],
        action=row["action"],
        mark=row["mark"],
        values=json.loads(row["values"]),
        undoes=row["undoes"],
    )


def _job(row: sqlite3.Row) -> AnalysisJob:
    return AnalysisJob(
        number=row["number"],
        recording=row["recording"],
        state=row["state"],
        attempts=row["attempts"],
        error=row["error"],
    )
