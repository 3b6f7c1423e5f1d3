"""Routes for what is seen: frames, times, traces, pairs and overlays."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from mescope.app.dependencies import LARGEST, Asked, Frame, FrameQuery, Served
from mescope.app.made_responses import (
    Version,
    described_as,
    looked_at,
    made,
    made_once,
    within,
)
from mescope.app.project import Project
from mescope.app.range_response import file_response
from mescope.app.records import StoredRecording
from mescope.errors import MescopeError

router = APIRouter(prefix="/api/recordings/{id}")

MOST_TIMES = 20_000
THUMBNAIL = 320
_WIDTHS = (64, 16384)
_TYPES = {".mp4": "video/mp4", ".m4v": "video/mp4", ".webm": "video/webm", ".ogv": "video/ogg"}
_JPEG, _PNG = "image/jpeg", "image/png"


@router.get("/frames/{n}.jpg", response_class=Response, responses=described_as(_JPEG))
def frame(
    request: Request,
    asked: Asked,
    project: Served,
    n: Frame,
    width: Annotated[int | None, Query(ge=_WIDTHS[0], le=_WIDTHS[1], description="px")] = None,
    version: Version = None,
) -> Response:
    """Return exactly frame ``n`` as JPEG."""
    within(asked, n)

    def make() -> bytes:
        return project.frames.frame(asked.id, project.file(asked), n, width)

    return made_once(request, f"{n}-{width}", _JPEG, asked, version, make)


@router.get("/thumbnail.jpg", response_class=Response, responses=described_as(_JPEG))
def thumbnail(
    request: Request, asked: Asked, project: Served, version: Version = None
) -> Response:
    """Return a small picture of the recording: the frame at a tenth of its length."""
    n = (looked_at(asked).frames - 1) // 10

    def make() -> bytes:
        return project.frames.thumbnail(asked.id, project.file(asked), n, THUMBNAIL)

    return made_once(request, f"{n}-{THUMBNAIL}", _JPEG, asked, version, make)


@router.get("/times")
def times(asked: Asked, project: Served, first: FrameQuery, last: FrameQuery) -> dict[str, Any]:
    """Return the seconds of frames ``first`` to ``last``."""
    if not first <= last or last - first >= MOST_TIMES:
        raise MescopeError(
            f"expected at most {MOST_TIMES} frames in order, found {first} to {last}; "
            "ask for them in parts"
        )
    found = project.times(asked.id)[first : last + 1]
    return {"first": first, "times": np.round(found, 9).tolist()}


@router.get("/traces")
def traces(
    asked: Asked,
    project: Served,
    first: FrameQuery = 0,
    last: FrameQuery = LARGEST,
    points: Annotated[int, Query(ge=1, le=4000, description="Buckets.")] = 1000,
    series: Annotated[
        str | None, Query(max_length=2000, description="Names, commas between.")
    ] = None,
) -> JSONResponse:
    """Return the traces of frames ``first`` to ``last``, lowest and highest of each bucket."""
    wanted = None if series is None else [name for name in series.split(",") if name]
    return JSONResponse(project.curves(asked.id).thinned(first, last, points, wanted))


@router.get("/pair", response_class=Response, responses=described_as(_PNG))
def pair(
    asked: Asked,
    project: Served,
    onset: FrameQuery,
    apex: FrameQuery,
    magnify: Annotated[float, Query(ge=1, le=30, allow_inf_nan=False)] = 1.0,
    version: Version = None,
) -> Response:
    """Return onset, apex (motion magnified) and their difference, side by side, as PNG."""
    for n in (onset, apex):
        within(asked, n)
    data = project.frames.pair(
        asked.id, project.file(asked), onset=onset, apex=apex, magnify=magnify
    )
    return made(data, _PNG, asked, version)


@router.get("/overlay/{n}")
def overlay(
    asked: Asked,
    project: Served,
    n: Frame,
    reference: Annotated[
        int | None,
        Query(ge=0, le=LARGEST, description="Motion since this frame; else since the onset."),
    ] = None,
) -> dict[str, Any]:
    """Return landmarks and regions of the face in frame ``n``, and how the regions moved."""
    within(asked, n)
    start = _onset(project, asked, n) if reference is None else reference
    if start is not None:
        within(asked, start)
    return project.frames.overlay(project.file(asked), index=n, reference=start)


@router.head("/file", response_class=Response, include_in_schema=False)
@router.get("/file", response_class=Response)
def file(request: Request, asked: Asked, project: Served) -> Response:
    """Return the recording itself, or a range of it."""
    path = project.file(asked)
    kind = _TYPES.get(path.suffix.lower(), "application/octet-stream")
    return file_response(request, path, kind)


def _onset(project: Project, recording: StoredRecording, n: int) -> int | None:
    """Return the onset of the shortest mark around a frame, or None."""
    _, state = project.review.state(recording.id)
    found = [mark.annotation.interval for mark in state.marks.values()]
    around = [interval for interval in found if interval.first <= n <= interval.last]
    best = min(around, key=len, default=None)
    return None if best is None else best.first
