"""Routes for files of any study: what they hold, what it means, what is kept of them."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from mescope.annotations.mapping import TierMapping, from_json, layout_of, to_json
from mescope.app import imports
from mescope.app.dependencies import Asked, Served
from mescope.app.kept_tiers import shown
from mescope.app.request_bodies import read_bytes, read_json, sent_name
from mescope.errors import MescopeError

router = APIRouter(prefix="/api")

Part = Annotated[
    str,
    Query(
        min_length=1,
        max_length=200,
        description="Which of several in the file: the name of a video, or of an observation.",
    ),
]
Table = Annotated[
    str,
    Query(
        max_length=4000,
        description="How a table is to be read: `table` of a mapping, as JSON.",
    ),
]
_Text = Annotated[str, Query(max_length=2000)]
_FILE = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
        },
    }
}
_MAPPING = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}


@router.post("/recordings/{id}/look", openapi_extra=_FILE)
async def look(
    request: Request, asked: Asked, project: Served, part: Part | None = None,
    table: Table | None = None,
) -> JSONResponse:  # fmt: skip
    """Say what a file (the body; its name in X-Name) holds; nothing of it is taken in.

    `own`: it has marks that need no mapping. Else every tier, behaviour or column with its
    count, examples, and what it means: as the project remembers, or a proposal.
    """
    name = sent_name(request)
    data = await read_bytes(request, project.limits.import_bytes)
    layout = None if table is None else _layout(table)
    found = await run_in_threadpool(imports.look, project, asked, name, data, part, layout)
    return JSONResponse(found)


def _layout(text: str) -> TierMapping:
    try:
        return TierMapping((), layout_of(json.loads(text)))
    except (ValueError, RecursionError) as error:
        raise MescopeError(f"table: {str(error)[:200]}") from error


@router.get("/mapping")
def mapping(project: Served) -> JSONResponse:
    """Return what coders of this project said that tiers of other programs mean."""
    return JSONResponse(to_json(project.kept.mapping()))


@router.post("/mapping", openapi_extra=_MAPPING)
async def remember(request: Request, project: Served) -> JSONResponse:
    """Keep what tiers mean (a mapping, as for `convert --mapping`); return what is known."""
    body = await read_json(request, project.limits.body_bytes)
    try:
        wanted = from_json(body)
    except ValueError as error:
        raise MescopeError(str(error)) from error
    return JSONResponse(to_json(await run_in_threadpool(project.kept.remember, wanted)))


@router.get("/recordings/{id}/tiers")
def tiers(asked: Asked, project: Served) -> list[dict[str, Any]]:
    """List the tiers of other programs that are kept with a recording."""
    return [shown(tier) for tier in project.kept.of(asked.id)]


@router.delete("/recordings/{id}/tiers")
def remove(
    asked: Asked, project: Served, name: _Text, coder: _Text = "", participant: _Text = ""
) -> list[dict[str, Any]]:
    """Take a kept tier out of a recording; return those that are left."""
    project.kept.remove(asked.id, name, coder, participant)
    return [shown(tier) for tier in project.kept.of(asked.id)]
