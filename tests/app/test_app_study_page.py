"""Blind coding, agreement, consensus and a study in a real browser."""

from __future__ import annotations

import base64

import pytest

pytest.importorskip("selenium", reason="the tests of the page need selenium")
from app_server import serving
from blind_people import Person, coded_blind, leave
from browsing import Page, Window
from selenium.webdriver.common.keys import Keys

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Four analyzed recordings; bob marked 60-69 in the first and finished it."""
    with serving(tmp_path_factory.mktemp("lab")) as one:
        one.ids = [one.known_as_analyzed(f"s{n}.mp4") for n in range(4)]
        one.judge(one.ids[0], "add", coder="bob", first=60, last=69, emotion="fear", apex=64)
        one.judge(one.ids[0], "reviewed", coder="bob")
        yield one


@pytest.fixture(autouse=True)
def _leaving():
    yield
    leave()


@pytest.fixture
def window(browser, lab):
    opened = Window(browser, lab.client.base_url)
    opened.driver.delete_all_cookies()
    yield opened
    opened.driver.delete_all_cookies()


def axe_finds_nothing(window):
    axe = pytest.importorskip("axe_selenium_python", reason="needs axe-selenium-python")
    for scheme, width in (("light", 1280), ("dark", 390)):
        window.scheme(scheme)
        window.screen(width)
        try:
            checker = axe.Axe(window.driver)
            checker.inject()
            found = checker.run()["violations"]
            wide = window.js("return document.documentElement.scrollWidth")
        finally:
            window.screen(None)
            window.scheme("light")
        serious = [f for f in found if f["impact"] in ("serious", "critical")]
        assert serious == [], checker.report(serious)
        assert wide <= width


def open_review(window, lab, identity):
    page = Page.__new__(Page)
    Window.__init__(page, window.driver, lab.client.base_url)
    page.client, page.identity = lab.client, identity
    page.open()
    return page


def test_a_coder_signs_in_codes_blind_finishes_and_is_shown_the_differences(window, lab):
    first = lab.ids[0]
    with coded_blind(lab, seed="3"):
        window.go(f"#/r/{first}")
        window.says("main h1", "Who codes?")
        if window.shows("#use"):
            window.click("#use button")
        axe_finds_nothing(window)
        window.write("#sign-name", "ann")
        window.find("#sign-password").send_keys("secret", Keys.ENTER)
        window.until(lambda: window.value("#coder") == "ann")
        page = open_review(window, lab, first)
        page.says("main", "Coded blind")
        page.says(".marks + p", "No marks yet")
        assert "bob" not in page.text("main")
        assert "surprise" not in page.js("return document.querySelector('.marks').innerHTML")
        page.js("document.activeElement?.blur()")
        for _ in range(2):
            page.press(Keys.ARROW_DOWN)  # a second each
        page.is_at(60)
        page.press("i", *[Keys.ARROW_RIGHT] * 8)
        page.is_at(68)
        page.press("o")
        page.says(".marks", "by ann")
        page.click_at("//button[text()='Finish']")
        page.click("#ask-yes")
        page.says(".marks", "by bob")
        page.says("#differences", "With bob")
        page.says("#differences", "With model")
        page.until(lambda: len(page.all(".marks button")) == 4)
        page.until(lambda: page.find("#differences button").is_displayed())
        page.click_at("//*[@id='differences']//button[contains(., 'only model')]")
        page.is_at(30)
        page.says(".head", "Finished ✓")
        page.press(Keys.ENTER)  # her marks stay as they are, and so does what became of others'
        page.says("#said", "finished")
        page.click("#settle")
        page.press(Keys.ENTER)
        page.until(
            lambda: any(
                e["coder"] == "consensus" and e["action"] == "confirm"
                for e in lab.project.review.history(first)
            )
        )
        page.click("#sign-out")
        page.says("main h1", "Who codes?")


def test_figures_disagreements_at_their_frame_and_a_consensus(window, lab):
    second = lab.ids[1]
    for coder, first, last, emotion in (
        ("dora", 10, 19, "fear"), ("emil", 12, 19, "fear"),
        ("dora", 40, 50, "anger"), ("emil", 90, 99, "anger"),
    ):  # fmt: skip
        lab.judge(second, "add", coder=coder, first=first, last=last, emotion=emotion)
    window.go("#/agreement")
    window.choose("#one", "dora")
    window.choose("#other", "emil")
    window.says("#figures", "kinds: micro, macro, none")
    window.says("#edges", "67 ms apart (+67 ms on average)")
    window.says("#disagreements", "only dora")
    assert len(window.all("#disagreements tbody tr")) == 2
    window.js("document.querySelector('#tolerance').value = ''")
    window.write("#tolerance", "50")
    window.until(lambda: len(window.all("#disagreements tbody tr")) == 3)
    window.click("#save-list")
    table = window.saved("disagreements.csv").decode().splitlines()
    assert table[0].startswith("recording,frame,seconds,reasons,onset_a")
    assert table[1].startswith(
        "s1.mp4,10,0.333333,onset,10,,19,micro,fear,12,,19,micro,fear,66.6"
    )
    window.click("#make-consensus")
    window.says("#consensus-made", "1 mark in")
    held = lab.client.get(
        f"/api/recordings/{second}/export", params={"format": "csv", "who": "consensus"}
    )
    assert "fear" in held.text
    axe_finds_nothing(window)
    window.click_at("//*[@id='disagreements']//tr[contains(., 'only emil')]//a")
    window.until(
        lambda: window.js("return document.querySelector('#screen')?.dataset.frame") == "90"
    )


def test_a_study_people_shares_rates_filters_and_a_report_to_print(window, lab, tmp_path):
    table = tmp_path / "people.csv"
    table.write_text("recording;person;condition\ns0;p1;calm\ns1;p1;tense\ns2;p2;calm\n")
    window.go("#/study")
    window.until(lambda: window.find("#people-file").send_keys(str(table)) or True)
    window.says("#said", "Not in the table: s3.mp4")
    window.says("#people-kept", "people.csv")
    window.js("document.querySelector('#coders').value = ''")
    window.write("#coders", "fred, gina")
    window.js("document.querySelector('#each').value = ''")
    window.write("#each", "1")
    window.click("#share")
    window.says("#said", "4 recordings shared out.")
    counts = {
        row.text.split()[0]: row.text.split()[1] for row in window.all("#progress tbody tr")
    }
    assert (counts["fred"], counts["gina"]) == ("2", "2")
    window.choose("#rates-of", "the model")
    window.says("#rates tbody", "micro")
    seconds = 119 / 30  # frame 5 of 120 could not be judged
    row = next(r.text for r in window.all("#rates tr.all") if "micro" in r.text)
    assert f" {60 / seconds:.2f} " in row  # one in each recording
    window.until(
        lambda: window.js("return document.querySelector('img.plot').naturalWidth") > 100
    )
    axe_finds_nothing(window)
    window.click("#rates-csv")
    lines = window.saved("rates.csv").decode().splitlines()
    people = [line for line in lines if line.startswith("person,p1,calm,micro")]
    assert people[0].split(",")[4:6] == ["1", f"{seconds / 60:.6g}"]
    window.go("#/")
    window.choose("#filter-condition", "tense")
    window.until(lambda: [c.text for c in window.all(".recording") if c.is_displayed()])
    shown = [
        c.find_element("css selector", "h2").text
        for c in window.all(".recording")
        if c.is_displayed()
    ]
    assert shown == ["s1.mp4"]
    window.choose("#filter-condition", "all conditions")
    window.choose("#filter-assigned", "for fred")
    assert sum(c.is_displayed() for c in window.all(".recording")) == 2
    window.go("#/study")
    window.click("#report-pdf")
    assert window.saved("report.pdf").startswith(b"%PDF-")
    window.go("api/report?show=true")
    window.says("body", "Rates, as the model has it")  # a consensus, if any, is not finished
    assert window.all("figure.plot img")
    printed = window.driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    assert base64.b64decode(printed["data"]).startswith(b"%PDF")


def test_who_leads_begins_and_ends_it_on_the_page(window, lab):
    window.go("#/study")
    window.write("#sign-name", "lena")
    window.write("#sign-password", "leading")
    window.write("#seed", "11")
    window.click_at("//button[text()='Begin blind coding']")
    window.says("#blind", "drawn from the seed 11")
    assert (
        Person(lab, "hugo").http.get(f"/api/recordings/{lab.ids[3]}/traces").status_code == 403
    )
    window.click("#trail")
    assert "lena,blind on" in window.saved("trail.csv").decode()
    window.click("#end-blind")
    window.click("#ask-yes")
    window.says("#blind", "Everybody sees")
