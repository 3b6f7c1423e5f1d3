"""The page of a recording with events, candidates, a second trace and what was not judged."""

import pytest

pytest.importorskip("selenium", reason="the tests of the page need selenium")
from browsing import Page, a_name
from full_analysis import EVENTS, FLOOR, full
from selenium.webdriver.common.keys import Keys

pytestmark = pytest.mark.slow
MOVE = (
    "const slider = document.getElementById('floor'); slider.value = arguments[0];"
    "slider.dispatchEvent(new Event('input'))"
)
COLOUR = """
const line = document.querySelector('#timeline');
const { data } = line.getContext('2d').getImageData(0, 0, line.width, line.height);
const name = getComputedStyle(document.documentElement).getPropertyValue(arguments[0]).trim();
const [r, g, b] = [1, 3, 5].map((i) => parseInt(name.slice(i, i + 2), 16));
let pixels = 0;
for (let i = 0; i < data.length; i += 4) {
  if (data[i] === r && data[i + 1] === g && data[i + 2] === b) pixels += 1;
}
return pixels;
"""
POINT = """
const line = document.querySelector('#timeline'), box = line.getBoundingClientRect();
const at = { clientX: box.left + box.width * arguments[0] / 119, clientY: box.top + 40 };
line.dispatchEvent(new PointerEvent('pointermove', at));
return line.title;
"""


@pytest.fixture
def page(browser, desk):
    opened = Page(browser, desk, desk.known_as_analyzed(a_name("full"), full))
    opened.code_as("ann")
    opened.until(lambda: len(opened.all(".marks button")) == 2)
    return opened


def rows(page):
    return [row.get_attribute("data-mark") for row in page.all(".marks button")]


def test_the_first_mark_is_chosen_so_the_next_is_a_key_away(page):
    page.is_at(30)
    page.until(lambda: page.shows("#f-first"))
    page.press("n")
    page.is_at(70)
    page.press("p")
    page.is_at(30)


def test_the_floor_brings_candidates_in_and_takes_proposals_out(page):
    page.js(MOVE, "0.3")
    page.until(lambda: len(page.all(".marks button")) == 3)
    assert "c1" in rows(page)
    page.js(MOVE, "0.75")  # the second detection scores 0.6
    page.until(lambda: len(page.all(".marks button")) == 1)
    page.click("#floor-back")
    page.until(lambda: len(page.all(".marks button")) == 2)
    page.says("#floor-now", f"{FLOOR:.2f}")


def test_what_a_person_judged_stays_whatever_the_floor(page):
    page.pick(1)
    page.press(Keys.ENTER)
    page.becomes(1, status="confirmed")
    page.js(MOVE, "0.95")
    page.until(lambda: len(page.all(".marks button")) == 1)
    assert rows(page) == [page.mark(1)["id"]]


def test_marks_below_the_chosen_score_are_not_said_to_be_missing(page):
    page.js(MOVE, "1")
    page.until(lambda: not page.all(".marks button"))
    words = page.text("[aria-label='Marks and judgement']")
    assert "2 marks are there, but not shown" in words
    assert "No marks yet" not in words


def test_nothing_to_undo_leaves_nothing_unsaved(page):
    page.press("z")
    page.says("#errors", "did nothing here that could be undone")
    assert page.text("#saved") == ""


def test_a_candidate_is_no_mark_until_somebody_makes_one_of_it(page):
    page.js(MOVE, "0.3")
    page.until(lambda: "c1" in rows(page))
    page.click("[data-mark='c1']")
    page.is_at(10)
    page.says("[aria-label='Marks and judgement']", "Movement below the usual score")
    page.press(Keys.BACKSPACE)
    page.says("#said", "no mark yet")
    assert page.marks()["annotations"] == []
    page.press(Keys.ENTER)
    page.until(lambda: page.marks()["annotations"])
    (own,) = page.marks()["annotations"]
    assert (own["first"], own["apex"], own["last"], own["coder"]) == (10, 14, 18, "ann")
    assert own["emotion"] is None  # the model's guess is not the coder's


def test_a_movement_that_is_a_blink_is_never_called_an_expression(page):
    page.click("#show-explained")
    page.until(lambda: "c2" in rows(page))
    words = page.find("[data-mark='c2']").text
    assert "mostly a blink" in words
    assert "positive" not in words


def test_events_have_rows_that_can_be_taken_away(page):
    page.until(lambda: page.js(COLOUR, "--blink") > 0)
    assert page.js(COLOUR, "--speech") > 0
    page.click("#show-blink")
    # a canvas that was given its size anew is empty until it is painted
    page.until(lambda: page.js(COLOUR, "--blink") == 0 < page.js(COLOUR, "--speech"))
    assert page.js(COLOUR, "--head") == 0


def test_the_pointer_tells_why_a_stretch_could_not_be_judged(page):
    assert "the head turned away" in page.js(POINT, 90)
    assert page.js(POINT, 75) == ""


def test_a_detection_says_how_to_tell_that_it_is_wrong(page):
    page.pick(0)
    page.until(lambda: page.all(".checks li"))
    first = page.all(".checks li")[0]
    assert first.text.startswith("! Are the eyes shut?")
    assert "doubt" in first.get_attribute("class")


def test_a_mark_loops_at_a_quarter_of_its_speed(page):
    page.pick(1)
    page.click("#slow-loop")
    page.until(lambda: page.value("#speed") == "0.25")
    page.until(lambda: page.frame() == 80)
    page.until(lambda: page.frame() < 75)
    assert page.find("#loop").get_attribute("aria-pressed") == "true"
    page.press("k")


def test_regions_have_names_for_people(page):
    page.until(lambda: page.all("#region option"))
    assert [o.text for o in page.all("#region option")] == [
        "right inner brow",
        "right mouth corner",
    ]


def test_exports_hold_the_events(page):
    url = f"/api/recordings/{page.identity}/export"
    text = page.client.get(url, params={"format": "elan", "who": "model"}).text
    assert text.count(">AU45<") == 2
    assert "EVENT-speech@0#model" in text
    document = page.client.get(url, params={"format": "json"}).json()
    assert [e["kind"] for e in document["events"]] == [e.kind for e in EVENTS]


# -- what was broken


def test_own_marks_do_not_break_the_timeline(page):
    """I, O, then an emotion or an apex: the mark is changed and has no original."""
    page.driver.get_log("browser")
    page.press(Keys.ESCAPE)
    page.press("i", Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    page.is_at(32)
    page.press("o")
    page.until(lambda: page.marks()["annotations"])
    page.press("2")
    page.until(lambda: page.marks()["annotations"][0]["emotion"])
    page.press("a")
    page.until(lambda: page.marks()["annotations"][0]["apex"] == 32)
    page.open()
    page.until(lambda: len(page.all(".marks button")) == 3)
    page.until(lambda: page.js(COLOUR, "--blink") > 0)
    severe = [e["message"] for e in page.driver.get_log("browser") if e["level"] == "SEVERE"]
    assert severe == []


def test_an_apex_between_onset_and_offset_is_kept(page):
    page.press(Keys.ESCAPE)
    page.press("i", Keys.ARROW_RIGHT)
    page.is_at(31)
    page.press("a", Keys.ARROW_RIGHT)
    page.is_at(32)
    page.press("o")
    page.until(lambda: page.marks()["annotations"])
    (own,) = page.marks()["annotations"]
    assert (own["first"], own["apex"], own["last"]) == (30, 31, 32)


def test_an_apex_outside_is_left_out_with_a_word(page):
    page.press(Keys.ESCAPE)
    page.press("i", Keys.ARROW_RIGHT)
    page.is_at(31)
    page.press("a", Keys.ARROW_LEFT, Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    page.is_at(28)
    page.press("o")
    page.says("#said", "frame 31, lies outside frames 28 to 30")
    page.until(lambda: page.marks()["annotations"])
    assert page.marks()["annotations"][0]["apex"] is None


def test_enter_confirms_the_mark_that_was_clicked_in_the_list(page):
    page.pick(1)
    page.driver.switch_to.active_element.send_keys(Keys.ENTER)
    page.becomes(1, status="confirmed")
