"""``mescope tiers``: what a file of any study holds, and what it probably means."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mescope.cli.console import explain, show, show_json
from mescope.cli.inputs import refuse_existing
from mescope.cli.marks import Part, Rate, Recording, clock_of
from mescope.cli.options import Force, Json

if TYPE_CHECKING:
    from mescope.annotations import TierMapping
    from mescope.annotations.mapping_proposal import TierSummary


def tiers(
    source: Annotated[
        Path, typer.Argument(metavar="FILE", help="Of ELAN, BORIS, Datavyu, or a CSV table.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Write the proposal here, to be edited."),
    ] = None,
    read_as: Annotated[
        str | None,
        typer.Option("--from", help="Format of FILE, if its ending says nothing."),
    ] = None,
    video: Recording = None,
    rate: Rate = None,
    part: Part = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """List the tiers, behaviours or columns of a file, and propose what they mean.

    Each with its count, its coders and examples of its values. The proposal goes by names in
    English and German, action unit numbers and known words; -o writes it as a mapping, which
    `convert --mapping` and `agree --mapping` read once somebody has looked at it. Tables of
    frames need --video or --rate.
    """
    from mescope.annotations import (
        dumps_mapping,
        propose,
        read_tiers,
        summaries,
        table_columns,
    )
    from mescope.annotations.mapping import to_json
    from mescope.io.atomic import write_atomically

    if output is not None:
        refuse_existing([output], force, source=source)
    contents = read_tiers(source, format=read_as, clock=clock_of(video, rate), part=part)
    every = [tier for one in contents.sets for tier in one.tiers]
    mapping = propose(every, table_columns(source, read_as)[1])
    found = summaries(every)
    for remark in contents.remarks:
        explain(remark)
    if as_json:
        show_json({"tiers": [one.to_json() for one in found], "mapping": to_json(mapping)})
    else:
        _show(found, mapping)
    marks = sum(len(one.marks) for one in contents.sets)
    if marks:
        explain(f"{marks} marks need no mapping and are read as they are")
    if output is not None:
        write_atomically(output, dumps_mapping(mapping).encode("utf-8"))
        explain(f"wrote {output}; look at it, then: mescope convert ... --mapping {output}")


def _show(found: tuple[TierSummary, ...], mapping: TierMapping) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("tier", "cells", "coders", "proposal", "examples"):
        table.add_column(name, justify="right" if name == "cells" else "left", overflow="fold")
    for one in found:
        meaning = mapping.of(one.name)
        said = (
            ""
            if meaning is None
            else " ".join(
                filter(None, (meaning.means, meaning.unit, meaning.event, meaning.emotion))
            )
        )
        examples = [text for texts in one.examples.values() for text in texts][:3]
        coders = ", ".join(one.coders)
        table.add_row(one.name, str(one.count), coders, said, " | ".join(examples))
    show(table if found else "no tiers beside those of mescope")
