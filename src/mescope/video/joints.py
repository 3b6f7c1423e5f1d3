"""Recordings that were put behind one another in one file, whose stamps begin again.

Within one recording decoding stamps only rise.  Where they fall, another part begins; sorted by
stamps alone the parts would be mixed like cards.  In MPEG streams, whose clocks start anywhere,
another part also begins where they jump far ahead.  Each part is shifted so that it follows the
one before, as players show it.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from mescope.video.containers import Clock
from mescope.video.packets import NO_STAMP, Integers, Packets

_CERTAIN = 1.0  # seconds; so far back no jitter of a muxer goes
GUESSED_FALL = 4
"""Usual intervals by which guessed stamps may be wrong, and fall within one recording."""
_AHEAD = 10.0  # seconds; FFmpeg, ffplay and mpv close such a jump in MPEG streams


def joints_of(packets: Packets, unit: float, clock: Clock) -> list[int]:
    """Positions of the packets at which a further part begins.

    Args:
        packets: all packets of the stream.
        unit: seconds in a tick.
        clock: how they are to be understood.  If one that may start anywhere begins again,
            FFmpeg may also take it for one that ran over, and add 26.5 hours.
    """
    known = np.flatnonzero((packets.orders != NO_STAMP) & packets.shown)
    if len(known) < 2 or unit <= 0:
        return []
    steps = np.diff(packets.orders[known])
    rising = steps[steps > 0]
    usual = float(np.median(rising)) if len(rising) else 1.0
    # A small step back is another part only at a key packet; else a muxer's jitter.
    at_key = np.isin(known[1:], packets.keys)
    least = GUESSED_FALL if clock.guessed else 0.5
    back = (steps <= -least * usual) & (at_key | (steps * unit <= -_CERTAIN))
    ahead = (steps * unit > _AHEAD + usual * unit) & clock.free
    return [int(k) for k in known[1:][back | ahead]]


def following(packets: Packets, joints: list[int]) -> tuple[Integers, Integers]:
    """Presentation and decoding stamps with every part shifted behind the one before."""
    stamps, orders = packets.stamps.copy(), packets.orders.copy()
    bounds = [0, *joints, len(stamps)]
    usual, end = 1, None
    for first, last in pairwise(bounds):
        part = slice(first, last)
        given = stamps if (stamps[part][packets.shown[part]] != NO_STAMP).any() else orders
        times = given[part][packets.shown[part] & (given[part] != NO_STAMP)]
        if not len(times):
            continue
        gaps = np.diff(np.unique(times))
        usual = int(np.median(gaps)) if len(gaps) else usual
        shift = 0 if end is None else end - int(times.min())
        for column in (stamps, orders):
            column[part][column[part] != NO_STAMP] += shift
        end = int(times.max()) + shift + usual
    return stamps, orders
