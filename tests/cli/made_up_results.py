"""Made-up results for the tests of the command line."""

import dataclasses
from pathlib import Path

import numpy as np

from mescope import reports
from mescope.analysis import Analysis, Finding, Traces
from mescope.analysis.evidence import explain
from mescope.errors import VideoError
from mescope.events import Detection, Interval


def made_up(name, warnings=()):
    """Return a small Analysis without pictures."""
    n, regions = 90, ("BROW_L_20", "MOUTH_48")
    spotting = np.full(n, 0.1)
    spotting[5] = np.nan
    detection = Detection(
        interval=Interval(30, 39), kind="micro", score=0.8, apex=34, emotion="surprise",
        emotion_scores={"surprise": 0.9, "neutral": 0.1}, onset_s=1.0, apex_s=1.133,
        offset_s=1.3,
    )  # fmt: skip
    motion = np.array([[0.0, -2.0], [0.1, 0.0]])
    return Analysis(
        video={"name": name, "duration_s": 3.0, "rate": 30.0, "frames": n},
        findings=(
            Finding(id="d1", detection=detection, evidence=explain(motion, regions)),
        ),
        traces=Traces(
            frames=np.arange(n), times=np.arange(n) / 30, spotting=spotting,
            emotion=np.full((n, 5), 0.2), motion=np.ones((n, 2)), valid=np.ones(n, bool),
            regions=regions,
        ),
        provenance={"model": "made-up", "simulated": True},
        warnings=tuple(warnings),
        writer=reports.write,
    )  # fmt: skip


@dataclasses.dataclass
class FakeAnalyzer:
    """Stands for the analyzer: notes what it is asked, fails for names with "bad" in them."""

    calls: list = dataclasses.field(default_factory=list)
    warnings: tuple = ()
    methods: list = dataclasses.field(default_factory=list)

    def analyze(self, source, **options):
        self.calls.append((source, options))
        name = Path(source).name
        if "bad" in name:
            raise VideoError(f"{name}: not a supported video; convert it to MP4 or MKV")
        return made_up(name, self.warnings)


def touch(*paths):
    """Make files that stand for recordings."""
    for path in paths:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(b"video")
