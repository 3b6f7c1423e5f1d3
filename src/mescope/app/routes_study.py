"""Routes for a study: people and conditions, who codes what, progress, and rates."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr
from starlette.concurrency import run_in_threadpool

from mescope.app import study, study_rates
from mescope.app.dependencies import Served, Who, Working
from mescope.app.request_bodies import described, read_bytes, read_model, sent_name
from mescope.app.routes_agreement import csv_file
from mescope.reports.rates_plot import FORMATS, rates_figure

router = APIRouter(prefix="/api/study")

Figure = Annotated[Literal["svg", "png", "pdf"], Query(description="Of the figure.")]
_TABLE = {
    "requestBody": {
        "required": True,
        "content": {"text/csv": {"schema": {"type": "string", "format": "binary"}}},
    }
}


class Assignment(BaseModel):
    """Which recordings are shared out among which coders; no coders: nobody's any more."""

    model_config = ConfigDict(extra="forbid")
    recordings: list[Annotated[StrictStr, Field(pattern="^[0-9a-f]{12}$")]] = Field(
        max_length=10_000
    )
    coders: list[Annotated[StrictStr, Field(min_length=1, max_length=64)]] = Field(
        max_length=100
    )
    each: StrictInt = Field(default=1, ge=1, le=100, description="Coders of a recording.")


@router.get("")
def overview(project: Served) -> dict[str, Any]:
    """Say how far each coder is, and which table of people there is."""
    kept = project.store.study.setting("people")
    hidden = project.store.sight.blind is not None
    return {
        "coders": study.progress(project),
        "people": None if kept is None or hidden else kept["file"],
    }


@router.post("/people", openapi_extra=_TABLE)
async def people(request: Request, project: Served) -> dict[str, Any]:
    """Take the table of people and conditions: CSV as body, its name in X-Name."""
    name = sent_name(request)
    data = await read_bytes(request, project.limits.import_bytes)
    return await run_in_threadpool(study.keep_people, project, name, data)


@router.post("/assign", openapi_extra=described(Assignment))
async def assign(request: Request, project: Served, jobs: Working) -> dict[str, Any]:
    """Share recordings out among coders, evenly."""
    wanted = await read_model(Assignment, request, project.limits.body_bytes)
    made = await run_in_threadpool(
        study.assign, project, wanted.recordings, wanted.coders, wanted.each
    )
    for one in wanted.recordings:
        jobs.note_change(one)
    return {"assigned": {one: made.get(one, []) for one in wanted.recordings}}


@router.get("/rates")
def rates(project: Served, who: Who) -> dict[str, Any]:
    """Return events a minute of judged time: of all, by condition, by person."""
    return study_rates.rates(project, who)


@router.get("/rates.csv", response_class=Response)
def rates_file(project: Served, who: Who) -> Response:
    """Return the rates as CSV."""
    return csv_file(study_rates.as_csv(study_rates.rates(project, who)["rows"]), "rates.csv")


@router.get("/figure", response_class=Response)
def figure(project: Served, who: Who, format: Figure = "svg") -> Response:
    """Return the rates as a figure: a dot for each person, a square for each condition."""
    data = rates_figure(study_rates.rates(project, who)["rows"], format)
    headers = {"Content-Disposition": f'inline; filename="rates.{format}"'}
    return Response(data, media_type=FORMATS[format], headers=headers)
