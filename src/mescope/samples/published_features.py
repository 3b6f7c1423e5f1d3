"""Take in the features that the authors of ME-TST+ published, without any video.

What they are: :mod:`mescope.samples.published_lists`.  No recording in them has a name: they
stand in the natural order of subject folders, then of videos, only those with a kept
micro-expression.  The names come from the data set's own sheets, and what does not fit them is
refused, since a list that is off by one would put every expression on another face.

Difference: the authors drop the one expression of CAS(ME)^3 whose onset is 0; the reader of the
sheets corrects it, so there are 860 and not 859.  Nothing is downloaded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mescope.annotations.problems import Problem
from mescope.datasets import open_dataset
from mescope.datasets.base import Dataset, some
from mescope.errors import DatasetError
from mescope.events import Expression, Interval, Recording
from mescope.io.natural_order import natural
from mescope.io.progress import Progress
from mescope.samples.feature_files import INDEX, write_features
from mescope.samples.published_lists import (
    Published,
    Windows,
    published_of,
    read_lists,
)
from mescope.samples.recording_windows import RecordingWindows
from mescope.samples.spotting_kinds import REGION_SETS

FAMILIES = {"18": "ME-TST+ or BoostingVRME", "5": "ME-TST"}
"""Whose features are of how many regions."""


_CANDIDATES = 30  # recordings that a message names


class Pictures(NamedTuple):
    """What the pictures beside the sheets tell; nothing where there are none."""

    there: Collection[str]  # recordings with a folder, names in small letters
    frames: dict[str, int]  # of those whose pictures begin with number 1

    def frames_of(self, record: Recording) -> int | None:
        """Return how many frames a recording has, None where that is not known."""
        return self.frames.get(record.name.lower())


class Imported(NamedTuple):
    """What was written, and what to know about it."""

    recordings: tuple[RecordingWindows, ...]
    regions: str  # a name of REGION_SETS
    remarks: tuple[str, ...]
    problems: tuple[Problem, ...]  # of the sheets


def import_features(
    files: Sequence[Path],
    dataset: str,
    root: Path,
    folder: Path,
    *,
    leave_out: Sequence[str] = (),
    progress: Progress | None = None,
) -> Imported:
    """Read published features, join them to the sheets, and write them as measured recordings.

    Args:
        files: the pickles; parts in their order.
        dataset: a name of :data:`PUBLISHED`.
        root: folder of the data set's sheets, with or without pictures.
        folder: of what is written (:func:`mescope.samples.feature_files.write_features`).
        leave_out: recordings that the sheets name and the authors did not have.
        progress: called now and then with bytes, over all files.

    Raises:
        DatasetError: the files, the sheets, or the two together are not what is expected.
        OutputError: the folder cannot be written.
    """
    name, about = published_of(dataset)
    sheets = open_dataset(name, root, sheets_only=True)
    assert isinstance(sheets, Dataset)
    lists = read_lists(files, about, progress)
    regions = next(r for r, s in REGION_SETS.items() if 2 * len(s) == lists[0].shape[1])
    pictures = _pictures(name, root, sheets)
    remarks: list[str] = []
    records = matched(
        in_published_order(sheets), [len(one) for one in lists], about, pictures, leave_out,
        remarks,
    )  # fmt: skip
    found = tuple(
        _joined(record, windows, about, regions, pictures.frames_of(record), remarks)
        for record, windows in zip(records, lists, strict=True)
    )
    _remark_emotions(found, remarks)
    (folder / INDEX).unlink(missing_ok=True)  # until all of it is new, there is nothing
    write_features(folder, found, regions=regions, about=_about(files, about, regions))
    return Imported(found, regions, tuple(remarks), sheets.problems)


def in_published_order(sheets: Dataset) -> list[Recording]:
    """Return the recordings with a micro-expression by subject, then by name, as numbers go."""
    kept = [r for r in sheets.recordings if any(e.kind == "micro" for e in r.expressions)]
    return sorted(kept, key=lambda r: (natural(r.subject), natural(r.name)))


def matched(
    records: Sequence[Recording],
    windows: Sequence[int],
    about: Published,
    pictures: Pictures,
    leave_out: Sequence[str],
    remarks: list[str],
) -> list[Recording]:
    """Return the record of every list of windows.

    Args:
        records: of the sheets, in the published order.
        windows: how many every recording has.
        about: what was published.
        pictures: what is known from pictures.
        leave_out: names of recordings that the authors did not have.
        remarks: gets a line for every recording that was left out.

    Raises:
        DatasetError: the counts differ, or the lengths do not fit.
    """
    records = _left_out(records, leave_out)
    more = len(records) - len(windows)
    if more == about.folderless == 1:
        gone = _folderless(records, windows, about, pictures)
        remarks.append(
            f"{gone.name} was left out: the sheets name {len(records)} recordings, the files "
            f"hold {len(windows)}, and this one had no folder"
        )
        records = [r for r in records if r is not gone]
    elif more:
        known = about.recordings + about.folderless
        also = f" ({known} as published, {about.folderless} of them without a folder)"
        raise DatasetError(
            f"the sheets of {about.title} name {len(records)} recordings with a "
            f"micro-expression{also if about.folderless else f' ({known} as published)'}, the "
            f"files hold {len(windows)}; give all parts in order, and the sheets of the same "
            "release"
        )
    for record, count in zip(records, windows, strict=True):
        _check_length(record, count, about, pictures)
    return list(records)


def _left_out(records: Sequence[Recording], names: Sequence[str]) -> list[Recording]:
    given = {name.strip().lower() for name in names}
    if unknown := given - {r.name.lower() for r in records}:
        raise DatasetError(
            f"expected a recording of the sheets with a micro-expression to leave out, found "
            f"{some(sorted(unknown))}; they are called such as {records[0].name}"
            if records
            else "expected recordings with a micro-expression in the sheets, found none"
        )
    return [r for r in records if r.name.lower() not in given]


def _folderless(
    records: Sequence[Recording], windows: Sequence[int], about: Published, pictures: Pictures
) -> Recording:
    """Return the one recording that the files do not hold.

    Where pictures are there it is the one without.  Otherwise the lengths must tell it: without
    it every recording is as long as its micro-expressions want, without any other one is not.
    Where several are left, macro-expressions count, too, and that the published counts leave
    it a single micro-expression (859 in 463 recordings, 858 in 462).
    """
    without = [r for r in records if r.name.lower() not in pictures.there]
    if len(without) == 1:
        return without[0]
    can = _removable(records, windows, about, pictures)
    for fewer in (
        _removable(records, windows, about, pictures, ("micro", "macro")),
        [r for r in records if sum(e.kind == "micro" for e in r.expressions) == 1],
    ):
        if len(can) > 1:
            can = [r for r in can if r in fewer] or can
    if len(can) == 1:
        return can[0]
    names = ", ".join(r.name for r in can[:_CANDIDATES])
    more = f" and {len(can) - _CANDIDATES} more" if len(can) > _CANDIDATES else ""
    told = (
        f"it could be any of {names}{more}; say which by --leave-out NAME, or give the folder "
        "with the pictures"
        if can
        else "whichever is left out, expressions end after their recording; give all parts in "
        "order, and the sheets of the same release"
    )
    raise DatasetError(
        f"the sheets of {about.title} name {len(records)} recordings with a micro-expression, "
        f"the files hold {len(windows)}: one had no folder, and {told}"
    )


def _removable(
    records: Sequence[Recording], windows: Sequence[int], about: Published, pictures: Pictures,
    kinds: Sequence[str] = ("micro",),
) -> list[Recording]:  # fmt: skip
    """Return the recordings without which all others fit their windows."""

    def fits(some: Sequence[Recording]) -> list[bool]:
        return [
            _fits(r, n, about, pictures, kinds) for r, n in zip(some, windows, strict=False)
        ]

    before, after = fits(records[:-1]), fits(records[1:])
    return [r for i, r in enumerate(records) if all(before[:i]) and all(after[i:])]


def _ends(record: Recording, about: Published, kinds: Sequence[str] = ("micro",)) -> int:
    """Return the last frame that a recording must have."""
    found = [e.interval for e in record.expressions if e.kind in kinds]
    return max(i.first if about.trimmed else i.last for i in found)


def _fits(
    record: Recording, windows: int, about: Published, pictures: Pictures,
    kinds: Sequence[str] = ("micro",),
) -> bool:  # fmt: skip
    frames = pictures.frames_of(record)
    if frames is not None:
        step, hop = about.timing.step, about.timing.hop
        return max(-(-frames // step) // hop - 1, 0) == windows
    return _ends(record, about, kinds) < about.most(windows)


def _check_length(
    record: Recording, windows: int, about: Published, pictures: Pictures
) -> None:
    if _fits(record, windows, about, pictures):
        return
    frames = pictures.frames_of(record)
    has = (
        f"an expression at frame {_ends(record, about)}"
        if frames is None
        else f"{frames} pictures"
    )
    raise DatasetError(
        f"{record.name} has {has}, but {windows} windows, which show frames 0 to "
        f"{about.covered(windows) - 1}: the features are not those of these recordings in this "
        "order; give all parts in order, and the sheets of the same release"
    )


def _pictures(name: str, root: Path, sheets: Dataset) -> Pictures:
    """Return what pictures tell, where there are any."""
    try:
        seen = open_dataset(name, root)
    except DatasetError:
        return Pictures(frozenset(), {})  # the sheets alone, which is fine
    assert isinstance(seen, Dataset)
    firsts = {r.name.lower(): _firsts(r) for r in sheets.recordings}
    return Pictures(
        frozenset(r.name.lower() for r in seen.recordings),
        {
            r.name.lower(): r.frames
            for r in seen.recordings
            if _firsts(r) and _firsts(r) <= firsts.get(r.name.lower(), set())
        },
    )


def _firsts(record: Recording) -> set[int]:
    return {e.interval.first for e in record.expressions}


def _joined(
    record: Recording, windows: Windows, about: Published, regions: str, frames: int | None,
    remarks: list[str],
) -> RecordingWindows:  # fmt: skip
    """Return one recording with its windows; (0, 0) throughout means that no face was found."""
    count = len(windows)
    valid: NDArray[np.bool_] = np.asarray(windows.any(axis=(1, 2)))
    if not valid.all():
        remarks.append(f"{record.name}: {int((~valid).sum())} of {count} windows show no face")
    cut = _cut(record, count, about, frames, remarks)
    return RecordingWindows(
        recording=cut,
        windows=windows,
        valid=np.repeat(valid[:, None], about.timing.window, axis=1),
        # to the end: expressions may end in frames that no window shows any more
        frames=np.arange(0, cut.frames, about.timing.step, dtype=np.int64),
        padded=0,
        timing=about.timing,
        regions=tuple(region.name for region in REGION_SETS[regions]),
        mode="as_published",
    )


def _cut(
    record: Recording, windows: int, about: Published, frames: int | None, remarks: list[str]
) -> Recording:
    """Return the record as long as its video, as far as that is known.

    Without pictures it is as long as its windows, or as its last expression where that lies in
    the frames that no window shows any more.
    """
    last = max(e.interval.last for e in record.expressions)
    if frames is None:
        frames = min(max(about.covered(windows), last + 1), about.most(windows))
    kept: list[Expression] = []
    for one in record.expressions:
        if one.interval.first >= frames:
            remarks.append(
                f"{record.name}: a {one.kind}-expression from frame {one.interval.first} on "
                f"lies after the end and was left out ({frames} frames)"
            )
            continue
        interval = Interval(one.interval.first, min(one.interval.last, frames - 1))
        apex = None if one.apex is None or one.apex > interval.last else one.apex
        kept.append(replace(one, interval=interval, apex=apex))
    return replace(record, frames=frames, expressions=tuple(kept))


def _remark_emotions(found: Sequence[RecordingWindows], remarks: list[str]) -> None:
    micro = [e for one in found for e in one.recording.expressions if e.kind == "micro"]
    bare = sum(e.emotion is None for e in micro)
    if bare:
        remarks.append(
            f"{bare} of {len(micro)} micro-expressions have no emotion in the sheets; SAMM's "
            "own table, or the label table of CAS(ME)^3, beside them has it"
        )


def _about(files: Sequence[Path], about: Published, regions: str) -> str:
    """Return where the features come from, in words."""
    parts = []
    for path in files:
        with path.open("rb") as file:
            parts.append(
                f"{path.name} (sha256 {hashlib.file_digest(file, 'sha256').hexdigest()})"
            )
    return (
        f"features of {about.title} as the authors of {FAMILIES[regions]} published them: "
        f"{', '.join(parts)}"
    )
