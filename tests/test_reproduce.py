"""Every row of every published table has a command that can be given, or a reason."""

from __future__ import annotations

import importlib.util
import re
import shlex
import sys
from pathlib import Path
from typing import get_args

import pytest
import typer

from mescope.cli import app
from mescope.datasets import DATASETS
from mescope.evaluation.published import published
from mescope.training.protocols import Protocol
from mescope.training.recipe import parse_recipe
from mescope.training.shipped_recipes import shipped_recipes
from mescope.training.tasks import task_of

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "reproduce.md").read_text(encoding="utf-8")
COMMANDS = sorted(set(re.findall(r"`(mescope evaluate [^`]+)`", PAGE)))
PROTOCOLS = {*get_args(Protocol), "fixed"}
"""``fixed`` is the split that a data set brings, such as DFME's tests A and B."""


@pytest.fixture(scope="module")
def generator():
    sys.path.insert(0, str(DOCS))  # its page_parts
    try:
        spec = importlib.util.spec_from_file_location(
            "reproduce", DOCS / "generate_reproduce.py"
        )
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(DOCS))
    return module


def test_every_row_of_every_table_is_on_the_page(generator):
    assert generator.page() == PAGE, "run `make docs`"
    known = generator.beside()
    own = {(entry["system"], entry["title"]): entry["rows"] for entry in known["table"]}
    assert set(own) == {(table.system, table.title) for table in published()}
    used = {text[2:] for rows in own.values() for text in rows if text.startswith("- ")}
    assert used == set(known["reasons"])  # none is missing, none is left over
    rows = [
        line for line in PAGE.splitlines() if line.startswith("| ") and "| --- |" not in line
    ]
    heads = sum(line.startswith("| row, as printed") for line in rows)
    assert len(rows) - heads == sum(len(table.rows) for table in published())


def test_there_are_commands():
    assert len(COMMANDS) > 40


@pytest.mark.parametrize("text", COMMANDS)
def test_a_command_can_be_given(text):
    group = typer.main.get_command(app)
    program, name, *words = shlex.split(text)
    assert program == "mescope"
    command = group.commands[name]
    given = command.make_context(name, list(words), resilient_parsing=False).params
    shipped = shipped_recipes()
    assert given["recipe"] in shipped
    recipe = parse_recipe(shipped[given["recipe"]].path.read_text(encoding="utf-8"))
    assert given["dataset"] in DATASETS
    protocol = given.get("protocol", "loso")
    assert protocol in PROTOCOLS
    if task_of(recipe).names_clips:
        from mescope.labels import classes_for

        parts = ("casme2", "samm", "smic") if given["dataset"] == "megc2019" else ()
        assert classes_for(recipe.labels, parts or (given["dataset"],))
    assert (protocol == "fixed") == (given["dataset"] == "dfme")
