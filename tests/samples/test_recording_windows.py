"""Recordings are measured once, and their frames go to decimated ones and back."""

import os
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_recordings import made_up

from mescope.datasets import folder
from mescope.datasets.base import Dataset
from mescope.errors import DatasetError, RecipeError
from mescope.events import Expression, Interval, Recording
from mescope.motion.roi_flow import extract, timing
from mescope.samples import recording_windows
from mescope.samples.recording_windows import (
    chosen_recordings,
    from_arrays,
    measure_recordings,
    to_arrays,
)
from mescope.samples.spotting_kinds import AnnotatedRecordings
from mescope.synthesis.corpus import write_corpus
from mescope.video.reading import open_video

WANTED = AnnotatedRecordings()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    root = tmp_path_factory.mktemp("corpus")
    write_corpus(root, 2, 5, duration=2.5, levels=("calm",), micro_per_minute=40)
    return folder.read(root)


@pytest.mark.slow
def test_a_corpus_is_measured_as_by_hand_and_never_twice(corpus, tmp_path, monkeypatch):
    seen = []
    found = measure_recordings(
        corpus, WANTED, cache=tmp_path, progress=lambda done, n: seen.append((done, n))
    )
    assert seen == [(0, 2), (1, 2), (2, 2)]
    assert [one.recording for one in found.measured] == list(corpus.recordings)
    assert found.unmeasured == ()
    assert found.lost == 0
    for one in found.measured:
        flow = extract(open_video(one.recording.path))
        for name in ("windows", "valid", "frames"):
            np.testing.assert_array_equal(getattr(one, name), getattr(flow, name))
        assert (one.timing, one.regions, one.padded) == (flow.timing, flow.regions, flow.padded)
        assert one.person == ("synthetic", one.recording.subject)

    def refuse(*_, **__):
        raise AssertionError("a picture was read again")

    monkeypatch.setattr(recording_windows, "open_video", refuse)
    again = measure_recordings(corpus, WANTED, cache=tmp_path)
    for one, other in zip(found.measured, again.measured, strict=True):
        assert other.warnings == one.warnings
        np.testing.assert_array_equal(other.windows, one.windows)


@pytest.mark.slow
def test_two_processes_measure_the_same_and_a_file_that_changed_is_measured_again(
    corpus, tmp_path
):
    alone = measure_recordings(corpus, WANTED)
    both = measure_recordings(corpus, WANTED, cache=tmp_path, jobs=2)
    for one, other in zip(alone.measured, both.measured, strict=True):
        np.testing.assert_array_equal(other.windows, one.windows)
    before = len(list(tmp_path.iterdir()))
    assert before == 2
    first = corpus.recordings[0].path
    os.utime(first, ns=(1, 1))
    measure_recordings(corpus, WANTED, cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == before + 1


def recording(name, *spans, path=None):
    return Recording(
        dataset="x", subject="1", name=name, frames=700, rate=30.0, path=path,
        expressions=tuple(
            Expression(interval=Interval(a, b), kind=kind) for a, b, kind in spans
        ),
    )  # fmt: skip


def test_videos_that_are_too_short_are_missed_and_those_that_are_not_there_are_left_out(
    tmp_path,
):
    short, long = tmp_path / "short", tmp_path / "long"
    for where, count in ((short, 8), (long, 60)):  # pictures without a face
        where.mkdir()
        for number in range(count):
            cv2.imwrite(str(where / f"{number:03d}.png"), np.zeros((64, 64), np.uint8))
    records = (
        recording("short", (1, 4, "micro"), path=str(short)),
        recording("long", path=str(long)),
        recording("lost", (1, 4, "micro"), (9, 19, "macro"), path=str(tmp_path / "no.avi")),
        recording("none"),
    )
    found = measure_recordings(Dataset(name="x", recordings=records), WANTED)
    assert [one.recording.name for one in found.measured] == ["long"]
    assert not found.measured[0].valid.any()
    assert [r.name for r in found.unmeasured] == ["short"]
    assert found.lost == 2
    told = [str(p) for p in found.problems if p.level == "error"]
    assert any("x 1/short: the recording is too short" in line for line in told)
    assert any("no.avi" in line for line in told)
    assert any("names no file" in line for line in told)


def test_pictures_whose_rate_was_put_right_are_measured_again(tmp_path, monkeypatch):
    """Pictures have no times: nothing about the files tells that their rate was a guess."""
    seen = []

    def extract(video, **_):
        seen.append(video.rate)
        one, cut = made_up("1"), timing(video.rate)
        return replace(one.flow(), timing=cut)

    monkeypatch.setattr(recording_windows, "extract", extract)
    folder = tmp_path / "p"
    folder.mkdir()
    for number in range(4):
        cv2.imwrite(str(folder / f"{number}.png"), np.zeros((8, 8), np.uint8))
    guessed = recording("p", path=str(folder))
    for rate in (30.0, 200.0, 200.0, 59.94, 59.94):
        data = Dataset(name="x", recordings=(replace(guessed, rate=rate),))
        (one,) = measure_recordings(data, WANTED, cache=tmp_path / "kept").measured
        assert one.timing == timing(rate)
    assert seen == [30.0, 200.0, 59.94]


def test_pictures_of_one_size_and_time_are_told_apart(tmp_path, monkeypatch):
    """Not packed, and out of an archive: two people had the windows of the first."""
    seen = []

    def extract(video, **_):
        seen.append(int(video.read([0], grey=True)[0].mean()))
        return replace(made_up("1").flow(), timing=timing(video.rate))

    monkeypatch.setattr(recording_windows, "extract", extract)
    records = []
    for grey in (10, 200):
        folder = tmp_path / str(grey)
        folder.mkdir()
        for number in range(4):
            path = folder / f"{number}.bmp"
            cv2.imwrite(str(path), np.full((8, 8), grey, np.uint8))
            os.utime(path, (1, 1))
        records.append(recording(str(grey), path=str(folder)))
    data = Dataset(name="x", recordings=tuple(records))
    for _ in range(2):
        measure_recordings(data, WANTED, cache=tmp_path / "kept")
    assert seen == [10, 200]


@pytest.mark.parametrize("place", [0, 150_000, 299_999])
def test_videos_of_one_name_size_and_time_are_told_apart(place, tmp_path):
    """Only the cache's key is asked for, so any bytes will do."""
    paths = [tmp_path / folder / "session.avi" for folder in ("a", "b", "c")]
    for path, byte in zip(paths, (1, 2, 2), strict=True):
        path.parent.mkdir()
        content = bytearray(300_000)
        content[place] = byte
        path.write_bytes(content)
        os.utime(path, (10**9, 10**9))
    one, other, copy = (
        recording_windows._identity(path, AnnotatedRecordings()) for path in paths
    )
    assert one != other
    assert other == copy  # a data set that was moved is not measured again


def test_nothing_to_measure_is_an_error():
    with pytest.raises(DatasetError, match="expected recordings, found none"):
        measure_recordings(Dataset(name="x"), WANTED)
    with pytest.raises(DatasetError, match="none of 1 recordings can be used; the first, x"):
        measure_recordings(Dataset(name="x", recordings=(recording("none"),)), WANTED)


def test_only_videos_with_micro_expressions_as_published():
    some = (
        recording("a"), recording("b", (1, 4, "macro")), recording("c", (1, 4, "micro")),
    )  # fmt: skip
    data = Dataset(name="x", recordings=some)
    assert chosen_recordings(data, WANTED) == list(some)
    published = AnnotatedRecordings(videos="with-micro")
    assert chosen_recordings(data, published) == [some[2]]
    with pytest.raises(DatasetError, match="with a micro-expression, found none in 2"):
        chosen_recordings(Dataset(name="x", recordings=some[:2]), published)


@pytest.mark.parametrize(
    ("field", "value"),
    [("regions", "17"), ("mode", "fast"), ("videos", "some"), ("negative_ratio", -1.0)],
)
def test_what_cannot_be_wanted_is_refused(field, value):
    with pytest.raises(RecipeError, match=field):
        AnnotatedRecordings(**{field: value})


def test_as_published_18_regions_begin_late_and_have_shares_of_their_own():
    plus = AnnotatedRecordings(mode="as_published").extraction()
    assert (plus["roi_percent"], plus["reference"]) == ("me-tst-plus", "late")
    first = AnnotatedRecordings(mode="as_published", regions="5").extraction()
    assert "roi_percent" not in first
    assert len(first["regions"]) == 5
    assert set(AnnotatedRecordings().extraction()) == {"regions", "mode"}


def test_native_frames_become_decimated_ones_as_published():
    """Both ends divided with truncation, as the published codes do."""
    one = made_up("1", windows=9, step=7)
    assert one.decimated(Interval(71, 125)) == Interval(71 // 7, 125 // 7)


@given(st.integers(1, 9), st.integers(0, 89), st.integers(0, 40))
def test_decimated_frames_stand_for_their_native_ones(step, first, length):
    one = made_up("1", windows=9, step=step)
    interval = Interval(first, min(first + length, 99))
    native = one.native(interval)
    assert native == Interval(interval.first * step, interval.last * step + step - 1)
    assert one.decimated(native) == interval


def test_frames_beyond_the_end_stay_inside():
    one = made_up("1", windows=3, step=2, padded=4)
    last = one.recording.frames - 1
    assert one.native(Interval(10, 500)).last == last
    assert one.decimated(Interval(last, last + 100)).last == one.used - 1 - one.padded


def test_the_long_videos_of_samm_show_the_people_of_samm():
    """One person in two data sets must not stand on both sides of a split."""
    assert made_up("006", dataset="samm-lv").person == ("samm", "006")


def test_what_is_kept_comes_back():
    one = replace(made_up("1", (4, 9, "positive"), padded=3), warnings=("odd",))
    back = from_arrays(one.recording, to_arrays(one), one.regions, one.mode)
    for name in ("windows", "valid", "frames"):
        np.testing.assert_array_equal(getattr(back, name), getattr(one, name))
    assert (back.timing, back.padded, back.warnings) == (one.timing, 3, ("odd",))


def test_spotters_without_a_network_are_given_the_same_motion():
    one = made_up("1", step=7)
    flow = one.flow()
    assert flow.windows is one.windows
    assert flow.regions == one.regions
    assert flow.times[1] == pytest.approx(7 / one.recording.rate)
    assert np.isnan(flow.points).all()
