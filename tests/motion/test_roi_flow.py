"""Windows, gaps, cuts, both modes and the fast path, on films made of a portrait."""

from pathlib import Path

import numpy as np
import pytest
from swaying_face import SHORT, empty, film, portrait

from mescope.errors import VideoError
from mescope.face.detector import default_finder
from mescope.motion import roi_flow
from mescope.motion.regions import REGIONS_5
from mescope.motion.roi_flow import Timing, extract, timing
from mescope.motion.roi_flow_plain import MAX_FLOW, plain_window_flow
from mescope.motion.windows import plan
from mescope.video.reading import open_video

DATA = Path(__file__).parents[2] / ".." / "shared" / "data" / "single_face.mp4"


def measured(result):
    """Return (n,) bool: frames that are valid in at least one window."""
    hop, window = result.timing.hop, result.timing.window
    mask = np.zeros((len(result.windows) + 1) * hop, bool)
    for j, valid in enumerate(result.valid):
        mask[j * hop : j * hop + window] |= valid
    return mask


@pytest.fixture(scope="module")
def swaying():
    return extract(open_video(film(40), rate=30), timing=SHORT)


def test_shapes_and_first_positions(swaying):
    """Check 5: position 0 of each window is all zeros."""
    assert swaying.windows.shape == (4, 36, 16)
    assert swaying.windows.dtype == np.float32
    assert not swaying.windows[:, :, 0].any()
    assert swaying.windows[:, :, 1:].any(axis=(0, 1)).all()
    assert swaying.valid.all()
    assert swaying.boxes.shape == (4, 4)
    assert swaying.landmarks.shape == (4, 68, 2)
    assert swaying.frames.tolist() == list(range(40))
    assert swaying.warnings == ()
    assert swaying.regions[16:] == ("LID_L", "LID_R")


@pytest.mark.parametrize(
    ("frames", "window", "count", "stitched"), [(1003, 50, 39, 1000), (1003, 30, 65, 990)]
)
def test_windows_of_the_specification(frames, window, count, stitched):
    """Check 5."""
    video = open_video(np.zeros((frames, 8, 8), np.uint8), rate=30)
    chosen = plan(video, Timing(window, window // 2, 1, 30.0), "as_published")
    assert (chosen.count, chosen.used) == (count, stitched)
    clean = plan(video, Timing(window, window // 2, 1, 30.0), "clean")
    # one window more, so that the last frames are analyzed too
    assert (clean.count, clean.real) == (count + 1, frames)
    assert clean.frames[clean.real :].tolist() == [frames - 1] * clean.padded


@pytest.mark.parametrize("mode", ["clean", "as_published"])
def test_the_fast_path_equals_the_plain_one(mode, monkeypatch):
    video = open_video(film(24, sway=6), rate=30)
    fast = extract(video, timing=SHORT, mode=mode)
    monkeypatch.setattr(roi_flow, "window_flow", plain_window_flow)
    plain = extract(video, timing=SHORT, mode=mode, jobs=1)
    # Patches with a pyramid (a tall mouth) differ by a few 1e-5 px, all others by rounding.
    np.testing.assert_allclose(fast.windows, plain.windows, rtol=1e-5, atol=1e-4)
    np.testing.assert_array_equal(fast.boxes, plain.boxes)


def test_five_regions_equal_their_entries_of_the_eighteen():
    """Check 19; the head taken for what the nose does: five regions cannot tell the rest."""
    video = open_video(film(40), rate=30)
    every = extract(video, timing=SHORT, head="nose")
    five = extract(video, timing=SHORT, regions=REGIONS_5)
    channels = [2 * i + axis for i in (0, 4, 8, 14, 15) for axis in (0, 1)]
    np.testing.assert_array_equal(five.windows, every.windows[:, channels])


def test_head_motion_is_removed():
    """Of up to 30 px (in the crop) of wandering next to nothing is left."""
    still = extract(open_video(film(40, sway=5), rate=30), timing=SHORT)
    assert np.abs(still.windows).mean() < 0.5


def test_still_picture_has_no_motion():
    still = extract(open_video(np.repeat(portrait()[None], 24, 0), rate=30), timing=SHORT)
    assert np.abs(still.windows).max() < 0.05


def test_modes_differ_and_are_named(swaying):
    published = extract(open_video(film(40), rate=30), timing=SHORT, mode="as_published")
    assert (published.mode, swaying.mode) == ("as_published", "clean")
    assert published.windows.shape == swaying.windows.shape
    assert published.valid.all()


def test_no_face_at_all():
    """A result and a warning, no exception."""
    result = extract(open_video(empty(24), rate=30), timing=SHORT)
    assert not result.valid.any()
    assert not result.windows.any()
    assert np.isnan(result.boxes).all()
    assert "no face was found" in result.warnings[0]


def test_no_face_at_all_as_published():
    result = extract(open_video(empty(24), rate=30), timing=SHORT, mode="as_published")
    assert not result.valid.any()
    assert not result.windows.any()


def test_face_in_the_first_half_only():
    """Nothing is invented after the face has gone."""
    video = open_video(np.concatenate([film(36), empty(36)]), rate=30)
    result = extract(video, timing=SHORT)
    seen = measured(result)
    assert seen[:32].all()
    assert not seen[36:].any()
    assert not result.windows[5:].any()
    assert any("no face could be measured in frames" in line for line in result.warnings)


def test_face_that_comes_back():
    """The gap stays a gap."""
    video = open_video(np.concatenate([film(32), empty(32), film(40)]), rate=30)
    seen = measured(extract(video, timing=SHORT))
    assert seen[:30].all()
    assert not seen[32:64].any()
    assert seen[72:].all()


def test_a_missed_look_is_bridged(monkeypatch):
    """A detector that fails in one frame does not cost a window."""

    class Blinking:
        def __init__(self):
            self.finder, self.calls = default_finder(), 0

        def find(self, grey):
            return [] if grey[0, 0] == 3 else self.finder.find(grey)

        def landmarks(self, grey, box):
            return self.finder.landmarks(grey, box)

    frames = film(40, noise=0)
    frames[16, :30, :30] = 3
    monkeypatch.setattr("mescope.face.detector.MARGIN", 5.0)  # the mark is seen in every search
    result = extract(open_video(frames, rate=30), timing=SHORT, finder=Blinking())
    assert result.valid.all()


def test_scene_cut_ends_the_window():
    """No motion is measured across a cut."""
    other = film(28)[:, :, ::-1]
    other = np.ascontiguousarray(255 - np.roll(other, 30, axis=1))
    other[:, 60:200, 60:200] = film(28)[:, 60:200, 60:200][:, ::-1, :]
    video = open_video(np.concatenate([film(20), other]), rate=30)
    result = extract(video, timing=SHORT)
    # Window 1 starts at 8, the cut is at 20; the last look that found the face was at 18.
    assert result.valid[1, :11].all()
    assert not result.valid[1, 12:].any()
    assert not result.windows[1, :, 12:].any()
    assert any("scene cuts at frames 20" in line for line in result.warnings)


def test_exposure_step_is_no_cut():
    """A change of light does not end a scene."""
    frames = film(32)
    frames[20:] = np.clip(frames[20:].astype(int) + 25, 0, 255)
    result = extract(open_video(frames, rate=30), timing=SHORT)
    assert result.valid.all()


class Holes:
    """A recording some of whose frames do not decode."""

    def __init__(self, video, missing):
        self.video, self.missing = video, set(missing)

    def __getattr__(self, name):
        return getattr(self.video, name)

    def __len__(self):
        return len(self.video)

    def frames(self, **options):
        for index, image in self.video.frames(**options):
            if index not in self.missing:
                yield index, image

    def read(self, indices, **options):
        return self.video.read([i for i in indices if i not in self.missing], **options)


def test_missing_frames_are_zero_and_marked():
    video = Holes(open_video(film(40), rate=30), [8, 13, 14])
    result = extract(video, timing=SHORT)
    gone = np.zeros((4, 16), bool)
    for j in range(4):
        for frame in (8, 13, 14):
            gone[j, [i for i in range(16) if j * 8 + i == frame]] = True
    np.testing.assert_array_equal(result.valid, ~gone)
    assert not result.windows.transpose(0, 2, 1)[gone].any()
    assert result.parameters["missing_frames"] == 3
    whole = extract(open_video(film(40), rate=30), timing=SHORT)
    np.testing.assert_array_equal(result.windows[0, :, 15], whole.windows[0, :, 15])


def test_missing_frames_as_published_are_copies_of_the_next():
    video = Holes(open_video(film(24), rate=30), [5])
    result = extract(video, timing=SHORT, mode="as_published")
    np.testing.assert_array_equal(result.windows[0, :, 5], result.windows[0, :, 6])


def test_nonsense_flow_is_dropped_and_counted(monkeypatch):

    def broken(frames, reference, face, regions, **options):
        return plain_window_flow(frames, reference, face, regions, **options)

    def nonsense(first, second):
        flow = np.zeros((*first.shape, 2), np.float32)
        if first.shape[0] < 30:
            flow[:] = np.nan
        elif first.shape[1] > 120:
            flow[:] = 1e6
        return flow

    monkeypatch.setattr("mescope.motion.roi_flow_plain.farneback", nonsense)
    monkeypatch.setattr(roi_flow, "window_flow", broken)
    result = extract(open_video(film(16), rate=30), timing=SHORT)
    assert np.isfinite(result.windows).all()
    assert np.abs(result.windows).max() <= MAX_FLOW
    assert result.parameters["dropped_vectors"] > 0
    assert any("impossibly large" in line for line in result.warnings)


def test_rates():
    assert timing(30) == Timing(50, 25, 1, 30.0)
    assert (timing(200).window, timing(200).hop, timing(200).step) == (30, 15, 7)
    assert [timing(r).step for r in (15, 25, 50, 60, 100, 120, 240)] == [1, 1, 2, 2, 3, 4, 8]
    assert all(timing(r).window == 50 for r in (15, 25, 60, 120))
    with pytest.raises(VideoError):
        timing(0)
    with pytest.raises(VideoError, match="even"):
        Timing(25, 12, 1, 30.0)


def test_decimation_keeps_native_frame_numbers():
    result = extract(open_video(film(60), rate=60), timing=Timing(16, 8, 3, 20.0))
    assert result.frames[:20].tolist() == list(range(0, 60, 3))
    assert result.frames[20:].tolist() == [57] * result.padded  # the last window is filled up
    np.testing.assert_allclose(result.times[:20], np.arange(0, 60, 3) / 60, atol=1e-9)
    assert any("few" in line for line in result.warnings)


def test_short_recordings():
    """Shorter than a window: one smaller window, or a refusal that says what is needed."""
    result = extract(open_video(film(21), rate=30))
    assert result.windows.shape == (2, 36, 20)
    assert "short" in " ".join(result.warnings)
    with pytest.raises(VideoError, match="at least 16 frames"):
        extract(open_video(film(9), rate=30))
    with pytest.raises(VideoError, match="1 frame was found"):
        extract(open_video(film(1), rate=30))
    with pytest.raises(VideoError, match="at least 50 frames"):
        extract(open_video(film(21), rate=30), mode="as_published")
    fast = open_video(np.zeros((140, 8, 8), np.uint8), rate=200)
    assert "windows of 20 frames instead of 30" in plan(fast, None, "clean").warnings[-1]
    for end in (0.5, 0.3):
        with pytest.raises(VideoError, match="choose a longer part"):
            plan(open_video(film(21), rate=30, start=0.3, end=end), None, "clean")


def test_variable_rate_takes_the_nearest_frames():
    class Uneven:
        rate, first_frame, last_frame = 30.0, 0, 119
        times = np.sort(np.random.default_rng(0).uniform(0, 4, 120))

        def __len__(self):
            return len(self.times)

    video = Uneven()
    chosen = plan(video, None, "clean")
    ticks = video.times[0] + np.arange(len(chosen.frames)) / 30
    nearest = np.abs(video.times[None] - ticks[:, None]).argmin(axis=1)
    np.testing.assert_array_equal(chosen.frames[: chosen.real], nearest[: chosen.real])
    assert np.all(np.abs(chosen.times - ticks)[chosen.near] <= 1 / 30)
    assert "varies" in chosen.warnings[0]


def test_a_time_range_keeps_frame_numbers():
    part = extract(open_video(film(90), rate=30, start=1.0, end=2.3), timing=SHORT)
    assert not any("missing" in line for line in part.warnings)
    assert part.frames[0] == 30
    assert part.frames[-1] in (68, 69)
    assert part.times[0] == pytest.approx(1.0)
    same = extract(open_video(film(90)[30 : part.frames[-1] + 1], rate=30), timing=SHORT)
    np.testing.assert_array_equal(part.windows, same.windows)


def test_progress_counts_up():
    calls = []
    extract(
        open_video(film(40), rate=30), timing=SHORT, progress=lambda *done: calls.append(done)
    )
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.data
@pytest.mark.skipif(not DATA.exists(), reason="../shared/data/single_face.mp4 is absent")
def test_a_real_face():
    result = extract(open_video(DATA))
    assert result.windows.shape == (2, 36, 50)
    assert result.valid[0].all()
    assert result.padded == 3
    assert result.valid[1].tolist() == [True] * 47 + [False] * 3
    assert result.decode["complete"]
    assert result.decode["decoded"] == 72
    assert 0.1 < np.abs(result.windows).mean() < 5


def test_thin_windows_measure_what_they_share_once():
    """The younger window joins every second frame by lines; all else is as in full."""
    video = open_video(film(50), rate=30)
    full, thin = (
        extract(video, timing=SHORT, head="nose", overlap=how) for how in ("full", "thin")
    )
    measured_too = [0, 2, 4, 6, *range(8, 16)]
    np.testing.assert_array_equal(thin.windows[0], full.windows[0])
    np.testing.assert_array_equal(
        thin.windows[:, :, measured_too], full.windows[:, :, measured_too]
    )
    middle = (thin.windows[1:-1, :, 2] + thin.windows[1:-1, :, 4]) / 2
    assert np.abs(full.windows[1:-1, :, 3] - middle).max() > 0.02
    np.testing.assert_allclose(thin.windows[1:-1, :, 3], middle, atol=1e-6)
    assert full.parameters.get("overlap") is None
    assert thin.parameters["overlap"] == "thin"
    np.testing.assert_array_equal(thin.valid, full.valid)


def test_thin_windows_measure_all_where_the_older_one_saw_another_scene():
    other = np.ascontiguousarray(film(28, seed=3)[:, :, ::-1])
    other[:, :60] = 255 - other[:, :60]
    video = open_video(np.concatenate([film(24), np.roll(other, 60, axis=2)]), rate=30)
    full, thin = (extract(video, timing=SHORT, overlap=how) for how in ("full", "thin"))
    first = next(j for j in range(2, 5) if full.valid[j, 1] and not full.valid[j - 1, 8:].all())
    np.testing.assert_array_equal(thin.windows[first], full.windows[first])


def test_as_published_windows_are_never_thin():
    video = open_video(film(40), rate=30)
    full, thin = (
        extract(video, timing=SHORT, mode="as_published", overlap=how)
        for how in ("full", "thin")
    )
    np.testing.assert_array_equal(thin.windows, full.windows)
    assert thin.parameters == full.parameters
