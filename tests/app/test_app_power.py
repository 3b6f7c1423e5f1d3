"""The power fails: what was not synced may be gone, and no judgement that was taken is."""

import os
import random
import shutil
import struct
import subprocess
import sys
from collections import defaultdict
from contextlib import closing
from pathlib import Path

import pytest

from mescope.app.store import ProjectStore

HERE = Path(__file__).parent
WRITER = """
import os, sys
from pathlib import Path
from mescope.app.store import ProjectStore
folder = Path(sys.argv[1])
store = ProjectStore(folder / "p.sqlite")
store.database._writer.execute("PRAGMA wal_autocheckpoint = 40")
told = os.open(folder / "told", os.O_WRONLY | os.O_CREAT)
for number in range(120):
    store.add_event("r", None, "ann", "edit", mark=str(number), values={"note": "x" * 900})
    os.write(told, b"%d\\n" % number)
"""


def logged(folder, log):
    """Return what a writer asked the disk to do: (what, name, offset, bytes), in order."""
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("needs a C compiler and a preloaded library")
    library = folder.parent / "disk_log.so"
    build = [compiler, "-shared", "-fPIC", "-o", str(library), str(HERE / "disk_log.c"), "-ldl"]
    subprocess.run(build, check=True)
    extra = {"LD_PRELOAD": str(library), "DISK_LOG": str(log), "DISK_LOG_FOLDER": str(folder)}
    subprocess.run(
        [sys.executable, "-c", WRITER, str(folder)], env=os.environ | extra, check=True
    )
    data, at, found = log.read_bytes(), 0, []
    while at < len(data):
        name_size, offset, length = struct.unpack_from("=3q", data, at + 1)
        begin = at + 25 + name_size
        end = begin + (length if data[at : at + 1] == b"W" else 0)
        found.append((chr(data[at]), data[at + 25 : begin].decode(), offset, data[begin:end]))
        at = end
    return found


def apply(content, what, offset, data):
    if what == "T":
        del content[offset:]
    else:
        content.extend(bytes(max(0, offset + len(data) - len(content))))
        content[offset : offset + len(data)] = data


def after_a_failure(operations, draw):
    """Return the files as a disk may hold them: what was synced, and any part of the rest."""
    durable, waiting = defaultdict(bytearray), defaultdict(list)
    for what, name, offset, data in operations:
        if what == "U":
            durable.pop(name, None)
            waiting.pop(name, None)
        elif what == "S":
            for one in waiting.pop(name, ()):
                apply(durable[name], *one)
        else:
            waiting[name].append((what, offset, data))
    kept = draw.choice(("nothing", "a beginning", "anything"))
    for name, rest in waiting.items():
        if kept == "a beginning":
            rest = rest[: draw.randrange(len(rest) + 1)]
        for one in rest if kept != "nothing" else ():
            if kept == "a beginning" or draw.random() < 0.5:
                apply(durable[name], *one)
    return durable


def test_no_judgement_that_was_taken_is_lost(tmp_path):
    """S75: at 60 points, with everything that was not synced dropped, cut or in pieces."""
    study = tmp_path / "study"
    study.mkdir()
    operations = logged(study.resolve(), tmp_path / "log")
    ends = [n for n, one in enumerate(operations, 1) if one[:2] == ("W", "told")]
    assert len(ends) == 120
    assert sum(one[:2] == ("S", "p.sqlite") for one in operations) > 2  # it was checkpointed
    draw = random.Random(0)
    for number in range(60):
        told = draw.randrange(len(ends))
        # At the very moment of the answer, or anywhere before the next one.
        until = ends[told + 1] - 1 if told + 1 < len(ends) else len(operations)
        files = after_a_failure(operations[: draw.randint(ends[told], until)], draw)
        folder = tmp_path / str(number)
        folder.mkdir()
        for name in ("p.sqlite", "p.sqlite-wal"):
            if name in files:
                (folder / name).write_bytes(files[name])
        with closing(ProjectStore(folder / "p.sqlite")) as store:
            marks = [int(event.mark) for event in store.events("r")]
        assert marks[: told + 1] == list(range(told + 1)), number
        shutil.rmtree(folder)


def test_a_store_that_does_not_sync_would_be_seen(tmp_path):
    """The test above can fail: without syncs, what was told is lost."""
    operations = [("W", "told", 0, b"0\n"), ("W", "p.sqlite", 0, b"x")]
    assert after_a_failure(operations, random.Random(3)) != {"p.sqlite": bytearray(b"x")}
    synced = [*operations, ("S", "p.sqlite", 0, b"")]
    assert after_a_failure(synced, random.Random(3))["p.sqlite"] == b"x"
