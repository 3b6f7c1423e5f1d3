"""Flow maps of recordings are measured once, kept in a file, and read by rows."""

import numpy as np
import pytest

from mescope.datasets import folder
from mescope.errors import DatasetError
from mescope.motion.frame_maps import frame_maps
from mescope.motion.roi_flow import extract
from mescope.samples import recording_windows
from mescope.samples.frame_kinds import AnnotatedFrames
from mescope.samples.recording_windows import hash_of, measure_recordings
from mescope.samples.spotting_kinds import AnnotatedRecordings
from mescope.synthesis.corpus import write_corpus
from mescope.video.reading import open_video

WANTED = AnnotatedFrames()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    root = tmp_path_factory.mktemp("corpus")
    write_corpus(root, 1, 5, duration=2.5, levels=("calm",), micro_per_minute=40)
    return folder.read(root)


@pytest.fixture(scope="module")
def kept(corpus, tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    return cache, measure_recordings(corpus, WANTED, cache=cache).measured[0]


def refuse(*_, **__):
    raise AssertionError("it was measured again")


@pytest.mark.slow
def test_maps_are_those_of_the_recording_and_never_measured_twice(corpus, kept, monkeypatch):
    cache, one = kept
    video = open_video(one.recording.path)
    parts = list(frame_maps(video, extract(video), 6, style="softnet"))
    whole = np.concatenate([part.values for part in parts]).astype(np.float16)
    every = np.arange(len(one.maps.valid))
    np.testing.assert_array_equal(one.maps.rows(every), whole)
    np.testing.assert_array_equal(one.maps.rows(every[5:9]), whole[5:9])
    assert one.maps.valid.any()
    assert len(one.maps.valid) == one.used - one.padded - 6
    monkeypatch.setattr(recording_windows, "open_video", refuse)
    again = measure_recordings(corpus, WANTED, cache=cache).measured[0]
    assert hash_of([again]) == hash_of([one])
    windows = measure_recordings(corpus, AnnotatedRecordings(), cache=cache).measured[0]
    np.testing.assert_array_equal(windows.windows, one.windows)  # of the same entry
    assert hash_of([windows]) != hash_of([one])


@pytest.mark.slow
def test_other_maps_are_measured_with_the_faces_that_were_found(corpus, kept, monkeypatch):
    cache, one = kept
    monkeypatch.setattr(recording_windows, "extract", refuse)
    for other in (AnnotatedFrames(style="mean"), AnnotatedFrames(half_s=0.3)):
        found = measure_recordings(corpus, other, cache=cache).measured[0].maps
        assert found.digest != one.maps.digest
        assert found.k == round(other.half_s * 30)


@pytest.mark.slow
def test_a_file_that_is_damaged_or_gone_is_made_again(corpus, kept):
    cache, one = kept
    path = one.maps.kept
    before = path.read_bytes()
    for damaged in (before[:900], before[:-8] + b"12345678"):
        path.write_bytes(damaged)
        again = measure_recordings(corpus, WANTED, cache=cache).measured[0]
        assert again.maps.digest == one.maps.digest
        assert path.read_bytes() == before
    path.unlink()
    with pytest.raises(DatasetError, match="run the command again"):
        one.maps.rows(np.arange(3))
    measure_recordings(corpus, WANTED, cache=cache)
    assert path.read_bytes() == before
    assert not list(cache.glob(".*"))


@pytest.mark.slow
def test_without_a_cache_maps_stay_in_memory_and_a_recording_without_a_pair_is_missed(corpus):
    one = measure_recordings(corpus, WANTED).measured[0]
    assert one.maps.rows(np.arange(2)).shape == (2, 3, 42, 42)
    with pytest.raises(DatasetError, match=r"expected more than 300 frames.*half_s"):
        measure_recordings(corpus, AnnotatedFrames(half_s=10.0))
