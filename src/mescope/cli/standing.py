"""How far a recording of an earlier command came: nothing, some of its files, or all of them.

A file is whole or absent (:mod:`mescope.io.atomic`), so what is there is finished; what is
missing is made, and nothing is replaced.  A file of the same name that this command would not
have made is somebody's own, or an answer to another question, and is refused before any work.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from mescope.cli.inputs import Job
from mescope.cli.several import ALL
from mescope.errors import MescopeError, OutputError
from mescope.face.choice import as_stored, stored_in

State = Literal["new", "completed", "finished"]
"""Nothing was there; some files were, and the others are made; all were."""

WORDS: Mapping[State, str] = {
    "new": "analyzed", "completed": "completed", "finished": "finished before and kept",
}  # fmt: skip
"""The states in the words of a summary."""


@dataclass(frozen=True)
class Asked:
    """What decides the results beside the recording: the weights, the spotter, the range.

    ``times`` returns options of :func:`mescope.video.reading.open_video` for a recording: rate,
    start and end.
    ``landmarks`` returns the landmark table of a recording, None for those of the package.
    """

    model: str | list[str]
    method: str
    times: Callable[[Job], Mapping[str, Any]]
    face: str | int = "largest"
    landmarks: Callable[[Job], Path | None] = lambda _job: None

    @cached_property
    def checksums(self) -> tuple[str, ...]:
        """Checksums on the cards of the weights; none where the spotter needs no weights."""
        from mescope.models.card import read_card
        from mescope.models.weight_files import weight_files
        from mescope.spotting import SPOTTERS

        if not SPOTTERS.named(self.method).needs_network:
            return ()
        return tuple(read_card(path).sha256 for path in weight_files(self.model))


@dataclass(frozen=True)
class Standing:
    """One recording, and which of its files are there."""

    job: Job
    there: tuple[Path, ...]
    missing: tuple[Path, ...]

    @property
    def state(self) -> State:
        """What becomes of it in this command."""
        if not self.there:
            return "new"
        return "completed" if self.missing else "finished"

    @property
    def known(self) -> Path | None:
        """The JSON file, which says what the others were made of; None without it."""
        return next((p for p in self.there if p.name == f"{self.job.name}.json"), None)

    def document(self) -> dict[str, Any]:
        """Return what the JSON file says, without its traces; empty where there is none."""
        found = self.known
        if found is None:
            return {}
        from mescope.reports.json import read_document

        return {k: v for k, v in read_document(found).items() if k != "traces"}


def standing(job: Job, files: Sequence[Path], asked: Asked | None) -> Standing:
    """Return which files of a recording are there; ``asked`` None: all are made anew.

    Raises:
        OutputError: one of them is not what this command would have made.
    """
    if asked is None:
        return Standing(job, (), tuple(files))
    there = tuple(file for file in files if os.path.lexists(file))
    found = Standing(job, there, tuple(file for file in files if file not in there))
    for file in there:
        _check_kind(file)
    if there:
        _check_answer(found, asked)
    return found


def _check_kind(file: Path) -> None:
    """Refuse a file that is none of ours."""
    from mescope.reports import is_ours

    if not file.is_file() or not is_ours(file):
        raise _kept(file, "it is no file of `mescope analyze`")


def _check_answer(found: Standing, asked: Asked) -> None:
    """Refuse files about another recording or another question, as far as their JSON tells."""
    try:
        document = found.document()
        video, about = document.get("video", {}), document.get("provenance", {})
        expected, known = _identity(video, about), _asked_for(video, found.job, asked)
        other = [name for name in known if expected.get(name, known[name]) != known[name]]
    except (AttributeError, LookupError, TypeError) as error:
        raise _kept(found.there[0], f"it is damaged ({error})") from None
    if other:
        raise _kept(found.there[0], f"it was made of another {', '.join(other)}")


def _identity(video: Mapping[str, Any], about: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a JSON file says of its recording, weights and spotter, as far as it does."""
    found: dict[str, Any] = {}
    if "fingerprint" in video:
        found["recording"] = video["fingerprint"]
    if "parameters" in about:
        found["method"] = about["parameters"].get("method")
        several = [fold["sha256"] for fold in about.get("folds", ())]
        single = [about["weights_sha256"]] if "weights_sha256" in about else []
        found["set of weights"] = tuple(several or single)
        extraction = about["parameters"].get("extraction", {})
        if "face" in extraction:
            found["face"] = stored_in(extraction)
            found["landmark table"] = (extraction.get("landmarks") or ["", ""])[1]
    return found


def _asked_for(video: Mapping[str, Any], job: Job, asked: Asked) -> dict[str, Any]:
    table = asked.landmarks(job)
    known: dict[str, Any] = {
        "method": asked.method,
        "set of weights": asked.checksums,
        "face": {"face": ALL} if asked.face == ALL else as_stored(asked.face),
        "landmark table": hashlib.sha256(table.read_bytes()).hexdigest() if table else "",
    }
    if "fingerprint" in video:
        from mescope.video.reading import open_video

        try:
            known["recording"] = open_video(job.source, **asked.times(job)).fingerprint()
        except MescopeError:
            return known  # it cannot be read any more; what was found in it is kept
    return known


def _kept(file: Path, why: str) -> OutputError:
    return OutputError(
        f"{file} exists already and is kept: {why}; --force replaces it, -o chooses another "
        "folder"
    )
