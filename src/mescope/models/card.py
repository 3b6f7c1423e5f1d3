"""The card of weights: what they say about themselves, and the checks before it is believed.

A card is JSON in the metadata of a safetensors file and as hostile as any file: every entry has
a type and a range, and what a network is built of is bounded (:mod:`mescope.models.sizes`).
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from mescope.errors import WeightsError
from mescope.io.json_text import json_value
from mescope.labels import SPOTTING_CLASSES
from mescope.models.headers import read_metadata
from mescope.motion.regions import Reference, Shares
from mescope.ranges import Within, check_plain, check_value, declared

if TYPE_CHECKING:
    from torch import nn

Mode = Literal["clean", "as_published"]
Head = Literal["nose", "face"]
Look = Literal["windows", "candidates", "frames"]

_Name = Annotated[str, Within(1, 200)]
_Short = Annotated[str, Within(0, 200)]
_Words = Annotated[str, Within(0, 20_000)]
_Table = Annotated[dict[_Name, Any], Within(0, 200)]

KEY = "mescope"  # metadata entry that holds the card


@dataclasses.dataclass(frozen=True, kw_only=True)
class Card:
    """What weights say about themselves.

    Of a spotting model, frames are decimated frames: ``window`` of them make one input at
    ``rate`` per second, and ``proposals`` are the fields of the spotting rule
    (:class:`mescope.spotting.proposals.ProposalRule`) chosen together with the weights; of one
    that scores single frames, ``window`` is the distance of a pair, and ``regions`` is empty.
    Of a model that names clips, ``regions`` is empty and ``window`` and ``rate`` are 0.
    ``shares`` and ``reference`` say how the regions were measured
    (:func:`mescope.motion.roi_flow.extract`).  ``without`` is the subject whose recordings
    training left out, where the weights are one fold of many.
    ``config`` are the fields of the model's config.  ``inputs`` says what a model that names
    clips is given (:class:`mescope.samples.preparation.Preparation`), and ``task`` how its
    family is asked (:data:`mescope.training.tasks.TASKS`); empty for others.
    ``sha256`` covers tensors and card; :func:`save` fills it in.
    """

    model: _Name  # a name of mescope.models.MODELS
    config: _Table
    regions: Annotated[tuple[_Name, ...], Within(0, 256)]
    window: Annotated[int, Within(0, 1000)]
    rate: Annotated[float, Within(0.0, 1000.0)]
    labels: Annotated[tuple[_Name, ...], Within(0, 64)] = SPOTTING_CLASSES
    mode: Mode = "clean"  # of the features it was trained on
    head: Head = "nose"  # whose motion was taken for the head's: see video.head_motion
    look: Look = "windows"  # what it is shown, see mescope.spotting
    recipe: Annotated[str, Within(0, 100_000)] = ""
    trained_on: _Words = ""
    simulated: bool = False
    scores: Annotated[dict[_Name, float], Within(0, 1000)] = dataclasses.field(
        default_factory=dict
    )
    proposals: _Table = dataclasses.field(default_factory=dict)
    inputs: _Table = dataclasses.field(default_factory=dict)
    licence: _Words = ""
    version: _Short = ""
    notes: _Words = ""
    task: _Short = ""
    shares: Shares = "default"  # of the vectors that a region averages: motion.regions.SHARES
    reference: Reference = "walk"  # without a face, as published
    without: _Short = ""
    dataset: _Short = ""  # a name of mescope.datasets that training saw; empty: see trained_on
    sha256: _Short = ""


def read_card(path: str | Path) -> Card:
    """Return the card of a weights file; reads its header only, checks no checksum.

    Raises:
        WeightsError: the file is of another format, damaged, or has no card of mescope.
    """
    path = Path(path)
    metadata = read_metadata(path)
    text = metadata.get(KEY)
    if text is None:
        what = "write it with mescope.models.weights.save"
        if "progress" in metadata:  # see mescope.training.checkpoint
            what = "this is where a training stands: take the weights it wrote"
        raise WeightsError(f"{path}: safetensors, but without a mescope card; {what}")
    try:
        fields = json_value(text)
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: the card is not JSON: {error}") from None
    return _card(fields, path)


def _card(fields: object, path: Path) -> Card:
    known = {field.name: field for field in dataclasses.fields(Card)}
    if not isinstance(fields, dict):
        raise WeightsError(f"{path}: the card must be a JSON object, found {type(fields)}")
    if unknown := sorted(set(fields) - set(known)):
        raise WeightsError(
            f"{path}: unknown card entries {', '.join(unknown):.200}; written by a newer "
            "mescope?"
        )
    fields = _LATER | fields
    if missing := sorted(set(known) - set(fields)):
        raise WeightsError(f"{path}: the card lacks {', '.join(missing)}")
    for name in ("labels", "regions"):
        fields[name] = tuple(fields[name]) if isinstance(fields[name], list) else fields[name]
    card = Card(**fields)
    check_entries(card, path)
    return card


def check_entries(card: Card, path: Path) -> None:
    """Refuse a card with an entry of a wrong type or out of its range.

    Raises:
        WeightsError: with the entry, what it may be, and what was found.
    """
    entries = {field.name: getattr(card, field.name) for field in dataclasses.fields(card)}
    try:
        check_plain(entries)
        for name, value in entries.items():
            check_value(f"card entry {name}", declared(Card)[name], value)
        if bool(card.window) != (card.rate > 0) or 0 < card.rate < 1:
            raise ValueError(
                "a spotting model needs a window and a rate of 1 or more per second, another "
                f"one has 0 for both; got {card.window} and {card.rate:g}"
            )
        if len(set(card.labels)) != len(card.labels):
            raise ValueError(f"labels must differ, got {', '.join(card.labels):.200}")
    except ValueError as error:
        raise WeightsError(f"{path}: {error}") from None


_LATER: dict[str, Any] = {
    "inputs": {}, "head": "nose", "look": "windows", "task": "",
    "shares": "default", "reference": "walk", "without": "", "dataset": "",
}  # fmt: skip
"""Entries that the first files lack, and what their lack means."""


def entries_of(card: Card) -> dict[str, Any]:
    """Return what is written; without later entries that say nothing, as older files are."""
    entries = dataclasses.asdict(card)
    return {k: v for k, v in entries.items() if k not in _LATER or v != _LATER[k]}


def check_module(card: Card, module: nn.Module, path: Path) -> None:
    """Refuse a card whose labels and regions are not those of its model.

    Raises:
        WeightsError: with what contradicts what.
    """
    config: Any = getattr(module, "config", None)
    classes = getattr(config, "classes", len(card.labels))
    channels = getattr(config, "channels", None)
    if card.look == "frames":  # a spotting model that sees maps of single frames
        shown = not card.regions and card.window > 0
    elif card.window:  # a spotting model
        if tuple(card.labels) != SPOTTING_CLASSES:
            raise WeightsError(
                f"{path}: labels differ; expected {', '.join(SPOTTING_CLASSES)}, "
                f"found {', '.join(card.labels)}"
            )
        flow = 2 * len(card.regions)  # what is shown of a candidate holds more than flow
        shown = channels is None or (
            channels > flow if card.look == "candidates" else channels == flow
        )
    else:
        shown = not card.regions
    if not shown or classes != len(card.labels):
        raise WeightsError(
            f"{path}: the card contradicts itself: {len(card.regions)} regions and "
            f"{len(card.labels)} labels, but {'no' if channels is None else channels} channels "
            f"and {classes} classes"
        )
