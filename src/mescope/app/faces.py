"""The faces of a recording: whether every one is analyzed, their names, who is who.

A face goes by a *key*, the id of its first stretch (see :mod:`mescope.face.stretches`): marks
carry the key, so that a new name, or two faces that turn out to be one person's, need no change
of marks.  Only what is shown and exported has the name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mescope.app.database import Database
from mescope.app.store import ProjectStore
from mescope.errors import FaceError, MescopeError
from mescope.face.people import FaceAnswers, face_name

ACTIONS = ("every", "one", "name", "same", "apart", "cut")
"""What a person can do with the faces of a recording; all but ``name`` need an analysis."""

ONE = "0"
"""The key of the face where one is followed."""

Document = Mapping[str, Any]


def wanted(database: Database, identity: str) -> FaceAnswers | None:
    """Return what people said about the faces; None where one face is analyzed."""
    every, answers = _kept(database, identity)
    return answers if every else None


def keep(database: Database, identity: str, every: bool, answers: FaceAnswers) -> None:
    """Keep whether every face is analyzed, and the answers."""
    database.run(
        "INSERT INTO recording_faces VALUES (?, ?, ?) ON CONFLICT (recording) "
        "DO UPDATE SET every = excluded.every, answers = excluded.answers",
        identity, int(every), json.dumps(answers.to_json()),
    )  # fmt: skip


def view(database: Database, identity: str, document: Document) -> dict[str, Any]:
    """Return the faces of the newest analysis as the page shows them.

    ``every``: all are wanted; ``faces``: key, name, the analysis' own word for it (``label``,
    which its events carry), gaps and stretches; ``questions``: pairs that may be one person.
    """
    every, answers = _kept(database, identity)
    faces = document.get("faces", [])
    names = names_of(document, answers)
    keys = {face["name"]: key_of(face) for face in faces}
    return {
        "every": every,
        "faces": [
            {
                "key": key_of(face),
                "name": names[key_of(face)],
                "label": face["name"],
                "stretches": face["stretches"],
                "gaps": face.get("gaps", []),
            }
            for face in faces
        ],
        "questions": [
            {**question, "faces": [names[keys[label]] for label in question["faces"]]}
            for question in document.get("questions", [])
            if [question["earlier"], question["later"]] not in map(list, answers.apart)
        ],
    }


def names_of(document: Document, answers: FaceAnswers | None) -> dict[str, str]:
    """Return the name of every face by its key, and by that of each of its stretches."""
    given = {} if answers is None else answers.names
    found: dict[str, str] = {}
    for face in document.get("faces", []):
        ids = [stretch["id"] for stretch in face["stretches"]]
        name = next((given[one] for one in ids if one in given), face["name"])
        found |= dict.fromkeys([key_of(face), *ids], name)
    return found


def shown_names(database: Database, identity: str, document: Document) -> dict[str, str]:
    """Return what stands for a face in files: names by key, and by the analysis' own words."""
    names = names_of(document, _kept(database, identity)[1])
    return names | {face["name"]: names[key_of(face)] for face in document.get("faces", [])}


def keys_by_name(store: ProjectStore, identity: str) -> dict[str, str]:
    """Return the keys of the faces of a recording by the names that files have for them."""
    analysis = store.analysis(identity)
    document = {} if analysis is None else analysis.document
    names = shown_names(store.database, identity, document)
    return {names[key]: key for key in keys_by_label(document).values()}


def key_of(face: Mapping[str, Any]) -> str:
    """Return the key of a face of a document."""
    return str(face["stretches"][0]["id"]) if face["stretches"] else ONE


def keys_by_label(document: Document) -> dict[str, str]:
    """Return the keys of faces by the words of the analysis, such as "face 1"."""
    return {face["name"]: key_of(face) for face in document.get("faces", [])}


def changed(
    database: Database, identity: str, document: Document, wish: Mapping[str, Any]
) -> bool:
    """Enter what a person said about the faces; return whether it needs an analysis.

    Args:
        database: of the project.
        identity: of the recording.
        document: of its newest analysis.
        wish: ``action`` of :data:`ACTIONS`, with ``stretch`` and ``other`` (ids), ``frame`` and
            ``name`` where they are needed.

    Raises:
        MescopeError: there are no such stretches, the name is none, or is another face's.
    """
    every, answers = _kept(database, identity)
    action = wish["action"]
    if action in ("every", "one"):
        wanted_now = bool(action == "every")
        keep(database, identity, wanted_now, answers)
        return wanted_now != every or bool(document.get("faces")) != wanted_now
    stretch = _stretch(document, wish.get("stretch"))
    if action == "name":
        answers = _named(document, answers, stretch, wish.get("name"))
    elif action == "cut":
        answers = _cut(answers, stretch, wish.get("frame"))
    else:
        pair = (stretch["id"], _stretch(document, wish.get("other"))["id"])
        answers = _paired(answers, pair, same=action == "same")
    keep(database, identity, every, answers)
    return bool(action != "name")


def _kept(database: Database, identity: str) -> tuple[bool, FaceAnswers]:
    rows = database.all("SELECT * FROM recording_faces WHERE recording = ?", identity)
    if not rows:
        return False, FaceAnswers()
    return bool(rows[0]["every"]), FaceAnswers.from_json(json.loads(rows[0]["answers"]))


def _stretch(document: Document, wanted: object) -> dict[str, Any]:
    every = [one for face in document.get("faces", []) for one in face["stretches"]]
    found: dict[str, Any] | None = next((one for one in every if one["id"] == wanted), None)
    if found is None:
        raise MescopeError(
            f"expected a stretch of a face of this recording, found {str(wanted)[:40]!r}; the "
            "faces were analyzed anew: load them again"
        )
    return found


def _named(
    document: Document, answers: FaceAnswers, stretch: Mapping[str, Any], text: object
) -> FaceAnswers:
    try:
        name = face_name(text)
    except FaceError as error:  # of which the app says that something is not there
        raise MescopeError(str(error)) from error
    faces: Sequence[Mapping[str, Any]] = document.get("faces", [])
    own = next(f for f in faces if stretch["id"] in [one["id"] for one in f["stretches"]])
    mine = {one["id"] for one in own["stretches"]}
    names = names_of(document, answers)
    if any(name == other and key not in mine for key, other in names.items()):
        raise MescopeError(
            f"{name!r} is another face of this recording; if both are one person's, say that "
            "they are the same"
        )
    rest = {key: other for key, other in answers.names.items() if key not in mine}
    return replace(answers, names=rest | {key_of(own): name})


def _cut(answers: FaceAnswers, stretch: Mapping[str, Any], frame: object) -> FaceAnswers:
    if not isinstance(frame, int) or not stretch["first"] < frame <= stretch["last"]:
        raise MescopeError(
            f"expected a frame after {stretch['first']} and up to {stretch['last']}, in which "
            f"the face is followed, found {str(frame)[:20]}"
        )
    return replace(answers, cuts=(*answers.cuts, (stretch["id"], frame)))


def _paired(answers: FaceAnswers, pair: tuple[str, str], *, same: bool) -> FaceAnswers:
    """Enter that two stretches are one person's or not, in place of what was said before."""
    if pair[0] == pair[1]:
        raise MescopeError("expected two stretches, found one twice")
    there = [p for p in answers.same if set(p) != set(pair)]
    apart = [p for p in answers.apart if set(p) != set(pair)]
    (there if same else apart).append(pair)
    return replace(answers, same=tuple(there), apart=tuple(apart))
