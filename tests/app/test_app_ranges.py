"""Range requests as RFC 9110 has them."""

import asyncio
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import Request

from mescope.app.range_response import file_response


def answered(path, header):
    """Return status, Content-Range and body of a request, without a server between."""
    headers = [] if header is None else [(b"range", header)]
    scope = {"type": "http", "method": "GET", "path": "/", "headers": headers}
    sent = []

    async def receive():
        await asyncio.sleep(3600)

    async def send(message):
        sent.append(message)

    async def ask():
        answer = file_response(Request(scope), path, "video/mp4")
        await answer(scope, receive, send)

    asyncio.run(ask())
    start, *bodies = sent
    return (
        start["status"],
        dict(start["headers"]).get(b"content-range"),
        b"".join(b.get("body", b"") for b in bodies),
    )


DATA = bytes(range(100))


@pytest.fixture(scope="module")
def hundred(tmp_path_factory):
    path = tmp_path_factory.mktemp("ranges") / "hundred.mp4"
    path.write_bytes(DATA)
    return path


@pytest.mark.parametrize(
    ("header", "part"),
    [
        (None, None),
        ("bytes=0-0", (0, 0)),
        ("bytes=0-", (0, 99)),
        ("bytes=90-200", (90, 99)),
        ("bytes=-1", (99, 99)),
        ("bytes=-500", (0, 99)),
        ("BYTES= 5-6 ", (5, 6)),
        ("bytes=5-4", None),  # not a valid range: passed over
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("bytes=0x1-2", None),
        ("bytes=1-2,4-5", None),  # several: the whole file
        ("items=0-1", None),
        ("bytes=٣-٤", None),
        ("bytes=" + "9" * 500 + "-", None),
    ],
)
def test_what_is_asked(hundred, header, part):
    status, content_range, body = answered(hundred, header and header.encode())
    if part is None:
        assert (status, content_range, body) == (200, None, DATA)
    else:
        first, last = part
        assert (status, body) == (206, DATA[first : last + 1])
        assert content_range == f"bytes {first}-{last}/100".encode()


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_behind_the_end_cannot_be_satisfied(hundred, header):
    assert answered(hundred, header.encode()) == (416, b"bytes */100", b"")


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=200))
def test_no_header_upsets_it(hundred, text):
    status, _, body = answered(hundred, b"bytes=" + text)
    assert (status, len(body)) == (416, 0) if status == 416 else len(body) > 0
    assert status in (200, 206, 416)


def test_ten_thousand_ranges_take_no_time(hundred):
    header = "bytes=" + ",".join(f"{n}-{n + 1}" for n in range(10_000))
    start = time.process_time()
    assert answered(hundred, header.encode())[0] == 200
    assert time.process_time() - start < 0.05


def test_over_the_network(served, numbers):
    url = f"/api/recordings/{numbers}/file"
    data = (served.folder / "numbers.mp4").read_bytes()
    whole = served.client.get(url)
    assert (whole.status_code, whole.content) == (200, data)
    part = served.client.get(url, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, data[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(data)}"
    behind = served.client.get(url, headers={"Range": f"bytes={len(data)}-"})
    assert (behind.status_code, behind.headers["content-range"]) == (
        416,
        f"bytes */{len(data)}",
    )
    head = served.client.head(url)
    assert (head.content, int(head.headers["content-length"])) == (b"", len(data))
    tag = whole.headers["etag"]
    again = served.client.get(url, headers={"If-None-Match": tag})
    assert again.status_code == 304
    old = served.client.get(url, headers={"Range": "bytes=0-1", "If-Range": '"old"'})
    assert old.status_code == 200
    same = served.client.get(url, headers={"Range": "bytes=0-1", "If-Range": tag})
    assert same.status_code == 206


def test_a_file_of_twenty_gigabytes_needs_no_memory(served):
    """A sparse file stands for it."""
    path = served.folder / "huge.mp4"
    with path.open("wb") as file:
        file.truncate(20_000_000_000)
    identity = served.known("huge.mp4")
    with served.client.stream(
        "GET", f"/api/recordings/{identity}/file", headers={"Range": "bytes=0-"}
    ) as answer:
        assert answer.status_code == 206
        assert int(answer.headers["content-length"]) == 20_000_000_000
        assert next(answer.iter_raw())
    assert served.client.delete(f"/api/recordings/{identity}?file=true").status_code == 204
    assert not path.exists()
