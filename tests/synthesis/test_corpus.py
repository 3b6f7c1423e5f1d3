from __future__ import annotations

import csv
import json

import cv2
import numpy as np
import pytest

from mescope.errors import DatasetError, OutputError
from mescope.synthesis.corpus import TRUTH_COLUMNS, read_corpus, write_corpus
from mescope.synthesis.dynamics import random_script
from mescope.synthesis.encode import default_codec, write_video
from mescope.synthesis.portraits import drawn_portrait
from mescope.synthesis.render import SyntheticVideo
from mescope.video.reading import open_video

SMALL = (320, 180)


@pytest.fixture(scope="module")
def video():
    script = random_script(np.random.default_rng(2), 2.0, level="calm", micro_per_minute=60)
    return SyntheticVideo(drawn_portrait(1, SMALL), script, 30)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "ä b.avi"])
@pytest.mark.parametrize("codec", [None, "mpeg4"])
def test_encoded_video_reads_back(tmp_path, video, name, codec):
    write_video(video, tmp_path / name, codec)
    read = open_video(tmp_path / name)
    assert (len(read), read.width, read.height) == (60, *SMALL)
    tolerance = 6e-4 if name.endswith("mkv") else 1e-6  # Matroska counts milliseconds
    np.testing.assert_allclose(read.times, video.times, atol=tolerance)
    decoded = dict(read.frames(grey=True))
    assert list(decoded) == list(range(60))
    for index in (0, 31, 59):
        gap = decoded[index].astype(float) - video.read([index], grey=True)[index]
        assert np.abs(gap).mean() < 4
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_irregular_times_survive(tmp_path, video):
    steps = np.random.default_rng(0).choice([1 / 60, 1 / 30, 0.1], 50)
    times = np.concatenate([[0.0], np.cumsum(steps)])
    uneven = SyntheticVideo(video.portrait, video.script, times=times)
    write_video(uneven, tmp_path / "vfr.mp4", default_codec())
    read = open_video(tmp_path / "vfr.mp4")
    assert len(read) == 51
    np.testing.assert_allclose(read.times, times, atol=1e-5)


def test_fast_recordings_keep_their_rate(tmp_path, video):
    fast = SyntheticVideo(video.portrait, video.script, 200)
    write_video(fast, tmp_path / "fast.mp4")
    read = open_video(tmp_path / "fast.mp4")
    assert read.rate == pytest.approx(200, rel=1e-6)
    np.testing.assert_allclose(read.times, fast.times, atol=1e-6)


def test_equal_videos_give_equal_files(tmp_path, video):
    write_video(video, tmp_path / "a.mp4")
    write_video(video, tmp_path / "b.mp4")
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_what_cannot_be_written_is_said(tmp_path, video):
    with pytest.raises(OutputError, match="name ending in"):
        write_video(video, tmp_path / "a.txt")
    with pytest.raises(OutputError, match="no encoder"):
        write_video(video, tmp_path / "a.mp4", "h266")
    odd = SyntheticVideo(drawn_portrait(1, (321, 181)), video.script, 30)
    with pytest.raises(OutputError, match="even"):
        write_video(odd, tmp_path / "a.mp4")
    with pytest.raises(OutputError, match="cannot write"):
        write_video(video, tmp_path / "missing" / "a.mp4")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_render_leaves_nothing(tmp_path, video, monkeypatch):
    """ecosystem M: interrupted output leaves no half-written file under its final name."""

    def frames(**_):
        yield 0, video.read([0])[0]
        raise KeyboardInterrupt

    monkeypatch.setattr(video, "frames", frames)
    with pytest.raises(KeyboardInterrupt):
        write_video(video, tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []


def small_corpus(folder, n=3, seed=7, **options):
    settings = {"duration": 3.0, "micro_per_minute": 60.0, "size": SMALL, **options}
    return write_corpus(folder, n, seed, **settings)


def test_truth_survives_the_table(tmp_path):
    calls = []
    recordings = small_corpus(tmp_path / "c", progress=lambda done, n: calls.append((done, n)))
    assert calls == [(1, 3), (2, 3), (3, 3)]
    assert recordings == read_corpus(tmp_path / "c")
    assert sum(len(r.expressions) for r in recordings) > 0
    for recording in recordings:
        read = open_video(recording.path)
        assert len(read) == recording.frames == 90
        for e in recording.expressions:
            assert 0 <= e.interval.first <= e.apex <= e.interval.last < 90
            assert e.kind in ("micro", "macro")
    with (tmp_path / "c" / "truth.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert tuple(table[0]) == TRUTH_COLUMNS
    assert TRUTH_COLUMNS[:5] == ("subject", "video", "onset", "offset", "emotion")
    for row in table:
        assert float(row["onset_s"]) == pytest.approx(int(row["onset"]) / 30, abs=1e-6)


def test_planted_expressions_move_the_pixels(tmp_path):
    """The frames of the truth are those in which the encoded face moves."""
    recordings = small_corpus(tmp_path / "c", levels=("calm",), macro_per_minute=0)
    ratios = []
    for recording in recordings:
        pictures = dict(open_video(recording.path).frames(grey=True))
        for e in recording.expressions:
            rest = cv2.GaussianBlur(pictures[max(0, e.interval.first - 1)], (0, 0), 2)
            apex = cv2.GaussianBlur(pictures[e.apex], (0, 0), 2)
            after = cv2.GaussianBlur(pictures[min(89, e.interval.last + 1)], (0, 0), 2)
            moved = np.abs(apex.astype(float) - rest).max()
            ratios.append(moved / max(1e-9, np.abs(after.astype(float) - rest).max()))
    assert len(ratios) >= 3
    assert np.median(ratios) > 1.3


def test_a_corpus_is_its_seed(tmp_path):
    small_corpus(tmp_path / "a")
    small_corpus(tmp_path / "b", jobs=2)
    small_corpus(tmp_path / "other", seed=8)
    for name in ("truth.csv", "recordings.csv", "videos/recording-00001.mp4"):
        one = (tmp_path / "a" / name).read_bytes()
        assert one == (tmp_path / "b" / name).read_bytes()
        assert one != (tmp_path / "other" / name).read_bytes()


def test_interrupted_corpus_goes_on(tmp_path):
    """ecosystem M: a rerun after a kill repeats only what is missing."""
    whole = small_corpus(tmp_path / "a")

    def stop(done, n):
        if done == 2:
            raise KeyboardInterrupt

    folder = tmp_path / "b"
    with pytest.raises(KeyboardInterrupt):
        small_corpus(folder, progress=stop)
    with pytest.raises(DatasetError, match="finished"):
        read_corpus(folder)
    kept = folder / "videos" / "recording-00000.mp4"
    stamp = kept.stat().st_mtime_ns
    (folder / "videos" / ".recording-00002.mp4.part").write_bytes(b"half")
    resumed = small_corpus(folder)
    assert kept.stat().st_mtime_ns == stamp
    assert [r.expressions for r in resumed] == [r.expressions for r in whole]
    assert not list((folder / "videos").glob(".*"))
    assert json.loads((folder / "manifest.json").read_text())["complete"]


def test_another_corpus_is_not_mixed_in(tmp_path):
    small_corpus(tmp_path / "c", n=1)
    with pytest.raises(OutputError, match="another corpus"):
        small_corpus(tmp_path / "c", n=1, seed=8)
    (tmp_path / "d" / "videos").mkdir(parents=True)
    (tmp_path / "d" / "videos" / "mine.mp4").write_bytes(b"x")
    with pytest.raises(OutputError, match="unknown origin"):
        small_corpus(tmp_path / "d", n=1)
    with pytest.raises(DatasetError, match="no finished corpus"):
        read_corpus(tmp_path / "nowhere")


def test_given_portraits_become_the_subjects(tmp_path):
    faces = (drawn_portrait(5, SMALL), drawn_portrait(6, SMALL))
    recordings = small_corpus(tmp_path / "c", n=4, portraits=faces)
    assert [r.subject for r in recordings] == ["drawn-00005", "drawn-00006"] * 2
    with (tmp_path / "c" / "recordings.csv").open(newline="") as file:
        levels = {(r["subject"], r["level"]) for r in csv.DictReader(file)}
    assert len(levels) == 4
