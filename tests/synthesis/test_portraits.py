from __future__ import annotations

import cv2
import numpy as np
import pytest

from mescope.errors import FaceError, VideoError
from mescope.face.detector import default_finder
from mescope.synthesis.drawn import MEAN_PLAN, draw_traits
from mescope.synthesis.motion import MIRROR, inter_ocular
from mescope.synthesis.portraits import drawn_portrait, portrait_from, test_portraits


def test_mean_plan_is_symmetric_and_ordered_as_dlib():
    assert MEAN_PLAN.shape == (68, 2)
    mirrored = MEAN_PLAN[list(MIRROR)] * (-1, 1)
    np.testing.assert_allclose(mirrored, MEAN_PLAN, atol=1e-9)
    assert inter_ocular(MEAN_PLAN) == pytest.approx(1.0, abs=0.03)


def test_test_portraits_are_found_at_their_landmarks():
    faces = test_portraits()
    assert [p.name for p in faces] == ["grace-hopper", "astronaut"]
    for portrait in faces:
        assert portrait.size == (640, 360)
        assert not portrait.drawn
        assert 180 <= np.ptp(portrait.landmarks[:17, 0]) <= 220
        assert abs(portrait.landmarks[:, 0].mean() - 320) < 30
        (found,) = default_finder().find(cv2.cvtColor(portrait.image, cv2.COLOR_RGB2GRAY))
        gap = np.linalg.norm(found.landmarks - portrait.landmarks, axis=1)
        assert gap[17:].mean() < 0.06 * inter_ocular(portrait.landmarks)


def test_drawn_faces_are_found_by_the_detector():
    """At least 80 % of identities; their drawn landmarks are near the detected ones."""
    gaps = []
    for seed in range(100, 116):
        portrait = drawn_portrait(seed)
        grey = cv2.cvtColor(portrait.image, cv2.COLOR_RGB2GRAY)
        faces = default_finder().find(grey)
        if len(faces) == 1:
            gap = np.linalg.norm(faces[0].landmarks - portrait.landmarks, axis=1)
            gaps.append(gap / inter_ocular(portrait.landmarks))
    assert len(gaps) >= 0.8 * 16
    mean = np.mean(gaps, axis=0)
    assert mean[17:].mean() < 0.09
    assert mean[36:].mean() < 0.07


def test_a_drawn_identity_is_its_seed():
    one, same, other = drawn_portrait(4), drawn_portrait(4), drawn_portrait(5)
    np.testing.assert_array_equal(one.image, same.image)
    np.testing.assert_array_equal(one.landmarks, same.landmarks)
    assert not np.array_equal(one.image, other.image)
    assert np.abs(one.landmarks - other.landmarks).max() > 2
    assert one.drawn
    assert one.name == "drawn-00004"


def test_drawn_identities_differ_in_every_trait():
    traits = [draw_traits(seed) for seed in range(40)]
    for name in ("skin", "hair", "iris", "backdrop", "cloth", "light"):
        spread = np.std([getattr(t, name) for t in traits], axis=0)
        assert (spread > 0).any(), name
    ratios = [np.ptp(t.plan[48:60, 0]) / np.ptp(t.plan[:17, 0]) for t in traits]
    assert np.std(ratios) > 0.01


def test_drawn_skin_has_texture_for_optical_flow():
    """Cheeks and forehead are not flat, as they are not in photographs."""
    for seed in range(4):
        portrait = drawn_portrait(seed)
        grey = cv2.cvtColor(portrait.image, cv2.COLOR_RGB2GRAY).astype(np.float32)
        detail = grey - cv2.GaussianBlur(grey, (0, 0), 4)
        x, y = portrait.landmarks[[2, 31]].mean(axis=0).round().astype(int)
        assert 0.5 < detail[y - 12 : y + 12, x - 12 : x + 12].std() < 12


def test_landmarks_scale_with_the_picture():
    small, large = drawn_portrait(4, (320, 180)), drawn_portrait(4, (1280, 720))
    np.testing.assert_allclose(small.landmarks * 4, large.landmarks, rtol=0.01)


def test_portrait_from_file(tmp_path):
    drawn = drawn_portrait(101, (960, 540))
    path = tmp_path / "gesicht-ä.png"
    ok, data = cv2.imencode(".png", drawn.image[:, :, ::-1])
    assert ok
    path.write_bytes(data.tobytes())
    portrait = portrait_from(path)
    assert portrait.name == "gesicht-ä"
    assert portrait.size == (640, 360)
    assert np.ptp(portrait.landmarks[:17, 0]) == pytest.approx(200, abs=1)
    (found,) = default_finder().find(cv2.cvtColor(portrait.image, cv2.COLOR_RGB2GRAY))
    gap = np.linalg.norm(found.landmarks - portrait.landmarks, axis=1)
    assert gap[17:].mean() < 4


def test_bad_photos_are_refused(tmp_path):
    with pytest.raises(VideoError, match="no file"):
        portrait_from(tmp_path / "missing.jpg")
    (tmp_path / "text.jpg").write_text("hello")
    with pytest.raises(VideoError, match="not a picture"):
        portrait_from(tmp_path / "text.jpg")
    (tmp_path / "empty.jpg").write_bytes(b"")
    with pytest.raises(VideoError, match="not a picture"):
        portrait_from(tmp_path / "empty.jpg")
    with pytest.raises(FaceError, match="no face"):
        portrait_from(np.full((200, 200, 3), 128, np.uint8))
