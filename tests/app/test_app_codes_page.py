"""Codes come into the page: from a file of mescope, and from tiers that a coder calls codes."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("selenium", reason="the tests of the page need selenium")
sys.path.insert(0, str(Path(__file__).parents[1] / "annotations"))
from app_server import serving
from browsing import Page
from studies_made_up import eaf

from mescope.app.scheme import usual

pytestmark = pytest.mark.slow

TIERS = [
    {"name": "Gaze", "codes": [{"name": "away"}, {"name": "down"}]},
    {"name": "Hands", "kind": "point", "codes": [{"name": "touch"}]},
]


def send(page, folder, name, data):
    path = folder / name
    path.write_bytes(data)
    page.find("#marks-file").send_keys(str(path))


def test_codes_come_in_and_are_shown_and_none_twice(browser, tmp_path_factory, tmp_path):
    with serving(tmp_path_factory.mktemp("codes")) as one:
        scheme = usual().to_json() | {"tiers": TIERS}
        assert one.client.put("/api/scheme", json=scheme).status_code == 200
        identity = one.add("a.mp4")
        gaze = {"tier": "Gaze", "code": "away", "kind": "state", "first": 3, "last": 9}
        for coder, tier in (("ben", gaze), ("ann", gaze | {"first": 20, "last": 29})):
            assert one.judge(identity, "code", coder=coder, **tier).status_code == 200
        url = f"/api/recordings/{identity}"
        data = one.client.get(f"{url}/export", params={"format": "elan"}).content
        one.project.store.database.run("DELETE FROM events")
        one.project.review._known.clear()
        page = Page(browser, one, identity)
        page.code_as("ann")

        send(page, tmp_path, "back.eaf", data)
        page.says("#came-in", "2 codes came in.")
        page.until(lambda: len(page.all(".codes li")) == 2)
        assert "ben" in page.text(".codes li")
        assert not page.all("#mapping")
        send(page, tmp_path, "back.eaf", data)
        page.says("#came-in", "0 codes came in, 2 were there already.")

        cells = {"Blick": ("ben", [(1000, 1333, "down")]), "Hand": ("", [(2000, 2000, "x")])}
        send(page, tmp_path, "other.eaf", eaf(cells))
        page.says("#mapping-title", "other.eaf")
        row = '#mapping tr[data-tier="{}"] select[aria-label^="{}"]'
        assert page.value(row.format("Blick", "Means")) == "codes"
        assert page.value(row.format("Blick", "tier of the scheme")) == "Gaze"
        page.choose(row.format("Hand", "Means"), "codes of the scheme")
        page.choose(row.format("Hand", "tier of the scheme"), "Hands")
        page.choose(row.format("Hand", "code of"), "touch")
        page.click("#mapping-take")
        page.says("#came-in", "2 codes came in.")
        page.says("#came-in", "Hand: 1 of 1 became codes, kept, too")
        page.until(lambda: len(page.all(".codes li")) == 4)
        found = one.client.get(f"{url}/codes").json()["codes"]
        assert [(c["coder"], c["tier"], c["code"], c["first"], c["last"]) for c in found] == [
            ("ben", "Gaze", "away", 3, 9), ("ann", "Gaze", "away", 20, 29),
            ("ben", "Gaze", "down", 30, 39), ("ann", "Hands", "touch", 60, 60),
        ]  # fmt: skip
        browser.get("about:blank")
