"""``mescope models``: the weights that come with mescope, their cards, and imported ones."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from mescope.cli.console import explain, show, show_json
from mescope.cli.options import Force, Json
from mescope.errors import WeightsError

app = typer.Typer(
    help="List the weights that come with mescope, show the card of one, or import others.",
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def models(context: typer.Context, as_json: Json = False) -> None:
    """List the weights that come with mescope."""
    if context.invoked_subcommand is not None:
        return
    from mescope.models.card import read_card
    from mescope.models.weight_files import list_weights

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
    from mescope.models.card import read_card
    from mescope.models.weight_files import find

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


@app.command("import")
def import_weights(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="FILE", help="A published checkpoint, on this machine.")
    ],
    kind: Annotated[
        str,
        typer.Option(
            "--as",
            metavar="KIND",
            help="What it is, such as me-tst-plus; docs/names.md lists the importers.",
        ),
    ] = "videomamba",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The .safetensors to write.")
    ] = None,
    name: Annotated[
        str, typer.Option(help="Write NAME.safetensors, into the folder of --output or here.")
    ] = "",
    labels: Annotated[
        str, typer.Option(help="VideoMamba, AMMSM: classes of the new head, with commas.")
    ] = "",
    model: Annotated[
        str, typer.Option(help="VideoMamba, AMMSM: the preset of that size.")
    ] = "",
    onto: Annotated[
        Path | None,
        typer.Option(metavar="<file>", help="AMMSM: an earlier import to put this one into."),
    ] = None,
    licence: Annotated[
        str, typer.Option(help="VideoMamba, AMMSM: of the file, as you know it; for the card.")
    ] = "",
    trained_on: Annotated[
        str, typer.Option(help="ME-TST and others: casme3 (default windows) or samm-lv.")
    ] = "",
    without: Annotated[
        str, typer.Option(metavar="SUBJECT", help="ME-TST and others: whom training left out.")
    ] = "",
    change: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Change the preset: frames=16."),
    ] = None,
    force: Force = False,
) -> None:
    """Turn a published checkpoint into described weights.

    The file is read without running any code in it; nothing is downloaded. ME-TST, ME-TST+ and
    BoostingVRME find expressions at once: analyze --model OUT. VideoMamba, and AMMSM from
    VSSD-Tiny or ResNet-18, are what a recipe can start from: [model] weights = "OUT". Flat
    patches, positions and colours are fitted to the preset; the card says what starts anew.
    """
    from mescope.cli.inputs import refuse_existing
    from mescope.models.importers import IMPORTERS, Order

    importer, out = IMPORTERS.named(kind), _target(output, name)
    refuse_existing([out], force, source=checkpoint)
    card = importer.run(
        Order(
            source=checkpoint,
            out=out,
            model=model,
            labels=tuple(label.strip() for label in labels.split(",") if label.strip()),
            trained_on=trained_on,
            without=without,
            onto=onto,
            licence=licence,
            options=dict(_option(text) for text in change or ()),
        )
    )
    explain(f"{out}: {card.model} for {', '.join(card.labels)}; {card.notes}")


def _target(output: Path | None, name: str) -> Path:
    """Return the file to write."""
    if not name:
        if output is None:
            raise WeightsError(
                "expected where to write the weights, found neither --output nor --name; "
                "give -o OUT.safetensors"
            )
        return output
    if Path(name).name != name or name.startswith("."):
        raise WeightsError(f"expected a plain name for the weights, found {name!r}")
    folder = Path() if output is None else output
    if not folder.is_dir():
        raise WeightsError(
            f"expected a folder as --output beside --name, found {folder}; leave one out"
        )
    return folder / f"{name}.safetensors"


def _option(text: str) -> tuple[str, Any]:
    """Return name and value of ``frames=16``; what is not a number stays text."""
    name, _, value = text.partition("=")
    try:
        return name.strip(), json.loads(value)
    except ValueError:
        return name.strip(), value
