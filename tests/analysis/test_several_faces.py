"""Planted expressions of several people are found on the right face.

One recording holds all scenes, so that faces are searched and measured once for all tests:
side by side; the right one away and back; a cut after which both sit on the other's side and
a third, small face is in the background, and somebody passes by for an instant.
"""

from __future__ import annotations

import numpy as np
import pytest
from several_people import FROWN, LENGTH, SMILE, WIDE, Person, recording

from mescope.analysis import load
from mescope.errors import FaceError
from mescope.face.people import FaceAnswers
from mescope.motion import lane_cache, lanes, several_faces
from mescope.motion.roi_flow_plain import WindowFlow
from mescope.motion.several_faces import extract_faces
from mescope.video.reading import open_video

ANN, BEN, DRAWN = 0, 1, 2
SIZE = (2 * WIDE, 340)
SMALL = 0.4  # the third face is 53 px wide

LEFT_SMILES, RIGHT_FROWNS, LEFT_FROWNS, SWAPPED_SMILE = 30, 80, 140, 260
PARTS = (
    (110, [Person(ANN, 0, acts={LEFT_SMILES: SMILE}), Person(BEN, WIDE, acts={80: FROWN})]),
    (75, [Person(ANN, 0, acts={30: FROWN})]),
    (35, [Person(ANN, 0), Person(BEN, WIDE)]),
    (90, [Person(BEN, 0), Person(ANN, WIDE, acts={40: SMILE}), Person(DRAWN, 250, 242, SMALL)]),
)


@pytest.fixture(scope="module")
def video():
    return recording(*PARTS, size=SIZE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def found(video, folder):
    return load(method="flow-peaks").analyze_faces(video, jobs=1, cache=folder)


def planted(first):
    return range(first, first + LENGTH)


def shown(face, first):
    """Say whether a detection or candidate of a face lies on a planted expression."""
    some = (*face.analysis.findings, *face.analysis.candidates)
    spans = [f.detection.interval for f in some if f.explained_by is None]
    return any(span.first < first + LENGTH and span.last >= first for span in spans)


def test_every_expression_is_on_its_face_and_on_no_other(found):
    ann, ben = found.faces[:2]
    for first in (LEFT_SMILES, LEFT_FROWNS, SWAPPED_SMILE):
        assert shown(ann, first), first
        assert not shown(ben, first), first
    assert shown(ben, RIGHT_FROWNS)
    assert not shown(ann, RIGHT_FROWNS)


def test_who_left_or_changed_sides_is_the_same(found):
    """Names go by the order of appearance, then from left to right."""
    assert [face.name for face in found][:2] == ["face 1", "face 2"]
    ann, ben = found.faces[:2]
    assert ann.stretches[0].box[0] < WIDE < ben.stretches[0].box[0]
    assert ann.stretches[-1].box[0] > WIDE > ben.stretches[-1].box[0]
    away = [gap for gap in ben.analysis.gaps if gap.interval.first in range(105, 140)]
    assert away


def test_a_small_face_in_the_background_is_a_third(found):
    assert len(found) == 3
    small = found.faces[2]
    assert small.stretches[0].first >= 220
    assert small.stretches[0].box[1] > 200
    assert small.picture is not None


def test_decoded_once_and_measured_once(video, folder, found, monkeypatch):
    """With all windows kept, another answer about the people needs no frame."""

    def refuse(*_):
        raise AssertionError("it was kept")

    monkeypatch.setattr(lanes.Lanes, "_run", refuse)
    ann, ben = found.faces[:2]
    answers = FaceAnswers(
        apart=((ben.stretches[0].id, ben.stretches[1].id),),
        names={ann.stretches[0].id: "Ann"},
    )
    again = extract_faces(video, jobs=1, cache=folder, answers=answers, overlap="thin")
    assert again.faces[0].name == "Ann"
    assert len(again.faces) == len(found) + 1


def plain_flow(images, reference, crop, regions, **_):
    """Stand for the flow of a window: every region moves as the picture is bright."""
    light = [0.0 if image is None else float(image.mean()) for image in images]
    return WindowFlow(np.tile(np.float32(light), (2 * len(regions), 1)), 0)


def test_a_run_that_was_stopped_goes_on(tmp_path, monkeypatch):
    """The numbers are those of an undisturbed run."""
    monkeypatch.setattr(lane_cache, "SEGMENT", 2)
    monkeypatch.setattr(several_faces, "window_flow", plain_flow)
    video = recording((60, [Person(BEN, WIDE)]), (90, [Person(ANN, 0), Person(BEN, WIDE)]))
    whole = extract_faces(video, jobs=1)

    def stop(done, total):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract_faces(video, jobs=1, cache=tmp_path, progress=stop)
    assert list(tmp_path.iterdir())
    rest = extract_faces(video, jobs=1, cache=tmp_path)
    assert len(whole.faces) == 2
    for one, other in zip(whole.faces, rest.faces, strict=True):
        assert one.name == other.name
        np.testing.assert_array_equal(one.flow.windows, other.flow.windows)
        np.testing.assert_array_equal(one.flow.valid, other.flow.valid)
        np.testing.assert_array_equal(one.flow.points, other.flow.points)


def test_nobody():
    """A recording without a face says so, as with one face."""
    blank = open_video(np.full((60, 120, 160), 90, np.uint8), rate=30)
    result = load(method="flow-peaks").analyze_faces(blank, cache=None, jobs=1)
    assert [face.name for face in result] == ["no face"]
    assert result.faces[0].stretches == ()
    assert "no face was found in the whole recording" in result.warnings
    assert len(result.interval_rows()) == 0


def test_a_face_for_an_instant_is_left_out_and_told():
    video = recording((25, []), (3, [Person(ANN, 0)]), (40, []))
    result = extract_faces(video, jobs=1)
    assert [face.name for face in result.faces] == ["no face"]
    assert any("seen for less than half a second" in line for line in result.warnings)


def test_weights_that_follow_one_face_are_refused(monkeypatch):
    from mescope.analysis import several

    with pytest.raises(FaceError, match="follow faces in clean mode"):
        several.check_clean({"mode": "as_published"})
    assert several_faces.ALL == "all"
