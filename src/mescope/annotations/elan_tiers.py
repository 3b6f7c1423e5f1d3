"""Tiers of an EAF that are none of mescope's: any study's own, as they stand.

A tier that is associated with another one (Symbolic_Association) holds a further value of its
annotations, and is a field of it; over any number of tiers.  What mescope wrote for tiers of
other programs is put together again by the property ``mescope:tiers``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from xml.etree.ElementTree import Element

from mescope.annotations.elan import DEPENDENT, KEPT, MODEL
from mescope.annotations.elan_document import told_tiers
from mescope.annotations.elan_time import Times
from mescope.annotations.files import listing, word
from mescope.annotations.problems import Remarks
from mescope.annotations.tiers import VALUE, Cell, Tier, cell_between, normal_tiers, tier_of


@dataclass
class _Rows:
    """The annotations of tiers by the ids of both."""

    spans: dict[str, dict[str, tuple[int, int, str]]] = field(default_factory=dict)
    below: dict[str, dict[str, str]] = field(default_factory=dict)  # tier -> top one: value


def other_tiers(
    root: Element, times: Times, remarks: Remarks, known: Collection[str] = ()
) -> tuple[Tier, ...]:
    """Return the tiers of a document that mescope does not know by their name.

    Args:
        root: the document.
        times: when its annotations are.
        remarks: told what was left out: cells without times.
        known: the ids of tiers that were read already: those of codes.

    Raises:
        ValueError: what mescope left of them in the header makes no sense.
    """
    every = {tier.get("TIER_ID", ""): tier for tier in root.iter("TIER")}
    tiers = {n: tier for n, tier in every.items() if not _is_ours(tier) and n not in known}
    rows = _Rows()
    parents = {name: _parent(root, tier) for name, tier in tiers.items()}
    for name, tier in tiers.items():
        if parents[name] in tiers:
            rows.below[name] = _values(tier, times)
        else:
            rows.spans[name] = _cells(name, tier, times, remarks)
    made, told = [], set()
    for kept in told_tiers(root, KEPT, "a tier"):
        one, ids = _put_together(kept, rows)
        made.append(one)
        told |= ids
    for name in rows.spans.keys() - told:
        below = [n for n in rows.below if _top(n, parents) == name]
        made.append(_plain(name, tiers[name], below, rows))
    return normal_tiers(made)


def _is_ours(tier: Element) -> bool:
    name = tier.get("TIER_ID", "")
    if name.startswith("EVENT-"):
        return name.endswith(f"#{MODEL}")
    below = name.partition("@")[0].removeprefix("ME-") in (*DEPENDENT, "apex")
    return name.startswith("ME@") or (name.startswith("ME-") and "@" in name and below)


def _parent(root: Element, tier: Element) -> str:
    """Return the tier that this one says more of; empty where it stands for itself."""
    kind = next(
        (
            one.get("CONSTRAINTS", "")
            for one in root.iter("LINGUISTIC_TYPE")
            if one.get("LINGUISTIC_TYPE_ID") == tier.get("LINGUISTIC_TYPE_REF")
        ),
        "",
    )
    return tier.get("PARENT_REF", "") if kind == "Symbolic_Association" else ""


def _top(name: str, parents: dict[str, str]) -> str:
    seen = {name}
    while parents.get(name) and parents[name] not in seen:
        name = parents[name]
        seen.add(name)
    return name


def _cells(
    name: str, tier: Element, times: Times, remarks: Remarks
) -> dict[str, tuple[int, int, str]]:
    found = {}
    for one in _annotations(tier):
        try:
            span = times.span(one)
            if span is None:
                raise ValueError("its start or end has no time")
            cell = Cell(*span)
        except ValueError as error:
            where = f"{name}, {one.get('ANNOTATION_ID', '?')}"
            remarks.left_out_cell(name, where, error)
            continue
        found[one.get("ANNOTATION_ID", "")] = (cell.start, cell.end, _value(one))
    return found


def _values(tier: Element, times: Times) -> dict[str, str]:
    """Return what a tier says, by the annotation with a time that it says it of."""
    found: dict[str, str] = {}
    for one in _annotations(tier):
        chain = times.chain(one)
        if chain:
            top = chain[-1].get("ANNOTATION_ID", "")
            found[top] = "\n".join(filter(None, (found.get(top), _value(one))))
    return found


def _annotations(tier: Element) -> Iterator[Element]:
    return (one for holder in tier.iter("ANNOTATION") for one in holder)


def _value(one: Element) -> str:
    return (one.findtext("ANNOTATION_VALUE") or "").strip()


def _plain(name: str, tier: Element, below: list[str], rows: _Rows) -> Tier:
    """Return a tier that somebody made in ELAN."""
    cells = [
        cell_between(start, end, [value, *(rows.below[n].get(identity, "") for n in below)])
        for identity, (start, end, value) in rows.spans[name].items()
    ]
    return Tier(
        name=name,
        coder=tier.get("ANNOTATOR", ""),
        participant=tier.get("PARTICIPANT", ""),
        fields=(VALUE, *below),
        cells=tuple(cells),
    )


def _put_together(kept: dict[str, Any], rows: _Rows) -> tuple[Tier, set[str]]:
    """Return a tier from the rows it was cut into, and their ids; some may be gone."""
    tier, cells, told = tier_of(kept), [], set()
    for ids in listing(kept.get("ids"), "ids"):
        name, *below = (word(one, "the id of a tier") for one in listing(ids, "ids"))
        if len(below) != len(tier.fields[1:]):
            raise ValueError(f"expected {len(tier.fields)} tiers of {tier.name[:40]!r}")
        told.add(name)
        for identity, (start, end, value) in rows.spans.get(name, {}).items():
            values = [value, *(rows.below.get(n, {}).get(identity, "") for n in below)]
            cells.append(cell_between(start, end, values[: len(tier.fields)]))
    return replace(tier, cells=tuple(cells)), told
