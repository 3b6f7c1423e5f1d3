"""The page when things go wrong: the server is killed, an answer is late, there is no face."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest
from app_server import begin, only
from numbered_video import write_numbered

pytest.importorskip("selenium", reason="the tests of the page need selenium")
from browsing import Page
from selenium.webdriver.common.keys import Keys

pytestmark = pytest.mark.slow


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_server_that_is_killed_loses_nothing(browser, tmp_path):
    """Kill -9 in the middle of an analysis, with the page open.

    What was judged before is there; what is judged while no server answers waits in the page
    and is entered once; the analysis goes on, and the page tells when it is done.
    """
    write_numbered(tmp_path / "endless.mp4")
    process, client = begin(tmp_path)
    port = client.base_url.port
    identity = only(client, lambda r: r["frames"])["id"]
    page = Page(browser, SimpleNamespace(client=client), identity)
    page.code_as("ann")
    page.press("i", Keys.ARROW_RIGHT, "o")
    page.until(lambda: page.marks()["annotations"])
    page.click("#job")
    page.says(".head", "analyzing")
    process.kill()
    process.communicate()
    client.close()
    page.says(".marks", "by ann")
    page.click(".marks button")
    page.write("#f-note", "while nobody answered")
    page.says("#saved", "not saved: the server does not answer")
    (tmp_path / ".mescope" / "cache" / identity / "enough").write_text("")
    process, client = begin(tmp_path, port)
    try:
        page.until(lambda: page.text("#saved").startswith("saved"))
        page.says(".head", "to review")
        page.until(lambda: len(page.all(".marks button")) == 3)
        log = client.get(f"/api/recordings/{identity}/history").json()
        assert sorted(e["action"] for e in log) == ["add", "analyzed", "edit"]
        assert [e["values"] for e in log if e["action"] == "edit"] == [
            {"note": "while nobody answered"}
        ]
        browser.get("about:blank")
    finally:
        process.communicate("\n", timeout=60)
        client.close()


def test_a_page_that_was_left_does_not_come_back(page):
    """Its answer arrives when another page is shown already."""
    page.js(
        "const plain = window.fetch; window.fetch = async (a, o) => {"
        f" if (String(a) === 'api/recordings/{page.identity}') "
        "await new Promise((done) => { window.late = done; }); return plain(a, o); }"
    )
    page.js("location.hash = '#/agreement'")
    page.says("h1", "Agreement")
    page.js(f"location.hash = '#/r/{page.identity}'")
    page.until(lambda: page.js("return Boolean(window.late)"))
    page.js("location.hash = '#/agreement'")
    page.says("h1", "Agreement")
    page.js("performance.clearResourceTimings(); window.late()")
    asked = "return performance.getEntriesByType('resource').some((e) => /times/.test(e.name))"
    page.until(lambda: page.js(asked))  # the late one shows itself, to nobody
    assert page.text("h1") == "Agreement"
    assert page.all("#screen") == []


def test_without_a_face_it_is_said(page):
    page.pick(0)
    page.press("v")
    page.says("#said", "No face was found in this frame.")
    page.press("v")
    page.press(Keys.ESCAPE)
    page.says(".pair", "Choose a mark to compare its onset with its apex.")


def test_a_recording_that_is_gone_is_told(page, desk):
    page.press(Keys.ESCAPE)
    page.go("#/r/000000000000")
    page.says("main", "found none such")
    assert page.text("main button") == "Try again"
    (desk.folder / "broken.mp4").write_text("no video")
    page.go(f"#/r/{desk.known('broken.mp4')}")
    page.says("main", "not a supported video")
