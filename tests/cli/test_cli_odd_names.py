"""Any name of a file that the system allows, through the command line."""

import json
import os
import subprocess
import sys

import pytest

from mescope.cli.inputs import gather, names
from mescope.io.file_names import LONGEST
from mescope.synthesis.encode import write_video
from mescope.video.arrays import ArrayVideo

NAMES = {
    b"caf\xe9 \xff.mp4": "caf\\xe9 \\xff.mp4",
    b"a\x01\n\x1b[2J\x7f.mp4": "a\\x01\\n\\x1b[2J\\x7f.mp4",
    b"x" * 251 + b".mp4": "x" * 251 + ".mp4",
    "名".encode() * 83 + b"yy.mp4": "名" * 83 + "yy.mp4",
}
pytestmark = pytest.mark.skipif(os.name == "nt", reason="names that Windows refuses")


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """A folder with small recordings whose names are odd."""
    import numpy as np

    folder = tmp_path_factory.mktemp("odd")
    plain = folder / "plain.mp4"
    write_video(ArrayVideo(np.zeros((45, 64, 64), np.uint8), 30.0), plain)
    for name in NAMES:
        try:
            with open(os.path.join(os.fsencode(folder), name), "wb") as file:
                file.write(plain.read_bytes())
        except OSError:
            pytest.skip("this file system takes valid UTF-8 only")
    plain.unlink()
    return folder


def mescope(*words, **options):
    done = subprocess.run(
        [sys.executable, "-m", "mescope", *words], capture_output=True, check=False, **options
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode(errors="replace")
    done.stderr.decode("utf-8")
    return done


def test_a_batch_of_them_is_analyzed_written_and_read_again(odd, tmp_path):
    """By every format that is read again; the console sees printable names only."""
    formats = "json,csv,html,elan,boris,vtt"
    done = mescope(
        "analyze", odd, "-o", tmp_path / "out", "--method", "flow-peaks", "--format", formats,
        "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)["results"]
    assert len(results) == len(NAMES)
    lines = done.stderr.decode("utf-8").splitlines()
    assert not any(ord(c) < 32 or ord(c) == 127 for line in lines for c in line)
    files = os.listdir(os.fsencode(tmp_path / "out"))
    assert len(files) == len(NAMES) * 8
    assert max(map(len, files)) <= LONGEST
    for file in files:
        if not file.endswith(b".html"):
            with open(os.path.join(os.fsencode(tmp_path / "out"), file), encoding="utf-8") as f:
                f.read()
    one = next(f for f in sorted(files) if f.startswith(b"caf") and f.endswith(b".eaf"))
    done = mescope(
        "convert", os.path.join(os.fsencode(tmp_path / "out"), one), tmp_path / "again.csv"
    )
    assert done.returncode in (0, 1)  # an empty file is told, in words


def test_names_of_results_leave_room_for_their_endings(odd):
    work, missing = gather([str(odd)])
    assert not missing
    assert len({job.name for job in work}) == len(NAMES)
    for job in work:
        assert len(os.fsencode(f".{job.name}.activitynet.json")) <= LONGEST
    long = [f"{'x' * 300}{tail}.mp4" for tail in "ab"]
    assert len(set(names(long))) == 2
