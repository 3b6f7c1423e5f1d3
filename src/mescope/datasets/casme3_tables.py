"""What both parts of CAS(ME)^3 share: names of people, folders of videos, two tables as one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from mescope.datasets.base import some
from mescope.datasets.clips import Findings
from mescope.datasets.people import number_of
from mescope.datasets.recordings import SheetExpression, VideoFile, kind_of
from mescope.datasets.workbook import whole
from mescope.errors import DatasetError
from mescope.events import Interval

_LEVELS = 4  # folders between the root and the people
_SAME = 0.5  # least IoU of two rows of one video that are one expression


def person_of(text: str) -> str:
    """Return the person in the spelling used here.

    >>> person_of("spNO.1"), person_of("spNo210"), person_of("4"), person_of("sub04")
    ('spNO.1', 'spNO.210', '04', '04')
    """
    number = number_of(text)
    if number is None:
        return text.strip()
    named = text.strip().lower().startswith("sp")
    return f"spNO.{number}" if named else f"{number:02d}"


def person_of_a(text: str) -> str:
    """Return the person of part A, also where a table leaves out how it calls people.

    >>> person_of_a("spNO. 1"), person_of_a("1"), person_of_a("sub01")
    ('spNO.1', 'spNO.1', 'spNO.1')
    """
    number = number_of(text)
    return text.strip() if number is None else f"spNO.{number}"


def joined(
    large: Iterable[SheetExpression], labels: Sequence[SheetExpression], findings: Findings
) -> list[SheetExpression]:
    """Return the rows of both tables, each expression once.

    The label table has the emotions, so its rows stand for those of the large table that are
    the same expressions: with the same onset and offset, or else with half of their frames in
    common.  What only one of the tables has is kept; that and what differs is told.
    """
    large = list(large)
    left = [event for event in large if kind_of(event.kind) == "micro"]
    free = list(labels)
    for pick in (_exact, _alike):
        for event in list(left):
            other = pick(event, free)
            if other is None:
                continue
            if pick is _alike:
                text = f"{_span(event)} in the large table, {_span(other)} here; this is used"
                findings.warning(other.where, f"{other.video}: {text}")
            left.remove(event)
            free.remove(other)
    findings.rows -= len(labels) - len(free)
    _only(free, "label table", findings)
    _only(left, "large table, kept without an emotion", findings)
    return [e for e in large if kind_of(e.kind) != "micro"] + [*labels, *left]


def _exact(event: SheetExpression, others: list[SheetExpression]) -> SheetExpression | None:
    numbers = _ends(event)
    return next(
        (o for o in others if o.video.lower() == event.video.lower() and _ends(o) == numbers),
        None,
    )


def _alike(event: SheetExpression, others: list[SheetExpression]) -> SheetExpression | None:
    """Return the row of the same video with the most frames in common, at least half."""
    mine = _interval(event)
    shared = [
        (theirs.iou(mine), i)
        for i, other in enumerate(others)
        if other.video.lower() == event.video.lower()
        and mine is not None
        and (theirs := _interval(other)) is not None
    ]
    best, i = max(shared, default=(0.0, 0))
    return others[i] if best >= _SAME else None


def _ends(event: SheetExpression) -> tuple[int | None, int | None]:
    """Return onset and offset; where a table has picture 0, picture 1 is meant."""
    onset, offset = whole(event.onset), whole(event.offset)
    return (None if onset is None else max(onset, 1)), offset


def _interval(event: SheetExpression) -> Interval | None:
    onset, offset = _ends(event)
    if onset is None or offset is None or not 0 <= onset <= offset:
        return None
    return Interval(onset, offset)


def _span(event: SheetExpression) -> str:
    return f"{event.onset} to {event.offset}"


def _only(events: Sequence[SheetExpression], where: str, findings: Findings) -> None:
    if events:
        text = f"{len(events)} micro-expressions are only in the {where}"
        named = some(sorted(f"{e.video} {_span(e)}" for e in events))
        findings.warning(findings.file, f"{text}: {named}")


def video_files(root: Path, person: str, video: str, title: str) -> list[VideoFile]:
    """Return every folder of colour pictures, people in the order of their numbers."""
    found = []
    for one in _people(root, person):
        name = person_of(one.name)
        for folder in sorted(one.iterdir()):
            if re.fullmatch(video, folder.name, re.IGNORECASE) and folder.is_dir():
                colour = folder / "color"
                path = colour if colour.is_dir() else folder
                found.append(VideoFile(subject=name, name=f"{name}/{folder.name}", path=path))
    if not found:
        example = "spNO.1/a/color" if person.startswith("sp") else "01/a/color"
        raise DatasetError(
            f"{title}: no folders of colour pictures such as {example} under {root}; give the "
            "folder that holds the tables and the pictures"
        )
    # Of two folders of one video the one with colour pictures by name comes first and is used.
    found.sort(key=lambda f: f.path is None or f.path.name != "color")
    return sorted(found, key=lambda f: (int(re.sub(r"\D", "", f.subject) or 0), f.name))


def named(events: list[SheetExpression]) -> list[VideoFile]:
    """Return the videos that the tables name."""
    found = []
    for key in dict.fromkeys((e.video.partition("/")[0], e.video.lower()) for e in events):
        name = f"{key[0]}/{key[1].partition('/')[2]}"
        found.append(VideoFile(subject=key[0], name=name, path=None))
    return found


def _people(root: Path, person: str) -> list[Path]:
    """Return the folders of people up to four levels down, those of depth pictures left out."""
    layer, found = [root], []
    for _ in range(_LEVELS):
        folders = [p for parent in layer for p in sorted(parent.iterdir()) if p.is_dir()]
        folders = [p for p in folders if "depth" not in p.name.lower()]
        found += [p for p in folders if re.fullmatch(person, p.name, re.IGNORECASE)]
        layer = [p for p in folders if not re.fullmatch(person, p.name, re.IGNORECASE)]
    return found


def annotated(
    files: list[VideoFile], events: list[SheetExpression], findings: Findings
) -> list[VideoFile]:
    """Return the videos of people with rows; nobody looked at those of the others."""
    people = {event.video.partition("/")[0] for event in events}
    others = sorted({file.subject for file in files} - people)
    if others:
        text = f"{len(others)} people have no row at all, left out: {some(others)}"
        findings.warning(findings.file, text)
    return [file for file in files if file.subject in people]
