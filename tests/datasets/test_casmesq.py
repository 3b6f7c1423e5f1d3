"""CAS(ME)^2 in its real layout: no headers, offset 0, a video in the wrong folder."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import layouts
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layout_long import (
    SQUARE_CODES,
    SQUARE_ROWS,
    SQUARE_VIDEOS,
    SquareRow,
    write_casmesq,
)

from mescope.annotations.problems import Problem
from mescope.datasets import Dataset, casmesq, read
from mescope.errors import DatasetError
from mescope.evaluation.megc import read_truth
from mescope.events import Expression, Interval
from mescope.video.reading import open_video

TABLE = "CAS(ME)^2code_final.xlsx"
SHARED = Path(__file__).parents[2] / ".." / "shared" / "data"


def messages(problems: Iterable[Problem]) -> str:
    return " | ".join(str(p) for p in problems)


def by_name(dataset: Dataset) -> dict[str, tuple[Expression, ...]]:
    return {r.name: r.expressions for r in dataset.recordings}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_casmesq(tmp_path / "CAS(ME)^2")


def test_all_recordings_in_the_order_of_the_sheet(root: Path) -> None:
    dataset = read("casmesq", root)
    assert dataset.errors == ()
    names = ["15_0101", "15_0401", "19_0401", "23_0502", "15_0508"]
    assert [r.name for r in dataset.recordings] == names
    assert [r.frames for r in dataset.recordings] == [30, 20, 20, 25, 5]
    assert dataset.subjects == ("s15", "s19", "s23")
    found = by_name(dataset)
    assert found["15_0101"] == (
        Expression(
            interval=Interval(3, 13),
            kind="macro",
            apex=8,
            emotion="negative",
            action_units=("4", "7"),
        ),
        Expression(
            interval=Interval(9, 18),
            kind="micro",
            apex=11,
            emotion="positive",
            action_units=("12",),
        ),
    )
    (no_offset,), (no_apex,), (stray,) = found["15_0401"], found["19_0401"], found["23_0502"]
    assert (no_offset.interval, no_offset.apex) == (Interval(2, 7), 7)
    assert (no_apex.interval, no_apex.apex, no_apex.emotion) == (
        Interval(4, 10),
        None,
        "others",
    )
    assert (stray.interval, stray.apex) == (Interval(5, 15), None)
    assert found["15_0508"] == ()
    assert dataset.seconds["15_0401"][0].apex == pytest.approx(7 / 30)


def test_the_frames_are_those_of_the_video_layer(root: Path) -> None:
    for record in read("casmesq", root).recordings:
        assert record.path is not None
        video = open_video(record.path, rate=record.rate)
        assert len(video) == record.frames
        for e in record.expressions:
            shade = int(video.read([e.interval.first], grey=True)[e.interval.first].mean())
            assert abs(shade - (e.interval.first + 1)) <= 2  # pictures from 1


def test_each_planted_oddity_is_told(root: Path) -> None:
    told = messages(read("casmesq", root).warnings)
    assert "1 rows have the offset 0 (not annotated); the apex is taken: s15/anger1_1" in told
    assert "1 expressions have no apex annotated; none is used: s19/anger1_1" in told
    assert "row 5: s23/happy1_1: apex 17 is outside 6 to 16; no apex is used" in told
    assert "1 expressions have the apex on a border: s15/anger1_1" in told
    assert "1 rows say 'Other', read as 'others': s19/anger1_1" in told
    assert "s19/23_0502funnyerrors: belongs to s23 by its name, not to s19" in told
    assert "; s23/23_0502funnyerrors is used" in told
    assert "1 pairs of expressions overlap, all are kept: s15/disgust1_1" in told
    assert "kept without expressions: 15_0508" in told
    counts = "micro 1 of 57, macro 4 of 300, recordings 5 of 97, micro negative 0 of 21"
    assert f"CAS(ME)^2 differs from the published counts: {counts}" in told


def test_a_video_only_in_the_wrong_folder_belongs_to_its_name(tmp_path: Path) -> None:
    videos = {k: v for k, v in SQUARE_VIDEOS.items() if not k.startswith("s23")}
    dataset = read("casmesq", write_casmesq(tmp_path / "s", videos=videos))
    (record,) = [r for r in dataset.recordings if r.name == "23_0502"]
    assert record.subject == "s23"
    assert record.path is not None
    assert Path(record.path).parent.name == "s19"
    assert "belongs to s23 by its name, not to s19" in messages(dataset.warnings)


def test_video_files_are_read_at_their_own_times(root: Path, video_bytes: bytes) -> None:
    shutil.rmtree(root / "rawpic")
    for video in SQUARE_VIDEOS:
        path = root / "rawvideo" / f"{video}.avi"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(video_bytes)
    (root / "rawvideo/s15/15_0101notes.txt").write_text("no video")
    dataset = read("casmesq", root)
    assert [r.frames for r in dataset.recordings] == [100] * 5
    assert by_name(dataset)["15_0101"][0].interval == Interval(3, 13)
    assert dataset.seconds["15_0101"][0].offset == pytest.approx(13 / 50)
    told = messages(dataset.warnings)
    assert "15_0101: 50.000 frames per second, expected 30; those were used" in told


def test_pictures_go_before_a_file(root: Path, video_bytes: bytes) -> None:
    path = root / "rawvideo/s15/15_0101disgustingteeth.avi"
    path.parent.mkdir(parents=True)
    path.write_bytes(video_bytes)
    dataset = read("casmesq", root)
    assert dataset.recordings[0].frames == 30
    told = messages(dataset.warnings)
    assert "1 videos are there more than once; pictures go before files: 15_0101" in told


def test_an_archive_unpacked_into_itself_is_read_and_told(root: Path) -> None:
    before = read("casmesq", root)
    (root / "rawpic").rename(root / "inner")
    (root / "rawpic").mkdir()
    (root / "inner").rename(root / "rawpic" / "rawpic")
    after = read("casmesq", root)
    assert by_name(after) == by_name(before)
    assert "rawpic/rawpic (archive unpacked into itself)" in messages(after.warnings)


def test_cut_pictures_are_not_taken(root: Path) -> None:
    for folder in ("cropped", "selectedpic"):
        layouts.picture(root / folder / "s15/15_0101disgustingteeth/img009.jpg", 9)
    assert read("casmesq", root).recordings[0].frames == 30
    shutil.rmtree(root / "rawpic")
    with pytest.raises(DatasetError, match="only cut pictures"):
        read("casmesq", root)


BAD: dict[str, tuple[SquareRow, str]] = {
    "text": (SquareRow(1, "anger1_2", "3,647", 8, 9), "onset is '3,647', expected a whole"),
    "parts": (SquareRow(1, "anger1_2", 3.5, 8, 9), "onset is 3.5, expected a whole number"),
    "empty": (SquareRow(1, "anger1_2", 3, 8, None), "offset is None, expected"),
    "order": (SquareRow(1, "anger1_2", 12, 13, 9), "offset 9 is before onset 12"),
    "nothing": (SquareRow(1, "anger1_2", 12, 0, 0), "offset 0 is before onset 12"),
    "end": (SquareRow(1, "anger1_2", 12, 18, 21), "12 to 21 expected, the video has 1 to 20"),
    "start": (SquareRow(1, "anger1_2", 0, 5, 9), "0 to 9 expected, the video has 1 to 20"),
    "emotion": (SquareRow(1, "anger1_2", 3, 5, 9, emotion="fear"), "unknown emotion 'fear'"),
    "kind": (SquareRow(1, "anger1_2", 3, 5, 9, kind="?"), "expected the type micro or macro"),
    "person": (SquareRow(23, "anger1_2", 3, 5, 9), "no folder is known for person 23"),
    "film": (
        SquareRow(1, "joy1_2", 3, 5, 9),
        "'joy1_2' does not name a video; expected disgust1",
    ),
    "index": (SquareRow(1, "anger1", 3, 5, 9), "'anger1' does not name a video"),
    "video": (SquareRow(1, "happy4_1", 3, 5, 9), "15_0507: there is no such video"),
    "twice": (SQUARE_ROWS[2], "s15/anger1_1: identical to"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_row_that_makes_no_sense_is_left_out_and_named(tmp_path: Path, case: str) -> None:
    row, message = BAD[case]
    dataset = read("casmesq", write_casmesq(tmp_path / "s", (*SQUARE_ROWS, row)))
    (problem,) = dataset.errors
    assert problem.where == f"{TABLE}/CASFEcode_final, row 6"
    assert message in problem.message
    assert by_name(dataset) == by_name(read("casmesq", write_casmesq(tmp_path / "good")))


def test_a_header_is_skipped_and_a_new_column_does_not_matter(tmp_path: Path) -> None:
    dataset = read("casmesq", write_casmesq(tmp_path / "s", header=True))
    assert dataset.errors == ()
    assert "1 rows of text skipped: [1]" in messages(dataset.warnings)
    assert len(by_name(dataset)["15_0101"]) == 2


def test_the_published_keys_stand_in_for_sheets_that_are_not_there(tmp_path: Path) -> None:
    dataset = read("casmesq", write_casmesq(tmp_path / "s", keys=False))
    told = messages(dataset.warnings)
    assert "no sheet has the folders of the people; the published ones are used" in told
    assert "no sheet has the codes of the videos; the published ones are used" in told
    assert by_name(dataset) == by_name(read("casmesq", write_casmesq(tmp_path / "with")))


def test_codes_without_their_zero_are_the_same_videos(root: Path) -> None:
    keys = [[int(code), film] for code, film in SQUARE_CODES]
    lines = [[r.person, r.name, r.onset, r.apex, r.offset, r.units, r.emotion, r.kind]
             for r in SQUARE_ROWS]  # fmt: skip
    before = by_name(read("casmesq", root))
    layouts.save(root / TABLE, {"Sheet0": [], "CASMEcode_final": lines, "naming rule2": keys})
    assert by_name(read("casmesq", root)) == before


def test_another_workbook_and_another_folder(root: Path, tmp_path: Path) -> None:
    other = layouts.write_casme2(tmp_path / "CASME II")
    with pytest.raises(DatasetError, match="It looks like CASME or CASME II"):
        casmesq.read(other, table=root / TABLE)
    with pytest.raises(DatasetError, match="in none the eighth column says micro"):
        casmesq.read(root, table=other / "CASME2-coding-20140508.xlsx")
    layouts.truncate(root / TABLE)
    with pytest.raises(DatasetError, match="expected an Excel workbook"):
        read("casmesq", root)
    (root / TABLE).unlink()
    with pytest.raises(DatasetError, match="no annotation table"):
        read("casmesq", root)


frames = st.integers(1, 400)


@settings(max_examples=25, deadline=None)
@given(
    times=st.tuples(frames, frames, frames).map(sorted),
    kind=st.sampled_from(["micro", "macro"]),
    apex=st.booleans(),
    emotion=st.sampled_from(["negative", "positive", "surprise", "others"]),
)
def test_a_written_annotation_comes_back_unchanged(
    tmp_path_factory: pytest.TempPathFactory,
    times: list[int],
    kind: str,
    apex: bool,
    emotion: str,
) -> None:
    onset, peak, offset = times
    row = SquareRow(
        7, "happy3_2", onset, peak if apex else 0, offset, 4, emotion, f"{kind}-expression"
    )
    pictures = {"s23/23_0505funnyinnovations": (1, 97, 203, 400)}
    root = write_casmesq(tmp_path_factory.mktemp("written"), [row], pictures)
    (record,) = read("casmesq", root).recordings
    (expression,) = record.expressions
    assert expression.interval == Interval(onset - 1, offset - 1)
    assert (expression.kind, expression.emotion) == (kind, emotion)
    assert expression.apex == (peak - 1 if apex else None)
    assert expression.action_units == ("4",)


LENGTHS = {  # longest video of each film, frames
    "0101": 2054, "0102": 1081, "0401": 3720, "0402": 4374, "0502": 2277,
    "0503": 2814, "0505": 2306, "0507": 3265, "0508": 660,
}  # fmt: skip


@pytest.mark.data
def test_the_real_annotation_comes_out_with_the_published_counts(tmp_path: Path) -> None:
    """The truth of MEGC2020 has offset 0 and apex 0 filled in; both are planted again."""
    path = SHARED / "megc2020_cas_me2_truth.txt"
    if not path.is_file():
        pytest.skip("the annotation of CAS(ME)^2 is not there (shared/data)")
    rows, folders, videos = _real_rows(path)
    videos |= {"s19/23_0502x": (1, 2273), "s23/23_0503x": (1, 2814), "s15/15_0508x": (1, 660)}
    root = write_casmesq(tmp_path / "s", rows, videos, folders=folders)
    dataset = read("casmesq", root)
    assert dataset.errors == ()
    assert (len(videos), len(dataset.recordings), len(dataset.subjects)) == (98, 97, 22)
    assert sum(not r.expressions for r in dataset.recordings) == 2
    found = Counter(
        (r.subject, r.name, e.kind, e.interval)
        for r in dataset.recordings
        for e in r.expressions
    )
    assert Counter(kind for _, _, kind, _ in found.elements()) == {"micro": 57, "macro": 300}
    expected = Counter(
        (f"s{r.subject}", r.video, r.kind, Interval(r.interval.first - 1, r.interval.last - 1))
        for r in read_truth(path).rows
    )
    assert found == expected
    told = messages(dataset.warnings)
    assert "44 rows have the offset 0 (not annotated); the apex is taken" in told
    assert "18 pairs of expressions overlap" in told
    assert told.count("no apex is used") == 3
    assert "micro 57" not in told
    assert "recordings" not in told.split("published counts")[1].split("|")[0]


def _real_rows(
    path: Path,
) -> tuple[list[SquareRow], dict[int, int], dict[str, Iterable[int]]]:
    films = {code: film for code, film in SQUARE_CODES}
    people = {folder: index for index, folder in casmesq.SUBJECTS.items()}
    count: Counter[str] = Counter()
    rows, videos = [], {}
    for line in path.read_text().splitlines():
        folder, code, kind, *numbers = line.split()
        onset, apex, offset = (int(float(n)) for n in numbers)
        count[folder + code] += 1
        name = f"{films[code]}_{count[folder + code]}"
        if apex == offset:
            offset = 0
        if (folder, onset, offset) == ("s34", 1763, 1787):
            apex = 0
        rows.append(SquareRow(people[folder], name, onset, apex, offset, kind=kind))
        videos[f"{folder}/{folder[1:]}_{code}x"] = (1, LENGTHS[code])
    folders = {index: int(folder[1:]) for index, folder in casmesq.SUBJECTS.items()}
    return rows, folders, videos
