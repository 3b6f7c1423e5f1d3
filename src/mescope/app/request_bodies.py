"""Reading what a request carries, with limits that do not trust what it announces."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar
from urllib.parse import unquote

from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from mescope.app import intake, picture_folders
from mescope.app.project import Project
from mescope.app.records import StoredRecording
from mescope.app.safety import UnsafeError
from mescope.app.uploads import Draft, TooLargeError
from mescope.errors import MescopeError
from mescope.video.image_folders import SUFFIXES as PICTURES
from mescope.video.suffixes import MEDIA

MOST_PASSED = 64 << 20
"""Bytes that are received after a refusal, and dropped."""
DEEPEST = 32
"""Most brackets within each other."""
Model = TypeVar("Model", bound=BaseModel)
T = TypeVar("T")
_STRUCTURE = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.S)


async def read_json(request: Request, most: int) -> dict[str, Any]:
    """Return the JSON object in the body.

    Raises:
        TooLargeError: more than ``most`` bytes.
        MescopeError: not a JSON object, NaN or infinity, a name twice, or nested too deep.
    """
    data = await read_bytes(request, most)
    try:
        text = data.decode("utf-8")
        _check_depth(text)
        found = json.loads(text, parse_constant=_not_json, object_pairs_hook=_once)
    except ValueError as error:
        raise MescopeError(
            f"expected JSON, found something else ({str(error)[:80]})"
        ) from error
    if not isinstance(found, dict):
        raise MescopeError("expected a JSON object, found another value")
    return found


async def read_model(model: type[Model], request: Request, most: int) -> Model:
    """Return the JSON object in the body as a model; for errors see :func:`read_json`."""
    body = await read_json(request, most)
    try:
        return model.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])[:80] or "body"
        raise MescopeError(f"{where}: {first['msg'].lower()[:200]}") from error


def described(model: type[BaseModel]) -> dict[str, Any]:
    """Return what the description of the interface says about a body of this model."""
    schema = model.model_json_schema()
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}
    }


async def read_bytes(request: Request, most: int) -> bytes:
    """Return the body; raises TooLargeError beyond ``most`` bytes."""
    announced = announced_length(request)
    if announced is not None and announced > most:
        await _drain(request)
        raise TooLargeError(f"expected at most {most} bytes, found {announced}")
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > most:
            await _drain(request)
            raise TooLargeError(f"expected at most {most} bytes, found more")
    return bytes(data)


def announced_length(request: Request) -> int | None:
    """Return Content-Length, or None where it is missing or makes no sense."""
    text = request.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def sent_name(request: Request) -> str:
    """Return the file name in the header X-Name.

    Raises:
        UnsafeError: there is none.
    """
    name = unquote(request.headers.get("x-name", "")[:20_000], errors="replace")
    if not name.strip():
        raise UnsafeError("expected the file name, percent-encoded, in the header X-Name")
    return name


def sent_folder(request: Request) -> str:
    """Return the folder in the header X-Folder, parts separated by ``/``; empty without one."""
    return unquote(request.headers.get("x-folder", "")[:20_000], errors="replace")


async def upload(request: Request, project: Project) -> tuple[StoredRecording, bool]:
    """Take in a recording from the body; nothing of it stays if it does not arrive whole."""
    return await _arrived(request, project, MEDIA, intake.take)


async def upload_picture(request: Request, project: Project) -> str:
    """Take in a picture of a folder of them, as :func:`upload` does; return its path."""
    return await _arrived(request, project, PICTURES, picture_folders.place)


async def _arrived(
    request: Request, project: Project, allowed: frozenset[str],
    take: Callable[[Project, Draft], T],
) -> T:  # fmt: skip
    draft = await run_in_threadpool(
        intake.draft, project, sent_name(request), announced_length(request),
        sent_folder(request), allowed,
    )  # fmt: skip
    try:
        await _fill(request, draft)
        return await run_in_threadpool(take, project, draft)
    except ClientDisconnect as error:
        raise MescopeError("the upload was broken off; send it again") from error
    finally:
        draft.discard()


async def _drain(request: Request) -> None:
    """Pass over what still comes, for a while: who is cut off while sending reads no answer."""
    passed = 0
    async for chunk in request.stream():
        passed += len(chunk)
        if passed > MOST_PASSED:
            return


async def _fill(request: Request, draft: Draft) -> None:
    waiting, size = [], 0
    async for chunk in request.stream():
        waiting.append(chunk)
        size += len(chunk)
        if size >= 1 << 20:  # a thread for each small piece would cost more than the writing
            await run_in_threadpool(draft.write, b"".join(waiting))
            waiting, size = [], 0
    await run_in_threadpool(draft.write, b"".join(waiting))
    announced = announced_length(request)
    if announced is not None and draft.size != announced:
        raise MescopeError(f"expected {announced} bytes, {draft.size} came; send it again")
    await run_in_threadpool(draft.finish)


def _check_depth(text: str) -> None:
    """Refuse what is nested deep before a parser that calls itself meets it."""
    depth = 0
    for match in _STRUCTURE.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(match[0], 0)
        if depth > DEEPEST:
            raise ValueError(f"nested more than {DEEPEST} deep")


def _not_json(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name occurs twice")
    return found
