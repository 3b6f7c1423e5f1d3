"""Extraction as published: ME-TST's walk to a face, and the late reference of ME-TST+."""

from __future__ import annotations

import numpy as np
import pytest
from swaying_face import SHORT, empty, film

from mescope.face.detector import default_finder
from mescope.motion import roi_window
from mescope.motion.regions import REGIONS_18
from mescope.motion.roi_flow import extract
from mescope.motion.roi_flow_plain import plain_window_flow
from mescope.video.reading import open_video

PLUS = {"mode": "as_published", "roi_percent": "me-tst-plus", "reference": "late"}


def recording(frames):
    return open_video(frames, rate=30)


@pytest.fixture(scope="module")
def late():
    """Windows 0..15, 8..23, 16..31, 24..39; the face comes in frame 11."""
    frames = np.concatenate([empty(11), film(29)])
    return extract(recording(frames), timing=SHORT, **PLUS)


def test_nothing_moves_until_the_first_frame_with_a_face(late):
    assert not late.windows[0, :, :12].any()  # 11 is the reference
    assert late.windows[0, :, 12:].any(axis=0).all()
    assert not late.windows[1, :, : 11 - 8 + 1].any()
    assert late.windows[1, :, 11 - 8 + 1 :].any(axis=0).all()
    assert not late.windows[2:, :, 0].any()
    assert late.windows[2:, :, 1:].any(axis=1).all()
    assert late.windows.shape == (4, 36, 16)  # always k values
    assert late.parameters["reference"] == "late"
    assert late.parameters["regions"]["BROW_R_24"] == 0.3


def test_both_windows_that_begin_without_a_face_measure_from_the_same_frame(late):
    np.testing.assert_array_equal(late.windows[0, :, 12:], late.windows[1, :, 4:8])


def test_late_windows_are_what_the_reference_frame_alone_gives(late):
    """A window that begins at the reference measures the same."""
    frames = film(29)
    alone = extract(recording(frames), timing=SHORT, **PLUS)
    np.testing.assert_array_equal(alone.windows[0, :, 1:5], late.windows[0, :, 12:])


def test_me_tst_walks_to_another_frame_instead():
    frames = np.concatenate([empty(11), film(29)])
    walked = extract(recording(frames), timing=SHORT, mode="as_published")
    assert walked.windows[0, :, 1:].any()
    assert "reference" not in walked.parameters


def test_without_any_face_everything_is_zero():
    found = extract(recording(empty(24)), timing=SHORT, **PLUS)
    assert found.windows.shape == (2, 36, 16)
    assert not found.windows.any()
    assert not found.valid.any()
    assert "no face was found" in found.warnings[0]


class Counting:
    """A finder that counts the whole frames it is asked about."""

    def __init__(self):
        self.finder, self.whole = default_finder(), 0

    def find(self, grey):
        self.whole += grey.shape == (240, 240)
        return self.finder.find(grey)

    def landmarks(self, grey, box):
        return self.finder.landmarks(grey, box)


def test_a_face_is_never_looked_for_again():
    """It is there in the first frame only: later frames are compared with it all the same."""
    finder = Counting()
    frames = np.concatenate([film(1), empty(15)])
    found = extract(recording(frames), timing=SHORT, finder=finder, **PLUS)
    assert finder.whole == 1
    assert len(found.windows) == 1
    assert found.valid.all()
    finder.whole = 0
    extract(recording(empty(16)), timing=SHORT, finder=finder, **PLUS)
    assert finder.whole == 16  # without a face every frame of the window is asked


def test_clean_extraction_knows_no_late_reference():
    frames = film(24)
    usual = extract(recording(frames), timing=SHORT)
    asked = extract(recording(frames), timing=SHORT, reference="late")
    np.testing.assert_array_equal(usual.windows, asked.windows)
    assert usual.parameters == asked.parameters


@pytest.mark.parametrize("empty_box", ["inner", "outer"])
@pytest.mark.parametrize("worker", [roi_window.window_flow, plain_window_flow])
def test_an_empty_patch_gives_zero(empty_box, worker, monkeypatch):
    """Inner patch of a brow, and the whole strip below an eye; all others are as before."""
    from mescope.motion import roi_flow

    frames = film(16)
    before = extract(recording(frames), timing=SHORT, **PLUS)
    name = "BROW_L_19" if empty_box == "inner" else "LID_L"

    def place(landmarks, regions, **options):
        placed = []
        for region in real(landmarks, regions, **options):
            if region.name == name:
                box = region.inner._replace(right=region.inner.left)
                outer = region.outer if empty_box == "inner" else box
                region = region._replace(inner=box, outer=outer)
            placed.append(region)
        return tuple(placed)

    real = roi_window.place
    monkeypatch.setattr("mescope.motion.roi_window.place", place)
    monkeypatch.setattr("mescope.motion.roi_flow_plain.place", place)
    monkeypatch.setattr(roi_flow, "window_flow", worker)
    found = extract(recording(frames), timing=SHORT, **PLUS)
    at = [region.name for region in REGIONS_18].index(name)
    assert before.windows[:, 2 * at : 2 * at + 2].any()
    assert not found.windows[:, 2 * at : 2 * at + 2].any()
    others = np.delete(found.windows, [2 * at, 2 * at + 1], axis=1)
    np.testing.assert_allclose(
        others, np.delete(before.windows, [2 * at, 2 * at + 1], axis=1), atol=1e-4
    )


def test_a_second_run_reads_the_late_windows_from_the_cache(tmp_path):
    frames = np.concatenate([empty(11), film(29)])
    first = extract(recording(frames), timing=SHORT, cache=tmp_path, **PLUS)
    walked = extract(recording(frames), timing=SHORT, cache=tmp_path, mode="as_published",
                     roi_percent="me-tst-plus")  # fmt: skip
    again = extract(recording(frames), timing=SHORT, cache=tmp_path, **PLUS)
    np.testing.assert_array_equal(first.windows, again.windows)
    assert not np.array_equal(first.windows, walked.windows)
