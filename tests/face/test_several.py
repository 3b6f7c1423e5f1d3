"""Every face has a tracker of its own; stretches are joined where they are plainly one face."""

from __future__ import annotations

import numpy as np
import pytest

from mescope.errors import FaceError
from mescope.face.box import Box
from mescope.face.detector import Face
from mescope.face.people import FaceAnswers, face_name, names_of, people
from mescope.face.several import MISSES, MOST_FACES, FaceRow
from mescope.face.stretches import LaneLooks, difference, shape_of, stretches

GREY = np.zeros((480, 640), np.uint8)
LOOKS = 20
CALM = np.zeros(LOOKS, int)
FRAMES = np.arange(LOOKS) * 25


class Shown:
    """A finder that sees what the test puts there: boxes in px of the picture."""

    def __init__(self, *boxes):
        self.boxes = list(boxes)
        self.searches = 0

    def find(self, grey):
        """Faces of the whole picture, or of a part of it that a tracker cut out."""
        self.searches += grey.shape == GREY.shape
        if grey.shape != GREY.shape:
            return []  # near the last place nothing is found: the whole picture decides
        return [Face(box, np.zeros((68, 2), np.float32), 1.0) for box in self.boxes]

    def landmarks(self, grey, box):
        return np.full((68, 2), box.left, np.float32)


def box(x, y=100, width=80):
    return Box(x, y, x + width, y + width)


def looked(row, index):
    row.look(index, GREY, enlarged=False)
    return [None if one.last is None else one.last.left for one in row.trackers]


def test_each_face_has_its_own_tracker_and_keeps_it():
    finder = Shown(box(400), box(100))
    row = FaceRow(finder)
    assert looked(row, 0) == [100, 400]  # of one size: from left to right
    finder.boxes = [box(120), box(390)]
    assert looked(row, 25) == [120, 390]
    assert [one.begun for one in row.trackers] == [[0], [0]]


def test_a_picture_is_searched_once_for_all():
    finder = Shown(box(100), box(300), box(500))
    row = FaceRow(finder)
    looked(row, 0)
    before = finder.searches
    looked(row, 25)
    assert finder.searches == before + 1


def test_who_leaves_frees_a_tracker_and_nobody_takes_the_others_face():
    finder = Shown(box(100), box(400))
    row = FaceRow(finder)
    looked(row, 0)
    finder.boxes = [box(100)]
    for look in range(1, MISSES + 1):
        found = looked(row, 25 * look)
    assert found == [100, None]
    finder.boxes = [box(100), box(520)]
    assert looked(row, 200) == [100, 520]
    assert row.trackers[1].begun == [0, 200]


def test_coming_and_going_needs_no_more_trackers():
    """A hundred faces one after the other take two trackers: memory does not grow."""
    finder = Shown()
    row = FaceRow(finder)
    for k in range(100):
        finder.boxes = [box(40 + (k % 5) * 110)]
        for step in range(MISSES):
            looked(row, 100 * k + 25 * step)
    assert len(row.trackers) <= 2


def test_of_twenty_faces_the_largest_are_followed_and_the_others_counted():
    boxes = [box(10 + 60 * (k % 10), 20 + 200 * (k // 10), 30 + k) for k in range(20)]
    row = FaceRow(Shown(*boxes))
    row.look(0, GREY, enlarged=False)
    assert len(row.trackers) == MOST_FACES
    assert row.left_out == 20 - MOST_FACES
    assert min(one.last.width for one in row.trackers) == 30 + 20 - MOST_FACES


def test_a_row_goes_on_from_its_state():
    finder = Shown(box(100), box(400))
    row = FaceRow(finder)
    looked(row, 0)
    other = FaceRow(finder)
    other.restore(row.state())
    assert other.state() == row.state()
    finder.boxes = [box(130), box(390)]
    assert looked(other, 25) == looked(row, 25)


# -- stretches and people ------------------------------------------------------------------


def person(seed):
    """Landmarks of somebody, 100 px wide; those of two seeds differ by about 0.1."""
    plain = np.stack([np.tile(np.arange(17), 4), np.repeat(np.arange(4), 17)], axis=1) * 6.0
    return plain + np.random.default_rng(seed).normal(0, 3.0, (68, 2))


def lane(*parts, cuts=(), begun=()):
    """Looks of parts (first, last, landmarks, x from, x to), a little jitter on each."""
    rng = np.random.default_rng(7)
    marks = np.full((LOOKS, 68, 2), np.nan)
    for first, last, face, start, stop in parts:
        for k, look in enumerate(range(first, last + 1)):
            x = start + (stop - start) * k / max(1, last - first)
            marks[look] = face + np.array([x, 50]) + rng.normal(0, 0.3, (68, 2))
    scene = np.cumsum([look in cuts for look in range(LOOKS)])
    return LaneLooks(landmarks=marks, scene=scene, begun=frozenset(begun))


def who(*lanes, scene=CALM, answers=None):
    found = stretches(lanes, FRAMES, answers.cuts if answers else ())
    return people(found, scene, answers)


def told(found):
    return [[one.id for one in face] for face in found.faces]


ANN, BEN = person(1), person(2)


def test_two_people_differ_and_one_does_not():
    assert difference(shape_of(ANN), shape_of(BEN)) > 0.09
    turned = ANN @ np.array([[0.9, 0.3], [-0.3, 0.9]]) * 1.4 + (300, 20)
    assert difference(shape_of(ANN), shape_of(turned)) < 1e-6


def test_gone_and_back_again_is_the_same_face():
    found = who(lane((0, 5, ANN, 0, 0), (12, 19, ANN, 10, 10), begun=(0, 12)),
                lane((0, 19, BEN, 300, 300), begun=(0,)))  # fmt: skip
    assert told(found) == [["0-0", "300-0"], ["0-1"]]
    assert (found.doubts, names_of(found.faces, None)) == ((), ["face 1", "face 2"])


def test_another_person_in_the_same_chair_is_another_face():
    found = who(lane((0, 5, ANN, 0, 0), (12, 19, BEN, 0, 0), begun=(0, 12)))
    assert told(found) == [["0-0"], ["300-0"]]


def test_swapped_sides_after_a_cut():
    """The lanes go by place, the faces by shape."""
    cut = np.repeat([0, 1], LOOKS // 2)
    left = lane((0, 9, ANN, 0, 0), (10, 19, BEN, 0, 0), cuts=(10,), begun=(0, 10))
    right = lane((0, 9, BEN, 300, 300), (10, 19, ANN, 300, 300), cuts=(10,), begun=(0, 10))
    assert told(who(left, right, scene=cut)) == [["0-0", "250-1"], ["0-1", "250-0"]]


def test_two_who_cross_are_told_apart_by_shape():
    """Where they touch, a tracker may go on with the other's face."""
    one = lane((0, 9, ANN, 0, 180), (10, 19, BEN, 200, 0), begun=(0,))
    other = lane((0, 9, BEN, 380, 200), (10, 19, ANN, 180, 380), begun=(0,))
    faces = told(who(one, other))
    assert len(faces) == 2
    where = {ids: k for k, face in enumerate(faces) for ids in face}
    late = [s for s in stretches([one, other], FRAMES) if s.first > 10]
    assert late
    for stretch in late:
        assert where[stretch.id] == (1 if stretch.lane == 0 else 0)


def alike(share):
    return ANN + share * (BEN - ANN)


def test_what_is_not_plain_is_asked():
    """After a cut, elsewhere, and of a shape that is neither: two faces and one question."""
    cut = np.repeat([0, 1], LOOKS // 2)
    middle = next(
        face for share in np.linspace(0, 1, 60)
        if difference(shape_of(ANN), shape_of(face := alike(share))) > 0.06
    )  # fmt: skip
    track = lane((0, 9, ANN, 0, 0), (10, 19, middle, 250, 250), cuts=(10,), begun=(0, 10))
    found = who(track, scene=cut)
    assert told(found) == [["0-0"], ["250-0"]]
    (doubt,) = found.doubts
    assert (doubt.earlier, doubt.later) == ("0-0", "250-0")
    assert 0.05 < doubt.shape < 0.08
    same = FaceAnswers(same=(("0-0", "250-0"),))
    assert told(who(track, scene=cut, answers=same)) == [["0-0", "250-0"]]
    assert who(track, scene=cut, answers=same).doubts == ()
    apart = FaceAnswers(apart=(("0-0", "250-0"),))
    assert told(who(track, scene=cut, answers=apart)) == [["0-0"], ["250-0"]]
    assert who(track, scene=cut, answers=apart).doubts == ()


def test_a_person_splits_and_cuts():
    track = lane((0, 5, ANN, 0, 0), (12, 19, ANN, 0, 0), begun=(0, 12))
    assert told(who(track)) == [["0-0", "300-0"]]
    split = FaceAnswers(apart=(("300-0", "0-0"),))
    assert told(who(track, answers=split)) == [["0-0"], ["300-0"]]
    cut = FaceAnswers(cuts=(("300-0", 376),), apart=(("300-0", "400-0"),))
    assert told(who(track, answers=cut)) == [["0-0", "300-0"], ["400-0"]]
    beyond = FaceAnswers(cuts=(("300-0", 9999), ("nobody", 5)))
    assert told(who(track, answers=beyond)) == [["0-0", "300-0"]]


def test_what_cannot_be_one_person_stays_two():
    one, other = lane((0, 19, ANN, 0, 0)), lane((0, 19, BEN, 300, 300))
    found = who(one, other, answers=FaceAnswers(same=(("0-0", "0-1"), ("0-0", "gone-3"))))
    assert told(found) == [["0-0"], ["0-1"]]
    assert "same time" in found.warnings[0]
    assert "no such stretch" in found.warnings[1]


def test_names():
    found = who(lane((0, 19, ANN, 0, 0)), lane((0, 19, BEN, 300, 300)))
    assert names_of(found.faces, FaceAnswers(names={"0-1": "Ben"})) == ["face 1", "Ben"]
    both = FaceAnswers(names={"0-0": "face 2", "0-1": "face 2"})
    assert names_of(found.faces, both) == ["face 2", "face 2 (2)"]


@pytest.mark.parametrize("text", ["", "  ", "a#b", "x@y", "a\0b", "n" * 41])
def test_names_that_files_cannot_hold(text):
    with pytest.raises(FaceError, match="expected a name for a face"):
        face_name(text)


def test_answers_as_json():
    said = FaceAnswers(
        same=(("a", "b"),), apart=(("c", "d"),), cuts=(("a", 7),), names={"a": "Ann"}
    )
    assert FaceAnswers.from_json(said.to_json()) == said
    for odd in ({"same": [1]}, {"cuts": [["a", "x"]]}, {"names": 5}, {"names": {"a": "#"}}):
        with pytest.raises(FaceError):
            FaceAnswers.from_json(odd)


def test_no_face():
    empty = LaneLooks(landmarks=np.full((LOOKS, 68, 2), np.nan), scene=CALM)
    assert told(who(empty)) == told(who()) == []
