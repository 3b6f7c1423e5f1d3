"""``mescope magnify``: what it writes, and what it refuses in words."""

import json

import numpy as np
import pytest

from mescope.cli import run
from mescope.synthesis.encode import write_video
from mescope.synthesis.portraits import drawn_portrait
from mescope.video.arrays import ArrayVideo
from mescope.video.reading import open_video


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """A face whose picture gets brighter by 4 levels in frame 2."""
    portrait = drawn_portrait(3, (320, 180))
    bright = np.minimum(255, portrait.image.astype(int) + 4).astype(np.uint8)
    frames = np.stack([portrait.image, portrait.image, bright, portrait.image])
    path = tmp_path_factory.mktemp("magnify") / "face.mp4"
    write_video(ArrayVideo(frames, 25.0), path)
    return path


def test_both_stand_beside_each_other_and_slower(recording, tmp_path, capsys):
    out = tmp_path / "out.mp4"
    words = ["magnify", str(recording), "--from", "1", "--to", "3", "-o", str(out)]
    words += ["--view", "difference", "--factor", "10", "--slower", "4", "--json"]
    assert run(words) == 0
    assert json.loads(capsys.readouterr().out)["frames"] == 3
    made = open_video(out)
    assert (len(made), made.width, made.height) == (3, 640, 180)
    assert made.times[1] == pytest.approx(4 / 25, abs=1e-3)
    right = [frame[:, 320:].mean() for _, frame in made.frames(grey=True)]
    assert right[0] == pytest.approx(128, abs=4)
    assert right[1] - right[0] == pytest.approx(40, abs=12)
    assert run(words) == 1  # it is there already


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--from", "3", "--to", "1"], "in order"),
        (["--from", "0", "--to", "9"], "from 0 to 3"),
        (["--from", "0", "--to", "2", "--view", "rainbow"], "rainbow"),
    ],
)
def test_what_cannot_be_is_refused_in_words(recording, tmp_path, capsys, words, said):
    assert run(["magnify", str(recording), *words, "-o", str(tmp_path / "x.mp4")]) == 1
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["magnify", "flow"])
def test_the_recording_itself_is_never_replaced(recording, capsys, command):
    before = recording.read_bytes()
    words = {
        "magnify": ["--from", "0", "--to", "2", "-o", str(recording)],
        "flow": ["--onset", "0", "--apex", "2", "--video", str(recording)],
    }
    assert run([command, str(recording), *words[command], "--force"]) == 1
    assert "face.mp4 is the file that is read; choose another name" in capsys.readouterr().err
    assert recording.read_bytes() == before
