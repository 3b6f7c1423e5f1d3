"""The consensus of a project: made from what coders marked apart, then settled by people.

It is a coder of its own (:data:`mescope.app.sight.CONSENSUS`): what it holds are annotations of
that name, kept as events like those of everybody else, so it is edited, undone and exported
like them.  Where all whose marks it was made from have finished, it is finished, too.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mescope.app import faces
from mescope.app.agreement import judged
from mescope.app.annotation_sets import annotations_of
from mescope.app.coding import CODING
from mescope.app.project import Project
from mescope.app.records import StoredRecording
from mescope.app.replay import effective
from mescope.app.review_mark import values_of
from mescope.app.sight import CONSENSUS, VIEWER
from mescope.errors import MescopeError
from mescope.evaluation.consensus import consensus


def make_consensus(
    project: Project, coders: Sequence[str], *, least: int | None, again: bool
) -> dict[str, Any]:
    """Make the consensus of every recording that two of some coders or more have judged.

    Args:
        project: of the recordings.
        coders: whose marks count; none: all coders'.
        least: how many must have marked it; by default more than half of those who judged.
        again: take out what the consensus of a recording holds, and make it anew; otherwise a
            recording that has one is left alone.

    Returns:
        ``made``: recordings, ``marks``: how many, ``kept``: recordings that have one already,
        ``few``: recordings that fewer than two judged.

    Raises:
        MescopeError: no recording that two coders judged.
    """
    every = [one for one in (coders or project.review.coders()) if one != CONSENSUS]
    done = judged(project)
    counts = {"made": 0, "marks": 0, "kept": 0, "few": 0}
    for recording in project.store.recordings():
        those = [one for one in every if (recording.id, one) in done]
        if len(those) < 2:
            counts["few"] += 1
        elif (made := _make(project, recording, those, least, again)) is None:
            counts["kept"] += 1
        else:
            counts["made"] += 1
            counts["marks"] += made
    if counts["few"] == len(project.store.recordings()):
        raise MescopeError(
            "expected a recording that two coders or more have judged, found none"
        )
    viewer = VIEWER.get()
    if viewer is not None:
        project.blind.note(viewer.name, "made consensus", None, f"of {', '.join(every)}")
    return counts


def _may_make(project: Project, recording: StoredRecording, again: bool) -> bool:
    return again or CONSENSUS not in project.review.coders(recording.id)


def _make(
    project: Project, recording: StoredRecording, coders: Sequence[str], least: int | None,
    again: bool,
) -> int | None:  # fmt: skip
    """Return how many marks the consensus of a recording got; None: it has one already."""
    if not _may_make(project, recording, again):
        return None
    store, identity = project.store, recording.id
    marks = {who: annotations_of(project, recording, who).marks for who in coders}
    found = consensus(marks, least)
    keys = faces.keys_by_name(store, identity)
    with store.together():
        store.sight.check_judge(identity, CONSENSUS)
        if not _may_make(project, recording, again):  # somebody else made it meanwhile
            return None
        _take_out(project, identity)
        fresh = [
            values_of(replace(mark, face=keys.get(mark.face, mark.face))) | {"note": mark.note}
            for mark in found
        ]
        marked = [(CONSENSUS, f"h{secrets.token_hex(6)}", values) for values in fresh]
        store.add_marks(identity, marked, "add")
        _finish(project, identity, coders)
    return len(found)


def _take_out(project: Project, identity: str) -> None:
    """Take back what the consensus of a recording added, and how it judged detections."""
    store = project.store
    for event in effective(store.events(identity)):
        if event.coder == CONSENSUS and event.action not in ("reviewed", *CODING):
            store.add_event(
                identity, None, CONSENSUS, "undo", mark=event.mark, undoes=event.seq
            )


def _finish(project: Project, identity: str, coders: Sequence[str]) -> None:
    """Call the consensus finished where all of its coders have, and only there."""
    store = project.store
    done = store.study.finished()
    is_finished = all((identity, who) in done for who in coders)
    if is_finished or (identity, CONSENSUS) in done:
        values = {"reviewed": is_finished}
        store.add_event(identity, None, CONSENSUS, "reviewed", values=values)
