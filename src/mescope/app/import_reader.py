"""What runs in the process that reads files of other programs: they may be large, or hostile.

It gets paths and gives back plain values: whose marks, from where to where.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from mescope.annotations import AnnotationSet, Clock, Contents, read
from mescope.annotations.annotation import Annotation
from mescope.app.limits import confine
from mescope.app.review_mark import EDITABLE, values_of
from mescope.app.sandbox import answer_requests
from mescope.errors import DatasetError, MescopeError
from mescope.io.file_names import valid

MOST_MARKS = 200_000
"""Marks in one recording."""


def marks_in(
    path: str,
    form: str,
    video: str,
    times: str | None,
    rate: float,
    start_offset: float = 0.0,
    mpv_zero: float = 0.0,
    part: str | None = None,
) -> tuple[dict[str, Any], bytes]:
    """Answer with the marks of one recording in a file.

    Args:
        path: of the file.
        form: its format.
        video: name of the recording.
        times: file with the (n,) float64 seconds of its frames, if they are known.
        rate: frames per second.
        start_offset: seconds from a player's zero to the first frame.
        mpv_zero: seconds from there to where mpv begins to count.
        part: the video or observation in the file that is meant; else the one of this name.

    Returns:
        ``remarks``, and as JSON in the bytes a list of [coder or None, values].

    Raises:
        DatasetError: damaged, or not about this recording.
        MescopeError: more marks than one recording may have.
    """
    clock = None
    if times is not None and rate:
        seconds = np.fromfile(times, dtype="<f8").tolist()
        clock = Clock(rate, seconds, start_offset, valid(video), mpv_zero=mpv_zero)
    contents = read(Path(path), format=form, clock=clock, part=part)
    # With a clock only what is of this recording was read.
    sheets = [_about(contents, valid(video))] if clock is None else contents.sets
    every = [mark for sheet in sheets for mark in sheet.marks]
    remarks = list(contents.remarks)
    if not every:
        why = f" ({remarks[0]})" if remarks else ""
        raise DatasetError(
            f"expected the marks of {valid(video)}, found none{why}; choose another file"
        )
    own = [m for m in every if m.origin == "coder" and m.status != "rejected"]
    if len(own) < len(every):
        left = len(every) - len(own)
        remarks.append(f"{left} marks of a model, or rejected, were left out")
    if len(own) > MOST_MARKS:
        raise MescopeError(f"expected at most {MOST_MARKS} marks, found {len(own)}")
    marks = [[mark.source or None, _values(mark)] for mark in own]
    return {"remarks": remarks}, json.dumps(marks).encode()


def _about(contents: Contents, video: str) -> AnnotationSet:
    """Return the set of a recording: the only one, or the one of its name."""
    sheets = [s for s in contents.sets if s.marks]
    stem = Path(video).stem
    fitting = [s for s in sheets if valid(Path(s.video).stem) == stem]
    chosen = sheets if len(sheets) == 1 else fitting
    if len(chosen) != 1:
        raise DatasetError(
            f"expected the marks of {video}, found "
            f"{', '.join(s.video[:60] for s in sheets[:5]) or 'none'}; choose another file"
        )
    return chosen[0]


def _values(mark: Annotation) -> Mapping[str, Any]:
    """Return the values of an annotation as a person would send them."""
    found = values_of(mark) | {"action_units": mark.action_units, "note": mark.note}
    return {name: found[name] for name in EDITABLE}


def serve(connection: Connection, memory: int) -> None:
    """Answer requests until the server is gone; runs in its own process."""
    confine(memory)
    answer_requests(connection, {"marks": marks_in})
