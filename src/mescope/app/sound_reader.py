"""What runs in the process that reads the sound of one recording, from its start to its end.

It writes the samples into a file, in order, so that what is there can be heard before the rest
is; then how loud each frame is; last, in one step, the notes that say that all is there.
"""

from __future__ import annotations

import json
import os
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from mescope.app.limits import confine
from mescope.app.sandbox import receive, send
from mescope.app.trouble import of_system
from mescope.errors import MescopeError
from mescope.io.atomic import write_atomically
from mescope.video.sound import SoundRun, loudness

SAMPLES, LOUDNESS, NOTES = "sound.s16", "loudness.f4", "notes.json"
_TELL = 0.2  # seconds between two messages


def run(connection: Connection, memory: int) -> None:
    """Read the one sound that the connection asks for."""
    confine(memory)
    if hasattr(os, "nice"):
        os.nice(5)  # who steps through frames must not wait
    request = receive(connection)
    try:
        _keep(connection, request)
        said: dict[str, Any] = {"done": True}
    except MescopeError as error:
        said = {"error": str(error)}
    except MemoryError:
        said = {"error": "reading the sound needs more memory than allowed"}
    except OSError as error:
        said = {"error": str(of_system(error))}
    send(connection, said)


def _keep(connection: Connection, request: dict[str, Any]) -> None:
    folder = Path(request["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    sound = SoundRun(
        Path(request["path"]),
        start_offset=request["start_offset"],
        seconds=request["seconds"],
        number=request["stream"],
    )
    told, end = time.monotonic(), 0
    with (folder / SAMPLES).open("wb") as file:
        for place, samples in sound.pieces():
            file.seek(2 * place)  # what is passed over is silence
            file.write(samples.astype("<i2").tobytes())
            end = place + len(samples)
            if time.monotonic() - told > _TELL:
                file.flush()
                send(connection, {"samples": end})
                told = time.monotonic()
    times = np.fromfile(request["times"], "<f8")
    heard = np.memmap(folder / SAMPLES, "<i2", "r") if end else np.zeros(0, "<i2")
    levels = loudness(heard, times)
    write_atomically(folder / LOUDNESS, levels.astype("<f4").tobytes())
    notes = {"samples": end, "notes": sound.notes}
    write_atomically(folder / NOTES, json.dumps(notes).encode())
