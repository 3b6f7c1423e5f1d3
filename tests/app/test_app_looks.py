"""The page on every screen and for everybody: light, dark, wide, narrow, read aloud."""

from __future__ import annotations

import pytest

pytest.importorskip("selenium", reason="the tests of the page need selenium")

pytestmark = pytest.mark.slow
PLACES = ["#/", "review", "#/agreement", "#/study", "#/scheme", "#/api"]


def opened(page, where):
    """Open a page that did not fail."""
    page.go(where)
    page.until(lambda: page.all("main h1"))
    assert page.text("main h1") != "This did not work", page.text("main")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
@pytest.mark.parametrize("where", PLACES)
def test_no_serious_finding_of_axe(page, where, scheme, width):
    axe = pytest.importorskip("axe_selenium_python", reason="needs axe-selenium-python")
    page.scheme(scheme)
    page.screen(width)
    try:
        if where == "review":
            page.pick(0)
        else:
            opened(page, where)
        checker = axe.Axe(page.driver)
        checker.inject()
        found = checker.run()["violations"]
    finally:
        page.screen(None)
        page.scheme("light")
    serious = [f for f in found if f["impact"] in ("serious", "critical")]
    assert serious == [], checker.report(serious)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("where", PLACES)
def test_nothing_is_wider_than_the_screen(page, where, width):
    page.screen(width)
    try:
        if where == "review":
            page.pick(0)
        else:
            opened(page, where)
        wide = page.js("return document.documentElement.scrollWidth")
    finally:
        page.screen(None)
    assert wide <= width
