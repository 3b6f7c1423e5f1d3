"""Work that is interrupted, repeated, or whose cache is spoilt."""

import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import clip_sets
import numpy as np
import pytest
from clip_sets import FixedFinder, moving_clip, moving_set, shifted, texture
from PIL import Image

from mescope.datasets.base import Dataset
from mescope.io import cache as caching
from mescope.motion.flow import tvl1
from mescope.samples import clip_features, clip_samples
from mescope.samples.clip_samples import clip_examples, flow_examples

SMALL = {"labels": "3-class", "size": 16, "crop": 64}


@pytest.fixture(autouse=True)
def fixed_finder(monkeypatch):
    monkeypatch.setattr(clip_samples, "default_finder", FixedFinder)


@pytest.fixture
def count(monkeypatch):
    """How many flows were computed."""
    calls, lock = [], threading.Lock()

    def counted(first, second):
        with lock:
            calls.append(1)
        return tvl1(first, second)

    monkeypatch.setitem(clip_features.METHODS, "tvl1", counted)
    return calls


def entries(folder):
    return sorted(p for p in folder.rglob("*") if p.is_file())


def test_the_second_run_computes_nothing_and_says_the_same(tmp_path, count):
    dataset = moving_set(tmp_path / "data")
    (dataset.clips[0].folder / "img46.png").unlink()
    first = flow_examples(dataset, **SMALL, cache=tmp_path / "cache")
    assert len(count) == 3
    assert [p.name.endswith("-clip.cache") for p in entries(tmp_path / "cache")] == [True] * 3
    again = flow_examples(dataset, **SMALL, cache=tmp_path / "cache")
    assert len(count) == 3
    np.testing.assert_array_equal(again.examples.inputs, first.examples.inputs)
    assert again.examples.hashes() == first.examples.hashes()
    assert again.problems == first.problems
    assert len(first.problems) == 1  # the onset picture that is missing


def test_a_found_apex_is_kept_with_its_warning(tmp_path, monkeypatch):
    clip = moving_clip(tmp_path / "data", "a", apex=None)
    dataset = Dataset(name="casme2", clips=(clip,))
    first = flow_examples(dataset, **SMALL, cache=tmp_path / "cache")
    monkeypatch.setattr(clip_features, "find_apex", None)
    again = flow_examples(dataset, **SMALL, cache=tmp_path / "cache")
    assert again.problems == first.problems
    assert "s1/a at 49" in str(first.problems[0])


def test_the_key_is_what_the_pictures_hold_and_nothing_else(tmp_path, count):
    dataset = moving_set(tmp_path / "data", 1)
    cache = {"cache": tmp_path / "cache"}
    flow_examples(dataset, **SMALL, **cache)
    moved = dataset.clips[0].folder.rename(tmp_path / "elsewhere")
    other = Dataset(
        name="casme2", clips=(moving_clip(tmp_path / "more", "b", seed=0, emotion="surprise"),)
    )
    flow_examples(other, **SMALL, **cache)  # the same pictures under another name
    assert len(count) == 1
    middle = moved / "img47.png"
    middle.rename(tmp_path / "more/b/img47.png")
    flow_examples(other, **SMALL, **cache)
    Image.fromarray(texture(9)).save(tmp_path / "more/b/img47.png")  # neither onset nor apex
    flow_examples(other, **SMALL, **cache)
    assert len(count) == 1
    apex = tmp_path / "more/b/img49.png"
    Image.fromarray(shifted(texture(), 2.5)).save(apex)
    flow_examples(other, **SMALL, **cache)
    assert len(count) == 2
    for change in ({"crop": 96}, {"size": 8}):
        flow_examples(other, **SMALL | change, **cache)
    assert len(count) == 4
    farneback = flow_examples(other, **SMALL, method="farneback", **cache)
    assert len(count) == 4
    assert farneback.problems == ()
    assert len(entries(tmp_path / "cache")) == 5


def test_an_entry_of_another_version_is_computed_again_and_told(tmp_path, monkeypatch):
    """A cache written by another version of mescope, OpenCV or dlib."""
    dataset = moving_set(tmp_path / "data")
    monkeypatch.setattr(clip_features, "VERSION", 0)
    flow_examples(dataset, **SMALL, cache=tmp_path / "cache")
    monkeypatch.undo()
    monkeypatch.setattr(clip_samples, "default_finder", FixedFinder)
    _, problems = flow_examples(dataset, **SMALL, cache=tmp_path / "cache")
    (problem,) = problems
    assert problem.level == "warning"
    assert "3 cache entries were of another version and computed again" in problem.message
    assert len(entries(tmp_path / "cache")) == 3  # replaced, not added to
    assert flow_examples(dataset, **SMALL, cache=tmp_path / "cache").problems == ()


@pytest.mark.parametrize("damage", ["cut", "empty", "edited"])
def test_a_damaged_entry_is_computed_again_and_told(tmp_path, count, damage):
    dataset = moving_set(tmp_path / "data")
    first = flow_examples(dataset, **SMALL, cache=tmp_path / "cache")
    path = entries(tmp_path / "cache")[1]
    data = path.read_bytes()
    damaged = {"cut": data[:100], "empty": b"", "edited": data[:-9] + b"x" + data[-8:]}
    path.write_bytes(damaged[damage])
    again = flow_examples(dataset, **SMALL, cache=tmp_path / "cache")
    assert len(count) == 4
    assert "1 cache entries were damaged and computed again" in str(again.problems[0])
    np.testing.assert_array_equal(again.examples.inputs, first.examples.inputs)
    assert path.read_bytes() == data
    assert flow_examples(dataset, **SMALL, cache=tmp_path / "cache").problems == ()


def test_a_disk_that_fills_costs_the_cache_and_not_the_run(tmp_path, count, monkeypatch):
    dataset = moving_set(tmp_path / "data", 4)
    synced = []

    def full(handle):
        synced.append(handle)
        if len(synced) > 2:  # a file and its folder
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(caching.os, "fsync", full)
    found = flow_examples(dataset, **SMALL, cache=tmp_path / "cache", jobs=1)
    assert len(found.examples) == 4
    (problem,) = found.problems
    assert "not everything is cached" in problem.message
    assert "No space left" in problem.message
    assert len(entries(tmp_path / "cache")) == 1  # and no draft
    monkeypatch.undo()
    monkeypatch.setattr(clip_samples, "default_finder", FixedFinder)
    again = flow_examples(dataset, **SMALL, cache=tmp_path / "cache")
    np.testing.assert_array_equal(again.examples.inputs, found.examples.inputs)
    assert len(entries(tmp_path / "cache")) == 4


def test_a_run_that_was_interrupted_goes_on_where_it_stopped(tmp_path, count):
    dataset = moving_set(tmp_path / "data", 6)

    def stop(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        flow_examples(dataset, **SMALL, cache=tmp_path / "cache", jobs=1, progress=stop)
    done = len(count)
    assert 2 <= done < 6  # what was under way is finished, the rest not begun
    assert len(entries(tmp_path / "cache")) == done
    found = flow_examples(dataset, **SMALL, cache=tmp_path / "cache")
    assert len(count) == 6
    fresh = flow_examples(dataset, **SMALL)
    np.testing.assert_array_equal(found.examples.inputs, fresh.examples.inputs)


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from clip_sets import FixedFinder, moving_set
from mescope.samples import clip_samples
clip_samples.default_finder = FixedFinder

def stop(done, total):
    if done == 3:
        os.kill(os.getpid(), signal.SIGKILL)

clip_samples.flow_examples(
    moving_set(Path(sys.argv[2]) / "data", 6), labels="3-class", size=16, crop=64,
    cache=Path(sys.argv[2]) / "cache", progress=stop,
)
"""


@pytest.mark.skipif(os.name != "posix", reason="kills with SIGKILL")
def test_a_run_that_was_killed_goes_on_where_it_stopped(tmp_path, count):
    here = str(Path(clip_sets.__file__).parent)
    done = subprocess.run([sys.executable, "-c", KILLED, here, str(tmp_path)], timeout=120)
    assert done.returncode == -signal.SIGKILL
    dataset = moving_set(tmp_path / "again", 6)  # the same pictures
    found = flow_examples(dataset, **SMALL, cache=tmp_path / "cache")
    assert len(count) <= 3
    assert len(found.examples) == 6
    assert found.problems == ()


def test_an_error_that_is_no_inputs_fault_is_not_swallowed(tmp_path, monkeypatch):
    def broken(first, second):
        raise ZeroDivisionError

    monkeypatch.setitem(clip_features.METHODS, "tvl1", broken)
    with pytest.raises(ZeroDivisionError):
        flow_examples(moving_set(tmp_path), **SMALL)


def test_a_damaged_picture_is_passed_over_in_the_second_run_as_well(tmp_path, count):
    clip = moving_clip(tmp_path / "data", "a")
    (clip.folder / "img49.png").write_bytes(b"no picture")
    dataset = Dataset(name="casme2", clips=(clip,))
    first = flow_examples(dataset, **SMALL, cache=tmp_path / "cache")
    again = flow_examples(dataset, **SMALL, cache=tmp_path / "cache")
    assert len(count) == 1
    assert again.problems == first.problems
    assert "apex picture 49 is missing, 48 used" in str(first.problems)


def test_frames_are_kept_as_they_are_and_apart_from_flow(tmp_path):
    dataset = moving_set(tmp_path / "data")
    options = {"labels": "3-class", "frames": 4, "size": 32, "cache": tmp_path / "cache"}
    first = clip_examples(dataset, **options).examples
    again = clip_examples(dataset, **options).examples
    np.testing.assert_array_equal(first.inputs, again.inputs)
    assert max(p.stat().st_size for p in entries(tmp_path / "cache")) < 4 * 32 * 32 + 2000
    flow_examples(dataset, **SMALL, cache=tmp_path / "cache")
    assert {p.parent.name for p in entries(tmp_path / "cache")} == {"clips", "flow"}


def test_a_finder_of_the_users_own_is_not_cached(tmp_path):
    flow_examples(moving_set(tmp_path), **SMALL, cache=tmp_path / "cache", finder=FixedFinder())
    assert entries(tmp_path / "cache") == []


def test_stacked_samples_of_other_parameters_lie_in_another_file(tmp_path, monkeypatch):
    """Two runs that share a cache must not exchange what the other one reads."""
    paths = []

    def stacked(rows, count, path):
        paths.append(path)
        return np.stack(list(rows))

    monkeypatch.setattr(clip_samples, "stacked", stacked)
    data = moving_set(tmp_path / "set")
    for size in (16, 32, 16):
        flow_examples(data, **(SMALL | {"size": size}), cache=tmp_path / "kept")
    assert paths[0] == paths[2] != paths[1]
