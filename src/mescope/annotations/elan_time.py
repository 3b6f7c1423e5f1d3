"""When the annotations of an EAF are, in milliseconds of the video: units, origins, references.

ELAN's time line and a video's own time differ by the TIME_ORIGIN of the video: what stands at
t of the time line shows t + TIME_ORIGIN of the video.  A file may state its times in frames.
Source: EAF 3.0 (see :mod:`elan`); the sign as ELAN's players apply it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from mescope.annotations.choice import file_name, fitting
from mescope.annotations.clock import Clock

_MAX_MS = 2**32 - 1  # EAF's own limit: 49 days
_UNITS = {  # ms for one
    "milliseconds": Fraction(1),
    "PAL-frames": Fraction(1000, 25),
    "NTSC-frames": Fraction(1001, 30),
}


class Media(NamedTuple):
    """One video of an EAF: what its file is called, and what its origin is in ms."""

    name: str
    origin: int


@dataclass(frozen=True, slots=True)
class Times:
    """When annotations are, in whole ms of the video.

    ``slots`` are those that have a time, ``annotations`` all by id, and ``divided`` the ids of
    those that share what they refer to with others of their tier.
    """

    slots: Mapping[str, int]
    annotations: Mapping[str, Element]
    divided: frozenset[str]

    def chain(self, one: Element) -> list[Element]:
        """Return an annotation and what it refers to, up to one with a time; or nothing."""
        chain, seen = [one], {id(one)}
        while chain[-1].tag == "REF_ANNOTATION":
            parent = self.annotations.get(chain[-1].get("ANNOTATION_REF", ""))
            if parent is None or id(parent) in seen:
                return []
            chain.append(parent)
            seen.add(id(parent))
        return chain

    def span(self, one: Element) -> tuple[int, int] | None:
        """Return start and end of an annotation, its own or those of what it refers to.

        Raises:
            ValueError: it is one of several parts of what it refers to, which have no times.
        """
        chain = self.chain(one)
        if any(part.get("ANNOTATION_ID") in self.divided for part in chain[:-1]):
            raise ValueError("it shares the time of its parent with others")
        if not chain:
            return None
        one = chain[-1]
        start, end = (self.slots.get(one.get(f"TIME_SLOT_REF{n}", "")) for n in (1, 2))
        return None if start is None or end is None else (start, end)


def media_of(root: Element, clock: Clock | None) -> Media:
    """Return the video that the marks are of: the one called as the recording, or the first.

    Raises:
        ValueError: an origin is no number, or there are several, of different origins, and none
            is called as the recording.
    """
    found = [_media(one) for one in root.findall("./HEADER/MEDIA_DESCRIPTOR")]
    if not found:
        return Media("", 0)
    if clock is not None and clock.video and len(found) > 1:
        same = fitting([[one.name] for one in found], clock.video)
        if same:
            return found[same[0]]
        if len({one.origin for one in found}) > 1:
            raise ValueError(
                f"it links {', '.join(one.name[:40] for one in found)} at different origins, "
                f"none of them is called {clock.video[:60]}; name one with --part"
            )
    return found[0]


def _media(one: Element) -> Media:
    url = one.get("RELATIVE_MEDIA_URL") or one.get("MEDIA_URL") or ""
    text = one.get("TIME_ORIGIN", "0").strip() or "0"
    if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) < 12):
        raise ValueError(f"expected the origin in whole ms, found {text[:20]!r}")
    return Media(unquote(file_name(url)), int(text))


def slots(root: Element, origin: int) -> Times:
    """Return when annotations are; time slots without a time are left out.

    Args:
        root: the document.
        origin: of the video, in ms.

    Raises:
        ValueError: a time is no whole number from 0 on, or in unknown units.
    """
    header = root.find("HEADER")
    unit = "milliseconds" if header is None else header.get("TIME_UNITS", "milliseconds")
    if unit not in _UNITS:
        raise ValueError(f"expected times in {', '.join(_UNITS)}, found {unit[:20]!r}")
    times: dict[str, int] = {}
    for slot in root.iter("TIME_SLOT"):
        value = slot.get("TIME_VALUE")
        if value is None:
            continue
        if (
            not (value.isascii() and value.isdigit() and len(value) < 12)
            or int(value) > _MAX_MS
        ):
            raise ValueError(
                f"expected a time in whole {'ms' if unit == 'milliseconds' else unit} from 0 "
                f"on, found {value[:20]!r}"
            )
        times[slot.get("TIME_SLOT_ID", "")] = round(int(value) * _UNITS[unit]) + origin
    annotations = {
        one.get("ANNOTATION_ID", ""): one
        for holder in root.iter("ANNOTATION")
        for one in holder
    }
    return Times(times, annotations, _divided(root))


def _divided(root: Element) -> frozenset[str]:
    divided: set[str] = set()
    for tier in root.iter("TIER"):
        parts: dict[str, list[str]] = {}
        for one in tier.iter("REF_ANNOTATION"):
            parent = one.get("ANNOTATION_REF", "")
            parts.setdefault(parent, []).append(one.get("ANNOTATION_ID", ""))
        divided.update(name for names in parts.values() if len(names) > 1 for name in names)
    return frozenset(divided)
