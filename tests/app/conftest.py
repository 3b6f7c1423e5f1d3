"""One server for all tests, with a project of small recordings; another one and one Chromium
for all tests of the page."""

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


@pytest.fixture(scope="session")
def desk(tmp_path_factory):
    """A server that only tests of the page use."""
    with serving(tmp_path_factory.mktemp("desk")) as one:
        yield one


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    pytest.importorskip("selenium", reason="the tests of the page need selenium")
    from browsing import CHROMIUM, DRIVER, chromium

    if not (CHROMIUM and DRIVER):
        pytest.skip("needs chromium and chromedriver (Debian packages)")
    with chromium(tmp_path_factory.mktemp("downloads")) as driver:
        yield driver


@pytest.fixture
def page(browser, desk):
    """A fresh copy of an analyzed recording, open in the browser."""
    from browsing import Page, a_name

    opened = Page(browser, desk, desk.known_as_analyzed(a_name("case")))
    opened.code_as("ann")
    return opened
