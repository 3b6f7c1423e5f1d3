"""Clients that hold on and do not get on: the others are served all the same."""

import socket
import threading
import time
from contextlib import ExitStack

import pytest
from app_server import serving

from mescope.app.connections import Patience

QUICK = Patience(headers=0.8, silence=0.8, least_rate=2000)


@pytest.fixture(scope="module")
def hasty(tmp_path_factory):
    """A server with little patience."""
    with serving(tmp_path_factory.mktemp("hasty"), patience=QUICK) as one:
        yield one


def connect(one):
    line = socket.create_connection(("127.0.0.1", one.client.base_url.port))
    line.settimeout(10)
    return line


def ends(line):
    """Say whether the server lets go of a connection."""
    try:
        while line.recv(1 << 16):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


def test_three_hundred_that_ask_nothing_keep_nobody_out(served):
    """M5: it took no token to have everybody get 503."""
    with ExitStack() as stack:
        for number in range(300):
            line = stack.enter_context(connect(served))
            line.sendall(b"GET /api/project HTTP/1.1\r\nHost: 127.0.0.1\r\n"[: number % 40])
        for _ in range(20):
            assert served.client.get("/api/project").status_code == 200


@pytest.mark.parametrize("said", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-"])
def test_headers_that_do_not_end_are_let_go(hasty, said):
    with connect(hasty) as line:
        line.sendall(said)
        assert ends(line)


def test_headers_that_trickle_are_let_go(hasty):
    """A byte now and then is no reason to wait for the rest."""
    with connect(hasty) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        gone = threading.Event()

        def trickle():
            try:
                while not gone.wait(0.1):
                    line.sendall(b"X-a: b\r\n")
            except OSError:
                gone.set()

        thread = threading.Thread(target=trickle)
        thread.start()
        assert ends(line)
        gone.set()
        thread.join()


@pytest.mark.parametrize("rate", [0, 200])
@pytest.mark.parametrize("path", ["/api/recordings", "/api/nowhere"])
def test_a_body_that_trickles_is_let_go(hasty, rate, path):
    """Also after the answer was given, and also if it never quite stops."""
    with connect(hasty) as line:
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Name: a.mp4\r\n"
        line.sendall(head.encode() + b"Content-Length: 100000\r\n\r\nx")
        gone = threading.Event()

        def trickle():
            try:
                while rate and not gone.wait(0.1):
                    line.sendall(b"x" * (rate // 10))
            except OSError:
                gone.set()

        thread = threading.Thread(target=trickle)
        thread.start()
        assert ends(line)
        gone.set()
        thread.join()
    end = time.monotonic() + 10
    while list((hasty.project.home / "incoming").iterdir()):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_an_answer_that_nobody_reads_is_let_go(hasty):
    (hasty.folder / "long.mp4").write_bytes(b"x" * (64 << 20))
    identity = hasty.known("long.mp4")
    with connect(hasty) as line:
        line.sendall(
            f"GET /api/recordings/{identity}/file HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        )
        time.sleep(2.5)
        received = 0
        try:
            while data := line.recv(1 << 20):
                received += len(data)
        except ConnectionError:
            pass
    assert received < 64 << 20


def test_who_gets_on_is_waited_for(hasty):
    """A stream of news, and an upload that is slow but steady, outlast every patience."""
    with hasty.client.stream("GET", "/api/progress") as news:
        lines = news.iter_lines()
        assert next(lines).startswith("retry")
        with connect(hasty) as line:
            head = "POST /api/recordings HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Name: slow.mp4\r\n"
            line.sendall(head.encode() + b"Content-Length: 100000\r\n\r\n")
            for _ in range(20):
                line.sendall(b"x" * 5000)
                time.sleep(0.1)
            assert b" 201 " in line.recv(100)
        hasty.project.troubles.tell("test", "still there")
        assert any("still there" in text for text in lines)
    hasty.project.troubles.tell("test", None)
