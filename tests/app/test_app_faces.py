"""Several faces in the app: analyze all, name, one person or two, cut; marks and files."""

import time

import pytest
from app_server import serving
from browsing import Page, a_name
from made_up_faces import BACK, LEFT, RIGHT
from selenium.webdriver.common.keys import Keys

ANALYZE = "made_up_faces:analyze"


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A server whose analyses see one face, or all of two or three."""
    with serving(tmp_path_factory.mktemp("table"), ANALYZE) as one:
        yield one


def said(table, identity, action, **more):
    return table.client.post(
        f"/api/recordings/{identity}/faces", json={"coder": "ann", "action": action, **more}
    )


def finished(table, identity, seconds=120):
    """Return the faces once no analysis is queued or runs."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = table.client.get(f"/api/recordings/{identity}").json()
        if found["state"] in ("to review", "reviewed", "failed"):
            assert found["error"] is None
            return found["faces"]
        time.sleep(0.05)
    raise AssertionError(found)


@pytest.fixture
def identity(table):
    """A recording of which every face was analyzed."""
    found = table.analyzed(a_name("table"))
    assert finished(table, found) == {"every": False, "faces": [], "questions": []}
    assert said(table, found, "every").status_code == 200
    finished(table, found)
    return found


def test_faces_marks_and_files(table, identity):
    faces = finished(table, identity)
    assert faces["every"]
    assert [(f["key"], f["name"]) for f in faces["faces"]] == [
        (LEFT, "face 1"), (RIGHT, "face 2"), (BACK, "face 3"),
    ]  # fmt: skip
    marks = table.client.get(f"/api/recordings/{identity}/marks").json()["detections"]
    assert [(m["first"], m["face"]) for m in marks] == [(20, LEFT), (60, RIGHT)]
    assert said(table, identity, "name", stretch=RIGHT, name=" Kim ").status_code == 200
    added = table.judge(identity, "add", first=5, apex=6, last=9, face=RIGHT)
    assert added.status_code == 200, added.text
    text = table.client.get(f"/api/recordings/{identity}/export?format=elan").text
    for tier in ("ME@face 1#model", "ME@Kim#model", "ME@Kim#ann", "EVENT-blink@Kim#model"):
        assert f'TIER_ID="{tier}"' in text
    series = table.client.get(f"/api/recordings/{identity}/traces?points=1").json()["series"]
    assert series["spotting"]["max"] == [0.1]
    assert series["face:1:spotting"]["max"] == [0.2]


def test_one_person_or_two(table, identity):
    (question,) = finished(table, identity)["questions"]
    assert (question["earlier"], question["later"], question["faces"]) == (
        RIGHT, BACK, ["face 2", "face 3"],
    )  # fmt: skip
    said(table, identity, "name", stretch=RIGHT, name="Kim")
    said(table, identity, "same", stretch=RIGHT, other=BACK)
    faces = finished(table, identity)
    assert [f["name"] for f in faces["faces"]] == ["face 1", "Kim"]
    assert faces["questions"] == []
    said(table, identity, "apart", stretch=RIGHT, other=BACK)  # taken back
    faces = finished(table, identity)
    assert [f["name"] for f in faces["faces"]] == ["face 1", "Kim", "face 3"]
    assert faces["questions"] == []  # answered
    said(table, identity, "one")
    assert finished(table, identity) == {"every": False, "faces": [], "questions": []}


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"action": "name", "stretch": LEFT, "name": "a#b"}, "expected a name for a face"),
        ({"action": "name", "stretch": LEFT, "name": "face 2"}, "another face"),
        ({"action": "name", "stretch": "9-9", "name": "Kim"}, "expected a stretch"),
        ({"action": "same", "stretch": LEFT, "other": LEFT}, "two stretches"),
        ({"action": "cut", "stretch": LEFT, "frame": 500}, "expected a frame after 0"),
        ({"action": "cut", "stretch": LEFT}, "expected a frame after 0"),
        ({"action": "swap"}, "action"),
        ({"action": "every", "coder": " "}, "coder"),
    ],
)
def test_what_makes_no_sense_is_refused(table, identity, wish, words):
    answer = table.client.post(
        f"/api/recordings/{identity}/faces", json={"coder": "ann", **wish}
    )
    assert answer.status_code == 400
    assert words in answer.json()["error"]


def test_forgotten_with_the_recording(table, identity):
    assert table.client.delete(f"/api/recordings/{identity}").status_code == 204
    kept = table.project.store.database.all("SELECT recording FROM recording_faces")
    assert identity not in [row["recording"] for row in kept]


def test_in_the_browser(browser, table, identity):
    """Faces by their pictures, a name, a mark of the chosen face, the question."""
    page = Page(browser, table, identity)
    page.code_as("ann")
    page.until(lambda: len(page.all("#faces canvas[data-painted]")) == 3)
    field = page.find(f'input[data-face="{RIGHT}"]')
    field.send_keys(Keys.CONTROL, "a", Keys.NULL, "Kim", Keys.TAB)  # emptied, it would ask
    page.until(lambda: "· Kim" in page.text("ol.marks"))
    page.click("#faces button.face", 1)
    page.until(lambda: page.all("#faces .face[aria-pressed=true] + div input")[0])
    page.until(lambda: page.value("#faces .face[aria-pressed=true] + div input") == "Kim")
    page.press(Keys.ESCAPE, "i", Keys.ARROW_RIGHT, "o")
    page.until(lambda: page.marks()["annotations"])
    assert page.marks()["annotations"][0]["face"] == RIGHT
    page.until(lambda: "same person as Kim" in page.text("#face-questions"))
    page.click("#face-questions button.same")
    page.until(lambda: len(page.all("#faces button.face")) == 2)
    assert "Kim" in page.value(f'input[data-face="{RIGHT}"]')
