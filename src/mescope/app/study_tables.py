"""What a study keeps: its settings, who codes what, who is who, and who saw what when."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Set
from typing import Any

from mescope.app.database import Database
from mescope.app.records import now


class StudyTables:
    """Reads and writes these tables; every method may be called from any thread."""

    def __init__(self, database: Database) -> None:
        self._all, self._run, self.together = database.all, database.run, database.together
        self._run_many, self._database = database.run_many, database
        # each mark of each recording asks who finished it: of one state of the database
        self._finished: tuple[tuple[int, int], frozenset[tuple[str, str]]] | None = None

    def generation(self) -> int:
        """Return a number that grows when another file takes the place of the open one."""
        return self._database.generation

    def setting(self, name: str) -> Any:
        """Return a setting, or None."""
        rows = self._all("SELECT value FROM settings WHERE name = ?", name)
        return json.loads(rows[0][0]) if rows else None

    def keep_setting(self, name: str, value: Any) -> None:
        """Keep a setting; None removes it."""
        if value is None:
            self._run("DELETE FROM settings WHERE name = ?", name)
        else:
            self._run("INSERT OR REPLACE INTO settings VALUES (?, ?)", name, json.dumps(value))

    # -- who codes what ------------------------------------------------------------------

    def assignments(self) -> dict[str, list[str]]:
        """Return the coders of every recording that has any, in order of name."""
        found: dict[str, list[str]] = {}
        for row in self._all("SELECT recording, coder FROM assignments ORDER BY coder"):
            found.setdefault(row[0], []).append(row[1])
        return found

    def assign(self, coders: dict[str, list[str]]) -> None:
        """Have these coders, and no others, code each of these recordings."""
        with self.together():
            for recording, names in coders.items():
                self._run("DELETE FROM assignments WHERE recording = ?", recording)
                self._run_many(
                    "INSERT INTO assignments VALUES (?, ?, ?)",
                    ((recording, name, now()) for name in dict.fromkeys(names)),
                )

    # -- who is who ----------------------------------------------------------------------

    def key(self, coder: str) -> tuple[str, str] | None:
        """Return salt and hash of a coder's password, in hexadecimal; None without one."""
        rows = self._all("SELECT salt, hash FROM coder_keys WHERE coder = ?", coder)
        return (rows[0][0], rows[0][1]) if rows else None

    def keep_key(self, coder: str, salt: str, digest: str) -> None:
        """Keep the hash of a coder's password."""
        self._run("INSERT OR REPLACE INTO coder_keys VALUES (?, ?, ?)", coder, salt, digest)

    def drop_key(self, coder: str) -> bool:
        """Let a coder choose another password; return whether there was one."""
        with self.together():
            self._run("DELETE FROM sign_ins WHERE coder = ?", coder)
            return bool(self._run("DELETE FROM coder_keys WHERE coder = ?", coder).rowcount)

    def keep_sign_in(self, token: str, coder: str) -> None:
        """Keep that whoever shows a token (its hash is kept) is this coder."""
        self._run("INSERT INTO sign_ins VALUES (?, ?, ?)", token, coder, now())

    def drop_sign_in(self, token: str) -> None:
        """Forget a token."""
        self._run("DELETE FROM sign_ins WHERE token = ?", token)

    def signed_in(self, token: str) -> str | None:
        """Return who shows this token, or None."""
        rows = self._all("SELECT coder FROM sign_ins WHERE token = ?", token)
        return str(rows[0][0]) if rows else None

    # -- who finished, and who saw what when ---------------------------------------------

    def begun(self) -> set[tuple[str, str]]:
        """Return every (recording, coder) whose coder did anything there."""
        rows = self._all("SELECT DISTINCT recording, coder FROM events WHERE coder != ''")
        return {(row[0], row[1]) for row in rows}

    def finished(self) -> Set[tuple[str, str]]:
        """Return every (recording, coder) whose coder called it finished and kept to that."""
        database, known = self._database, self._finished
        now = database.generation, database.changes  # before it is read: never too new
        if known is not None and known[0] == now and not database.is_writing:
            return known[1]
        found = self._found_finished()
        if not database.is_looking_back:
            self._finished = now, found
        return found

    def _found_finished(self) -> frozenset[tuple[str, str]]:
        rows = self._all(
            "SELECT * FROM events WHERE action IN ('reviewed', 'undo') ORDER BY seq"
        )
        gone = {row["undoes"] for row in rows}
        state: dict[tuple[str, str], bool] = {}
        for row in rows:
            if row["action"] == "reviewed" and row["seq"] not in gone:
                is_so = bool(json.loads(row["values"]).get("reviewed", True))
                state[row["recording"], row["coder"]] = is_so
        return frozenset(who for who, is_so in state.items() if is_so)

    def note_sight(self, coder: str, what: str, recording: str | None, detail: str) -> None:
        """Keep that somebody saw or did something."""
        self._run(
            "INSERT INTO sights (at, coder, what, recording, detail) VALUES (?, ?, ?, ?, ?)",
            now(), coder, what, recording, detail,
        )  # fmt: skip

    def sights(self) -> list[sqlite3.Row]:
        """Return who saw what when, oldest first, with the names of recordings."""
        return self._all(
            "SELECT s.seq, s.at, s.coder, s.what, s.recording, r.name, s.detail "
            "FROM sights s LEFT JOIN recordings r ON r.id = s.recording ORDER BY s.seq"
        )
