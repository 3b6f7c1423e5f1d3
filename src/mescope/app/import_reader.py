"""What runs in the process that reads files of other programs: they may be large, or hostile.

It gets paths and gives back plain values: whose marks, from where to where.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from mescope.annotations import (
    CODECS,
    AnnotationSet,
    Clock,
    Contents,
    TierCount,
    read,
    read_mapped,
)
from mescope.annotations.annotation import Annotation
from mescope.annotations.coded import to_dict
from mescope.annotations.coded_read import meaning_of
from mescope.annotations.mapped import with_codes
from mescope.annotations.mapping import from_json
from mescope.annotations.tiers import check_cells, tier_to_dict
from mescope.app.import_look import look_at
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
    mapping: dict[str, Any] | None = None,
    coder: str = "",
) -> tuple[dict[str, Any], bytes]:
    """Answer with the marks and codes of one recording in a file, and the tiers kept of it.

    Args:
        path: of the file.
        form: its format.
        video: name of the recording.
        times: file with the (n,) float64 seconds of its frames, if they are known.
        rate: frames per second.
        start_offset: seconds from a player's zero to the first frame.
        mpv_zero: seconds from there to where mpv begins to count.
        part: the video or observation in the file that is meant; else the one of this name.
        mapping: what tiers of other programs mean, as JSON; None: the file needs none.
        coder: whose the marks are where a mapping and the file do not say it.

    Returns:
        ``remarks`` and ``counts`` of tiers, and as JSON in the bytes ``marks``, a list of
        [coder or None, values], ``codes`` and ``tiers``.

    Raises:
        DatasetError: damaged, or not about this recording.
        MescopeError: more marks than one recording may have.
    """
    clock = _clock(video, times, rate, start_offset, mpv_zero)
    contents, counts = _contents(Path(path), form, clock, part, mapping, coder)
    # With a clock only what is of this recording was read.
    sheets = [_about(contents, valid(video))] if clock is None else contents.sets
    every = [mark for sheet in sheets for mark in sheet.marks]
    codes = [to_dict(t, span) for sheet in sheets for t in sheet.coded for span in t.spans]
    remarks = list(contents.remarks)
    tiers = [tier for sheet in sheets for tier in sheet.tiers]
    if not every and not codes and not (mapping and tiers):
        why = f" ({remarks[0]})" if remarks else ""
        raise DatasetError(
            f"expected the marks of {valid(video)}, found none{why}; choose another file"
        )
    own = [m for m in every if m.origin == "coder" and m.status != "rejected"]
    if len(own) < len(every):
        left = len(every) - len(own)
        remarks.append(f"{left} marks of a model, or rejected, were left out")
    if len(own) + len(codes) > MOST_MARKS:
        found_marks = len(own) + len(codes)
        raise MescopeError(f"expected at most {MOST_MARKS} marks, found {found_marks}")
    check_cells(tiers, MOST_MARKS)
    found = {
        "marks": [[mark.source or None, _values(mark)] for mark in own],
        "codes": codes,
        "tiers": [tier_to_dict(tier) for tier in tiers],
    }
    answer = {"remarks": remarks, "counts": [asdict(count) for count in counts]}
    return answer, json.dumps(found).encode()


def look(
    path: str,
    form: str,
    video: str,
    times: str | None,
    rate: float,
    mapping: dict[str, Any],
    start_offset: float = 0.0,
    mpv_zero: float = 0.0,
    part: str | None = None,
    scheme: Sequence[Mapping[str, Any]] = (),
) -> tuple[dict[str, Any], bytes]:
    """Answer with what a file holds; arguments as for :func:`marks_in`.

    ``scheme`` are name and codes of each tier of the project's scheme.
    """
    clock = _clock(video, times, rate, start_offset, mpv_zero)
    found = look_at(Path(path), form, clock, part, from_json(mapping), scheme)
    return found, b""


def _clock(
    video: str, times: str | None, rate: float, start_offset: float, mpv_zero: float
) -> Clock | None:
    if times is None or not rate:
        return None
    seconds = np.fromfile(times, dtype="<f8").tolist()
    return Clock(rate, seconds, start_offset, valid(video), mpv_zero=mpv_zero)


def _contents(
    path: Path, form: str, clock: Clock | None, part: str | None,
    mapping: dict[str, Any] | None, coder: str,
) -> tuple[Contents, tuple[TierCount, ...]]:  # fmt: skip
    if mapping is None or CODECS[form].tiers is None:
        found = read(path, format=form, clock=clock, part=part)
        if any(meaning_of(tier) for one in found.sets for tier in one.tiers):
            return with_codes(found, clock), ()
        return found, ()
    done = read_mapped(
        path, from_json(mapping), format=form, clock=clock, part=part, coder=coder
    )
    return done.contents, done.counts


def _about(contents: Contents, video: str) -> AnnotationSet:
    """Return the set of a recording: the only one, or the one of its name."""
    sheets = [s for s in contents.sets if s.marks or s.coded or s.tiers]
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
    found["face"] = mark.face  # as the file calls it
    return {name: found[name] for name in EDITABLE}


def serve(connection: Connection, memory: int) -> None:
    """Answer requests until the server is gone; runs in its own process."""
    confine(memory)
    answer_requests(connection, {"marks": marks_in, "look": look})
