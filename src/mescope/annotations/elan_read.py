"""Reads ELAN's ``.eaf``: tiers ``ME@...`` of mescope, or those that a coder made alike.

Where ``ME-frames`` stands below an interval, frames and times are recovered exactly; if the
interval was moved in ELAN, its new boundaries win and a remark says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from mescope.annotations.annotation import (
    STATUSES,
    Annotation,
    AnnotationSet,
    Contents,
    in_order,
)
from mescope.annotations.clock import Clock, reconciled, with_apex
from mescope.annotations.elan import DEPENDENT, MODEL, PREFIX, apex_span
from mescope.annotations.expression_table import KINDS
from mescope.annotations.files import read_xml
from mescope.annotations.stored import frames_of
from mescope.errors import DatasetError, OutputError

_MAX_MS = 2**32 - 1  # EAF's own limit: 49 days

_Times = dict[str, int]


@dataclass
class _Reader:
    """One document while it is read."""

    name: str
    root: Element
    clock: Clock | None
    rate: float | None = None
    remarks: list[str] = field(default_factory=list)
    below: dict[str, dict[str, str]] = field(default_factory=dict)  # parent id -> tier: value
    apexes: dict[str, list[tuple[int, int]]] = field(default_factory=dict)  # tier -> spans


def read(path: Path, clock: Clock | None = None) -> Contents:
    """Return the marks of an EAF file.

    Args:
        path: the file.
        clock: the times of the recording; needed for intervals that a coder added in ELAN,
            unless the file states the frame rate.

    Raises:
        DatasetError: it is not an EAF, damaged (a reference without target, a wrong time), or
            without any tier ``ME@...``.
    """
    root = read_xml(path)
    if root.tag != "ANNOTATION_DOCUMENT":
        raise DatasetError(f"{path.name}: expected an EAF of ELAN, found XML with {root.tag!r}")
    version = root.get("FORMAT", "2.0")
    if version.partition(".")[0] not in ("2", "3"):
        raise DatasetError(f"{path.name}: expected EAF 2 or 3, found version {version[:20]!r}")
    reader = _Reader(path.name, root, clock)
    try:
        return _contents(reader, path)
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


def _contents(reader: _Reader, path: Path) -> Contents:
    sheet = _facts(reader, path)
    reader.rate = reader.clock.rate if reader.clock else sheet.rate
    times = _slots(reader.root)
    tops = []
    for tier in reader.root.iter("TIER"):
        name = tier.get("TIER_ID", "")
        if name.startswith("ME@"):
            tops.append(tier)
        elif name.startswith("ME-") and "@" in name:
            _collect(reader, tier, times)
    if not tops and not any(_is_ours(one) for one in reader.root.iter("PROPERTY")):
        _refuse_foreign(reader)
    marks = [mark for tier in tops for mark in _marks(reader, tier, times)]
    _check_references(reader, tops)
    return Contents((replace(sheet, marks=in_order(marks)),), tuple(reader.remarks))


def _facts(reader: _Reader, path: Path) -> AnnotationSet:
    kept: dict[str, str] = {}
    for one in reader.root.iter("PROPERTY"):
        if _is_ours(one):
            kept[one.get("NAME", "").removeprefix(PREFIX)] = (one.text or "").strip()
    media = reader.root.find("./HEADER/MEDIA_DESCRIPTOR")
    video = kept.get("video") or _media_name(media) or path.stem
    try:
        return AnnotationSet(
            video=video,
            subject=kept.get("subject", ""),
            rate=float(kept["rate"]) if "rate" in kept else None,
            frames=int(kept["frames"]) if "frames" in kept else None,
        )
    except ValueError as error:
        raise ValueError(f"the facts in the header make no sense ({error})") from None


def _is_ours(one: Element) -> bool:
    return one.get("NAME", "").startswith(PREFIX)


def _media_name(media: Element | None) -> str:
    if media is None:
        return ""
    url = media.get("RELATIVE_MEDIA_URL") or media.get("MEDIA_URL") or ""
    return unquote(url.replace("\\", "/").rsplit("/", 1)[-1])


def _slots(root: Element) -> _Times:
    """Return the ms of every time slot; those without a time are left out."""
    times: _Times = {}
    for slot in root.iter("TIME_SLOT"):
        value = slot.get("TIME_VALUE")
        if value is None:
            continue
        if (
            not (value.isascii() and value.isdigit() and len(value) < 12)
            or int(value) > _MAX_MS
        ):
            raise ValueError(f"expected a time in whole ms from 0 on, found {value[:20]!r}")
        times[slot.get("TIME_SLOT_ID", "")] = int(value)
    return times


def _collect(reader: _Reader, tier: Element, times: _Times) -> None:
    """Note the values of a dependent tier."""
    name = tier.get("TIER_ID", "").partition("@")[0].removeprefix("ME-")
    for one in tier.iter("REF_ANNOTATION"):
        if name in DEPENDENT:
            parent = one.get("ANNOTATION_REF", "")
            reader.below.setdefault(parent, {})[name] = _value(one)
    if name == "apex":
        spans = reader.apexes.setdefault(tier.get("PARENT_REF", ""), [])
        spans += [
            span for one in tier.iter("ALIGNABLE_ANNOTATION") if (span := _span(one, times))
        ]


def _span(one: Element, times: _Times) -> tuple[int, int] | None:
    ends = [times.get(one.get(f"TIME_SLOT_REF{n}", "")) for n in (1, 2)]
    return None if ends[0] is None or ends[1] is None else (ends[0], ends[1])


def _value(one: Element) -> str:
    return (one.findtext("ANNOTATION_VALUE") or "").strip()


def _marks(reader: _Reader, tier: Element, times: _Times) -> Iterator[Annotation]:
    name = tier.get("TIER_ID", "")
    for one in tier.iter("ALIGNABLE_ANNOTATION"):
        where = f"{name}, {one.get('ANNOTATION_ID', '?')}"
        span = _span(one, times)
        kind = KINDS.get(_value(one).lower())
        if span is None:
            reader.remarks.append(f"{where}: left out, its start or end has no time")
        elif span[1] <= span[0]:
            reader.remarks.append(
                f"{where}: left out, it ends at {span[1]} ms before it starts"
            )
        elif kind is None:
            found = _value(one)[:40]
            text = f"expected micro-expression or macro-expression, found {found!r}"
            reader.remarks.append(f"{where}: left out, {text}")
        else:
            below = reader.below.get(one.get("ANNOTATION_ID", ""), {})
            try:
                yield _mark(reader, tier, kind, span, below, where)
            except ValueError as error:
                reader.remarks.append(f"{where}: left out, {error}")


def _mark(
    reader: _Reader, tier: Element, kind: Any, span: tuple[int, int], below: dict[str, str],
    where: str,
) -> Annotation:  # fmt: skip
    """Return one mark; ValueError says what is wrong with it."""
    name = tier.get("TIER_ID", "")
    face, source = _who(name)
    status = below.get("review", "").lower()
    fields: dict[str, Any] = {
        "kind": kind,
        "origin": "model" if _by_model(name) else "coder",
        "source": tier.get("ANNOTATOR", "" if _by_model(name) else source),
        "face": tier.get("PARTICIPANT") or face or "0",
        "emotion": below.get("emotion") or None,
        "action_units": below.get("AU", ""),
        "score": float(below["score"]) if below.get("score") else None,
        "status": status if status in STATUSES else "",
        "note": below.get("note", ""),
    }
    if status not in STATUSES:
        reader.remarks.append(f"{where}: the review {status[:40]!r} is none of {STATUSES[1:]}")
    start, end = span[0] / 1000, span[1] / 1000
    if "frames" not in below:
        return _added(reader, name, start, end, fields)
    mark = Annotation(**fields, **frames_of(below["frames"]))
    moved, remark = reconciled(mark, start, end, digits=3, rate=reader.rate, clock=reader.clock)
    inside = [a / 1000 for a, _ in reader.apexes.get(name, []) if span[0] <= a < span[1]]
    shown = moved.apex_s is not None
    expected = apex_span(moved, span, None)[0] / 1000 if shown else math.nan
    done, second = with_apex(moved, inside, expected, reader.rate, reader.clock)
    reader.remarks += [f"{where}: {text}" for text in (remark, second) if text]
    return done


def _added(
    reader: _Reader, tier: str, start: float, end: float, fields: dict[str, Any]
) -> Annotation:
    """Return a mark that a coder made in ELAN, so that only its times are known."""
    clock = reader.clock or (Clock(reader.rate) if reader.rate else None)
    if clock is None:
        raise ValueError(
            "it has times only and the file has no frame rate; name --video or --rate"
        )
    interval = clock.interval(start, end)
    inside = [a for a, b in reader.apexes.get(tier, []) if start * 1000 <= a < end * 1000]
    apex = clock.frame_at(inside[0] / 1000) if inside else None
    if apex is not None:
        apex = min(max(apex, interval.first), interval.last)
    last_s = min(max(start, clock.start_of(interval.last)), end)
    apex_s = None if apex is None else min(max(start, clock.start_of(apex)), last_s)
    return Annotation(
        interval=interval, apex=apex, onset_s=start, apex_s=apex_s, offset_s=last_s, end_s=end,
        **fields,
    )  # fmt: skip


def _by_model(tier: str) -> bool:
    return tier.rpartition("#")[2] == MODEL


def _who(tier: str) -> tuple[str, str]:
    """Return face and source from the name of a tier ``ME@face.2#source``."""
    face, _, source = tier.removeprefix("ME@").partition("#")
    stem, dot, number = face.rpartition(".")
    return (stem if dot and number.isdigit() else face), source


def _refuse_foreign(reader: _Reader) -> None:
    names = [tier.get("TIER_ID", "") for tier in reader.root.iter("TIER")]
    found = ", ".join(name[:30] for name in names[:5]) or "no tiers"
    raise DatasetError(
        f"{reader.name}: expected a tier ME@<face>#<coder>, found {found}; rename the tier "
        "with the intervals in ELAN (values: micro-expression, macro-expression)"
    )


def _check_references(reader: _Reader, tops: list[Element]) -> None:
    """Say which dependent values have no parent."""
    known = {
        one.get("ANNOTATION_ID") for tier in tops for one in tier.iter("ALIGNABLE_ANNOTATION")
    }
    lost = sorted(set(reader.below) - known)
    if lost:
        text = f"{len(lost)} values refer to annotations that are not there: {lost[0][:20]!r}"
        reader.remarks.append(text)
