"""Tiers, annotations and time slots of an EAF while it is written, free names, and its header.

Source: EAF 3.0, https://www.mpi.nl/tools/elan/EAF_Annotation_Format_3.0_and_ELAN.pdf.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from mescope.annotations.files import listing, parse_json, table
from mescope.annotations.tiers import unused_name
from mescope.errors import DatasetError

TierType = tuple[str, bool, str, str]
"""A linguistic type: name, time-alignable, constraint, vocabulary."""


@dataclass
class Document:
    """Makes tiers, numbering annotations and time slots on the way."""

    made: list[Element] = field(default_factory=list)
    slots: list[tuple[int, Element, str]] = field(default_factory=list)  # ms, where, which end
    count: int = 0

    @property
    def names(self) -> set[str]:
        """What its tiers are called."""
        return {tier.attrib["TIER_ID"] for tier in self.made}

    def tier(
        self, name: str, kind: str, facts: dict[str, str], parent: Element | None = None
    ) -> Element:
        """Make a tier of a type; ``facts``: its further attributes."""
        words = {**facts, "LINGUISTIC_TYPE_REF": kind, "TIER_ID": name}
        if parent is not None:
            words["PARENT_REF"] = parent.attrib["TIER_ID"]
        tier = Element("TIER", {k: v for k, v in words.items() if v or k == "ANNOTATOR"})
        self.made.append(tier)
        return tier

    def interval(self, tier: Element, ends: tuple[int, int], value: str) -> str:
        """Make an annotation with times, in ms; return its id."""
        holder = SubElement(tier, "ANNOTATION")
        name = self._name()
        one = SubElement(holder, "ALIGNABLE_ANNOTATION", {"ANNOTATION_ID": name})
        SubElement(one, "ANNOTATION_VALUE").text = value
        self.slots.append((ends[0], one, "TIME_SLOT_REF1"))
        self.slots.append((ends[1], one, "TIME_SLOT_REF2"))
        return name

    def reference(self, tier: Element, parent: str, value: str) -> None:
        """Make an annotation that says something of another one."""
        holder = SubElement(tier, "ANNOTATION")
        words = {"ANNOTATION_ID": self._name(), "ANNOTATION_REF": parent}
        one = SubElement(holder, "REF_ANNOTATION", words)
        SubElement(one, "ANNOTATION_VALUE").text = value

    def _name(self) -> str:
        self.count += 1
        return f"a{self.count}"

    def time_order(self) -> Element:
        """Make the time slots, sorted, and write their ids into the annotations."""
        order = Element("TIME_ORDER")
        # stable: the slots of one annotation keep their order
        for number, (ms, one, end) in enumerate(sorted(self.slots, key=lambda s: s[0]), 1):
            one.set(end, f"ts{number}")
            words = {"TIME_SLOT_ID": f"ts{number}", "TIME_VALUE": str(ms)}
            SubElement(order, "TIME_SLOT", words)
        return order


def free_tier_name(name: str, taken: Iterable[str]) -> str:
    """Return a name for a tier of another program: none of ours, and not taken.

    >>> free_tier_name("ME@0#anna", []), free_tier_name("AU12", ["AU12"])
    ('tier ME@0#anna', 'AU12 (2)')
    """
    ours = name.startswith(("ME@", "ME-", "EVENT-"))
    return unused_name(f"tier {name}" if ours else name, taken)


def types_of(types: Iterable[TierType]) -> list[Element]:
    """Return linguistic types as elements."""
    made = []
    for name, alignable, constraint, vocabulary in types:
        words = {
            "CONSTRAINTS": constraint,
            "CONTROLLED_VOCABULARY_REF": vocabulary,
            "GRAPHIC_REFERENCES": "false",
            "LINGUISTIC_TYPE_ID": name,
            "TIME_ALIGNABLE": "true" if alignable else "false",
        }
        made.append(Element("LINGUISTIC_TYPE", {k: v for k, v in words.items() if v}))
    return made


def vocabulary(name: str, words: Iterable[str]) -> Element:
    """Return a controlled vocabulary."""
    made = Element("CONTROLLED_VOCABULARY", {"CV_ID": name})
    SubElement(made, "DESCRIPTION", {"LANG_REF": "und"})
    for number, text in enumerate(words, start=1):
        entry = SubElement(made, "CV_ENTRY_ML", {"CVE_ID": f"{name}-{number}"})
        value = SubElement(entry, "CVE_VALUE", {"DESCRIPTION": "", "LANG_REF": "und"})
        value.text = text
    return made


def told_tiers(root: Element, name: str, what: str) -> list[dict[str, Any]]:
    """Return the facts about tiers that mescope wrote into a property of the header.

    Args:
        root: of the document.
        name: of the property, which holds JSON.
        what: each of them is, for messages.

    Raises:
        ValueError: the property holds something else.
    """
    text = next((p.text or "" for p in root.iter("PROPERTY") if p.get("NAME") == name), "")
    if not text.strip():
        return []
    try:
        facts = table(parse_json(text, name), name)
    except DatasetError as error:
        raise ValueError(str(error)) from None
    return [table(one, what) for one in listing(facts.get("tiers"), "tiers")]
