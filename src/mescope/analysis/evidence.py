"""What moved between onset and apex, as numbers, likely action units and a sentence.

The action units are read off directions by a short rule.  They help a coder to look in the
right place; they are no FACS coding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mescope.events import Detection
from mescope.facs import emotion_of
from mescope.results import SPOKEN, VISIBLE, Evidence, RegionMotion

# Directions in the image, where the person's right is on the left.
_UP, _DOWN = (0.0, -1.0), (0.0, 1.0)
_RIGHT_OUT, _LEFT_OUT = (-1.0, 0.0), (1.0, 0.0)
_RIGHT_KNIT, _LEFT_KNIT = (0.5, 0.87), (-0.5, 0.87)  # down and towards the other brow

_RULES: tuple[tuple[str, str, tuple[float, float]], ...] = (
    ("R1", "BROW_L_20", _UP), ("L1", "BROW_R_23", _UP),
    ("R2", "BROW_L_18", _UP), ("L2", "BROW_R_25", _UP),
    ("R4", "BROW_L_20", _RIGHT_KNIT), ("L4", "BROW_R_23", _LEFT_KNIT),
    ("R12", "MOUTH_48", (-0.7, -0.7)), ("L12", "MOUTH_54", (0.7, -0.7)),
    ("R15", "MOUTH_48", _DOWN), ("L15", "MOUTH_54", _DOWN),
    ("R20", "MOUTH_48", _RIGHT_OUT), ("L20", "MOUTH_54", _LEFT_OUT),
    ("R9", "NOSE_31", _UP), ("L9", "NOSE_35", _UP),
    ("10", "MOUTH_51", _UP), ("17", "MOUTH_57", _UP), ("26", "MOUTH_57", _DOWN),
    ("R6", "LID_L", _UP), ("L6", "LID_R", _UP),
)  # fmt: skip
"""(action unit, region, direction that speaks for it)."""

UNITS_WEIGHT = 0.5
"""What the action units count in the vote on the emotion: as much as the network."""

_OPENING = ("25", "26", "27")

_NEAR = 0.86  # cosine: within about 30 degrees of the rule's direction


def explain(
    motion: NDArray[np.floating],
    regions: Sequence[str],
    noise_px: float | None = None,
    *,
    expression: bool = True,
) -> Evidence:
    """Build the evidence of one detection.

    Args:
        motion: (R, 2) onset→apex motion of every region, crop px, head motion removed; nan
            where it is not known.
        regions: the R region names.
        noise_px: motion that this recording shows where nothing moves; less is not mentioned.
        expression: read action units off it; a blink or speech has none.
    """
    least = max(VISIBLE, noise_px or 0.0)
    moved = sorted(
        (
            RegionMotion(region=name, dx=float(dx), dy=float(dy))
            for name, (dx, dy) in zip(regions, motion, strict=True)
            if not (np.isnan(dx) or np.isnan(dy))
        ),
        key=lambda m: -m.magnitude,
    )
    units = _likely_units({m.region: m for m in moved}, least) if expression else ()
    sentence = _sentence(moved, units, least)
    return Evidence(regions=tuple(moved), action_units=units, sentence=sentence)


def vote_on_emotion(detection: Detection, units: Sequence[str]) -> Detection:
    """Return the detection with an emotion on which its action units had a vote.

    The network and the units' usual reading vote, :data:`UNITS_WEIGHT` for the units: the
    network knows rendered faces only, and the units are read off the landmarks where motion is
    strong.  Units that speak for no class change nothing.  A mouth that opens (25, 26, 27) says
    how strong an expression is, not which, unless it belongs to the reading (surprise).
    """
    hint = emotion_of(units)
    if hint == "others":
        hint = emotion_of([unit for unit in units if unit.lstrip("LR") not in _OPENING])
    if hint == "others":
        return detection
    if detection.emotion_scores is None:
        return replace(detection, emotion=hint)
    scores = {
        name: (1 - UNITS_WEIGHT) * share + UNITS_WEIGHT * (name == hint)
        for name, share in detection.emotion_scores.items()
    }
    best = max(scores, key=scores.__getitem__)
    return replace(detection, emotion=best, emotion_scores=scores)


def _likely_units(by_region: dict[str, RegionMotion], visible: float) -> tuple[str, ...]:
    """Return action units whose region moved visibly in their direction; L + R become both."""
    strongest = max((m.magnitude for m in by_region.values()), default=0.0)
    least = max(visible, 0.4 * strongest)
    hits = []
    for unit, region, (x, y) in _RULES:
        m = by_region.get(region)
        if m and m.magnitude >= least and m.dx * x + m.dy * y >= _NEAR * m.magnitude:
            hits.append(unit)
    both = [u[1:] for u in hits if u[0] == "L" and "R" + u[1:] in hits]
    single = [u for u in hits if u[1:] not in both or u[0] not in "LR"]
    return tuple(sorted([*both, *single], key=lambda u: (int(u.lstrip("LR")), u)))


def _sentence(moved: Sequence[RegionMotion], units: Sequence[str], visible: float) -> str:
    """Say what moved in one sentence."""
    fine = [m for m in moved if "_" in m.region and m.magnitude >= visible] or [
        m for m in moved if m.magnitude >= visible
    ]
    if not fine:
        return (
            "No single region moved clearly between onset and apex; "
            "the score rests on weak motion of several regions."
        )
    parts = [
        f"the {SPOKEN.get(m.region, m.region)} moved {m.direction} by {m.magnitude:.1f} px"
        for m in fine[:3]
    ]
    text = parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
    hint = f"; this resembles AU {'+'.join(units)}" if units else ""
    return f"From onset to apex {text}{hint}."
