"""Windows that annotated recordings will give, by their lengths alone: no picture is opened.

A face is taken for granted in every frame, and frames for regular, as nobody has looked.
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np

from mescope.datasets.base import Dataset
from mescope.errors import DatasetError, TooShortError
from mescope.events import Recording
from mescope.motion.windows import plan
from mescope.samples.frame_kinds import AnnotatedFrames
from mescope.samples.recording_maps import PairMaps
from mescope.samples.recording_windows import RecordingWindows, chosen_recordings
from mescope.samples.spotting_kinds import AnnotatedRecordings
from mescope.video.reading import Video


class _Unopened:
    """Stands for the video of a recording where its frames are to be planned."""

    first_frame = 0

    def __init__(self, record: Recording) -> None:
        self.rate, self.last_frame = record.rate, record.frames - 1
        self.times = np.arange(record.frames) / record.rate

    def __len__(self) -> int:
        return self.last_frame + 1


def expected_windows(
    dataset: Dataset, wanted: AnnotatedRecordings
) -> tuple[RecordingWindows, ...]:
    """Return the recordings of a data set as if they had been measured, without any values.

    Raises:
        DatasetError: no recordings, or none as long as a window.
    """
    records, found = chosen_recordings(dataset, wanted), []
    for record in records:
        try:
            chosen = plan(cast(Video, _Unopened(record)), None, wanted.mode)
        except TooShortError:
            continue
        size = chosen.timing.window
        one = RecordingWindows(
            recording=record, windows=np.empty((chosen.count, 0, size), np.float32),
            valid=np.ones((chosen.count, size), np.bool_), frames=chosen.frames,
            padded=chosen.padded, timing=chosen.timing, regions=(), mode=wanted.mode,
        )  # fmt: skip
        found.append(_with_maps(one, wanted) if isinstance(wanted, AnnotatedFrames) else one)
    if not found:
        raise DatasetError(f"{dataset.name}: all {len(records)} recordings are too short")
    return tuple(found)


def _with_maps(one: RecordingWindows, wanted: AnnotatedFrames) -> RecordingWindows:
    k = wanted.distance(one.timing.rate)
    count = max(0, one.used - one.padded - k)
    nothing = np.empty((0, 3, 42, 42), np.float16)
    maps = PairMaps(wanted.style, wanted.flow, k, np.ones(count, np.bool_), "", nothing)
    return replace(one, maps=maps)
