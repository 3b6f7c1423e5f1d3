"""Presets of the models by name; ``create_model`` builds one.

Every entry of ``MODELS`` is a preset: a function that takes fields of the model's frozen
config as keyword arguments, over the preset's own sizes, and returns the module.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from torch import nn

from mescope.errors import WeightsError
from mescope.models.alexnet import PRESETS as ALEXNET
from mescope.models.alexnet import AlexNet
from mescope.models.ammsm import PRESETS as AMMSM
from mescope.models.ammsm import Ammsm
from mescope.models.capsulenet import PRESETS as CAPSULENET
from mescope.models.capsulenet import CapsuleNet
from mescope.models.featref import PRESETS as FEATREF
from mescope.models.featref import FeatRef
from mescope.models.flow_cnn import PRESETS as FLOW_CNN
from mescope.models.flow_cnn import FlowCnn
from mescope.models.htnet import PRESETS as HTNET
from mescope.models.htnet import HtNet
from mescope.models.mambavision import PRESETS as MAMBAVISION
from mescope.models.mambavision import MambaVision
from mescope.models.me_tst import (
    MeTst,
    MeTstConfig,
    MeTstPlus,
    MeTstPlusConfig,
)
from mescope.models.mean import PRESETS as MEAN
from mescope.models.mean import Mean
from mescope.models.merba import PRESETS as MERBA
from mescope.models.merba import Merba
from mescope.models.off_apexnet import PRESETS as OFF_APEXNET
from mescope.models.off_apexnet import OffApexNet
from mescope.models.rcn import PRESETS as RCN
from mescope.models.rcn import Rcn
from mescope.models.slstt import PRESETS as SLSTT
from mescope.models.slstt import Slstt
from mescope.models.softnet import PRESETS as SOFTNET
from mescope.models.softnet import SoftNet
from mescope.models.ststnet import StstNet, StstNetConfig
from mescope.models.videomamba import PRESETS as VIDEOMAMBA
from mescope.models.videomamba import VideoMamba
from mescope.registry import Registry, suggestion

__all__ = ["BOOSTING", "BOOSTING_SMALL", "MODELS", "SMALL", "create_model"]

SMALL = MeTstPlusConfig(dim=48, blocks=3, layers=1, states=16, drop_path=0.05)
"""ME-TST+ for training and running on a plain CPU; sizes are ours."""

BOOSTING = MeTstPlusConfig(trunks=1, mode="as_published")
"""BoostingVRME as its published code has it."""

BOOSTING_SMALL = dataclasses.replace(SMALL, trunks=1, mode="as_published")
"""BoostingVRME for a plain CPU; sizes are ours."""


def _preset(module: Callable[[Any], nn.Module], config: Any) -> Callable[..., nn.Module]:
    """Return a builder of ``module`` with options over ``config``."""
    return lambda **options: module(_configure(config, options))


MODELS: Registry[Callable[..., nn.Module]] = Registry("model", "mescope.models", WeightsError)
"""Preset name -> builder."""

_PRESETS: dict[str, Callable[..., nn.Module]] = {
    "me-tst": _preset(MeTst, MeTstConfig()),
    "me-tst-plus": _preset(MeTstPlus, MeTstPlusConfig()),
    "me-tst-plus-small": _preset(MeTstPlus, SMALL),
    "boosting-vrme": _preset(MeTstPlus, BOOSTING),
    "boosting-vrme-small": _preset(MeTstPlus, BOOSTING_SMALL),
    **{name: _preset(SoftNet, c) for name, c in SOFTNET.items()},
    **{name: _preset(Mean, c) for name, c in MEAN.items()},
    "ststnet": _preset(StstNet, StstNetConfig()),
    **{name: _preset(OffApexNet, c) for name, c in OFF_APEXNET.items()},
    **{name: _preset(Rcn, c) for name, c in RCN.items()},
    **{name: _preset(AlexNet, c) for name, c in ALEXNET.items()},
    **{name: _preset(FeatRef, c) for name, c in FEATREF.items()},
    **{name: _preset(CapsuleNet, c) for name, c in CAPSULENET.items()},
    **{name: _preset(Slstt, c) for name, c in SLSTT.items()},
    **{name: _preset(HtNet, c) for name, c in HTNET.items()},
    **{name: _preset(FlowCnn, c) for name, c in FLOW_CNN.items()},
    **{name: _preset(MambaVision, c) for name, c in MAMBAVISION.items()},
    **{name: _preset(Merba, c) for name, c in MERBA.items()},
    **{name: _preset(VideoMamba, c) for name, c in VIDEOMAMBA.items()},
    **{name: _preset(Ammsm, c) for name, c in AMMSM.items()},
}
for _name, _builder in _PRESETS.items():
    MODELS.register(_name)(_builder)


def _configure(preset: Any, options: dict[str, Any]) -> Any:
    """Return ``preset`` with ``options`` over it; refuse names it does not have."""
    known = [field.name for field in dataclasses.fields(preset)]
    for name in options:
        if name not in known:
            raise WeightsError(
                f"unknown model option {name!r}; {type(preset).__name__} has "
                f"{', '.join(known)}{suggestion(name, known)}"
            )
    try:
        return dataclasses.replace(preset, **options)
    except ValueError as error:
        raise WeightsError(f"a model cannot be built so: {error}") from None


def create_model(name: str, **options: Any) -> nn.Module:
    """Build the model called ``name`` with fresh weights.

    Args:
        name: one of ``MODELS``.
        options: fields of its config to change, for example ``channels=10``.

    Raises:
        WeightsError: the name or an option is unknown, or a value is out of range.

    Example:
        >>> import torch
        >>> model = create_model("flow-cnn").eval()
        >>> model(torch.zeros(2, 3, 28, 28)).emotion.shape  # u, v and strain of two clips
        torch.Size([2, 3])
    """
    return MODELS.named(name)(**options)
