"""Routes for blind coding: the setting, signing in, the trail."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field, StrictStr
from starlette.concurrency import run_in_threadpool

from mescope.app.blind import token_of
from mescope.app.coder_names import name_of
from mescope.app.dependencies import Served
from mescope.app.project import Project
from mescope.app.request_bodies import described, read_model
from mescope.app.routes_agreement import csv_file
from mescope.app.sight import VIEWER, Viewer

router = APIRouter(prefix="/api/blind")

Name = Annotated[StrictStr, Field(min_length=1, max_length=64)]


class SignIn(BaseModel):
    """A coder's name, and the password that was chosen with it."""

    model_config = ConfigDict(extra="forbid")
    coder: Name
    password: StrictStr = Field(min_length=1, max_length=200)


class Beginning(SignIn):
    """Who leads the study; ``seed``: of each coder's order, empty for the order of names."""

    seed: StrictStr = Field(default="", max_length=64)


class Released(BaseModel):
    """Whose password is forgotten."""

    model_config = ConfigDict(extra="forbid")
    coder: Name


def told(project: Project, viewer: Viewer | None) -> dict[str, Any] | None:
    """Return what a page is told of blind coding; None where nothing is hidden."""
    setting = project.blind.setting()
    if setting is None or viewer is None:
        return None
    shown: dict[str, Any] = {"coder": viewer.name, "lead": viewer.is_lead}
    return (
        shown
        | {"shuffled": bool(setting["seed"]), "since": setting["since"]}
        | ({"seed": setting["seed"]} if viewer.is_lead else {})
    )


@router.get("")
def state(project: Served) -> dict[str, Any]:
    """Say whether the project is coded blind, and who asks."""
    return {"blind": told(project, VIEWER.get())}


@router.post("", openapi_extra=described(Beginning))
async def begin(request: Request, project: Served) -> JSONResponse:
    """Hide the model and other coders from each coder who has not finished a recording."""
    wanted = await read_model(Beginning, request, project.limits.body_bytes)
    lead = name_of(wanted.coder)
    token = await run_in_threadpool(
        project.blind.begin, lead, wanted.password, wanted.seed.strip()
    )
    return _signed_in(project, token, Viewer(lead, True))


@router.delete("", status_code=204)
def end(project: Served) -> Response:
    """Show everything to everybody again; only who leads the study may."""
    project.blind.end()
    return Response(status_code=204)


@router.post("/sign-in", openapi_extra=described(SignIn))
async def sign_in(request: Request, project: Served) -> JSONResponse:
    """Say who codes in this browser; the first password of a name is kept with it."""
    wanted = await read_model(SignIn, request, project.limits.body_bytes)
    coder = name_of(wanted.coder)
    token = await run_in_threadpool(project.blind.sign_in, coder, wanted.password)
    return _signed_in(project, token, project.blind.viewer(token))


@router.post("/sign-out", status_code=204)
def sign_out(request: Request, project: Served) -> Response:
    """Forget who codes in this browser."""
    project.blind.sign_out(token_of(request, project.blind.cookie))
    answer = Response(status_code=204)
    answer.delete_cookie(project.blind.cookie, path="/", httponly=True, samesite="strict")
    return answer


@router.post("/release", openapi_extra=described(Released))
async def release(request: Request, project: Served) -> dict[str, Any]:
    """Let a coder choose another password; only who leads the study may."""
    wanted = await read_model(Released, request, project.limits.body_bytes)
    done = await run_in_threadpool(project.blind.release, name_of(wanted.coder))
    return {"released": done}


@router.get("/trail.csv", response_class=Response)
def trail(project: Served) -> Response:
    """Return who saw what when as CSV; while it is coded blind for who leads the study only."""
    return csv_file(project.blind.trail(), "trail.csv")


def _signed_in(project: Project, token: str, viewer: Viewer | None) -> JSONResponse:
    answer = JSONResponse({"blind": told(project, viewer)})
    answer.set_cookie(project.blind.cookie, token, path="/", httponly=True, samesite="strict")
    return answer
