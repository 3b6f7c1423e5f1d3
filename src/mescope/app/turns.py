"""Who is next: those whose wish is short, and among these who came first."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

_IN_A_ROW = 8  # short ones that go before a long one which waits


class Turns:
    """A lock that is handed on in order; what takes long lets some others go first, not all."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._short: deque[object] = deque()
        self._long: deque[object] = deque()
        self._taken, self._row = False, 0

    @contextmanager
    def turn(self, *, long: bool = False) -> Iterator[None]:
        """Wait for one's turn, and have it for as long as the block lasts."""
        ticket, mine = object(), self._long if long else self._short
        with self._changed:
            mine.append(ticket)
            while self._taken or self._next() is not ticket:
                self._changed.wait()
            mine.popleft()
            self._row = 0 if long else self._row + 1
            self._taken = True
        try:
            yield
        finally:
            with self._changed:
                self._taken = False
                self._changed.notify_all()

    def _next(self) -> object:
        if self._long and (not self._short or self._row >= _IN_A_ROW):
            return self._long[0]
        return self._short[0]
