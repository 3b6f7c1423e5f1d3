"""What a run's folder says about how to do it again.

``recipe.toml`` is the recipe as it was run, settings of the command line included;
``repeat.json`` has the command, the versions, and what tells the data apart.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mescope.errors import OutputError
from mescope.evaluation.predictions import environment
from mescope.io.atomic import write_atomically
from mescope.io.json_text import json_value
from mescope.training.recipe import recipe_text
from mescope.training.tables import Recipe

RECIPE, REPEAT = "recipe.toml", "repeat.json"

_BEGUN = ("run.json", "checkpoint.safetensors")
"""Files of a run that was begun before: what it was begun with stays written down."""


@dataclass
class RunNotes:
    """Writes both files into a run's folder: when the run begins, and when it is done.

    Attributes:
        folder: of the run.
        recipe: as it is run.
        command: ``train`` or ``evaluate``.
        given: the words of the command line, "mescope" left out; empty from Python.
        options: those that the result depends on, by their long names; what is None, False or
            empty is left out.
        data: ``dataset``, ``root`` and whatever tells the data apart, such as ``listing``.
    """

    folder: Path
    recipe: Recipe
    command: str
    given: Sequence[str] = ()
    options: Mapping[str, object] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)

    def begin(self, data: Mapping[str, Any] | None = None) -> None:
        """Note a run before anything is trained, unless the folder holds one already.

        Raises:
            OutputError: the folder cannot be written.
        """
        self.data = dict(data or {})
        if not any((self.folder / name).exists() for name in _BEGUN):
            self.done()

    def done(self) -> None:
        """Write the files.

        Raises:
            OutputError: the folder cannot be written.
        """
        text = recipe_text(self.recipe)
        entry = {
            "command": self._command(),
            "again": self._again(),
            "recipe": self.recipe.name,
            "recipe_sha256": hashlib.sha256(text.encode()).hexdigest(),
            "data": self.data,
            "environment": environment(),
        }
        write_atomically(self.folder / RECIPE, text.encode())
        document = json.dumps(entry, indent=1, ensure_ascii=False) + "\n"
        write_atomically(self.folder / REPEAT, document.encode("utf-8", "backslashreplace"))

    def _command(self) -> str | None:
        """Return the command that began the run: going on with it is no other one."""
        with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
            before = json_value((self.folder / REPEAT).read_text(encoding="utf-8"))
            if (self.folder / RECIPE).read_text(encoding="utf-8") == recipe_text(self.recipe):
                return str(before["command"]) if before["command"] else None
        return shlex.join(["mescope", *self.given]) if self.given else None

    def _again(self) -> str:
        """Return a command that does the same into another folder."""
        words = ["mescope", *_plugins(self.given), self.command, str(self.folder / RECIPE)]
        for name, value in self.options.items():
            for one in value if isinstance(value, list) else [value]:
                if one not in (None, False, ""):
                    words += [f"--{name}"] if one is True else [f"--{name}", str(one)]
        return shlex.join([*words, "--output", f"{self.folder}-again"])


def check_same_data(folder: Path, data: Mapping[str, Any]) -> None:
    """Refuse the finished run of a folder if it was one on other data.

    Args:
        folder: of the run; one that does not say what it was run on is believed.
        data: what tells the data apart that is given now, as for :class:`RunNotes`; empty: it
            is not known.

    Raises:
        OutputError: data set, listing or hash differ.
    """
    before: Any = {}
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
        before = json_value((folder / REPEAT).read_text(encoding="utf-8"))["data"]
    if not isinstance(before, dict):
        return
    compared = [k for k in ("dataset", "listing", "hash") if k in before and k in data]
    differ = [name for name in compared if before[name] != data[name]]
    if differ:
        raise OutputError(
            f"{folder} holds a finished run on other data, which is kept: {', '.join(differ)} "
            f"differ from those in {REPEAT} (people, names, frames or emotions changed?); "
            "choose another folder with -o"
        )


def _plugins(given: Sequence[str]) -> list[str]:
    """Return the ``--plugin`` options of a command line."""
    found: list[str] = []
    for word, following in zip(given, [*given[1:], ""], strict=True):
        if word == "--plugin":
            found += [word, following]
        elif word.startswith("--plugin="):
            found.append(word)
    return found
