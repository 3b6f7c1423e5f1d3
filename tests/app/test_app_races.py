"""Answers that come in another order than they were asked for: the last question counts."""

import pytest

pytest.importorskip("selenium", reason="the tests of the page need selenium")
from browsing import Window

pytestmark = pytest.mark.slow

SCRIPT = """
const done = arguments[arguments.length - 1], there = [];
const after = (ms) => new Promise((go) => setTimeout(go, ms));
window.fetch = ((asked) => async (address) => {  // the first answer comes after the second
  if (!address.includes(%r)) return new Response("{}");
  const mine = asked++;
  while (mine === 0 && !there.includes(1)) await after(5);
  there.push(mine);
  return new Response(JSON.stringify(answers[mine]));
})(0);
const both = async () => { while (there.length < 2) await after(5); await after(50); };
(async () => { %s })().then(done, (error) => done(String(error)));
"""
NUMBERED = """
window.answers = [0, 1].map((n) => ({ frames: [n], times: [n], series: {} }));
const line = { draw() {}, ask() {}, lanes: {} };
"""


@pytest.fixture
def answered(browser, served):
    """Run a module of the page whose first answer is late; return what it says in the end."""
    window = Window(browser, served.client.base_url)
    window.go("#/api")
    window.until(lambda: window.all("details.route"))
    return lambda address, script: browser.execute_async_script(SCRIPT % (address, script))


def test_the_page_for_programs_describes_every_address(answered, browser, served):
    """Also one whose body has no fields of its own."""
    paths = served.client.get("/openapi.json").json()["paths"]
    shown = Window(browser, served.client.base_url).all("details.route")
    assert len(shown) == sum(len(methods) for methods in paths.values())


def test_curves_are_those_of_the_last_look(answered):
    script = """
    const { Curves } = await import("/curves.js");
    const faces = { plain: (found) => found, wants: (names) => names };
    const curves = new Curves({ id: "x", frames: 9 }, line, faces, () => {});
    curves.names = ["a"];
    curves.load(0, 9, 1);
    curves.load(5, 9, 1);
    await both();
    return [line.curves.frames[0], there];
    """
    assert answered("/traces", NUMBERED + script) == [1, [1, 0]]


def test_loudness_is_that_of_the_last_look(answered):
    script = """
    const { Hearing } = await import("/hearing.js");
    const one = new Hearing({ id: "x" }, line, { key: "s", arrange() {}, ask() {} });
    one.state = "ready";
    one.load(0, 9, 1);
    one.load(5, 9, 1);
    await both();
    return [line.loudness.frames[0], there];
    """
    assert answered("/loudness", NUMBERED + script) == [1, [1, 0]]


def test_the_list_is_that_of_the_last_answer(answered):
    script = """
    const { showRecordings } = await import("/recordings.js");
    window.answers = ["analyzing", "to review"].map((state) => [{
      id: "x", name: "n", state, frames: 9, seconds: 1, rate: 9, width: 9, height: 9,
      version: "v", assigned: [], finished: [], person: "", condition: "", detections: 0,
      analyzed: true,
    }]);
    const place = document.createElement("div");
    const shown = showRecordings(place, { project: { formats: [], limits: {}, pictures: [] } });
    dispatchEvent(new CustomEvent("trouble", { detail: null }));  // it is asked for again
    const close = await shown;
    await both();
    close();
    return [place.querySelector(".recording .state").className, there];
    """
    assert answered("api/recordings", script) == ["state to-review", [1, 0]]
