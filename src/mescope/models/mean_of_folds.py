"""Weights of several folds as one: their scores are averaged, never their parameters.

Leave-one-subject-out leaves as many weights as there were people, and for a recording of
somebody else none of them is the right one; their mean uses all.  What is averaged is what the
networks say of a window: scores after the sigmoid, and logits of the emotions.  Parameters of
networks that were trained apart must not be averaged: units of one stand in another order, or
with the other sign, in the next, so their mean is a network that computes nothing that any of
them learned.

The cost is that of the members: N of them take N times as long behind the measured motion, and
N times the memory (a published ME-TST+ has 67 MB).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mescope.errors import WeightsError
from mescope.io.natural_order import natural
from mescope.models import weights
from mescope.models.headers import SUFFIX
from mescope.models.weights import Card

Given = str | Path | Sequence[str | Path]
"""A shipped name, a file, a folder of files, or several of these."""

AGREED = (
    "model", "regions", "window", "rate", "labels", "mode", "look", "shares", "reference",
    "head", "proposals",
)  # fmt: skip
"""Fields of a card that networks must share, so that one motion and one rule fit them all."""

_NAMED = 3  # files that a name spells out


@dataclass(frozen=True, kw_only=True)
class Fold:
    """One member: its file's name, the checksum in its card, and whom its training left out."""

    file: str
    sha256: str
    without: str = ""


class Loaded(NamedTuple):
    """A network that is ready, what it says about itself, its name, and its members.

    ``folds`` is empty where the weights are those of one file.
    """

    model: nn.Module
    card: Card
    name: str
    folds: tuple[Fold, ...]


class MeanOfFolds(nn.Module):
    """The mean of what several networks say: scores after the sigmoid, and logits.

    Args:
        members: spotting networks for the same windows.
    """

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, windows: Tensor) -> Any:
        """Return the mean outputs: (b, k) scores and (b, k, classes) logits."""
        outputs = [member(windows) for member in self.members]
        first = outputs[0]
        return type(first)(
            *(torch.stack(parts).mean(dim=0) for parts in zip(*outputs, strict=True))
        )


def load_folds(given: Given) -> Loaded:
    """Return shipped weights, those of a file, or the mean of several.

    Args:
        given: a name of :func:`mescope.models.weights.list_weights`, a file, a folder whose
            .safetensors files are all meant, or several of these.

    Raises:
        WeightsError: a file that is damaged or of another kind, a folder without any, or two
            whose cards do not agree (the message names them and the entry).
    """
    paths = weight_files(given)
    if len(paths) == 1:
        _check_finds(weights.read_card(paths[0]), paths[0])
        model, card = weights.load(paths[0])
        return Loaded(model, card, paths[0].stem, ())
    card, folds = mean_card(paths)
    members = [weights.load(path)[0] for path in paths]
    return Loaded(MeanOfFolds(members).eval(), card, name_of(given, paths), folds)


def check_folds(given: Given) -> str:
    """Return the name of what :func:`load_folds` would load; reads cards alone.

    Raises:
        WeightsError: as there, as far as cards tell.
    """
    paths = weight_files(given)
    if len(paths) > 1:
        mean_card(paths)
        return name_of(given, paths)
    _check_finds(weights.read_card(paths[0]), paths[0])
    return paths[0].stem


def _check_finds(card: Card, path: Path) -> None:
    """Refuse weights that name one expression."""
    if not card.regions and card.look != "frames":
        raise WeightsError(
            "expected weights that find expressions in recordings, found "
            f"{path}, which name one expression; use `mescope recognize`"
        )


def weight_files(given: Given) -> list[Path]:
    """Return the files that are meant, those of a folder in natural order.

    Raises:
        WeightsError: unknown name, missing file, or a folder without weights.
    """
    several = [given] if isinstance(given, str | Path) else list(given)
    found: list[Path] = []
    for one in several:
        folder = Path(one)
        if not folder.is_dir() or str(one) in weights.list_weights():
            found.append(weights.find(one))
            continue
        inside = [p for p in folder.iterdir() if p.suffix == SUFFIX and p.is_file()]
        if not inside:
            raise WeightsError(
                f"{folder}: expected {SUFFIX} files of one family in this folder, found none; "
                "`mescope models import` makes them of published checkpoints"
            )
        found += sorted(inside, key=lambda p: natural(p.name))
    if not found:
        raise WeightsError("expected weights, found no name and no file")
    return found


def mean_card(paths: Sequence[Path]) -> tuple[Card, tuple[Fold, ...]]:
    """Return the card of the mean of several files, and what each of them is.

    Raises:
        WeightsError: two cards do not agree, weights that find nothing, or one file twice.
    """
    cards = [weights.read_card(path) for path in paths]
    first = cards[0]
    _check_finds(first, paths[0])
    for path, card in zip(paths, cards, strict=True):
        _agree(paths[0], first, path, card)
    by_sum = sorted(zip((c.sha256 for c in cards), map(str, paths), strict=True))
    for (one, earlier), (other, later) in pairwise(by_sum):
        if one == other:
            raise WeightsError(
                f"{earlier} and {later} are the same weights; leave one of them out"
            )
    folds = tuple(
        Fold(file=path.name, sha256=card.sha256, without=card.without)
        for path, card in zip(paths, cards, strict=True)
    )
    return _joined(cards), folds


def _agree(path: Path, card: Card, other_path: Path, other: Card) -> None:
    for field in AGREED:
        one, two = getattr(card, field), getattr(other, field)
        if one != two:
            raise WeightsError(
                f"{path} and {other_path} cannot be averaged: expected one {field}, found "
                f"{_short(one)} in the first and {_short(two)} in the second; give the folds "
                "of one training"
            )


def _short(value: object) -> str:
    text = f"{len(value)} names" if isinstance(value, tuple) else str(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def _joined(cards: Sequence[Card]) -> Card:
    """Return a card that says of the mean what its members say of themselves."""
    count = len(cards)
    trained = dict.fromkeys(
        card.trained_on.replace(f" without subject {card.without}", "") for card in cards
    )
    left_out = sum(bool(card.without) for card in cards)
    each = f", {left_out} of them trained without one subject" if left_out else ""
    digests = "\n".join(card.sha256 for card in cards)
    return replace(
        cards[0],
        without="",
        dataset=cards[0].dataset if len({card.dataset for card in cards}) == 1 else "",
        trained_on=f"{'; '.join(trained)} (mean of {count} folds{each})",
        simulated=any(card.simulated for card in cards),
        scores={},  # nobody measured the mean
        licence="; ".join(dict.fromkeys(card.licence for card in cards)),
        notes=f"mean of {count} folds: their scores and their logits are averaged, not their "
        "parameters; recordings of the people they were trained on were seen by most of them",
        sha256=hashlib.sha256(digests.encode()).hexdigest(),
    )


def name_of(given: Given, paths: Sequence[Path]) -> str:
    """Return what the mean of several files is called.

    >>> name_of("plus", [Path("plus/1.safetensors"), Path("plus/2.safetensors")])
    'plus (mean of 2 folds)'
    >>> files = [Path("a.safetensors"), Path("b.safetensors")]
    >>> name_of(files, files)
    'a + b (mean of 2 folds)'
    """
    one = given if isinstance(given, str | Path) else given[0] if len(given) == 1 else None
    if one is not None:
        name = Path(one).resolve().name
    else:
        name = " + ".join(path.stem for path in paths[:_NAMED])
        name += f" + {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return f"{name} (mean of {len(paths)} folds)"
