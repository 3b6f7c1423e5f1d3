"""Codes of a file become codes of the project where its scheme has them; the others stay tiers.

Whose they are the file says: nobody's codes become somebody else's.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mescope.annotations.coded import CodedSpan, CodedTier, from_dict, normal_coded
from mescope.annotations.coded_read import as_tiers
from mescope.annotations.tiers import Tier
from mescope.app import scheme as code_scheme
from mescope.app.coder_names import name_of
from mescope.app.coding import checked_code
from mescope.app.import_reader import MOST_MARKS
from mescope.app.project import Project
from mescope.app.records import StoredRecording
from mescope.errors import MescopeError

_WHY = 3  # reasons that a remark names
Values = dict[str, Any]


@dataclass
class SortedCodes:
    """The codes of a file: those that the scheme has, and the others.

    Attributes:
        fits: coder and values of each, as a person would send them.
        left: tiers with what fits nowhere.
        said: why, tier by tier.
    """

    fits: list[tuple[str, Values]] = field(default_factory=list)
    left: list[CodedTier] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def kept(self, zero: float, there: Sequence[Tier]) -> list[Tier]:
        """Return what is left as tiers to be kept; what is kept of earlier files stays in them.

        Args:
            zero: when players show the first frame, in seconds.
            there: tiers that are kept with the recording.
        """
        known = {(tier.name, tier.coder, tier.participant): tier for tier in there}
        made = []
        for tier in as_tiers(normal_coded(self.left), zero):
            other = known.get((tier.name, tier.coder, ""))
            if other is not None and other.fields != tier.fields:
                tier = replace(tier, name=f"{tier.name} (codes)")
                other = known.get((tier.name, tier.coder, ""))
            if other is not None and other.fields == tier.fields:
                cells = sorted({*other.cells, *tier.cells})
                tier = replace(tier, cells=tuple(cells))
            made.append(tier)
        return made


def sorted_codes(
    scheme: code_scheme.Scheme, rows: Iterable[Mapping[str, Any]], somebody: str
) -> SortedCodes:
    """Hold codes of a file against a scheme.

    Args:
        scheme: of the project.
        rows: from :func:`mescope.annotations.coded.to_dict`.
        somebody: whose they are where the file does not say it.

    Raises:
        MescopeError: the file names a coder who can be none.
    """
    done, why = SortedCodes(), dict[str, list[str]]()
    for row in rows:
        tier = from_dict(row)
        (span,) = tier.spans
        span = replace(span, coder=name_of(span.coder or somebody))
        try:
            done.fits.append((span.coder, _values(scheme, tier, span)))
        except ValueError as error:
            done.left.append(replace(tier, spans=(span,)))
            why.setdefault(tier.name, []).append(str(error))
    for name, reasons in why.items():
        some = "; ".join(list(dict.fromkeys(reasons))[:_WHY])
        done.said.append(
            f"{name}: {len(reasons)} not in the code scheme ({some}), kept as a tier"
        )
    return done


def _values(scheme: code_scheme.Scheme, tier: CodedTier, span: CodedSpan) -> Values:
    """Return a code in the words of the scheme; ValueError says what it does not have."""
    known = _one(scheme.tiers, tier.name)
    if known is None:
        raise ValueError(f"no tier {tier.name[:40]!r}")
    code = _one(known.codes, span.code)
    if code is None:
        raise ValueError(f"no code {span.code[:40]!r}")
    first, last = span.interval.first, span.interval.last
    if known.kind != (tier.kind or known.kind):
        raise ValueError(f"its tier is of {known.kind}s, these are {tier.kind}s")
    if known.kind == "point" and first != last:
        raise ValueError("its tier is of points, these last longer than a frame")
    chosen, rest = _modifiers(known, span)
    if rest and tier.kind:  # written by mescope: it was a modifier
        raise ValueError(f"no modifier {rest[0][:80]!r}")
    return {
        "tier": known.name,
        "code": code.name,
        "kind": known.kind,
        "first": first,
        "last": last,
        "modifiers": chosen,
        "note": "; ".join(filter(None, (span.note, *rest))),
    }


def _one(choices: Sequence[Any], name: str) -> Any:
    """Return the one of a name; capitals make no difference in a scheme."""
    return next((one for one in choices if one.name.casefold() == name.casefold()), None)


def _modifiers(tier: code_scheme.Tier, span: CodedSpan) -> tuple[dict[str, str], list[str]]:
    """Return modifiers by their names, and what is none; others may name the value alone."""
    found: dict[str, str] = {}
    rest = []
    for name, text in span.modifiers:
        known = _one(tier.modifiers, name)
        value = None if known is None else _one(known.values, text)
        pairs = [(known, value)] if value is not None else _by_values(tier, text)
        alone = name in ("value", "modifier")  # as programs call what stands in a cell
        rest += [] if pairs is not None else [text if alone else f"{name}: {text}"]
        for modifier, chosen in pairs or ():
            if found.setdefault(modifier.name, chosen.name) != chosen.name:
                raise ValueError(f"{modifier.name[:40]!r} has two values")
    return found, rest


def _by_values(tier: code_scheme.Tier, text: str) -> list[tuple[Any, Any]] | None:
    """Return the modifiers whose values a text names, or None where one is not known."""
    pairs = []
    for part in text.split("|"):
        if part.strip() in ("", "None"):
            continue
        fitting = [
            (modifier, value)
            for modifier in tier.modifiers
            if (value := _one(modifier.values, part.strip())) is not None
        ]
        if len(fitting) != 1:
            return None
        pairs += fitting
    return pairs


def take_in(
    project: Project, recording: StoredRecording, found: Sequence[tuple[str, Values]]
) -> tuple[int, int, list[str]]:
    """Add codes of coders, all or none; those that are there already stay single.

    Args:
        project: which.
        recording: that they are of.
        found: coder and values of each.

    Returns:
        How many were added, how many were known, and what is to be said of these.

    Raises:
        MescopeError: a value makes no sense; the message says which code.
        BlindError: they are another's, while the project is coded blind.
    """
    checked: list[tuple[str, Values]] = []
    for number, (coder, values) in enumerate(found, start=1):
        try:
            checked.append((coder, checked_code(values, recording.frames, None)))
        except MescopeError as error:
            raise MescopeError(f"code {number} of the file: {error}") from error
    store = project.store
    with store.together():
        for coder in {coder for coder, _ in checked}:
            store.sight.check_import(recording.id, coder)
        state = project.review.state(recording.id)[1]
        known = {_likeness(one.coder, one.values()): one.note for one in state.codes.values()}
        fresh, other_notes = [], 0
        for coder, values in checked:
            key = _likeness(coder, values)
            if key in known:
                other_notes += values["note"].strip() not in ("", known[key].strip())
                continue
            known[key] = values["note"]
            fresh.append((coder, f"c{secrets.token_hex(6)}", values))
        if len(state.marks) + len(state.codes) + len(fresh) > MOST_MARKS:
            raise MescopeError(f"expected at most {MOST_MARKS} marks in a recording")
        store.add_marks(recording.id, fresh, "code")
    said = f"{other_notes} codes that were there have another note in the file; ours stays"
    return len(fresh), len(found) - len(fresh), [said] if other_notes else []


def _likeness(coder: str, values: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what makes a code of a file the same as one that is there."""
    modifiers = tuple(sorted(values["modifiers"].items()))
    names = ("tier", "code", "kind", "first", "last")
    return (coder, *(values[name] for name in names), modifiers)
