"""Whether a copy of a data set can be used, and for what, in one line."""

from __future__ import annotations

from mescope.datasets.base import Dataset
from mescope.datasets.flow28 import FlowMaps


def usability(found: Dataset | FlowMaps) -> str:
    """Return the line: what can be done with what was read, and what was left out.

    >>> usability(Dataset(name="empty"))
    'not usable: nothing could be read'
    """
    if isinstance(found, FlowMaps):
        people = len(set(found.persons))
        uses = [f"recognition ({len(found.labels)} maps of {_people(people)})"]
        return _sentence(uses, people, "")
    uses = [use for use in (_recognition(found), _spotting(found)) if use]
    if not uses and found.recordings:
        count = len(found.recordings)
        return (
            f"usable for analysis only ({count} recordings of {_people(len(found.subjects))}): "
            f"nobody's annotation is there, so nothing can be trained or scored{_lost(found)}"
        )
    return _sentence(uses, len(found.subjects), _lost(found))


def _recognition(found: Dataset) -> str:
    """Return what there is to name: clips, or micro-expressions of recordings."""
    clips = [clip for clip in found.clips if clip.expression.emotion or clip.emotions]
    named = [
        (one.subject, e)
        for one in found.recordings
        for e in one.expressions
        if e.kind == "micro" and e.emotion
    ]
    if clips:
        people = len({clip.subject for clip in clips})
        return f"recognition ({len(clips)} clips of {_people(people)})"
    if named:
        people = len({subject for subject, _ in named})
        return f"recognition ({len(named)} micro-expressions of {_people(people)})"
    return ""


def _spotting(found: Dataset) -> str:
    kinds = [e.kind for one in found.recordings for e in one.expressions]
    if not kinds:
        return ""
    micro, macro = kinds.count("micro"), kinds.count("macro")
    both = f"{micro} micro- and {macro} macro-expressions"
    return f"spotting ({both} in {len(found.recordings)} recordings)"


def _lost(found: Dataset) -> str:
    lost = sum(problem.rows for problem in found.errors)
    if found.table_rows is None:
        return f"; {len(found.errors)} problems left something out" if found.errors else ""
    return f"; {lost} of {found.table_rows} rows are left out" if lost else ""


def _sentence(uses: list[str], people: int, lost: str) -> str:
    if not uses:
        return f"not usable: nothing could be read{lost}"
    alone = "; one person cannot be split into training and test" if people < 2 else ""
    return f"usable for {' and '.join(uses)}{alone}{lost}"


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"
