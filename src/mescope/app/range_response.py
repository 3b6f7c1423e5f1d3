"""A file, or a part of it, as RFC 9110 (section 14) has it; memory does not grow with it.

Starlette sends files and ranges.  Added here: what is not a range, or several, is passed
over, as the RFC allows, and a file that the browser has already is not sent again.
"""

from __future__ import annotations

import re
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

_ONE = re.compile(rb"bytes=\s*(\d{1,18})-(\d{0,18})\s*|bytes=\s*-\d{1,18}\s*", re.IGNORECASE)


def file_response(request: Request, path: Path, media_type: str) -> Response:
    """Answer with a file: 200 whole, 206 a part, 304 unchanged, or 416 behind its end."""
    status = path.stat()
    tag = f'"{status.st_size:x}-{status.st_mtime_ns:x}"'
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": tag,
        "Cache-Control": "private, no-cache",
        "Content-Disposition": "inline",
    }
    if _matches(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    return _OneRange(path, headers=headers, media_type=media_type, stat_result=status)


class _OneRange(FileResponse):
    """Sends the whole file unless exactly one range is asked for."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, without what is not one range in it."""
        kept = [
            (name, value)
            for name, value in scope["headers"]
            if name != b"range" or (scope["method"] == "GET" and _is_one(value))
        ]
        await super().__call__({**scope, "headers": kept}, receive, send)


def _is_one(header: bytes) -> bool:
    """Say whether a Range header asks for one range that does not end before it starts."""
    found = _ONE.fullmatch(header)
    if found is None:
        return False
    first, last = found.groups()
    return not first or not last or int(first) <= int(last)


def _matches(header: str | None, tag: str) -> bool:
    if header is None:
        return False
    known = [one.strip().removeprefix("W/") for one in header[:4096].split(",")]
    return tag in known or known == ["*"]
