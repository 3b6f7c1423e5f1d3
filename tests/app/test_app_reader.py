"""How often the process that reads single frames begins to decode anew."""

import numpy as np
import pytest

from mescope.app import reader
from mescope.app.reader import OpenRecordings, RecordingFrames


class Counted:
    """A recording of 400 frames whose pixels are its numbers; counts where decoding begins."""

    width, height = 1280, 720

    def __init__(self):
        self.begun = []

    def __len__(self):
        return 400

    def frames(self, *, grey, start):
        assert not grey
        self.begun.append(start)
        return ((n, np.full((1, 1, 3), n % 251, np.uint8)) for n in range(start, len(self)))


def test_who_jumps_and_steps_decodes_rarely():
    """Forward on from where it is; backward once for 24, beyond what is kept."""
    video = Counted()
    frames = RecordingFrames(video)
    for n in (*range(200, 230), *range(229, 191, -1)):
        assert frames.get(n)[0, 0, 0] == n % 251
    assert video.begun == [192, 178]
    for n in range(191, 143, -1):
        frames.get(n)
    assert video.begun == [192, 178, 153, 128]


@pytest.mark.parametrize("people", [1, 10])
def test_people_do_not_push_each_others_frames_out(tmp_path, monkeypatch, people):
    """All kept frames of ten recordings at 1280 x 720 fit, so a step back finds them."""
    videos = {str(tmp_path / f"{k}.mp4"): Counted() for k in range(people)}
    monkeypatch.setattr(reader, "open_video", videos.__getitem__)
    every = OpenRecordings()
    for path in videos:
        open(path, "wb").close()
    for step in range(24):
        for path in videos:
            every.pictures(path, [300 - step], None)
    assert {tuple(video.begun) for video in videos.values()} == {(292, 267)}
