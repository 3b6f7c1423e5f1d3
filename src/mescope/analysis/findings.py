"""Detections with evidence and pictures, and the stretches that could not be analyzed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mescope.analysis.checks import checks_for
from mescope.analysis.results import Finding, Gap
from mescope.analysis.telling import Told
from mescope.events import MICRO_MAX_S, Detection, FaceEvent, Interval
from mescope.spotting.face_events import Events
from mescope.spotting.unjudged import Unjudged
from mescope.video.reading import Video
from mescope.video.roi_flow import RoiFlow

PICTURE = 256
"""Side of the face crops in px."""

MOST_PICTURED = 12
"""Candidates below the floor that get pictures: a page must stay small."""

MOST_LOOPED = 24
"""Frames of a loop."""


def describe(
    video: Video,
    flow: RoiFlow,
    told: Sequence[Told],
    measured: Events,
    noise: float | None,
    *,
    pictures: bool,
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Turn movements in decimated frames into findings in native frames, in order of time.

    Args:
        video: the recording.
        flow: what was extracted from it.
        told: every movement.
        measured: events and traces of the face.
        noise: motion in px that the recording shows where nothing was found.
        pictures: read face crops: of what is shown, and of the strongest other candidates.

    Returns:
        What is shown, and all other candidates.
    """
    events = [native(event, flow, video) for event in measured.events]
    others = [one for one in told if not one.shown]
    strongest = sorted(others, key=lambda one: -one.detection.score)[:MOST_PICTURED]
    pictured = {id(one) for one in [*(t for t in told if t.shown), *strongest]}
    shown: list[Finding] = []
    rest: list[Finding] = []
    for one in told:
        found = to_native(one.detection, flow, video)
        group, letter = (shown, "d") if one.shown else (rest, "c")
        facts = Finding(
            id=f"{letter}{len(group) + 1}",
            detection=found,
            evidence=one.evidence,
            explained_by=one.explained_by,
            checks=checks_for(
                found.interval, events=events, noise_px=noise,
                **_facts(one, measured, flow),
            ),
        )  # fmt: skip
        if pictures and id(one) in pictured:
            window = covering_window(one.detection, flow)
            facts = _with_pictures(facts, video, flow, window, clip=one.shown)
        group.append(facts)
    return tuple(shown), tuple(rest)


def native(event: FaceEvent, flow: RoiFlow, video: Video) -> FaceEvent:
    """Return an event in native frames; a decimated one stands for ``step`` of them."""
    first, last = native_frames(event.interval, flow, video)
    return replace(event, interval=Interval(first, last), offset_s=float(video.times[last]))


def native_frames(interval: Interval, flow: RoiFlow, video: Video) -> tuple[int, int]:
    """Return the native frames that decimated ones stand for, both ends included."""
    first = int(flow.frames[interval.first])
    last = int(flow.frames[interval.last]) + flow.timing.step - 1
    return first, min(last, len(video) - 1)


def _facts(one: Told, measured: Events, flow: RoiFlow) -> dict[str, float | None]:
    """Return what :func:`checks_for` asks about a movement; None where it was not measured."""
    at = slice(one.detection.interval.first, one.detection.interval.last + 1)
    openness = measured.openness[at]
    lengths = np.hypot(one.motion[:, 0], one.motion[:, 1])
    light = None if flow.close is None else flow.close.light[at, 0]
    return {
        "openness": _known(openness, np.nanmin),
        "movement_px": _known(lengths, np.nanmax),
        "light": None if light is None else _known(light, _change),
    }


def _known(values: NDArray[np.floating], measure: Callable[[Any], Any]) -> float | None:
    known = values[~np.isnan(values)]
    return float(measure(known)) if len(known) else None


def _change(light: NDArray[np.floating]) -> float:
    """Return the largest change of brightness as a share of the mean."""
    return float(np.ptp(light) / max(float(light.mean()), 1.0))


def _with_pictures(
    finding: Finding, video: Video, flow: RoiFlow, window: int, *, clip: bool
) -> Finding:
    """Add the crops at onset, apex and offset and, if asked for, the loop around them."""
    found = finding.detection
    key = (found.interval.first, found.apex, found.interval.last)
    around = _loop_frames(found, video) if clip else ()
    crops = _crops(video, (*key, *around), flow.boxes[window])
    loop = [crop for crop in crops[3:] if crop is not None]
    step = (around[1] - around[0]) if len(around) > 1 else 1
    return replace(
        finding, onset_picture=crops[0], apex_picture=crops[1], offset_picture=crops[2],
        clip=tuple(loop), clip_rate=float(video.rate) / step if loop else 0.0,
    )  # fmt: skip


def _loop_frames(found: Detection, video: Video) -> tuple[int, ...]:
    """Return at most :data:`MOST_LOOPED` frames, a fifth of a second longer on both sides."""
    slack = round(0.2 * float(video.rate))
    first = max(video.first_frame, found.interval.first - slack)
    last = min(video.last_frame, found.interval.last + slack)
    step = max(1, -(-(last - first + 1) // MOST_LOOPED), round(float(video.rate) / 30))
    return tuple(range(first, last + 1, step))


def to_native(detection: Detection, flow: RoiFlow, video: Video) -> Detection:
    """Convert decimated frames to native frames and add seconds.

    A decimated frame stands for ``step`` native frames, so the offset is the last of them
    (spotting protocol, section 1: offset = fs * offset_d + fs - 1).  The kind follows from the
    duration in seconds.
    """
    first, last = native_frames(detection.interval, flow, video)
    apex = int(flow.frames[detection.apex])
    onset_s = float(flow.times[detection.interval.first])
    offset_s = float(video.times[last])
    return replace(
        detection,
        interval=Interval(first, last),
        apex=apex,
        kind="micro" if offset_s - onset_s <= MICRO_MAX_S + 1e-9 else "macro",
        onset_s=onset_s,
        apex_s=float(flow.times[detection.apex]),
        offset_s=offset_s,
    )


def covering_window(detection: Detection, flow: RoiFlow) -> int:
    """Return the window that shows onset and apex against one reference frame.

    The latest window that starts at or before the onset; clipped to those there are.
    """
    return min(detection.interval.first // flow.timing.hop, len(flow.windows) - 1)


def _crops(
    video: Video, frames: tuple[int, ...], box: NDArray[np.floating]
) -> list[NDArray[np.uint8] | None]:
    """Return the same crop of every frame, (256, 256, 3) RGB; None where unreadable."""
    if np.isnan(box).any():
        return [None] * len(frames)
    left, top = max(0, int(box[0])), max(0, int(box[1]))
    right, bottom = min(video.width, int(box[2])), min(video.height, int(box[3]))
    if right - left < 2 or bottom - top < 2:
        return [None] * len(frames)
    images = video.read(sorted(set(frames)), grey=False)
    crops: list[NDArray[np.uint8] | None] = []
    for frame in frames:
        image = images.get(frame)
        if image is None:
            crops.append(None)
            continue
        patch = image[top:bottom, left:right]
        size = (PICTURE, max(2, round(PICTURE * patch.shape[0] / patch.shape[1])))
        crops.append(
            np.asarray(cv2.resize(patch, size, interpolation=cv2.INTER_AREA), np.uint8)
        )
    return crops


def gaps(
    video: Video, flow: RoiFlow, valid: NDArray[np.bool_], unjudged: Sequence[Unjudged] = ()
) -> tuple[Gap, ...]:
    """Return the native stretches that could not be judged, in order of time.

    No face, a face of which nothing can be said, and the unanalyzed rest.
    """
    found = []
    edges = np.flatnonzero(np.diff(np.concatenate([[True], valid, [True]]).astype(np.int8)))
    for begin, stop in zip(edges[::2], edges[1::2], strict=True):
        ends = native_frames(Interval(int(begin), int(stop) - 1), flow, video)
        found.append(_gap(video, *ends, "no face to be seen, or frames damaged"))
    for one in unjudged:
        found.append(_gap(video, *native_frames(one.interval, flow, video), one.reason))
    if len(valid):
        first = int(flow.frames[len(valid) - 1]) + flow.timing.step
        if first <= video.last_frame:
            reason = "the end of the recording is shorter than half a window"
            found.append(_gap(video, first, video.last_frame, reason))
    return tuple(sorted(found, key=lambda gap: (gap.interval, gap.reason)))


def doubts(findings: tuple[Finding, ...], decode: dict[str, Any]) -> tuple[str, ...]:
    """Return a warning for every finding that rests on frames built on damaged ones."""
    doubtful = np.asarray(decode.get("doubtful", ()), dtype=np.int64)
    told = []
    for finding in findings:
        inside = finding.detection.interval
        count = int(((doubtful >= inside.first) & (doubtful <= inside.last)).sum())
        if count:
            told.append(
                f"{finding.id} rests on {count} frames that the decoder built on damaged ones; "
                "look at the recording before you trust it"
            )
    return tuple(told)


def _gap(video: Video, first: int, last: int, reason: str) -> Gap:
    times = video.times
    return Gap(
        interval=Interval(first, last),
        start_s=float(times[first]),
        end_s=float(times[last]),
        reason=reason,
    )
