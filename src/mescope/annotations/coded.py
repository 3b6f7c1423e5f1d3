"""What coders marked on tiers of their own: states and points, with modifiers.

They are no expressions: no scorer reads them, and readers of marks pass over them.  ELAN gets
a tier ``<name>@<coder>`` with the tier's controlled vocabulary and one below it for each
modifier, BORIS a behaviour for each code, with the tier as its category; a table of their own
holds them whole.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mescope.events import Interval
from mescope.io.formula_guard import guarded

COLUMNS = (
    "video", "tier", "kind", "code", "onset", "offset", "onset_s", "offset_s", "end_s", "coder",
    "modifiers", "note",
)  # fmt: skip
"""Columns of the table of codes; frames from 0, ends included; ``_s`` seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodedSpan:
    """One code from onset to offset; a point has one frame.

    ``onset_s`` and ``offset_s`` are the times of its first and last frame, ``end_s`` is when
    the last one ends, in seconds from the first frame of the recording.
    """

    code: str
    interval: Interval
    coder: str
    onset_s: float
    offset_s: float
    end_s: float
    modifiers: tuple[tuple[str, str], ...] = ()  # name and value
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodedTier:
    """One tier of a code scheme and what stands on it.

    ``codes`` are its vocabulary, ``modifiers`` the values by name of modifier.
    """

    name: str
    kind: Literal["state", "point"]
    codes: tuple[str, ...]
    modifiers: tuple[tuple[str, tuple[str, ...]], ...] = ()
    spans: tuple[CodedSpan, ...] = ()

    def by_coder(self) -> dict[str, list[CodedSpan]]:
        """Return the spans of each coder in order of time."""
        found: dict[str, list[CodedSpan]] = {}
        for span in sorted(self.spans, key=lambda s: (s.coder, s.interval, s.code)):
            found.setdefault(span.coder, []).append(span)
        return found


def rows_of(ends: Sequence[tuple[int, int]]) -> list[int]:
    """Return a row from 0 for each of some spans in order of time, so that none overlap in it.

    >>> rows_of([(0, 5), (2, 3), (5, 9)])
    [0, 1, 0]
    """
    free: list[int] = []
    chosen = []
    for start, end in ends:
        row = next((n for n, until in enumerate(free) if until <= start), len(free))
        free[row : row + 1] = [end]
        chosen.append(row)
    return chosen


def to_dict(tier: CodedTier, span: CodedSpan) -> dict[str, Any]:
    """Return a code as values that JSON holds."""
    return {
        "tier": tier.name,
        "kind": tier.kind,
        "code": span.code,
        "onset": span.interval.first,
        "offset": span.interval.last,
        "onset_s": span.onset_s,
        "offset_s": span.offset_s,
        "end_s": span.end_s,
        "coder": span.coder,
        "modifiers": dict(span.modifiers),
        "note": span.note,
    }


def table_of(video: str, tiers: Sequence[CodedTier]) -> str:
    """Return the codes of a video as CSV text; text that looks like a formula is guarded."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for row in _rows(tiers):
        modifiers = "; ".join(f"{name}={value}" for name, value in row["modifiers"].items())
        cells = row | {"video": video, "modifiers": modifiers}
        writer.writerow({k: guarded(v) if isinstance(v, str) else v for k, v in cells.items()})
    return out.getvalue()


def _rows(tiers: Sequence[CodedTier]) -> Iterator[dict[str, Any]]:
    for tier in tiers:
        for spans in tier.by_coder().values():
            for span in spans:
                yield to_dict(tier, span)


def behaviours(tiers: Sequence[CodedTier]) -> dict[tuple[str, str], str]:
    """Return what BORIS calls the codes of tiers: a code, with its tier where two share it."""
    codes = [code for tier in tiers for code in tier.codes]
    return {
        (tier.name, code): code if codes.count(code) == 1 else f"{tier.name}: {code}"
        for tier in tiers
        for code in tier.codes
    }
