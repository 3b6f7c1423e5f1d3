"""Pictures of a detection for a page: face crops as data URIs, and arrows of motion on them."""

from __future__ import annotations

import base64
import math
from typing import TYPE_CHECKING

import cv2
import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from mescope.reports.formatting import region_words

if TYPE_CHECKING:
    from mescope.results import Finding, RegionMotion

_CROP = 320  # side of the crop in which motion is measured, px
_WIDTH = 256  # of the drawing, units
_QUALITY = 90  # JPEG: about 15 kB a crop, without visible loss
_FACTORS = (1, 2, 5, 10, 15, 20, 30, 40, 60, 80, 100)
_LONGEST = 0.2  # of the drawing: length that the longest arrow may reach
_MOST_ARROWS = 6
_FAINTEST = 0.3  # of the strongest motion; weaker regions would only clutter

PLACES: dict[str, tuple[float, float]] = {
    "BROW_L": (0.29, 0.29),
    "BROW_L_20": (0.34, 0.265),
    "BROW_L_19": (0.27, 0.255),
    "BROW_L_18": (0.205, 0.275),
    "BROW_R": (0.715, 0.285),
    "BROW_R_23": (0.65, 0.255),
    "BROW_R_24": (0.725, 0.25),
    "BROW_R_25": (0.80, 0.265),
    "MOUTH": (0.50, 0.75),
    "MOUTH_48": (0.34, 0.73),
    "MOUTH_54": (0.665, 0.72),
    "MOUTH_51": (0.50, 0.71),
    "MOUTH_57": (0.50, 0.80),
    "MOUTH_62": (0.50, 0.74),
    "NOSE_31": (0.41, 0.615),
    "NOSE_35": (0.59, 0.615),
    "LID_L": (0.32, 0.45),
    "LID_R": (0.685, 0.45),
}
"""Where regions lie in a face crop, as shares of its width and height.

The crop is fitted to the eye corners, so regions lie within about 0.04 of these places in
everybody who faces the camera (measured on the two public test faces).
"""

_PARTS_OF = {"BROW_L": "BROW_L_", "BROW_R": "BROW_R_", "MOUTH": "MOUTH_"}


def data_uri(picture: NDArray[np.uint8]) -> str:
    """Return an RGB picture (h, w, 3) uint8 as a JPEG data URI."""
    done, jpeg = cv2.imencode(
        ".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    )
    if not done:
        raise ValueError(f"cannot encode a picture of shape {picture.shape}")
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode("ascii")


def arrows_worth_drawing(regions: tuple[RegionMotion, ...]) -> tuple[RegionMotion, ...]:
    """Return the few regions whose arrows are worth drawing, strongest first.

    A whole brow or mouth is left out where one of its parts is drawn already.
    """
    ranked = sorted(regions, key=lambda motion: -motion.magnitude)
    known = [m for m in ranked if m.region in PLACES and m.magnitude > 0]
    chosen: list[RegionMotion] = []
    for motion in known:
        prefix = _PARTS_OF.get(motion.region)
        if prefix and any(other.region.startswith(prefix) for other in known):
            continue
        if motion.magnitude >= _FAINTEST * known[0].magnitude:
            chosen.append(motion)
    return tuple(chosen[:_MOST_ARROWS])


def factor(regions: tuple[RegionMotion, ...]) -> int:
    """Return how many times to magnify the motion so that the longest arrow is well seen."""
    longest = max((motion.magnitude for motion in regions), default=0.0) / _CROP
    fitting = [f for f in _FACTORS if f * longest <= _LONGEST]
    return fitting[-1] if fitting else 1


def motion_picture(finding: Finding) -> Markup | None:
    """Return the apex crop with magnified arrows as an SVG element; None without a crop.

    The drawing also holds the onset crop in class ``before``, so that a page can flicker
    between the two, which is how a coder sees a small movement best.
    """
    if finding.apex_picture is None:
        return None
    regions = arrows_worth_drawing(finding.evidence.regions)
    scale = factor(regions)
    height = round(_WIDTH * finding.apex_picture.shape[0] / finding.apex_picture.shape[1])
    layers = [_image(finding.apex_picture, "after", height)]
    if finding.onset_picture is not None:
        layers.append(_image(finding.onset_picture, "before", height))
    arrows = "".join(_arrow(motion, scale, height) for motion in regions)
    label = f"Motion from onset to apex, arrows {scale} times as long as the motion"
    return Markup(
        f'<svg class="motion" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="{escape(label)}">'
        + "".join(layers)
        + f'<g class="arrows">{arrows}</g></svg>'
    )


def _image(picture: NDArray[np.uint8], role: str, height: int) -> str:
    return (
        f'<image class="{role}" width="{_WIDTH}" height="{height}" '
        f'preserveAspectRatio="none" href="{data_uri(picture)}"/>'
    )


def _arrow(motion: RegionMotion, scale: int, height: int) -> str:
    """Draw one arrow with a halo, so that it is seen on bright and dark skin alike.

    A crop that was cut by the edge of the frame is not square; the motion was measured in a
    square one, so both sides are scaled on their own.
    """
    share_x, share_y = PLACES[motion.region]
    x0, y0 = share_x * _WIDTH, share_y * height
    dx, dy = motion.dx / _CROP * _WIDTH * scale, motion.dy / _CROP * height * scale
    length = math.hypot(dx, dy)
    ux, uy = dx / length, dy / length
    x1, y1 = x0 + dx, y0 + dy
    head = min(9.0, 0.6 * length)
    bx, by = x1 - ux * head, y1 - uy * head
    wing = 0.5 * head
    tip = (
        f"M{x1:.1f} {y1:.1f}L{bx - uy * wing:.1f} {by + ux * wing:.1f}"
        f"L{bx + uy * wing:.1f} {by - ux * wing:.1f}Z"
    )
    shaft = f"M{x0:.1f} {y0:.1f}L{bx:.1f} {by:.1f}"
    degrees = math.degrees(math.atan2(-motion.dy, motion.dx))
    title = f"{region_words(motion.region)}: {motion.magnitude:.1f} px, {degrees:.0f}°"
    return (
        f"<g><title>{escape(title)}</title>"
        f'<path class="halo" d="{shaft}{tip}"/>'
        f'<circle class="halo" cx="{x0:.1f}" cy="{y0:.1f}" r="2.6"/>'
        f'<path class="shaft" d="{shaft}"/><path class="tip" d="{tip}"/>'
        f'<circle class="tip" cx="{x0:.1f}" cy="{y0:.1f}" r="2.6"/></g>'
    )
