"""Detections with evidence and pictures, and the stretches that could not be analyzed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mescope.analysis.checks import checks_for
from mescope.analysis.movements import Movement
from mescope.events import MICRO_MAX_S, Detection, FaceEvent, Interval
from mescope.motion.roi_flow import RoiFlow
from mescope.results import Finding, Gap
from mescope.spotting.face_events import FaceEvents
from mescope.spotting.unjudged import Unjudged
from mescope.video.reading import Video

PICTURE = 256
"""Side of the face crops in px."""

MOST_PICTURED = 12
"""Candidates below the floor that get pictures: a page must stay small."""

MOST_LOOPED = 24
"""Frames of a loop."""


Crop = tuple[int, NDArray[np.uint8] | None]
"""A frame's number and the face in it."""


class PictureRequest(NamedTuple):
    """Which frames to read for a finding, and where the face lies in them: (4,) px."""

    frames: tuple[int, ...]
    box: NDArray[np.floating]


def describe(
    video: Video,
    flow: RoiFlow,
    movements: Sequence[Movement],
    measured: FaceEvents,
    noise: float | None,
    *,
    pictures: bool,
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Turn movements in decimated frames into findings in native frames, in order of time.

    Args:
        video: the recording.
        flow: what was extracted from it.
        movements: every movement.
        measured: events and traces of the face.
        noise: motion in px that the recording shows where nothing was found.
        pictures: read face crops: of what is shown, and of the strongest other candidates.

    Returns:
        What is shown, and all other candidates.
    """
    events = [to_native_event(event, flow, video) for event in measured.events]
    others = [one for one in movements if not one.shown]
    strongest = sorted(others, key=lambda one: -one.detection.score)[:MOST_PICTURED]
    pictured = {id(one) for one in [*(m for m in movements if m.shown), *strongest]}
    shown: list[Finding] = []
    rest: list[Finding] = []
    wanted: dict[str, PictureRequest] = {}
    for one in movements:
        found = to_native(one.detection, flow, video)
        group, letter = (shown, "d") if one.shown else (rest, "c")
        facts = Finding(
            id=f"{letter}{len(group) + 1}",
            detection=found,
            evidence=one.evidence,
            explained_by=one.explained_by,
            checks=checks_for(
                found.interval, events=events, noise_px=noise,
                standing_out=one.standing_out, **_facts(one, measured, flow),
            ),
        )  # fmt: skip
        if pictures and id(one) in pictured:
            box = flow.boxes[covering_window(one.detection, flow)]
            wanted[facts.id] = PictureRequest(
                _frames_of(facts.detection, video, clip=one.shown), box
            )
        group.append(facts)
    crops, rate = _crops(video, wanted), float(video.rate)
    return (
        tuple(_pictured(one, crops, rate) for one in shown),
        tuple(_pictured(one, crops, rate) for one in rest),
    )


def to_native_event(event: FaceEvent, flow: RoiFlow, video: Video) -> FaceEvent:
    """Return an event in native frames; a decimated one stands for ``step`` of them."""
    first, last = native_frames(event.interval, flow, video)
    return replace(event, interval=Interval(first, last), offset_s=float(video.times[last]))


def native_frames(interval: Interval, flow: RoiFlow, video: Video) -> tuple[int, int]:
    """Return the native frames that decimated ones stand for, both ends included.

    They lie in the range of the recording that was asked for.  An interval may end after the
    last decimated frame: those of fixed length do where a peak lies near the end.
    """
    first = int(flow.frames[interval.first])
    last = int(flow.frames[min(interval.last, len(flow.frames) - 1)]) + flow.timing.step - 1
    return first, min(last, video.last_frame)


def _facts(one: Movement, measured: FaceEvents, flow: RoiFlow) -> dict[str, float | None]:
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


def _frames_of(found: Detection, video: Video, *, clip: bool) -> tuple[int, ...]:
    """Return the frames that show a detection: onset, apex, offset and, if asked, the loop."""
    key = (found.interval.first, found.apex, found.interval.last)
    return (*key, *(_loop_frames(found, video) if clip else ()))


def _pictured(finding: Finding, crops: Mapping[str, Sequence[Crop]], rate: float) -> Finding:
    """Add the crops at onset, apex and offset, and the loop around them, if there are any."""
    mine = crops.get(finding.id)
    if mine is None:
        return finding
    loop = [crop for _, crop in mine[3:] if crop is not None]
    step = mine[4][0] - mine[3][0] if len(mine) > 4 else 1
    return replace(
        finding, onset_picture=mine[0][1], apex_picture=mine[1][1], offset_picture=mine[2][1],
        clip=tuple(loop), clip_rate=rate / step if loop else 0.0,
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
    (native offset = step * decimated offset + step - 1).  The kind follows from the duration
    in seconds.
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


def _crops(video: Video, requests: Mapping[str, PictureRequest]) -> dict[str, list[Crop]]:
    """Read all pictures in one go; of every finding (frame, crop) in the order asked for.

    A crop is (at most 256, 256, 3) RGB; None where unreadable.  Findings that follow each other
    lie between the same key frames of a file, which must be decoded only once.
    """
    wanted: dict[int, set[str]] = {}
    for name, one in requests.items():
        for frame in one.frames:
            wanted.setdefault(frame, set()).add(name)
    found: dict[tuple[str, int], NDArray[np.uint8] | None] = {}
    for frame, image in video.each(wanted):
        for name in wanted[frame]:
            found[name, frame] = face_crop(image, requests[name].box)
    return {
        name: [(frame, found.get((name, frame))) for frame in one.frames]
        for name, one in requests.items()
    }


def face_crop(image: NDArray[np.uint8], box: NDArray[np.floating]) -> NDArray[np.uint8] | None:
    """Return the part of a picture in a box, scaled to 256 px; None without a box."""
    if np.isnan(box).any():
        return None
    left, top = max(0, int(box[0])), max(0, int(box[1]))
    patch = image[top : int(box[3]), left : int(box[2])]
    if min(patch.shape[:2]) < 2:
        return None
    size = (PICTURE, max(2, round(PICTURE * patch.shape[0] / patch.shape[1])))
    return np.asarray(cv2.resize(patch, size, interpolation=cv2.INTER_AREA), np.uint8)


def gaps(
    video: Video, flow: RoiFlow, valid: NDArray[np.bool_], unjudged: Sequence[Unjudged] = ()
) -> tuple[Gap, ...]:
    """Return the native stretches that could not be judged, in order of time.

    No face, a face of which nothing can be said, pauses, pictures that stand still, and the
    unanalyzed rest.
    """
    found = []
    edges = np.flatnonzero(np.diff(np.concatenate([[True], valid, [True]]).astype(np.int8)))
    for begin, stop in zip(edges[::2], edges[1::2], strict=True):
        ends = native_frames(Interval(int(begin), int(stop) - 1), flow, video)
        found.append(_gap(video, *ends, _why(flow, int(begin), int(stop))))
    for after in flow.parameters.get("pauses", ()):
        begin = max(video.first_frame, after - flow.timing.step)
        last = begin + int(np.argmax(np.diff(video.times[begin : after + 1])))
        found.append(_gap(video, last, last + 1, "no frames"))
    for first, last in flow.decode.get("frozen", ()):
        found.append(_gap(video, first, last, "the picture stands still"))
    for one in unjudged:
        found.append(_gap(video, *native_frames(one.interval, flow, video), one.reason))
    if len(valid):
        first = int(flow.frames[len(valid) - 1]) + flow.timing.step
        if first <= video.last_frame:
            reason = "the end of the recording is shorter than half a window"
            found.append(_gap(video, first, video.last_frame, reason))
    return tuple(sorted(found, key=lambda gap: (gap.interval, gap.reason)))


def _why(flow: RoiFlow, begin: int, stop: int) -> str:
    """Return why no motion is known in decimated frames ``begin`` to before ``stop``."""
    cut = flow.cuts is not None and bool(flow.cuts[begin])
    # A window that began before a cut ends there; the next but one begins two hops later.
    if cut and stop - begin <= 2 * flow.timing.hop:
        return "just behind a scene cut, a pause or a joint"
    return "no face to be seen, or frames damaged"


def damage_warnings(findings: tuple[Finding, ...], decode: dict[str, Any]) -> tuple[str, ...]:
    """Return a warning for every finding that rests on frames built on damaged ones."""
    doubtful = np.asarray(decode.get("doubtful", ()), dtype=np.int64)
    warnings = []
    for finding in findings:
        inside = finding.detection.interval
        count = int(((doubtful >= inside.first) & (doubtful <= inside.last)).sum())
        if count:
            warnings.append(
                f"{finding.id} rests on {count} frames that the decoder built on damaged ones; "
                "look at the recording before you trust it"
            )
    return tuple(warnings)


def _gap(video: Video, first: int, last: int, reason: str) -> Gap:
    times = video.times
    return Gap(
        interval=Interval(first, last),
        start_s=float(times[first]),
        end_s=float(times[last]),
        reason=reason,
    )
