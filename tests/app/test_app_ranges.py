"""Range requests as RFC 9110 has them.  Ecosystem 5.4, W88."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mescope.app.range_response import asked_range


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
        ("bytes=5-4", None),  # no valid range: passed over
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("bytes=0x1-2", None),
        ("bytes=1-2,4-5", None),  # several: the whole file
        ("items=0-1", None),
        ("bytes=٣-٤", None),
        ("bytes=" + "9" * 500 + "-", None),
    ],
)
def test_what_is_asked(header, part):
    assert asked_range(header, 100) == part


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_behind_the_end_cannot_be_satisfied(header):
    with pytest.raises(ValueError, match="end"):
        asked_range(header, 100)


@settings(deadline=None)
@given(st.text(max_size=200), st.integers(0, 1 << 40))
def test_no_header_upsets_it(text, size):
    try:
        part = asked_range(f"bytes={text}", size)
    except ValueError:
        return
    assert part is None or 0 <= part[0] <= part[1] < size


def test_ten_thousand_ranges_take_no_time():
    header = "bytes=" + ",".join(f"{n}-{n + 1}" for n in range(10_000))
    start = time.process_time()
    assert asked_range(header, 20_000_000_000) is None
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
    """W88: a sparse file stands for it."""
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
