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
from collections.abc import Mapping, Sequence
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
    from mescope.face_results import FacesAnalysis
    from mescope.results import Analysis

DOCUMENT, TRACES = "document.json", "traces.npz"
_PASSING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ESTALE, errno.EIO})
_LOG = logging.getLogger("mescope.app")


def analyze(
    source: str,
    cache: Path,
    progress: Progress,
    models: Sequence[str] = (defaults.MODEL,),
    faces: Mapping[str, Any] | None = None,
) -> Analysis | FacesAnalysis:
    """Analyze a recording with the shipped weights, or with others.

    With ``faces``, what was said about them, every face is analyzed.

    Raises:
        MescopeError: the recording or the weights cannot be read.
    """
    from mescope.analysis.analyzer import load
    from mescope.face.people import FaceAnswers

    analyzer = load(models)
    options: dict[str, Any] = {"cache": cache, "progress": progress, "pictures": False}
    if faces is None:
        return analyzer.analyze(source, **options)
    return analyzer.analyze_faces(source, answers=FaceAnswers.from_json(faces), **options)


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
    except Exception as error:  # noqa: BLE001 - whatever it is, it is why the job failed
        _LOG.exception("an analysis failed")
        said = {"error": f"the analysis failed ({type(error).__name__}: {str(error)[:300]})"}
    send(connection, said)


def _run(connection: Connection, request: dict[str, Any]) -> None:
    module, _, name = request["analyze"].partition(":")
    function = getattr(importlib.import_module(module), name)

    def progress(done: int, total: int) -> None:
        send(connection, {"progress": [done, total]})

    wanted = {name: request[name] for name in ("models", "faces") if request.get(name)}
    found = function(request["source"], Path(request["cache"]), progress, **wanted)
    work = Path(request["work"])
    document, analyses = _document(found)
    curves: dict[str, NDArray[np.floating[Any]]] = {}
    for number, analysis in enumerate(analyses):
        before = f"face:{number}:" if number else ""  # the first has the names of an only one
        curves |= {before + name: values for name, values in series(analysis).items()}
    traces = analyses[0].traces
    write_atomically(work / TRACES, pack(traces.frames, traces.times, curves))
    write_atomically(work / DOCUMENT, json.dumps(document).encode())


def _document(found: Analysis | FacesAnalysis) -> tuple[dict[str, Any], list[Analysis]]:
    """Return what is kept of an analysis, and the analysis of each face."""
    from mescope.face_results import FacesAnalysis
    from mescope.reports import faces
    from mescope.reports import json as plain

    if isinstance(found, FacesAnalysis):
        return faces.document(found, traces=False), [one.analysis for one in found]
    return plain.to_dict(found, traces=False), [found]


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
