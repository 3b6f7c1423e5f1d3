"""The page in a real browser: what a coder does with one recording."""

from __future__ import annotations

import pytest
from numbered_video import write_numbered

pytest.importorskip("selenium", reason="the tests of the page need selenium")
from app_server import serving
from browsing import TIMELINE, Page, Window, a_name, drag
from selenium.webdriver.common.keys import Keys

pytestmark = pytest.mark.slow
LANE = sum(TIMELINE[lane] for lane in ("ruler", "spotting", "emotion", "region")) + 13


HEARS_NO_NEWS = (  # until it judges something
    "const plain = window.fetch; let deaf = true; window.fetch = (a, o) => {"
    "deaf &&= o?.method !== 'POST';"
    "return deaf && String(a).endsWith('/rows') ? new Promise(() => {}) : plain(a, o); }"
)


def test_the_frame_shown_is_the_frame_asked_for(page):
    page.pick(0)
    page.is_at(30)
    for key, number in (
        (Keys.ARROW_RIGHT, 31), (Keys.ARROW_RIGHT, 32), (Keys.ARROW_LEFT, 31),
        (Keys.ARROW_DOWN, 61), (Keys.ARROW_UP, 31), ("n", 70), ("p", 30),
    ):  # fmt: skip
        page.press(key)
        page.is_at(number)
    page.says("#where", "frame 30 of 0–119 · 0:01.000")


def test_a_coder_corrects_undoes_comes_back_and_exports(page, desk, tmp_path):
    """Everything is there again after a reload, and in the file that the browser saves."""
    page.pick(0)
    drag(page, 30, 24, LANE)
    page.becomes(first=24)
    page.choose("#f-emotion", "positive")
    page.becomes(emotion="positive", status="confirmed", coder="ann")
    assert page.mark()["original"]["first"] == 30  # what the model said is kept
    page.press("z")
    page.becomes(emotion="surprise", first=24)
    page.open()
    page.says(".marks", "0:00.800 – 0:01.633")
    assert page.value("#coder") == "ann"
    page.choose("#who", "ann")
    page.choose("#format", "CSV table")
    page.click("#export")
    name = next(
        r["name"] for r in desk.client.get("/api/recordings").json() if r["id"] == page.identity
    )
    file = tmp_path / "ann.csv"
    file.write_bytes(page.saved(f"{name.removesuffix('.mp4')}.ann.csv"))
    other = Page(page.driver, desk, desk.add(a_name("copy")))
    other.find("#marks-file").send_keys(str(file))
    other.until(lambda: other.marks()["annotations"])
    found = other.marks()["annotations"]
    assert [(m["first"], m["last"], m["emotion"], m["coder"]) for m in found] == [
        (24, 49, "surprise", "ann")
    ]


def test_a_mark_without_an_apex_is_drawn_in_from_both_ends(page, desk, tmp_path):
    """And a frame that is taken out of its field is left as it was: it is not frame 0."""
    page.code_as("ann")
    desk.judge(page.identity, "add", coder="ann", first=90, apex=None, last=109)
    own = sum(TIMELINE[lane] for lane in ("ruler", "spotting", "emotion", "region", "model"))
    page.until(lambda: len(page.all(".marks button")) == 3)
    drag(page, 90, 95, own + TIMELINE["human"] / 2)
    page.until(lambda: page.marks()["annotations"][0]["first"] == 95)
    page.click(".marks li:nth-child(3) button")
    page.says("#f-first ~ *, .fields", "Onset")
    page.js("""const one = document.querySelector('#f-first');
        one.focus(); one.value = ''; one.dispatchEvent(new Event('input'));
        one.dispatchEvent(new Event('change'));""")
    assert page.value("#f-first") == "95"
    page.choose("#f-emotion", "positive")
    page.until(lambda: page.marks()["annotations"][0]["emotion"] == "positive")
    assert page.marks()["annotations"][0]["first"] == 95


def test_keys_judge_and_a_mark_of_ones_own(page):
    page.pick(1)
    page.is_at(70)
    page.press(Keys.ENTER)
    page.becomes(1, status="confirmed")
    page.press(Keys.BACKSPACE)
    page.becomes(1, status="rejected")
    page.press("3")
    page.becomes(1, emotion="surprise")
    page.press(Keys.ESCAPE)
    page.press("i", Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    page.is_at(72)
    page.press("o")
    page.until(lambda: page.marks()["annotations"])
    own = page.marks()["annotations"][0]
    assert (own["first"], own["last"], own["coder"]) == (70, 72, "ann")


def test_without_initials_nothing_is_judged(page):
    page.code_as("")
    page.pick(0)
    page.press(Keys.ENTER)
    page.says("#said", "initials")
    assert page.mark()["status"] == "proposed"


def test_two_windows_lose_no_edit(page, desk):
    """The later one is told what the other did, and may do its own on top."""
    page.pick(0)
    page.js(HEARS_NO_NEWS)
    desk.judge(page.identity, "edit", page.mark()["id"], coder="bob", note="seen twice")
    page.press(Keys.BACKSPACE)
    page.says("#ask", "Another window changed")
    page.click("#ask-yes")
    page.becomes(status="rejected")
    assert page.mark()["note"] == "seen twice"


def test_who_edits_another_mark_is_told_but_not_asked(page, desk):
    """Both edits count; only a mark that was itself changed is a question."""
    page.pick(0)
    page.js(HEARS_NO_NEWS)
    desk.judge(page.identity, "reject", page.mark(1)["id"], coder="bob")
    page.press(Keys.ENTER)
    page.says("#said", "Yours is entered as well.")
    page.becomes(status="confirmed", coder="ann")
    assert (page.mark(1)["status"], page.mark(1)["coder"]) == ("rejected", "bob")
    assert not page.shows("#ask")


def test_news_take_nothing_from_who_is_typing(page, desk):
    """What another window does appears; neither the words nor the place in them are lost."""
    page.pick(0)
    page.find("#f-note").send_keys("half a sent")
    desk.judge(page.identity, "edit", page.mark()["id"], coder="bob", emotion="fear")
    page.until(lambda: page.value("#f-emotion") == "fear")
    page.driver.switch_to.active_element.send_keys("ence", Keys.TAB)
    page.becomes(note="half a sentence", emotion="fear")


def test_names_are_text_never_markup(page, desk):
    """What a stranger wrote is shown, not run."""
    note = "<img src=x onerror=\"document.title='taken'\">"
    desk.judge(page.identity, "edit", page.mark()["id"], coder="<b>eve</b>", note=note)
    page.open()
    page.pick(0)
    page.until(lambda: page.value("#f-note") == note)
    assert "taken" not in page.driver.title


def test_what_it_must_not_be_used_for_is_said_once(page):
    """Shown until somebody has read it."""
    page.js("localStorage.removeItem('mescope.use')")
    page.open()
    page.until(lambda: page.shows("#use"))
    assert "no lie detector" in page.text("#use")
    page.click("#use button")
    page.open()
    assert not page.shows("#use")


def test_nothing_leaves_the_server(page):
    page.driver.get_log("browser")  # what earlier pages said
    page.open()
    page.pick(0)
    page.is_at(30)
    page.until(lambda: page.find(".pair img").get_attribute("src"))
    asked = page.js(
        "return performance.getEntriesByType('resource').map(e => new URL(e.name).origin)"
    )
    assert set(asked) == {page.base}
    severe = [e for e in page.driver.get_log("browser") if e["level"] == "SEVERE"]
    assert [e for e in severe if page.base in e["message"]] == []


def test_a_recording_is_sent_analyzed_and_opened(browser, desk, tmp_path):
    """From a file of her own to its first proposal, by hand."""
    name = a_name("sent")
    window = Window(browser, desk.client.base_url)
    window.go("#/")
    file = write_numbered(tmp_path / name, first=7)  # another content than those that are there
    window.until(lambda: window.find("#files")).send_keys(str(file))
    item = f"//li[.//h2[contains(., '{name}')]]"
    window.click_at(f"{item}//button[text()='Analyze']")
    window.until(lambda: "to review" in window.at(item).text)
    window.click_at(f"{item}//a[text()='Review']")
    window.until(lambda: len(window.all(".marks button")) == 2)


def test_the_list_keeps_the_place_of_the_keyboard(browser, desk):
    """An analysis that begins, moves and ends changes a card, it does not replace it."""
    name = a_name("case")
    identity = desk.add(name)
    window = Window(browser, desk.client.base_url)
    window.go("#/")
    button = window.until(lambda: window.find(f"[data-id='{identity}'] button"))
    button.click()
    window.says(f"[data-id='{identity}']", "to review")
    assert button.text == "Analyze again"
    assert window.js("return document.activeElement === arguments[0]", button)


def test_agreement_says_whose_marks_are_alone(page, desk):
    """The model proposes two marks, of which zoe confirms one and rejects the other."""
    zoe = a_name("zoe", "")
    desk.judge(page.identity, "confirm", page.mark(0)["id"], coder=zoe)
    desk.judge(page.identity, "reject", page.mark(1)["id"], coder=zoe)
    page.go("#/agreement")
    page.choose("#one", zoe)
    page.choose("#other", "model")
    page.says("thead", f"only {zoe}")
    page.says("thead", "only model")
    own = '[aria-label="Agreement"] tbody tr'
    rows = page.until(lambda: [row.text for row in page.all(own)])
    assert len(rows) == 2  # hers, and all together
    assert rows[0].split()[-3:] == ["1", "0", "1"]


def test_the_next_recording_that_waits_is_a_click_away(page, desk):
    desk.known_as_analyzed(a_name("waits"))
    page.open()
    page.click("#next")
    page.until(lambda: page.identity not in page.js("return location.hash"))
    page.says(".head", "to review")
    desk.judge(page.identity, "reviewed")
    page.open()
    page.says(".head", "reviewed")
    page.says(".head button", "Reviewed ✓")


def test_from_another_machine_over_plain_http(browser, tmp_path):
    """With a token, and without what a browser gives only to safe pages."""
    secret = "a-token-of-many-letters"
    with serving(tmp_path, hosts=("other.test",), token=secret) as one:
        one.client.headers["Authorization"] = f"Bearer {secret}"
        base = f"http://other.test:{one.client.base_url.port}"
        browser.get(f"{base}/?token={secret}")
        page = Page(browser, one, one.known_as_analyzed("there.mp4"), base)
        assert not page.js("return window.isSecureContext")
        assert secret not in browser.current_url
        page.code_as("ann")
        page.pick(0)
        page.press("7")
        page.becomes(status="confirmed", coder="ann")
