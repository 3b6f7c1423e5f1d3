"""Take the picture of a report: docs/images/report.png.

    make demo
    python docs/generate_report_image.py demo/report.html

Opens the page of the sample recording in Chromium and looks at its upper part.  Needs the extra
``dev``, chromium and chromedriver.
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

from generate_app_images import IMAGES, browser
from PIL import Image

PICTURE = IMAGES / "report.png"
WIDTH, HEIGHT = 1075, 1740
"""Down to why the first detection was proposed."""


def main(pages: list[str]) -> None:
    if len(pages) != 1 or not shutil.which("chromedriver"):
        print(f"{PICTURE} stays as it is: it needs one report.html, Chromium and chromedriver")
        return
    driver = browser()
    try:
        size = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        driver.get(Path(pages[0]).resolve().as_uri())
        picture = Image.open(io.BytesIO(driver.get_screenshot_as_png()))
    finally:
        driver.quit()
    few = picture.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE)  # keeps rare colours
    few.save(PICTURE, optimize=True)


if __name__ == "__main__":
    main(sys.argv[1:])
