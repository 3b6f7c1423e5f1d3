"""Routes for agreement, disagreements and the consensus."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr
from starlette.concurrency import run_in_threadpool

from mescope.app import agreement as agreements
from mescope.app.consensus import make_consensus
from mescope.app.dependencies import Served, Who, Working
from mescope.app.project import Project
from mescope.app.request_bodies import described, read_model
from mescope.app.study_rates import as_csv
from mescope.evaluation.coder_agreement import TOLERANCE_S

router = APIRouter(prefix="/api")

Tolerance = Annotated[
    float,
    Query(ge=0, le=10_000, allow_inf_nan=False, description="ms by which an edge may differ."),
]
Only = Annotated[
    str | None, Query(pattern="^[0-9a-f]{12}$", description="Id of the one recording meant.")
]
_USUAL = 1000 * TOLERANCE_S


class Wanted(BaseModel):
    """Of whom a consensus is made; ``again`` makes those anew that are there."""

    model_config = ConfigDict(extra="forbid")
    coders: list[Annotated[StrictStr, Field(min_length=1, max_length=64)]] = Field(
        default_factory=list, max_length=100
    )
    least: StrictInt | None = Field(default=None, ge=1, le=100)
    again: StrictBool = False


@router.get("/agreement")
def agreement(
    project: Served, a: Who, b: Who, tolerance: Tolerance = _USUAL, recording: Only = None
) -> dict[str, Any]:
    """Compare two coders, or a coder and the model, over all recordings both judged, or one."""
    return agreements.agreement(project, a, b, tolerance / 1000, recording)


@router.get("/agreement/table")
def table(project: Served, tolerance: Tolerance = _USUAL) -> dict[str, Any]:
    """Compare every two coders, each with the model, and all together."""
    return agreements.table(project, tolerance / 1000)


@router.get("/agreement/table.csv", response_class=Response)
def table_file(project: Served, tolerance: Tolerance = _USUAL) -> Response:
    """Return the figures of every pair as CSV."""
    rows = agreements.table(project, tolerance / 1000)["pairs"]
    return csv_file(as_csv(rows, agreements.PAIR_COLUMNS), "agreement.csv")


@router.get("/agreement/disagreements.csv", response_class=Response)
def disagreements_file(
    project: Served, a: Who, b: Who, tolerance: Tolerance = _USUAL
) -> Response:
    """Return every mark about which two do not agree as CSV."""
    rows = agreements.agreement(project, a, b, tolerance / 1000)["disagreements"]
    return csv_file(as_csv(rows, agreements.LIST_COLUMNS), "disagreements.csv")


@router.post("/consensus", openapi_extra=described(Wanted))
async def consensus(request: Request, project: Served, jobs: Working) -> dict[str, Any]:
    """Make the consensus: annotations of the coder `consensus`, to be settled by people."""
    wanted = await read_model(Wanted, request, project.limits.body_bytes)
    found = await run_in_threadpool(_make, project, wanted)
    for recording in await run_in_threadpool(project.store.recordings):
        jobs.note_change(recording.id)
    return found


def _make(project: Project, wanted: Wanted) -> dict[str, Any]:
    return make_consensus(project, wanted.coders, least=wanted.least, again=wanted.again)


def csv_file(text: str, name: str) -> Response:
    """Return a table as a file to save."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)
