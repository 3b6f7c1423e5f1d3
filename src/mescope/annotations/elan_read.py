"""Reads ELAN's ``.eaf``: tiers ``ME@...`` of mescope, or those that a coder made alike.

What other tiers say is kept as it stands (:mod:`elan_tiers`), for a mapping and the way back.

Where ``ME-frames`` stands below an interval, frames and times are recovered exactly; if the
interval was moved in ELAN, its new boundaries win and a remark says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from mescope.annotations.annotation import (
    STATUSES,
    Annotation,
    AnnotationSet,
    Contents,
    face_of,
    in_order,
)
from mescope.annotations.clock import Clock, Timeline, reconciled, with_apex
from mescope.annotations.elan import DEPENDENT, MODEL, PREFIX, apex_span
from mescope.annotations.elan_codes import codes_in
from mescope.annotations.elan_tiers import other_tiers
from mescope.annotations.elan_time import Times, media_of, slots
from mescope.annotations.expression_table import KINDS, number_in
from mescope.annotations.files import read_xml
from mescope.annotations.problems import Remarks
from mescope.annotations.stored import frames_of
from mescope.errors import DatasetError, OutputError


@dataclass
class _Reader:
    """One document while it is read."""

    name: str
    root: Element
    timeline: Timeline
    times: Times
    remarks: Remarks = field(default_factory=Remarks)
    below: dict[str, dict[str, str]] = field(default_factory=dict)  # parent id -> tier: value
    apexes: dict[str, list[tuple[int, int]]] = field(default_factory=dict)  # tier -> spans


def read(path: Path, clock: Clock | None = None) -> Contents:
    """Return the marks of an EAF file.

    Args:
        path: the file.
        clock: the times of the recording; needed for intervals that a coder added in ELAN,
            unless the file states the frame rate.

    Raises:
        DatasetError: as :func:`read_any`, or it is without any tier ``ME@...``.
    """
    return _read(path, clock, _refuse_foreign)


def read_any(path: Path, clock: Clock | None = None) -> Contents:
    """Return marks and tiers of an EAF file, whoever made it; arguments as for :func:`read`.

    Raises:
        DatasetError: it is not an EAF, damaged (a reference without target, a wrong time), or
            a mark lies outside the recording.
    """
    return _read(path, clock, lambda _name, _root: None)


def _read(path: Path, clock: Clock | None, strange: Callable[[str, Element], None]) -> Contents:
    """Return what a file holds; ``strange`` is called with one without tiers of marks."""
    root = read_xml(path)
    if root.tag != "ANNOTATION_DOCUMENT":
        raise DatasetError(f"{path.name}: expected an EAF of ELAN, found XML with {root.tag!r}")
    version = root.get("FORMAT", "2.0")
    if version.partition(".")[0] not in ("2", "3"):
        raise DatasetError(f"{path.name}: expected EAF 2 or 3, found version {version[:20]!r}")
    try:
        return _contents(root, path, clock, strange)
    except ValueError as error:
        raise DatasetError(f"{path.name}: {error}; open it in ELAN and save it again") from None


def keep_coders(path: Path, data: bytes) -> None:
    """Refuse to replace a file by one without its tiers of coders.

    Raises:
        OutputError: ``data``, the bytes of the new EAF, lacks such a tier.
    """
    try:
        tiers = coders(path)
    except DatasetError:
        return  # not an EAF: nothing of a coder is in it
    kept = {tier.get("TIER_ID") for tier in ElementTree.fromstring(data).iter("TIER")}
    lost = [tier for tier in tiers if tier not in kept]
    if lost:
        raise OutputError(
            f"{path} holds a coder's tier {lost[0][:40]!r}, which --force does not replace; "
            "choose another name"
        )


def coders(path: Path) -> tuple[str, ...]:
    """Return the top tiers of an EAF file that are not a model's own."""
    names = [tier.get("TIER_ID", "") for tier in read_xml(path).iter("TIER")]
    return tuple(n for n in names if n and not n.startswith("ME-") and not _by_model(n))


def _contents(
    root: Element, path: Path, clock: Clock | None, strange: Callable[[str, Element], None]
) -> Contents:
    media = media_of(root, clock)
    sheet = _facts(root, media.name or path.stem)
    reader = _Reader(path.name, root, Timeline.of(sheet, clock), slots(root, media.origin))
    tops = []
    for tier in root.iter("TIER"):
        name = tier.get("TIER_ID", "")
        if name.startswith("ME@"):
            tops.append(tier)
        elif name.startswith("ME-") and "@" in name:
            _collect(reader, tier)
    if not tops and not any(_is_ours(one) for one in root.iter("PROPERTY")):
        strange(path.name, root)
    marks = [mark for tier in tops for mark in _marks(reader, tier)]
    _check_references(reader, tops)
    remarks = reader.remarks
    coded, told = codes_in(root, reader.timeline, reader.times, remarks)
    tiers = other_tiers(root, reader.times, remarks, told)
    remarks.check(path.name)
    done = replace(sheet, marks=in_order(marks), coded=coded, tiers=tiers)
    return Contents((done,), tuple(remarks.said), remarks.lost, remarks.cells)


def _facts(root: Element, video: str) -> AnnotationSet:
    """Return what mescope left in the header; ``video`` where it did not name one."""
    kept: dict[str, str] = {}
    for one in root.iter("PROPERTY"):
        if _is_ours(one):
            kept[one.get("NAME", "").removeprefix(PREFIX)] = (one.text or "").strip()
    try:
        return AnnotationSet(
            video=kept.get("video") or video,
            subject=kept.get("subject", ""),
            rate=float(kept["rate"]) if "rate" in kept else None,
            frames=int(kept["frames"]) if "frames" in kept else None,
            start_offset=float(kept["start_offset"]) if "start_offset" in kept else None,
            mpv_zero=float(kept.get("mpv_zero", 0.0)),
        )
    except ValueError as error:
        raise ValueError(f"the facts in the header make no sense ({error})") from None


def _is_ours(one: Element) -> bool:
    return one.get("NAME", "").startswith(PREFIX)


def _collect(reader: _Reader, tier: Element) -> None:
    """Note the values of a dependent tier."""
    name = tier.get("TIER_ID", "").partition("@")[0].removeprefix("ME-")
    for one in tier.iter("REF_ANNOTATION"):
        if name in DEPENDENT:
            parent = one.get("ANNOTATION_REF", "")
            reader.below.setdefault(parent, {})[name] = _value(one)
    if name == "apex":
        spans = reader.apexes.setdefault(tier.get("PARENT_REF", ""), [])
        for one in tier.iter("ALIGNABLE_ANNOTATION"):
            span = reader.times.span(one)
            spans += [span] if span else []


def _value(one: Element) -> str:
    return (one.findtext("ANNOTATION_VALUE") or "").strip()


def _marks(reader: _Reader, tier: Element) -> Iterator[Annotation]:
    name = tier.get("TIER_ID", "")
    found = (one for holder in tier.iter("ANNOTATION") for one in holder)
    for one in found:
        where = f"{name}, {one.get('ANNOTATION_ID', '?')}"
        kind = KINDS.get(_value(one).lower())
        try:
            if kind is None:
                raise ValueError(
                    f"expected micro-expression or macro-expression, found {_value(one)[:40]!r}"
                )
            span = reader.times.span(one)
            if span is None:
                raise ValueError("its start or end has no time")
            if span[1] <= span[0]:
                raise ValueError(f"it ends at {span[1]} ms before it starts")
            yield _mark(reader, tier, kind, span, one.get("ANNOTATION_ID", ""), where)
        except ValueError as error:
            reader.remarks.left_out(where, error)


def _mark(
    reader: _Reader, tier: Element, kind: Any, span: tuple[int, int], identity: str,
    where: str,
) -> Annotation:  # fmt: skip
    """Return one mark; ValueError says what is wrong with it."""
    name, below = tier.get("TIER_ID", ""), reader.below.get(identity, {})
    face, source = _who(name)
    status = below.get("review", "").lower()
    fields: dict[str, Any] = {
        "kind": kind,
        "origin": "model" if _by_model(name) else "coder",
        "source": tier.get("ANNOTATOR", "" if _by_model(name) else source),
        "face": tier.get("PARTICIPANT") or face or "0",
        "emotion": below.get("emotion") or None,
        "action_units": below.get("AU", ""),
        "score": number_in(below["score"], "the score") if below.get("score") else None,
        "status": status if status in STATUSES else "",
        "note": below.get("note", ""),
        "reason": below.get("reason", ""),
        "taken": below.get("taken", ""),
    }
    if status not in STATUSES:
        reader.remarks.add(where, f"the review {status[:40]!r} is none of {STATUSES[1:]}")
    start, end = span[0] / 1000, span[1] / 1000
    inside = [a / 1000 for a, _ in reader.apexes.get(name, []) if span[0] <= a < span[1]]
    if "frames" not in below:  # a coder made it in ELAN
        placed = reader.timeline.placed(start, end, inside[0] if inside else None)
        return Annotation(**fields, **placed)
    mark = Annotation(**fields, **frames_of(below["frames"]))
    moved, remark = reconciled(mark, start, end, digits=3, timeline=reader.timeline)
    expected = math.nan
    if moved.apex_s is not None:
        expected = apex_span(moved, span, None, reader.timeline.kept_from)[0] / 1000
    done, second = with_apex(moved, inside, expected, reader.timeline)
    for text in filter(None, (remark, second)):
        reader.remarks.add(where, text)
    return done


def _by_model(tier: str) -> bool:
    return tier.rpartition("#")[2] == MODEL


def _who(tier: str) -> tuple[str, str]:
    """Return face and source from the name of a tier ``ME@face.2#source``."""
    face, _, source = tier.removeprefix("ME@").partition("#")
    return face_of(face), source


def _refuse_foreign(name: str, root: Element) -> None:
    names = [tier.get("TIER_ID", "") for tier in root.iter("TIER")]
    found = ", ".join(name[:30] for name in names[:5]) or "no tiers"
    raise DatasetError(
        f"{name}: expected a tier ME@<face>#<coder>, found {found}; say with a mapping what "
        "they mean: `mescope tiers` proposes one"
    )


def _check_references(reader: _Reader, tops: list[Element]) -> None:
    """Say which dependent values have no parent."""
    known = {
        one.get("ANNOTATION_ID")
        for tier in tops
        for holder in tier.iter("ANNOTATION")
        for one in holder
    }
    lost = sorted(set(reader.below) - known)
    if lost:
        text = f"{len(lost)} values refer to annotations that are not there: {lost[0][:20]!r}"
        reader.remarks.said.append(text)
