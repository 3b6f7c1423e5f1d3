"""Take in published weights of ME-TST, ME-TST+ and BoostingVRME from a local file.

Nothing is downloaded: ``docs/models/me-tst.md`` says where the authors offer them.  The file is
read as :mod:`mescope.models.published_state` says, so no code in it is run.

Names as in the published code (zizheng-guo/ME-TST, zizheng-guo/BoostingVRME), which saves them
through DataParallel: ``module.`` before every name is taken off where it is there.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mescope.errors import WeightsError
from mescope.models import create_model
from mescope.models.published_state import check_names, check_values, read_state
from mescope.models.weights import Card, save
from mescope.motion.regions import REGIONS_5, REGIONS_18, Reference, Region, Shares

IMPORTED = "import"
"""``Card.recipe`` of an imported checkpoint: nothing was trained on here."""

_COUNTS = ("num_batches_tracked",)  # the only whole numbers of a state


@dataclasses.dataclass(frozen=True, kw_only=True)
class Family:
    """What a published network of this line is, besides its tensors.

    Attributes:
        title: its name in the papers.
        nested_heads: its heads lie inside a Sequential, so their names have a number more.
        regions: whose motion it sees, in this order.
        shares: of the strongest vectors, a name of :data:`mescope.motion.regions.SHARES`.
        reference: of a window without a face in its first frame.
        repository: on GitHub, where its authors offer the weights.
        licence: of the published weights.
    """

    title: str
    nested_heads: bool
    regions: tuple[Region, ...]
    shares: Shares
    reference: Reference
    repository: str
    licence: str


_NO_LICENCE = (
    "none is stated (zizheng-guo/ME-TST has no licence file): ask its authors before you pass "
    "these weights on"
)

FAMILIES: dict[str, Family] = {
    "me-tst": Family(
        title="ME-TST", nested_heads=True, regions=REGIONS_5, shares="default",
        reference="walk", repository="zizheng-guo/ME-TST", licence=_NO_LICENCE,
    ),
    "me-tst-plus": Family(
        title="ME-TST+", nested_heads=False, regions=REGIONS_18, shares="me-tst-plus",
        reference="late", repository="zizheng-guo/ME-TST", licence=_NO_LICENCE,
    ),
    "boosting-vrme": Family(
        title="BoostingVRME", nested_heads=True, regions=REGIONS_18, shares="me-tst-plus",
        reference="late", repository="zizheng-guo/BoostingVRME",
        licence="MIT (zizheng-guo/BoostingVRME); keep the authors' notice",
    ),
}  # fmt: skip
"""Preset -> what is published under it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Training:
    """What the published training on one data set fixes.

    Attributes:
        title: of the data set.
        dataset: its name in mescope.datasets.
        window: k, decimated frames.
        rate: decimated frames per second.
        half_length: k_p of the spotting rule, decimated frames.
    """

    title: str
    dataset: str
    window: int
    rate: float
    half_length: int


TRAININGS: dict[str, Training] = {
    "casme3": Training(
        title="CAS(ME)^3", dataset="casme3a", window=50, rate=30.0, half_length=17
    ),
    "samm-lv": Training(
        title="SAMM Long Videos", dataset="samm-lv", window=30, rate=200 / 7, half_length=5
    ),
}
"""Data set -> its published windows; the spotting rule's k_p follows from its annotations."""


def import_checkpoint(
    source: str | Path,
    out: str | Path,
    family: str,
    *,
    trained_on: str = "",
    without: str = "",
    **options: Any,
) -> Card:
    """Write a published checkpoint as weights that ``analyze``, ``spot`` and ``load`` take.

    Args:
        source: the published file.
        out: the .safetensors file to write.
        family: a name of :data:`FAMILIES`.
        trained_on: a name of :data:`TRAININGS`; windows are those of CAS(ME)^3 if not stated.
        without: the subject whose recordings were left out of training (each published file
            is one fold of leave-one-subject-out).
        options: fields of the preset's config to change, such as ``dim``.

    Returns:
        The card as written.

    Raises:
        WeightsError: unknown names, or the file is not such a checkpoint.
    """
    if family not in FAMILIES:
        raise WeightsError(f"expected one of {', '.join(FAMILIES)}, found {family!r}")
    if trained_on and trained_on not in TRAININGS:
        raise WeightsError(
            f"expected {' or '.join(TRAININGS)} as data set, found {trained_on!r}; leave it "
            "out where it is another"
        )
    network = create_model(family, **(options | {"mode": "as_published"}))
    state = from_published(read_state(source, prefixes=("module.",)), network, family)
    network.load_state_dict(state)
    card = _card(family, network, source=Path(source), trained_on=trained_on, without=without)
    return save(out, network.eval(), card)


def _card(
    family: str, network: nn.Module, *, source: Path, trained_on: str, without: str
) -> Card:
    about, training = FAMILIES[family], TRAININGS[trained_on or "casme3"]
    config: Any = network.config
    data = training.title if trained_on else "data that was not stated"
    left_out = f" without subject {without}" if without else ""
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    return Card(
        model=family,
        config=dataclasses.asdict(config),
        regions=tuple(region.name for region in about.regions),
        window=training.window,
        rate=training.rate,
        mode="as_published",
        shares=about.shares,
        reference=about.reference,
        head="nose",
        look="windows",
        recipe=IMPORTED,
        trained_on=f"{data}{left_out}, by the authors of {about.title}",
        without=without,
        dataset=training.dataset if trained_on else "",
        proposals=published_rule(training.half_length, family),
        licence=about.licence,
        notes=f"published weights, imported from {source.name} (sha256 {digest}); the "
        "network is shown what its authors show it, and its scores are read by their rule",
    )


def published_rule(half_length: int, family: str) -> dict[str, Any]:
    """Return the published rule of a family: fields of a ``ProposalRule`` (in ``spotting``).

    Intervals of ME-TST and ME-TST+ have one length; those of BoostingVRME grow, and it sets the
    neutral logit to 0.  ``floor`` is 0: nothing but the recording's own maximum decides.
    """
    rule = {
        "mode": "as_published",
        "half_length": half_length,
        "share": 0.55,
        "floor": 0.0,
        "strategy": 2,
    }
    grows = (
        {"intervals": "extensible", "neutral": "zeroed"} if family == "boosting-vrme" else {}
    )
    return rule | grows


def from_published(
    tensors: Mapping[str, Tensor], network: nn.Module, family: str
) -> dict[str, Tensor]:
    """Turn published tensors into the state of ``network``, float32.

    Args:
        tensors: by their published names, without ``module.``.
        network: of that preset, in mode ``as_published``.
        family: a name of :data:`FAMILIES`.

    Raises:
        WeightsError: tensors are missing, unknown, of another shape, no floats or not finite.
    """
    own = network.state_dict()
    names = {published_name(name, family): name for name in own}
    title = FAMILIES[family].title
    check_names(
        tensors,
        {theirs: tuple(own[ours].shape) for theirs, ours in names.items()},
        f"a published checkpoint of {title}",
        f"choose the network that it was made with ({', '.join(FAMILIES)})",
    )
    check_values(tensors, _COUNTS)
    return {
        ours: tensors[theirs].detach().to(own[ours].dtype, copy=True).contiguous()
        for theirs, ours in names.items()
    }


def published_shapes(family: str, **options: Any) -> dict[str, tuple[int, ...]]:
    """Return name -> shape of a published checkpoint, without ``module.``."""
    with torch.device("meta"):
        network = create_model(family, **(options | {"mode": "as_published"}))
    return {
        published_name(name, family): tuple(tensor.shape)
        for name, tensor in network.state_dict().items()
    }


_LAYER = {
    "norm_in": "attn.norm", "mixer": "attn.mamba", "norm_out": "norm1", "norm_unused": "norm2",
}  # fmt: skip
"""Ours inside a layer -> published."""


def published_name(ours: str, family: str) -> str:
    """Return what a tensor of ours is called in the published state of its family.

    >>> published_name("trunks.1.fast.0.3.mixer.D", "me-tst-plus")
    'recog_pathway.block1_fast.3.attn.mamba.D'
    """
    first, _, rest = ours.partition(".")
    if first == "stem":
        return f"Stem.{rest}"
    task = "spot" if first.startswith("spotting") else "recog"
    if first.endswith("_head"):
        return f"fc_{task}.{'0.' if FAMILIES[family].nested_heads else ''}{rest}"
    if first.endswith("_branch"):
        return f"blocks_{task}.{_in_layers(rest)}"
    trunk, _, rest = rest.partition(".")
    pathway = (
        "" if family == "boosting-vrme" else ("spot_pathway.", "recog_pathway.")[int(trunk)]
    )
    return pathway + _in_trunk(rest)


def _in_trunk(ours: str) -> str:
    """Return the published name of what lies in a SlowFast trunk."""
    part, _, rest = ours.partition(".")
    if part == "to_slow":
        return f"Stem_slow.{rest}"
    number, _, rest = rest.partition(".")
    counted = int(number) + 1
    if part == "laterals":
        return f"fuse_{counted}.conv.{rest}"
    return f"block{counted}{'_fast' if part == 'fast' else ''}.{_in_layers(rest)}"


def _in_layers(ours: str) -> str:
    """Return ``3.mixer.D`` as published: the number of a layer, and a name inside it."""
    number, part, rest = ours.split(".", 2)
    return f"{number}.{_LAYER[part]}.{rest}"
