"""Routes for marks: look, judge, undo."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr
from starlette.concurrency import run_in_threadpool

from mescope.app.dependencies import Asked, Coder, Served, Working
from mescope.app.marks_page import MarksPage, Part
from mescope.app.project import Project
from mescope.app.records import StoredRecording
from mescope.app.request_bodies import described, read_model
from mescope.app.scheme import check_code
from mescope.app.store import StaleError
from mescope.errors import MescopeError

MOST_IDS = 500
"""Marks that may be asked for by their ids at once."""

router = APIRouter(prefix="/api/recordings/{id}")


Brief = Annotated[
    bool, Query(description="Answer with the changed mark only, and `removed`, not with all.")
]
Ids = Annotated[
    str | None,
    Query(
        max_length=50_000,
        description=f"At most {MOST_IDS} ids, commas between: these marks only, and `removed`.",
    ),
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
def marks(asked: Asked, project: Served, coder: Coder = None, ids: Ids = None) -> Response:
    """Return the model's detections and the coders' annotations as they stand now."""
    part: Part = MarksPage.whole if ids is None else partial(MarksPage.some, wanted=_ids(ids))
    return Response(project.review.page(asked.id, coder, part), media_type="application/json")


@router.get("/marks/rows", response_class=JSONResponse)
def rows(asked: Asked, project: Served) -> Response:
    """Return the same marks, of each only the values that `fields` names, in that order."""
    data = project.review.page(asked.id, part=MarksPage.rows)
    return Response(data, media_type="application/json")


@router.post("/events", openapi_extra=described(Judgement))
async def judge(
    request: Request, asked: Asked, project: Served, jobs: Working, brief: Brief = False
) -> JSONResponse:
    """Enter a judgement; 409 with the marks (brief: the one) as they are if it came late."""
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
        raise _with_view(error, project, recording, wanted.mark, brief) from error
    return view.to_json()


def _undo(
    project: Project, recording: StoredRecording, wanted: Undo, brief: bool
) -> dict[str, Any]:
    try:
        view = project.review.undo(recording.id, wanted.revision, wanted.coder, brief=brief)
    except StaleError as error:
        raise _with_view(error, project, recording, None, brief) from error
    return view.to_json()


def _with_view(
    error: StaleError,
    project: Project,
    recording: StoredRecording,
    mark: str | None,
    brief: bool,
) -> StaleError:
    stale, review = StaleError(str(error)), project.review
    stale.view = review.change(recording.id, mark) if brief else review.view(recording.id)
    return stale


def _ids(text: str) -> list[str]:
    found = text.split(",")
    if len(found) > MOST_IDS:
        raise MescopeError(
            f"ids: expected at most {MOST_IDS} marks, found {len(found)}; ask in parts"
        )
    return found
