"""Write docs/images/rsmix.jpg: an expression, a neutral stretch, and what RSMix makes of both.

    python docs/generate_rsmix.py [VIDEO]

The face is the public-domain portrait that comes with matplotlib, the expression is rendered,
landmarks and everything after them are the real thing.  With a name, such as mixed.mp4, the
clip is written as a video, too (slowed down to 5 frames a second).
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

from mescope.events import Recording
from mescope.reports.mix_strip import mix_strip, side_by_side
from mescope.samples.rsmix.paste import pixels
from mescope.samples.rsmix.plan import Settings, clip_of, crops_of, plan_recording
from mescope.synthesis.dynamics import PlantedExpression, Script, Waves
from mescope.synthesis.encode import write_video
from mescope.synthesis.portraits import test_portraits
from mescope.synthesis.render import SyntheticVideo
from mescope.video.reading import open_video

PICTURE = Path(__file__).parent / "images" / "rsmix.jpg"
RATE = 25
STILL = Waves(amplitudes=(), frequencies=(), phases=())
SWAY = Waves(amplitudes=(0.02,), frequencies=(0.35,), phases=(0.0,))


def planted() -> Script:
    """Return three seconds with a strong smile and lowered brows; the head sways a little."""
    smile = PlantedExpression(
        onset_s=1.4, apex_s=1.8, offset_s=2.4, kind="macro", emotion="positive",
        action_units=("4", "L12"), peak=3.0,
    )  # fmt: skip
    return Script(
        duration=3.0, expressions=(smile,), disturbances=(), sway=(SWAY, STILL, STILL, STILL),
        nods=(), flicker=STILL, noise=1.5, quality=None, seed=7, level="calm",
    )  # fmt: skip


def main() -> None:
    video = SyntheticVideo(test_portraits()[0], planted(), RATE)
    recording = Recording(
        dataset="synthetic", subject="demo", name="demo", frames=len(video), rate=RATE,
        expressions=video.expressions,
    )  # fmt: skip
    (plan,) = plan_recording(recording, video, Settings())
    if plan.above is None or plan.below is None or plan.cells is None:
        sys.exit(plan.account.skipped)
    clips = (
        crops_of(plan.above, video),
        crops_of(plan.below, video),
        pixels(plan.cells, 224),
        clip_of(plan, video),
    )
    strip = mix_strip(*clips, columns=5)
    smaller = cv2.resize(strip, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    picture = cv2.cvtColor(smaller, cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(PICTURE), picture, [cv2.IMWRITE_JPEG_QUALITY, 88])
    print(PICTURE, plan.target, plan.account)
    if len(sys.argv) > 1:
        write_video(open_video(np.ascontiguousarray(side_by_side(*clips)), rate=5), sys.argv[1])


if __name__ == "__main__":
    main()
