"""Marks of other programs come in as annotations of coders."""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path
from typing import Any

from mescope.annotations import CODECS, Clock, Contents, format_of, read
from mescope.annotations.annotation import Annotation, one_line
from mescope.app.project import Project
from mescope.app.records import StoredRecording
from mescope.app.review import name_of
from mescope.app.review_mark import EDITABLE, values_of
from mescope.errors import DatasetError
from mescope.io.file_names import valid


def bring_in(
    project: Project, recording: StoredRecording, name: str, data: bytes, coder: str | None
) -> dict[str, Any]:
    """Add the marks of a file of another program to a recording.

    Marks of coders become annotations of these coders (of ``coder``, if given); marks of a
    model stay in the file, since detections come from analyses alone.  A mark that is there
    already is not added again.  Nothing is added if anything in the file is wrong.

    Returns:
        ``added``, ``known``: how many; ``remarks``: what was left out.

    Raises:
        DatasetError: no such format, or damaged.
        MescopeError: a mark lies outside the recording.
    """
    contents = _read(project, recording, name, data)
    sheets = [s for s in contents.sets if s.marks]
    own_name = valid(Path(recording.path).stem)
    fitting = [s for s in sheets if valid(Path(s.video).stem) == own_name]
    chosen = sheets if len(sheets) == 1 else fitting
    if len(chosen) != 1:
        raise DatasetError(
            f"expected the marks of {own_name}, found "
            f"{', '.join(s.video[:60] for s in sheets[:5]) or 'none'}; choose another file"
        )
    remarks = list(contents.remarks)
    own = [m for m in chosen[0].marks if m.origin == "coder" and m.status != "rejected"]
    if len(own) < len(chosen[0].marks):
        left = len(chosen[0].marks) - len(own)
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


def _read(project: Project, recording: StoredRecording, name: str, data: bytes) -> Contents:
    """Read a file that exists only for as long as this takes."""
    form = format_of(name)
    draft = project.home / "incoming" / f"{secrets.token_hex(8)}{CODECS[form].suffixes[0]}"
    times = project.times(recording.id)
    known = recording.rate and len(times)
    clock = Clock(recording.rate, times.tolist()) if known else None
    try:
        draft.write_bytes(data)
        return read(draft, format=form, clock=clock)
    except DatasetError as error:
        said = str(error).replace(draft.name, one_line(Path(name).name)[:120])
        raise DatasetError(said) from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink()


def _values(mark: Annotation) -> dict[str, Any]:
    """Return the values of an annotation as a person would send them."""
    found = values_of(mark) | {"action_units": mark.action_units, "note": mark.note}
    return {name: found[name] for name in EDITABLE}
