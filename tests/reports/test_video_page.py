"""Pages of recordings: what is drawn is what was found, long recordings stay small."""

import base64
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from made_up_spotting import keep_traces, made_up_spotting, report_of, row, trace_of
from page_reader import EVIL, is_closed, read, text_of

from mescope.events import Recording
from mescope.motion.windows import Timing
from mescope.reports.flow_strip import FlowStrip, flow_strip, strip
from mescope.reports.spotting_traces import shares_of, traces
from mescope.reports.trace_drawing import Mark, Traces, Track, trace_drawing
from mescope.reports.video_page import write_video_pages
from mescope.samples.recording_windows import RecordingWindows
from mescope.samples.spotting_kinds import AnnotatedRecordings
from mescope.spotting.proposals import ProposalRule, propose, threshold_of
from mescope.training.evaluate_recordings import traces_of

HERE = Path(__file__).parent
REGIONS = AnnotatedRecordings().region_names


def measured(report, moved=(), frames=900, rate=30.0):
    """Return the recordings of a report; ``moved`` jump by 3 px in frames 300 to 312."""
    some = []
    for video in report.videos:
        at = np.zeros((frames, 2 * len(REGIONS)))
        for region in moved:
            at[300:313, 2 * REGIONS.index(region)] = 3.0
        count = frames // 25 - 1
        windows = np.stack([(at[j * 25 : j * 25 + 50] - at[j * 25]).T for j in range(count)])
        some.append(
            RecordingWindows(
                recording=Recording(
                    dataset=video.person[0], subject=video.person[1], name=video.key[1],
                    frames=frames, rate=rate, path="x", expressions=(),
                ),
                windows=windows.astype(np.float32), valid=np.ones((count, 50), bool),
                frames=np.arange(frames), padded=0, timing=Timing(50, 25, 1, rate),
                regions=REGIONS, mode="clean",
            )
        )  # fmt: skip
    return some


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    report = made_up_spotting((0, 1), people=3)
    out = tmp_path_factory.mktemp("run")
    keep_traces(report, out, traces_of(out))
    return report, out


@pytest.fixture(scope="module")
def written(run):
    report, out = run
    return write_video_pages(report, out, measured(report, ("MOUTH",)))


def test_every_recording_with_traces_has_a_page(run, written):
    report, out = run
    assert list(written) == [video.key for video in report.videos]
    assert list(written.values())[:2] == ["videos/001.html", "videos/002.html"]
    assert {p.name for p in (out / "videos").iterdir()} == {
        f"{i:03d}.html" for i in range(1, 7)
    }


def test_a_page_shows_truth_detections_and_what_became_of_them(run, written):
    report, out = run
    for video in report.videos:
        page = (out / written[video.key]).read_text(encoding="utf-8")
        is_closed(page)
        text = text_of(page)
        assert "mode clean" in text
        assert "by weights that did not learn from this person" in text
        wide = page[page.index('<svg class="timeline traces" viewBox="0 0 940') :]
        wide = wide[: wide.index("</svg>")]
        truth = [row for row in report.truth_native if row.where == video.key]
        found = [row for row in report.runs[0].native if row.where == video.key]
        assert wide.count('class="mark truth micro') == len(truth)
        assert wide.count('<rect class="shade ') == len(found)
        assert wide.count("truth micro missed") == wide.count("truth micro") - wide.count(
            'class="shade hit'
        )
        for one in found:
            assert f"{one.interval.first}–{one.interval.last}" in text
        for name in ("negative", "neutral"):
            assert f'class="line {name}"' in wide
        assert "data:image/png;base64," in wide
        assert "left mouth corner" in wide


def test_traces_come_back_by_recording(run):
    report, out = run
    kept = dict(traces(report, out))
    for video in report.videos:
        score, logits = trace_of(report, video.key)
        np.testing.assert_allclose(kept[video.key].score, score, atol=1e-6)
        np.testing.assert_allclose(kept[video.key].emotion, shares_of(logits), atol=1e-6)
    assert dict(traces(report, out / "nowhere")) == {}


def test_recordings_too_short_to_be_tested_do_not_shift_the_others(run):
    """They come last among the videos of a report, and have no trace."""
    report, out = run
    short = made_up_spotting((0, 1), people=3, each=3)
    order = [v for v in short.videos if not v.key[1].endswith("_3")]
    order += [v for v in short.videos if v.key[1].endswith("_3")]
    mixed = report_of((), [("strategy-1", 0, [])], videos=[v.key for v in order])
    assert set(dict(traces(mixed, out))) == {video.key for video in report.videos}


def test_the_level_is_what_a_peak_needs():
    score = np.full(200, 0.1)
    score[95:106] = 0.8 * np.hanning(11)
    for rule in (
        ProposalRule.as_published(6),
        ProposalRule(share=0.0, floor=0.6, smooth=1),
        ProposalRule(share=0.5, floor=0.2),
    ):
        level = threshold_of(score, rule)
        assert propose(score, None, 30.0, rule)
        assert 0.1 < level < 0.8
    assert threshold_of(score, ProposalRule(share=0.0, floor=0.6, smooth=1)) == 0.6


def test_names_cannot_break_out(tmp_path):
    where = {"subject": EVIL, "video": EVIL}
    report = report_of(
        [row(10, 19, emotion="negative", **where)],
        [("strategy-1", 0, [row(10, 19, emotion=EVIL, score=0.5, **where)])],
        videos=((EVIL, EVIL),), dataset=EVIL, name=EVIL, classes=(EVIL, "negative"),
    )  # fmt: skip
    keep_traces(report, tmp_path, traces_of(tmp_path))
    (address,) = write_video_pages(report, tmp_path, measured(report)).values()
    page = (tmp_path / address).read_text(encoding="utf-8")
    assert "<script" not in page
    read(page)


def test_a_peak_survives_in_a_long_recording():
    n = 30 * 60 * 30
    score = np.full(n, 0.1)
    score[31_000] = 0.95
    track = Track(
        title="x", times=np.arange(n) / 30, score=score, level=0.5, marks=(),
        emotion=np.full((n, 5), 0.2),
    )  # fmt: skip
    drawn = trace_drawing(Traces(seconds=n / 30, truth=(), tracks=(track,)), width=940)
    lines = re.findall(r'<path class="score" d="([^"]+)"', drawn)
    points = sum(line.count("L") + 1 for line in lines)
    assert 500 < points < 2500
    assert len(drawn) < 120_000
    highest = [min(float(y) for y in re.findall(r" ([\d.]+)", path)) for path in lines]
    lowest = [max(float(y) for y in re.findall(r" ([\d.]+)", path)) for path in lines]
    assert max(b - a for a, b in zip(highest, lowest, strict=True)) > 55  # of 72 units


def test_frames_without_a_face_break_the_curve():
    score = np.full(300, 0.3)
    score[100:200] = np.nan
    track = Track(
        title="x", times=np.arange(300) / 30, score=score, level=0.5, marks=(),
        emotion=np.full((300, 5), 0.2),
    )  # fmt: skip
    drawn = trace_drawing(Traces(seconds=10.0, truth=(), tracks=(track,)), width=350)
    assert drawn.count('class="score"') == 2
    assert "nan" not in drawn


def test_a_mark_over_two_rows_is_drawn_in_both():
    mark = Mark(28.0, 33.0, "truth micro", "x", "negative")
    track = Track(
        title="x", times=np.arange(1800) / 30, score=np.zeros(1800), level=0.5, marks=(),
        emotion=np.full((1800, 5), 0.2),
    )  # fmt: skip
    drawn = trace_drawing(Traces(seconds=60.0, truth=(mark,), tracks=(track,)), width=940)
    assert drawn.count('class="mark truth micro negative"') == 2


def decoded(data):
    raw = np.frombuffer(base64.b64decode(data.split(",")[1]), np.uint8)
    return cv2.imdecode(raw, cv2.IMREAD_UNCHANGED)


def test_the_strip_shows_which_region_moved_and_when(run):
    report, _ = run
    one = measured(report, ("MOUTH",))[0]
    flow = flow_strip(one)
    alpha = decoded(strip(flow, 0.0, 30.0, columns=300))[..., 3]
    assert alpha.shape == (len(REGIONS), 300)
    mouth = REGIONS.index("MOUTH")
    assert alpha[mouth, 100:104].min() > 200
    alpha[mouth, 98:106] = 0
    assert alpha.max() < 30


def test_a_strip_beyond_the_end_and_without_frames_is_empty():
    flow = FlowStrip(
        times=np.arange(10) / 10.0, motion=np.full((10, 2), 5.0), regions=("a", "b"), most=5.0
    )
    alpha = decoded(strip(flow, 0.0, 2.0, columns=40))[..., 3]
    assert alpha[:, :18].min() == 255
    assert alpha[:, 20:].max() == 0
    flow.motion[:] = np.nan
    assert decoded(strip(flow, 0.0, 1.0, columns=5))[..., 3].max() == 0
