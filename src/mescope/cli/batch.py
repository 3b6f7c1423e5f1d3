"""Several recordings in one command: one that fails does not stop the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer

from mescope.cli.console import SOME_FAILED, explain, show_json
from mescope.errors import MescopeError


@dataclass
class Batch:
    """What became of the ``total`` recordings of one command."""

    total: int
    done: list[dict[str, Any]] = field(default_factory=list)  # entries of the JSON output
    states: Counter[str] = field(default_factory=Counter)  # what became of those, in words
    failed: dict[str, MescopeError] = field(default_factory=dict)
    warned: dict[str, int] = field(default_factory=dict)  # warning: in how many recordings

    @contextmanager
    def attempt(self, source: str) -> Iterator[None]:
        """Note a known error of one recording and go on; the error of an only one is raised."""
        try:
            yield
        except MescopeError as error:
            named = Path(source).name in str(error)
            message = str(error) if named else f"{source}: {error}"
            if self.total == 1:
                raise type(error)(message) from error
            self.failed[source] = error
            explain(message)

    def note(self, words: str, entry: dict[str, Any]) -> None:
        """Note a recording that is done, in words and as an entry of the JSON output."""
        self.states[words] += 1
        self.done.append(entry)

    def warn(self, name: str, warnings: Iterable[str]) -> None:
        """Print each warning for the first recording it is about, and count the others."""
        for warning in dict.fromkeys(warnings):
            self.warned[warning] = self.warned.get(warning, 0) + 1
            if self.warned[warning] == 1:
                explain(f"{name}: {warning}")

    def refuse(self, missing: Mapping[str, MescopeError]) -> None:
        """Note the inputs that are no recordings."""
        for source, error in missing.items():
            with self.attempt(source):
                raise error

    def finish(self, *, as_json: bool) -> None:
        """Print JSON or a summary; leave with status 3 if something failed."""
        for warning, times in self.warned.items():
            if times > 1:
                more = "1 more recording" if times == 2 else f"{times - 1} more recordings"
                explain(f"the same of {more}: {warning}")
        if as_json:
            failed = [{"input": name, "error": str(e)} for name, e in self.failed.items()]
            show_json({"results": self.done, "failed": failed})
        if self.total > 1:
            explain(f"{len(self.done)} of {self.total} recordings done{self._in_words()}")
        if self.failed:
            explain("not done: " + ", ".join(self.failed))
            raise typer.Exit(SOME_FAILED)

    def _in_words(self) -> str:
        """Return how many were analyzed, completed, finished before, and failed."""
        if not self.states:
            return ""
        parts = [f"{count} {words}" for words, count in self.states.items()]
        parts += [f"{len(self.failed)} failed"] if self.failed else []
        return f": {', '.join(parts)}"
