"""The page in a browser: the floor moves, filters work, nothing but its script runs."""

import shutil
from contextlib import contextmanager

import pytest
from made_up_analysis import enrich, make_analysis, make_full

from mescope.reports.html import render

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
pytest.importorskip("selenium", reason="needs selenium")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver (Debian packages)"
)

SHOWN = """
return [...document.querySelectorAll(arguments[0])]
  .filter((one) => one.getClientRects().length).map((one) => one.id);
"""
MOVE = """
const slider = document.getElementById('floor');
slider.value = arguments[0];
slider.dispatchEvent(new Event('input'));
"""


@contextmanager
def browser(scripts=True):
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    if not scripts:
        setting = {"profile.managed_default_content_settings.javascript": 2}
        options.add_experimental_option("prefs", setting)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


@pytest.fixture(scope="module")
def window():
    with browser() as driver:
        yield driver


@pytest.fixture(scope="module")
def full():
    return make_full()


def shown(driver, what="article"):
    return driver.execute_script(SHOWN, what)


def click(driver, name):
    """Click by script: the page scrolls smoothly, and what moves cannot be hit."""
    driver.execute_script("document.getElementById(arguments[0]).click()", name)


def text(driver, name):
    return driver.find_element("id", name).text


def opened(driver, tmp_path, analysis):
    path = tmp_path / "page.html"
    path.write_text(render(analysis), encoding="utf-8")
    driver.get(path.as_uri())


def test_the_floor_moves_cards_counts_and_timeline(window, full, tmp_path):
    opened(window, tmp_path, full)
    assert shown(window) == ["d1", "d2", "d3"]
    assert text(window, "found") == "2 micro-expressions and 1 macro-expression"
    line = "return document.querySelector('.wide line.floor').getAttribute('y1')"
    usual = float(window.execute_script(line))

    window.execute_script(MOVE, "0.3")
    expected = {f.id for f in full.findings} | {
        f.id for f in full.candidates if f.detection.score >= 0.3 and not f.explained_by
    }
    assert set(shown(window)) == expected
    assert len(shown(window, ".wide a.candidate")) == len(expected) - 3
    assert (
        text(window, "found") == f"{len(expected) - 1} micro-expressions and 1 macro-expression"
    )
    assert "0.30" in text(window, "where")
    assert text(window, "heading") == "What reaches this score"
    # 84 units are the whole score
    assert float(window.execute_script(line)) - usual == pytest.approx(0.2 * 84, abs=0.2)

    window.execute_script(MOVE, "0.75")
    assert shown(window) == [f.id for f in full.findings if f.detection.score >= 0.75]
    click(window, "floor-back")
    assert shown(window) == ["d1", "d2", "d3"]
    assert text(window, "found") == "2 micro-expressions and 1 macro-expression"
    assert text(window, "heading") == "What was found"


def test_filters_take_events_away_and_explained_movements_in(window, full, tmp_path):
    opened(window, tmp_path, full)
    assert shown(window, ".wide rect.event.blink")
    click(window, "show-blink")
    assert not shown(window, "rect.event.blink")
    assert shown(window, ".wide rect.event.speech")
    click(window, "show-explained")
    explained = [f.id for f in full.candidates if f.explained_by]
    assert [one for one in shown(window) if one.startswith("c")] == sorted(
        explained,
        key=lambda one: next(f for f in full.candidates if f.id == one).detection.interval,
    )


def test_without_scripts_the_usual_floor_is_shown_and_filters_still_work(full, tmp_path):
    with browser(scripts=False) as driver:
        opened(driver, tmp_path, full)
        assert [
            a.get_attribute("id")
            for a in driver.find_elements("css selector", "article")
            if a.is_displayed()
        ] == ["d1", "d2", "d3"]
        assert not driver.find_element("id", "sensitivity").is_displayed()
        assert "9 fainter movements" in driver.find_element("css selector", "noscript p").text
        click(driver, "show-blink")
        rects = driver.find_elements("css selector", "rect.event.blink")
        assert rects
        assert not any(rect.is_displayed() for rect in rects)


@pytest.mark.parametrize(
    "name",
    [
        "</script><script>document.title='hit'</script>",
        "<img src=x onerror=document.title='hit'>",
    ],
)
def test_a_hostile_name_runs_nothing_and_the_own_script_still_runs(window, tmp_path, name):
    analysis = enrich(make_analysis(name=name, pictures=False), pictures=False)
    analysis.warnings = (name,)
    opened(window, tmp_path, analysis)
    assert "mescope report" in window.title
    window.execute_script(MOVE, "0.3")
    assert text(window, "floor-now") == "0.30"


def test_a_script_that_is_not_ours_is_refused(window, full, tmp_path):
    page = render(full).replace("<main>", "<main><script>document.title='hit'</script>")
    path = tmp_path / "page.html"
    path.write_text(page, encoding="utf-8")
    window.get(path.as_uri())
    assert "hit" not in window.title
    assert any(
        "Content Security Policy" in entry["message"] for entry in window.get_log("browser")
    )


def test_the_lowest_floor_gives_a_page_without_detections_its_strongest_candidate(
    window, tmp_path
):
    analysis = enrich(make_analysis(planted=()), candidates=4)
    opened(window, tmp_path, analysis)
    assert shown(window) == []
    best = max(
        (f for f in analysis.candidates if not f.explained_by), key=lambda f: f.detection.score
    )
    words = window.find_element("id", "none").text
    assert f"is {best.id} at" in words
    assert "the face that was followed" in words
    window.execute_script(MOVE, f"{best.detection.score:.2f}")
    assert shown(window) == [best.id]
    assert text(window, "heading") == "What reaches this score"
    assert not window.find_element("id", "none").is_displayed()
    window.execute_script(MOVE, "0.9")
    assert text(window, "heading") == "Nothing reaches this score"
