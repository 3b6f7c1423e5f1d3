"""An analysis that takes no time, or misbehaves as the name of the recording says."""

import errno
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from mescope.analysis.evidence import explain
from mescope.errors import VideoError
from mescope.events import Detection, Interval
from mescope.results import Analysis, Finding, Gap, Traces

REGIONS = ("BROW_L_20", "MOUTH_48")


def detections():
    """Return two detections: 30-40-49 surprise, 70-75-80 positive."""
    return [
        Detection(
            interval=Interval(first, last), kind="micro", score=score, apex=apex,
            emotion=emotion, emotion_scores={emotion: 0.9}, onset_s=first / 30,
            apex_s=apex / 30, offset_s=last / 30,
        )
        for first, apex, last, emotion, score in (
            (30, 40, 49, "surprise", 0.9), (70, 75, 80, "positive", 0.6),
        )
    ]  # fmt: skip


def made_up(name, frames=120):
    """Return an Analysis of a recording of 30 frames per second."""
    spotting = np.full(frames, 0.1)
    spotting[40], spotting[5] = 0.9, np.nan
    motion = np.array([[0.0, -2.0], [0.1, 0.0]])
    return Analysis(
        video={"name": name, "rate": 30.0, "frames": frames, "duration_s": frames / 30},
        findings=tuple(
            Finding(id=f"d{i}", detection=found, evidence=explain(motion, REGIONS))
            for i, found in enumerate(detections(), 1)
        ),
        traces=Traces(
            frames=np.arange(frames), times=np.arange(frames) / 30, spotting=spotting,
            emotion=np.full((frames, 5), 0.2), motion=np.ones((frames, 2)),
            valid=~np.isnan(spotting), regions=REGIONS,
        ),
        gaps=(Gap(interval=Interval(5, 5), start_s=1 / 6, end_s=1 / 6, reason="no face"),),
        provenance={"model": "made-up", "simulated": True},
        warnings=("one frame without a face",),
    )  # fmt: skip


def analyze(source, cache, progress, models=("made-up",)):
    """Stand for :func:`mescope.app.worker.analyze`."""
    name = Path(source).name
    tries = cache / "tries"
    count = len(tries.read_text()) if tries.exists() else 0
    tries.write_text("x" * (count + 1))
    progress(1, 4)
    if "bad" in name:
        raise VideoError(f"{name}: not a supported video; convert it to MP4 or MKV")
    if "bug" in name:
        raise ZeroDivisionError("division by zero")
    if "filling" in name and not (cache / "enough").exists():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if "dies" in name or ("stumbles" in name and count == 0):
        os.kill(os.getpid(), signal.SIGKILL)
    if "greedy" in name:
        room = np.empty(3 << 30, np.uint8)  # more than the tests allow, and never written to
        raise AssertionError(room.nbytes)
    while "endless" in name and not (cache / "enough").exists():
        time.sleep(0.05)
    progress(4, 4)
    found = made_up(name)
    return replace(found, provenance=found.provenance | {"model": " + ".join(models)})
