"""SMIC: spontaneous micro-expressions from a fast (HS), a visible and an infrared camera.

Source  Li et al. 2013, doi:10.1109/FG.2013.6553717; a signed licence is needed
Layout  ROOT/SMIC_all_raw/HS/s9/micro/surprise/s9_sur_03/image090823.jpg, or .../VIS, .../NIR;
        SMIC_all_cropped has the faces as reg_image*.bmp; whole pictures are taken first
Frames  there is no table: the onset is the first picture, the offset the last, and nobody
        annotated an apex.  Picture numbers go on through a recording of a person

People are named s01 to s20 and clips s01_ne_01, as the MEGC2019 list has them; on disk the zero
is often missing.  All three cameras filmed the same people, so all say the data set is "smic".
The class is the name of the folder; the middle of a clip's name (ne, po, sur) repeats it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from mescope.datasets.base import Clip, Dataset, Folders, reader_of, seconds_at, signed_licence
from mescope.datasets.clips import Findings
from mescope.errors import DatasetError, VideoError
from mescope.events import MICRO_MAX_S, Expression, Interval
from mescope.labels import RAW_COUNTS
from mescope.video.image_folders import numbered_files

PEOPLE = "smic"
"""Data set of every clip, whatever the camera."""

FOLDERS = Folders("SMIC", r"s\d{1,2}", r"micro|non_micro")

RATES = {"HS": 100.0, "VIS": 25.0, "NIR": 25.0}
"""Frames per second of each camera."""

COUNTS = {"HS": RAW_COUNTS["smic"], "VIS": {"all": 71}, "NIR": {"all": 71}}
"""Published clips of each class; of VIS and NIR only all together are known."""

TOKENS = {"ne": "negative", "po": "positive", "sur": "surprise"}

_DEPTH = 4  # folders between the root and the people


def read_camera(camera: str, root: str | Path) -> Dataset:
    """Return the clips of one camera, ``HS``, ``VIS`` or ``NIR``, in the order of their names.

    Raises:
        DatasetError: there are no such folders under ``root``.
    """
    root = Path(root)
    findings = Findings(root.name)
    pictures = _pictures(root, camera, findings)
    clips: dict[tuple[str, str], Clip] = {}
    for folder in _clip_folders(pictures):
        clip = _clip(folder, pictures, camera, findings)
        if clip is None:
            continue
        key = (clip.subject, clip.name)
        if key in clips:
            text = f"{clip.name} is there twice; the other is {clips[key].folder.parent}"
            findings.error(_where(folder, pictures), text, rows=0)
        else:
            clips[key] = clip
    _check_counts(list(clips.values()), camera, findings)
    return Dataset(
        name=f"smic-{camera.lower()}",
        clips=tuple(clips[key] for key in sorted(clips)),
        problems=findings.problems(),
    )


for _camera in RATES:
    reader_of(
        f"smic-{_camera.lower()}",
        f"SMIC, camera {_camera}, short clips",
        obtain=signed_licence("University of Oulu"),
        folders=FOLDERS,
    )(partial(read_camera, _camera))


def person_of(text: str) -> str | None:
    """Return the person in the spelling used here, None for another kind of name.

    >>> person_of("s1"), person_of("S014"), person_of("sub01")
    ('s01', 's14', None)
    """
    found = re.fullmatch(r"s0*(\d{1,2})", text, re.IGNORECASE)
    return f"s{int(found[1]):02d}" if found else None


def clip_name(text: str) -> tuple[str, str, str] | None:
    """Return person, token and name of a clip in the spelling used here.

    >>> clip_name("s1_ne_01")
    ('s01', 'ne', 's01_ne_01')
    """
    parts = text.split("_")
    person = person_of(parts[0])
    if len(parts) != 3 or person is None or parts[1].lower() not in TOKENS:
        return None
    token = parts[1].lower()
    return person, token, f"{person}_{token}_{parts[2]}"


def _pictures(root: Path, camera: str, findings: Findings) -> Path:
    """Return the folder of one camera, with whole pictures where there are both kinds."""
    layers, found = [root], []
    for _ in range(_DEPTH):
        found += [folder for folder in layers if any(_clip_folders(folder))]
        layers = [p for folder in layers for p in sorted(folder.iterdir()) if p.is_dir()]
        layers = [p for p in layers if person_of(p.name) is None]
    named = [f for f in found if camera in _words(f, root)]
    if not named and len(found) == 1 and not _words(found[0], root) & set(RATES):
        findings.warning(root.name, f"the path names no camera, taken as {camera}")
        named = found
    if not named:
        raise DatasetError(
            f"SMIC {camera}: no folders {camera}/s01/micro/<class>/<clip> under {root}; give "
            "the folder that holds SMIC_all_raw or SMIC_all_cropped"
        )
    return min(named, key=lambda f: "crop" in str(f.relative_to(root)).lower())


def _words(folder: Path, root: Path) -> set[str]:
    """Return the words of a path from the name of the root on, in capitals."""
    inside = folder.relative_to(root.parent) if root.name else folder
    return {word.upper() for word in re.split(r"[\W_]+", str(inside))}


def _clip_folders(pictures: Path) -> Iterator[Path]:
    for person in sorted(pictures.iterdir()):
        if person_of(person.name) and (person / "micro").is_dir():
            yield from sorted(p for p in person.glob("micro/*/*") if p.is_dir())


def _where(folder: Path, pictures: Path) -> str:
    return str(folder.relative_to(pictures))


def _clip(folder: Path, pictures: Path, camera: str, findings: Findings) -> Clip | None:
    """Return one clip, or None if it makes no sense."""
    where = _where(folder, pictures)
    names = _names(folder, where, findings)
    if names is None:
        return None
    person, name, emotion = names
    try:
        files = numbered_files(folder, RATES[camera])
    except (VideoError, OSError) as error:
        findings.error(where, str(error), rows=0)
        return None
    first, last = files.numbers[0], files.numbers[-1]
    missing = sorted(set(range(first, last + 1)) - set(files.numbers))
    rate = RATES[camera]
    expression = Expression(
        interval=Interval(0, last - first), kind="micro", apex=None, emotion=emotion
    )
    _note(name, expression, missing, bool(files.ignored), rate, findings)
    return Clip(
        dataset=PEOPLE,
        subject=person,
        name=name,
        folder=folder,
        first_number=first,
        frames=last - first + 1,
        rate=rate,
        expression=expression,
        seconds=seconds_at(expression, rate),
        missing=tuple(number - first for number in missing),
        emotion_raw=folder.parent.name,
    )


def _names(folder: Path, where: str, findings: Findings) -> tuple[str, str, str] | None:
    """Return person, name and emotion of a clip's folder, or None if they make no sense."""
    person, named = person_of(folder.parents[2].name), clip_name(folder.name)
    emotion = folder.parent.name.lower()
    if emotion not in RAW_COUNTS["smic"]:
        known = ", ".join(RAW_COUNTS["smic"])
        text = f"unknown class folder {folder.parent.name!r}; known: {known}"
        findings.error(where, text, rows=0)
        return None
    if person is None or named is None:
        text = f"expected a clip named like s01_ne_01, found {folder.name!r}"
        findings.error(where, text, rows=0)
        return None
    if named[0] != person:
        text = f"the clip's name says {named[0]}, its folder {person}"
        findings.error(where, text, rows=0)
        return None
    if TOKENS[named[1]] != emotion:
        text = f"the name says {TOKENS[named[1]]}, the folder {emotion}; the folder is used"
        findings.warning(where, text)
    return person, named[2], emotion


def _note(
    name: str, expression: Expression, missing: list[int], ignored: bool, rate: float,
    findings: Findings,
) -> None:  # fmt: skip
    length = expression.interval.last + 1
    if missing:
        findings.each("clips have frames missing in the middle", f"{name} ({len(missing)})")
    if ignored:
        findings.each("clips have files that are not numbered pictures, ignored", name)
    if length == 1:
        findings.each("clips have a single picture", name)
    if (length - 1) / rate > MICRO_MAX_S:
        findings.each(f"clips are longer than {MICRO_MAX_S} s but labelled micro", name)


def _check_counts(clips: list[Clip], camera: str, findings: Findings) -> None:
    published = COUNTS[camera]
    found = Counter(clip.expression.emotion for clip in clips)
    found["all"] = len(clips)
    differ = [
        f"{name} {found[name]} of {n}" for name, n in published.items() if found[name] != n
    ]
    if differ:
        text = f"SMIC {camera} has {len(clips)} clips, published {sum(published.values())}: "
        findings.warning(findings.file, text + ", ".join(differ))
    if clips:
        findings.warning(findings.file, "there is no apex in SMIC; none is used")
