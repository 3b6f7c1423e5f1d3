"""From the motion of a face to its movements and events; nothing here needs torch.

``SPOTTERS`` holds the ways to find movements by name; importing this package registers ours.
"""

from mescope.spotting.flow_peaks import FlowPeaks
from mescope.spotting.frame_scores import MeanSpotter, SoftNetSpotter
from mescope.spotting.mdmd import Mdmd
from mescope.spotting.network import NetworkSpotter
from mescope.spotting.of_fd import OfFd
from mescope.spotting.spotters import SPOTTERS, Network, Spotter, Spotting

__all__ = [
    "SPOTTERS",
    "FlowPeaks",
    "Mdmd",
    "MeanSpotter",
    "Network",
    "NetworkSpotter",
    "OfFd",
    "SoftNetSpotter",
    "Spotter",
    "Spotting",
]
