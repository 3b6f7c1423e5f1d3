"""A window of a real browser, and what a person does in it.

A page changes while somebody looks at it.  Whatever is asked of it here is asked again until it
holds: an element that was replaced, moved or is not there yet is looked for anew.
"""

import io
import shutil
import time
from contextlib import contextmanager

import numpy as np
from numbered_video import number_of
from PIL import Image
from selenium import webdriver
from selenium.common import exceptions
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
SECONDS = 60
PASSING = (
    exceptions.StaleElementReferenceException, exceptions.NoSuchElementException,
    exceptions.ElementNotInteractableException, exceptions.ElementClickInterceptedException,
    IndexError,
)  # fmt: skip
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
    "--window-size=1280,1000", "--no-first-run", "--no-default-browser-check",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-default-apps", "--disable-extensions", "--disable-domain-reliability",
    "--disable-client-side-phishing-detection", "--metrics-recording-only", "--mute-audio",
    "--disable-features=Translate,OptimizationHints,MediaRouter,AutofillServerCommunication",
    "--host-resolver-rules=MAP other.test 127.0.0.1",
)  # fmt: skip


HEAR = """
addEventListener("DOMContentLoaded", () => {
  const box = document.getElementById("said-now");
  window.heard = [];
  const note = () => { if (box.textContent) window.heard.push(box.textContent); };
  if (box) new MutationObserver(note).observe(box, { childList: true, subtree: true });
});
"""
"""Keeps what the page says for some seconds: a slow machine may look when it is gone."""

HEARD = """
const at = (window.heard ?? []).findIndex((one) => one.includes(arguments[0]));
return at >= 0 && window.heard.splice(0, at + 1).length > 0;
"""

TIMELINE = {"ruler": 20, "spotting": 78, "emotion": 54, "region": 40, "model": 26, "human": 36}
"""Heights of the lanes of the timeline, px, from above."""


@contextmanager
def chromium(downloads):
    """Run Chromium, which keeps what it saves in the folder ``downloads``."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.add_experimental_option(
        "prefs",
        {"download.default_directory": str(downloads), "download.prompt_for_download": False},
    )
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        driver.set_script_timeout(SECONDS)
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": HEAR})
        driver.downloads = downloads
        yield driver
    finally:
        driver.quit()


class Window:
    """The page of a server."""

    def __init__(self, driver, base):
        self.driver, self.base = driver, str(base).rstrip("/")

    def go(self, where):
        """Open a page anew, as from a bookmark."""
        self.driver.get("about:blank")
        self.driver.get(f"{self.base}/{where}")

    def until(self, true, seconds=SECONDS):
        """Ask until the answer is yes; return it."""
        waiting = WebDriverWait(self.driver, seconds, 0.05, ignored_exceptions=PASSING)
        return waiting.until(lambda _: true())

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def find(self, css):
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def at(self, path):
        return self.driver.find_element(By.XPATH, path)

    def text(self, css):
        """Return the words of an element, or none while it is not there."""
        return self.js("return document.querySelector(arguments[0])?.innerText ?? ''", css)

    def says(self, css, words):
        """Wait until an element reads so; of ``#said``, what vanished meanwhile counts, too."""
        self.until(lambda: words in self.text(css) or (css == "#said" and self.heard(words)))

    def heard(self, words):
        """Whether the page said so for a moment; what was said up to there is forgotten."""
        return self.js(HEARD, words)

    def value(self, css):
        return self.js("return document.querySelector(arguments[0])?.value ?? null", css)

    def shows(self, css):
        """Whether an element is there to be seen."""
        return bool(
            self.js("return document.querySelector(arguments[0])?.checkVisibility()", css)
        )

    def click(self, css, index=0):
        self.until(lambda: self.all(css)[index].click() or True)

    def click_at(self, path):
        self.until(lambda: self.at(path).click() or True)

    def choose(self, css, words):
        """Choose an entry of a list, as soon as there is one that reads so."""
        self.until(lambda: Select(self.find(css)).select_by_visible_text(words) or True)

    def write(self, css, text):
        """Put a text into a field and leave it."""
        self.until(lambda: self.find(css).clear() or True)
        self.until(lambda: self.find(css).send_keys(text, Keys.TAB) or True)

    def press(self, *keys):
        """Press keys on the page, in no field."""
        self.js("document.activeElement?.blur()")
        ActionChains(self.driver).send_keys(*keys).perform()

    def js(self, script, *values):
        return self.driver.execute_script(script, *values)

    def saved(self, name):
        """Return the bytes of a file that the browser saves under this name."""
        path = self.driver.downloads / name
        self.until(path.is_file)
        return path.read_bytes()

    def screen(self, width, height=900):
        """Make the screen as wide as this, or (None) what it was."""
        if width is None:
            return self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        return self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def scheme(self, name):
        """Let the page be light or dark."""
        feature = {"name": "prefers-color-scheme", "value": name}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})


class Page(Window):
    """The review of one recording."""

    def __init__(self, driver, server, identity, base=None):
        super().__init__(driver, base or server.client.base_url)
        self.client, self.identity = server.client, identity
        self.open()
        if self.shows("#use"):
            self.click("#use button")

    def open(self):
        self.go(f"#/r/{self.identity}")
        self.until(lambda: self.frame() is not None)

    def frame(self):
        """Return the number of the frame on the canvas, or None before the first."""
        found = self.js("return document.querySelector('#screen')?.dataset.frame ?? null")
        return None if found is None else int(found)

    def shown(self):
        """Return the number that the pixels of the canvas spell."""
        data = self.driver.execute_async_script(
            "const done = arguments[0]; document.querySelector('#screen')"
            ".toBlob(async (b) => done([...new Uint8Array(await b.arrayBuffer())]))"
        )
        return number_of(np.asarray(Image.open(io.BytesIO(bytes(data))).convert("RGB")))

    def is_at(self, number):
        self.until(lambda: self.frame() == number)
        assert self.shown() == number

    def pick(self, index):
        self.click(".marks button", index)
        self.until(
            lambda: self.all(".marks button")[index].get_attribute("aria-current") == "true"
        )

    def marks(self):
        return self.client.get(f"/api/recordings/{self.identity}/marks").json()

    def mark(self, index=0):
        return self.marks()["detections"][index]

    def becomes(self, index=0, **values):
        """Wait until the server knows a detection with these values, and the page shows it."""
        self.until(lambda: values.items() <= self.mark(index).items())
        revision = str(self.marks()["revision"])
        self.until(
            lambda: (
                self.js("return document.querySelector('#saved').dataset.revision") == revision
            )
        )

    def code_as(self, initials):
        self.write("#coder", initials)


def drag(page, first, last, height):
    """Drag what is at frame ``first``, ``height`` px down the timeline, to frame ``last``."""
    line = page.find("#timeline")
    page.js("arguments[0].scrollIntoView({block: 'center'})", line)
    width, middle = line.size["width"], line.size["height"] / 2
    start, end = (width * (n / 119 - 0.5) for n in (first, last))
    chain = ActionChains(page.driver)
    chain.move_to_element_with_offset(line, start, height - middle).click_and_hold()
    chain.move_to_element_with_offset(line, end, height - middle).release().perform()


def a_name(stem, ending=".mp4"):
    """Return a file name that nobody used before."""
    return f"{stem}-{time.monotonic_ns()}{ending}"
