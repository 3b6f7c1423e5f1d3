"""Whatever is marked comes back from every format."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from marks_made_up import NASTY, mark, sheet, sheets

from mescope.annotations import (
    Clock,
    dumps,
    format_of,
    normal,
    read,
    timed,
    writable,
    write,
)
from mescope.annotations.annotation import in_order, lanes, milliseconds
from mescope.errors import DatasetError, OutputError

ENDINGS = {name: codec.suffixes[-1] for name, codec in writable().items()}
quick = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def expected(given_sheet):
    tidy = normal(given_sheet)
    return replace(tidy, marks=in_order(tidy.marks))


def there_and_back(folder, format, *given_sheets):
    path = folder / f"marks{ENDINGS[format]}"
    path.write_bytes(dumps(given_sheets, format))
    return read(path)


@pytest.mark.parametrize("format", writable())
@given(made=sheets())
@quick
def test_every_format_gives_the_marks_back(tmp_path, format, made):
    """Any text, any overlap, any rate; frames and times exactly."""
    contents = there_and_back(tmp_path, format, made)
    assert contents.remarks == ()
    (back,) = contents.sets
    wanted = expected(made)
    assert sorted(map(repr, back.marks)) == sorted(map(repr, wanted.marks))
    assert replace(back, marks=()) == replace(wanted, marks=())


@pytest.mark.parametrize("format", ["csv", "boris", "activitynet"])
@given(made=st.lists(sheets(), min_size=2, max_size=3, unique_by=lambda s: normal(s).video))
@settings(quick, max_examples=15)
def test_formats_of_several_videos_keep_them_apart(tmp_path, format, made):
    contents = there_and_back(tmp_path, format, *made)
    assert contents.remarks == ()
    for back, given_sheet in zip(contents.sets, made, strict=True):
        wanted = expected(given_sheet)
        assert sorted(map(repr, back.marks)) == sorted(map(repr, wanted.marks))
        assert (back.video, back.subject) == (wanted.video, wanted.subject)


@pytest.mark.parametrize("format", writable())
def test_the_same_marks_make_the_same_bytes(format):
    made = sheet(mark(1, 9, emotion="fear"), mark(5, 12, source="x"))
    swapped = replace(made, marks=made.marks[::-1])
    assert dumps([made], format) == dumps([swapped], format)


@pytest.mark.parametrize("format", writable())
def test_a_video_without_marks_comes_back_too(tmp_path, format):
    made = sheet(subject="s1")
    assert there_and_back(tmp_path, format, made).sets == (made,)


@pytest.mark.parametrize("format", ["elan", "vtt"])
def test_formats_of_one_video_refuse_two(format):
    with pytest.raises(DatasetError, match="marks of one video"):
        dumps([sheet(), sheet(video="b.mp4")], format)


@pytest.mark.parametrize("format", ["elan", "boris", "vtt", "activitynet"])
def test_formats_in_seconds_refuse_marks_without_times(format):
    bare = replace(sheet(), rate=None, marks=(mark(),))
    with pytest.raises(DatasetError, match="--video"):
        dumps([bare], format)


def test_a_table_needs_no_times(tmp_path):
    bare = replace(sheet(), rate=None, marks=(mark(),))
    assert there_and_back(tmp_path, "csv", bare).sets == (bare,)


@pytest.mark.parametrize("nasty", NASTY)
def test_no_cell_begins_a_formula(nasty):
    text = dumps([sheet(mark(note=nasty, source=nasty, face=nasty))], "csv").decode()
    for line in text.splitlines()[1:]:
        assert not any(cell.lstrip('"')[:1] in ("=", "+", "@") for cell in line.split(","))


def test_a_mark_below_a_millisecond_is_one_millisecond_long(tmp_path):
    """One frame of 5000 per second."""
    made = sheet(mark(10, 10, apex=10), mark(11, 11), rate=5000.0)
    assert [b - a for a, b in milliseconds(made)] == [1, 1]
    for format in writable():
        assert there_and_back(tmp_path, format, made).sets == (expected(made),)


def test_lanes_hold_no_overlap_and_are_few():
    """Checked against every pair."""
    found = [mark(0, 9), mark(5, 14), mark(10, 19), mark(0, 30, face="1"), mark(12, 13)]
    made = sheet(*found)
    times = milliseconds(made)
    chosen = lanes(made.marks, times)
    assert max(chosen) == 2
    for i in range(len(found)):
        for j in range(i):
            alike = chosen[i] == chosen[j] and found[i].face == found[j].face
            apart = times[i][1] <= times[j][0] or times[j][1] <= times[i][0]
            assert apart or not alike


def test_a_file_is_kept_unless_forced(tmp_path):
    path = write([sheet(mark())], tmp_path / "a.vtt")
    before = path.read_bytes()
    with pytest.raises(OutputError, match="--force"):
        write([sheet()], path)
    assert path.read_bytes() == before
    write([sheet()], path, force=True)
    assert path.read_bytes() != before


def test_a_failed_write_leaves_the_old_file(tmp_path):
    """Nothing half written, no temporary file."""
    path = write([sheet(mark())], tmp_path / "a.eaf")
    before = path.read_bytes()
    with pytest.raises(DatasetError):
        write([replace(sheet(), marks=(mark(),), rate=None)], path, force=True)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_times_come_from_the_recording_not_from_the_rate():
    """A variable rate; half-open, up to the next frame."""
    times = [0.0, 0.1, 0.15, 0.4, 0.5]
    made = timed(replace(sheet(), frames=None, marks=(mark(1, 2, apex=2),)), Clock(10.0, times))
    (found,) = made.marks
    assert (found.onset_s, found.apex_s, found.offset_s, found.end_s) == (0.1, 0.15, 0.15, 0.4)
    assert made.frames == 5


@given(made=sheets())
@quick
def test_a_clock_finds_the_frames_again(made):
    """Whole ms of up to 240 frames per second are unambiguous."""
    clock = Clock(made.rate)
    for one in made.marks:
        first, last = one.interval.first, one.interval.last
        start, end = round(clock.start_of(first), 3), round(clock.end_of(last), 3)
        assert clock.interval(start, end) == one.interval


def test_a_clock_of_variable_rate_finds_the_frames_again():
    times = [0.0]
    for i in range(300):
        times.append(times[-1] + (0.5, 1.0, 3.0)[i % 3] / 60)
    clock = Clock(60.0, times)
    for first in range(300):
        for last in (first, min(300, first + 7)):
            start, end = round(clock.start_of(first), 3), round(clock.end_of(last), 3)
            found = clock.interval(start, end)
            assert (found.first, found.last) == (first, last)


def test_a_frame_past_the_end_is_an_error():
    with pytest.raises(DatasetError, match="frame 39, but the recording has 0 to 4"):
        timed(replace(sheet(), marks=(mark(3, 39),)), Clock(10.0, [0, 0.1, 0.2, 0.3, 0.4]))


def test_the_ending_means_the_format(tmp_path):
    for format, ending in ENDINGS.items():
        assert format_of(f"a.B{ending.upper()}") == format
    with pytest.raises(DatasetError, match=r"a\.docx"):
        format_of("a.docx")
    with pytest.raises(DatasetError, match="expected a format"):
        read(tmp_path / "a.csv", format="praat")
