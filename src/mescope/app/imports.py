"""Marks of other programs come in as annotations of coders."""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from mescope.annotations import CODECS, format_of
from mescope.annotations.mapping import TierMapping, to_json
from mescope.annotations.text import one_line
from mescope.annotations.tiers import tier_from_dict
from mescope.app import code_imports, faces, import_reader
from mescope.app.code_imports import sorted_codes
from mescope.app.coder_names import name_of
from mescope.app.kept_tiers import shown
from mescope.app.project import Project
from mescope.app.records import StoredRecording
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
    mapping: TierMapping | None = None,
    unnamed: str | None = None,
) -> dict[str, Any]:
    """Add the marks and codes of a file to a recording.

    Marks of coders become annotations of these coders (of ``coder``, if given; of who codes
    blind, whatever names the file claims); where it names nobody, of ``unnamed``; marks of a
    model stay in the file, since detections come from analyses alone.  A mark that is there
    already is not added again.  Of several videos in a file the one that is called as the
    recording counts, or ``part``: the name of a video, or of an observation of BORIS.  Nothing
    is added if a mark lies outside the recording.  With a ``mapping`` the tiers of any study
    are read as it says; whose they are it says too, or the file, else ``coder`` or
    ``unnamed``.  Codes that the project's scheme has stay those of the coder whom the file
    names.  Tiers that are
    neither are kept with the recording, as are codes that the scheme does not have.  The file
    is read in a process of its own: neither its size nor its content is the server's.

    Returns:
        ``added``, ``known``: how many marks; ``coded``: the same of codes; ``remarks``: what
        was left out; ``counts``: what became of each tier; ``kept``: the tiers that are now
        kept with the recording.

    Raises:
        DatasetError: no such format, damaged, of other recordings, a mark lies outside, or
            more than reading it may take.
        MescopeError: a value of a mark or code cannot be taken.
        BlindError: it is another coder's, while the project is coded blind.
    """
    somebody = coder or unnamed
    asked = {} if mapping is None else {"mapping": to_json(mapping), "coder": somebody or ""}
    answer, body = _read(project, recording, name, data, do="marks", part=part, **asked)
    found = json.loads(body)
    own = Path(name).stem[:60]
    blind = project.store.sight.blind
    over = None if mapping is not None else coder or (blind.name if blind else None)
    known_faces = faces.keys_by_name(project.store, recording.id)
    marks = [
        (
            name_of(over or source or somebody or own),
            {**values, "face": known_faces.get(values["face"], faces.ONE)},
        )
        for source, values in found["marks"]
    ]
    strange = _strange_faces([values["face"] for _, values in found["marks"]], known_faces)
    tiers = [tier_from_dict(one) for one in found["tiers"]]
    codes = sorted_codes(project.scheme.now, found["codes"], somebody or own)
    with project.store.together():
        added, known = project.review.take_in(recording.id, recording.frames, marks)
        *coded, told = code_imports.take_in(project, recording, codes.fits)
        left = codes.kept(recording.start_offset or 0.0, project.kept.of(recording.id))
        every = [*tiers, *left]
        said = project.kept.keep(recording.id, every, one_line(Path(name).name)[:120])
    return {
        "added": added,
        "known": known,
        "coded": dict(zip(("added", "known"), coded, strict=True)),
        "remarks": [*answer["remarks"], *strange, *codes.said, *told, *said],
        "counts": answer["counts"],
        "kept": [shown(tier) for tier in project.kept.of(recording.id)],
    }


def _strange_faces(named: Sequence[str], known: Collection[str]) -> list[str]:
    """Say which faces of a file the recording lacks; where each has one, it is the same."""
    names = dict.fromkeys(named)
    if len(names) < 2 and not known:
        return []
    strange = [name for name in names if name not in known and name != faces.ONE]
    count = sum(name in strange for name in named)
    if not strange:
        return []
    shown = ", ".join(name[:40] for name in strange[:5])
    return [
        f"{count} marks are of faces that this recording does not have ({shown}) and came in "
        "without a face; analyze every face and name them so before such a file comes in"
    ]


def look(
    project: Project,
    recording: StoredRecording,
    name: str,
    data: bytes,
    part: str | None = None,
    layout: TierMapping | None = None,
) -> dict[str, Any]:
    """Say what a file holds; see :func:`mescope.app.import_look.look_at`.

    Args:
        project: which.
        recording: that it is of.
        name: of the file.
        data: its bytes.
        part: as for :func:`bring_in`.
        layout: how a table is to be read; None: as the project remembers, or as it says.
    """
    known = project.kept.mapping()
    if layout is not None:
        known = known.updated(layout)
    scheme = [
        {"name": tier.name, "codes": [one.name for one in tier.codes]}
        for tier in project.scheme.now.tiers
    ]
    answer, _ = _read(
        project, recording, name, data, do="look", part=part, mapping=to_json(known),
        scheme=scheme,
    )  # fmt: skip
    return answer


def _read(
    project: Project, recording: StoredRecording, name: str, data: bytes, **asked: Any
) -> tuple[dict[str, Any], bytes]:
    """Have a file read that exists only for as long as this takes."""
    form, limits = format_of(name), project.limits
    draft = project.home / "incoming" / f"{secrets.token_hex(8)}{CODECS[form].suffixes[0]}"
    called = one_line(Path(name).name)[:120]
    times = project.times_file(recording.id)
    reader = Sandbox(
        import_reader.serve, memory=limits.import_memory, seconds=limits.import_seconds,
        work="the file", failure=DatasetError,
    )  # fmt: skip
    try:
        draft.write_bytes(data)
        answer, body = reader.ask(
            path=str(draft), form=form, video=recording.video,
            times=str(times) if times.is_file() else None, rate=recording.rate,
            start_offset=recording.start_offset or 0.0, mpv_zero=recording.mpv_zero,
            **asked,
        )  # fmt: skip
        remarks = answer.get("remarks", [])
        return {**answer, "remarks": [one.replace(draft.name, called) for one in remarks]}, body
    except OSError as error:
        raise of_system(error) from error
    except DatasetError as error:
        said = str(error).replace(draft.name, called)
        raise DatasetError(said.replace("--part", "`part`")) from error
    finally:
        reader.close()
        with contextlib.suppress(OSError):
            draft.unlink()
