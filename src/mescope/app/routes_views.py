"""The route of views beside a frame: motion magnified, difference, flow."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from mescope.app.dependencies import Asked, Frame, FrameQuery, Served
from mescope.app.made_responses import Version, described_as, made, within
from mescope.app.project import MissingError
from mescope.motion.held_face import View, check_stretch

router = APIRouter(prefix="/api/recordings/{id}")

_JPEG = "image/jpeg"


@router.get("/view/{n}.jpg", response_class=Response, responses=described_as(_JPEG))
def view(
    asked: Asked,
    project: Served,
    n: Frame,
    onset: FrameQuery,
    kind: Annotated[View, Query(description="What is shown.")] = "magnified",
    factor: Annotated[float, Query(ge=1, le=20, allow_inf_nan=False)] = 10.0,
    version: Version = None,
) -> Response:
    """Return frame ``n`` as JPEG, the head held where it was in frame ``onset``."""
    for one in (onset, n):
        within(asked, one)
    times = project.times(asked.id)
    if len(times) <= max(onset, n):
        raise MissingError("expected a recording that was looked at; ask again in a moment")
    check_stretch(float(times[n] - times[onset]))
    data = project.frames.view(
        asked.id, project.file(asked), index=n, onset=onset, kind=kind, factor=factor
    )
    return made(data, _JPEG, asked, version)
