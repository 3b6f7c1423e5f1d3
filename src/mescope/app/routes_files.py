"""Routes for files of other programs, for agreement, and for the page itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.responses import HTMLResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.concurrency import run_in_threadpool

from mescope.app import exports, imports
from mescope.app.dependencies import Asked, Served, Who, Working
from mescope.app.report import PAGE_POLICY, Form, project_report
from mescope.app.request_bodies import read_bytes, sent_name
from mescope.app.words import Words
from mescope.io.file_names import valid

router = APIRouter(prefix="/api")

STATIC = Path(__file__).parent / "static"
Format = Annotated[str, Query(max_length=64, description="One of `exports` of `/api/project`.")]
Part = Annotated[
    str,
    Query(
        min_length=1,
        max_length=200,
        description="Which of several in the file: the name of a video, or of an observation.",
    ),
]
Mapped = Annotated[
    bool, Query(description="Read tiers of other programs as the project's mapping says.")
]
Unnamed = Annotated[
    str | None,
    Query(max_length=64, description="Whose marks are where the file names nobody."),
]
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
        },
    }
}


@router.get("/recordings/{id}/export", response_class=Response)
def export(asked: Asked, project: Served, format: Format, who: Who | None = None) -> Response:
    """Return marks as a file: of the model, of a coder, or of all."""
    kind = exports.chosen(format)
    data = kind.make(project, asked, who)
    stem = Path(asked.path).stem + (f".{who}" if who else "")
    name = quote(valid(stem) + kind.suffix, safe="")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
    return Response(data, media_type=f"{kind.media_type}; charset=utf-8", headers=headers)


@router.post("/recordings/{id}/import", openapi_extra=_BODY)
async def import_(
    request: Request, asked: Asked, project: Served, jobs: Working, coder: Who | None = None,
    part: Part | None = None, mapped: Mapped = False, unnamed: Unnamed = None,
) -> dict[str, Any]:  # fmt: skip
    """Add the marks of a file (the body; its name in X-Name) as annotations of coders.

    `counts` says what became of each of its tiers; what is no mark is kept as it stands.
    """
    name = sent_name(request)
    data = await read_bytes(request, project.limits.import_bytes)
    mapping = project.kept.mapping() if mapped else None
    found = await run_in_threadpool(
        imports.bring_in, project, asked, name, data, coder, part, mapping, unnamed
    )
    jobs.note_change(asked.id)
    view = await run_in_threadpool(project.review.view, asked.id)
    return {**found, **view.to_json()}


@router.get("/report", response_class=Response)
def report(
    project: Served,
    pictures: Annotated[bool, Query(description="With faces: onset, apex, change.")] = False,
    show: Annotated[bool, Query(description="In the browser, not as a file to save.")] = False,
    form: Annotated[Form, Query(alias="format", description="A page, or a PDF.")] = "html",
) -> Response:
    """Return the whole project as one document that opens offline, to read and print."""
    kind = "inline" if show else "attachment"
    headers = {
        "Content-Disposition": f'{kind}; filename="report.{form}"',
        "Content-Security-Policy": PAGE_POLICY,
    }
    data = project_report(project, pictures=pictures, form=form)
    media = "application/pdf" if form == "pdf" else "text/html; charset=utf-8"
    return Response(data, media_type=media, headers=headers)


def serve_page(app: FastAPI, words: Words) -> None:
    """Serve the files of the page at ``/``, in the language of the words."""
    shown = _all_at_once(words.filled((STATIC / "index.html").read_text(encoding="utf-8")))

    @app.get("/", include_in_schema=False)
    @app.get("/index.html", include_in_schema=False)
    def page() -> HTMLResponse:
        return HTMLResponse(shown)

    @app.get("/words.json", include_in_schema=False)
    def the_words() -> Response:
        return Response(words.json(), media_type="application/json")

    app.mount("/", StaticFiles(directory=STATIC, html=True), name="page")


def _all_at_once(page: str) -> str:
    """Return the page asking for all its scripts at once, not each after who needs it."""
    names = sorted(path.name for path in STATIC.glob("*.js"))
    links = "\n".join(f'<link rel="modulepreload" href="{name}">' for name in names)
    return page.replace("</head>", f"{links}\n</head>", 1)
