"""Sound in step with the frames, in a real browser: clicks are planted at known frames."""

from __future__ import annotations

from contextlib import suppress

import pytest

pytest.importorskip("selenium", reason="the tests of the page need selenium")
from browsing import Page, a_name
from numbered_video import picture
from selenium.common.exceptions import TimeoutException
from sounding_video import write_sounding

pytestmark = pytest.mark.slow
RATE, CLICK, MARK = 30, 30, (24, 36)
FRAME = 1000 / RATE  # ms

# Notes when a click leaves the sound device and which frame the canvas shows then, both on the
# page's clock.  It listens to the nodes of the page; the page's own reckoning is not asked.
LISTEN = """
window.drawnAt = [];
window.heardAt = [];
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (to, ...rest) {
  if (to === this.context.destination) {
    if (window.tap?.context !== this.context) {
      window.tap = this.context.createAnalyser();
      window.tap.fftSize = 32768;
    }
    connect.call(this, window.tap);
  }
  return connect.call(this, to, ...rest);
};
setInterval(() => {
  const { tap } = window;
  if (!tap) return;
  const data = new Float32Array(tap.fftSize);
  tap.getFloatTimeDomainData(data);
  const now = tap.context.currentTime, device = tap.context.getOutputTimestamp();
  data.forEach((value, i) => {
    if (Math.abs(value) < 0.1) return;
    const at = now - (data.length - i) / tap.context.sampleRate;
    const ms = device.performanceTime + 1000 * (at - device.contextTime);
    if (!(ms - (window.last ?? -1e9) < 250)) window.heardAt.push(ms);
    window.last = Math.max(window.last ?? ms, ms);
  });
}, 200);
"""
WATCH = """
const screen = document.querySelector('#screen');
const note = () => window.drawnAt.push([performance.now(), Number(screen.dataset.frame)]);
new MutationObserver(note).observe(screen, { attributeFilter: ['data-frame'] });
"""
SHOWN = """
return window.heardAt.filter((ms) => ms > arguments[0]).map((ms) =>
  window.drawnAt.findLast(([at]) => at <= ms)?.[1] ?? -1);
"""


def sounding(desk, **how):
    name = a_name("sounding", how.pop("ending", ".mp4"))
    how = {"picture": picture, "fps": RATE, "frames": 60} | how
    write_sounding(desk.folder / name, how.pop("clicks", [CLICK / RATE]), **how)
    return desk.known(name)


@pytest.fixture
def listened(browser, desk):
    """Open a recording with one click; what the page plays is listened to."""
    identity = sounding(desk)
    desk.judge(identity, "add", first=MARK[0], apex=CLICK, last=MARK[1])
    script = {"source": LISTEN}
    done = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", script)
    page = Page(browser, desk, identity)
    page.until(lambda: page.shows("#sound"))
    yield page
    page.press("k")
    browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", done)


def test_the_frame_shown_at_a_click_is_the_clicks_within_one(listened):
    """At full, half and a quarter of the speed: the middle one of the last three clicks."""
    page, found = listened, {}
    page.js(WATCH)
    page.press("r")
    for words in ("full speed", "1/2 speed", "1/4 speed"):
        page.choose("#speed", words)
        begun = page.js("return performance.now() + 100")

        def in_step(begun=begun, words=words):
            last = found[words] = page.js(SHOWN, begun)[-3:]
            return len(last) == 3 and abs(sorted(last)[1] - CLICK) <= 1

        with suppress(TimeoutException):
            page.until(in_step)
        assert in_step(), found
    page.press("r")


def test_sound_is_put_out_and_on_again(listened):
    page = listened
    assert page.find("#sound").get_attribute("aria-pressed") == "true"
    page.press(".")
    assert page.find("#sound").get_attribute("aria-pressed") == "false"
    page.press("r")
    page.until(lambda: page.frame() != MARK[0])
    assert page.js("return window.tap ?? null") is None  # nothing was played
    page.press(".")
    page.until(lambda: page.js("return window.heardAt.length") > 0)
    page.press("j")  # backward it is silent
    page.press("k")


def test_loudness_has_a_row(listened):
    """The click is the only thing to be seen in it."""
    page = listened
    page.until(lambda: page.js("return document.querySelector('#timeline').style.height") != "")
    shades = (
        "const c = document.querySelector('#timeline'), s = c.width / c.clientWidth;"
        "return arguments[0].map((n) => [...c.getContext('2d').getImageData("
        "Math.round((n + 0.5) / 59 * c.width), Math.round(arguments[1] * s), 1, 1).data])"
    )
    middle = 20 + 78 + 54 + 40 + 20  # of the row, px from above
    click, silence = page.until(
        lambda: (lambda f: f if f[0] != f[1] else None)(
            page.js(shades, [CLICK, CLICK + 8], middle)
        )
    )
    assert click != silence


def test_one_of_several_streams_is_chosen(browser, desk):
    page = Page(browser, desk, sounding(desk, streams=2, clicks=[0.5, 1.5], ending=".mkv"))
    page.until(lambda: page.shows("#stream"))
    assert len(page.all("#stream option")) == 2
    page.choose("#stream", page.all("#stream option")[1].text)
    page.until(
        lambda: page.js(
            "return performance.getEntriesByType('resource')"
            ".some((e) => e.name.includes('loudness') && e.name.includes('stream=1'))"
        )
    )


def test_a_recording_without_sound_says_so(browser, desk):
    page = Page(browser, desk, sounding(desk, streams=0, clicks=[]))
    page.says("#sound-words", "no sound")
    assert not page.shows("#sound")
