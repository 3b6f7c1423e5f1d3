"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from mescope import defaults
from mescope.registry import suggestion

_OLD_METHODS = {"me-tst": defaults.SPOTTER}  # of version 0.1.0

Videos = Annotated[
    list[str],
    typer.Argument(
        metavar="VIDEO|FOLDER...",
        help="Video files; folders of numbered pictures; folders to search for both.",
        show_default=False,
    ),
]
Models = Annotated[
    list[str],
    typer.Option(
        "--model",
        help="A name from `mescope models`, or a weights file.  A folder of them, or several "
        "(the option again for each), are averaged: folds of one training.",
    ),
]
SHIPPED = [defaults.MODEL]
"""The weights where none are chosen."""
Method = Annotated[
    str,
    typer.Option(
        help="What finds movements: model (the weights of --model), or another name that "
        "`mescope doctor` lists."
    ),
]
Device = Annotated[str, typer.Option(help="cpu, cuda, a card such as cuda:1, mps, or auto.")]
Engine = Annotated[str, typer.Option(help="local, or ray.")]
Address = Annotated[str | None, typer.Option(help="Of a running Ray cluster, as host:port.")]
Cache = Annotated[
    Path | None,
    typer.Option(
        metavar="<folder>",
        help="What is computed from pictures, for several runs.  Default: in the run's folder.",
    ),
]
Start = Annotated[str | None, typer.Option(help="Begin here: seconds, m:ss or h:mm:ss.")]
End = Annotated[str | None, typer.Option(help="End here: seconds, m:ss or h:mm:ss.")]
Rate = Annotated[
    float | None,
    typer.Option(
        min=0.01,
        max=1_000_000,
        help="Frames per second of a folder of pictures (it has no times). The times of a "
        "video file are stretched to it: for high-speed recordings stored for slow replay.",
    ),
]
Jobs = Annotated[int | None, typer.Option(min=1, help="Threads.  Default: every core.")]
Face = Annotated[
    str,
    typer.Option(
        help="Whose face: largest, central, a number from 0 (leftmost), a point x,y in px, or "
        "a time such as 0:12 at which it is the largest."
    ),
]
Faces = Annotated[
    Literal["one", "all"],
    typer.Option(
        help="all: follow and analyze every face on a track of its own; one: the face that "
        "--face chooses."
    ),
]
Choices = Annotated[
    list[str] | None,
    typer.Option(
        "--choice",
        metavar="NAME=VALUE",
        help="What a reader lets choose, such as missing_offset=apex+20 of casmesq.",
    ),
]
Landmarks = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Landmarks found by another program, in place of the landmark model whose licence "
        "excludes commercial use: a result table (CSV) of OpenFace, py-feat or MediaPipe; for "
        "several recordings a folder of NAME.csv.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON in place of a table.")]
Force = Annotated[bool, typer.Option("--force", help="Replace files that exist.")]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Another value than the recipe's, such as optim.epochs=5, as TOML; give it again "
        "for another.",
    ),
]

Log = Annotated[
    str,
    typer.Option(
        help="Also log the losses of every epoch, into logs of the run's folder: none, csv, "
        "tensorboard, or wandb (offline)."
    ),
]
NamedRecipe = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE", help="A name from `mescope recipes`, or a recipe file of yours."
    ),
]


def weights_named(models: list[str]) -> str | list[str]:
    """Return what :func:`mescope.load` takes for ``--model``."""
    return models[0] if len(models) == 1 else models


def spotter_named(method: str, models: Sequence[str] = ()) -> str:
    """Return the spotter that ``--method`` means, one of our own or of a plug-in.

    Args:
        method: its name.
        models: the weights that are asked for, or :data:`SHIPPED`.

    Raises:
        typer.BadParameter: there is none of this name, or it uses no weights and some were
            chosen.
    """
    from mescope.spotting import SPOTTERS

    name = _OLD_METHODS.get(method, method)
    if name not in SPOTTERS:
        raise typer.BadParameter(
            f"--method {method!r}: expected one of {', '.join(SPOTTERS)}"
            f"{suggestion(method, SPOTTERS)}"
        )
    if models and list(models) != SHIPPED and not SPOTTERS.named(name).needs_network:
        raise typer.BadParameter(
            f"--method {name} uses no weights, and --model names some: leave one of them out"
        )
    return name


def choices_of(texts: Sequence[str] | None) -> dict[str, str]:
    """Return what ``--choice`` says, NAME=VALUE by name."""
    found = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals:
            raise typer.BadParameter(f"expected --choice NAME=VALUE, found {text!r}")
        found[name.strip()] = value.strip()
    return found
