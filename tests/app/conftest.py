"""One server for all tests, with a project of small recordings."""

import pytest
from app_server import serving
from numbered_video import write_numbered


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    write_numbered(folder / "numbers.mp4")
    with serving(folder) as one:
        yield one


@pytest.fixture(scope="session")
def numbers(served):
    """Return the id of a recording of 120 frames at 30 per second."""
    return served.known("numbers.mp4")


@pytest.fixture(scope="session")
def _analyzed(served):
    return served.analyzed("analyzed.mp4")


@pytest.fixture
def analyzed(served, _analyzed):
    """Return the id of an analyzed recording, without judgements."""
    for event in served.project.store.events(_analyzed):
        if event.action != "analyzed":
            served.project.store._run("DELETE FROM events WHERE seq = ?", event.seq)
    served.project.review._known.clear()
    return _analyzed
