"""``mescope analyze --engine ray``: thousands of recordings on a cluster, and their manifest.

The nodes analyze; files are written here, as ever, so that a run gives the bytes that one
machine gives.  At most two recordings for each core of the cluster are under way, whatever
waits, and an analysis is let go once it is written.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mescope.cli.batch import Batch
from mescope.cli.several import Result, analyzed
from mescope.cli.standing import Standing
from mescope.errors import MescopeError, OutputError
from mescope.io.atomic import write_atomically

MANIFEST = "manifest.jsonl"
"""In the folder of results: a line of JSON for each recording, with its state."""


@dataclass(frozen=True)
class OnNodes:
    """What every node is told; ``device`` is filled in where the cluster has cards."""

    weights: str | list[str]
    method: str
    device: str


@dataclass(frozen=True)
class Item:
    """A recording and the options of its analysis."""

    number: int
    source: str
    options: Mapping[str, Any]


@functools.lru_cache(maxsize=1)
def _analyzer(weights: str | tuple[str, ...], method: str, device: str) -> Any:
    """Load once for all recordings that a process is given."""
    from mescope.analysis import load

    names = weights if isinstance(weights, str) else list(weights)
    return load(names, device=device, method=method)


def analyze_one(shared: OnNodes, item: Item) -> Result | MescopeError:
    """Return the analysis of one recording, or why there is none: the others go on."""
    names = shared.weights if isinstance(shared.weights, str) else tuple(shared.weights)
    try:
        analyzer = _analyzer(names, shared.method, shared.device)
        return analyzed(analyzer, item.source, dict(item.options), lambda _done, _total: None)
    except MescopeError as error:
        return error


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster, or one that is started on this machine alone for so many jobs."""

    address: str | None
    jobs: int | None


def on_cluster(
    nodes: OnNodes,
    ready: Sequence[Standing],
    asked_for: Callable[[Standing], dict[str, Any]],
    finish: Callable[[Standing, Result, dict[str, Any]], None],
    batch: Batch,
    cluster: Cluster,
    manifest: Manifest,
) -> None:
    """Analyze recordings on a cluster; one that fails stops none.

    Args:
        nodes: what every node is told.
        ready: the recordings, of files that every node sees under the same path.
        asked_for: gives the options of a recording.
        finish: called here with what was found in a recording, as it is done.
        batch: counts them.
        cluster: where.
        manifest: is told what became of each.

    Raises:
        RecipeError: Ray is not installed, or there is no cluster at the address.
    """
    from mescope.io.cores import cores
    from mescope.io.devices import devices_for_jobs, spread
    from mescope.io.parallel import run_jobs

    options = [asked_for(one) | {"jobs": 1} for one in ready]
    items = [
        Item(number, os.path.abspath(one.job.source), options[number])
        for number, one in enumerate(ready)
    ]
    devices = spread(devices_for_jobs(nodes.device, here=False), cluster.jobs or cores())
    for item, outcome in run_jobs(
        analyze_one, nodes, items, engine="ray", address=cluster.address, devices=devices,
        keep_going=True,
    ):  # fmt: skip
        one = ready[item.number]
        with batch.attempt(one.job.source), manifest.noted(one):
            if isinstance(outcome, MescopeError):
                raise outcome
            finish(one, outcome, options[item.number])
    manifest.write()


class Manifest:
    """What became of every recording of a run, a line each; the last one of a name counts.

    ``failed`` are inputs that were refused before any work; they come last, and without a name
    of results.

    Written anew when a run begins, with what earlier ones have finished, and once more in the
    end, then in the order of the recordings; between the two a line is added for each.

    Raises:
        OutputError: it cannot be written.
    """

    def __init__(
        self, folder: Path, found: Sequence[Standing], failed: Mapping[str, MescopeError]
    ) -> None:
        self._path = folder / MANIFEST
        self._lines = {
            one.job.source: {
                "input": one.job.source,
                "name": one.job.name,
                "state": "waiting" if one.missing else "finished",
            }
            for one in found
        } | {
            source: {"input": source, "state": "failed", "error": str(error)}
            for source, error in failed.items()
        }
        self.write()

    @contextmanager
    def noted(self, one: Standing) -> Iterator[None]:
        """Add that a recording is finished, or why it failed."""
        try:
            yield
        except MescopeError as error:
            self._note(one, error)
            raise
        self._note(one, None)

    def _note(self, one: Standing, error: MescopeError | None) -> None:
        line = self._lines[one.job.source] | {"state": "failed" if error else "finished"}
        self._lines[one.job.source] = line | ({"error": str(error)} if error else {})
        try:
            with self._path.open("a", encoding="utf-8", errors="surrogateescape") as file:
                file.write(_line(self._lines[one.job.source]))
        except OSError as why:
            raise OutputError(f"cannot write {self._path}: {why.strerror or why}") from why

    def write(self) -> None:
        """Write every line in the order of the recordings, in one step."""
        text = "".join(_line(line) for line in self._lines.values())
        write_atomically(self._path, text.encode("utf-8", "surrogateescape"))


def _line(values: Mapping[str, str]) -> str:
    return json.dumps(values, ensure_ascii=True) + "\n"
