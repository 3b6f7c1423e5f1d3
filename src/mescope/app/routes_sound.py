"""Routes for what is heard: the sound of a recording in pieces, and how loud it is."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, Response

from mescope.app.dependencies import LARGEST, Asked, FrameQuery, Served
from mescope.app.made_responses import Version, described_as, looked_at, made
from mescope.app.project import Project
from mescope.app.records import StoredRecording
from mescope.app.sounds import LONGEST_PIECE, SoundWish

router = APIRouter(prefix="/api/recordings/{id}")

Stream = Annotated[int, Query(ge=0, le=1000, description="Of several streams, from 0.")]
_WAV = "audio/wav"


@router.get("/sound")
def sound(asked: Asked, project: Served, stream: Stream = 0) -> dict[str, Any]:
    """Return what there is to hear; what is not there yet is read, so ask again."""
    return project.sounds.state(_wish(project, asked, stream))


@router.get("/sound.wav", response_class=Response, responses=described_as(_WAV))
def piece(
    asked: Asked,
    project: Served,
    start: Annotated[
        float, Query(ge=-60, le=1e6, allow_inf_nan=False, description="Seconds since frame 0.")
    ] = 0.0,
    seconds: Annotated[
        float, Query(gt=0, le=LONGEST_PIECE, allow_inf_nan=False, description="Recorded.")
    ] = 4.0,
    speed: Annotated[
        float, Query(ge=0.125, le=1, allow_inf_nan=False, description="Slower; same pitch.")
    ] = 1.0,
    stream: Stream = 0,
    version: Version = None,
) -> Response:
    """Return a piece of the sound as WAV; 503 while it is being read."""
    data = project.sounds.piece(_wish(project, asked, stream), start, seconds, speed)
    return made(data, _WAV, asked, version)


@router.get("/loudness")
def loudness(
    asked: Asked,
    project: Served,
    first: FrameQuery = 0,
    last: FrameQuery = LARGEST,
    points: Annotated[int, Query(ge=1, le=4000, description="Buckets.")] = 1000,
    stream: Stream = 0,
) -> JSONResponse:
    """Return how loud frames ``first`` to ``last`` are, in dB; thinned as traces are."""
    wish = _wish(project, asked, stream)
    found = project.sounds.loudness(wish, project.times(asked.id))
    return JSONResponse(found.thinned(first, last, points))


def _wish(project: Project, asked: StoredRecording, stream: int) -> SoundWish:
    looked_at(asked)
    return SoundWish(asked, project.file(asked), project.times_file(asked.id), stream)
