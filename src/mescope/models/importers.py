"""IMPORTERS: the published checkpoints that can be taken in, chosen by name.

``mescope models import FILE --as NAME`` reads this registry.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from mescope.errors import WeightsError
from mescope.models import me_tst_import, start_import, videomamba_import
from mescope.models.weights import Card
from mescope.registry import Registry


@dataclasses.dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be imported, and as what.

    Attributes:
        source: the published file.
        out: the .safetensors file to write.
        model: the preset; empty: the importer's own.
        labels: classes of a new head.
        trained_on: the data set that the published training saw.
        without: the subject that it left out.
        onto: weights of an earlier import to put these into.
        licence: of the published file, as the user knows it.
        options: fields of the preset's config to change.
    """

    source: Path
    out: Path
    model: str = ""
    labels: tuple[str, ...] = ()
    trained_on: str = ""
    without: str = ""
    onto: Path | None = None
    licence: str = ""
    options: dict[str, Any] = dataclasses.field(default_factory=dict)


class Importer(ABC):
    """Turns one kind of published checkpoint into weights with a card.

    Attributes:
        title: what is taken in, and where its authors offer it.
        takes: the fields of an order that this kind has a use for.
    """

    title: str
    takes: ClassVar[frozenset[str]]

    def run(self, order: Order) -> Card:
        """Write the weights and return their card.

        Raises:
            WeightsError: the order holds what this kind has no use for, or the file is not
                such a checkpoint.
        """
        for name in ("model", "labels", "trained_on", "without", "onto", "licence"):
            if getattr(order, name) and name not in self.takes:
                raise WeightsError(
                    f"expected no --{name.replace('_', '-')} for such a checkpoint, found "
                    f"{getattr(order, name)!r}; leave it out"
                )
        return self.write(order)

    @abstractmethod
    def write(self, order: Order) -> Card:
        """Write the weights and return their card."""


IMPORTERS: Registry[Importer] = Registry("importer", "mescope.importers", WeightsError)
"""Name -> importer."""


class VideoMambaImporter(Importer):
    """VideoMamba of pictures or videos, to begin a training from."""

    title = "VideoMamba, to begin a training from (OpenGVLab/VideoMamba)"
    takes = frozenset({"model", "labels", "licence"})

    def write(self, order: Order) -> Card:
        """Write the weights and return their card."""
        if not order.labels:
            raise WeightsError(
                "expected the classes of the new head of VideoMamba, found none; give them as "
                "--labels negative,positive,surprise"
            )
        card, _ = videomamba_import.import_checkpoint(
            order.source, order.out, order.model or "videomamba-ti", order.labels,
            order.licence, **order.options,
        )  # fmt: skip
        return card


class StartImporter(Importer):
    """A checkpoint of pictures that a stream of AMMSM begins from."""

    takes = frozenset({"model", "labels", "onto", "licence"})

    def __init__(self, kind: str, title: str) -> None:
        self.kind, self.title = kind, title

    def write(self, order: Order) -> Card:
        """Write the weights and return their card."""
        return start_import.import_start(
            order.source, order.out, self.kind, model=order.model, labels=order.labels,
            onto=order.onto, licence=order.licence, **order.options,
        )  # fmt: skip


class MeTstImporter(Importer):
    """ME-TST, ME-TST+ or BoostingVRME, ready to find expressions."""

    takes = frozenset({"trained_on", "without"})

    def __init__(self, family: str) -> None:
        about = me_tst_import.FAMILIES[family]
        self.family = family
        self.title = f"{about.title}, ready to find expressions ({about.repository})"

    def write(self, order: Order) -> Card:
        """Write the weights and return their card."""
        return me_tst_import.import_checkpoint(
            order.source, order.out, self.family, trained_on=order.trained_on,
            without=order.without, **order.options,
        )  # fmt: skip


IMPORTERS.register("videomamba")(VideoMambaImporter())
IMPORTERS.register("vssd-tiny")(
    StartImporter("vssd-tiny", "VSSD-Tiny, to begin AMMSM's flow from (YuHengsss/VSSD)")
)
IMPORTERS.register("resnet-18")(
    StartImporter("resnet-18", "ResNet-18, to begin AMMSM's onset frame from (torchvision)")
)
for _family in me_tst_import.FAMILIES:
    IMPORTERS.register(_family)(MeTstImporter(_family))
