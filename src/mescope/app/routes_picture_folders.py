"""Routes for recordings in pictures: send them, and say how many were taken a second."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from mescope.app import picture_folders
from mescope.app.dependencies import Served, Working
from mescope.app.request_bodies import described, read_model, upload_picture
from mescope.app.views import overview

router = APIRouter(prefix="/api")


class Rate(BaseModel):
    """How many pictures were taken a second."""

    model_config = ConfigDict(extra="forbid", strict=True)
    rate: float = Field(gt=0, le=100_000, allow_inf_nan=False)


@router.post("/pictures", status_code=201)
async def add_picture(request: Request, project: Served) -> dict[str, str]:
    """Take in one picture: its bytes as body, name in X-Name, its folder in X-Folder."""
    return {"path": await upload_picture(request, project)}


@router.post("/recordings/pictures", openapi_extra=described(Rate))
async def make_recordings(request: Request, project: Served, jobs: Working) -> dict[str, Any]:
    """Make recordings of the folders of pictures that are none yet, all at one rate."""
    wanted = await read_model(Rate, request, project.limits.body_bytes)
    found = await run_in_threadpool(
        picture_folders.make_recordings, project, float(wanted.rate)
    )
    jobs.wake()
    return {**found, "recordings": overview(project, jobs.progress())}
