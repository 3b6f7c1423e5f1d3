"""Models: tensors in, tensors out.  ``create_model`` builds one by its name.

The names below are resolved when they are first used: cards and headers of weights are read
without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mescope.models.alexnet import AlexNet
    from mescope.models.ammsm import Ammsm
    from mescope.models.capsulenet import CapsuleNet
    from mescope.models.featref import FeatRef
    from mescope.models.flow_cnn import FlowCnn
    from mescope.models.htnet import HtNet
    from mescope.models.mambavision import MambaVision
    from mescope.models.me_tst import (
        MeTst,
        MeTstConfig,
        MeTstOutput,
        MeTstPlus,
        MeTstPlusConfig,
    )
    from mescope.models.mean import Mean
    from mescope.models.merba import Merba
    from mescope.models.off_apexnet import OffApexNet
    from mescope.models.presets import MODELS, SMALL, create_model
    from mescope.models.rcn import Rcn
    from mescope.models.slstt import Slstt
    from mescope.models.softnet import SoftNet
    from mescope.models.ststnet import StstNet, StstNetConfig
    from mescope.models.videomamba import VideoMamba, VideoMambaConfig

__all__ = [
    "MODELS",
    "SMALL",
    "AlexNet",
    "Ammsm",
    "CapsuleNet",
    "FeatRef",
    "FlowCnn",
    "HtNet",
    "MambaVision",
    "MeTst",
    "MeTstConfig",
    "MeTstOutput",
    "MeTstPlus",
    "MeTstPlusConfig",
    "Mean",
    "Merba",
    "OffApexNet",
    "Rcn",
    "Slstt",
    "SoftNet",
    "StstNet",
    "StstNetConfig",
    "VideoMamba",
    "VideoMambaConfig",
    "create_model",
]

_HOME = {
    "AlexNet": "mescope.models.alexnet",
    "Ammsm": "mescope.models.ammsm",
    "CapsuleNet": "mescope.models.capsulenet",
    "FeatRef": "mescope.models.featref",
    "FlowCnn": "mescope.models.flow_cnn",
    "HtNet": "mescope.models.htnet",
    "MambaVision": "mescope.models.mambavision",
    "MeTst": "mescope.models.me_tst",
    "MeTstConfig": "mescope.models.me_tst",
    "MeTstOutput": "mescope.models.me_tst",
    "MeTstPlus": "mescope.models.me_tst",
    "MeTstPlusConfig": "mescope.models.me_tst",
    "Mean": "mescope.models.mean",
    "Merba": "mescope.models.merba",
    "OffApexNet": "mescope.models.off_apexnet",
    "Rcn": "mescope.models.rcn",
    "Slstt": "mescope.models.slstt",
    "SoftNet": "mescope.models.softnet",
    "StstNet": "mescope.models.ststnet",
    "StstNetConfig": "mescope.models.ststnet",
    "VideoMamba": "mescope.models.videomamba",
    "VideoMambaConfig": "mescope.models.videomamba",
    "MODELS": "mescope.models.presets",
    "SMALL": "mescope.models.presets",
    "create_model": "mescope.models.presets",
}


def __getattr__(name: str) -> Any:
    """Import a model, and torch with it, only when somebody asks for it."""
    if name not in _HOME:
        raise AttributeError(f"module 'mescope.models' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
