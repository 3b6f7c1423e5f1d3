"""Very many marks in a real browser: each is reached, judged, found again, and counted."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("selenium", reason="the tests of the page need selenium")
from browsing import Page
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from mescope.app.downsampling import pack
from mescope.app.review_mark import detection

pytestmark = pytest.mark.slow

FRAMES = 3_000
FAINT = 50
REST = ".marks + p"
QUICK = """
const plain = window.fetch;
window.fetch = (a, o) => String(a).includes('/frames/') ? new Promise(() => {}) : plain(a, o);
document.querySelector('.marks').style.display = arguments[0];
"""
WALK = """
const [key, steps] = arguments, list = document.querySelector('.marks'), seen = [];
const current = () => list.querySelector('[aria-current=true]').dataset.mark;
for (let k = 0, last = current(); k < steps; k++) {
  document.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
  if (current() === last) break;
  seen.push(last = current());
}
return seen;
"""
SPANS = """
const [tries, done] = arguments, draw = (n) => Math.floor(Math.random() * n), wrong = [];
import('/spans.js').then(({ Spans }) => {
  for (let k = 0; k < tries; k++) {
    const marks = Array.from({ length: draw(40) }, () => draw(100)).sort((a, b) => a - b)
      .map((first) => ({ first, last: first + draw(draw(5) ? 8 : 90) }));
    const from = draw(110) - 5.5, to = from + draw(30);
    const found = new Spans(marks).touching(from, to);
    const missing = marks.filter((m) => m.first <= to && m.last >= from && !found.includes(m));
    if (missing.length || found.some((m) => m.first > to + 1)) wrong.push([marks, from, to]);
  }
  done(wrong);
});
"""


@pytest.fixture(scope="module")
def crowd(desk):
    """Return the id of a recording with a mark in every frame, and some below the floor."""
    identity, last = desk.add("crowd.mp4", FRAMES), FRAMES - 1
    marks = [
        detection(
            n, n, min(n + 2, last), min(n + 4, last), emotion="surprise",
            confidence=0.5 + n % 50 / 100,
            evidence={"sentence": f"Why frame {n}.", "checks": []},
        ).to_json()
        for n in range(FRAMES)
    ]  # fmt: skip
    faint = [
        {"id": f"c{n}", "onset": 10 * n, "apex": 10 * n + 1, "offset": 10 * n + 2,
         "onset_s": n / 3, "apex_s": n / 3, "offset_s": n / 3, "kind": "micro",
         "emotion": "fear", "score": 0.45, "explained_by": None}
        for n in range(FAINT)
    ]  # fmt: skip
    frames = np.arange(FRAMES)
    traces = pack(frames, frames / 30, {"spotting": np.zeros(FRAMES, np.float32)})
    (desk.project.home / "analyses" / "crowd.npz").write_bytes(traces)
    document = {"marks": marks, "provenance": {}, "floor": 0.5, "candidates": faint}
    desk.project.store.add_analysis(identity, document, "crowd.npz")
    desk.project.store.add_event(identity, None, "", "analyzed")
    return identity


@pytest.fixture
def page(browser, desk, crowd):
    opened = Page(browser, desk, crowd)
    opened.code_as("ann")
    return opened


def go_to(page, share):
    """Go to a place of the recording by a click on the timeline; return the frame."""
    line, before = page.find("#timeline"), page.frame()
    page.js("arguments[0].scrollIntoView({block: 'center'})", line)
    x, y = (share - 0.5) * line.size["width"], 60 - line.size["height"] / 2
    ActionChains(page.driver).move_to_element_with_offset(line, x, y).click().perform()
    page.until(lambda: page.frame() != before)
    return page.frame()


def floor(page, value):
    page.js(
        "const one = document.querySelector('#floor'); one.value = arguments[0];"
        "one.dispatchEvent(new Event('input'))", str(value),
    )  # fmt: skip


def test_every_one_is_reached_and_counted(page):
    """Forward and back, one after the other; only some of them are in the list at a time."""
    page.says(REST, f"300 of {FRAMES} marks")
    there = [mark["id"] for mark in page.marks()["detections"]]
    assert page.find(".marks [aria-current=true]").get_attribute("data-mark") == there[0]
    page.js(QUICK, "none")  # no pictures, and without the layout of the list a step takes 1 ms
    for key, wanted in (("n", there[1:]), ("p", there[-2::-1])):
        seen = []
        while more := page.js(WALK, key, 100):
            seen += more
        assert seen == wanted
    page.js(QUICK, "")
    page.says("section:has(.marks)", "Why frame 0.")
    assert len(page.all(".marks button")) == 300


def test_wherever_it_is_it_is_judged_and_found_again(page, desk):
    """Also what is told only of those that somebody looks at, and what others did meanwhile."""
    frame = go_to(page, 0.5) + 1
    page.press("n")
    page.until(lambda: page.value("#f-first") == str(frame))
    page.says("section:has(.marks)", f"Why frame {frame}.")
    page.press(Keys.ENTER)
    page.becomes(frame, status="confirmed", coder="ann")
    page.write("#f-note", "seen")
    page.becomes(frame, note="seen")
    page.press("3")
    page.becomes(frame, emotion=desk.client.get("/api/project").json()["emotions"][2])
    page.press("z")
    page.becomes(frame, emotion="surprise", note="seen", status="confirmed")
    far = go_to(page, 0.9) + 1
    assert desk.judge(page.identity, "edit", page.mark(far)["id"], coder="bob", note="his")
    page.press("n")
    page.until(lambda: page.value("#f-note") == "his")
    page.press(Keys.ESCAPE, "i", Keys.ARROW_RIGHT, "o")
    page.until(lambda: page.marks()["annotations"])
    page.says(REST, f"300 of {FRAMES + 1} marks")
    page.open()
    page.says(REST, f"300 of {FRAMES + 1} marks")
    page.press("n", "p")
    (own,) = page.marks()["annotations"]
    assert desk.judge(page.identity, "remove", own["id"]).status_code == 200
    page.says(REST, f"300 of {FRAMES} marks")
    go_to(page, 0.5)
    page.press("n")
    page.until(lambda: page.value("#f-note") == "seen")


def test_the_floor_counts_them_all(page):
    page.says(REST, f"of {FRAMES} marks")
    floor(page, 0.4)
    page.says(REST, f"of {FRAMES + FAINT} marks")
    floor(page, 0.7)
    left = sum(
        mark["confidence"] >= 0.7 - 5e-5 or mark["status"] != "proposed"
        for mark in page.marks()["detections"]
    )
    assert left < FRAMES
    page.says(REST, f"of {left} marks")
    floor(page, 0.5)
    page.says(REST, f"of {FRAMES} marks")


def test_what_a_stretch_touches_is_what_a_look_at_each_says(page):
    assert page.driver.execute_async_script(SPANS, 500) == []
