"""Processes of their own for work on strange files: they may crash or hang, the server may not.

Requests and answers are JSON and plain bytes.  Nothing that a process sends is unpickled, so a
file that takes a process over has not taken the server over.
"""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any

from mescope.app.turns import Turns
from mescope.errors import MescopeError, VideoError

MOST_BYTES = 512 << 20
"""Largest message that is taken from a process."""

Serve = Callable[[Connection, int], None]
"""``serve(connection, memory)`` runs in the process; it must be importable."""


class ChildProcess:
    """One process and the pipe to it; it runs from the start until :meth:`end`.

    Args:
        serve: what runs in it.
        memory: bytes it may use.
    """

    def __init__(self, serve: Serve, memory: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, memory), daemon=True)
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int | None:
        """Return its number."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Say whether it has not ended yet."""
        return self._process.is_alive()

    def send(self, values: Mapping[str, Any]) -> None:
        """Send values that JSON holds; raises OSError if the process is gone."""
        send(self._connection, values)

    def receive(self, seconds: float, most: int = MOST_BYTES) -> dict[str, Any] | None:
        """Return the next values that it sends, or None if none come within some seconds.

        Raises:
            EOFError: the process is gone.
            OSError: likewise, or the message is larger than ``most`` bytes.
            ValueError: it is not JSON.
        """
        if not self._connection.poll(seconds):
            return None
        return receive(self._connection, most)

    def receive_bytes(self) -> bytes:
        """Return the plain bytes that it sends next; raises EOFError and OSError."""
        return self._connection.recv_bytes(MOST_BYTES)

    def exit_status(self, seconds: float) -> int | None:
        """Return how it ended, or None if it is still running after some seconds."""
        self._process.join(seconds)
        return self._process.exitcode

    def end(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.join(10)
        self._connection.close()


class Sandbox:
    """A process that answers one request at a time; started when needed, and again if dead.

    Args:
        serve: what runs in it; it calls :func:`answer_requests`.
        memory: bytes it may use.
        seconds: longest time for one answer; the process is ended after it.
        work: what it reads, for messages.
        failure: the error that says why there is no answer.
    """

    def __init__(
        self,
        serve: Serve,
        *,
        memory: int,
        seconds: float,
        work: str = "the recording",
        failure: type[MescopeError] = VideoError,
    ) -> None:
        self._serve, self._memory, self._seconds = serve, memory, seconds
        self._work, self._failure = work, failure
        self._turns = Turns()
        self._child: ChildProcess | None = None
        self._closed = False

    def ask(self, *, long: bool = False, **request: Any) -> tuple[dict[str, Any], bytes]:
        """Return the answer to a request: plain values, and bytes that belong to them.

        What takes ``long`` waits for what does not.

        A process that died is replaced once: perhaps it was somebody else who ended it.

        Raises:
            VideoError: (or the given failure) the process said so, died, or took too long.
        """
        with self._turns.turn(long=long):
            for last in (False, True):
                try:
                    head, body = self._asked(request)
                    break
                except (EOFError, OSError, ValueError) as error:
                    self._stop()
                    if last:
                        raise self._ended("ended unexpectedly") from error
                except self._failure:
                    self._stop()
                    raise
        if "error" in head:
            raise self._failure(str(head["error"]))
        return head["answer"], body

    def _asked(self, request: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
        child = self._ready()
        child.send(request)
        head = child.receive(self._seconds)
        if head is None:
            raise self._ended(f"gave no answer within {self._seconds:g} s")
        return head, child.receive_bytes() if head.get("body") else b""

    def start(self) -> None:
        """Start the process already, so that the first request need not wait."""
        with self._turns.turn():
            self._ready()

    @property
    def pid(self) -> int | None:
        """Return the number of the process, or None where none runs."""
        child = self._child
        return child.pid if child is not None and child.alive else None

    def close(self) -> None:
        """End the process for good."""
        with self._turns.turn():
            self._closed = True
            self._stop()

    def _ended(self, what: str) -> MescopeError:
        return self._failure(
            f"the process that reads {self._work} {what} and was stopped; {self._work} may be "
            "damaged or too large: convert it, or try another part"
        )

    def _ready(self) -> ChildProcess:
        if self._closed:
            raise self._failure("the server is closing; ask again when it is back")
        if self._child is None or not self._child.alive:
            self._stop()
            self._child = ChildProcess(self._serve, self._memory)
        return self._child

    def _stop(self) -> None:
        if self._child is not None:
            self._child.end()
        self._child = None


def send(connection: Connection, values: Mapping[str, Any]) -> None:
    """Send values that JSON holds to the other side."""
    connection.send_bytes(json.dumps(values, allow_nan=False).encode())


def receive(connection: Connection, most: int | None = None) -> dict[str, Any]:
    """Return the values that the other side sends next."""
    values: dict[str, Any] = json.loads(connection.recv_bytes(most))
    return values


def answer_requests(
    connection: Connection, handlers: dict[str, Callable[..., tuple[dict[str, Any], bytes]]]
) -> None:
    """Answer requests in the process until the other side is gone.

    A known error is answered as such; any other ends the process, which the server notices.
    """
    while True:
        try:
            request = receive(connection)
        except (EOFError, OSError):
            return
        try:
            answer, body = handlers[request.pop("do")](**request)
            head: dict[str, Any] = {"answer": answer, "body": bool(body)}
        except MescopeError as error:
            head, body = {"error": str(error)}, b""
        except MemoryError:
            head, body = {"error": "reading it needs more memory than allowed"}, b""
        send(connection, head)
        if body:
            connection.send_bytes(body)
