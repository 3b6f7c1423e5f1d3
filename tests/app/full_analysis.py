"""An analysis with everything that came later: a second trace, events, candidates, checks."""

import dataclasses
from pathlib import Path

import numpy as np
from fake_analysis import made_up

from mescope.analysis.checks import checks_for
from mescope.events import Detection, FaceEvent, Interval
from mescope.results import Finding, Gap

FLOOR = 0.5


def event(kind, first, last):
    return FaceEvent(
        kind=kind, interval=Interval(first, last), onset_s=first / 30, offset_s=last / 30,
        strength=0.8,
    )  # fmt: skip


EVENTS = (event("blink", 20, 24), event("speech", 50, 65), event("blink", 100, 104))


def full(name, frames=120):
    """Return two detections at 30 and 70, candidates c1 at 10 (0.31), c2 at 100 (a blink)."""
    analysis = made_up(name, frames)
    like = analysis.findings[0]

    def candidate(identity, first, score, explained):
        return Finding(
            id=identity, evidence=like.evidence, explained_by=explained,
            checks=checks_for(Interval(first, first + 8), events=EVENTS, openness=0.9),
            detection=Detection(
                interval=Interval(first, first + 8), kind="micro", score=score, apex=first + 4,
                emotion="positive", onset_s=first / 30, apex_s=(first + 4) / 30,
                offset_s=(first + 8) / 30,
            ),
        )  # fmt: skip

    return dataclasses.replace(
        analysis,
        findings=tuple(
            dataclasses.replace(
                f, checks=checks_for(f.detection.interval, events=EVENTS, openness=0.4)
            )
            for f in analysis.findings
        ),
        candidates=(candidate("c1", 10, 0.31, None), candidate("c2", 98, 0.8, "blink")),
        events=EVENTS,
        floor=FLOOR,
        gaps=(
            Gap(
                interval=Interval(84, 96), start_s=2.8, end_s=3.2, reason="the head turned away"
            ),
        ),
        traces=dataclasses.replace(analysis.traces, movement=np.full(frames, 0.3)),
    )


def analyze(source, cache, progress):
    """Stand for :func:`mescope.app.worker.analyze`."""
    progress(1, 1)
    return full(Path(source).name)
