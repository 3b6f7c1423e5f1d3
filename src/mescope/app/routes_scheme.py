"""Routes for code schemes, and for what was coded with them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from mescope.app.dependencies import Asked, Served
from mescope.app.request_bodies import described, read_bytes
from mescope.app.scheme import MOST_BYTES, Scheme, parsed, usual

router = APIRouter(prefix="/api")

Seen = Annotated[
    str | None,
    Header(alias="If-Match", max_length=64, description="The `version` that was changed."),
]
TEMPLATES = Path(__file__).parent / "schemes"
_PICTURES = Path(__file__).parent / "static" / "units"


@cache
def drawn_units() -> list[str]:
    """Return the numbers of the action units that the page has pictures of, in order."""
    return sorted((path.stem for path in _PICTURES.glob("*.svg")), key=int)


@router.get("/scheme")
def scheme(project: Served) -> JSONResponse:
    """Return the code scheme of the project, to be kept as a file and taken in elsewhere."""
    headers = {"Content-Disposition": 'attachment; filename="scheme.json"'}
    return JSONResponse(project.scheme.now.to_json(), headers=headers)


@router.put("/scheme", openapi_extra=described(Scheme))
async def change_scheme(request: Request, project: Served, seen: Seen = None) -> dict[str, Any]:
    """Take another code scheme (the body); what was coded stays as it is.

    409: somebody else changed the one that it was made from.
    """
    data = await read_bytes(request, MOST_BYTES)
    version = None if seen is None else seen.strip('"')
    found = await run_in_threadpool(project.scheme.change, data, version)
    return found.to_page()


@router.get("/scheme/templates")
def templates() -> list[dict[str, Any]]:
    """Return schemes to begin with."""
    files = sorted(TEMPLATES.glob("*.json"))
    return [usual().to_json(), *(parsed(file.read_bytes()).to_json() for file in files)]


@router.get("/recordings/{id}/codes")
def codes(asked: Asked, project: Served) -> dict[str, Any]:
    """Return what was coded on the tiers of the scheme, in order of frames."""
    revision, state = project.review.state(asked.id)
    times = project.times(asked.id)
    found = sorted(state.codes.values(), key=lambda one: (one.first, one.last, one.id))
    return {"revision": revision, "codes": [one.to_page(times) for one in found]}
