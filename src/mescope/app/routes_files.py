"""Routes for the page itself; exports and imports follow."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.staticfiles import StaticFiles

router = APIRouter(prefix="/api")

STATIC = Path(__file__).parent / "static"


def serve_page(app: FastAPI) -> None:
    """Serve the files of the page at ``/``."""
    app.mount("/", StaticFiles(directory=STATIC, html=True), name="page")
