"""A file, or a part of it, as RFC 9110 (section 14) has it; memory does not grow with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

_CHUNK = 256 << 10
_ONE = re.compile(r"\s*(\d{0,18})-(\d{0,18})\s*\Z", re.ASCII)


def asked_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Return the first and last byte that a Range header asks for; None: the whole file.

    Several ranges, other units and what is no range are passed over, as the RFC allows: the
    answer is then the whole file.

    Raises:
        ValueError: the range lies behind the end.

    >>> asked_range("bytes=2-", 10), asked_range("bytes=-3", 10), asked_range("bytes=5-1", 10)
    ((2, 9), (7, 9), None)
    """
    if header is None or header[:6].lower() != "bytes=" or "," in header[:1000]:
        return None
    match = _ONE.match(header[6:]) if len(header) < 100 else None
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        length = min(int(last), size)
        if not length:
            raise ValueError("an empty end")
        return size - length, size - 1
    start, stop = int(first), int(last) if last else size - 1
    if last and int(last) < start:
        return None
    if start >= size:
        raise ValueError("behind the end")
    return start, min(stop, size - 1)


def file_response(request: Request, path: Path, media_type: str) -> Response:
    """Answer with a file: 200 whole, 206 a part, 304 unchanged, or 416 behind its end."""
    status = path.stat()
    tag = f'"{status.st_size:x}-{status.st_mtime_ns:x}"'
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": tag,
        "Last-Modified": formatdate(status.st_mtime, usegmt=True),
        "Cache-Control": "private, no-cache",
        "Content-Disposition": "inline",
    }
    if _matches(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    header = request.headers.get("range")
    condition = request.headers.get("if-range")
    if request.method != "GET" or (condition is not None and condition != tag):
        header = None
    try:
        part = asked_range(header, status.st_size)
    except ValueError:
        headers["Content-Range"] = f"bytes */{status.st_size}"
        return Response(status_code=416, headers=headers)
    first, last = part or (0, status.st_size - 1)
    headers["Content-Length"] = str(last - first + 1)
    if part is not None:
        headers["Content-Range"] = f"bytes {first}-{last}/{status.st_size}"
    if request.method == "HEAD":
        return Response(status_code=200, headers=headers, media_type=media_type)
    return StreamingResponse(
        _pieces(path, first, last - first + 1),
        status_code=200 if part is None else 206,
        headers=headers,
        media_type=media_type,
    )


def _pieces(path: Path, start: int, length: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while length > 0:
            data = file.read(min(_CHUNK, length))
            if not data:
                return
            length -= len(data)
            yield data


def _matches(header: str | None, tag: str) -> bool:
    if header is None:
        return False
    known = [one.strip().removeprefix("W/") for one in header[:4096].split(",")]
    return tag in known or known == ["*"]
