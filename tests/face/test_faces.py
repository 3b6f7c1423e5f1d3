"""Faces in the two public-domain portraits, and where there are none."""

import importlib.util

import cv2
import matplotlib.cbook
import numpy as np
import pytest
import skimage.data

from mescope.errors import FaceError
from mescope.face import detector as faces
from mescope.face.box import Box
from mescope.face.detector import Face, FaceTracker, default_finder


def hopper():
    path = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    return cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)


def astronaut():
    return cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2GRAY)


def on_grey(picture, width=640, height=360, left=0):
    canvas = np.full((height, width), 90, np.uint8)
    part = picture[:height, : width - left]
    canvas[: part.shape[0], left : left + part.shape[1]] = part
    return canvas


def small(picture, size):
    return cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize("picture", [hopper, astronaut])
@pytest.mark.parametrize("scale", [0.5, 1, 4])
def test_finds_the_face_at_every_size(picture, scale):
    """From a face of 45 px to a picture of more than 4K; landmarks scale with the picture."""
    image = cv2.resize(picture(), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    tracker = FaceTracker(default_finder())
    first = tracker.see(0, image)
    again = tracker.see(1, image)  # the search around the last place
    reference = FaceTracker(default_finder()).see(0, picture())
    eyes = np.linalg.norm(reference.landmarks[36] - reference.landmarks[45])
    for found in (first, again):
        off = np.abs(found.landmarks / scale - reference.landmarks)
        assert np.median(off) < 0.05 * eyes
    assert tracker.warnings == []


def test_no_face_is_nothing():
    noise = np.random.default_rng(0).integers(0, 255, (360, 640), np.uint8)
    tracker = FaceTracker(default_finder())
    assert tracker.see(0, noise) is None
    assert tracker.see(1, np.zeros((360, 640), np.uint8)) is None
    assert tracker.see(2, np.zeros((40, 30), np.uint8)) is None


def two_faces():
    canvas = on_grey(small(astronaut()[40:240, 120:320], 200), left=20)
    canvas[30:330, 300:600] = small(hopper()[60:460, 60:460], 300)
    return canvas


@pytest.mark.parametrize(("choice", "side"), [("largest", 1), (0, 0), (1, 1), ("central", 1)])
def test_chooses_one_of_two_faces_and_says_so(choice, side):
    tracker = FaceTracker(default_finder(), choice)
    found = tracker.see(7, two_faces())
    assert (found.box.left > 280) == bool(side)
    assert len(tracker.warnings) == 1
    assert "2 faces in frame 7" in tracker.warnings[0]


def test_a_number_beyond_the_faces_is_told_once_and_follows_nobody():
    tracker = FaceTracker(default_finder(), 5)
    assert [tracker.see(frame, two_faces()) for frame in (7, 8)] == [None, None]
    (said,) = tracker.warnings
    assert said.startswith("there is no face number 5 from the left where 2 are seen")


def test_stays_with_its_face_when_a_larger_one_comes():
    """Identities do not swap."""
    canvas = two_faces()
    alone = canvas.copy()
    alone[:, 280:] = 90
    tracker = FaceTracker(default_finder())
    first = tracker.see(0, alone)
    second = tracker.see(1, canvas, whole=True)
    assert abs(first.box.left - second.box.left) < 30


def test_another_place_is_flagged():
    """One leaves, another enters."""
    canvas = two_faces()
    left, right = canvas.copy(), canvas.copy()
    left[:, 280:] = 90
    right[:, :280] = 90
    tracker = FaceTracker(default_finder())
    assert tracker.see(0, left) is not None
    assert tracker.see(1, right) is not None
    assert "may be another person" in tracker.warnings[0]


def two_shot(*, participant=True, interviewer=True, at=(400, 400)):
    """Full HD: a face of about 150 px, and one of about 300 px at 1450, 500."""
    canvas = np.full((1080, 1920), 90, np.uint8)
    for wanted, picture, width, (x, y) in (
        (participant, astronaut()[20:250, 110:340], 150, at),
        (interviewer, hopper()[40:420, 60:440], 300, (1450, 500)),
    ):
        if wanted:
            side = round(width * len(picture) / default_finder().find(picture)[0].box.width)
            top, left = y - side // 2, x - side // 2
            canvas[top : top + side, left : left + side] = small(picture, side)
    return canvas


@pytest.mark.parametrize(
    ("choice", "left"),
    [((400, 400), True), (0, True), (1, False), ((1450, 500), False), ("largest", False)],
)
def test_a_small_face_beside_a_large_one_can_be_chosen(choice, left):
    """At 640 px only the large one is found."""
    picture = two_shot()
    assert len(FaceTracker(default_finder()).search(picture)) == 1
    found = FaceTracker(default_finder(), choice).see(0, picture)
    assert (found.box.left < 960) == left
    looked_ahead = FaceTracker(default_finder(), choice).see(0, picture, thorough=False)
    assert (looked_ahead is None) if choice == 1 else (looked_ahead.box == found.box)


def test_the_middle_of_the_picture_may_be_a_small_face():
    picture = two_shot(at=(955, 545))
    assert len(FaceTracker(default_finder()).search(picture)) == 1
    found = FaceTracker(default_finder(), "central").see(0, picture)
    assert found.box.holds(955, 545)


def test_who_is_followed_stays_when_somebody_larger_enters():
    """A whole search of the second picture finds the one who enters only."""
    tracker = FaceTracker(default_finder())
    first = tracker.see(0, two_shot(interviewer=False))
    second = tracker.see(1, two_shot(), whole=True)
    assert abs(first.box.left - second.box.left) < 30
    assert tracker.warnings == []
    third = tracker.see(2, two_shot(participant=False), whole=True)  # then the first one leaves
    assert third.box.left > 960
    assert "may be another person" in tracker.warnings[0]


@pytest.mark.parametrize("choice", ["largest", "central", (320, 180)])
def test_one_large_face_is_searched_for_once(choice, monkeypatch):
    tracker, searched = FaceTracker(default_finder(), choice), []
    search = tracker.search
    monkeypatch.setattr(
        tracker, "search", lambda grey, **how: searched.append(how) or search(grey, **how)
    )
    picture = on_grey(small(hopper()[60:460, 60:460], 300), left=170)
    assert tracker.see(0, picture) is not None
    assert tracker.see(1, picture, whole=True) is not None
    assert searched == [{}, {}]


class OneFace:
    """A finder that sees a face wherever the image is bright."""

    def find(self, grey):
        if grey.mean() < 100:
            return []
        h, w = grey.shape
        box = Box(0, 0, w, h)
        return [Face(box, self.landmarks(grey, box), 1.0)]

    def landmarks(self, grey, box):
        return np.tile(np.float32([box.left, box.top]), (68, 1))


@pytest.mark.parametrize("choice", ["biggest", -1, 1.5])
def test_a_choice_that_means_nothing_is_refused(choice):
    with pytest.raises(FaceError, match="largest"):
        FaceTracker(OneFace(), choice)


def test_missing_landmark_model_is_said_in_one_line(tmp_path, monkeypatch):
    with pytest.raises(FaceError, match="missing; reinstall"):
        faces.DlibFinder(tmp_path / "none.dat")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FaceError, match="pip install"):
        faces.landmark_model()


def crops():
    """Square pictures of 320 px, some nearly all face, some with a small one or none."""
    for picture in (hopper(), astronaut()):
        face = default_finder().find(picture)[0].box
        for times in (1.2, 1.4, 1.9, 2.6):
            side, (x, y) = int(face.width * times), face_centre(face)
            top, left = max(0, y - side // 2), max(0, x - side // 2)
            yield cv2.resize(picture[top : top + side, left : left + side], (320, 320))
    yield np.zeros((320, 320), np.uint8)


def face_centre(box):
    return (box.left + box.right) // 2, (box.top + box.bottom) // 2


def test_the_largest_face_is_the_same_however_it_is_found():
    finder, quick = default_finder(), 0
    for crop in crops():
        wanted = max(finder.find(crop), key=lambda face: face.box.area, default=None)
        found = finder.find_largest(crop)
        assert (found is None) == (wanted is None)
        if wanted is not None:
            assert (found.box, found.score) == (wanted.box, wanted.score)
            np.testing.assert_array_equal(found.landmarks, wanted.landmarks)
        quick += bool(finder._large(crop))
    assert quick >= 4, "the quick way was hardly taken"


def test_boxes_without_landmarks_are_the_same_boxes():
    finder = default_finder()
    found = [(face.box, face.score) for face in finder.find_boxes(hopper())]
    assert found == [(face.box, face.score) for face in finder.find(hopper())]
    assert len(found) == 1
