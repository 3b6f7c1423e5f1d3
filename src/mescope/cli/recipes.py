"""``mescope recipes``: the recipes that come with mescope, shown and copied."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mescope.cli.console import explain, show, show_json, show_text
from mescope.cli.options import Force, Json

if TYPE_CHECKING:
    from mescope.training.shipped_recipes import ShippedRecipe

app = typer.Typer(
    help="List the recipes that come with mescope, show one, or copy one to change it.",
    rich_markup_mode=None,
)

_COLUMNS = ("name", "model", "data", "run by", "purpose")


@app.callback(invoke_without_command=True)
def recipes(
    context: typer.Context,
    only: Annotated[
        str, typer.Option("--only", metavar="PATTERN", help="Of these names, as in 'merba*'.")
    ] = "*",
    as_json: Json = False,
) -> None:
    """List the recipes that come with mescope.

    `mescope train NAME` and `mescope evaluate NAME` run one; a file of yours runs in the same
    way.
    """
    if context.invoked_subcommand is not None:
        return
    from mescope.training.shipped_recipes import shipped_recipes

    found = {n: one for n, one in shipped_recipes().items() if fnmatch(n, only)}
    if not found:
        raise typer.BadParameter(f"--only {only!r}: no recipe has such a name")
    rows = [_row(name, one) for name, one in found.items()]
    if as_json:
        show_json(rows)
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in _COLUMNS:
        table.add_column(head, no_wrap=head == "name")
    for row in rows:
        table.add_row(*(row[head] for head in _COLUMNS))
    show(table)
    explain("`mescope recipes show NAME` prints one; `... copy NAME` makes it yours")


@app.command("show")
def show_recipe(
    name: Annotated[str, typer.Argument(help="A name from `mescope recipes`.")],
    as_json: Json = False,
) -> None:
    """Print a recipe as it stands in its file, comments and all."""
    from mescope.training.shipped_recipes import find_recipe

    path = find_recipe(name)
    if as_json:
        from mescope.training.recipe import read_recipe

        show_json(read_recipe(path).to_dict())
        return
    show_text(path.read_text(encoding="utf-8"))


@app.command("copy")
def copy_recipe(
    name: Annotated[str, typer.Argument(help="A name from `mescope recipes`.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The file to write, or a folder.  Default: here."),
    ] = None,
    force: Force = False,
) -> None:
    """Write a recipe into a file of your own, to change it and run it."""
    from mescope.cli.inputs import check_folder, refuse_existing
    from mescope.io.atomic import write_atomically
    from mescope.training.shipped_recipes import find_recipe

    path = find_recipe(name)
    target = output or Path()
    if target.is_dir():
        target = target / path.name
    refuse_existing([target], force)
    check_folder(target.parent)
    write_atomically(target, path.read_bytes())
    print(target)
    explain(f"change it, then: mescope evaluate {target}")


def _row(name: str, shipped: ShippedRecipe) -> dict[str, Any]:
    from mescope.training.recipe import read_recipe
    from mescope.training.tasks import task_of

    recipe = read_recipe(shipped.path)
    on_people = task_of(recipe).names_clips or recipe.data.annotated
    return {
        "name": name,
        "group": shipped.group,
        "model": recipe.model.name,
        "data": recipe.data.kind,
        "run by": "evaluate, train" if on_people and not recipe.data.simulated else "train",
        "purpose": shipped.purpose,
    }
