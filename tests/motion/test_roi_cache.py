"""Work that is interrupted, repeated, or whose cache is spoilt."""

import time

import numpy as np
import pytest
from PIL import Image
from swaying_face import SHORT, film

from mescope.errors import OutputError
from mescope.face.landmark_track import LandmarkTrack
from mescope.io import cache as caching
from mescope.io.atomic import write_atomically
from mescope.io.cache import Store, default_cache
from mescope.motion import roi_flow
from mescope.motion import window_cache as roi_keep
from mescope.motion.roi_flow import Timing, extract
from mescope.video.reading import open_video


class InterruptedForTestError(Exception):
    pass


@pytest.fixture(autouse=True)
def short_segments(monkeypatch):
    monkeypatch.setattr(roi_keep, "SEGMENT", 2)


@pytest.fixture(scope="module")
def frames():
    return film(72)  # 8 windows, 4 segments


@pytest.fixture(scope="module")
def uncached(frames):
    return extract(open_video(frames, rate=30), timing=SHORT)


def same(a, b):
    np.testing.assert_array_equal(a.windows, b.windows)
    np.testing.assert_array_equal(a.valid, b.valid)
    np.testing.assert_array_equal(a.boxes, b.boxes)
    np.testing.assert_array_equal(a.landmarks, b.landmarks)
    assert a.warnings == b.warnings
    if a.close is not None:
        np.testing.assert_array_equal(a.close.points, b.close.points)
        np.testing.assert_array_equal(a.close.eyes, b.close.eyes)
        np.testing.assert_array_equal(a.close.light, b.close.light)


def forbid_work(monkeypatch):
    def fail(*args, **options):
        raise AssertionError("the cache was not used")

    monkeypatch.setattr(roi_flow, "window_flow", fail)


def test_the_last_hop_is_kept_however_late_its_face_is_followed(
    frames, uncached, tmp_path, monkeypatch
):
    follow = LandmarkTrack.follow

    def late(track, frame, start, first, last, landmarks):
        if last == len(frames) - 1:
            time.sleep(1.0)  # longer than all that is left to do
        follow(track, frame, start, first, last, landmarks)

    monkeypatch.setattr(LandmarkTrack, "follow", late)
    same(extract(open_video(frames, rate=30), timing=SHORT, cache=tmp_path), uncached)
    forbid_work(monkeypatch)
    same(extract(open_video(frames, rate=30), timing=SHORT, cache=tmp_path), uncached)


def test_second_time_comes_from_the_cache(frames, uncached, tmp_path, monkeypatch):
    same(extract(open_video(frames, rate=30), timing=SHORT, cache=tmp_path), uncached)
    forbid_work(monkeypatch)
    same(extract(open_video(frames, rate=30), timing=SHORT, cache=tmp_path), uncached)
    with pytest.raises(AssertionError):  # other parameters, other entry
        extract(open_video(frames, rate=30), timing=SHORT, cache=tmp_path, roi_percent="he2024")


@pytest.mark.parametrize("mode", ["clean", "as_published"])
def test_interrupted_work_goes_on(frames, tmp_path, monkeypatch, mode):
    """Stopped after window 5, continued, and the result is the same."""

    def stop(done, count):
        if done == 5:
            raise InterruptedForTestError

    video = open_video(frames, rate=30)
    with pytest.raises(InterruptedForTestError):
        extract(video, timing=SHORT, cache=tmp_path, progress=stop, mode=mode)
    calls = []
    resumed = extract(
        open_video(frames, rate=30),
        timing=SHORT,
        cache=tmp_path,
        mode=mode,
        progress=lambda done, count: calls.append(done),
    )
    assert calls == [4, 5, 6, 7, 8]
    same(resumed, extract(open_video(frames, rate=30), timing=SHORT, mode=mode))


def test_warnings_of_the_recording_are_kept_too(frames, tmp_path, monkeypatch):
    """With nothing left to decode, and where the work was stopped."""
    repeating = frames.copy()
    repeating[40:60] = repeating[40]
    plain, first, again = (open_video(repeating, rate=30) for _ in range(3))
    extract(plain, timing=SHORT)
    assert any("repeat the one before" in line for line in plain.warnings)
    extract(first, timing=SHORT, cache=tmp_path)
    forbid_work(monkeypatch)
    extract(again, timing=SHORT, cache=tmp_path)
    assert plain.warnings == first.warnings == again.warnings
    assert plain.report == first.report == again.report


@pytest.mark.parametrize("step", [1, 2])
def test_damaged_pictures_stay_in_the_report_of_resumed_work(frames, tmp_path, step):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, picture in enumerate(frames):
        Image.fromarray(picture).save(folder / f"{number}.bmp")
    (folder / "4.bmp").write_text("no picture")
    timing = Timing(16, 8, step, 30 / step)

    def stop(done, count):
        if done == count - 1:
            raise InterruptedForTestError

    cache = tmp_path / "cache"
    with pytest.raises(InterruptedForTestError):
        extract(open_video(folder, rate=30), timing=timing, cache=cache, progress=stop)
    resumed, whole = open_video(folder, rate=30), open_video(folder, rate=30)
    flow = extract(resumed, timing=timing, cache=cache)
    assert flow.decode == extract(whole, timing=timing).decode
    assert flow.decode["missing"] == [4]
    assert resumed.warnings == whole.warnings


@pytest.mark.parametrize("damage", ["cut", "edit", "empty"])
def test_spoilt_entries_are_computed_again(frames, uncached, tmp_path, damage):
    extract(open_video(frames, rate=30), timing=SHORT, cache=tmp_path)
    entries = sorted(tmp_path.iterdir())
    assert len(entries) == 5  # four segments and the decode report
    entries.sort(key=lambda entry: entry.stem[-6:])
    whole = entries[1].read_bytes()
    data = bytearray(whole)
    if damage == "edit":
        data[len(data) // 2] ^= 1
    entries[1].write_bytes({"cut": data[: len(data) // 2], "edit": data, "empty": b""}[damage])
    same(extract(open_video(frames, rate=30), timing=SHORT, cache=tmp_path), uncached)
    assert entries[1].read_bytes() == whole  # it was mended


def test_a_cache_that_cannot_be_written_is_a_warning(frames, uncached, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    result = extract(open_video(frames, rate=30), timing=SHORT, cache=blocked)
    np.testing.assert_array_equal(result.windows, uncached.windows)
    assert any("nothing is cached" in line for line in result.warnings)


def test_store_keeps_arrays(tmp_path):
    store = Store(tmp_path / "new", {"a": 1})
    assert store.load("x") is None
    store.save("x", {"numbers": np.arange(3)})
    assert store.load("x")["numbers"].tolist() == [0, 1, 2]
    assert Store(tmp_path / "new", {"a": 2}).load("x") is None


def test_write_atomically_replaces_and_leaves_no_draft(tmp_path):
    path = tmp_path / "deep" / "name.bin"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "name.bin"
    write_atomically(path, b"old")

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(caching.os, "fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_default_cache_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "mescope"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert default_cache() == tmp_path / "home" / ".cache" / "mescope"

    def homeless():
        raise RuntimeError

    monkeypatch.setattr(caching.Path, "home", homeless)
    assert default_cache().name == "mescope-cache"
