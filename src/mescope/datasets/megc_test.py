"""The unseen test videos of the MEGC spotting challenges: recordings whose truth is not public.

Source  MEGC2022 to MEGC2025, from unreleased recordings of SAMM and CAS(ME)^3; asked for at the
        challenge under the licences of these data sets
Layout  ROOT/SAMM_Test_cropped/001_2/001_2_0001.jpg and ROOT/CAS_Test_cropped/dzw_a1/..., or
        other folders that say SAMM or CAS (MEGC2022 had sub01, ...); videos in files, too
Frames  from 0; pictures count from their first number

SAMM's part has 200 frames a second, that of CAS(ME)^3 30; a folder's name says which, or else
the name of the video.  A person is what stands before the ``_``, of the part: 001 of SAMM's
part is none of SAMM's people.  There are no expressions, so nothing can be scored here:
``mescope evaluate`` with trained weights, or ``mescope batch``, finds what the submission asks
for, in files whose frames count from 1 (docs/protocols.md).
"""

from __future__ import annotations

import re
from pathlib import Path

from mescope.datasets.base import Dataset, Folders, reader_of
from mescope.datasets.clips import Findings
from mescope.datasets.folder import VIDEO_SUFFIXES
from mescope.datasets.recordings import Rules, VideoFile, assemble
from mescope.errors import DatasetError

NAME = "megc-test"
TITLE = "MEGC, unseen test videos"
OBTAIN = "from the organisers of the challenge, under the licences of SAMM and CAS(ME)^3"
RATES = {"samm": 200.0, "cas": 30.0}
"""Frames per second of each part."""

FOLDERS = Folders(TITLE, r".*(samm|cas).*test.*|.*test.*(samm|cas).*", r"\w+_\w+|sub\d+")

_NAMES = {"samm": r"\d{3}_\d{1,2}", "cas": r"[a-z]{2,4}_[a-z]\d{1,2}"}
_EITHER = r"sub\d{2}"
_LEVELS = 4  # folders between the root and the videos


@reader_of(NAME, TITLE, obtain=OBTAIN, folders=FOLDERS)
def read(root: str | Path) -> Dataset:
    """Return all test videos, without expressions, those of SAMM first.

    Raises:
        DatasetError: there are none, or nothing says which part they are of.
    """
    root = Path(root)
    findings = Findings(root.name)
    found: dict[str, list[VideoFile]] = {part: [] for part in RATES}
    for path in _videos(root):
        name = path.name if path.is_dir() else path.stem
        part = _part(path, root)
        if part is None:
            raise DatasetError(
                f"{TITLE}: nothing says whether {path.relative_to(root)} is of SAMM (200 "
                "frames a second) or CAS(ME)^3 (30); put the videos into folders SAMM_Test and "
                "CAS_Test"
            )
        subject = f"{part}-{name.split('_')[0].lower()}"
        found[part].append(VideoFile(subject=subject, name=f"{part}/{name}", path=path))
    if not any(found.values()):
        raise DatasetError(
            f"{TITLE}: no folders of pictures nor videos such as SAMM_Test_cropped/001_2 or "
            f"CAS_Test_cropped/dzw_a1 under {root}; give the folder that holds both parts"
        )
    parts = [
        assemble((), files, Rules(dataset=NAME, rate=RATES[part]), Findings(root.name))
        for part, files in found.items()
    ]
    text = "nobody's annotation of these videos is public: they can be analysed, not scored"
    findings.warning(root.name, text)
    problems = [
        p for part in parts for p in part.problems if "no row in the table" not in p.message
    ]
    return Dataset(
        name=NAME,
        recordings=tuple(one for part in parts for one in part.recordings),
        problems=(*findings.problems(), *problems),
    )


def _videos(root: Path) -> list[Path]:
    """Return the files and folders that are named as the videos are, outermost ones only."""
    layer, found = [root], []
    pattern = "|".join((*_NAMES.values(), _EITHER))
    for _ in range(_LEVELS):
        inside = [p for folder in layer for p in sorted(folder.iterdir())]
        named = [
            p
            for p in inside
            if re.fullmatch(pattern, p.name if p.is_dir() else p.stem, re.IGNORECASE)
            and (p.is_dir() or p.suffix.lower() in VIDEO_SUFFIXES)
        ]
        found += named
        layer = [p for p in inside if p.is_dir() and p not in named]
    return found


def _part(path: Path, root: Path) -> str | None:
    """Return the part of a video: by the folders above it, or else by its own name."""
    above = path.parent.relative_to(root.parent).as_posix().lower() if root.name else ""
    words = re.split(r"[\W_]+", re.sub(r"cas\(?me\)?", "cas ", above))
    parts = {part for part in RATES if any(word.startswith(part) for word in words)}
    if len(parts) == 1:
        return parts.pop()
    name = path.name if path.is_dir() else path.stem
    return next(
        (p for p, form in _NAMES.items() if re.fullmatch(form, name, re.IGNORECASE)), None
    )
