"""Is a movement mostly something else: a blink, speech, a turn of the head, a glance?

A rule over measured facts, beside the network that scores the movement: whoever looks at a
report wants to know *what* a movement was if it was not an expression, and a score cannot say.

A blink or a glance explains a movement of the brows' and lids' surroundings that it covers,
unless the mouth or the nose moved as well: an expression that begins with a blink is still an
expression.  Speech and turns of the head explain whatever they cover by half: there, small
movements of the mouth, or of everything, mean nothing.  All frames are decimated frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mescope.events import EventKind, FaceEvent, Interval

COVERED: Mapping[EventKind, float] = {"speech": 0.5, "head": 0.5, "blink": 0.4, "gaze": 0.5}
"""Share of a movement that an event must cover to explain it."""

LID_REACH_PX = 3.0
"""Motion of the brows that a blink alone still gives (crop px): on rendered faces up to 1.3, on
real ones up to 2.5, by lashes and lids that reach into their regions."""

AT_ONCE, ONE_BROW_PX = 0.6, 6.0
"""A movement that comes and goes with a blink (IoU) is the blink's up to a stronger motion of
one brow, the other within reach: in hard light flow follows the lashes with it, by 4.8 px."""

ELSEWHERE = 0.8
"""Motion of mouth or nose, as a share of the brows', from which a blink does not explain it."""

_UPPER = ("brow_l", "brow_r")
_ORDER: tuple[EventKind, ...] = ("speech", "head", "blink", "gaze")


def explained_by(
    interval: Interval, motion: Mapping[str, float], events: Iterable[FaceEvent]
) -> EventKind | None:
    """Return the kind of event that most of a movement is, or None.

    Args:
        interval: of the movement.
        motion: length of the motion at the apex by group of
            :data:`mescope.spotting.flow_peaks.GROUPS`, px.
        events: of the recording, in the same frames.
    """
    covered = dict.fromkeys(_ORDER, 0.0)
    at_once = False
    for event in events:
        covered[event.kind] += event.interval.shared(interval) / len(interval)
        at_once |= event.kind == "blink" and event.interval.iou(interval) >= AT_ONCE
    for kind in _ORDER:
        enough = covered[kind] >= COVERED[kind]
        if enough and (kind in ("speech", "head") or _eyes_only(motion, at_once)):
            return kind
    return None


def _eyes_only(motion: Mapping[str, float], at_once: bool) -> bool:
    """Say whether lids, which may have moved at once with it, could have given all of it."""
    less, brows = sorted(motion.get(name, 0.0) for name in _UPPER)
    below = max((v for name, v in motion.items() if name not in _UPPER), default=0.0)
    reached = less <= LID_REACH_PX and brows <= (ONE_BROW_PX if at_once else LID_REACH_PX)
    return reached and below <= max(1.0, ELSEWHERE * brows)
