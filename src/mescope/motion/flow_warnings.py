"""What could not be measured of a face's motion, in words for the user."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mescope.face.person_change import person_changes
from mescope.motion.roi_pass import Tables
from mescope.motion.windows import Plan


def flow_warnings(
    planned: Plan, tables: Tables, valid: npt.NDArray[np.bool_], told: bool
) -> list[str]:
    """Return what is missing, one line each.

    Args:
        planned: the windows.
        tables: what was measured in them.
        valid: (W, k), what of it is believed.
        told: say where the face may be another person's.
    """
    window, hop = planned.timing.window, planned.timing.hop
    shown = np.zeros(planned.used, dtype=bool)
    for j in range(planned.count):
        shown[j * hop : j * hop + window] |= valid[j]
    shown = shown[: planned.real]
    lines = []
    if not valid.any():
        lines.append("no face was found in the whole recording")
    elif not shown.all():
        lines.append(f"no face could be measured in {_spans(planned, ~shown)}")
    lines += _changes(planned, tables) if told else []
    cuts = np.flatnonzero(tables.cuts)
    if len(cuts):
        at = ", ".join(str(int(planned.frames[c])) for c in cuts[:10])
        more = " and more" if len(cuts) > 10 else ""
        lines.append(
            f"scene cuts at frames {at}{more} (counted from 0): no motion is measured "
            "across them"
        )
    missing = int((~tables.present[: planned.real]).sum())
    if missing:
        lines.append(f"{missing} of {planned.real} frames are missing or damaged")
    if tables.dropped.any():
        lines.append(
            f"{int(tables.dropped.sum())} measurements of motion were impossibly large and "
            "were left out"
        )
    width = np.nanmedian(tables.boxes[:, 2] - tables.boxes[:, 0]) if valid.any() else np.inf
    if width < 100:
        lines.append(f"the face is small (crop {width:.0f} px wide); motion is less exact")
    return lines


def _changes(planned: Plan, tables: Tables) -> list[str]:
    """Put into words where the face may be another person's."""
    at = np.maximum(tables.reference, 0)
    scene = np.cumsum(tables.cuts, dtype=np.int64)[at]
    frames = []
    for change in person_changes(tables.landmarks, scene):
        before, after = at[change.before], at[change.after]
        cuts = before + 1 + np.flatnonzero(tables.cuts[before + 1 : after + 1])
        frames.append(str(int(planned.frames[cuts[-1] if len(cuts) else after])))
    if not frames:
        return []
    more = " and more" if len(frames) > 10 else ""
    return [
        f"from frame {', '.join(frames[:10])}{more} on the face followed has another place or "
        "shape: it may be another person; analyze one person with --start and --end, or say "
        "whose face with --face"
    ]


def _spans(planned: Plan, mask: npt.NDArray[np.bool_]) -> str:
    """Return runs of frames in words, native numbers."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    runs = list(zip(edges[::2], edges[1::2] - 1, strict=True))
    words = [f"{int(planned.frames[a])}-{int(planned.frames[b])}" for a, b in runs[:10]]
    more = f" and {len(runs) - 10} more spans" if len(runs) > 10 else ""
    return f"frames {', '.join(words)}{more} (counted from 0)"
