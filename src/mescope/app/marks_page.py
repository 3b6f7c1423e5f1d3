"""The marks of a recording as the bytes that a page gets: made once, patched, kept.

A hundred thousand marks take seconds to be made into JSON.  So two texts of every mark are
kept, the whole and a short row; a judgement replaces those of one mark, and all of them lie
beside the motion of the recording for the next start.  What is kept is only ever used for the
very version it was made from.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mescope.app.review_mark import ReviewMark, ReviewView
from mescope.errors import MescopeError
from mescope.io.atomic import write_atomically

FIELDS = (
    "id", "first", "apex", "last", "emotion", "confidence", "status", "coder", "changed",
    "face", "onset_s", "offset_s", "proposed",
)  # fmt: skip
"""What a row of a mark tells: what a list and a timeline show.  Seconds to the microsecond;
``proposed``: first and last frame of what the model said, where a coder said something else."""

LONG = 1 << 20
"""Bytes from which on a page is kept on the disk, too."""

_KEPT_BYTES = 192 << 20
_LAYOUT = 2  # of pages on the disk; those of another one are made anew
_ROW, _WHOLE = 0, 1  # of the two texts of a mark

Version = tuple[int, ...]
Part = Callable[["MarksPage"], bytes]
_Key = tuple[int, int, str]  # first frame, last frame, id: the order of a page
_Texts = tuple[bytes, bytes]


@dataclass
class _Marks:
    """The marks of one maker, in order, and the texts of each."""

    order: list[_Key] = field(default_factory=list)
    keys: dict[str, _Key] = field(default_factory=dict)
    texts: dict[str, _Texts] = field(default_factory=dict)

    def fill(self, keys: list[_Key], texts: Iterable[_Texts]) -> None:
        self.order, self.keys = keys, {key[2]: key for key in keys}
        self.texts = dict(zip(self.keys, texts, strict=True))

    def change(self, identity: str, mark: ReviewMark | None) -> None:
        before = self.keys.pop(identity, None)
        if before is not None:
            del self.order[bisect_left(self.order, before)]
            del self.texts[identity]
        if mark is not None:
            self.keys[identity] = _key(mark)
            insort(self.order, _key(mark))
            self.texts[identity] = _texts(mark)

    def all(self, which: int) -> list[bytes]:
        return [self.texts[key[2]][which] for key in self.order]

    def some(self, wanted: Iterable[str]) -> list[bytes]:
        keys = sorted(self.keys[identity] for identity in wanted if identity in self.keys)
        return [self.texts[key[2]][_WHOLE] for key in keys]


class MarksPage:
    """The marks of one recording in one version; who uses it holds its ``lock``."""

    def __init__(self, version: Version, view: ReviewView) -> None:
        self.version, self.lock = version, threading.Lock()
        self._head = view.head()
        self._model, self._human = _Marks(), _Marks()
        self._kept: _Texts | None = None
        for maker, marks in (("model", self._model), ("human", self._human)):
            own = [mark for mark in view.marks if mark.maker == maker]
            marks.fill([_key(mark) for mark in own], map(_texts, own))
        self.size = sum(
            len(row) + len(whole)
            for marks in (self._model, self._human)
            for row, whole in marks.texts.values()
        )

    @classmethod
    def from_kept(cls, version: Version, rows: bytes, whole: bytes) -> MarksPage:
        """Return a page from the bytes of :meth:`rows` and :meth:`whole`."""
        page = cls(version, ReviewView(revision=0, marks=()))
        page._kept, page.size = (rows, whole), len(rows) + len(whole)
        return page

    @property
    def is_apart(self) -> bool:
        """Say whether its marks are at hand one by one."""
        return self._kept is None

    def take_apart(self) -> None:
        """Find the texts of every mark in what was kept."""
        if self._kept is None:
            return
        document = json.loads(self._kept[_ROW])
        self._head = {name: document[name] for name in self._head}
        both = zip(*(_lines(part) for part in self._kept), strict=True)
        kinds = (("detections", self._model), ("annotations", self._human))
        for (kind, marks), (rows, wholes) in zip(kinds, both, strict=True):
            keys = [(row[1], row[3], row[0]) for row in document[kind]]
            marks.fill(keys, zip(rows, wholes, strict=True))
        self._kept = None

    def whole(self) -> bytes:
        """Return :meth:`mescope.app.review_mark.ReviewView.to_json` of all marks."""
        if self._kept is not None:
            return self._kept[_WHOLE]
        return _document(self._head, self._model.all(_WHOLE), self._human.all(_WHOLE))

    def rows(self) -> bytes:
        """Return the same with a row of :data:`FIELDS` for each mark."""
        if self._kept is not None:
            return self._kept[_ROW]
        head = {**self._head, "fields": FIELDS}
        return _document(head, self._model.all(_ROW), self._human.all(_ROW))

    def some(self, wanted: Sequence[str]) -> bytes:
        """Return some marks, whole, by their ids; ``removed``: the ids that are not there."""
        self.take_apart()
        known = (self._model.keys, self._human.keys)
        gone = [one for one in dict.fromkeys(wanted) if not any(one in keys for keys in known)]
        head = {**self._head, "removed": gone}
        once = set(wanted)
        return _document(head, self._model.some(once), self._human.some(once))

    def change(self, version: Version, view: ReviewView, identity: str | None) -> None:
        """Take over a judgement of one mark."""
        self.take_apart()
        if identity is not None:
            found = view.marks[0] if view.marks else None
            for maker, marks in (("model", self._model), ("human", self._human)):
                marks.change(identity, found if found and found.maker == maker else None)
        self.version = version
        self._head = view.head()


class MarksPages:
    """Pages by recording; those asked for last stay in memory.

    Args:
        path: where the page of a recording is kept on the disk.
    """

    def __init__(self, path: Callable[[str], Path]) -> None:
        self._path, self._lock = path, threading.Lock()
        self._pages: OrderedDict[str, MarksPage] = OrderedDict()
        self._unsaved: dict[str, float] = {}  # recording: when it changed last

    def get(self, identity: str, version: Version, part: Part) -> bytes | None:
        """Return a part of the page of a version, or None where it has to be made."""
        with self._lock:
            page = self._pages.get(identity)
            if page is not None:
                self._pages.move_to_end(identity)
        if page is None or page.version != version:
            page = self._read(identity, version)
            if page is None:
                return None
            self._keep(identity, page)
        with page.lock:
            return part(page) if page.version == version else None

    def put(self, identity: str, version: Version, view: ReviewView, part: Part) -> bytes:
        """Make a page, keep it, and return a part of it."""
        page = MarksPage(version, view)
        with self._lock:
            before = self._pages.get(identity)
        self._keep(identity, page)
        if before is None or before.version != version:
            self._note(identity, page)
        with page.lock:
            return part(page)

    def change(
        self, identity: str, before: Version, after: Version, view: ReviewView, mark: str | None
    ) -> None:
        """Take over a judgement of one mark, if its page is here in the version before it."""
        with self._lock:
            page = self._pages.get(identity)
        if page is None:
            return
        with page.lock:
            if page.version != before:
                return
            page.change(after, view, mark)
        self._note(identity, page)

    def take_apart(self) -> list[str]:
        """Take those apart that came from the disk; return the recordings they are of."""
        with self._lock:
            found = [(one, page) for one, page in self._pages.items() if not page.is_apart]
        for _, page in found:
            with page.lock:
                page.take_apart()
        return [one for one, _ in found]

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
                with page.lock:
                    version, rows, whole = page.version, page.rows(), page.whole()
                with contextlib.suppress(MescopeError):
                    head = _kept_head(version, len(rows), len(whole))
                    write_atomically(self._path(identity), head + rows + whole)

    def forget(self, identity: str) -> None:
        """Drop a page."""
        with self._lock:
            self._pages.pop(identity, None)
            self._unsaved.pop(identity, None)

    def _note(self, identity: str, page: MarksPage) -> None:
        """Note that a page changed, if it is one that is kept on the disk."""
        if page.size >= LONG:
            with self._lock:
                self._unsaved[identity] = time.monotonic()

    def _keep(self, identity: str, page: MarksPage) -> None:
        with self._lock:
            self._pages[identity] = page
            self._pages.move_to_end(identity)
            size = sum(one.size for one in self._pages.values())
            while size > _KEPT_BYTES and len(self._pages) > 1:
                size -= self._pages.popitem(last=False)[1].size

    def _read(self, identity: str, version: Version) -> MarksPage | None:
        try:
            with self._path(identity).open("rb") as file:
                head = file.readline(300)
                sizes = json.loads(head)[1:]
                if len(sizes) != 2 or head != _kept_head(version, *sizes):
                    return None
                rows, whole = (file.read(size) for size in sizes)
        except (OSError, ValueError, TypeError):
            return None
        if [len(rows), len(whole)] != sizes:
            return None
        return MarksPage.from_kept(version, rows, whole)


def _kept_head(version: Version, *sizes: int) -> bytes:
    return json.dumps([[_LAYOUT, *version], *sizes]).encode() + b"\n"


def _key(mark: ReviewMark) -> _Key:
    interval = mark.annotation.interval
    return interval.first, interval.last, mark.id


def _texts(mark: ReviewMark) -> _Texts:
    shown = mark.to_page()
    original = shown["original"]
    moved = mark.changed and original is not None
    shown["proposed"] = [original["first"], original["last"]] if moved else None
    row = [shown.get(name) for name in FIELDS]  # one face has no name
    row[-3:-1] = [None if s is None else round(s, 6) for s in row[-3:-1]]
    del shown["proposed"]
    return _text(row), _text(shown)


def _document(head: dict[str, Any], model: list[bytes], human: list[bytes]) -> bytes:
    """Return a page with every mark on a line of its own, by which they are found again."""
    return b'%s,"detections":[\n%s\n],"annotations":[\n%s\n]}' % (
        _text(head)[:-1], b",\n".join(model), b",\n".join(human),
    )  # fmt: skip


def _lines(page: bytes) -> tuple[list[bytes], list[bytes]]:
    """Return the texts of the model's and of the coders' marks; reverses :func:`_document`."""
    found: tuple[list[bytes], list[bytes]] = ([], [])
    at = 0
    for line in page.split(b"\n")[1:]:
        if line.startswith(b"]"):  # the end of a list; no mark begins so
            at += 1
        elif line:
            found[at].append(line.removesuffix(b","))
    return found


def _text(values: Any) -> bytes:
    return json.dumps(
        values, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    ).encode("utf-8")
