"""What the mean of several weights says of itself, and whether they go together; cards alone.

:mod:`mescope.models.mean_of_folds` builds the network.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from mescope.errors import WeightsError
from mescope.models.card import Card, read_card
from mescope.models.weight_files import Given, weight_files

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


class Described(NamedTuple):
    """What weights say about themselves, their name, and their members.

    ``folds`` is empty where the weights are those of one file.
    """

    card: Card
    name: str
    folds: tuple[Fold, ...]


def described(given: Given) -> Described:
    """Return what ``load_folds`` would load, from its cards alone.

    Args:
        given: a name of :func:`mescope.models.weight_files.list_weights`, a file, a folder
            whose .safetensors files are all meant, or several of these.

    Raises:
        WeightsError: as :func:`mescope.models.mean_of_folds.load_folds`, as far as cards tell.
    """
    paths = weight_files(given)
    if len(paths) > 1:
        card, folds = mean_card(paths)
        return Described(card, name_of(given, paths), folds)
    card = read_card(paths[0])
    _check_finds(card, paths[0])
    return Described(card, paths[0].stem, ())


def _check_finds(card: Card, path: Path) -> None:
    """Refuse weights that name one expression."""
    if not card.regions and card.look != "frames":
        raise WeightsError(
            "expected weights that find expressions in recordings, found "
            f"{path}, which name one expression; use `mescope recognize`"
        )


def mean_card(paths: Sequence[Path]) -> tuple[Card, tuple[Fold, ...]]:
    """Return the card of the mean of several files, and what each of them is.

    Raises:
        WeightsError: two cards do not agree, weights that find nothing, or one file twice.
    """
    cards = [read_card(path) for path in paths]
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
