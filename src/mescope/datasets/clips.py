"""From a row of a sheet and a folder of pictures to a checked clip.

The sheets of clip data sets write picture numbers; the pictures carry the same numbers in their
names.  A clip's frame 0 is its first picture, so frame = number - first number.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from mescope import facs
from mescope.annotations.problems import Problem
from mescope.datasets.base import DATASETS, Clip, Folders, seconds_at, some
from mescope.datasets.workbook import SheetRow, read_rows
from mescope.errors import DatasetError, VideoError
from mescope.events import MICRO_MAX_S, Expression, Interval
from mescope.labels import RAW_COUNTS, canonical
from mescope.video.image_folders import NumberedFiles, numbered_files


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One row of a sheet; picture numbers as written, ``apex`` None where not annotated."""

    where: str
    subject: str
    name: str
    onset: int | None
    apex: int | None
    offset: int | None
    emotion: str
    action_units: str
    objective_class: int | None = None
    lowest: int = 1  # number of the first picture that the data set may have


@dataclass(slots=True)
class Findings:
    """Problems of a data set: single ones, and those reported once for all their rows.

    ``rows`` counts what the tables name: every row becomes a record or an error.
    """

    file: str
    single: list[Problem] = field(default_factory=list)
    many: dict[str, list[str]] = field(default_factory=dict)
    rows: int = 0

    def error(self, where: str, message: str, rows: int = 1) -> None:
        """Note why so many rows were left out; 0 for something that is no row."""
        self.single.append(Problem("error", where, message, rows))

    def warning(self, where: str, message: str) -> None:
        """Note what is odd about a row that is used."""
        self.single.append(Problem("warning", where, message))

    def each(self, message: str, name: str) -> None:
        """Note ``name`` under a message that is reported once."""
        self.many.setdefault(message, []).append(name)

    def problems(self) -> tuple[Problem, ...]:
        """Return everything, the single problems first."""
        grouped = (
            Problem("warning", self.file, f"{len(names)} {message}: {some(names)}")
            for message, names in self.many.items()
        )
        return (*self.single, *grouped)


def table_rows(
    path: Path,
    title: str,
    key: Sequence[str],
    columns: Sequence[str],
    findings: Findings,
    *,
    optional: Sequence[str] = (),
    counted: bool = True,
) -> list[SheetRow]:
    """Return the rows of a table as :func:`mescope.datasets.workbook.read_rows` does.

    Rows skipped as text become one warning, rows that lack their key an error each.  Without
    ``counted`` the rows are not expressions of their own and ``findings.rows`` stays.
    """
    found = read_rows(path, title, key, columns, optional)
    if found.remarks:
        text = f"{len(found.remarks)} rows of text skipped: {found.remarks}"
        findings.warning(path.name, text)
    for where, message in found.broken:
        findings.error(where, message, int(counted))
    if counted:
        findings.rows += len(found.rows) + len(found.broken)
    return found.rows


def picture_roots(root: Path, folders: Folders, findings: Findings) -> list[Path]:
    """Return the folders that hold the people of a data set; sorted by path.

    Raises:
        DatasetError: there is none; if the folder looks like another data set, which one.
    """
    title, person, inside = folders
    found = _roots(root, person, inside)
    if not found:
        known = dict.fromkeys(s.folders for s in DATASETS.values() if s.folders)
        others = [one.title for one in known if _roots(root, one.person, one.inside)]
        hint = f" It looks like {' or '.join(others)}." if others else ""
        raise DatasetError(
            f"{title}: no folders {person}/{inside} under {root}.{hint} "
            "Give the folder that holds the table and the pictures."
        )
    for folder in found:
        plain = [re.sub(r"[\W_]", "", name).lower() for name in folder.parts[-2:]]
        if folder != root and plain[0] == plain[-1]:
            text = f"using {folder.relative_to(root.parent)} (archive unpacked into itself)"
            findings.warning(folder.name, text)
    return found


def clip_folders(pictures: Path, folders: Folders) -> dict[tuple[str, str], Path]:
    """Return the folder of every (person, clip), both in lower case."""
    _, person, inside = folders
    return {
        (one.name.lower(), clip.name.lower()): clip
        for one in _matching(pictures, person)
        for clip in sorted(one.iterdir())
        if clip.is_dir() and re.fullmatch(inside, clip.name, re.IGNORECASE)
    }


def make_clip(
    sample: Sample,
    folder: Path,
    dataset: str,
    rate: float,
    findings: Findings,
    *,
    emotions: Collection[str] | None = None,
) -> Clip | None:
    """Return the clip of a row and its pictures, or None if it makes no sense.

    ``emotions`` are those that the data set knows; the published ones by default.
    """
    key = f"{sample.subject}/{sample.name}"
    try:
        files = numbered_files(folder, rate)
    except (VideoError, OSError) as error:
        findings.error(sample.where, f"{key}: {error}")
        return None
    known = RAW_COUNTS[dataset] if emotions is None else emotions
    emotion = _emotion(sample, known, findings)
    first, last = files.numbers[0], files.numbers[-1]
    numbers = _numbers(sample, first, last, findings)
    if emotion is None or numbers is None:
        return None
    missing = sorted(set(range(first, last + 1)) - set(files.numbers))
    _note_files(sample, missing, files, findings)
    expression = _expression(sample, emotion, numbers, first, findings)
    _odd(expression, key, rate, findings)
    return Clip(
        dataset=dataset,
        subject=sample.subject,
        name=sample.name,
        folder=folder,
        first_number=first,
        frames=last - first + 1,
        rate=rate,
        expression=expression,
        seconds=seconds_at(expression, rate),
        missing=tuple(number - first for number in missing),
        emotion_raw=sample.emotion,
        au_raw=sample.action_units,
        objective_class=sample.objective_class,
    )


def by_pictures(sample: Sample, folder: Path, rate: float, findings: Findings) -> Sample:
    """Return a row whose onset and offset are the first and the last picture of its folder.

    For data sets whose clips are cut so: where the sheet disagrees, the pictures count, and an
    apex outside them is taken as not annotated.
    """
    try:
        numbers = numbered_files(folder, rate).numbers
    except (VideoError, OSError):
        return sample  # make_clip reports it
    first, last = numbers[0], numbers[-1]
    if (sample.onset, sample.offset) == (first, last):
        return sample
    inside = sample.apex is not None and first <= sample.apex <= last
    findings.warning(
        sample.where,
        f"{sample.subject}/{sample.name}: the table says {sample.onset} to {sample.offset}, "
        f"the pictures run {first} to {last}; the pictures count",
    )
    return replace(sample, onset=first, offset=last, apex=sample.apex if inside else None)


def match(
    samples: Iterable[Sample], folders: Mapping[tuple[str, str], Path], findings: Findings
) -> list[tuple[Sample, Path]]:
    """Return every row with its folder; name the rows and folders without a partner.

    A clip that has several rows of different cells is one clip for each, the later ones
    numbered: a person's clips are told apart by their names.
    """
    pairs: list[tuple[Sample, Path]] = []
    seen: dict[tuple[str, str], list[tuple[object, ...]]] = {}
    left = dict(folders)
    for sample in samples:
        key = (sample.subject.lower(), sample.name.lower())
        label = f"{sample.subject}/{sample.name}"
        left.pop(key, None)
        before = seen.setdefault(key, [])
        if _content(sample) in before:
            findings.error(sample.where, f"{label}: identical to an earlier row")
            continue
        before.append(_content(sample))
        if len(before) > 1:
            text = f"{label} occurs twice with different cells; this one is called"
            sample = replace(sample, name=f"{sample.name} ({len(before)})")
            findings.warning(sample.where, f"{text} {sample.name}")
        if key in folders:
            pairs.append((sample, folders[key]))
        else:
            findings.error(sample.where, f"{label}: there is no folder of its pictures")
    for folder in left.values():
        which = f"{folder.parent.name}/{folder.name}"
        findings.each("folders have no row in the table, left out", which)
    return pairs


def check_counts(
    samples: Iterable[Sample], published: Mapping[str, int], title: str, findings: Findings
) -> None:
    """Compare the rows of every emotion with the published numbers."""
    found = Counter(canonical(sample.emotion) for sample in samples)
    differ = [f"{e} {found[e]} of {n}" for e, n in published.items() if found[e] != n]
    if differ:
        text = f"{title} has {found.total()} rows, published {sum(published.values())}: "
        findings.warning(findings.file, text + ", ".join(differ))


def _content(sample: Sample) -> tuple[object, ...]:
    return (
        sample.onset, sample.apex, sample.offset,
        sample.emotion, sample.action_units, sample.objective_class,
    )  # fmt: skip


def _matching(folder: Path, pattern: str) -> list[Path]:
    return [
        p
        for p in sorted(folder.iterdir())
        if re.fullmatch(pattern, p.name, re.IGNORECASE) and p.is_dir()
    ]


def _roots(root: Path, person: str, inside: str) -> list[Path]:
    """Return ``root`` or folders up to three below it that hold people with clips."""
    layers = [root, *sorted(p for n in ("*/", "*/*/", "*/*/*/") for p in root.glob(n))]
    return [
        folder
        for folder in layers
        if folder.is_dir()
        and any(
            re.fullmatch(inside, child.name, re.IGNORECASE)
            for one in _matching(folder, person)
            for child in one.iterdir()
        )
    ]


def _emotion(sample: Sample, known: Collection[str], findings: Findings) -> str | None:
    emotion = canonical(sample.emotion)
    if emotion not in known:
        names = ", ".join(known)
        findings.error(sample.where, f"unknown emotion {sample.emotion!r}; known: {names}")
        return None
    if emotion != sample.emotion.strip().lower():
        text = f"rows say {sample.emotion.strip()!r}, read as {emotion!r}"
        findings.each(text, f"{sample.subject}/{sample.name}")
    return emotion


def _numbers(
    sample: Sample, first: int, last: int, findings: Findings
) -> tuple[int, int | None, int] | None:
    """Return onset, apex and offset if onset and offset are in order and among the pictures.

    An apex outside of them costs the apex only.
    """
    onset, apex, offset = sample.onset, sample.apex, sample.offset
    key = f"{sample.subject}/{sample.name}"
    if onset is None or offset is None or min(onset, offset) < sample.lowest:
        text = f"onset and offset must be whole numbers from {sample.lowest} on, found"
        findings.error(sample.where, f"{key}: {text} {onset} and {offset}")
        return None
    if offset < onset:
        findings.error(sample.where, f"{key}: offset {offset} is before onset {onset}")
        return None
    if onset < first or offset > last:
        text = f"pictures {onset} to {offset} expected, the files run {first} to {last}"
        findings.error(sample.where, f"{key}: {text}")
        return None
    if apex is not None and not onset <= apex <= offset:
        text = f"{key}: apex {apex} is outside {onset} to {offset}; no apex is used"
        findings.warning(sample.where, text)
        return onset, None, offset
    if apex is None:
        findings.warning(sample.where, f"{key}: the apex is not annotated; none is used")
    return onset, apex, offset


def _note_files(
    sample: Sample, missing: list[int], files: NumberedFiles, findings: Findings
) -> None:
    key = f"{sample.subject}/{sample.name}"
    if missing:
        which, n = some(map(str, missing)), files.numbers[-1] - files.numbers[0] + 1
        text = f"{key}: {len(missing)} of {n} frames are missing ({which})"
        findings.warning(sample.where, text)
    if files.ignored:
        findings.each("clips have files that are not numbered pictures, ignored", key)


def _expression(
    sample: Sample,
    emotion: str,
    numbers: tuple[int, int | None, int],
    first: int,
    findings: Findings,
) -> Expression:
    """Return the expression in frames from 0, ``first`` being the first picture's number."""
    onset, apex, offset = numbers
    coding = facs.parse(sample.action_units)
    if not coding.complete:
        key = f"{sample.subject}/{sample.name}"
        findings.each("action unit cells have parts that could not be read", key)
    return Expression(
        interval=Interval(onset - first, offset - first),
        kind="micro",
        apex=None if apex is None else apex - first,
        emotion=emotion,
        action_units=tuple(str(unit) for unit in coding.units),
    )


def _odd(expression: Expression, key: str, rate: float, findings: Findings) -> None:
    if expression.apex in (expression.interval.first, expression.interval.last):
        findings.each("clips have the apex on a border", key)
    if (expression.interval.last - expression.interval.first) / rate > MICRO_MAX_S:
        findings.each(f"clips are longer than {MICRO_MAX_S} s but labelled micro", key)
