"""What became of a tier that a mapping reads."""

from __future__ import annotations

from dataclasses import dataclass, field

_WHY = 3  # reasons that a count names


@dataclass
class TierCount:
    """What became of the tiers of one name.

    Attributes:
        name: of them.
        means: what the mapping says of them; ``keep`` where it says nothing.
        cells: how many there were.
        marks: how many became marks, codes, or an apex of a mark.
        kept: whether they are kept as they stand.
        left_out: how many make no sense as what they mean.
        why: the first reasons.
    """

    name: str
    means: str
    cells: int = 0
    marks: int = 0
    kept: bool = True
    left_out: int = 0
    why: list[str] = field(default_factory=list)

    def lose(self, reason: str, number: int = 1) -> None:
        """Count cells that make no sense."""
        self.left_out += number
        if len(self.why) < _WHY and reason not in self.why:
            self.why.append(reason)

    def __str__(self) -> str:
        parts = []
        if self.means in ("expression", "au"):
            parts.append(f"{self.marks} of {self.cells} became marks")
        elif self.means == "codes":
            parts.append(f"{self.marks} of {self.cells} became codes")
        elif self.means == "apex":
            parts.append(f"{self.marks} of {self.cells} became the apex of a mark")
        elif self.means == "ignore":
            parts.append(f"{self.cells} ignored")
        if self.kept:
            parts.append("kept as it stands" if parts else f"{self.cells} kept as they stand")
        if self.left_out:
            parts.append(f"{self.left_out} left out: {'; '.join(self.why)}")
        return f"{self.name}: {', '.join(parts)}"
