"""What a recipe says: who it is, and one table for each that reads it.

``[model]`` which network, ``[data]`` a kind of samples (:mod:`mescope.samples.base`),
``[optim]`` how it is optimised, ``[augment]`` what is done to samples while training,
``[task]`` what the model's family has beside that (:mod:`mescope.training.tasks`).  A table
checks itself; the task says which tables go together.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, ClassVar, TypeVar

from mescope.errors import RecipeError
from mescope.ranges import Share, Within
from mescope.samples.base import SampleKind
from mescope.samples.checks import (
    LearningRate,
    Number,
    Ratio,
    Some,
    not_negative,
    one_of,
    positive,
    shares,
)

PRECISIONS = ("32-true", "tf32", "bf16-mixed")
"""As Lightning Fabric names them, and TF32; state spaces are scanned in float32 in all."""

SCHEDULES = ("constant", "cosine", "warm-up", "warm-up-cosine")
"""``cosine`` falls to 0 in the last step; ``warm-up`` is MERba's and ``warm-up-cosine``
VideoMamba's (:mod:`mescope.training.schedules`)."""

Table = TypeVar("Table")
ModelName = Annotated[str, Within(1, 200)]
Pixels = Annotated[int, Within(0, 1024)]
Turn = Annotated[float, Within(0.0, 180.0)]
Zoom = Annotated[float, Within(0.0, 0.9)]
Mixup = Annotated[float, Within(0.0, 1000.0)]
Seeds = Annotated[int, Within(1, 1000)]


@dataclass(frozen=True, kw_only=True)
class ModelTable:
    """``[model]``: a network, or a classical model."""

    name: ModelName  # a preset of mescope.models, or a name of mescope.training.classical
    options: dict[str, Any] = field(default_factory=dict)  # of the model
    weights: str = ""  # to start from: shipped ones or a file, that saw no real person


@dataclass(frozen=True, kw_only=True)
class OptimTable:
    """``[optim]`` of a task that optimises nothing; the base of the others."""


@dataclass(frozen=True, kw_only=True)
class LoopOptim(OptimTable):
    """``[optim]`` of whatever the one loop trains; the base of its families' tables.

    ``precision``, ``accumulate`` and ``recompute`` fit a training into a card's memory; of them
    only ``precision`` and, in a network with batch norm, ``accumulate`` change what is learned.
    """

    epochs: Number = 30
    batch_size: Number = 128  # of a step
    learning_rate: LearningRate = 1e-3  # the peak of the schedule
    precision: str = "32-true"  # or tf32 (products of 19 bits on cards), or bf16-mixed
    accumulate: Number = 1  # parts in which a batch is computed, one after the other
    recompute: bool = False  # blocks compute twice instead of remembering
    compiled: bool = False  # by torch.compile, which takes minutes before the first step
    average: Share = 0.0  # of the mean that a step keeps, such as 0.999; 0: the last step is it

    def __post_init__(self) -> None:
        one_of("precision", self.precision, PRECISIONS)
        positive(self, "batch_size", "learning_rate", "accumulate")
        not_negative(self, "epochs")
        shares(self, "average")


@dataclass(frozen=True, kw_only=True)
class Optim(LoopOptim):
    """``[optim]`` of recognisers: AdamW on shuffled batches of all samples.

    With 0 epochs the weights that the recipe names are asked as they are.
    """

    epochs: Some = 100
    batch_size: Number = 256
    weight_decay: Ratio = 0.0  # decoupled, as AdamW has it
    schedule: str = "constant"  # one of SCHEDULES
    clip_norm: Annotated[float, Within(0.0, 1e9)] = 0.0  # longest gradient, 0 for any
    hold_out: Share = 0.0  # share of the training people that choose the epoch, or in a search
    # ratios and alpha; 0 for the last epoch
    patience: Annotated[int, Within(0, 10_000)] = 0  # with hold_out: epochs without a better
    # one after which training ends; 0 for none
    shuffle: bool = True
    balanced: bool = False  # weigh classes by how rare they are

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("schedule", self.schedule, SCHEDULES)
        not_negative(self, "weight_decay", "clip_norm", "patience")
        shares(self, "hold_out")
        if self.patience and not self.hold_out:
            raise RecipeError(
                f"patience = {self.patience} needs people to look at: expected hold_out above "
                "0, found 0"
            )


@dataclass(frozen=True, kw_only=True)
class AugmentTable:
    """``[augment]`` of a task that has nothing to choose; the base of the others."""


@dataclass(frozen=True, kw_only=True)
class Augment(AugmentTable):
    """``[augment]`` of clips and maps."""

    flip: bool = False  # mirror half of the flow maps, u negated
    shift: Pixels = 0  # flow maps are moved by up to so many px, down and across
    turn: Turn = 0.0  # and turned by up to so many degrees to either side
    zoom: Zoom = 0.0  # and enlarged or reduced by up to this share
    mixup: Mixup = 0.0  # mixed in pairs by shares of Beta(mixup, mixup); 0 for none
    simulated: Ratio = 0.0  # what a simulated map counts of a real one; as many of them as of
    # real ones are in every batch, unless it is 0

    def __post_init__(self) -> None:
        not_negative(self, "shift", "turn", "zoom", "mixup", "simulated")
        if self.mixup and self.simulated:
            raise RecipeError(
                "mixup and simulated exclude each other, for mixed maps would be half real; "
                "leave one out"
            )


@dataclass(frozen=True, kw_only=True)
class TaskTable:
    """``[task]`` of a family without fields of its own; the base of the others."""

    name: str = ""  # one of mescope.training.tasks.TASKS; empty for that of the model


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides how a model is trained, and judged.

    Nothing in it looks at a test person: the number of epochs is fixed, and what is measured on
    data (``standardise``, ``balanced``) is measured on the training people of each fold.
    """

    name: str  # of the run, and of weights: a part of file names
    model: ModelTable
    data: SampleKind
    optim: OptimTable = Optim()
    augment: AugmentTable = Augment()
    task: TaskTable = TaskTable()
    labels: str = "3-class"  # a label set of mescope.labels, for recognisers
    seed: Annotated[int, Within(0, 2**31)] = 0  # of the first run
    seeds: Seeds = 3  # runs, with seed, seed + 1 ...; of `mescope evaluate`
    notes: Annotated[str, Within(0, 20_000)] = ""

    TABLES: ClassVar[tuple[str, ...]] = ("model", "data", "optim", "augment", "task")

    def __post_init__(self) -> None:
        not_negative(self, "seed")
        positive(self, "seeds")

    def to_dict(self) -> dict[str, Any]:
        """Return all fields, tables as dictionaries, for JSON; ``[data]`` with its kind."""
        entries = asdict(self)
        entries["data"] = {"kind": self.data.kind, **entries["data"]}
        return entries


def fitting(table: object, wanted: type[Table], what: str) -> Table:
    """Return a table as what a task reads.

    Raises:
        RecipeError: it is the table of something else.
    """
    if not isinstance(table, wanted):
        raise RecipeError(
            f"{what}: expected the table {wanted.__name__}, found {type(table).__name__}; "
            "choose the task or the data that it belongs to"
        )
    return table
