"""Take the pictures of the review app: docs/images/app-*.jpg.

    python docs/generate_app_images.py

Renders a short recording of a simulated face, analyzes it with the shipped weights, opens the
page in Chromium and looks at it.  Needs the extras ``app`` and ``dev``, chromium and
chromedriver.
"""

from __future__ import annotations

import io
import shutil
import socket
import tempfile
import threading
import time
from pathlib import Path

import httpx
import numpy as np
import uvicorn
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from mescope.app.server import create_app
from mescope.synthesis.dynamics import random_script
from mescope.synthesis.encode import write_video
from mescope.synthesis.portraits import test_portraits
from mescope.synthesis.render import SyntheticVideo

IMAGES = Path(__file__).parent / "images"
SECONDS = 12.0


def record(folder: Path) -> None:
    for number, portrait in enumerate(test_portraits(), 1):
        script = random_script(
            np.random.default_rng(number), SECONDS, level="calm", micro_per_minute=20,
            macro_per_minute=0, peaks=(1.0, 4.0),
        )  # fmt: skip
        write_video(SyntheticVideo(portrait, script), folder / f"simulated-{number}.mp4")


def serve(folder: Path) -> str:
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(folder), log_level="warning"))
    threading.Thread(target=server.run, args=([listening],), daemon=True).start()
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


def analyzed(base: str) -> str:
    """Have the first recording analyzed and return its id."""
    with httpx.Client(base_url=base, timeout=60) as client:
        client.post("/api/recordings/rescan")
        while True:
            first = min(client.get("/api/recordings").json(), key=lambda r: r["name"])
            if first["state"] == "new" and first["frames"]:
                client.post(f"/api/recordings/{first['id']}/analyze")
            if first["state"] in ("to review", "failed"):
                return str(first["id"])
            time.sleep(0.5)


def coded(base: str, identity: str) -> None:
    """Let two people judge: a correction, a confirmation, and a mark of one's own."""
    url = f"{base}/api/recordings/{identity}"
    with httpx.Client(timeout=60) as client:
        marks = client.get(f"{url}/marks").json()
        first, second = (mark for mark in marks["detections"][:2])
        for coder, action, mark, values in (
            ("ann", "edit", first["id"], {"first": first["first"] - 3}),
            ("ann", "confirm", second["id"], {}),
            ("bea", "add", None, {"first": 160, "apex": 166, "last": 172}),
        ):
            revision = client.get(f"{url}/marks").json()["revision"]
            body = {"revision": revision, "coder": coder, "action": action, "mark": mark}
            client.post(f"{url}/events", json={**body, "values": values}).raise_for_status()


def browser() -> webdriver.Chrome:
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or "chromium"
    for word in ("--headless=new", "--no-sandbox", "--hide-scrollbars"):
        options.add_argument(word)
    driver = shutil.which("chromedriver") or "chromedriver"
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))


def look(driver: webdriver.Chrome, name: str, width: int, height: int, scheme: str) -> None:
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
    )
    time.sleep(2)
    with Image.open(io.BytesIO(driver.get_screenshot_as_png())) as picture:
        picture.convert("RGB").save(IMAGES / f"app-{name}.jpg", quality=88)


def main() -> None:
    if not shutil.which("chromedriver"):
        print(f"{IMAGES}/app-*.jpg stay as they are: they need Chromium and chromedriver")
        return
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "study"
        folder.mkdir()
        record(folder)
        base = serve(folder)
        identity = analyzed(base)
        coded(base, identity)
        driver = browser()
        try:
            driver.get(f"{base}/")
            wait = WebDriverWait(driver, 60)
            wait.until(lambda d: d.find_element(By.CSS_SELECTOR, "#use button").is_displayed())
            driver.find_element(By.CSS_SELECTOR, "#use button").click()
            driver.find_element(By.CSS_SELECTOR, "#coder").send_keys("ann", Keys.TAB)
            look(driver, "recordings", 1280, 520, "light")
            driver.get(f"{base}/#/r/{identity}")
            found = wait.until(lambda d: d.find_elements(By.CSS_SELECTOR, ".marks button"))
            found[0].click()
            time.sleep(8)  # the pair is being made
            look(driver, "review", 1280, 1250, "light")
            look(driver, "review-small", 390, 1500, "dark")
        finally:
            driver.quit()


if __name__ == "__main__":
    main()
