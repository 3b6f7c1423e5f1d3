"""Landmarks of other programs: tables in their own forms, read alike, used as they are."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from planted_landmarks import LANDMARKS
from swaying_face import SHORT, film

import mescope.face.following
from mescope.errors import FaceError
from mescope.face.detector import DlibFinder, FaceTracker, default_finder
from mescope.face.following import follower
from mescope.face.landmark_tables import read_landmarks
from mescope.face.mesh_points import MESH_POINTS, MESH_SIZES, from_mesh
from mescope.motion.roi_flow import extract
from mescope.spotting.face_events import find_events
from mescope.video.reading import open_video

FACE = np.array(LANDMARKS, np.float64)
FRAMES = 40


@pytest.fixture(scope="module")
def swaying():
    """A portrait that sways, and what dlib finds in every frame of it, (n, 68, 2) px."""
    pictures = film(FRAMES)
    video = open_video(pictures, rate=30)
    tracker = FaceTracker(default_finder())
    found = [tracker.see(i, grey).landmarks for i, grey in video.frames(grey=True)]
    return pictures, np.array(found, np.float64)


def write(path, head, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    return path


def named(form, count):
    return [form.format(axis=axis, i=i) for axis in "xy" for i in range(count)]


def openface(path, points, *, blind=(), late=False):
    """Frames from 1, blanks in the header, all x before all y, rows that failed."""
    blank = "" if late else " "  # older versions write blanks
    head = ["frame", *(blank + n for n in ("face_id", "timestamp", "confidence", "success"))]
    head += ["pose_Tx", *(blank + name for name in named("{axis}_{i}", 68))]
    rows = [
        [i + 1, 0, i / 30, 0.02 if i in blind else 0.98, 0 if i in blind else 1, 1.5,
         *one.T.ravel()]
        for i, one in enumerate(points)
    ]  # fmt: skip
    return write(path, head, rows)


def pyfeat(path, points):
    """Frames from 0, an unnamed index, emotions beside the points, frame last."""
    head = ["", "FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight", "FaceScore"]
    head += [*named("{axis}_{i}", 68), "happiness", "input", "frame"]
    rows = [
        [i, 1.0, 1.0, 9.0, 9.0, 0.99, *one.T.ravel(), 0.1, "a.mp4", i]
        for i, one in enumerate(points)
    ]
    return write(path, head, rows)


def mesh(path, points, size=None, form="{axis}_{i}", count=478):
    """Shares of width and height, one point after the other; the rest is far off."""
    whole = np.full((len(points), count, 2), 0.5)
    for place, some in enumerate(MESH_POINTS):
        for k, sign in zip(some, (1, -1) if len(some) == 2 else (0,), strict=True):
            whole[:, k] = (points[:, place] + sign * 0.25) / (size or (1, 1))
    names = [form.format(axis=axis, i=i) for i in range(count) for axis in "xy"]
    return write(path, ["frame", *names], [[i, *one.ravel()] for i, one in enumerate(whole)])


def forms(folder, points, size):
    """The same landmarks as five programs write them."""
    return [
        openface(folder / "a.csv", points),
        openface(folder / "b.csv", points, late=True),
        pyfeat(folder / "c.csv", points),
        mesh(folder / "d.csv", points, size),
        mesh(folder / "e.csv", points, form="landmark_{i}_{axis}", count=468),  # in px
    ]


def test_every_program_says_the_same_in_its_own_form(tmp_path):
    points = FACE + 0.1 * np.arange(4)[:, None, None]
    found = [read_landmarks(path) for path in forms(tmp_path, points, (320, 240))]
    assert [one.source for one in found] == [
        "OpenFace", "OpenFace", "py-feat", "a table of landmarks", "a table of landmarks"
    ]  # fmt: skip
    assert [one.shares for one in found] == [False, False, False, True, False]
    for one in (table.in_px(320, 240) for table in found):
        assert list(one.frames) == [0, 1, 2, 3]
        for frame, (marks,) in one.frames.items():
            np.testing.assert_allclose(marks, points[frame], atol=1e-3)


def test_points_in_space_are_not_taken_for_those_in_the_picture(tmp_path):
    """OpenFace writes mm as X_0, beside px as x_0."""
    names = [*named("{axis}_{i}", 68), *(f"{a}_{i}" for a in "XYZ" for i in range(68))]
    row = [1, 1, *FACE.T.ravel(), *np.linspace(-60, 600, 3 * 68)]
    (marks,) = read_landmarks(
        write(tmp_path / "a.csv", ["frame", "success", *names], [row])
    ).frames[0]
    np.testing.assert_allclose(marks, FACE, atol=1e-3)


def test_px_of_stored_pictures_are_scaled_to_those_with_square_pixels(tmp_path):
    stored, shares = (
        read_landmarks(path)
        for path in (
            openface(tmp_path / "a.csv", FACE[None]),
            mesh(tmp_path / "b.csv", FACE[None] * (768 / 720, 1), (768, 576)),
        )
    )
    for table in (stored, shares):
        (marks,) = table.in_px(768, 576, (720, 576)).frames[0]
        np.testing.assert_allclose(marks, FACE * (768 / 720, 1), atol=1e-3)


def test_flow_is_the_same_by_whichever_form_and_near_to_dlib(swaying, tmp_path):
    pictures, points = swaying
    height, width = pictures.shape[1:3]
    own = extract(pictures, rate=30, timing=SHORT)
    found = [
        extract(pictures, rate=30, timing=SHORT, landmarks=path)
        for path in forms(tmp_path, points, (width, height))
    ]
    for one in found[1:]:
        np.testing.assert_allclose(one.windows, found[0].windows, atol=2e-3)
        np.testing.assert_allclose(one.points, found[0].points, atol=2e-3)
    assert (found[0].valid == own.valid).all()
    # nothing but noise moves here: the two differ by parts of what was added as noise
    assert np.abs(found[0].windows - own.windows).mean() < 0.5 * np.abs(own.windows).mean()
    assert not np.isnan(found[0].points[:FRAMES]).any()  # every frame of the table is used


def test_no_picture_is_searched_and_no_model_is_loaded(swaying, tmp_path, monkeypatch):
    """Who may not use the landmark model never loads it."""

    def never(*_args, **_options):
        raise AssertionError("the picture was searched")

    pictures, points = swaying
    for name in ("find", "find_boxes", "landmarks", "__init__"):
        monkeypatch.setattr(DlibFinder, name, never)
    monkeypatch.setattr(mescope.face.following, "default_finder", never)
    flow = extract(
        pictures, rate=30, timing=SHORT, landmarks=openface(tmp_path / "a.csv", points)
    )
    assert flow.valid.all()
    find_events(flow)
    assert flow.parameters["landmarks"][0] == "OpenFace"


def test_frames_without_a_face_stay_without(swaying, tmp_path):
    pictures, points = swaying
    path = openface(tmp_path / "a.csv", points, blind=range(20, FRAMES))
    assert list(read_landmarks(path).frames) == list(range(20))
    flow = extract(pictures, rate=30, timing=SHORT, landmarks=path)
    seen = np.isfinite(flow.points[:FRAMES, 0, 0])
    assert seen[:17].all()
    assert not seen[20:].any()
    assert flow.valid[0].all()
    assert not flow.valid[-1].any()


def test_of_several_faces_the_one_asked_for_is_followed(swaying, tmp_path):
    pictures, points = swaying
    small = points * 0.2 + (5, 5)  # somebody in the corner, written first
    both = [np.stack(pair) for pair in zip(small, points, strict=True)]
    head = ["frame", "FaceScore", *named("{axis}_{i}", 68)]
    rows = [[i, 0.9, *one.T.ravel()] for i, pair in enumerate(both) for one in pair]
    path = write(tmp_path / "a.csv", head, rows)
    for face, wanted in (("largest", points), (0, small)):
        flow = extract(pictures, rate=30, timing=SHORT, landmarks=path, face=face)
        np.testing.assert_allclose(flow.points[:30], wanted[:30], atol=1e-3)
    assert any("2 faces in frame 0" in said for said in flow.warnings)


def two_people(folder, points, beside, missed):
    """Write a table of two faces (n, 68, 2); in some frames the first one was missed."""
    head = ["frame", "FaceScore", *named("{axis}_{i}", 68)]
    rows = [
        [i, score, *one.T.ravel()]
        for i in range(FRAMES)
        for one, score in ((points[i], 0.1 if i in missed else 0.9), (beside[i], 0.9))
    ]
    return write(folder / "a.csv", head, rows)


def test_a_frame_that_the_program_missed_is_not_filled_with_somebody_else(swaying, tmp_path):
    """Their eyes would blink and their head turn in the name of the one who is followed."""
    pictures, points = swaying
    beside = points * 0.4 + (140, 140)
    path = two_people(tmp_path, points, beside, missed=(10, 11, 12, 21))
    flow = extract(pictures, rate=30, timing=SHORT, landmarks=path)
    seen = np.isfinite(flow.points[:FRAMES, 0, 0])
    assert np.flatnonzero(~seen).tolist() == [10, 11, 12, 21]
    np.testing.assert_allclose(flow.points[:FRAMES][seen], points[seen], atol=1e-3)


def test_who_was_missed_at_a_look_is_followed_again(swaying, tmp_path):
    pictures, points = swaying
    beside = points * 0.3 + (160, 160)
    path = two_people(tmp_path, points, beside, missed=(8, 9))
    flow = extract(pictures, rate=30, timing=SHORT, landmarks=path)
    assert (flow.landmarks[:, 30, 0] > 160).tolist() == [False, True, False, False]


def test_a_table_with_more_frames_than_the_recording_is_told(swaying, tmp_path):
    """It may be of the recording before it was cut, and every frame is then another one."""
    pictures, points = swaying
    path = openface(tmp_path / "a.csv", points)
    whole, cut = (open_video(pictures[:n], rate=30) for n in (FRAMES, FRAMES - 8))
    trackers = [follower(video, None, path, "largest", "clean") for video in (whole, cut)]
    assert trackers[0].warnings == []
    assert re.search(r"a\.csv.*up to frame 39.*ends with frame 31", trackers[1].warnings[0])


def test_the_cache_tells_tables_apart(swaying, tmp_path):
    pictures, points = swaying
    options = {"rate": 30, "timing": SHORT, "cache": tmp_path / "cache"}
    first = openface(tmp_path / "a.csv", points)
    one = extract(pictures, landmarks=first, **options)
    again = extract(pictures, landmarks=first, **options)
    assert (one.windows == again.windows).all()
    assert (one.points[:FRAMES] == again.points[:FRAMES]).all()
    other = extract(pictures, landmarks=openface(tmp_path / "b.csv", points + 9), **options)
    assert np.abs(one.landmarks - other.landmarks).max() > 8


def test_each_mesh_point_stands_for_one_place_only():
    flat = [k for some in MESH_POINTS for k in some]
    assert len(MESH_POINTS) == 68
    assert len(set(flat)) == len(flat)
    assert max(flat) < min(MESH_SIZES)
    for count in MESH_SIZES:
        points = np.arange(count * 2.0).reshape(count, 2)
        assert from_mesh(points)[33].tolist() == points[2].tolist()


def test_the_page_has_the_table_of_points():
    page = Path(__file__).parents[2] / "docs" / "landmarks.md"
    rows = re.findall(
        r"^\| [^|]+ \| (\d+)–(\d+) \| ([\d+, ]+) \|$", page.read_text("utf-8"), re.M
    )
    told = [
        tuple(map(int, one.split("+"))) for _, _, cells in rows for one in cells.split(", ")
    ]
    assert tuple(told) == MESH_POINTS
    assert [int(first) for first, _, _ in rows][1:] == [int(last) + 1 for _, last, _ in rows][
        :-1
    ]


def refused(tmp_path, head, rows, said):
    with pytest.raises(FaceError, match=said):
        read_landmarks(write(tmp_path / "x.csv", head, rows))


def test_tables_that_are_none_are_refused_in_one_line(swaying, tmp_path):
    marks = named("{axis}_{i}", 68)
    plain = list(FACE.T.ravel())
    refused(tmp_path, ["frame", *marks[:-1]], [[0, *plain[:-1]]], "x_67 and y_67.*found 135")
    refused(tmp_path, ["frame", *named("{axis}_{i}", 5)], [[0] * 11], "found 10 of them")
    refused(tmp_path, ["time", *marks], [[0, *plain]], "expected a column frame, found x_0")
    refused(tmp_path, ["frame", "success", *marks], [[0, 1, *plain]], "frames from 1 .OpenFace")
    refused(tmp_path, ["frame", *marks], [["x", *plain]], "no row shows a face")
    refused(tmp_path, ["frame", *marks], [], "no row shows a face")
    for content in (b"", b"\xff\xfe\x00a,b\n1,2\n", b'frame,x_0\n"1,2\n'):
        (tmp_path / "y.csv").write_bytes(content)
        with pytest.raises(FaceError, match=r"y\.csv: expected a"):
            read_landmarks(tmp_path / "y.csv")
    with pytest.raises(FaceError, match=r"no\.csv"):
        read_landmarks(tmp_path / "no.csv")
    pictures, points = swaying
    path = openface(tmp_path / "a.csv", points + 1000)
    with pytest.raises(FaceError, match="100% of them outside; give the table of this"):
        extract(pictures, rate=30, landmarks=path)
    with pytest.raises(FaceError, match="for clean mode"):
        extract(pictures, rate=30, mode="as_published", timing=SHORT, landmarks=path)
