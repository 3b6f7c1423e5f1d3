"""The page in a real browser: what a coder does, and what must never happen."""

from __future__ import annotations

import io
import shutil
import time

import numpy as np
import pytest
from app_server import serving
from numbered_video import number_of, write_numbered
from PIL import Image

pytest.importorskip("selenium", reason="the browser tests need selenium")
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver (Debian packages)"
    ),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    write_numbered(folder / "interview.mp4")
    with serving(folder) as one:
        yield one


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,1000"):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


class Page:
    """The review of one recording, as a person uses it."""

    def __init__(self, driver, server, identity):
        self.driver, self.base = driver, str(server.client.base_url)
        self.client, self.identity = server.client, identity
        self.open()
        if self.find("#use").is_displayed():
            self.find("#use button").click()

    def open(self):
        self.driver.get("about:blank")
        self.driver.get(f"{self.base}/#/r/{self.identity}")
        self.until(lambda: self.frame() is not None)

    def until(self, true, seconds=30):
        return WebDriverWait(self.driver, seconds, 0.05).until(lambda _: true())

    def find(self, css):
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def frame(self):
        """Return the number of the frame on the canvas, or None before the first."""
        found = self.driver.execute_script(
            "return document.querySelector('#screen')?.dataset.frame ?? null"
        )
        return None if found is None else int(found)

    def shown(self):
        """Return the number that the pixels of the canvas spell."""
        data = self.driver.execute_async_script(
            "const done = arguments[0]; document.querySelector('#screen')"
            ".toBlob(async (b) => done([...new Uint8Array(await b.arrayBuffer())]))"
        )
        return number_of(np.asarray(Image.open(io.BytesIO(bytes(data))).convert("RGB")))

    def press(self, *keys):
        self.find("#main").click() if not keys else None
        ActionChains(self.driver).send_keys(*keys).perform()

    def at(self, number):
        self.until(lambda: self.frame() == number)
        assert self.shown() == number

    def pick(self, index):
        self.driver.find_elements(By.CSS_SELECTOR, ".marks button")[index].click()

    def marks(self):
        return self.client.get(f"/api/recordings/{self.identity}/marks").json()

    def mark(self, index=0):
        return self.marks()["detections"][index]

    def code_as(self, initials):
        field = self.find("#coder")
        field.clear()
        field.send_keys(initials, Keys.TAB)


@pytest.fixture
def page(browser, server):
    """A fresh copy of an analyzed recording, open in the browser."""
    name = f"case-{time.monotonic_ns()}.mp4"
    opened = Page(browser, server, server.analyzed(name))
    opened.code_as("ann")
    return opened


def test_the_frame_shown_is_the_frame_asked_for(page):
    page.pick(0)
    page.at(30)
    for key, number in (
        (Keys.ARROW_RIGHT, 31), (Keys.ARROW_RIGHT, 32), (Keys.ARROW_LEFT, 31),
        (Keys.ARROW_DOWN, 61), (Keys.ARROW_UP, 31), ("n", 70), ("p", 30),
    ):  # fmt: skip
        page.press(key)
        page.at(number)
    assert "frame 30 of 120 · 0:01.000" in page.find("#where").text


def test_a_coder_corrects_undoes_comes_back_and_exports(page, server):
    page.pick(0)
    line = page.find("#timeline")
    page.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", line)
    width, left = line.size["width"], -line.size["width"] / 2
    edge, goal = (left + width * n / 119 for n in (30, 24))
    lane = 20 + 78 + 54 + 40 + 13 - line.size["height"] / 2
    ActionChains(page.driver).move_to_element_with_offset(
        line, edge, lane
    ).click_and_hold().move_to_element_with_offset(line, goal, lane).release().perform()
    page.until(lambda: page.mark()["first"] == 24)
    Select(page.find("#f-emotion")).select_by_visible_text("positive")
    page.until(lambda: page.mark()["emotion"] == "positive")
    assert page.mark()["original"]["first"] == 30  # what the model said is kept
    assert page.mark()["status"] == "confirmed"
    assert page.mark()["coder"] == "ann"
    page.find("h1").click()
    page.press("z")
    page.until(lambda: page.mark()["emotion"] == "surprise")
    page.open()
    assert "0:00.800 – 0:01.633" in page.find(".marks").text
    assert page.find("#coder").get_attribute("value") == "ann"
    page.until(lambda: len(page.find("#who").text) > 5)
    Select(page.find("#who")).select_by_visible_text("ann")
    page.driver.execute_script(
        "document.querySelector('#export').addEventListener('click', e => e.preventDefault())"
    )
    page.find("#export").click()
    address = page.find("#export").get_attribute("href")
    text = server.client.get(address).text
    assert "24," in text
    assert "ann" in text
    copy = server.add(f"copy-{time.monotonic_ns()}.mp4")
    answer = server.client.post(
        f"/api/recordings/{copy}/import", content=text.encode(), headers={"X-Name": "a.csv"}
    )
    assert answer.status_code == 200
    found = server.client.get(f"/api/recordings/{copy}/marks").json()["annotations"]
    assert [(m["first"], m["last"], m["coder"]) for m in found] == [(24, 49, "ann")]


def test_a_recording_is_sent_analyzed_and_opened(browser, server, tmp_path):
    """From a file of her own to its first proposal, by hand."""
    name = f"sent-{time.monotonic_ns()}.mp4"
    browser.get("about:blank")
    browser.get(f"{server.client.base_url}/#/")
    wait = WebDriverWait(browser, 60, 0.1)
    field = wait.until(lambda d: d.find_element(By.CSS_SELECTOR, "#files"))
    field.send_keys(str(write_numbered(tmp_path / name)))
    item = f"//li[.//h2[contains(., '{name}')]]"
    wait.until(lambda d: d.find_element(By.XPATH, f"{item}//button[text()='Analyze']")).click()
    wait.until(lambda d: "to review" in d.find_element(By.XPATH, item).text)
    browser.find_element(By.XPATH, f"{item}//a[text()='Review']").click()
    wait.until(lambda d: len(d.find_elements(By.CSS_SELECTOR, ".marks button")) == 2)


def test_keys_judge_and_a_mark_of_ones_own(page):
    page.pick(1)
    page.find("h1").click()
    page.press(Keys.ENTER)
    page.until(lambda: page.mark(1)["status"] == "confirmed")
    page.press(Keys.BACKSPACE)
    page.until(lambda: page.mark(1)["status"] == "rejected")
    page.press("3")
    page.until(lambda: page.mark(1)["emotion"] == "surprise")
    page.press(Keys.ESCAPE)
    start = page.frame()
    page.press("i", Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    page.at(start + 2)
    page.press("o")
    page.until(lambda: page.marks()["annotations"])
    own = page.marks()["annotations"][0]
    assert (own["first"], own["last"], own["coder"]) == (start, start + 2, "ann")


def test_without_initials_nothing_is_judged(page):
    page.code_as("")
    page.pick(0)
    page.find("h1").click()
    page.press(Keys.ENTER)
    page.until(lambda: "initials" in page.find("#said").text)
    assert page.mark()["status"] == "proposed"


def test_two_windows_lose_no_edit(page, server):
    """The later one is told what the other did, and may do its own on top."""
    page.pick(0)
    page.driver.execute_script(  # this window hears no news
        "const plain = window.fetch; window.fetch = (a, o) => String(a).endsWith('/marks') "
        "? new Promise(() => {}) : plain(a, o)"
    )
    server.judge(page.identity, "edit", page.mark()["id"], coder="bob", note="seen twice")
    page.find("h1").click()
    page.press(Keys.BACKSPACE)
    page.until(lambda: page.find("#ask").is_displayed())
    assert "Another window changed" in page.find("#ask").text
    page.find("#ask-yes").click()
    page.until(lambda: page.mark()["status"] == "rejected")
    assert page.mark()["note"] == "seen twice"


def test_names_are_text_never_markup(page, server):
    """Ecosystem part W: what a stranger wrote is shown, not run."""
    note = "<img src=x onerror=\"document.title='taken'\">"
    server.judge(page.identity, "edit", page.mark()["id"], coder="<b>eve</b>", note=note)
    page.open()
    page.pick(0)
    page.until(lambda: page.find("#f-note").get_attribute("value") == note)
    assert "taken" not in page.driver.title


def test_agreement_says_whose_marks_are_alone(page, server):
    """The model proposes two marks, of which ann confirms one and rejects the other."""
    server.judge(page.identity, "confirm", page.mark(0)["id"], coder="zoe")
    server.judge(page.identity, "reject", page.mark(1)["id"], coder="zoe")
    page.driver.get(f"{page.base}/#/agreement")
    page.until(lambda: page.driver.find_elements(By.CSS_SELECTOR, "#other option"))
    Select(page.find("#one")).select_by_visible_text("zoe")
    Select(page.find("#other")).select_by_visible_text("model")
    heads = "recording F1 kappa both only zoe only model"
    page.until(lambda: page.find("thead").text == heads)
    name = next(
        r["name"]
        for r in server.client.get("/api/recordings").json()
        if r["id"] == page.identity
    )
    row = page.driver.find_element(By.XPATH, f"//tr[th[text()='{name}']]").text
    assert row.split()[3:] == ["1", "0", "1"]


def test_what_it_must_not_be_used_for_is_said_once(page):
    """P115: shown until somebody has read it."""
    page.driver.execute_script("localStorage.removeItem('mescope.use')")
    page.open()
    page.until(lambda: page.find("#use").is_displayed())
    assert "no lie detector" in page.find("#use").text
    page.find("#use button").click()
    page.open()
    assert not page.find("#use").is_displayed()


def test_nothing_leaves_the_server(page):
    page.driver.get_log("browser")  # what earlier pages said
    page.open()
    page.pick(0)
    page.at(30)
    page.until(lambda: page.find(".pair img").get_attribute("src"))
    asked = page.driver.execute_script(
        "return performance.getEntriesByType('resource').map(e => new URL(e.name).origin)"
    )
    assert set(asked) == {page.base.rstrip("/")}
    severe = [e for e in page.driver.get_log("browser") if e["level"] == "SEVERE"]
    assert [e for e in severe if "409" not in e["message"]] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("where", ["#/", "review", "#/agreement"])
def test_no_serious_finding_of_axe(page, where, scheme):
    axe = pytest.importorskip("axe_selenium_python", reason="needs axe-selenium-python")
    page.driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
    )
    if where == "review":
        page.pick(0)
    else:
        page.driver.get(f"{page.base}/{where}")
        page.until(lambda: page.driver.find_elements(By.CSS_SELECTOR, "main h1"))
    checker = axe.Axe(page.driver)
    checker.inject()
    found = checker.run()["violations"]
    serious = [f for f in found if f["impact"] in ("serious", "critical")]
    assert serious == [], checker.report(serious)


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_screen(page, width):
    page.driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    try:
        page.pick(0)
        wide = page.driver.execute_script("return document.documentElement.scrollWidth")
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert wide <= width
