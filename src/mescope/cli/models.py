"""``mescope models``: the weights that come with mescope, and what they say of themselves."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import typer

from mescope.cli.console import explain, show, show_json
from mescope.cli.options import Json

app = typer.Typer(
    help="List the weights that come with mescope, or show the card of one.",
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def models(context: typer.Context, as_json: Json = False) -> None:
    """List the weights that come with mescope."""
    if context.invoked_subcommand is not None:
        return
    from mescope.models.weights import list_weights, read_card

    cards = {name: read_card(path) for name, path in list_weights().items()}
    if as_json:
        show_json({name: dataclasses.asdict(card) for name, card in cards.items()})
        return
    if not cards:
        explain("no weights come with this copy of mescope; `mescope train` makes some")
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("name", "model", "rate", "trained on", "licence"):
        table.add_column(name)
    for name, card in cards.items():
        rate = f"{card.rate:.4g}/s" if card.rate else "a clip"
        table.add_row(name, card.model, rate, card.trained_on, card.licence)
    show(table)


@app.command("show")
def show_card(
    name: Annotated[
        str, typer.Argument(help="A name from `mescope models`, or a weights file.")
    ],
    as_json: Json = False,
) -> None:
    """Show the card of one set of weights: data, scores, limits, licence."""
    from mescope.models.weights import find, read_card

    card: dict[str, Any] = dataclasses.asdict(read_card(find(name)))
    if as_json:
        show_json(card)
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False)
    for key, value in card.items():
        if isinstance(value, dict):
            value = "\n".join(f"{k}: {v}" for k, v in value.items())
        elif isinstance(value, (list, tuple)):
            value = ", ".join(str(v) for v in value)
        table.add_row(key.replace("_", " "), Text(str(value)))
    show(table)
