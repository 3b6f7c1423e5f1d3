"""Who may ask, and what every answer carries: the outermost layer of the server.

A page of another site must not reach the server: not by a name that leads here (``Host``), not
by a form or script (``Origin``), not without the token where one is set.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
import time
from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "mescope"
LEAST_TOKEN = 16
"""Characters of a token."""
_LONGEST_PATH = 4096
_ONCE_SECONDS = 120.0
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_NO_TOKEN = (
    "expected the token of this server; open the address that `mescope app` printed, or send "
    "the header Authorization: Bearer TOKEN"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine reach an address.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class SecurityMiddleware:
    """Refuse what does not come from the app's own page or its user; add safe headers.

    Args:
        app: what is behind it.
        hosts: names under which the server is reached, without port; empty: any address in
            numbers, and localhost.  Addresses in numbers cannot be taken over by a name server.
        token: what a request must bring in the header ``Authorization: Bearer``, in the cookie,
            or once as ``?token=``; None on loopback.
        once: stands for the token in the address of one page, within two minutes.  The command
            that opens a browser shows it to every account of the machine.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Sequence[str] = (),
        token: str | None,
        once: str | None = None,
    ) -> None:
        self._app, self._hosts, self._token = app, frozenset(h.lower() for h in hosts), token
        self._once, self._until = once, time.monotonic() + _ONCE_SECONDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await _answer(send, scope, refusal[0], refusal[1])
        elif self._token is not None and not self._admitted(headers):
            await self._token_or_refusal(scope, send)
        else:
            await self._app(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._known(hosts[0]):
            return 403, "expected the address of this server as Host, found another name"
        origin = headers.get("origin")
        if origin is not None and not _same(origin, hosts[0]):
            return 403, "expected a request of the app's own page, found one of another site"
        site = headers.get("sec-fetch-site")
        if site in ("cross-site", "same-site") and scope["method"] not in _SAFE:
            return 403, "expected a request of the app's own page, found one of another site"
        if len(scope.get("raw_path") or b"") > _LONGEST_PATH:
            return 414, "expected a shorter address"
        if any(ord(c) < 32 or c in "\\\x7f" for c in scope["path"]):
            return 400, "expected an address without control characters and backslashes"
        return None

    def _known(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name == "localhost" or name in self._hosts:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def _admitted(self, headers: Headers) -> bool:
        kind, _, shown = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self._fits(shown.strip()):
            return True
        # Read by hand: a cookie of somebody else that is malformed ends every parser's work.
        parts = (part.strip() for text in headers.getlist("cookie") for part in text.split(";"))
        pairs = (part.partition("=") for part in parts)
        return any(n == COOKIE and self._fits(value.strip('"')) for n, _, value in pairs)

    def _fits(self, shown: str) -> bool:
        return hmac.compare_digest(shown.encode(), (self._token or "").encode())

    def _opens(self, shown: str) -> bool:
        once = self._once
        if once is not None and hmac.compare_digest(shown.encode(), once.encode()):
            self._once = None
            return time.monotonic() < self._until
        return self._fits(shown)

    async def _token_or_refusal(self, scope: Scope, send: Send) -> None:
        """Change ``/?token=...`` into a cookie, so that the token leaves the address bar."""
        query = parse_qs(scope["query_string"].decode("latin-1"))
        if (
            scope["path"] == "/"
            and scope["method"] == "GET"
            and self._opens(query.get("token", [""])[0])
        ):
            cookie = f"{COOKIE}={self._token}; HttpOnly; SameSite=Strict; Path=/"
            await _answer(send, scope, 303, "", (("Location", "/"), ("Set-Cookie", cookie)))
            return
        await _answer(send, scope, 403, _NO_TOKEN)


def _same(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:  # such as http://[
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return sending


async def _answer(
    send: Send, scope: Scope, status: int, error: str, more: Sequence[tuple[str, str]] = ()
) -> None:
    body = json.dumps({"error": error}).encode() if error else b""
    headers = MutableHeaders()
    for name, value in (*HEADERS.items(), *more, ("Content-Type", "application/json")):
        headers.append(name, value)
    headers["Cache-Control"], headers["Content-Length"] = "no-store", str(len(body))
    await send({"type": "http.response.start", "status": status, "headers": headers.raw})
    await send(
        {"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body}
    )
