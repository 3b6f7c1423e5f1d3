"""The whole chain through the command line, with an untrained model: bad files, bad weights.

What a real model finds is measured elsewhere; here every input must end in results or in one
clear line.
"""

import json
import os
import pickle
import signal
import subprocess
import sys
import time
import wave
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from mescope.models import create_model
from mescope.models.weights import Card, save
from mescope.motion.regions import REGIONS_18
from mescope.synthesis.dynamics import random_script
from mescope.synthesis.encode import write_video
from mescope.synthesis.portraits import drawn_portrait
from mescope.synthesis.render import SyntheticVideo


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """A folder with untrained weights and a short recording of a drawn face."""
    folder = tmp_path_factory.mktemp("shelf")
    torch.manual_seed(0)
    card = Card(
        model="me-tst-plus-small", config={}, regions=tuple(r.name for r in REGIONS_18),
        window=50, rate=30.0, simulated=True, trained_on="nothing",
    )  # fmt: skip
    save(folder / "untrained.safetensors", create_model("me-tst-plus-small"), card)
    script = random_script(np.random.default_rng(1), 4.0, level="calm", micro_per_minute=15)
    write_video(SyntheticVideo(drawn_portrait(3), script), folder / "face.mp4")
    return folder


@pytest.fixture
def analyze(run, here, shelf, monkeypatch):
    """Run ``mescope analyze`` on names in an empty folder, with a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(here / "cache"))

    def call(*words, model=shelf / "untrained.safetensors"):
        return run("analyze", *words, "--model", model, "-o", "out")

    return call


def write_plain(path, pictures, rate=30):
    """Write (n, h, w, 3) pictures as an MP4 file."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.height, stream.width = pictures.shape[1:3]
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def test_a_recording_goes_all_the_way(analyze, here, shelf):
    status, out, err = analyze(shelf / "face.mp4")
    assert status == 0, err
    assert out.startswith("face.mp4: ")
    document = json.loads((here / "out/face.json").read_text())
    assert document["video"]["frames"] == 120
    traces, gaps = document["traces"], document["gaps"]
    assert len(traces["frame"]) == len(traces["me_score"]) >= 100
    # Design decision 13: analyzed and reported missing are all frames of the file.
    told = set(traces["frame"]).union(*(range(g["first"], g["last"] + 1) for g in gaps))
    assert told == set(range(120))
    assert str(shelf) not in (here / "out/face.json").read_text()  # no folders in reports
    page = (here / "out/face.html").read_text()
    assert str(shelf) not in page
    assert "learned from simulated faces" in page


def test_a_time_range_keeps_the_numbers_of_the_whole(analyze, here, shelf):
    status, _, err = analyze(shelf / "face.mp4", "--start", "0.5", "--end", "3.5")
    assert status == 0, err
    frames = json.loads((here / "out/face.json").read_text())["traces"]["frame"]
    assert frames[0] == 15


def make_empty(path):
    path.write_bytes(b"")


def make_text(path):
    path.write_text("this is no video\n" * 100)


def make_sound(path):
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 8000, "NONE", "none"))
        file.writeframes(bytes(16000))


def make_playlist(path):
    path.write_text("#EXTM3U\n#EXTINF:3,\nhttp://127.0.0.1:9/x.ts\n")


@pytest.mark.parametrize(
    ("name", "make", "said"),
    [
        ("empty.mp4", make_empty, "empty file"),  # V1
        ("text.mp4", make_text, "not a supported video"),  # V2
        ("sound.wav", make_sound, "sound.wav"),
        ("list.m3u8", make_playlist, "playlist"),
        ("list.mp4", make_playlist, "playlist"),
    ],
)
def test_what_is_no_recording_is_one_line(analyze, here, shelf, name, make, said):
    """Exit 1 alone, exit 3 beside a good one; no half output."""
    make(here / name)
    status, out, err = analyze(name)
    assert (status, out) == (1, "")
    assert said in err
    assert err.count("\n") == 1
    assert not (here / "out").exists()
    assert analyze(name, shelf / "face.mp4")[0] == 3
    assert (here / "out/face.html").exists()


def test_half_a_file_without_its_index_is_one_line(analyze, here, shelf):
    """V3."""
    whole = (shelf / "face.mp4").read_bytes()
    (here / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    status, _, err = analyze("cut.mp4")
    assert status == 1
    assert "moov atom not found" in err


@pytest.mark.parametrize("count", [1, 2, 12])
def test_a_few_frames_end_in_a_reason_not_in_a_crash(analyze, here, count):
    """One frame, two, and fewer than a window."""
    write_plain(here / "few.mp4", np.full((count, 64, 64, 3), 90, np.uint8))
    status, _, err = analyze("few.mp4")
    assert status in (0, 1)
    assert "few.mp4" in err
    assert "Traceback" not in err


def test_no_face_is_a_warning_and_an_empty_report(analyze, here):
    """Exit 0, nothing found, and the report says why."""
    pictures = np.random.default_rng(0).integers(0, 255, (75, 120, 160, 3), dtype=np.uint8)
    write_plain(here / "wall.mp4", pictures)
    status, out, err = analyze("wall.mp4")
    assert status == 0, err
    assert "Nothing could be judged" in out  # silence is no absence
    assert "face" in err
    document = json.loads((here / "out/wall.json").read_text())
    assert document["detections"] == []
    assert document["warnings"]
    assert set(document["traces"]["me_score"]) == {None}
    assert "Nothing could be judged" in (here / "out/wall.html").read_text()


def test_weights_with_one_changed_byte_are_refused(analyze, here, shelf):
    data = bytearray((shelf / "untrained.safetensors").read_bytes())
    data[-7] ^= 1
    (here / "w.safetensors").write_bytes(data)
    status, _, err = analyze(shelf / "face.mp4", model=here / "w.safetensors")
    assert status == 1
    assert "w.safetensors" in err
    assert err.count("\n") == 1


class Canary:
    """Would make a file if anybody unpickled it."""

    def __reduce__(self):
        return os.mkdir, ("canary",)


@pytest.mark.parametrize("name", ["w.pt", "w.safetensors"])
def test_pickles_are_refused_unopened(analyze, here, shelf, name):
    """No unpickling."""
    (here / name).write_bytes(pickle.dumps(Canary()))
    status, _, err = analyze(shelf / "face.mp4", model=here / name)
    assert status == 1
    assert name in err
    assert not (here / "canary").exists()


def test_an_unknown_model_is_one_line(analyze, shelf):
    """At once, and nothing is fetched."""
    start = time.monotonic()
    status, _, err = analyze(shelf / "face.mp4", model="me-tst-plus-smal")
    assert status == 1
    assert "me-tst-plus-smal" in err
    assert "mescope models" in err
    assert time.monotonic() - start < 5


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_absent_is_no_silent_cpu_run(analyze, shelf):
    status, _, err = analyze(shelf / "face.mp4", "--device", "cuda")
    assert status == 1
    assert "cuda" in err


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_killed_and_run_again_gives_the_same_results(tmp_path, shelf):
    """Kill -9 at three points, then the same command; byte for byte the same tables."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    code = "from mescope.cli import main; main()"

    def command(folder):
        words = ["analyze", str(shelf / "face.mp4"), "--format", "csv", "-o", str(folder)]
        words += ["--model", str(shelf / "untrained.safetensors")]
        return [sys.executable, "-c", code, *words]

    quiet = {"env": environment, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    for delay in (1.5, 2.5, 3.5):
        with subprocess.Popen(command(tmp_path / "out"), **quiet) as process:
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
        assert not any(p.suffix != ".csv" for p in (tmp_path / "out").glob("[!.]*"))
    subprocess.run([*command(tmp_path / "out"), "--force"], check=True, **quiet)
    environment["XDG_CACHE_HOME"] = str(tmp_path / "fresh")
    subprocess.run(command(tmp_path / "whole"), check=True, **quiet)
    names = sorted(p.name for p in (tmp_path / "whole").iterdir())
    assert names == ["face.csv", "face.events.csv", "face.frames.csv"]
    for name in names:
        assert (
            Path(tmp_path, "out", name).read_bytes()
            == Path(tmp_path, "whole", name).read_bytes()
        )
