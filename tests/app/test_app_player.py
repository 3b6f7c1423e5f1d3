"""Playing, looping, and the timeline, in a real browser."""

from __future__ import annotations

import pytest

pytest.importorskip("selenium", reason="the tests of the page need selenium")
from browsing import TIMELINE, drag
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

pytestmark = pytest.mark.slow
LANES = TIMELINE["ruler"] + TIMELINE["spotting"] + TIMELINE["emotion"] + TIMELINE["region"]
OWN = LANES + TIMELINE["model"]


def watch(page):
    """Write down every frame that is drawn from now on."""
    page.js(
        "const screen = document.querySelector('#screen'); window.drawn = [];"
        "new MutationObserver(() => window.drawn.push(Number(screen.dataset.frame)))"
        ".observe(screen, { attributeFilter: ['data-frame'] })"
    )


def drawn(page):
    return page.js("return window.drawn")


def test_a_mark_is_looped_at_any_speed(page):
    """Nothing outside the mark is shown, and after its end comes its beginning."""
    page.pick(0)
    page.is_at(30)
    watch(page)
    page.press("r")
    page.until(lambda: any(a > b for a, b in zip(drawn(page), drawn(page)[1:], strict=False)))
    assert set(drawn(page)) <= set(range(30, 50))
    assert page.find("#loop").get_attribute("aria-pressed") == "true"
    for speed in ("0.5", "0.25", "0.125", "1"):
        page.press("s")
        assert page.value("#speed") == speed
    page.press("r")
    assert page.find("#loop").get_attribute("aria-pressed") == "false"


def test_it_plays_onward_and_backward(page):
    page.pick(1)
    page.is_at(70)
    watch(page)
    page.press("l")
    page.until(lambda: len(drawn(page)) > 3)
    page.press("j")
    page.until(lambda: drawn(page)[-1] < 70)
    page.press("k")
    seen = drawn(page)
    top = seen.index(max(seen))
    assert seen[:top] == sorted(seen[:top])
    assert seen[top:] == sorted(seen[top:], reverse=True)
    page.press(" ")
    page.until(lambda: page.frame() == 119)  # the end
    page.says(".review button", "Play")


def test_zoom_and_pan_ask_for_what_is_seen(page):
    def asked():
        """Return the frames whose curves were asked for last."""
        return page.js(
            "const all = performance.getEntriesByType('resource').map((e) => new URL(e.name))"
            ".filter((u) => u.searchParams.has('series')); const q = all.at(-1)?.searchParams;"
            "return q ? [Number(q.get('first')), Number(q.get('last'))] : null"
        )

    page.pick(1)
    page.until(lambda: asked() == [0, 119])
    page.press("+", "+", "+")
    page.until(lambda: 0 < asked()[0] < 70 < asked()[1] < 119)
    before = asked()
    line = page.find("#timeline")
    page.js("arguments[0].scrollIntoView({block: 'center'})", line)
    chain = ActionChains(page.driver)
    chain.move_to_element_with_offset(line, 0, 8 - line.size["height"] / 2).click_and_hold()
    chain.move_by_offset(150, 0).release().perform()
    page.until(lambda: asked()[0] < before[0])
    page.press("0")
    page.until(lambda: asked() == [0, 119])


def test_every_coder_has_a_row_to_drag_in(page, desk):
    """Two of one place: bob's own, the lower one, moves; ann's stays where she put it."""
    page.write("#coder", "bob")
    for coder in ("ann", "bob"):
        desk.judge(page.identity, "add", coder=coder, first=90, apex=92, last=99)
    page.until(lambda: len(page.all(".marks button")) == 4)
    drag(page, 95, 100, OWN + 0.75 * TIMELINE["human"])
    page.until(lambda: len({m["first"] for m in page.marks()["annotations"]}) == 2)
    found = {m["coder"]: m for m in page.marks()["annotations"]}
    assert (found["ann"]["first"], found["ann"]["last"]) == (90, 99)
    moved = found["bob"]
    assert moved["first"] > 90
    assert (moved["apex"] - moved["first"], moved["last"] - moved["first"]) == (2, 9)


def test_a_gap_without_a_face_is_marked(page):
    """Frame 5 has none."""
    page.press(Keys.ESCAPE)
    page.until(lambda: page.frame() == 30)
    shades = (
        "const c = document.querySelector('#timeline'), s = c.width / c.clientWidth;"
        "return arguments[0].map((n) => [...c.getContext('2d').getImageData("
        "Math.round((n + 0.5) / 119 * c.width), Math.round(arguments[1] * s), 1, 1).data])"
    )
    gap, face = page.until(lambda: page.js(shades, [5, 8], TIMELINE["ruler"] + 40))
    assert gap != face
