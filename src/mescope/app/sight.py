"""Who asks, and what of a project they may see while it is coded blind.

Every request says who it comes from once (:func:`mescope.app.blind.watching`); everything that
the store answers within that request is what this person may see.  So no route, no export and
no page has to think of it, and none can forget to.  Work of the server itself (an analysis that
ends, say) comes from nobody and sees all.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass

from mescope.app.replay import ReviewEvent
from mescope.app.study_tables import StudyTables
from mescope.errors import MescopeError

CONSENSUS = "consensus"
"""The coder as whom people together settle what the coders apart marked."""

MODEL = "model"
"""Stands for whichever model analyzed a recording; no coder may be called so."""

_FINISHED = (
    "you finished {}: what you marked blind stays as it is; corrections belong to the consensus"
)


class BlindError(MescopeError):
    """It is hidden from, or not open to, who asks while the project is coded blind."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks in a blind project; ``name`` is empty before they signed in."""

    name: str = ""
    is_lead: bool = False


VIEWER: ContextVar[Viewer | None] = ContextVar("viewer", default=None)
"""Who asks; None where nothing is hidden."""


class Sight:
    """What the store shows to who asks."""

    def __init__(self, tables: StudyTables) -> None:
        self._tables = tables

    @property
    def blind(self) -> Viewer | None:
        """Return who must not see everything; None where nothing is hidden."""
        viewer = VIEWER.get()
        return None if viewer is None or viewer.is_lead else viewer

    def sees(self, recording: str, coder: str) -> bool:
        """Whether who asks may see what a coder (empty: the model) said of a recording."""
        return self.seen([(recording, coder)]) == {(recording, coder)}

    def seen(self, pairs: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Return those of some (recording, coder) that who asks may see; see :meth:`sees`.

        Before they finished a recording their own; afterwards also the model, the consensus,
        and the coders who finished it, too.
        """
        viewer, wanted = self.blind, set(pairs)
        if viewer is None:
            return wanted
        done = self._tables.finished()
        open_to_all = ("", MODEL, CONSENSUS)
        return {
            (recording, coder)
            for recording, coder in wanted
            if (viewer.name and coder == viewer.name)
            or (
                (recording, viewer.name) in done
                and (coder in open_to_all or (recording, coder) in done)
            )
        }

    def events(self, recording: str, events: list[ReviewEvent]) -> list[ReviewEvent]:
        """Return those of all events of a recording that may be seen."""
        if self.blind is None:
            return events
        seen = self.seen({(recording, event.coder) for event in events})
        return [event for event in events if (recording, event.coder) in seen]

    def check(self, recording: str, coder: str) -> None:
        """Refuse to tell what is hidden, in the same words whether it is there or not.

        Raises:
            BlindError: who asks has not finished the recording.
        """
        if not self.sees(recording, coder):
            raise BlindError(
                "this project is coded blind: the model and other coders are hidden until you "
                "(and they) have finished this recording"
            )

    def check_judge(self, recording: str, coder: str) -> None:
        """Refuse a judgement in the name of somebody else, or after the marks were shown.

        Raises:
            BlindError: who asks is not this coder, leads the study, or has finished.
        """
        viewer = VIEWER.get()
        if viewer is None:
            return
        if not viewer.name:
            raise BlindError("this project is coded blind: sign in before you code")
        done = (recording, viewer.name) in self._tables.finished()
        if coder == CONSENSUS and (done or viewer.is_lead):
            self._tables.note_sight(viewer.name, "changes consensus", recording, "")
            return
        if viewer.is_lead:
            raise BlindError(
                "who leads a blind study sees everything and codes nothing; the consensus is "
                "open to you, or sign in by another name"
            )
        if coder != viewer.name:
            raise BlindError(f"expected a judgement of {viewer.name}, found another name")
        if done:
            raise BlindError(_FINISHED.format("this recording"))

    def check_import(self, recording: str, coder: str) -> None:
        """Refuse marks of a file in the name of somebody else, but for who leads the study.

        Raises:
            BlindError: see :meth:`check_judge`.
        """
        viewer = VIEWER.get()
        if viewer is None or not viewer.is_lead:
            self.check_judge(recording, coder)

    def check_mark(self, owner: str | None, coder: str) -> None:
        """Refuse to change a mark that somebody else made.

        Raises:
            BlindError: it is another coder's.
        """
        if VIEWER.get() is not None and owner is not None and owner != coder:
            raise BlindError("expected a mark of your own: what others marked blind stays")

    def check_lead(self) -> None:
        """Refuse what only the lead of a blind study may do.

        Raises:
            BlindError: who asks is somebody else.
        """
        viewer = VIEWER.get()
        if viewer is not None and not viewer.is_lead:
            raise BlindError(
                "this project is coded blind: only who leads the study may do that"
            )
