"""A made-up result for a recording of two faces, and the same of an app's analysis."""

from dataclasses import replace

import numpy as np

from mescope.analysis.evidence import explain
from mescope.events import Detection, FaceEvent, Interval
from mescope.face_results import AnalyzedFace, FaceQuestion, FacesAnalysis, FaceStretch
from mescope.reports import write
from mescope.results import Analysis, Finding, Gap, Traces

REGIONS = ("BROW_L_20", "MOUTH_48")
LEFT, RIGHT, BACK = "0-0", "0-1", "75-1"  # stretches: the third came back on the right


def _detection(first, emotion):
    return Detection(
        interval=Interval(first, first + 10), kind="micro", score=0.9, apex=first + 4,
        emotion=emotion, emotion_scores={emotion: 0.9}, onset_s=first / 30,
        apex_s=(first + 4) / 30, offset_s=(first + 10) / 30,
    )  # fmt: skip


def one(name, number, first, emotion, frames=120):
    """The analysis of a face that does one thing."""
    motion = np.array([[0.0, -2.0], [0.1, 0.0]])
    event = FaceEvent(
        kind="blink", interval=Interval(first + 20, first + 24), onset_s=(first + 20) / 30,
        offset_s=(first + 24) / 30, strength=0.8,
    )  # fmt: skip
    found = Finding(
        id=f"f{number}d1", detection=_detection(first, emotion),
        evidence=explain(motion, REGIONS),
    )  # fmt: skip
    spotting = np.full(frames, 0.1 * number)
    return Analysis(
        video={"name": name, "rate": 30.0, "frames": frames, "duration_s": frames / 30},
        findings=(found,), events=(event,),
        gaps=(Gap(interval=Interval(110, 119), start_s=3.66, end_s=3.96, reason="away"),),
        traces=Traces(
            frames=np.arange(frames), times=np.arange(frames) / 30, spotting=spotting,
            emotion=np.full((frames, 5), 0.2), motion=np.ones((frames, 2)) * number,
            valid=np.ones(frames, bool), regions=REGIONS,
        ),
        provenance={
            "model": "made-up",
            "parameters": {"method": "flow-peaks", "extraction": {"face": "all"}},
        },
        warnings=("the same for all", f"only about {number}"),
    )  # fmt: skip


def stretch(identity, first, last, left):
    return FaceStretch(
        id=identity, first=first, last=last, start_s=first / 30, end_s=last / 30,
        box=(left, 20, left + 60, 80),
    )  # fmt: skip


def two_faces(name="two.mp4", names=("face 1", "face 2"), joined=False):
    """Face 1 smiles at 20, face 2 is surprised at 60; a third may be the second again.

    Args:
        name: of the recording.
        names: of the faces.
        joined: somebody said that the third is the second.
    """
    left, right = one(name, 1, 20, "positive"), one(name, 2, 60, "surprise")
    ends = (stretch(RIGHT, 0, 50, 90), stretch(BACK, 75, 119, 90))
    faces = [
        AnalyzedFace(name=names[0], stretches=(stretch(LEFT, 0, 119, 0),), analysis=left),
        AnalyzedFace(name=names[1], stretches=ends if joined else ends[:1], analysis=right),
    ]
    if not joined:
        third = replace(one(name, 3, 85, "others"), findings=(), events=())
        faces.append(AnalyzedFace(name="face 3", stretches=ends[1:], analysis=third))
    question = FaceQuestion(
        earlier=RIGHT, later=BACK, faces=(names[1], "face 3"), frame=75, seconds=2.5,
        shape=0.07, moved=0.2,
    )  # fmt: skip
    return FacesAnalysis(
        video=left.video, faces=tuple(faces), questions=() if joined else (question,),
        warnings=("the same for all",), writer=write,
    )  # fmt: skip


def analyze(source, cache, progress, models=("made-up",), faces=None):
    """Stand for :func:`mescope.app.worker.analyze`: one face, or two, or three."""
    progress(1, 1)
    if faces is None:
        return replace(one("one", 1, 20, "positive"), events=())
    pairs = [set(pair) for pair in faces["same"]]
    return two_faces(joined={RIGHT, BACK} in pairs)
