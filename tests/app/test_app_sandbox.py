"""The process for strange files may hang, crash or lie; whoever asked gets one line."""

import os
import pickle
import time

import pytest

from mescope.app.limits import confine
from mescope.app.sandbox import Sandbox, answer_requests
from mescope.errors import VideoError


class Canary:
    """Unpickled, it would leave a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


def behave(connection, memory):
    """Answer as asked; runs in the process."""
    confine(memory)

    def hang():
        time.sleep(600)

    def crash():
        os._exit(3)

    def fail():
        raise VideoError("frame 3 is damaged")

    def bug():
        raise ZeroDivisionError

    def pickled(path):
        connection.send_bytes(pickle.dumps(Canary(path)))
        time.sleep(600)

    def greedy():
        return {"size": len(bytearray(8 << 30))}, b""

    def echo(**values):
        return values, b"body" if values else b""

    handlers = (hang, crash, fail, bug, pickled, greedy, echo)
    answer_requests(connection, {handler.__name__: handler for handler in handlers})


@pytest.fixture(scope="module")
def sandbox():
    one = Sandbox(behave, memory=2 << 30, seconds=60)
    yield one
    one.close()
    with pytest.raises(VideoError, match="closing"):
        one.ask(do="echo")


def test_values_and_bytes_come_back(sandbox):
    assert sandbox.ask(do="echo", n=3, text="ü") == ({"n": 3, "text": "ü"}, b"body")
    assert sandbox.ask(do="echo") == ({}, b"")


def test_a_known_error_keeps_the_process(sandbox):
    sandbox.start()
    before = sandbox.pid
    with pytest.raises(VideoError, match="frame 3 is damaged"):
        sandbox.ask(do="fail")
    assert sandbox.pid == before


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("what", ["crash", "bug"])
def test_a_crash_is_told_and_the_next_request_is_answered(sandbox, what):
    with pytest.raises(VideoError, match="ended unexpectedly"):
        sandbox.ask(do=what)
    assert sandbox.ask(do="echo", again=1)[0] == {"again": 1}


@pytest.mark.skipif(os.name == "nt", reason="POSIX limits")
def test_memory_is_limited(sandbox):
    with pytest.raises(VideoError, match="more memory"):
        sandbox.ask(do="greedy")


def test_what_the_process_sends_is_never_unpickled(sandbox, tmp_path):
    path = tmp_path / "canary"
    with pytest.raises(VideoError, match="ended unexpectedly"):
        sandbox.ask(do="pickled", path=str(path))
    assert not path.exists()


def test_who_gives_no_answer_is_ended():
    sandbox = Sandbox(behave, memory=2 << 30, seconds=60)
    sandbox.start()
    pid = sandbox.pid
    sandbox.ask(do="echo")  # it is up: from here on the time counts
    sandbox._seconds = 0.5
    with pytest.raises(VideoError, match=r"no answer within 0\.5 s"):
        sandbox.ask(do="hang")
    assert sandbox.pid != pid
    sandbox.close()
