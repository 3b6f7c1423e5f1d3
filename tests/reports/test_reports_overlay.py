"""The overlay video: every picture at its own time, drawn on, one at a time."""

import types

import numpy as np
import pytest
from made_up_analysis import make_analysis

from mescope.errors import OutputError
from mescope.events import FaceEvent, Interval
from mescope.face.box import CROP_SIZE
from mescope.motion.regions import REGIONS_18, place
from mescope.reports import overlay
from mescope.reports.overlay import OverlayVideo, Sightings, region_corners, write_overlay
from mescope.reports.overlay_paint import Painter
from mescope.synthesis.encode import write_video
from mescope.video.reading import open_video
from mescope.video.source import Video

REGIONS = tuple(region.name for region in REGIONS_18)
MICRO = (255, 160, 40)


def face(left=100.0, top=60.0, size=160.0):
    """Return landmarks (68, 2) on a grid in a box, and the box."""
    grid = np.stack(np.meshgrid(np.linspace(0.15, 0.85, 17), np.linspace(0.2, 0.8, 4)), -1)
    points = grid.reshape(68, 2) * size + (left, top)
    return points.astype(np.float32), np.array([left, top, left + size, top + size], np.float32)


def flow(*faces, hop=8, step=1):
    """Return what Sightings needs of a RoiFlow: one face, or None, per window."""
    nowhere = np.full((68, 2), np.nan, np.float32), np.full(4, np.nan, np.float32)
    chosen = [f or nowhere for f in faces]
    return types.SimpleNamespace(
        timing=types.SimpleNamespace(hop=hop, step=step),
        frames=np.arange((len(faces) + 1) * hop) * step,
        landmarks=np.array([f[0] for f in chosen]),
        boxes=np.array([f[1] for f in chosen]),
    )


class Uneven(Video):
    """A small recording of variable rate whose pictures are all different."""

    def __init__(self, times, size=(320, 180)):
        self.times = np.asarray(times, float)
        self.width, self.height = size
        self.name, self.path, self.rate, self.warnings = "uneven", None, 30.0, []
        self.first_frame, self.last_frame = 0, len(times) - 1
        self.given = 0

    def frames(self, *, grey=True, step=1, start=0, stop=None):
        for i in range(start, len(self) if stop is None else stop, step):
            self.given += 1
            yield i, np.full((self.height, self.width, 3), 40 + i % 150, np.uint8)

    def read(self, indices, *, grey=False):
        return {i: next(self.frames(start=i))[1] for i in indices}

    def fingerprint(self):
        return "0"

    report = None


@pytest.fixture
def no_face(monkeypatch):
    monkeypatch.setattr(overlay, "extract", lambda video, **options: flow(None, None))


UNEVEN = np.cumsum([0.0, *([1 / 60, 1 / 30, 1 / 20] * 20)])


def test_every_frame_keeps_its_number_and_its_time(tmp_path, no_face):
    """V7: variable rate, H.264, yuv420p."""
    write_video(Uneven(UNEVEN), tmp_path / "in.mp4")
    analysis = make_analysis(duration=3.0, planted=((0.5, 0.3, "surprise"),), gaps=False)
    seen = []
    made = write_overlay(
        analysis, tmp_path / "in.mp4", tmp_path / "new" / "out.mp4",
        progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    before, after = open_video(tmp_path / "in.mp4"), open_video(made)
    assert len(after) == len(before) == 61
    np.testing.assert_allclose(after.times, before.times, atol=2e-5)
    assert seen[-1] == (61, 61)
    assert after.report.to_dict()["codec"] == "h264"
    import av

    with av.open(str(made)) as container:
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"
    shown = after.read([0, 60])
    for i, picture in shown.items():
        assert abs(int(picture[90, 20].mean()) - (40 + i)) < 6


def test_a_range_begins_at_zero_and_keeps_the_numbers(tmp_path, monkeypatch, no_face):
    write_video(Uneven(np.arange(60) / 30), tmp_path / "in.mp4")
    drawn = []
    monkeypatch.setattr(
        Painter, "_draw_words",
        lambda self, canvas, frame, second, present: drawn.append((frame, second)) or canvas,
    )  # fmt: skip
    analysis = make_analysis(duration=2.0, planted=(), gaps=False)
    made = write_overlay(analysis, tmp_path / "in.mp4", tmp_path / "o.mkv", start=1.0, end=1.5)
    video = open_video(made)
    assert (len(video), video.times[0]) == (16, 0.0)
    assert drawn[0] == (30, pytest.approx(1.0))
    assert drawn[-1] == (45, pytest.approx(1.5))


def test_pictures_pass_one_at_a_time():
    """Memory does not grow with the length."""
    video = Uneven(np.arange(100_000) / 30, (64, 48))
    made = OverlayVideo(video, make_analysis(duration=3.0, planted=()), Sightings(flow(None)))
    pictures = made.frames(grey=False)
    for wanted in range(20):
        index, picture = next(pictures)
        assert index == wanted
        assert video.given == wanted + 1
    assert picture.shape == (made.height, made.width, 3)


@pytest.mark.parametrize("size", [(1, 1), (63, 47), (321, 181), (1001, 3), (3, 1000)])
def test_any_size_becomes_even_and_wide_enough(size):
    """4:2:0 needs even sides."""
    painter = Painter(make_analysis(duration=3.0), size, REGIONS)
    picture = np.full((size[1], size[0], 3), 200, np.uint8)
    made = painter.draw(picture, 5, 0.2, None)
    assert made.shape == (painter.size[1], painter.size[0], 3)
    assert painter.size[0] >= 320
    assert painter.size[0] % 2 == painter.size[1] % 2 == 0
    left = (max(size[0], 320) - size[0]) // 2
    assert (made[: size[1], left : left + size[0]] == 200).all()


def test_a_detection_is_drawn_while_it_lasts():
    analysis = make_analysis(duration=10.0, planted=((5.0, 0.3, "surprise"),), gaps=False)
    d = analysis.findings[0].detection
    painter = Painter(analysis, (640, 360), REGIONS)
    shown = {}
    for frame in (d.interval.first - 1, d.interval.first, d.interval.last, d.interval.last + 1):
        picture = np.zeros((360, 640, 3), np.uint8)
        made = painter.draw(picture, frame, frame / 30, None)
        shown[frame] = tuple(int(c) for c in made[1, 1]) == MICRO
    assert list(shown.values()) == [False, True, True, False]


def test_events_are_named_while_they_last():
    analysis = make_analysis(duration=10.0, planted=((5.0, 0.3, "surprise"),), gaps=False)
    blink = FaceEvent(
        kind="blink", interval=Interval(155, 158), onset_s=5.17, offset_s=5.27, strength=0.8
    )
    analysis.events = (blink,)
    painter = Painter(analysis, (640, 360), REGIONS)
    found = analysis.findings[0]
    assert painter._spoken(155, found).endswith("blink")
    assert painter._spoken(155, None) == "blink"
    assert painter._spoken(159, None) == ""
    assert "blink" not in painter._spoken(154, found)


def test_the_strip_shows_the_score_of_the_present_in_its_middle():
    """At the peak the curve is high in the middle, half a window later it is not."""
    analysis = make_analysis(duration=30.0, planted=((15.0, 0.4, "surprise"),), gaps=False)
    painter = Painter(analysis, (640, 360), REGIONS)
    picture = np.zeros((360, 640, 3), np.uint8)
    line = np.array((130, 200, 255))

    def highest(frame):
        made = painter.draw(picture, frame, frame / 30, None)[404:].astype(int)
        near = np.abs(made[:, 300:340] - line).sum(axis=2) < 60
        return int(np.flatnonzero(near.any(axis=1)).min())

    assert highest(456) < 20
    assert highest(456 + 90) > 30


def test_the_frame_number_and_the_landmarks_are_drawn():
    analysis = make_analysis(duration=10.0, planted=(), gaps=False)
    painter = Painter(analysis, (640, 360), REGIONS)
    picture = np.zeros((360, 640, 3), np.uint8)
    shape = Sightings(flow(face(), face())).shape(4)
    one, two = (painter.draw(picture, frame, 1.0, None) for frame in (30, 31))
    assert not (one[:360] != two[:360]).any()
    assert (one[360:404] != two[360:404]).any()
    with_face = painter.draw(picture, 30, 1.0, shape)
    x, y = np.rint(shape[8]).astype(int)
    assert with_face[y, x, 1] > 200
    assert not with_face[:50, :90].any()
    assert not picture.any(), "the decoded picture must stay as it is"


def test_no_landmarks_where_the_face_was_not_seen():
    analysis = make_analysis(duration=10.0, planted=(), gaps=False)
    analysis.traces.valid[:] = False
    painter = Painter(analysis, (640, 360), REGIONS)
    shape = Sightings(flow(face(), face())).shape(4)
    assert not painter.draw(np.zeros((360, 640, 3), np.uint8), 30, 1.0, shape)[:360].any()


def test_landmarks_move_evenly_between_two_windows():
    a, b = face(100), face(108)
    sightings = Sightings(flow(a, b, hop=8, step=2))
    np.testing.assert_allclose(sightings.shape(0)[:68], a[0])
    np.testing.assert_allclose(sightings.shape(4)[:68], a[0] + (2, 0), atol=1e-4)
    np.testing.assert_allclose(sightings.shape(16)[:68], b[0])
    np.testing.assert_allclose(sightings.shape(31)[:68], b[0])


def test_landmarks_are_not_invented():
    """None before, none where no face is, none long after, no walk across a cut."""
    sightings = Sightings(flow(None, face(100), None, face(100), face(300)))
    assert sightings.shape(3) is None
    np.testing.assert_allclose(sightings.shape(12)[:68], face(100)[0])
    assert sightings.shape(17) is None
    np.testing.assert_allclose(sightings.shape(28)[:68], face(100)[0])
    assert sightings.shape(5000) is None
    assert Sightings(flow()).shape(0) is None


def test_regions_lie_where_they_are_measured():
    points, box = face(100, 60, 160)
    corners = region_corners(points, box)
    crop = (points - box[:2]) * CROP_SIZE / 160
    for i, placed in enumerate(place(crop, REGIONS_18)):
        wanted = np.array(placed.inner).reshape(2, 2) * 160 / CROP_SIZE + (100, 60)
        np.testing.assert_allclose(corners[2 * i : 2 * i + 2], wanted)


def test_long_names_end_in_time():
    analysis = make_analysis(duration=3.0, planted=((1.0, 0.3, "surprise"),), gaps=False)
    object.__setattr__(analysis.findings[0].detection, "emotion", "名 <b>" * 400)
    painter = Painter(analysis, (320, 180), REGIONS)
    painter.draw(np.zeros((180, 320, 3), np.uint8), 33, 1.1, None)


def test_files_are_kept(tmp_path, no_face):
    """Not even --force draws over the recording."""
    write_video(Uneven(np.arange(10) / 30), tmp_path / "in.mp4")
    before = (tmp_path / "in.mp4").read_bytes()
    analysis = make_analysis(duration=1.0, planted=())
    with pytest.raises(OutputError, match="is the file that is read"):
        write_overlay(analysis, tmp_path / "in.mp4", tmp_path / "in.mp4", force=True)
    (tmp_path / "old.mp4").write_bytes(b"mine")
    with pytest.raises(OutputError, match="--force"):
        write_overlay(analysis, tmp_path / "in.mp4", tmp_path / "old.mp4")
    with pytest.raises(OutputError, match="name ending in"):
        write_overlay(analysis, tmp_path / "in.mp4", tmp_path / "out.gif")
    assert (tmp_path / "in.mp4").read_bytes() == before
    assert (tmp_path / "old.mp4").read_bytes() == b"mine"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.mp4", "old.mp4"]
