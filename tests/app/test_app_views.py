"""Looking closer, and what is shown beside a frame, in a real browser."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest

pytest.importorskip("selenium", reason="the tests of the page need selenium")
from browsing import Page, a_name
from numbered_video import write_numbered
from PIL import Image
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.wheel_input import ScrollOrigin
from selenium.webdriver.common.keys import Keys

from mescope.motion.flow import farneback
from mescope.synthesis.encode import write_video
from mescope.synthesis.portraits import drawn_portrait
from mescope.video.arrays import ArrayVideo

pytestmark = pytest.mark.slow
ONSET, APEX, LAST = 2, 6, 9
SHIFT, FACTOR = -0.5, 10  # px up, and how many times as far
LANDMARK = (255, 209, 102)  # the colour of landmarks


@pytest.fixture(scope="module")
def sitter():
    return drawn_portrait(3, (480, 270))


@pytest.fixture(scope="module")
def moving(desk, sitter):
    """A face whose mouth corner moves up in the apex frame; a mark around it."""
    y, x = np.mgrid[:270, :480].astype(np.float32)
    cx, cy = sitter.landmarks[48]
    bump = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * 24.0**2))
    apex = cv2.remap(sitter.image, x, y - np.float32(SHIFT) * bump, cv2.INTER_CUBIC)
    frames = np.repeat(sitter.image[None], 12, axis=0)
    frames[APEX] = apex
    name = a_name("moving")
    write_video(ArrayVideo(frames, 25.0), desk.folder / name)
    identity = desk.known(name)
    desk.judge(identity, "add", first=ONSET, apex=APEX, last=LAST)
    return identity


@pytest.fixture
def page(browser, desk, moving):
    opened = Page(browser, desk, moving)
    opened.pick(0)
    opened.until(lambda: opened.frame() == ONSET)
    return opened


def pixels(page, css):
    data = page.driver.execute_async_script(
        "const done = arguments[1]; document.querySelector(arguments[0])"
        ".toBlob(async (b) => done([...new Uint8Array(await b.arrayBuffer())]))", css,
    )  # fmt: skip
    return np.asarray(Image.open(io.BytesIO(bytes(data))).convert("L"))


def beside(page, frame):
    page.until(lambda: page.find("#beside").get_attribute("data-frame") == str(frame))
    return pixels(page, "#beside")


def go_to(page, frame):
    """Step there: one key a frame, for what is on the canvas lags behind the keys."""
    steps = frame - page.frame()
    page.press(*[Keys.ARROW_RIGHT if steps > 0 else Keys.ARROW_LEFT] * abs(steps))
    page.until(lambda: page.frame() == frame)


def test_motion_is_magnified_beside_the_frame(page, sitter):
    page.choose("#view", "motion magnified")
    onset = beside(page, ONSET)
    page.says("#view-words", f"since frame {ONSET}, {FACTOR} times")
    go_to(page, APEX)
    x, y = np.rint(sitter.landmarks[48]).astype(int)
    near = np.s_[y - 3 : y + 4, x - 3 : x + 4, 1]
    there = np.median(farneback(onset, beside(page, APEX))[near])
    here = np.median(farneback(onset, pixels(page, "#screen"))[near])
    assert there == pytest.approx(FACTOR * SHIFT, rel=0.3)
    assert here == pytest.approx(SHIFT, abs=0.25)
    page.until(lambda: not page.shows("#view-progress"))
    go_to(page, LAST + 1)
    page.says("#view-words", f"Frames {ONSET} to {LAST}")
    page.choose("#view", "nothing")
    assert not page.shows("#beside")


def test_difference_and_colours_have_words_that_tell_their_scale(page):
    page.choose("#view", "difference")
    same = beside(page, ONSET)
    assert abs(np.median(same.astype(int)) - 128) <= 4
    page.says("#view-words", "Lighter or darker")
    page.choose("#view", "motion in colours")
    page.says("#view-words", "full at 2.0 px (the rim of the wheel)")
    assert beside(page, ONSET)[-3, -3] > 245  # beside the wheel it is white
    page.choose("#view", "nothing")


def test_a_mark_that_is_too_long_is_refused_kindly(browser, desk):
    name = a_name("long")
    write_numbered(desk.folder / name, 60, rate=5.0)
    identity = desk.known(name)
    desk.judge(identity, "add", first=0, apex=5, last=59)
    page = Page(browser, desk, identity)
    page.choose("#view", "motion magnified")
    page.says("#view-words", "up to 10 s after the onset, found 11.8 s")


def place(page, x, y):
    """Return where a pixel of the recording is on the screen, px, and how large it is."""
    return page.js(
        "const c = document.querySelector('#screen'), b = c.getBoundingClientRect();"
        "const s = Math.min(b.width / c.width, b.height / c.height);"
        "return [b.left + b.width / 2 + (arguments[0] + 0.5 - c.width / 2) * s,"
        "b.top + b.height / 2 + (arguments[1] + 0.5 - c.height / 2) * s, s]",
        float(x), float(y),
    )  # fmt: skip


def scale(page):
    return float(page.text("#picture-scale").rstrip("×"))


def test_what_is_under_the_pointer_stays_there(page):
    screen = page.find(".screen")
    page.js("arguments[0].scrollIntoView({block: 'center'})", screen)
    size = screen.size
    origin = ScrollOrigin.from_element(screen, size["width"] // 4, 10)
    at = page.js(
        "const b = arguments[0].getBoundingClientRect();"
        "return [b.left + b.width / 2 + Math.floor(b.width / 4), b.top + b.height / 2 + 10]",
        screen,
    )
    share = (
        "const b = document.querySelector('#screen').getBoundingClientRect();"
        "return [(arguments[0] - b.left) / b.width, (arguments[1] - b.top) / b.height]"
    )
    before = page.js(share, *at)
    ActionChains(page.driver).scroll_from_origin(origin, 0, -120).perform()
    page.until(lambda: scale(page) > 1)
    ActionChains(page.driver).scroll_from_origin(origin, 0, -120).perform()
    page.until(lambda: scale(page) > 1.4)
    assert page.js(share, *at) == pytest.approx(before, abs=0.01)
    page.click("#picture-whole")
    assert scale(page) == 1


def test_keys_and_fingers_look_closer(page):
    page.choose("#view", "difference")
    page.until(lambda: page.shows("#beside"))
    page.js("document.querySelector('.screen').focus()")
    ActionChains(page.driver).send_keys("+", "+", "+").perform()
    page.until(lambda: scale(page) == pytest.approx(2.0, abs=0.05))
    left = page.js("return document.querySelector('#screen').style.transform")
    ActionChains(page.driver).key_down(Keys.SHIFT).send_keys(Keys.ARROW_RIGHT).key_up(
        Keys.SHIFT
    ).perform()
    both = "return ['#screen', '#beside'].map((q) => document.querySelector(q).style.transform)"
    page.until(lambda: page.js(both)[0] != left)
    assert len(set(page.js(both))) == 1
    assert page.frame() == ONSET  # Shift and an arrow step nowhere
    ActionChains(page.driver).send_keys("0").perform()
    page.until(lambda: scale(page) == 1)
    page.choose("#view", "nothing")
    x, y, _ = place(page, 240, 135)
    for kind, apart in (("touchStart", 40), ("touchMove", 60), ("touchMove", 80)):
        points = [{"x": x - apart / 2, "y": y, "id": 0}, {"x": x + apart / 2, "y": y, "id": 1}]
        page.driver.execute_cdp_cmd(
            "Input.dispatchTouchEvent", {"type": kind, "touchPoints": points}
        )
    page.driver.execute_cdp_cmd(
        "Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []}
    )
    page.until(lambda: scale(page) == pytest.approx(2, abs=0.2))


def test_the_overlay_stays_where_it_belongs(page, desk):
    """A landmark is painted where the closer look shows its place."""
    page.press("v")
    page.until(lambda: page.find("#screen").get_attribute("data-overlay") == str(ONSET))
    url = f"/api/recordings/{page.identity}/overlay/{ONSET}"
    x, y = desk.client.get(url).json()["landmarks"][30]
    page.js("arguments[0].scrollIntoView({block: 'start'})", page.find(".screen"))
    page.js("document.querySelector('.screen').focus()")
    ActionChains(page.driver).send_keys("+", "+", "+", "+").perform()
    page.until(lambda: scale(page) > 2.3)
    left, top, one = place(page, x - 0.5, y - 0.5)
    shot = np.asarray(
        Image.open(io.BytesIO(page.driver.get_screenshot_as_png())).convert("RGB")
    ).astype(int)
    around = shot[round(top) - 2 : round(top) + 3, round(left) - 2 : round(left) + 3]
    assert one > 2
    assert np.abs(around - LANDMARK).sum(-1).min() < 40
    far = shot[round(top) + round(8 * one), round(left)]
    assert np.abs(far - LANDMARK).sum() > 40
