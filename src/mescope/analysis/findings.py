"""Detections with evidence and pictures, and the stretches that could not be analyzed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mescope.analysis.evidence import explain
from mescope.analysis.results import Finding, Gap
from mescope.events import MICRO_MAX_S, Detection, Interval
from mescope.video.reading import Video
from mescope.video.roi_flow import RoiFlow

PICTURE = 256
"""Side of the face crops in px."""


def describe(
    video: Video, flow: RoiFlow, found: list[Detection], *, pictures: bool
) -> tuple[Finding, ...]:
    """Turn detections in decimated frames into findings in native frames, in order of time."""
    findings = []
    for number, detection in enumerate(sorted(found, key=lambda d: d.interval), start=1):
        native = to_native(detection, flow, video)
        window = covering_window(detection, flow)
        crops: list[NDArray[np.uint8] | None] = [None, None, None]
        if pictures:
            at = (native.interval.first, native.apex, native.interval.last)
            crops = _crops(video, at, flow.boxes[window])
        findings.append(
            Finding(
                id=f"d{number}",
                detection=native,
                evidence=explain(_motion(detection, flow, window), flow.regions),
                onset_picture=crops[0],
                apex_picture=crops[1],
                offset_picture=crops[2],
            )
        )
    return tuple(findings)


def to_native(detection: Detection, flow: RoiFlow, video: Video) -> Detection:
    """Convert decimated frames to native frames and add seconds.

    A decimated frame stands for ``step`` native frames, so the offset is the last of them
    (spotting protocol, section 1: offset = fs * offset_d + fs - 1).  The kind follows from the
    duration in seconds.
    """
    first = int(flow.frames[detection.interval.first])
    last = int(flow.frames[detection.interval.last]) + flow.timing.step - 1
    last = min(last, len(video) - 1)
    apex = int(flow.frames[detection.apex])
    onset_s = float(flow.times[detection.interval.first])
    offset_s = float(video.times[last])
    return replace(
        detection,
        interval=Interval(first, last),
        apex=apex,
        kind="micro" if offset_s - onset_s <= MICRO_MAX_S else "macro",
        onset_s=onset_s,
        apex_s=float(flow.times[detection.apex]),
        offset_s=offset_s,
    )


def covering_window(detection: Detection, flow: RoiFlow) -> int:
    """Return the window that shows onset and apex against one reference frame.

    The latest window that starts at or before the onset; clipped to those there are.
    """
    return min(detection.interval.first // flow.timing.hop, len(flow.windows) - 1)


def _motion(detection: Detection, flow: RoiFlow, window: int) -> NDArray[np.float64]:
    """Return the onset→apex motion of every region, (R, 2) crop px."""
    start = window * flow.timing.hop
    k = flow.windows.shape[2]
    onset = min(max(detection.interval.first - start, 0), k - 1)
    apex = min(max(detection.apex - start, 0), k - 1)
    vectors = flow.windows[window].reshape(len(flow.regions), 2, k)
    return np.asarray(vectors[:, :, apex] - vectors[:, :, onset], dtype=np.float64)


def _crops(
    video: Video, frames: tuple[int, int, int], box: NDArray[np.floating]
) -> list[NDArray[np.uint8] | None]:
    """Return the same crop of every frame, (256, 256, 3) RGB; None where unreadable."""
    if np.isnan(box).any():
        return [None, None, None]
    left, top = max(0, int(box[0])), max(0, int(box[1]))
    right, bottom = min(video.width, int(box[2])), min(video.height, int(box[3]))
    if right - left < 2 or bottom - top < 2:
        return [None, None, None]
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


def gaps(video: Video, flow: RoiFlow, valid: NDArray[np.bool_]) -> tuple[Gap, ...]:
    """Return the native stretches without a usable face, and the unanalyzed rest."""
    found = []
    edges = np.flatnonzero(np.diff(np.concatenate([[True], valid, [True]]).astype(np.int8)))
    for begin, stop in zip(edges[::2], edges[1::2], strict=True):
        first = int(flow.frames[begin])
        last = min(int(flow.frames[stop - 1]) + flow.timing.step - 1, len(video) - 1)
        found.append(_gap(video, first, last, "no face to be seen, or frames damaged"))
    if len(valid):
        first = int(flow.frames[len(valid) - 1]) + flow.timing.step
        if first <= video.last_frame:
            reason = "the end of the recording is shorter than half a window"
            found.append(_gap(video, first, video.last_frame, reason))
    return tuple(found)


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
