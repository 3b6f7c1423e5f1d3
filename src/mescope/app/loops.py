"""Threads that no error ends: they say what is in the way, wait, and go on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from mescope.app.trouble import PASSING

RETRY = 1.0
"""Seconds between two tries while something is in the way."""

_LOG = logging.getLogger("mescope.app")


class Troubles:
    """What is in the way at the moment, by who met it; ``changed`` is called with any change."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._lock, self._changed = threading.Lock(), changed
        self._texts: dict[str, str] = {}

    def tell(self, who: str, text: str | None) -> None:
        """Note what is in somebody's way; None: nothing any more."""
        with self._lock:
            before = self._texts.get(who)
            if text is None:
                self._texts.pop(who, None)
            else:
                self._texts[who] = text
        if before != text:
            self._changed()

    def text(self) -> str | None:
        """Return it in one line, or None."""
        with self._lock:
            return "; ".join(dict.fromkeys(self._texts.values())) or None


class Loop:
    """A thread that does one step after the other.

    Args:
        name: of the thread.
        step: does what there is to do; returns whether there may be more.
        troubles: is told what is in the way.
        every: seconds after which to look again without being called; None: only when called.
    """

    def __init__(
        self,
        name: str,
        step: Callable[[], bool],
        troubles: Troubles,
        every: float | None = None,
    ) -> None:
        self._step, self._troubles, self._every, self._name = step, troubles, every, name
        self._called, self._closing = threading.Event(), False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def call(self) -> None:
        """Have it look whether there is something to do."""
        self._called.set()

    def close(self, seconds: float = 20) -> None:
        """Let it end after its step, and wait for that."""
        self._closing = True
        self._called.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _run(self) -> None:
        while not self._closing:
            self._called.clear()
            pause = self._once()
            if pause != 0.0 and not self._closing:
                self._called.wait(pause)

    def _once(self) -> float | None:
        """Do one step; return how long to wait for the next, None for until it is called."""
        try:
            more = self._step()
        except PASSING as error:
            text = str(error)
        except Exception as error:  # a bug of ours ends a step, never the thread
            _LOG.exception("%s: trying again", self._name)
            text = (
                f"something in the server went wrong ({type(error).__name__}: "
                f"{str(error)[:200]}); it is tried again, and its terminal has the details"
            )
        else:
            self._troubles.tell(self._name, None)
            return 0.0 if more else self._every
        self._troubles.tell(self._name, text)
        return RETRY
