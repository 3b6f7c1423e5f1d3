"""Routes for marks: look, judge, undo."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr
from starlette.concurrency import run_in_threadpool

from mescope.app.dependencies import Asked, Coder, Served, Working
from mescope.app.project import Project
from mescope.app.records import StoredRecording
from mescope.app.request_bodies import described, read_model
from mescope.app.scheme import check_code
from mescope.app.store import StaleError

router = APIRouter(prefix="/api/recordings/{id}")


Brief = Annotated[
    bool, Query(description="Answer with the changed mark only, and `removed`, not with all.")
]


class Undo(BaseModel):
    """Who takes back what they did last, seeing which revision."""

    model_config = ConfigDict(extra="forbid")
    revision: StrictInt = Field(ge=0)
    coder: StrictStr = Field(min_length=1, max_length=64)


class Judgement(Undo):
    """What a coder did to a mark; ``key`` makes it safe to send the same judgement again."""

    action: Literal[
        "confirm", "reject", "reset", "edit", "add", "remove", "reviewed",
        "code", "recode", "uncode",
    ]  # fmt: skip
    mark: StrictStr | None = Field(default=None, max_length=100)
    values: dict[str, Any] = Field(default_factory=dict)
    key: StrictStr | None = Field(default=None, min_length=8, max_length=64)


@router.get("/marks", response_class=JSONResponse)
def marks(asked: Asked, project: Served, coder: Coder = None) -> Response:
    """Return the model's detections and the coders' annotations as they stand now."""
    return Response(project.review.page(asked.id, coder), media_type="application/json")


@router.post("/events", openapi_extra=described(Judgement))
async def judge(
    request: Request, asked: Asked, project: Served, jobs: Working, brief: Brief = False
) -> JSONResponse:
    """Enter a judgement; 409 with the marks as they are if somebody was faster."""
    wanted = await read_model(Judgement, request, project.limits.body_bytes)
    found = await run_in_threadpool(_judge, project, asked, wanted, brief)
    jobs.note_change(asked.id)
    return JSONResponse(found)


@router.post("/undo", openapi_extra=described(Undo))
async def undo(
    request: Request, asked: Asked, project: Served, jobs: Working, brief: Brief = False
) -> JSONResponse:
    """Take back the last thing that this coder did in this recording."""
    wanted = await read_model(Undo, request, project.limits.body_bytes)
    found = await run_in_threadpool(_undo, project, asked, wanted, brief)
    jobs.note_change(asked.id)
    return JSONResponse(found)


@router.get("/history")
def history(asked: Asked, project: Served) -> list[dict[str, Any]]:
    """Return everything that was ever done to this recording, oldest first."""
    return project.review.history(asked.id)


def _judge(
    project: Project, recording: StoredRecording, wanted: Judgement, brief: bool
) -> dict[str, Any]:
    if wanted.action == "code":
        check_code(project.scheme.now, wanted.values)
    try:
        view = project.review.judge(
            recording.id, recording.frames, wanted.model_dump(), brief=brief
        )
    except StaleError as error:
        raise _with_view(error, project, recording) from error
    return view.to_json()


def _undo(
    project: Project, recording: StoredRecording, wanted: Undo, brief: bool
) -> dict[str, Any]:
    try:
        view = project.review.undo(recording.id, wanted.revision, wanted.coder, brief=brief)
    except StaleError as error:
        raise _with_view(error, project, recording) from error
    return view.to_json()


def _with_view(error: StaleError, project: Project, recording: StoredRecording) -> StaleError:
    stale = StaleError(str(error))
    stale.view = project.review.view(recording.id)
    return stale
