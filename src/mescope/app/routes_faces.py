"""The route for the faces of a recording: analyze all, name, the same person or not."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr
from starlette.concurrency import run_in_threadpool

from mescope.app import faces
from mescope.app.coder_names import name_of
from mescope.app.dependencies import LARGEST, Asked, Served, Working
from mescope.app.jobs import AnalysisQueue
from mescope.app.project import Project
from mescope.app.records import StoredRecording
from mescope.app.request_bodies import described, read_model
from mescope.app.views import details

router = APIRouter(prefix="/api/recordings/{id}")


class FaceWish(BaseModel):
    """What a coder says about the faces: ``stretch`` and ``other`` are ids of stretches."""

    model_config = ConfigDict(extra="forbid")
    coder: StrictStr = Field(min_length=1, max_length=64)
    action: Literal["every", "one", "name", "same", "apart", "cut"]
    stretch: StrictStr | None = Field(default=None, max_length=40)
    other: StrictStr | None = Field(default=None, max_length=40)
    frame: StrictInt | None = Field(default=None, ge=0, le=LARGEST)
    name: StrictStr | None = Field(default=None, max_length=200)


@router.post("/faces", openapi_extra=described(FaceWish))
async def change_faces(
    request: Request, asked: Asked, project: Served, jobs: Working
) -> JSONResponse:
    """Analyze every face or one; name a face; say whether two are one person, or cut one.

    All but a name is followed by an analysis, which is quick: what was measured is kept.
    """
    wish = await read_model(FaceWish, request, project.limits.body_bytes)
    return JSONResponse(await run_in_threadpool(_change, project, jobs, asked, wish))


def _change(
    project: Project, jobs: AnalysisQueue, recording: StoredRecording, wish: FaceWish
) -> dict[str, Any]:
    name_of(wish.coder)
    store = project.store
    with store.together():
        stored = store.analysis(recording.id)
        document = stored.document if stored else {}
        again = faces.changed(store.database, recording.id, document, wish.model_dump())
    if again:
        jobs.enqueue(recording.id)
    jobs.note_change(recording.id)
    return details(project, project.recording(recording.id), jobs.progress())
