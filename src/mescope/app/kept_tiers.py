"""What a project keeps of other programs' files besides marks: tiers, and what they mean.

Rows of tiers are only ever added; of one name, coder and participant the newest counts, and an
empty one says that it was taken out.  What a coder said of the tiers of a name is kept for the
next file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from mescope.annotations.files import parse_json
from mescope.annotations.mapping import MOST, TierMapping, from_json, to_json
from mescope.annotations.tiers import Tier, normal_tiers, tier_from_dict, tier_to_dict
from mescope.app.records import now
from mescope.app.store import ProjectStore
from mescope.errors import MescopeError

MOST_CELLS = 200_000
"""Cells of tiers that one recording may have."""


class KeptTiers:
    """The tiers of all recordings of a project, and its mapping."""

    def __init__(self, store: ProjectStore) -> None:
        self._store = store

    def of(self, recording: str) -> tuple[Tier, ...]:
        """Return the tiers of a recording as they stand."""
        return normal_tiers(self._current(recording).values())

    def _current(self, recording: str) -> dict[tuple[str, str, str], Tier]:
        rows = self._store.database.all(
            "SELECT content FROM tiers WHERE recording = ? ORDER BY number", recording
        )
        found: dict[tuple[str, str, str], Tier] = {}
        for row in rows:
            tier = tier_from_dict(parse_json(row[0], "a kept tier"))
            found[_key(tier)] = tier
        seen = self._store.sight.seen({(recording, tier.coder) for tier in found.values()})
        return {
            key: tier
            for key, tier in found.items()
            if tier.cells and (recording, tier.coder) in seen
        }

    def keep(self, recording: str, tiers: Iterable[Tier], file: str) -> list[str]:
        """Keep tiers of a file; return what is to be said of those that were there already.

        Raises:
            MescopeError: they are more than a recording may have; none is kept.
            BlindError: coded blind, one is of somebody else, or who asks has finished.
        """
        said: list[str] = []
        if (viewer := self._store.sight.blind) is not None:  # nobody's would be seen by nobody
            tiers = [replace(tier, coder=tier.coder or viewer.name) for tier in tiers]
        with self._store.together():
            there = self._current(recording)
            fresh = [tier for tier in normal_tiers(tiers) if there.get(_key(tier)) != tier]
            for coder in {tier.coder for tier in fresh}:
                self._store.sight.check_import(recording, coder)
            after = {**there, **{_key(tier): tier for tier in fresh}}
            if sum(len(tier.cells) for tier in after.values()) > MOST_CELLS:
                raise MescopeError(f"expected at most {MOST_CELLS} cells of tiers, found more")
            for tier in fresh:
                if _key(tier) in there:
                    said.append(f"{tier.name}: the tier was there and is now as in this file")
                self._add(recording, tier, file)
        return said

    def remove(self, recording: str, name: str, coder: str, participant: str) -> None:
        """Take a tier out; what it was stays in the project, as all that was done.

        Raises:
            MescopeError: there is none such.
            BlindError: coded blind, it is of somebody else, or who asks has finished.
        """
        with self._store.together():
            there = self._current(recording)
            tier = there.get((name, coder, participant))
            if tier is None:
                names = ", ".join(one.name[:40] for one in there.values()) or "none"
                raise MescopeError(f"expected a tier of this recording: {names}")
            self._store.sight.check_import(recording, coder)
            self._add(recording, Tier(name=name, coder=coder, participant=participant), "")

    def _add(self, recording: str, tier: Tier, file: str) -> None:
        self._store.database.run(
            "INSERT INTO tiers (recording, at, file, content) VALUES (?, ?, ?, ?)",
            recording, now(), file, json.dumps(tier_to_dict(tier), ensure_ascii=False),
        )  # fmt: skip

    def mapping(self) -> TierMapping:
        """Return what coders of this project said that tiers mean.

        Who codes blind is told no other coder's name.
        """
        found, viewer = self._mapping(), self._store.sight.blind
        if viewer is None:
            return found
        told = (
            one if one.coder == viewer.name else replace(one, coder="") for one in found.tiers
        )
        return TierMapping(tuple(told), found.table)

    def _mapping(self) -> TierMapping:
        rows = self._store.database.all("SELECT content FROM mappings WHERE number = 1")
        return from_json(json.loads(rows[0][0])) if rows else TierMapping()

    def remember(self, mapping: TierMapping) -> TierMapping:
        """Keep what tiers mean, for those of other names what was said before; return all."""
        with self._store.together():
            both = self._mapping().updated(mapping)
            kept = TierMapping(both.tiers[-MOST:], both.table)
            self._store.database.run(
                "INSERT OR REPLACE INTO mappings (number, at, content) VALUES (1, ?, ?)",
                now(), json.dumps(to_json(kept), ensure_ascii=False),
            )  # fmt: skip
        return self.mapping()


def shown(tier: Tier) -> dict[str, Any]:
    """Return what a page says of a tier, without its cells."""
    return {
        "name": tier.name,
        "coder": tier.coder,
        "participant": tier.participant,
        "event": tier.event,
        "count": len(tier.cells),
    }


def _key(tier: Tier) -> tuple[str, str, str]:
    return tier.name, tier.coder, tier.participant
