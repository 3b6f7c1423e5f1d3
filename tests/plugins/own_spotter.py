"""A plug-in with a spotter of its own: one region's motion, a threshold and nothing else.

mescope --plugin tests/plugins/own_spotter.py spot video.mp4 --method lip-threshold
"""

import numpy as np

from mescope.events import Detection, Interval
from mescope.spotting import SPOTTERS, Spotter, Spotting
from mescope.spotting.displacement import displacement

REGION, LEAST_PX = "MOUTH_54", 1.0


@SPOTTERS.register("lip-threshold")
class LipThreshold(Spotter):
    """Finds every stretch in which the left mouth corner is far from where it mostly is."""

    @property
    def parameters(self):
        """What decides a result."""
        return {"region": REGION, "least_px": LEAST_PX}

    def spot(self, flow):
        """Return the stretches; 1 px is a score of 0.5."""
        at = 2 * flow.regions.index(REGION)
        moved = displacement(flow.windows, flow.timing.hop, flow.valid)[:, at : at + 2]
        far = np.hypot(*(moved - np.nanmedian(moved, axis=0)).T)
        score = far / (far + LEAST_PX)
        above = np.concatenate([[False], far > LEAST_PX, [False]])
        edges = np.flatnonzero(np.diff(above.astype(int)))
        found = tuple(
            Detection(
                interval=Interval(int(first), int(stop) - 1),
                kind="micro",
                score=float(score[first:stop].max()),
                apex=int(first + score[first:stop].argmax()),
            )
            for first, stop in zip(edges[::2], edges[1::2], strict=True)
        )
        return Spotting(detections=found, score=score, floor=0.5)
