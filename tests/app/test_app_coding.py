"""Coding in a real browser: by keys alone, in every order, none lost and none late."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("selenium", reason="the tests of the page need selenium")
from app_server import serving
from browsing import Page, Window
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from mescope.app.scheme import usual

pytestmark = pytest.mark.slow

TIERS = [
    {
        "name": "Gaze",
        "codes": [{"name": "away", "key": "f"}, {"name": "down", "key": "d"}],
        "modifiers": [{"name": "head", "values": [{"name": "turned", "key": "y"}]}],
    },
    {"name": "Hands", "kind": "point", "codes": [{"name": "touch", "key": "m"}]},
]
LAST = 119


@pytest.fixture(scope="module")
def study(browser, tmp_path_factory):
    """A project with a scheme of two tiers, and one page of it."""
    with serving(tmp_path_factory.mktemp("study")) as one:
        scheme = usual().to_json() | {"tiers": TIERS, "name": "study"}
        assert one.client.put("/api/scheme", json=scheme).status_code == 200
        page = Page(browser, one, one.known_as_analyzed("1.mp4"))
        page.code_as("ann")
        yield one, page
        browser.get("about:blank")


@pytest.fixture
def empty(study):
    """The page of the recording as if nobody had judged anything yet."""
    one, page = study
    one.project.store._run("DELETE FROM events WHERE action != 'analyzed'")
    one.project.review._known.clear()
    one.project.review.pages.forget(page.identity)
    page.open()
    return page


def codes(page):
    return page.client.get(f"/api/recordings/{page.identity}/codes").json()["codes"]


def settled(page, there):
    """Wait until the server has it and nothing of the page is on its way any more."""
    page.until(there)
    page.until(lambda: page.text("#saved").startswith("saved"))
    page.until(lambda: page.js(SEEN) == page.marks()["revision"])


SEEN = "return Number(document.querySelector('#saved').dataset.revision)"


def typed(page, text):
    """Press keys one after the other, without waiting for anything: in one go."""
    page.js("document.activeElement?.blur()")
    ActionChains(page.driver, duration=0).send_keys(text).perform()


def test_a_days_work_200_marks_by_keys_alone(empty):
    """As fast as keys come; every mark has its frames, apex and emotion, no other changes."""
    page = empty
    typed(page, Keys.ESCAPE + Keys.ARROW_UP * 2)
    page.is_at(0)
    right, expected, coded = Keys.ARROW_RIGHT, [], []
    frame, stream = 0, []
    for number in range(100):
        if frame > LAST - 4:
            stream.append(Keys.ESCAPE + Keys.ARROW_UP * 4)
            frame = 0
        # an expression with onset, apex, offset and emotion, at once after each other
        stream.append("i" + right + "a" + right + "o" + str(1 + number % 9))
        expected.append((frame, frame + 1, frame + 2, 1 + number % 9))
        # a state from one press to the next, with a modifier while it lasts, and a point
        stream.append("f" + ("y" if number % 2 else "") + right + "f")
        coded.append(("away", frame + 2, frame + 3, {"head": "turned"} if number % 2 else {}))
        frame += 3
        if number % 10 == 9:
            stream.append("m")
            coded.append(("touch", frame, frame, {}))
    for part in range(0, len(stream), 8):
        typed(page, "".join(stream[part : part + 8]))
    settled(page, lambda: len(page.marks()["annotations"]) == 100 and len(codes(page)) == 110)
    words = [one["name"] for one in page.client.get("/api/scheme").json()["emotions"]]
    found = page.marks()["annotations"]
    order = lambda row: tuple(map(str, row))  # noqa: E731
    assert sorted(
        ((m["first"], m["apex"], m["last"], m["emotion"]) for m in found), key=order
    ) == (sorted(((*frames, words[digit - 1]) for *frames, digit in expected), key=order))
    own = [(c["code"], c["first"], c["last"], c["modifiers"]) for c in codes(page)]
    assert sorted(own, key=order) == sorted(coded, key=order)
    assert [d["status"] for d in page.marks()["detections"]] == ["proposed", "proposed"]


def test_while_it_plays_a_key_marks_what_is_seen_as_long_as_it_is_down(empty):
    """The frames are those that were on the screen when the keys went down and came up."""
    page = empty
    page.js(
        "window.keysSeen = []; for (const name of ['keydown', 'keyup'])"
        " document.addEventListener(name, (e) => { if (!e.repeat && 'fe'.includes(e.key))"
        " keysSeen.push([e.key, name,"
        " Number(document.querySelector('#screen').dataset.frame)]); }, true)"
    )
    page.choose("#speed", "1/8 speed")
    typed(page, Keys.ESCAPE + Keys.ARROW_UP * 2)
    page.is_at(0)
    typed(page, "l")
    page.until(lambda: page.frame() > 2)
    for key in "fe":
        ActionChains(page.driver, duration=0).key_down(key).perform()
        begun = page.frame()
        page.until(lambda begun=begun: page.frame() > begun + 1)
        ActionChains(page.driver, duration=0).key_up(key).perform()
    typed(page, "k")
    settled(page, lambda: page.marks()["annotations"] and codes(page))
    (gaze,), (own,) = codes(page), page.marks()["annotations"]
    seen = page.js("return keysSeen")
    assert [(key, what) for key, what, _ in seen] == [
        ("f", "keydown"), ("f", "keyup"), ("e", "keydown"), ("e", "keyup"),
    ]  # fmt: skip
    frames = [frame for *_, frame in seen]
    assert [gaze["first"], gaze["last"], own["first"], own["last"]] == frames
    assert gaze["first"] < gaze["last"] < own["last"]


def test_own_marks_never_break_the_page(empty):
    """Emotion, action units and an undo of a mark without original; also after a reload."""
    page = empty
    typed(page, Keys.ESCAPE + "i" + Keys.ARROW_RIGHT + "o2")
    settled(page, lambda: [m["emotion"] for m in page.marks()["annotations"]] == ["positive"])
    page.write("#f-units", "L12B+4")
    settled(page, lambda: page.marks()["annotations"][0]["action_units"] == ["L12B", "4"])
    typed(page, "az")
    settled(page, lambda: page.marks()["revision"] == 6)
    page.open()
    assert len(page.all(".marks button")) == 3
    said = [e["message"] for e in page.driver.get_log("browser") if e["level"] == "SEVERE"]
    assert [text for text in said if page.base in text and "409" not in text] == []
    assert page.marks()["annotations"][0]["apex"] is None


def test_keys_do_what_they_say_in_every_order_and_focus(empty):
    page = empty
    assert page.all(".marks [aria-current='true']")  # the first mark is chosen at once
    typed(page, "n")
    page.is_at(70)
    typed(page, "p")
    page.is_at(30)
    # a button that a mouse pressed does not take the next Enter
    page.click("#loop")
    page.click("#loop")
    ActionChains(page.driver).send_keys(Keys.ENTER).perform()
    page.becomes(status="confirmed")
    page.pick(1)
    ActionChains(page.driver).send_keys(Keys.ENTER).perform()
    page.becomes(1, status="confirmed")
    # an apex outside is told, and stays to be read
    typed(page, Keys.ESCAPE + "i" + Keys.ARROW_RIGHT + "a" + Keys.ARROW_LEFT * 2 + "o")
    page.says("#errors", "lies outside frames")
    settled(page, lambda: page.marks()["annotations"])
    assert page.marks()["annotations"][0]["apex"] is None
    page.click("#errors button")
    assert page.text("#errors") == ""
    # O and A without a beginning say so; I behind the chosen mark begins another one
    typed(page, Keys.ESCAPE + "o")
    page.says("#said", "I sets the onset first")
    page.pick(0)
    typed(page, Keys.ARROW_DOWN + "io")
    settled(page, lambda: len(page.marks()["annotations"]) == 2)
    assert page.mark()["first"] == 30
    # choosing another mark leaves what had begun, and says so
    typed(page, Keys.ESCAPE + "i")
    page.pick(0)
    page.says("#said", "was left, as another mark was chosen")


def test_the_reason_of_a_rejection_is_one_key(empty):
    page = empty
    typed(page, "b")
    page.becomes(status="rejected", reason="blink", coder="ann")
    page.until(
        lambda: page.find("[data-reason='blink']").get_attribute("aria-pressed") == "true"
    )
    typed(page, "nx")
    page.becomes(1, status="rejected", reason="nothing")
    page.says(".marks", "nothing")
    typed(page, Keys.ENTER)
    page.becomes(1, status="confirmed", reason="")


def test_the_models_words_stand_behind_empty_fields(empty):
    """Confidence, action units and note of a coder begin empty."""
    page = empty
    page.pick(0)
    assert [page.value(f"#f-{name}") for name in ("sure", "units", "note")] == ["", "", ""]
    assert "0.90" in page.find("#f-sure").get_attribute("placeholder")
    typed(page, "3")
    page.becomes(status="confirmed")
    assert page.value("#f-sure") == ""
    page.write("#f-sure", "0.4")
    page.becomes(confidence=0.4)
    assert page.value("#f-sure") == "0.4"


def test_the_list_tells_how_long_how_sure_when_and_what(empty):
    text = empty.text(".marks button")
    for word in ("macro", "0.63 s", "apex 0:01.333", "score 0.90"):
        assert word in text


def test_the_timeline_is_in_view(empty):
    page = empty
    page.screen(1280, 800)
    try:
        page.until(lambda: page.js(BOTTOM) <= 800)
        assert page.js("return document.querySelector('#screen').clientHeight") >= 140
    finally:
        page.screen(None)


BOTTOM = "return document.querySelector('#timeline').getBoundingClientRect().bottom"


def test_action_units_by_picture_and_by_typing(empty):
    """Both ways end in the same words; the same unit again takes it away."""
    page = empty
    typed(page, "u")
    page.until(lambda: page.shows("#units"))
    assert page.driver.switch_to.active_element.get_attribute("id") == "unit"
    ActionChains(page.driver).send_keys("12 l b" + Keys.ENTER + "4" + Keys.ENTER).perform()
    page.says(".units-now", "L12B + 4")
    page.click("#units input[name='units-side'][value='R']")
    page.until(lambda: page.find("#units .units button:nth-child(10) img").size["height"] > 50)
    page.click_at("//dialog[@id='units']//button[b or span/b[text()='12']]")
    page.says(".units-now", "L12B + 4 + R12")
    page.click("#unit")
    ActionChains(page.driver).send_keys("99" + Keys.ENTER).perform()
    page.says(".units-now", "99 is no action unit")
    page.find("#unit").clear()  # which leaves the field
    page.find("#unit").send_keys("4" + Keys.ENTER + Keys.ENTER)
    page.becomes(action_units=["L12B", "R12"], said=["action_units"])
    read = page.driver.execute_async_script(
        "const done = arguments[0]; import('./units.js').then(({ unitOf }) => "
        "done(['B23C', '12b', 'AU 6', 'l 4', '12x', '', '7 R A'].map(unitOf)))"
    )
    assert read == ["B23C", "12B", "6", "L4", None, None, "R7A"]


def test_a_scheme_is_written_shared_and_taken_in(study, tmp_path):
    """By hand: a tier with a code and its key; a file that is wrong changes nothing."""
    one, page = study
    before = one.client.get("/api/scheme").json()
    window = Window(page.driver, one.client.base_url)
    window.go("#/scheme")
    window.click("#tier-add")
    tier = "(//fieldset)[last()]"
    window.at(f"{tier}//input[@placeholder='name of the tier']").send_keys("Brows")
    window.at(f"{tier}//input[@placeholder='word']").send_keys("up")
    window.at(f"{tier}//input[@placeholder='key']").send_keys("n")
    window.click("#scheme-save")
    window.says("#errors", "the key n stands for next_mark and for Brows: up")
    window.at(f"{tier}//input[@placeholder='key']").send_keys("w")
    window.click("#errors button")
    window.click("#scheme-save")
    window.says("#scheme-said", "saved")
    assert one.client.get("/api/scheme").json()["tiers"][2]["codes"][0]["key"] == "w"
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps(before | {"tiers": 7}))
    window.find("#scheme-file").send_keys(str(wrong))
    window.says("#errors", "wrong.json: code scheme: tiers")
    right = tmp_path / "right.json"
    right.write_text(json.dumps(before))
    window.find("#scheme-file").send_keys(str(right))
    window.until(lambda: one.client.get("/api/scheme").json() == before)
    link = window.find("a[download='scheme.json']")
    window.js("arguments[0].click()", link)
    assert json.loads(window.saved("scheme.json")) == before


def test_every_key_is_shown_and_can_be_changed(empty, study):
    one, _ = study
    page, before = empty, study[0].client.get("/api/scheme").json()
    page.press("?")
    page.says("#help", "reject as: blink")
    page.says("#help", "Gaze: away")

    def change(what, key):
        page.click_at(f"//dialog[@id='help']//button[@aria-label='Change the key: {what}']")
        page.driver.find_element(By.ID, "help").send_keys(key)

    change("next mark", "p")
    page.says("#help-said", "the key p stands for")
    change("next mark", "w")
    page.says("#help-said", "W is now: next mark")
    page.click("#help form button")
    page.until(lambda: page.frame() == 30 and page.all(".marks [aria-current='true']"))
    typed(page, "w")
    page.is_at(70)
    assert one.client.put("/api/scheme", json=before).status_code == 200
