"""Marks of other programs come in as annotations of coders."""

from __future__ import annotations

import contextlib
import json
import secrets
from pathlib import Path
from typing import Any

from mescope.annotations import CODECS, format_of
from mescope.annotations.text import one_line
from mescope.app import import_reader
from mescope.app.project import Project
from mescope.app.records import StoredRecording
from mescope.app.review import name_of
from mescope.app.sandbox import Sandbox
from mescope.app.trouble import of_system
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
    is added if a mark lies outside the recording.  The file is read in a process of its own:
    neither its size nor its content is the server's.

    Returns:
        ``added``, ``known``: how many; ``remarks``: what was left out.

    Raises:
        DatasetError: no such format, damaged, of other recordings, a mark lies outside, or
            more than reading it may take.
        MescopeError: a value of a mark cannot be taken.
    """
    remarks, marks = _read(project, recording, name, data, part)
    own = Path(name).stem[:60]
    added, known = project.review.take_in(
        recording.id,
        recording.frames,
        [(name_of(coder or source or own), values) for source, values in marks],
    )
    return {"added": added, "known": known, "remarks": remarks}


def _read(
    project: Project, recording: StoredRecording, name: str, data: bytes, part: str | None
) -> tuple[list[str], list[tuple[str | None, dict[str, Any]]]]:
    """Have a file read that exists only for as long as this takes."""
    form, limits = format_of(name), project.limits
    draft = project.home / "incoming" / f"{secrets.token_hex(8)}{CODECS[form].suffixes[0]}"
    shown = one_line(Path(name).name)[:120]
    times = project.times_file(recording.id)
    reader = Sandbox(
        import_reader.serve, memory=limits.import_memory, seconds=limits.import_seconds,
        work="the file", failure=DatasetError,
    )  # fmt: skip
    try:
        draft.write_bytes(data)
        answer, body = reader.ask(
            do="marks", path=str(draft), form=form, video=Path(recording.path).name,
            times=str(times) if times.is_file() else None, rate=recording.rate,
            start_offset=recording.start_offset or 0.0, mpv_zero=recording.mpv_zero,
            part=part,
        )  # fmt: skip
        remarks = [remark.replace(draft.name, shown) for remark in answer["remarks"]]
        return remarks, [(source, values) for source, values in json.loads(body)]
    except OSError as error:
        raise of_system(error) from error
    except DatasetError as error:
        said = str(error).replace(draft.name, shown)
        raise DatasetError(said.replace("--part", "`part`")) from error
    finally:
        reader.close()
        with contextlib.suppress(OSError):
            draft.unlink()
