"""Routes for the project as a whole, for recordings and their analyses."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, StrictStr
from starlette.concurrency import run_in_threadpool

from mescope import __version__
from mescope.annotations import readable
from mescope.app import exports
from mescope.app.dependencies import Asked, Served, Working
from mescope.app.jobs import AnalysisQueue
from mescope.app.picture_folders import told_of
from mescope.app.request_bodies import described, read_model, upload
from mescope.app.routes_blind import told
from mescope.app.routes_scheme import drawn_units
from mescope.app.sight import VIEWER
from mescope.app.trouble import PASSING
from mescope.app.views import details, overview
from mescope.io.file_names import printable
from mescope.video.image_folders import SUFFIXES as PICTURES
from mescope.video.suffixes import MEDIA

router = APIRouter(prefix="/api")

_EVERY = 0.25  # seconds between two looks for news
_ALIVE = 15.0  # seconds after which a silent stream says that it is alive
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
        },
    }
}


class Added(BaseModel):
    """The path of a file or folder in the folder of the project."""

    model_config = ConfigDict(extra="forbid")
    path: StrictStr = Field(min_length=1, max_length=4096)


@router.get("/project")
def project_facts(project: Served) -> dict[str, Any]:
    """Say what the project is and what it takes."""
    limits, scheme = project.limits, project.scheme.now
    return {
        "name": printable(project.folder.name),
        "trouble": project.troubles.text(),
        "blind": told(project, VIEWER.get()),
        "version": __version__,
        "emotions": [one.name for one in scheme.emotions],
        "scheme": scheme.to_page(),
        "units": drawn_units(),
        "coders": project.review.coders(),
        "formats": sorted(MEDIA),
        "pictures": sorted(PICTURES),
        "exports": [{"name": n, "title": e.title} for n, e in exports.formats().items()],
        "imports": [
            {"title": codec.title, "suffixes": list(codec.suffixes)}
            for codec in readable().values()
        ],
        "limits": {
            "upload_bytes": limits.upload_bytes,
            "import_bytes": limits.import_bytes,
            "recordings": limits.recordings,
            "times": 20_000,
        },
        "use": project.words("page.use"),
    }


@router.get("/recordings")
def recordings(project: Served, jobs: Working) -> JSONResponse:
    """List the recordings."""
    return JSONResponse(overview(project, jobs.progress()))


@router.post("/recordings", status_code=201, openapi_extra=_BODY)
async def add_recording(request: Request, project: Served, jobs: Working) -> JSONResponse:
    """Take in a recording: the file as body, its name percent-encoded in X-Name.

    X-Folder may name the folder it belongs into, parts separated by a slash.  201: a new
    recording; 200: one with the same content is there already.
    """
    recording, new = await upload(request, project)
    if new:
        await run_in_threadpool(project.look, recording)
        jobs.note_change(recording.id)
    found = await run_in_threadpool(_details, project, jobs, recording.id)
    return JSONResponse(found, 201 if new else 200)


@router.post("/recordings/rescan")
def rescan(project: Served, jobs: Working) -> dict[str, Any]:
    """Take in files that were put into the folder by hand."""
    found = project.rescan()
    found["skipped"] += told_of(project)
    jobs.wake()
    return {**found, "recordings": overview(project, jobs.progress())}


@router.post("/recordings/add", openapi_extra=described(Added))
async def add_path(request: Request, project: Served, jobs: Working) -> dict[str, Any]:
    """Take in a file, or all of a folder, by its path in the folder of the project."""
    wanted = await read_model(Added, request, project.limits.body_bytes)
    found = await run_in_threadpool(project.add, wanted.path)
    jobs.wake()
    return {**found, "recordings": overview(project, jobs.progress())}


@router.get("/recordings/{id}")
def recording(asked: Asked, project: Served, jobs: Working) -> dict[str, Any]:
    """Say everything about one recording."""
    return details(project, asked, jobs.progress())


@router.delete("/recordings/{id}", status_code=204)
def forget(
    asked: Asked,
    project: Served,
    jobs: Working,
    file: Annotated[bool, Query(description="Delete the video as well.")] = False,
) -> Response:
    """Remove a recording and everything that was ever kept of it."""
    project.store.sight.check_lead()
    jobs.cancel(asked.id)
    project.forget(asked.id, file=file)
    return Response(status_code=204)


@router.post("/recordings/{id}/analyze", status_code=202)
def analyze(asked: Asked, project: Served, jobs: Working) -> dict[str, Any]:
    """Queue an analysis, or take one that failed up again."""
    jobs.enqueue(asked.id)
    return _details(project, jobs, asked.id)


@router.post("/recordings/{id}/cancel")
def cancel(asked: Asked, project: Served, jobs: Working) -> dict[str, Any]:
    """Stop an analysis; what it measured so far is kept."""
    jobs.cancel(asked.id)
    return _details(project, jobs, asked.id)


@router.get("/progress", response_class=StreamingResponse)
async def progress(request: Request, jobs: Working) -> StreamingResponse:
    """Tell, as server-sent events, whenever something about a recording changes."""
    return StreamingResponse(
        _news(request, jobs),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


async def _news(request: Request, jobs: AnalysisQueue) -> AsyncIterator[str]:
    troubles = request.app.state.project.troubles
    seen, silent, said = -1, 0.0, None
    yield "retry: 1000\n\n"
    ending = request.app.state.ending
    blind = request.app.state.project.blind
    while not ending.is_set() and not await request.is_disconnected():
        if (blind.setting() is None) != (VIEWER.get() is None):
            return  # it was begun or ended: who asks comes back as somebody else
        if (trouble := troubles.text()) != said:
            said, silent = trouble, 0.0
            yield f"event: trouble\n{_event({'trouble': trouble})}"
        now = jobs.version()
        if now != seen:
            with contextlib.suppress(*PASSING):  # not readable now: it is asked for again
                for entry in await run_in_threadpool(jobs.news, seen):
                    yield _event(entry)
                seen, silent = now, 0.0
        elif silent >= _ALIVE:
            silent = 0.0
            yield ": alive\n\n"
        await asyncio.sleep(_EVERY)
        silent += _EVERY


def _event(entry: dict[str, Any]) -> str:
    return f"data: {json.dumps(entry)}\n\n"


def _details(project: Any, jobs: AnalysisQueue, identity: str) -> dict[str, Any]:
    return details(project, project.recording(identity), jobs.progress())
