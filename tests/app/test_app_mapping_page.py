"""The dialogue that asks what the tiers of a file mean, in a real browser."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("selenium", reason="the tests of the page need selenium")
sys.path.insert(0, str(Path(__file__).parents[1] / "annotations"))
from selenium.webdriver.common.keys import Keys
from studies_made_up import eaf

pytestmark = pytest.mark.slow


@pytest.fixture
def asked(page, desk):
    """The page of a recording in a project that remembers nothing."""
    desk.project.store.database.run("DELETE FROM mappings")
    return page


def send(page, folder, name, data):
    path = folder / name
    path.write_bytes(data)
    page.find("#marks-file").send_keys(str(path))


def row(tier, what):
    return f'#mapping tr[data-tier="{tier}"] {what}'


def test_a_coder_says_what_tiers_mean_and_is_not_asked_again(asked, tmp_path):
    """Proposal, change, marks with counts and reasons, memory; all that is no mark is kept."""
    page = asked
    cells = {
        "AU12": ("anna", [(100, 400, "links B"), (1000, 2000, ""), (2100, 2200, "0")]),
        "Mimik": ("ben", [(100, 433, "Freude"), (900, 1800, "komisch")]),
        "Blinzeln": ("anna", [(500, 600, "")]),
        "Transkript": ("", [(0, 3000, "Guten Tag")]),
        "Skizze": ("", [(0, 100, "x")]),
    }
    send(page, tmp_path, "study.eaf", eaf(cells))
    page.says("#mapping-title", "What the tiers of study.eaf mean")
    assert page.value(row("AU12", "select")) in ("words", "au")
    shown = {
        tier: page.js(
            "return [...document.querySelectorAll(arguments[0])].map((s) => s.value)",
            row(tier, "td:nth-of-type(2) select"),
        )[0]
        for tier in cells
    }
    assert shown == {
        "AU12": "au", "Mimik": "expression", "Blinzeln": "event", "Transkript": "keep",
        "Skizze": "keep",
    }  # fmt: skip
    assert page.value(row("AU12", "input[placeholder='12, L12']")) == "12"
    assert "Freude · komisch" in page.text(row("Mimik", "td"))
    page.choose(row("Skizze", "td:nth-of-type(2) select"), "ignore")
    page.write(row("Mimik", "td:last-child input"), "bea")
    page.click("#mapping-take")
    page.until(lambda: len(page.marks()["annotations"]) == 4)
    made = sorted(
        (m["coder"], m["first"], m["last"], m["emotion"]) for m in page.marks()["annotations"]
    )
    assert made == [
        ("anna", 3, 11, None), ("anna", 30, 59, None), ("bea", 3, 12, "happiness"),
        ("bea", 27, 53, None),
    ]  # fmt: skip
    page.says("#came-in", "4 annotations came in.")
    page.says(
        "#came-in", "AU12: 2 of 3 became marks, kept, too, 1 left out: its intensity is 0"
    )
    page.says("#came-in", "Skizze: 1 ignored")
    page.says("#kept", "Kept from files: 4 tiers")
    assert not page.all("#mapping")

    send(page, tmp_path, "again.eaf", eaf(cells))
    page.says("#came-in", "0 annotations came in, 4 were there already.")
    page.says("#came-in", "read as remembered")
    page.click("#mapping-change")
    page.says("#mapping-title", "again.eaf")
    page.says(row("Skizze", "th"), "as before")
    assert page.value(row("Mimik", "td:last-child input")) == "bea"
    page.js("document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'x'}))")
    page.find("#mapping").send_keys(Keys.ESCAPE)
    page.until(lambda: not page.all("#mapping"))
    page.click("#kept summary")
    page.click('#kept li[data-kept="Transkript"] button')
    page.says("#kept", "Kept from files: 3 tiers")


def test_a_table_is_read_by_the_columns_that_are_chosen(asked, tmp_path):
    page = asked
    send(page, tmp_path, "t.csv", b"wer,alpha,beta,was\nanna,3,11,Wut\n")
    page.until(lambda: page.shows("#mapping .columns"))
    assert page.js("return document.getElementById('mapping-take').disabled")
    page.choose('#mapping [data-column="start"]', "alpha")
    page.choose('#mapping [data-column="end"]', "beta")
    page.choose('#mapping [data-column="unit"]', "frames from 0")
    page.choose('#mapping [data-column="coder"]', "wer")
    page.click("#mapping-again")
    page.says("#mapping tbody th", "table")
    page.choose("#mapping tbody td:nth-of-type(2) select", "expressions")
    page.click("#mapping-take")
    page.until(lambda: page.marks()["annotations"])
    (mark,) = page.marks()["annotations"]
    assert (mark["first"], mark["last"], mark["emotion"], mark["coder"]) == (
        3,
        11,
        "anger",
        "anna",
    )


def test_a_file_that_is_none_asks_nothing(asked, tmp_path):
    send(asked, tmp_path, "x.opf", b"PK\x03\x04")
    asked.says("#said", "x.opf: expected an .opf of Datavyu")
    assert not asked.all("#mapping")
