"""MMME: seconds of trials in the sheet, frames named by time stamp or cut videos on disk."""

from __future__ import annotations

import layout_sheets
import layouts
import numpy as np
import pytest
from layout_sheets import MmmeRow

from mescope.datasets import read
from mescope.errors import DatasetError
from mescope.events import Interval
from mescope.video.reading import open_recording

RATE = 150
ROWS = (
    MmmeRow("p01", "20230802", 116, 0.20, 0.30, 0.44),
    MmmeRow("p01", "20230802", 116, 0.60, 0.60, 1.40, "Macro", "happy", "6+12"),
    MmmeRow("p02", "20230718", 107, 0.10, 0.20, 0.20, "Micro", "tense", None),
)


def stamps(seconds=2.0):
    """Times of 150 pictures a second, in milliseconds as a clock writes them."""
    return [int(1000 * i / RATE) for i in range(int(seconds * RATE))]


def names(style, ms):
    if style == "decimal":
        return f"{ms / 1000:.3f}.jpg"
    if style == "milliseconds":
        return f"frame_{ms + 7000}.jpg"
    whole, part = divmod(ms, 1000)
    return f"20230802_0930{whole:02d}_{part:03d}.jpg"


def trials(root, style="decimal"):
    layout_sheets.mmme(root, ROWS)
    for who, marker in (("p01_202308020930", 116), ("p02_202307180930", 107)):
        for ms in stamps():
            layouts.picture(root / "frames" / who / str(marker) / names(style, ms), ms // 10)
    return root


def messages(problems):
    return " | ".join(map(str, problems))


@pytest.mark.parametrize("style", ["decimal", "milliseconds", "clock"])
def test_trials_whose_frames_are_named_by_time(tmp_path, style):
    dataset = read("mmme", trials(tmp_path / "m", style))
    assert dataset.errors == ()
    first, second = dataset.recordings
    assert (first.name, first.subject, first.frames) == ("p01_202308020930/116", "p01", 300)
    micro, macro = first.expressions
    assert (micro.kind, macro.kind) == ("micro", "macro")
    assert (micro.interval, micro.apex) == (Interval(30, 66), 45)
    assert (micro.emotion, macro.emotion) == ("anger", "happiness")
    assert micro.action_units == ("4", "7")
    (tense,) = second.expressions
    assert (tense.interval, tense.apex, tense.emotion) == (Interval(15, 30), 30, "tense")
    video = open_recording(first)
    assert len(video) == 300
    assert video.times[:4] == pytest.approx([0, 0.006, 0.013, 0.02], abs=1e-6)
    assert abs(int(video.read([66], grey=True)[66].mean()) - 44) <= 2  # the picture at 0.44 s
    assert "micro 2 of 634, macro 1 of 2841" in messages(dataset.warnings)


def test_a_time_that_no_frame_has_costs_the_row(tmp_path):
    root = trials(tmp_path / "m")
    rows = (
        *ROWS,
        MmmeRow("p01", "20230802", 116, 1.9, 2.0, 3.5),
        MmmeRow("p01", "20230802", 116, 0.9, 0.8, 0.7),
        MmmeRow(
            "p01", "20230802", 11, 0.1, 0.2, 0.3
        ),  # no such trial, though 116 holds its digits
        MmmeRow("p01", "20230802", 116, 0.5, "?", 0.6),
    )
    layout_sheets.mmme(root, rows)
    dataset = read("mmme", root)
    told = messages(dataset.errors)
    assert "1.9 to 3.5 s expected, the video has 0 to 1.993 s" in told
    assert "expected seconds of onset and offset in order, found 0.9 and 0.7" in told
    assert "p01_202308020930/11 from 0.1: there is no video of it" in told
    assert len(dataset.errors) == 3
    assert dataset.recordings[0].expressions[-1].apex is None


@pytest.mark.parametrize(("before", "after"), [("video_", "_150"), ("", "")])
def test_videos_cut_to_their_expressions(tmp_path, before, after):
    """As the authors' own code names them; here the first as pictures, the others as films."""
    root = layout_sheets.mmme(tmp_path / "m", ROWS)
    for i, row in enumerate(ROWS):
        name = f"{before}{row.cut}{after}"
        count = round((row.offset - row.onset) * RATE) + 1
        if i:
            film(root / "combined" / row.kind / f"{name}.avi", count)
            continue
        for n in range(1, count + 1):
            layouts.picture(root / "combined" / row.kind / name / f"img{n:04d}.jpg", n)
    film(root / "combined" / "Micro" / "video_fear_p0920230801_105_0.10_0.20_0.30_150.avi", 30)
    dataset = read("mmme", root)
    assert dataset.errors == ()
    assert [r.frames for r in dataset.recordings] == [37, 121, 16]
    found = [r.expressions[0] for r in dataset.recordings]
    assert [e.interval for e in found] == [Interval(0, 36), Interval(0, 120), Interval(0, 15)]
    assert [e.apex for e in found] == [15, 0, 15]
    assert [r.subject for r in dataset.recordings] == ["p01", "p01", "p02"]
    assert "1 cut videos have no row in the table, left out: video_fear" in messages(
        dataset.warnings
    )


def film(path, count):
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg4", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = 16, 16, "yuv420p"
        for i in range(count):
            grey = np.full((16, 16, 3), i, np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        out.mux(stream.encode())


def test_wrong_roots(tmp_path):
    with pytest.raises(DatasetError, match="no annotation table"):
        read("mmme", tmp_path)
    layout_sheets.mmme(tmp_path, ROWS)
    with pytest.raises(DatasetError, match="no videos such as"):
        read("mmme", tmp_path)
