"""The list of recordings in a real browser: adding, finding, queueing."""

from __future__ import annotations

import pytest
from app_server import LIMITS, serving
from numbered_video import write_numbered

pytest.importorskip("selenium", reason="the tests of the page need selenium")
from browsing import Window

pytestmark = pytest.mark.slow


@pytest.fixture
def shelf(browser, tmp_path):
    """The list of a project of its own, and its server."""
    folder = tmp_path / "study"
    folder.mkdir()
    with serving(folder) as one:
        window = Window(browser, one.client.base_url)
        window.go("#/")
        window.until(lambda: window.find("#files"))
        yield window, one
        window.driver.get("about:blank")


def listed(window):
    """Return the names in the list that are to be seen."""
    return window.js(
        "return [...document.querySelectorAll('.recording')].filter((e) => !e.hidden)"
        ".map((e) => e.querySelector('h2').textContent)"
    )


def test_an_empty_project_says_what_to_do(shelf):
    window, _ = shelf
    window.says(".recordings", "No recordings yet. Drop videos above")
    assert not window.shows("#every")


def test_a_folder_comes_with_its_folders(shelf, tmp_path):
    window, _ = shelf
    for name in ("day 1/a.mp4", "day 2/a.mp4", "day 2/.b.mp4"):
        write_numbered(tmp_path / "S01" / name, 3 + len(name), first=int(name[4]))
    (tmp_path / "S01" / "notes.txt").write_text("x")
    window.find("#folder").send_keys(str(tmp_path / "S01"))
    window.until(lambda: listed(window) == ["S01/day 1/a.mp4", "S01/day 2/a.mp4"])


def test_what_is_dropped_is_sent_and_what_is_no_video_is_told(shelf):
    """Also when it is broken: the list says so, and nothing else suffers."""
    window, _ = shelf
    window.js(
        "const held = new DataTransfer();"
        "held.items.add(new File(['no video'], 'broken.mp4'));"
        "held.items.add(new File(['words'], 'notes.txt'));"
        "document.querySelector('.drop').dispatchEvent("
        "new DragEvent('drop', { dataTransfer: held, bubbles: true, cancelable: true }))"
    )
    window.until(lambda: listed(window) == ["broken.mp4"])
    window.says(".recording", "not a supported video")
    window.says(".recording", "failed")
    assert window.text(".recording button") == "Try again"


def test_what_is_too_large_is_not_even_sent(shelf, tmp_path):
    window, one = shelf
    path = tmp_path / "large.mp4"
    with path.open("wb") as file:
        file.truncate(LIMITS.upload_bytes + 1)
    window.find("#files").send_keys(str(path))
    window.says("#said", "1 file of more than 2 MB")
    assert one.client.get("/api/recordings").json() == []


def test_by_path_found_by_name_and_analyzed_at_once(shelf):
    """Two are queued with one button and taken out with another; a third is found by a word."""
    window, one = shelf
    for name in ("S01/endless-1.mp4", "S01/endless-2.mp4", "S02/other.mp4"):
        write_numbered(one.folder / name, 5)
    window.write("#path", "../outside.mp4")
    window.click(".drop form button")
    window.says("#said", "leads out of the project folder")
    window.write("#path", "S01")
    window.click(".drop form button")
    window.until(lambda: listed(window) == ["S01/endless-1.mp4", "S01/endless-2.mp4"])
    window.says("#every", "Analyze all new (2)")
    window.click("#every")
    window.says("#none", "Cancel all (2)")
    window.says(".recording", "analyzing")
    window.until(
        lambda: window.js(
            "return document.querySelector('.recording progress:not([hidden])').value"
        )
    )
    window.click("#none")
    window.says("#every", "Analyze all new (2)")
    one.add("S02/other.mp4", 5)
    window.until(lambda: len(listed(window)) == 3)
    window.write("#filter", "OTHER")
    assert listed(window) == ["S02/other.mp4"]
    window.choose("#which", "reviewed")
    window.says(".recordings", "No recording fits the filter.")
