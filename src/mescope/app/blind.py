"""Blind coding: the setting, who signs in, the order of recordings, the trail of it all."""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import os
import secrets
import threading
import time
from collections.abc import Sequence, Set

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from mescope.app.records import StoredRecording, now
from mescope.app.safety import IDENTITY
from mescope.app.sight import CONSENSUS, VIEWER, BlindError, Sight, Viewer
from mescope.app.study_tables import StudyTables
from mescope.errors import MescopeError
from mescope.io.formula_guard import guarded

SHORTEST_PASSWORD = 6
_AGAIN = 60.0  # seconds within which the same look again is no new line of the trail
_HEADS = ("number", "time_utc", "coder", "what", "recording_id", "recording", "detail")
_LOOKS = ("marks", "codes", "tiers", "history", "export", "traces", "overlay")  # of a recording
_WHOLE = ("report", "agreement", "study")  # of the project


class Blindness:
    """The blind coding of one project.

    Args:
        tables: of the study.
        sight: what the store shows.
        place: of the project; two projects on one machine have sign-ins of their own.
    """

    def __init__(self, tables: StudyTables, sight: Sight, place: str) -> None:
        self._tables, self._sight = tables, sight
        self.cookie = f"mescope-coder-{hashlib.sha256(os.fsencode(place)).hexdigest()[:8]}"
        self._lock, self._setting = threading.Lock(), threading.RLock()
        self._noted: dict[tuple[str, str, str | None, str], float] = {}
        # of one file of the database; a folder that came back may hold another
        self._known: tuple[int, dict[str, str] | None] | None = None

    # -- the setting ---------------------------------------------------------------------

    def setting(self) -> dict[str, str] | None:
        """Return lead, seed (empty: no shuffling) and time of the beginning; None if off."""
        generation, known = self._tables.generation(), self._known
        if known is not None and known[0] == generation:
            return known[1]
        with self._setting:  # what was read before a change must not be known after it
            found: dict[str, str] | None = self._tables.setting("blind")
            self._known = generation, found
        return found

    def _set(self, value: dict[str, str] | None) -> None:
        with self._setting:
            self._tables.keep_setting("blind", value)
            self._known = None

    def begin(self, lead: str, password: str, seed: str) -> str:
        """Hide the model and other coders from now on; return the lead's token.

        Args:
            lead: who may see everything, and end it.
            password: of the lead.
            seed: by which each coder's order of recordings is drawn; empty: by name.

        Raises:
            BlindError: it is blind already.
            MescopeError: no name, or a password too short.
        """
        with self._setting:  # of two who begin at once one leads
            if self.setting() is not None:
                raise BlindError(
                    "the project is coded blind already; who leads it can change that"
                )
            token = self.sign_in(lead, password)
            self._set({"lead": lead, "seed": seed, "since": now()})
        self.note(lead, "blind on", None, f"seed {seed}" if seed else "order of names")
        return token

    def end(self) -> None:
        """Show everything to everybody from now on.

        Raises:
            BlindError: who asks does not lead the study.
        """
        self._sight.check_lead()
        viewer = VIEWER.get()
        self._set(None)
        self.note(viewer.name if viewer else "", "blind off", None, "")

    # -- who is who ----------------------------------------------------------------------

    def sign_in(self, coder: str, password: str) -> str:
        """Return a token by which a coder is known; the first password of a name is kept.

        Raises:
            BlindError: another password was kept for this name.
            MescopeError: the name is reserved, or the password too short.
        """
        if coder == CONSENSUS:
            raise MescopeError(f"{CONSENSUS!r} is nobody's name; sign in by your own")
        if len(password) < SHORTEST_PASSWORD:
            raise MescopeError(f"expected a password of {SHORTEST_PASSWORD} characters or more")
        kept = self._tables.key(coder)
        salt = kept[0] if kept else secrets.token_hex(16)
        digest = _digest(password, salt)
        token = secrets.token_urlsafe(24)
        with self._tables.together():
            fits = self._tables.key(coder) == kept  # nobody took the name, or let it go, since
            fits = fits and (kept is None or hmac.compare_digest(digest, kept[1]))
            if fits and not kept:
                self._tables.keep_key(coder, salt, digest)
            if fits:
                self._tables.keep_sign_in(_known_as(token), coder)
        if not fits:
            self.note(coder, "refused", None, "another password")
            raise BlindError(
                f"expected the password that {coder} chose at the first sign-in, found "
                "another; who leads the study can let the name choose anew"
            )
        self.note(coder, "sign in", None, "" if kept else "first time: the name is taken")
        return token

    def release(self, coder: str) -> bool:
        """Let a coder choose another password; return whether there was one.

        Raises:
            BlindError: who asks does not lead the study.
        """
        self._sight.check_lead()
        viewer = VIEWER.get()
        self.note(viewer.name if viewer else "", "released", None, coder)
        return self._tables.drop_key(coder)

    def sign_out(self, token: str) -> None:
        """Forget a token."""
        self._tables.drop_sign_in(_known_as(token))

    def viewer(self, token: str) -> Viewer | None:
        """Return who shows a token; None where nothing is hidden from anybody."""
        setting = self.setting()
        if setting is None:
            return None
        name = (self._tables.signed_in(_known_as(token)) or "") if token else ""
        return Viewer(name, bool(name) and name == setting["lead"])

    # -- order ---------------------------------------------------------------------------

    def ordered(self, recordings: Sequence[StoredRecording]) -> list[StoredRecording]:
        """Return recordings in the order in which who asks codes them.

        It is drawn from the seed, the coder and the recording alone, so that it stays as it is
        when recordings are added.
        """
        viewer, setting = self._sight.blind, self.setting()
        if viewer is None or setting is None or not setting["seed"]:
            return list(recordings)
        return sorted(recordings, key=lambda one: place(setting["seed"], viewer.name, one.id))

    def finished(self) -> Set[tuple[str, str]]:
        """Return every (recording, coder) whose coder has finished it."""
        return self._tables.finished()

    # -- the trail -----------------------------------------------------------------------

    def note(self, coder: str, what: str, recording: str | None, detail: str) -> None:
        """Keep a line of the trail; the same look again within a minute is none."""
        key, at = (coder, what, recording, detail), time.monotonic()
        with self._lock:
            if at - self._noted.get(key, -_AGAIN) < _AGAIN and what.startswith("asked"):
                return
            self._noted = {k: t for k, t in self._noted.items() if at - t < _AGAIN} | {key: at}
        try:
            self._tables.note_sight(coder, what, recording, detail)
        except MescopeError:
            with self._lock:
                self._noted.pop(key, None)
            raise

    def note_request(self, viewer: Viewer, path: str, query: str) -> None:
        """Keep what a request is about to show; nothing is shown if that cannot be kept."""
        parts = path.removeprefix("/api/").split("/")
        if parts[0] == "recordings" and len(parts) > 2 and parts[2] in _LOOKS:
            if IDENTITY.match(parts[1]) is None:
                return
            revealed = (parts[1], viewer.name) in self._tables.finished()
            state = "all" if viewer.is_lead else "revealed" if revealed else "blind: own only"
            more = f" {query}" if parts[2] == "export" else ""
            self.note(viewer.name, f"asked {parts[2]}", parts[1], f"{state}{more}"[:300])
        elif parts[0] in _WHOLE:
            state = "all" if viewer.is_lead else "of what they finished"
            self.note(viewer.name, f"asked {'/'.join(parts)[:80]}", None, state)

    def trail(self) -> str:
        """Return who saw what when as CSV, oldest first.

        Raises:
            BlindError: who asks does not lead the study.
        """
        self._sight.check_lead()
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(_HEADS)
        for row in self._tables.sights():
            table.writerow([guarded(str("" if cell is None else cell)) for cell in row])
        return text.getvalue()


async def watching(request: Request) -> None:
    """Find out who asks, before anything is answered; a dependency of every route."""
    blind: Blindness = request.app.state.project.blind
    if blind.setting() is None:
        VIEWER.set(None)
        return
    viewer = await run_in_threadpool(blind.viewer, token_of(request, blind.cookie))
    VIEWER.set(viewer)
    if viewer is not None and request.method in ("GET", "HEAD"):
        await run_in_threadpool(blind.note_request, viewer, request.url.path, request.url.query)


def token_of(request: Request, cookie: str) -> str:
    """Return the token in a cookie; read by hand, so that no other cookie spoils it."""
    parts = (part.strip() for part in request.headers.get("cookie", "").split(";"))
    pairs = (part.partition("=") for part in parts)
    return next((value.strip('"') for name, _, value in pairs if name == cookie), "")


def place(seed: str, coder: str, recording: str) -> str:
    """Return by what a recording is ordered for a coder."""
    return hashlib.sha256(f"{seed}\n{coder}\n{recording}".encode()).hexdigest()


def _digest(password: str, salt: str) -> str:
    made = hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), n=1 << 14, r=8, p=1)
    return made.hex()


def _known_as(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
