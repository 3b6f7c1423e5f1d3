"""A process of its own for work on strange files: it may crash or hang, the server may not.

Requests and answers are JSON and plain bytes.  Nothing that the process sends is unpickled, so
a file that takes the process over has not taken the server over.
"""

from __future__ import annotations

import json
import multiprocessing
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from mescope.errors import MescopeError, VideoError

MOST_BYTES = 512 << 20
"""Largest answer that is taken from the process."""

Serve = Callable[[Connection, int], None]


class Sandbox:
    """One process that answers one request at a time; started when needed, and again if dead.

    Args:
        serve: runs in the process: ``serve(connection, memory)``; must be importable.
        memory: bytes it may use.
        seconds: longest time for one answer; the process is ended after it.
    """

    def __init__(self, serve: Serve, *, memory: int, seconds: float) -> None:
        self._serve, self._memory, self._seconds = serve, memory, seconds
        self._lock = threading.Lock()
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None
        self._closed = False

    def ask(self, **request: Any) -> tuple[dict[str, Any], bytes]:
        """Return the answer to a request: plain values, and bytes that belong to them.

        Raises:
            VideoError: the process said so, died, or took too long.
        """
        with self._lock:
            connection = self._ready()
            try:
                connection.send_bytes(json.dumps(request).encode())
                if not connection.poll(self._seconds):
                    raise _ended(f"gave no answer within {self._seconds:g} s")
                head = json.loads(connection.recv_bytes(MOST_BYTES))
                body = connection.recv_bytes(MOST_BYTES) if head.get("body") else b""
            except (EOFError, OSError, ValueError) as error:
                self._stop()
                raise _ended("ended unexpectedly") from error
            except VideoError:
                self._stop()
                raise
        if "error" in head:
            raise VideoError(str(head["error"]))
        return head["answer"], body

    def start(self) -> None:
        """Start the process already, so that the first request need not wait."""
        with self._lock:
            self._ready()

    @property
    def pid(self) -> int | None:
        """Return the number of the process, or None where none runs."""
        process = self._process
        return process.pid if process is not None and process.is_alive() else None

    def close(self) -> None:
        """End the process for good."""
        with self._lock:
            self._closed = True
            self._stop()

    def _ready(self) -> Connection:
        if self._closed:
            raise VideoError("the server is closing; ask again when it is back")
        if self._connection is None or self._process is None or not self._process.is_alive():
            self._stop()
            context = multiprocessing.get_context("spawn")
            ours, theirs = context.Pipe()
            self._process = context.Process(
                target=self._serve, args=(theirs, self._memory), daemon=True
            )
            self._process.start()
            theirs.close()
            self._connection = ours
        return self._connection

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join(10)
        if self._connection is not None:
            self._connection.close()
        self._process = self._connection = None


def _ended(what: str) -> VideoError:
    return VideoError(
        f"the process that reads this recording {what} and was stopped; the recording may be "
        "damaged: convert it, or try another frame"
    )


def answer_requests(
    connection: Connection, handlers: dict[str, Callable[..., tuple[dict[str, Any], bytes]]]
) -> None:
    """Answer requests in the process until the other side is gone.

    A known error is answered as such; any other ends the process, which the server notices.
    """
    while True:
        try:
            request = json.loads(connection.recv_bytes())
        except (EOFError, OSError):
            return
        try:
            answer, body = handlers[request.pop("do")](**request)
            head: dict[str, Any] = {"answer": answer, "body": bool(body)}
        except MescopeError as error:
            head, body = {"error": str(error)}, b""
        except MemoryError:
            head, body = {"error": "the recording needs more memory than allowed"}, b""
        connection.send_bytes(json.dumps(head, allow_nan=False).encode())
        if body:
            connection.send_bytes(body)
