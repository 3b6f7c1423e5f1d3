"""Who may ask."""

import asyncio
import json
import time

import httpx
import pytest
from starlette.responses import PlainTextResponse

from mescope.app.security_middleware import SecurityMiddleware, is_loopback

TOKEN = "0123456789abcdef0123"


async def _inside(scope, receive, send):
    await PlainTextResponse("inside")(scope, receive, send)


def ask(
    method="GET", path="/", *, token=None, hosts=(), host="127.0.0.1:8765", gate=None, **headers
):
    """Return the answer of a gate to one request."""
    names = {"Host": host, **{k.replace("_", "-"): v for k, v in headers.items()}}

    async def go():
        app = gate or SecurityMiddleware(_inside, hosts=hosts, token=token)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            return await client.request(method, path, headers=names)

    return asyncio.run(go())


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost:1", "[::1]:8765", "10.0.0.7:80"])
def test_numbers_and_localhost_are_hosts(host):
    assert ask(host=host).text == "inside"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", "", "[::1", "a b"]
)
def test_a_name_that_leads_here_is_refused(host):
    """DNS rebinding."""
    answer = ask(host=host)
    assert answer.status_code == 403
    assert "Host" in answer.json()["error"]


def test_a_host_that_was_chosen_is_known():
    assert ask(host="lab.example:80", hosts=["Lab.example"]).text == "inside"


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://127.0.0.1:9999", "http://127.0.0.1:8765.x"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_another_site_is_refused(method, origin):
    """A form or a script of another page."""
    assert ask(method, Origin=origin).status_code == 403


def test_the_own_page_is_served():
    assert ask("POST", Origin="http://127.0.0.1:8765").text == "inside"
    assert ask("GET", Sec_Fetch_Site="cross-site").text == "inside"  # a link somebody follows
    assert ask("POST", Sec_Fetch_Site="cross-site").status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Authorization": TOKEN},
        {"Authorization": "Bearer ü"},
        {"Cookie": "mescope=wrong"},
        {"Cookie": "mescope"},
        {"X-Token": TOKEN},
    ],
)
def test_without_the_token_nobody_gets_in(headers):
    safe = {k: v.encode() for k, v in headers.items()}
    answer = ask(token=TOKEN, **safe)
    assert answer.status_code == 403
    assert TOKEN not in answer.text + str(answer.headers)


def test_with_the_token_one_gets_in_and_it_leaves_the_address():
    assert ask(token=TOKEN, Authorization=f"Bearer {TOKEN}").text == "inside"
    assert ask(token=TOKEN, Cookie=f"a=b; mescope={TOKEN}").text == "inside"
    answer = ask(path=f"/?token={TOKEN}", token=TOKEN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "HttpOnly; SameSite=Strict" in answer.headers["set-cookie"]
    assert ask(path=f"/?token={TOKEN}x", token=TOKEN).status_code == 403
    assert ask("POST", path=f"/?token={TOKEN}", token=TOKEN).status_code == 403


def test_the_token_is_compared_in_constant_time(monkeypatch):
    seen = []
    monkeypatch.setattr(
        "mescope.app.security_middleware.hmac.compare_digest",
        lambda a, b: seen.append((a, b)) or a == b,
    )
    ask(token=TOKEN, Authorization="Bearer wrong")
    assert seen[0] == (b"wrong", TOKEN.encode())


@pytest.mark.parametrize(
    "path", ["/%00", "/a%5c..%5cb", "/%0d%0aSet-Cookie:x", "/" + "a" * 5000]
)
def test_addresses_that_no_page_makes(path):
    assert ask(path=path).status_code in (400, 414)


@pytest.mark.parametrize("path", ["/", "/%00"])
def test_every_answer_has_safe_headers(path):
    headers = ask(path=path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("kind", ["websocket"])
def test_other_protocols_get_no_answer(kind):
    async def go():
        sent = []
        await SecurityMiddleware(_inside, token=None)({"type": kind}, None, sent.append)
        return sent

    assert asyncio.run(go()) == []


def test_refusals_are_json_in_one_line():
    answer = ask(host="evil.example")
    assert list(json.loads(answer.text)) == ["error"]
    assert "\n" not in answer.text


@pytest.mark.parametrize(
    ("host", "own"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True),
     ("0.0.0.0", False), ("::", False), ("192.168.1.5", False), ("lab", False)],
)  # fmt: skip
def test_what_is_loopback(host, own):
    assert is_loopback(host) is own


@pytest.mark.parametrize(
    "origin", ["http://[", "http://[::1", "http://a]b", "//[", "http://\u2100"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_origin_that_is_no_address_is_refused(method, origin):
    assert ask(method, Origin=origin.encode()).status_code == 403


@pytest.mark.parametrize(
    "before",
    [
        "a[b=1; ",
        "=; ",
        "; ; ",
        'x="\\; ',
        "\u00fc=1; ",
        "mescope=wrong; ",
        "a=b=c; ",
        "{}: 1; ",
        "\t,;",
    ],
)
def test_cookies_of_others_are_passed_over(before):
    """Whatever another page of this host left in the browser."""
    cookie = f"{before}mescope={TOKEN}".encode("latin-1")
    assert ask(token=TOKEN, Cookie=cookie).text == "inside"
    assert ask(token=TOKEN, Cookie=before.encode("latin-1")).status_code == 403


def test_the_address_a_browser_is_opened_with_opens_once():
    """It stands in the list of processes, where other accounts read it."""
    gate = SecurityMiddleware(_inside, token=TOKEN, once="once" * 8)
    first = ask(path=f"/?token={'once' * 8}", gate=gate)
    assert (first.status_code, first.headers["location"]) == (303, "/")
    assert f"mescope={TOKEN}" in first.headers["set-cookie"]
    assert ask(path=f"/?token={'once' * 8}", gate=gate).status_code == 403
    assert ask(path=f"/?token={TOKEN}", gate=gate).status_code == 303
    assert ask(Authorization=f"Bearer {'once' * 8}", gate=gate).status_code == 403


def test_the_address_a_browser_is_opened_with_ends_by_itself(monkeypatch):
    gate = SecurityMiddleware(_inside, token=TOKEN, once="once" * 8)
    now = time.monotonic()
    monkeypatch.setattr("mescope.app.security_middleware.time.monotonic", lambda: now + 121)
    assert ask(path=f"/?token={'once' * 8}", gate=gate).status_code == 403
