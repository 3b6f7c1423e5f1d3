"""What runs in the process that analyzes one recording.

It gets a path and gives back files: what goes over the connection is only how far it is.  The
motion of a recording is kept as it is measured, so an analysis whose worker or server was
killed goes on from there.
"""

from __future__ import annotations

import errno
import importlib
import json
import logging
import os
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mescope import defaults
from mescope.app.downsampling import pack
from mescope.app.limits import confine
from mescope.app.sandbox import receive, send
from mescope.app.trouble import of_system
from mescope.errors import MescopeError, OutputError
from mescope.io.atomic import write_atomically
from mescope.io.progress import Progress
from mescope.labels import SPOTTING_CLASSES

if TYPE_CHECKING:
    from mescope.results import Analysis

DOCUMENT, TRACES = "document.json", "traces.npz"
_PASSING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ESTALE, errno.EIO})
_LOG = logging.getLogger("mescope.app")


def analyze(
    source: str, cache: Path, progress: Progress, models: Sequence[str] = (defaults.MODEL,)
) -> Analysis:
    """Analyze a recording with the shipped weights, or with others.

    Raises:
        MescopeError: the recording or the weights cannot be read.
    """
    from mescope.analysis.analyzer import load

    return load(models).analyze(source, cache=cache, progress=progress, pictures=False)


def run(connection: Connection, memory: int) -> None:
    """Do the one analysis that the connection asks for."""
    confine(memory)
    if hasattr(os, "nice"):
        os.nice(5)  # who reviews another recording must not wait
    request = receive(connection)
    try:
        _run(connection, request)
        said: dict[str, Any] = {"done": True}
    except OutputError as error:  # a full disk passes, the analysis waits for that
        said = {"error": str(error), "passing": True}
    except MescopeError as error:
        said = {"error": str(error)}
    except MemoryError:
        said = {"error": "the analysis needs more memory than allowed; split the recording"}
    except OSError as error:
        said = {"error": str(of_system(error)), "passing": error.errno in _PASSING}
    except Exception as error:
        _LOG.exception("an analysis failed")
        said = {"error": f"the analysis failed ({type(error).__name__}: {str(error)[:300]})"}
    send(connection, said)


def _run(connection: Connection, request: dict[str, Any]) -> None:
    from mescope.reports.json import to_dict

    module, _, name = request["analyze"].partition(":")
    function = getattr(importlib.import_module(module), name)

    def progress(done: int, total: int) -> None:
        send(connection, {"progress": [done, total]})

    chosen = {"models": request["models"]} if request.get("models") else {}
    analysis = function(request["source"], Path(request["cache"]), progress, **chosen)
    work = Path(request["work"])
    traces = analysis.traces
    write_atomically(work / TRACES, pack(traces.frames, traces.times, series(analysis)))
    document = to_dict(analysis, traces=False)
    write_atomically(work / DOCUMENT, json.dumps(document).encode())


def series(analysis: Analysis) -> dict[str, NDArray[np.floating[Any]]]:
    """Return the curves of an analysis by name.

    They are spotting, movement where there is one, emotion:CLASS and region:NAME.
    """
    traces = analysis.traces
    found: dict[str, NDArray[np.floating[Any]]] = {"spotting": traces.spotting}
    if traces.movement is not None:
        found["movement"] = traces.movement
    for i, name in enumerate(SPOTTING_CLASSES):
        found[f"emotion:{name}"] = traces.emotion[:, i]
    for i, name in enumerate(traces.regions):
        found[f"region:{name}"] = traces.motion[:, i]
    return found
