"""The analyses of all faces of a recording, put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mescope.analysis.findings import face_crop
from mescope.errors import FaceError
from mescope.face.stretches import Stretch
from mescope.face_results import (
    AnalyzedFace,
    FaceQuestion,
    FacesAnalysis,
    FaceStretch,
    FacesWriter,
)
from mescope.motion.roi_flow import RoiFlow
from mescope.motion.several_faces import FacesFlow
from mescope.results import Analysis, Finding
from mescope.video.reading import Video


def check_clean(options: Mapping[str, Any]) -> None:
    """Refuse what follows one face as the published code does.

    Args:
        options: of the extraction, see :func:`mescope.analysis.extraction.extraction_for`.

    Raises:
        FaceError: the weights ask for it.
    """
    if options.get("mode", "clean") != "clean":
        raise FaceError(
            "expected weights that follow faces in clean mode, found weights as published, "
            "which take one face; choose other weights, or one face with --face"
        )


def together(
    video: Video,
    found: FacesFlow,
    analyses: Sequence[Analysis],
    writer: FacesWriter,
    *,
    pictures: bool = True,
) -> FacesAnalysis:
    """Return the analyses of all faces as one result.

    Args:
        video: the recording.
        found: the faces.
        analyses: one of each face, in the same order.
        writer: writes the result for ``save``.
        pictures: read a picture of every face.
    """
    shown = _pictures(video, found) if pictures else {}
    faces = tuple(
        AnalyzedFace(
            name=face.name,
            stretches=tuple(_stretch(one, face.flow, video) for one in face.stretches),
            analysis=_numbered(analysis, number),
            picture=shown.get(number),
        )
        for number, (face, analysis) in enumerate(zip(found.faces, analyses, strict=True), 1)
    )
    texts = [text for one in analyses for text in dict.fromkeys(one.warnings)]
    shared = [text for text in dict.fromkeys(texts) if texts.count(text) == len(analyses)]
    return FacesAnalysis(
        video=dict(analyses[0].video),
        faces=faces,
        questions=_questions(found, faces),
        warnings=(*shared, *found.warnings),
        writer=writer,
    )


def _pictures(video: Video, found: FacesFlow) -> dict[int, NDArray[np.uint8]]:
    """Return a crop of every face, by its number from 1, where its longest stretch begins."""
    wanted: dict[int, list[tuple[int, NDArray[np.float32]]]] = {}
    for number, face in enumerate(found.faces, 1):
        if face.stretches:
            longest = max(face.stretches, key=lambda one: one.last - one.first)
            frame = int(face.flow.frames[longest.first * face.flow.timing.hop])
            wanted.setdefault(frame, []).append((number, face.flow.boxes[longest.first]))
    crops: dict[int, NDArray[np.uint8]] = {}
    for frame, image in video.each(wanted):
        for number, box in wanted[frame]:
            crop = face_crop(image, box)
            if crop is not None:
                crops[number] = crop
    return crops


def _numbered(analysis: Analysis, number: int) -> Analysis:
    """Give the findings ids that no other face has."""

    def renamed(some: tuple[Finding, ...]) -> tuple[Finding, ...]:
        return tuple(replace(one, id=f"f{number}{one.id}") for one in some)

    return replace(
        analysis,
        findings=renamed(analysis.findings),
        candidates=renamed(analysis.candidates),
    )


def _stretch(one: Stretch, flow: RoiFlow, video: Video) -> FaceStretch:
    """Return a stretch in native frames; it ends with the last frame that shows the face."""
    hop = flow.timing.hop
    first = one.first * hop
    end = min((one.last + 2) * hop, len(flow.frames) - flow.padded)
    last = first
    for window in range(one.first, one.last + 1):
        seen = np.flatnonzero(flow.valid[window])
        if len(seen):
            last = max(last, min(window * hop + int(seen[-1]), end - 1))
    frames = int(flow.frames[first]), int(flow.frames[last])
    left, top, right, bottom = (round(float(v)) for v in flow.boxes[one.first])
    box = max(0, left), max(0, top), min(video.width, right), min(video.height, bottom)
    return FaceStretch(
        id=one.id, first=frames[0], last=frames[1], start_s=float(video.times[frames[0]]),
        end_s=float(video.times[frames[1]]), box=box,
    )  # fmt: skip


def _questions(found: FacesFlow, faces: Sequence[AnalyzedFace]) -> tuple[FaceQuestion, ...]:
    name_of = {one.id: face.name for face in faces for one in face.stretches}
    where = {one.id: one for face in faces for one in face.stretches}
    return tuple(
        FaceQuestion(
            earlier=doubt.earlier, later=doubt.later,
            faces=(name_of[doubt.earlier], name_of[doubt.later]),
            frame=where[doubt.later].first, seconds=where[doubt.later].start_s,
            shape=round(doubt.shape, 4), moved=round(doubt.moved, 2),
        )
        for doubt in found.doubts
    )  # fmt: skip
