"""Answers with what is made of a recording: pictures and sound that browsers may keep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import Response

from mescope.app.project import MissingError
from mescope.app.records import StoredRecording, VideoFacts

_LASTING = "private, max-age=31536000, immutable"
_ASK_AGAIN = "private, no-cache"

Version = Annotated[
    str | None,
    Query(max_length=40, description="Of the recording: browsers then keep what they got."),
]


def described_as(media_type: str) -> dict[int | str, dict[str, Any]]:
    """Return what the description of the interface says of such an answer."""
    return {200: {"content": {media_type: {}}}}


def made(
    data: bytes, media_type: str, recording: StoredRecording, version: str | None
) -> Response:
    """Answer with what was made; a browser keeps it for ever if its address has the version."""
    return Response(data, media_type=media_type, headers=_kept(recording, version))


def made_once(
    request: Request, tag: str, media_type: str, recording: StoredRecording,
    version: str | None, make: Callable[[], bytes],
) -> Response:  # fmt: skip
    """Answer as :func:`made`, or 304 where the browser has it already, and make nothing."""
    headers = {"ETag": f'"{recording.version}-{tag}"', **_kept(recording, version)}
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(make(), media_type=media_type, headers=headers)


def _kept(recording: StoredRecording, version: str | None) -> dict[str, str]:
    lasts = version == recording.version
    return {"Cache-Control": _LASTING if lasts else _ASK_AGAIN}


def looked_at(recording: StoredRecording) -> VideoFacts:
    """Return what is known of a recording.

    Raises:
        MissingError: it cannot be read, or waits to be looked at.
    """
    if recording.error is not None:
        raise MissingError(recording.error)
    if recording.facts is None:
        raise MissingError("expected a recording that was looked at, this one waits; ask again")
    return recording.facts


def within(recording: StoredRecording, n: int) -> None:
    """Raise MissingError for a frame that there is not."""
    frames = looked_at(recording).frames
    if n >= frames:
        raise MissingError(f"expected a frame from 0 to {frames - 1}, found {n}")
