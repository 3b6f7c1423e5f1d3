"""A study: people and conditions of its recordings, who codes which, how far they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mescope.annotations.delimited import UnreadableError, split
from mescope.app.blind import place
from mescope.app.coder_names import name_of
from mescope.app.people_table import known_by, row_of
from mescope.app.project import Project
from mescope.app.records import StoredRecording
from mescope.app.safety import clean_text
from mescope.app.sight import CONSENSUS
from mescope.errors import DatasetError, MescopeError

MOST_ROWS = 20_000
_LONGEST = 200  # characters of a cell
_RECORDING = ("recording", "video", "file", "name")
_KNOWN = ("recording", "person", "condition")


@dataclass(frozen=True, slots=True)
class StudyFacts:
    """What a list says of recordings beside their state; of the table only where it may."""

    rows: Mapping[str, Mapping[str, str]]
    assigned: Mapping[str, Sequence[str]]
    finished: Mapping[str, Sequence[str]]

    def of(self, recording: StoredRecording) -> dict[str, Any]:
        """Return person, condition, who is to code a recording, and who finished it."""
        row = row_of(self.rows, recording)
        return {
            "person": row.get("person", ""),
            "condition": row.get("condition", ""),
            "assigned": list(self.assigned.get(recording.id, ())),
            "finished": list(self.finished.get(recording.id, ())),
        }


def study_facts(project: Project) -> StudyFacts:
    """Return what the study says of the recordings to who asks.

    Who codes blind is told neither person nor condition, and of coders those they may see.
    """
    sight, tables = project.store.sight, project.store.study
    assigned = tables.assignments()
    done: dict[str, list[str]] = {}
    for recording, coder in sorted(sight.seen(tables.finished())):
        done.setdefault(recording, []).append(coder)
    if (viewer := sight.blind) is not None:
        mine = {r: [viewer.name] for r, names in assigned.items() if viewer.name in names}
        return StudyFacts({}, mine, done)
    return StudyFacts(people(project), assigned, done)


def people(project: Project) -> dict[str, dict[str, str]]:
    """Return the rows of the uploaded table by name of the recording, lower case."""
    kept = project.store.study.setting("people") or {"rows": []}
    return {known_by(row["recording"]): row for row in kept["rows"]}


def keep_people(project: Project, name: str, data: bytes) -> dict[str, Any]:
    """Take a CSV table of who is seen in which recording, in place of the one before.

    Args:
        project: of the recordings.
        name: of the file.
        data: CSV with a line of heads: ``recording`` (or video, file, name), ``person``,
            ``condition``; other columns are kept and not used.

    Returns:
        How many rows came in, and which recordings have none.

    Raises:
        DatasetError: not CSV, no such column, a recording twice.
        BlindError: who asks does not lead the blind study.
    """
    project.store.sight.check_lead()
    rows = _read(data)
    by_name = {known_by(row["recording"]): row for row in rows}
    every = project.store.recordings()
    without = [one.name for one in every if not row_of(by_name, one)]
    if rows and len(without) == len(every):
        known = f", such as {every[0].name}" if every else ""
        raise DatasetError(
            f"expected names of recordings of this project{known}, found "
            f"{rows[0]['recording'][:60]!r}; nothing was changed"
        )
    project.store.study.keep_setting("people", {"file": name[:200], "rows": rows})
    return {"rows": len(rows), "without": without}


def _read(data: bytes) -> list[dict[str, str]]:
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
        lines = list(split(text))
    except UnicodeDecodeError as error:
        raise DatasetError(
            "expected CSV in UTF-8, found another encoding; save it so"
        ) from error
    except UnreadableError as error:
        raise DatasetError(f"row {error.row}: {error}") from error
    if not 1 < len(lines) <= MOST_ROWS:
        raise DatasetError(f"expected 1 to {MOST_ROWS} rows, found {max(0, len(lines) - 1)}")
    heads = [cell.strip().lower() for cell in lines[0][1]]
    key = next((head for head in _RECORDING if head in heads), None)
    if key is None or not {"person", "condition"} & set(heads):
        raise DatasetError(
            "expected the columns recording, and person or condition (or both), found "
            f"{', '.join(heads)[:200]}"
        )
    heads[heads.index(key)] = "recording"
    rows: dict[str, dict[str, str]] = {}
    for number, cells in lines[1:]:
        if any(cell.strip() for cell in cells[len(heads) :]):
            raise DatasetError(
                f"row {number}: expected {len(heads)} cells as in the first row, found "
                f"{len(cells)}; put a cell that has a comma within into quotation marks"
            )
        row = {h: clean_text(c, _LONGEST, "a cell") for h, c in zip(heads, cells, strict=False)}
        one = known_by(row.get("recording", ""))
        if not one or one in rows:
            raise DatasetError(
                f"row {number}: expected the name of a recording, each once, found "
                f"{row.get('recording', '')[:60]!r}"
            )
        rows[one] = {name: row.get(name, "") for name in {*_KNOWN, *heads} if name}
    return list(rows.values())


def assign(
    project: Project, recordings: Sequence[str], coders: Sequence[str], each: int
) -> dict[str, list[str]]:
    """Have coders code recordings, so that all have about as many; return the assignments.

    Who has fewest so far comes first; ties fall by a hash of coder and recording, so that pairs
    of coders mix.

    Args:
        project: of the recordings.
        recordings: ids; whoever coded them before stays a coder, but no longer by assignment.
        coders: names; none takes assignments back.
        each: how many coders a recording gets.

    Raises:
        MescopeError: no such recording, a name that is none, or fewer coders than each.
        BlindError: who asks does not lead the blind study.
    """
    project.store.sight.check_lead()
    names = list(dict.fromkeys(name_of(one) for one in coders))
    if CONSENSUS in names:
        raise MescopeError(f"{CONSENSUS!r} is made from what coders marked; assign coders")
    if names and not 1 <= each <= len(names):
        raise MescopeError(
            f"expected 1 to {len(names)} coders for each recording, found {each}"
        )
    for one in recordings:
        project.recording(one)
    wanted = list(dict.fromkeys(recordings))
    kept = project.store.study.assignments()
    load = Counter(n for one, held in kept.items() if one not in set(wanted) for n in held)
    made: dict[str, list[str]] = {}
    for one in wanted:
        order = sorted(names, key=lambda n, r=one: (load[n], place("", n, r)))  # type: ignore[misc]
        made[one] = sorted(order[:each]) if names else []
        load.update(made[one])
    project.store.study.assign(made)
    return project.store.study.assignments()


def progress(project: Project) -> list[dict[str, Any]]:
    """Return of every coder how many recordings are theirs, begun and finished."""
    sight, store = project.store.sight, project.store
    facts = study_facts(project)
    assigned = Counter(name for names in facts.assigned.values() for name in names)
    finished = Counter(name for names in facts.finished.values() for name in names)
    begun = Counter(coder for _, coder in sight.seen(store.study.begun()))
    names = {*assigned, *finished, *begun} - {CONSENSUS}
    if sight.blind is not None:
        names &= {sight.blind.name}
    return [
        {"coder": n, "assigned": assigned[n], "begun": begun[n], "finished": finished[n]}
        for n in sorted(names)
    ]
