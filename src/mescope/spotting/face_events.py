"""What a face does besides expressions: blinks, speech, head movements, shifts of gaze.

One entry, :func:`find_events`, over the close-ups of an extraction.  All frames are decimated
frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mescope.events import EventKind, FaceEvent, Interval
from mescope.face.points import (
    CROP_PX,
    Floats,
    bridged,
    crop_scale,
    eye_width,
    pose,
)
from mescope.moved import renamed
from mescope.spotting.blinks import Blink, Lids, blinks, lids
from mescope.spotting.gaze import gaze_shifts, iris
from mescope.spotting.head import head_moves, steady
from mescope.spotting.speech import mouth_opening, speech
from mescope.spotting.unjudged import Unjudged, unjudged

__getattr__ = renamed(__name__, {"Events": "mescope.spotting.face_events.FaceEvents"})


class CloseUpsLike(Protocol):
    """What is needed of :class:`mescope.face.landmark_track.CloseUps`."""

    @property
    def points(self) -> NDArray[np.float32]:
        """Landmarks (n, 68, 2), raw frame px; nan where not measured."""

    @property
    def eyes(self) -> NDArray[np.uint8]:
        """Grey patches of both eyes (n, 2, h, w), 0 where there is none."""

    @property
    def light(self) -> NDArray[np.float32]:
        """Grey level and sharpness (n, 2); nan where not measured."""


class FlowLike(Protocol):
    """What is needed of :class:`mescope.motion.roi_flow.RoiFlow`."""

    @property
    def close(self) -> CloseUpsLike | None:
        """The close-ups; None where there are none."""

    @property
    def times(self) -> NDArray[np.float64]:
        """Seconds of the decimated frames (n,)."""

    @property
    def padded(self) -> int:
        """How many frames at the end only repeat the last."""

    @property
    def cuts(self) -> NDArray[np.bool_] | None:
        """First frames of other scenes (n or more,); None where none are known."""

    @property
    def timing(self) -> Any:
        """Has ``rate``, frames per second after decimation."""


@dataclass(frozen=True, kw_only=True)
class FaceEvents:
    """What was found, and the traces behind it; n decimated frames, padding left out.

    ``openness`` (n,) eye opening, 1 = usual; ``pose`` (n, 3) yaw, pitch, roll in degrees;
    ``mouth`` (n,) lips apart, px of the 320-px face crop; ``gaze`` (n,) iris between the
    corners of the eyes, -0.5 to 0.5.  All nan where the face is not seen.
    """

    events: tuple[FaceEvent, ...]  # in order of time
    unjudged: tuple[Unjudged, ...]
    openness: NDArray[np.float64]
    pose: NDArray[np.float64]
    mouth: NDArray[np.float64]
    gaze: NDArray[np.float64]


def find_events(flow: FlowLike) -> FaceEvents:
    """Find blinks, speech, head movements, shifts of gaze, and what could not be judged."""
    rate, n = float(flow.timing.rate), len(flow.times) - flow.padded
    if flow.close is None:
        return _nothing(n)
    cuts = [] if flow.cuts is None else np.flatnonzero(flow.cuts[:n]).tolist()
    scenes = np.split(flow.close.points[:n], cuts)
    points = np.concatenate([bridged(scene, rate) for scene in scenes])
    eyes, light = flow.close.eyes[:n], flow.close.light[:n]
    both = lids(points, eyes, rate)
    shut = _blinks_of(both, rate, [0, *cuts, n])
    angles = steady(pose(points), [blink.interval for blink in shut], rate, cuts)
    scale = np.concatenate([crop_scale(scene, rate) for scene in np.split(points, cuts)])
    mouth = mouth_opening(points, scale)
    place = iris(eyes)
    times = flow.times[:n]
    found = [_event("blink", b.interval, b.lost, times) for b in shut]
    moves = head_moves(angles, rate, cuts)
    found += [_event("head", m.interval, m.degrees, times) for m in moves]
    width = eye_width(points)
    for a, b in pairwise([0, *cuts, n]):  # what differs between scenes did not move
        talk = speech(mouth[a:b], rate)
        found += [_event("speech", t.interval, t.swing_px, times, a) for t in talk]
        shifts = gaze_shifts(place[a:b], both.openness[a:b], width[a:b], rate)
        found += [_event("gaze", g.interval, abs(g.shift), times, a) for g in shifts]
    centre = points[:, 17:48].mean(axis=1)
    return FaceEvents(
        events=tuple(sorted(found, key=lambda one: (one.interval, one.kind))),
        unjudged=tuple(unjudged(angles, centre, CROP_PX / scale, light, rate, cuts)),
        openness=both.openness,
        pose=angles,
        mouth=mouth,
        gaze=place.mean(axis=1),
    )


def _blinks_of(both: Lids, rate: float, bounds: Sequence[int]) -> list[Blink]:
    """Return the blinks of every scene: eyes of another one that are narrower did not shut."""
    found = []
    for a, b in pairwise(bounds):
        for one in blinks(Lids(both.openness[a:b], both.closure[a:b]), rate):
            whole = Interval(one.interval.first + a, one.interval.last + a)
            found.append(Blink(whole, one.lost))
    return found


def _event(
    kind: EventKind, interval: Interval, strength: float, times: Floats, since: int = 0
) -> FaceEvent:
    """Return an event whose interval counts from frame ``since``."""
    first, last = interval.first + since, interval.last + since
    return FaceEvent(
        kind=kind,
        interval=Interval(first, last),
        onset_s=float(times[first]),
        offset_s=float(times[last]),
        strength=strength,
    )


def _nothing(n: int) -> FaceEvents:
    empty = np.full(n, np.nan)
    return FaceEvents(
        events=(), unjudged=(), openness=empty, pose=np.full((n, 3), np.nan), mouth=empty,
        gaze=empty,
    )  # fmt: skip
