"""The server: routes to the project, errors in one line, everything behind the middleware."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from mescope import __version__
from mescope.app import (
    routes_agreement,
    routes_blind,
    routes_exchange,
    routes_faces,
    routes_files,
    routes_marks,
    routes_picture_folders,
    routes_pictures,
    routes_project,
    routes_scheme,
    routes_sound,
    routes_study,
    routes_views,
)
from mescope.app.blind import watching
from mescope.app.jobs import AnalysisQueue, Analyze
from mescope.app.limits import Limits
from mescope.app.project import MissingError, Project
from mescope.app.safety import UnsafeError
from mescope.app.security_middleware import SecurityMiddleware
from mescope.app.sight import BlindError
from mescope.app.store import StaleError
from mescope.app.trouble import PASSING, BusyError, GoneError, of_system
from mescope.app.uploads import TooLargeError
from mescope.app.words import english, translation
from mescope.errors import FaceError, MescopeError, OutputError, VideoError
from mescope.io.file_names import valid

STATUS: tuple[tuple[type[MescopeError], int], ...] = (
    (MissingError, 404),
    (TooLargeError, 413),
    (StaleError, 409),
    (UnsafeError, 400),
    (BlindError, 403),
    (VideoError, 404),
    (FaceError, 404),
    (BusyError, 503),
    (GoneError, 503),
    (OutputError, 507),
    (MescopeError, 400),  # DatasetError of an import among them
)
"""What each known error is to a browser; the first that fits."""

_SILENT: Any = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
"""Nothing about the use of the app is measured ; versions of FastAPI that
cannot measure anything pass over it."""

_AGAIN = {"Retry-After": "2"}
_MISSING = {
    404: "expected an address of this app, found another",
    405: "expected another method",
}


def create_app(
    folder: Path,
    *,
    hosts: Sequence[str] = (),
    token: str | None = None,
    once: str | None = None,
    limits: Limits | None = None,
    analyze: Analyze = "mescope.app.worker:analyze",
    models: Sequence[str] = (),
    page: bool = True,
    words: Path | None = None,
    ending: threading.Event | None = None,
) -> ASGIApp:
    """Return the app for one folder of recordings.

    Args:
        folder: of the project.
        hosts: see :class:`mescope.app.security_middleware.SecurityMiddleware`.
        token: likewise.
        once: likewise.
        limits: of sizes, memory and time.
        analyze: ``module:function`` that a worker calls; see :mod:`mescope.app.worker`.
        models: weights by name or path, as :func:`mescope.load` takes them; none: the shipped.
        page: serve the page, not only the interface for programs.
        words: a translation of the page; see :mod:`mescope.app.words`.
        ending: set when the server is about to end, so that streams end first.

    Raises:
        MescopeError: the folder cannot be used, or is open in another process.
    """
    spoken = english() if words is None else translation(words)
    project = Project(folder, limits, spoken)
    jobs = AnalysisQueue(project, analyze, models)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        with contextlib.suppress(*PASSING):  # a full disk, say: the queue looks again
            project.rescan()
        jobs.start()
        threading.Thread(target=project.frames.start, daemon=True).start()
        try:
            yield
        finally:
            jobs.close()
            project.close()

    app = FastAPI(
        title="mescope", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None,
        telemetry=_SILENT, dependencies=[Depends(watching)],
        description="Judge what the models propose.  Frames count from 0, intervals include "
        "both ends, times are seconds from the first frame.",
    )  # fmt: skip
    app.state.project, app.state.jobs = project, jobs
    app.state.ending = ending or threading.Event()
    for routes in (
        routes_picture_folders, routes_project, routes_pictures, routes_views, routes_sound,
        routes_marks, routes_scheme, routes_files, routes_agreement, routes_study,
        routes_blind, routes_exchange, routes_faces,
    ):  # fmt: skip
        app.include_router(routes.router)
    if page:
        routes_files.serve_page(app, spoken)
    app.add_exception_handler(MescopeError, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(OSError, _of_system)
    app.add_exception_handler(Exception, _unknown)
    return SecurityMiddleware(app, hosts=hosts, token=token, once=once)


def status_of(error: MescopeError) -> int:
    """Return the HTTP status of a known error."""
    return next(status for kind, status in STATUS if isinstance(error, kind))


async def _known(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, MescopeError):
        raise error
    content: dict[str, Any] = {"error": valid(str(error))}
    if isinstance(error, StaleError):
        content["marks"] = None if error.view is None else error.view.to_json()
    status = status_of(error)
    return JSONResponse(content, status, headers=_AGAIN if status == 503 else None)


async def _of_system(request: Request, error: Exception) -> JSONResponse:
    return await _known(request, of_system(error) if isinstance(error, OSError) else error)


async def _unknown(_request: Request, error: Exception) -> JSONResponse:
    """Answer in words also where we are wrong; the traceback goes to the terminal."""
    said = "something in the server went wrong; its terminal has the details, please report it"
    return JSONResponse({"error": f"{said} ({type(error).__name__})"}, 500)


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    first = error.errors()[0] if isinstance(error, RequestValidationError) else {}
    where = " ".join(str(part) for part in first.get("loc", ()))
    said = str(first.get("msg", "another value")).lower()
    return JSONResponse({"error": f"{where[:80]}: {said[:200]}"}, 400)


async def _http(_request: Request, error: Exception) -> JSONResponse:
    status = getattr(error, "status_code", 500)
    said = _MISSING.get(status, str(getattr(error, "detail", "")))
    return JSONResponse({"error": said}, status, headers=getattr(error, "headers", None))
