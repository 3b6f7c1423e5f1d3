"""SPOTTERS: the ways to find movements in the motion of a face, chosen by name.

A spotter of your own, here or in a file that ``--plugin`` names:

    from mescope.spotting import SPOTTERS, Spotter, Spotting

    @SPOTTERS.register("my-spotter")
    class MySpotter(Spotter):
        def spot(self, flow):
            ...
            return Spotting(detections=..., score=..., floor=...)

The command line, :func:`mescope.load` and the review app choose from this one registry.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mescope.errors import MescopeError, WeightsError
from mescope.events import Detection, Interval
from mescope.registry import Registry

if TYPE_CHECKING:
    from mescope.motion.head_motion import Head
    from mescope.motion.roi_flow import RoiFlow
    from mescope.motion.windows import Overlap
    from mescope.video.source import Video

Score = Callable[[NDArray[np.float32]], tuple[NDArray[np.floating[Any]], NDArray[Any]]]
"""Inputs (m, channels, k) to scores (m, k), 0 to 1, and class logits (m, k, classes); maps of
frames (m, 3, size, size) to scores (m,) and class logits (m, classes)."""


@dataclass(frozen=True, kw_only=True)
class Network:
    """What a spotter gets of weights: their scores, and what their card says of spotting.

    Attributes:
        name: of the weights.
        look: what the network is shown, "windows", "candidates" or "frames".
        head: whose motion it takes for the head's.
        rule: the constants that were chosen together with the weights.
        score: the network itself.
        model: the preset that it is, a name of :data:`mescope.models.MODELS`.
        labels: of its classes; none if it names nothing.
    """

    name: str
    look: str
    head: Head
    rule: Mapping[str, Any]
    score: Score
    model: str = ""
    labels: tuple[str, ...] = ()


class StandingOut(NamedTuple):
    """How far a movement stands out from a recording's own tremble, px of the 320-px crop.

    Attributes:
        third: by how much the region that comes and goes third most does so.
        needed: by how much it has to, or the score is lowered.
        lowered: whether it was.
    """

    third: float
    needed: float
    lowered: bool


@dataclass(frozen=True, kw_only=True)
class Spotting:
    """The movements of one recording of n decimated frames.

    Attributes:
        detections: every movement down to a low floor, those that are not shown too.
        score: (n,) 0 to 1; nan without a face.
        floor: least score of a detection that is shown.
        emotion: (n, 5) probabilities, neutral last; nan likewise.  None: no probabilities.
        movement: (n,) trace of the training-free spotter.  None: there is none.
        standing_out: of detections by interval, where the spotter asks for it.
    """

    detections: tuple[Detection, ...]
    score: NDArray[np.float64]
    floor: float
    emotion: NDArray[np.float64] | None = None
    movement: NDArray[np.float64] | None = None
    standing_out: Mapping[Interval, StandingOut] = field(default_factory=dict)


def given(network: Network | None, spotter: str) -> Network:
    """Return the network that a spotter was handed.

    Raises:
        WeightsError: there is none.
    """
    if network is None:
        raise WeightsError(
            f"the spotter {spotter!r} expected a network, found none; mescope.load() reads "
            "weights and hands it one"
        )
    return network


class Spotter(ABC):
    """Finds the movements of one recording after the other.

    Attributes:
        needs_network: weights must be read first; else ``network`` is None.
        head: whose motion is taken out as the head's before the spotter sees the flow.
        overlap: how far windows are measured: only what sees them one by one needs "full".
    """

    needs_network: ClassVar[bool] = False
    head: Head = "face"
    overlap: Overlap = "thin"

    def __init__(self, network: Network | None = None) -> None:
        self.network = network

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The constants that decide a result, for its provenance."""
        return {}

    def look(  # noqa: B027 - most spotters have nothing to do here
        self, video: Video, flow: RoiFlow, *, jobs: int | None = None
    ) -> None:
        """Look at the recording itself, before :meth:`spot`; most need nothing of it.

        Args:
            video: the recording.
            flow: its region flow.
            jobs: threads; by default one per core.
        """

    @abstractmethod
    def spot(self, flow: RoiFlow) -> Spotting:
        """Return the movements of a recording, in decimated frames."""


SPOTTERS: Registry[type[Spotter]] = Registry("spotter", "mescope.spotters", MescopeError)
"""Name -> spotter."""
