"""Marks of other programs come in as annotations of coders."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any

from mescope.annotations import CODECS, Clock, Contents, format_of, read
from mescope.annotations.annotation import Annotation, one_line
from mescope.app.project import Project
from mescope.app.records import StoredRecording
from mescope.app.review import name_of
from mescope.app.review_mark import EDITABLE, values_of
from mescope.errors import DatasetError


def bring_in(
    project: Project,
    recording: StoredRecording,
    name: str,
    data: bytes,
    coder: str | None,
    part: str | None = None,
) -> dict[str, Any]:
    """Add the marks of a file of another program to a recording.

    Marks of coders become annotations of these coders (of ``coder``, if given); marks of a
    model stay in the file, since detections come from analyses alone.  A mark that is there
    already is not added again.  Of several videos in a file the one that is called as the
    recording counts, or ``part``: the name of a video, or of an observation of BORIS.  Nothing
    is added if a mark lies outside the recording.

    Returns:
        ``added``, ``known``: how many; ``remarks``: what was left out.

    Raises:
        DatasetError: no such format, damaged, of other recordings, or a mark lies outside.
        MescopeError: a value of a mark cannot be taken.
    """
    contents = _read(project, recording, name, data, part)
    marks = [mark for sheet in contents.sets for mark in sheet.marks]
    if not marks:
        why = f" ({contents.remarks[0]})" if contents.remarks else ""
        raise DatasetError(
            f"expected the marks of {Path(recording.path).name}, found none{why}; choose "
            "another file"
        )
    remarks = list(contents.remarks)
    own = [m for m in marks if m.origin == "coder" and m.status != "rejected"]
    if len(own) < len(marks):
        left = len(marks) - len(own)
        remarks.append(f"{left} marks of a model, or rejected, were left out")
    added, known = project.review.take_in(
        recording.id,
        recording.frames,
        [
            (
                name_of(coder or mark.source or Path(name).stem[:60]),
                _values(mark),
            )
            for mark in own
        ],
    )
    return {"added": added, "known": known, "remarks": remarks}


def _read(
    project: Project, recording: StoredRecording, name: str, data: bytes, part: str | None
) -> Contents:
    """Read a file that exists only for as long as this takes."""
    form = format_of(name)
    draft = project.home / "incoming" / f"{secrets.token_hex(8)}{CODECS[form].suffixes[0]}"
    shown = one_line(Path(name).name)[:120]
    try:
        draft.write_bytes(data)
        contents = read(draft, format=form, clock=_clock(project, recording), part=part)
        remarks = tuple(remark.replace(draft.name, shown) for remark in contents.remarks)
        return replace(contents, remarks=remarks)
    except DatasetError as error:
        said = str(error).replace(draft.name, shown)
        raise DatasetError(said.replace("--part", "`part`")) from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink()


def _clock(project: Project, recording: StoredRecording) -> Clock | None:
    times = project.times(recording.id)
    if not recording.rate or not len(times):
        return None
    return Clock(
        recording.rate,
        times.tolist(),
        start_offset=recording.start_offset or 0.0,
        mpv_zero=recording.mpv_zero,
        video=Path(recording.path).name,
    )


def _values(mark: Annotation) -> dict[str, Any]:
    """Return the values of an annotation as a person would send them."""
    found = values_of(mark) | {"action_units": mark.action_units, "note": mark.note}
    return {name: found[name] for name in EDITABLE}
