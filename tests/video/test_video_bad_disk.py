"""A disk that is taken off while a recording is read is no recording that is cut short."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mescope.synthesis.encode import write_video
from mescope.video.arrays import ArrayVideo

HERE = Path(__file__).parent
FRAMES = 300
READ = """
import json, sys, threading
from pathlib import Path
from mescope.errors import VideoError
from mescope.video import readable
from mescope.video.reading import open_video
path, off, when = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
readable.WAITS = (0.1, 0.3)
said, got = None, []
try:
    if when == "before":
        off.touch()
    video = open_video(path)
    for index, _ in video.frames():
        got.append(index)
        if len(got) == 20 and when != "before":
            off.touch()
            if when == "for a moment":
                wait, times = readable._failure, []
                def failing(path):
                    times.append(1)
                    if len(times) == 2:
                        off.unlink()
                    return wait(path)
                readable._failure = failing
    missing = list(video.report.missing)
except VideoError as error:
    said, missing = str(error), None
print(json.dumps({"said": said, "got": got, "missing": missing}))
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("needs a C compiler and a preloaded library")
    path = tmp_path_factory.mktemp("disk") / "bad_disk.so"
    build = [compiler, "-shared", "-fPIC", "-o", str(path), str(HERE / "bad_disk.c"), "-ldl"]
    subprocess.run(build, check=True)
    return path


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "libx264"), ("a.avi", "mpeg4"), ("a.mkv", "ffv1")]
)
def test_a_disk_that_goes_is_told_and_waited_for(library, tmp_path, name, codec):
    """V29: before, in the middle, and for a moment only, after which every frame is there."""
    path, off = tmp_path.resolve() / name, tmp_path.resolve() / "off"
    noise = np.random.default_rng(0).integers(0, 255, (FRAMES, 48, 48), np.uint8)
    write_video(ArrayVideo(noise, 30.0), path, codec)
    about = {
        "LD_PRELOAD": str(library), "BAD_DISK": str(path), "BAD_DISK_OFF": str(off),
        "BAD_DISK_FROM": str(path.stat().st_size // 2),
    }  # fmt: skip

    def read(when):
        off.unlink(missing_ok=True)
        done = subprocess.run(
            [sys.executable, "-c", READ, str(path), str(off), when], env=os.environ | about,
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return json.loads(done.stdout)

    for when in ("before", "in the middle"):
        found = read(when)
        assert found["said"] is not None, (when, found["missing"])
        assert "input/output error" in found["said"]
        assert "put it back" in found["said"] or "cannot be read" in found["said"]
    found = read("for a moment")
    assert found["said"] is None
    assert found["got"] == list(range(FRAMES))
    assert found["missing"] == []
