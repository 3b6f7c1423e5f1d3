"""The marks of a recording as the bytes that a page gets: made once, patched, kept.

A hundred thousand marks take seconds to be made into JSON.  So the text of every mark is kept,
a judgement replaces one of them, and the whole lies beside the motion of the recording for the
next start.  What is kept is only ever used for the very version it was made from.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mescope.app.review_mark import ReviewMark, ReviewView
from mescope.errors import MescopeError
from mescope.io.atomic import write_atomically

LONG = 1 << 20
"""Bytes from which on a page is kept on the disk, too."""

_KEPT_BYTES = 192 << 20

Version = tuple[int, ...]
_Key = tuple[int, int, str]  # first frame, last frame, id: the order of a page


@dataclass
class _Marks:
    """The marks of one maker, in order, and the text of each."""

    order: list[_Key] = field(default_factory=list)
    texts: dict[str, bytes] = field(default_factory=dict)
    keys: dict[str, _Key] = field(default_factory=dict)

    def fill(self, marks: Sequence[ReviewMark]) -> None:
        self.order = [_key(mark) for mark in marks]
        self.keys = {key[2]: key for key in self.order}
        self.texts = {mark.id: _text(mark.to_page()) for mark in marks}

    def change(self, identity: str, mark: ReviewMark | None) -> None:
        before = self.keys.pop(identity, None)
        if before is not None:
            del self.order[bisect_left(self.order, before)]
            del self.texts[identity]
        if mark is not None:
            self.keys[identity] = _key(mark)
            insort(self.order, _key(mark))
            self.texts[identity] = _text(mark.to_page())

    def joined(self) -> bytes:
        return b",".join(self.texts[key[2]] for key in self.order)


class MarksPage:
    """The page of one recording in one version."""

    def __init__(self, version: Version, view: ReviewView | None, whole: bytes = b"") -> None:
        self.version, self.whole = version, whole
        self._parts: dict[str, _Marks] | None = None
        if view is not None:
            self._parts = {"model": _Marks(), "human": _Marks()}
            for maker, marks in self._parts.items():
                marks.fill([mark for mark in view.marks if mark.maker == maker])
            self._join(view.revision, view.reviewed)

    @property
    def has_parts(self) -> bool:
        """Say whether it can follow judgements."""
        return self._parts is not None

    def changed(self, version: Version, view: ReviewView, identity: str | None) -> bool:
        """Take over a judgement of one mark; return False if all has to be made anew."""
        if self._parts is None:
            return False
        if identity is not None:
            found = view.marks[0] if view.marks else None
            for maker, marks in self._parts.items():
                marks.change(identity, found if found and found.maker == maker else None)
        self.version = version
        self._join(view.revision, view.reviewed)
        return True

    def _join(self, revision: int, reviewed: bool) -> None:
        parts = self._parts or {}
        head = {"revision": revision, "reviewed": reviewed}
        self.whole = b'%s,"detections":[%s],"annotations":[%s]}' % (
            _text(head)[:-1], parts["model"].joined(), parts["human"].joined(),
        )  # fmt: skip


class MarksPages:
    """Pages by recording; those asked for last stay in memory.

    Args:
        path: where the page of a recording is kept on the disk.
    """

    def __init__(self, path: Callable[[str], Path]) -> None:
        self._path, self._lock = path, threading.Lock()
        self._pages: OrderedDict[str, MarksPage] = OrderedDict()
        self._unsaved: dict[str, float] = {}  # recording: when it changed last

    def get(self, identity: str, version: Version) -> bytes | None:
        """Return the page of a version, or None where it has to be made."""
        with self._lock:
            page = self._pages.get(identity)
            if page is not None and page.version == version:
                self._pages.move_to_end(identity)
                return page.whole
        whole = self._read(identity, version)
        if whole is not None:
            self._keep(identity, MarksPage(version, None, whole))
        return whole

    def put(self, identity: str, version: Version, view: ReviewView) -> bytes:
        """Make a page and keep it."""
        page = MarksPage(version, view)
        with self._lock:
            before = self._pages.get(identity)
        self._keep(identity, page)
        if len(page.whole) >= LONG and (before is None or before.version != version):
            self._unsaved[identity] = time.monotonic()
        return page.whole

    def whole_only(self) -> list[str]:
        """Return the recordings whose page came from the disk, and follows no judgement yet."""
        with self._lock:
            return [one for one, page in self._pages.items() if not page.has_parts]

    def change(
        self, identity: str, before: Version, after: Version, view: ReviewView, mark: str | None
    ) -> None:
        """Take over a judgement of one mark, if its page is here in the version before it."""
        with self._lock:
            page = self._pages.get(identity)
            if page is None or page.version != before:
                return
            if page.changed(after, view, mark) and len(page.whole) >= LONG:
                self._unsaved[identity] = time.monotonic()

    def save(self, settled: float = 0.0) -> None:
        """Put long pages on the disk; one that cannot be written is made anew another time.

        Args:
            settled: only those that did not change for so many seconds.
        """
        due = time.monotonic() - settled
        with self._lock:
            ready = [one for one, changed in self._unsaved.items() if changed <= due]
        for identity in ready:
            with self._lock:
                self._unsaved.pop(identity, None)
                page = self._pages.get(identity)
            if page is not None:
                head = json.dumps(list(page.version)).encode()
                with contextlib.suppress(MescopeError):
                    write_atomically(self._path(identity), head + b"\n" + page.whole)

    def forget(self, identity: str) -> None:
        """Drop a page."""
        with self._lock:
            self._pages.pop(identity, None)
            self._unsaved.pop(identity, None)

    def _keep(self, identity: str, page: MarksPage) -> None:
        with self._lock:
            self._pages[identity] = page
            self._pages.move_to_end(identity)
            size = sum(len(one.whole) for one in self._pages.values())
            while size > _KEPT_BYTES and len(self._pages) > 1:
                size -= len(self._pages.popitem(last=False)[1].whole)

    def _read(self, identity: str, version: Version) -> bytes | None:
        try:
            with self._path(identity).open("rb") as file:
                if file.readline(200).strip() != json.dumps(list(version)).encode():
                    return None
                return file.read()
        except OSError:
            return None


def _key(mark: ReviewMark) -> _Key:
    interval = mark.annotation.interval
    return interval.first, interval.last, mark.id


def _text(values: dict[str, Any]) -> bytes:
    return json.dumps(
        values, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    ).encode("utf-8")
