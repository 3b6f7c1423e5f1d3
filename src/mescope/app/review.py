"""Judging marks: a request is checked, becomes an event, and the fold of all is the answer."""

from __future__ import annotations

import secrets
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mescope.app.coder_names import name_of
from mescope.app.faces import ONE, keys_by_label
from mescope.app.import_reader import MOST_MARKS
from mescope.app.judgements import check_maker, kept_values
from mescope.app.marks_page import MarksPage, MarksPages, Part
from mescope.app.replay import ReviewState, effective, fold, undoable
from mescope.app.review_mark import ReviewMark, ReviewView, detection, timed
from mescope.app.store import ProjectStore, StaleError
from mescope.app.validation import checked
from mescope.errors import MescopeError

Times = Callable[[str], NDArray[np.float64]]

_KEPT = 2048  # folded states in memory; a mark takes about 1 kB
_SETTLED = 10.0  # seconds without a judgement, and a long page is put on the disk
_ALIKE = ("first", "apex", "last", "emotion", "face")
_Version = tuple[int, int, int]  # of the file, of the events, of the analysis
_Known = tuple[_Version, ReviewState]


class Review:
    """The marks of all recordings of a project.

    Args:
        store: where events and analyses lie.
        times: gives the seconds of every frame of a recording.
        kept: where the page of a recording may be kept on the disk.
    """

    def __init__(self, store: ProjectStore, times: Times, kept: Callable[[str], Path]) -> None:
        self._store, self._times = store, times
        self.pages = MarksPages(kept)
        self._lock = threading.Lock()  # held for moments only: reading waits for no writer
        self._known: OrderedDict[tuple[str, str | None], _Known] = OrderedDict()

    def state(self, identity: str, coder: str | None = None) -> tuple[int, ReviewState]:
        """Return the revision and the marks, of all coders together or of one alone.

        The state is shared: it is to be read only, and no judgement changes it any more.
        """
        key = (identity, coder)
        with self._store.snapshot():
            version = self._version(identity)
            if self._store.sight.blind is not None:  # of one person, and kept for nobody
                return version[1], self._folded(identity, coder)
            with self._lock:
                known = self._known.get(key)
            if known is not None and known[0] == version:
                state = known[1]
            else:
                state = self._folded(identity, coder)
        self._keep(key, version, state)
        return version[1], state

    def _folded(self, identity: str, coder: str | None) -> ReviewState:
        return fold(self.detections(identity), self._store.events(identity), coder=coder)

    def _version(self, identity: str) -> _Version:
        store = self._store
        numbers = store.revision(identity), store.analysis_number(identity)
        return (store.database.generation, *numbers)

    def _keep(self, key: tuple[str, str | None], version: _Version, state: ReviewState) -> None:
        if self._store.sight.blind is not None:
            return
        with self._lock:
            self._known[key] = (version, state)
            self._known.move_to_end(key)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)

    def detections(self, identity: str) -> list[ReviewMark]:
        """Return what the newest analysis found, and judged detections of earlier ones."""
        stored = self._store.analysis(identity, whole=True)
        kept = stored.document["marks"] if stored is not None else ()
        return [ReviewMark.from_json(mark) for mark in kept]

    def view(self, identity: str, coder: str | None = None) -> ReviewView:
        """Return all marks, as all coders together left them or one alone."""
        revision, state = self.state(identity, coder)
        return self._view(identity, revision, state, state.marks.values())

    def page(
        self, identity: str, coder: str | None = None, part: Part = MarksPage.whole
    ) -> bytes:
        """Return :meth:`view` as JSON, or another part of its page, as quickly as we can."""
        if coder is not None or self._store.sight.blind is not None:
            return part(MarksPage((), self.view(identity, coder)))
        found = self.pages.get(identity, self._page_version(identity), part)
        if found is not None:
            return found
        with self._store.snapshot():
            version, view = self._page_version(identity), self.view(identity)
        return self.pages.put(identity, version, view, part)

    def prepare(self) -> bool:
        """Make what pages do not wait for: what a judgement needs, and copies on the disk."""
        for identity in self.pages.take_apart():
            self.state(identity)
        self.pages.save(_SETTLED)
        return False

    def _page_version(self, identity: str) -> tuple[int, ...]:
        times = self._times(identity)
        ends = int(1e6 * times[-1]) if len(times) else 0
        seq, at = self._store.last_event(identity)
        return (*self._version(identity), seq, zlib.crc32(at.encode()), len(times), ends)

    def _change_page(self, identity: str, before: tuple[int, ...], mark: str | None) -> None:
        """Have the page of a recording follow a judgement, if nothing else was judged since."""
        if self._store.sight.blind is not None:
            return
        with self._store.snapshot():
            after, view = self._page_version(identity), self.change(identity, mark)
        if after[1] == before[1] + 1:
            self.pages.change(identity, before, after, view, mark)

    def change(self, identity: str, mark: str | None) -> ReviewView:
        """Return what a page that saw the revision before needs to know of a judgement.

        It is a :meth:`view` of one mark; ``removed``: its id, if it is no longer there.
        """
        revision, state = self.state(identity)
        there = [state.marks[mark]] if mark in state.marks else []
        found = self._view(identity, revision, state, there)
        coded = [state.codes[mark]] if mark in state.codes else []
        return replace(
            found,
            removed=() if there or coded or mark is None else (mark,),
            codes=tuple(one.to_page(self._times(identity)) for one in coded),
        )

    def _view(
        self, identity: str, revision: int, state: ReviewState, wanted: Collection[ReviewMark]
    ) -> ReviewView:
        times = self._times(identity) if wanted else np.zeros(0)
        marks = [timed(mark, times) for mark in wanted]
        marks.sort(key=lambda mark: (mark.annotation.interval, mark.id))
        finished = tuple(sorted(state.finished))
        return ReviewView(revision=revision, finished=finished, marks=tuple(marks))

    def judge(
        self, identity: str, frames: int, request: Mapping[str, Any], *, brief: bool = False
    ) -> ReviewView:
        """Enter what a person did and return the marks.

        Args:
            identity: of the recording.
            frames: how many it has.
            request: revision, coder, action, mark, values, and a key that makes it safe to send
                the request again.
            brief: return the :meth:`change` only.

        Raises:
            StaleError: the recording has another revision; nothing was entered.
            MescopeError: the request makes no sense; nothing was entered.
        """
        coder = name_of(request.get("coder"))
        action, mark = request.get("action"), request.get("mark")
        key = request.get("key")
        self.state(identity)  # whatever has to be read is read before others must wait
        with self._store.together():
            if key is not None and self._store.knows_key(identity, key):
                return self.view(identity)
            self._store.sight.check_judge(identity, coder)
            revision, state = self.state(identity)
            if request.get("revision") != revision:
                raise StaleError(_stale(revision, request.get("revision")))
            values = kept_values(state, action, mark, request.get("values") or {}, frames)
            if mark in state.codes:
                self._store.sight.check_mark(state.codes[mark].coder, coder)
            if mark in state.marks and state.marks[mark].maker == "human":
                self._store.sight.check_mark(state.marks[mark].coder, coder)
                check_maker(state.marks[mark].coder, coder)
            if action in ("add", "code"):
                mark = f"{'h' if action == 'add' else 'c'}{secrets.token_hex(6)}"
            shown = self._page_version(identity)
            event = self._store.add_event(
                identity, revision, coder, str(action), mark=mark, values=values, key=key
            )
            version = self._version(identity)
        after = ReviewState(dict(state.marks), set(state.finished), dict(state.codes))
        after.apply(event)
        self._keep((identity, None), version, after)  # it is on the disk only now
        self._change_page(identity, shown, mark)
        return self.change(identity, mark) if brief else self.view(identity)

    def enter_analysis(
        self, identity: str, document: Mapping[str, Any], traces: str, job: int | None = None
    ) -> bool:
        """Keep a finished analysis; what people said about an earlier one stays.

        Return whether it was kept.

        Args:
            identity: of the recording.
            document: from :func:`mescope.reports.json.to_dict`, without traces.
            traces: the name of the file of traces.
            job: that is done with it, in the same step; nothing is kept if it has ended.
        """
        with self._store.together():
            if job is not None and not self._store.change_job(job, "done"):
                return False  # cancelled, or done already
            found = marks_of(document)
            kept = carried_over(self.detections(identity), self.state(identity)[1], found)
            marks = [mark.to_json() for mark in kept]
            self._store.add_analysis(identity, {**document, "marks": marks}, traces)
            model = str(document.get("provenance", {}).get("model", ""))
            values = {"detections": len(found), "model": model}
            self._store.add_event(identity, None, "", "analyzed", values=values)
            return True

    def undo(
        self, identity: str, revision: int | None, coder: Any, *, brief: bool = False
    ) -> ReviewView:
        """Take back the last thing that a coder did in a recording; return as :meth:`judge`.

        Raises:
            StaleError: as for :meth:`judge`.
            MescopeError: there is nothing to take back.
        """
        who = name_of(coder)
        with self._store.together():
            self._store.sight.check_judge(identity, who)
            if revision != self._store.revision(identity):
                raise StaleError(_stale(self._store.revision(identity), revision))
            last = undoable(self._store.events(identity), who)
            if last is None:
                raise MescopeError(f"{who} did nothing here that could be undone")
            shown = self._page_version(identity)
            self._store.add_event(
                identity, revision, who, "undo", mark=last.mark, undoes=last.seq
            )
        self._change_page(identity, shown, last.mark)
        return self.change(identity, last.mark) if brief else self.view(identity)

    def take_in(
        self, identity: str, frames: int, found: Sequence[tuple[str, Mapping[str, Any]]]
    ) -> tuple[int, int]:
        """Add annotations of coders, all or none; those that are there already stay single.

        Args:
            identity: of the recording.
            frames: how many it has.
            found: coder and values of every annotation.

        Returns:
            How many were added, and how many were known.

        Raises:
            MescopeError: a value makes no sense; the message says which annotation.
        """
        checked_marks = []
        for number, (coder, values) in enumerate(found, start=1):
            try:
                kept = checked(values, frames, None)
            except MescopeError as error:
                raise MescopeError(f"mark {number} of the file: {error}") from error
            checked_marks.append((coder, kept))
        self.state(identity)  # whatever has to be read is read before others must wait
        with self._store.together():
            coders = {coder for coder, _ in checked_marks}
            for coder in coders:
                self._store.sight.check_import(identity, coder)
            known = self._likenesses(identity, coders)
            before, fresh = len(self.state(identity)[1].marks), []
            for coder, kept in checked_marks:
                key = (coder, *({"face": ONE, **kept}.get(name) for name in _ALIKE))
                if key not in known:
                    known.add(key)
                    fresh.append((coder, f"h{secrets.token_hex(6)}", kept))
            if before + len(fresh) > MOST_MARKS:
                raise MescopeError(f"expected at most {MOST_MARKS} marks in a recording")
            self._store.add_marks(identity, fresh, "add")
            return len(fresh), len(found) - len(fresh)

    def _likenesses(self, identity: str, coders: Collection[str]) -> set[tuple[Any, ...]]:
        """Return what each coder alone marked or judged, not only who was the last."""
        return {
            _likeness(mark)
            for coder in {*coders} & {*self.coders(identity)}
            for mark in self.state(identity, coder)[1].marks.values()
        }

    def history(self, identity: str) -> list[dict[str, Any]]:
        """Return every event, oldest first; ``undone`` says which no longer count."""
        events = self._store.events(identity)
        counted = {event.seq for event in effective(events)}
        return [
            {
                "seq": event.seq,
                "at": event.at,
                "coder": event.coder,
                "action": event.action,
                "mark": event.mark,
                "values": dict(event.values),
                "undoes": event.undoes,
                "undone": event.action != "undo" and event.seq not in counted,
            }
            for event in events
        ]

    def coders(self, identity: str | None = None) -> list[str]:
        """Return who judged or marked anything in a recording, or in all, in order of name."""
        return self._store.coders(identity)


def _likeness(mark: ReviewMark) -> tuple[Any, ...]:
    """Return what makes a mark of a file the same as one that is there."""
    found = mark.annotation
    interval = found.interval
    return (mark.coder, interval.first, found.apex, interval.last, found.emotion, found.face)


def marks_of(document: Mapping[str, Any]) -> list[ReviewMark]:
    """Return the marks of an analysis document (see :mod:`mescope.reports.json`)."""
    marks: dict[str, ReviewMark] = {}
    keys = keys_by_label(document)
    for number, found in enumerate(document["detections"], start=1):
        evidence = dict(found.get("evidence") or {})
        mark = detection(
            number,
            int(found["onset"]),
            int(found["apex"]),
            int(found["offset"]),
            taken=marks.keys(),
            emotion=found["emotion"],
            face=keys.get(found.get("face", ""), ONE),
            confidence=found["score"],
            action_units=evidence.get("action_units", ()),
            evidence=evidence
            | {
                "emotion_scores": found.get("emotion_scores"),
                "checks": list(found.get("checks") or ()),
            },
        )
        marks[mark.id] = mark
    return list(marks.values())


def carried_over(
    earlier: Sequence[ReviewMark], state: ReviewState, found: Sequence[ReviewMark]
) -> list[ReviewMark]:
    """Return the marks of a new analysis, and those of the one before that somebody judged.

    What a person said about a detection stays, also where the new analysis does not find it;
    such a mark is ``earlier``, so that it is none of the new model's.
    """
    ids = {mark.id for mark in found}
    judged = {
        mark.id
        for mark in state.marks.values()
        if mark.status != "proposed" or mark.annotation.note
    }
    left = [mark for mark in earlier if mark.id in judged and mark.id not in ids]
    return [*found, *(replace(mark, earlier=True) for mark in left)]


def _stale(now: int, seen: object) -> str:
    return (
        f"expected revision {now} of this recording, found {str(seen)[:20]}: somebody else "
        "changed it; look at the marks and apply again"
    )
