"""Connections that do not get on: who sends nothing, or a little at a time, is let go.

A request that is whole has all the time it needs (an upload of hours, a stream of news).  What
is limited is how long a client may take over headers and body, how long it may leave an answer
unread, and how many connections it may hold that have not asked for anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from mescope.app.security_middleware import is_loopback

_SPARE = 8  # connections below the most at which room is made


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a client is waited for (seconds), and how many connections it may have."""

    headers: float = 10.0
    """From the first moment to the end of the headers."""
    silence: float = 30.0
    """Without a byte of a body that is on its way, or without reading an answer."""
    least_rate: float = 1000.0
    """Bytes per second of a body, on average, once it took longer than ``silence``."""
    waiting: int = 32
    """Connections of one client that have not asked yet; the oldest gives way."""
    each: int = 64
    """Connections of one client of another machine."""
    all: int = 256
    """Connections together; the oldest that has not asked gives way."""


class PatientProtocol(H11Protocol):
    """One connection, watched."""

    patience = Patience()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection, and let go of another one if there are too many."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._since = self._heard = self.loop.time()
        self._got = self._unread = 0
        self._timer = self.loop.call_later(self._tick(), self._watch)
        self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Note that something came; the time for a request begins with it."""
        before, self._heard = self.cycle, self.loop.time()
        super().data_received(data)
        if self.cycle is not before:
            self._since, self._got = self._heard, 0
        self._got += len(data)

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        self._since = self.loop.time()
        super().on_response_complete()

    def _make_room(self) -> None:
        everybody = [one for one in self.connections if isinstance(one, PatientProtocol)]
        mine = [one for one in everybody if one._who() == self._who()]
        if len(mine) > self.patience.each and not is_loopback(self._who()):
            self.transport.abort()
        never_asked = [one for one in mine if one.cycle is None and one._is_idle()]
        if len(never_asked) > self.patience.waiting:
            _drop_oldest(never_asked)
        elif len(everybody) > self.patience.all - _SPARE:
            _drop_oldest([one for one in everybody if one is not self and one._is_idle()])

    def _who(self) -> str:
        return self.client[0] if self.client else ""

    def _is_idle(self) -> bool:
        """Say whether no request is under way, but perhaps half of its headers."""
        return self.conn.their_state is h11.IDLE and not self.transport.is_closing()

    def _tick(self) -> float:
        return min(1.0, self.patience.headers / 4, self.patience.silence / 4)

    def _watch(self) -> None:
        """Let the connection go if its client took too long over what is its turn."""
        if self.transport.is_closing():
            return
        if self._is_too_slow(self.loop.time()):
            self.transport.abort()
            return
        self._timer = self.loop.call_later(self._tick(), self._watch)

    def _is_too_slow(self, now: float) -> bool:
        patience, took = self.patience, now - self._since
        if self._is_idle():
            return took > patience.headers
        if self.conn.their_state is h11.SEND_BODY and not self.flow.read_paused:
            late = now - self._heard > patience.silence
            return late or (took > patience.silence and self._got < patience.least_rate * took)
        unread = self.transport.get_write_buffer_size()
        if not unread or unread != self._unread:  # it is not the client that is waited for
            self._unread, self._heard = unread, now
        return now - self._heard > patience.silence


def _drop_oldest(connections: Sequence[PatientProtocol]) -> None:
    if connections:
        min(connections, key=lambda one: one._since).transport.abort()


def served(application: ASGIApp, patience: Patience | None = None) -> uvicorn.Config:
    """Return how an app is served: by whom, and with which limits.

    Args:
        application: from :func:`mescope.app.server.create_app`.
        patience: with clients; None: the usual one.
    """
    protocol = PatientProtocol
    if patience is not None:
        protocol = type("PatientProtocol", (PatientProtocol,), {"patience": patience})
    most = protocol.patience.all
    return uvicorn.Config(
        application, http=protocol, ws="none", log_level="warning", access_log=False,
        server_header=False, proxy_headers=False, timeout_graceful_shutdown=3,
        limit_concurrency=most,
    )  # fmt: skip
