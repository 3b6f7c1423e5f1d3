"""Tables and subtitles are cut strictly: no row is swallowed, no number is guessed."""

import csv
import io

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from mescope.annotations import Clock, read
from mescope.annotations.delimited import split
from mescope.errors import DatasetError
from mescope.evaluation.interval_table import read_table

HEAD = "subject,video,onset,offset,type,note"
ROWS = ("s1,a.mp4,30,38,micro,x", "s1,a.mp4,60,70,micro,", "s1,a.mp4,90,99,macro,y")


def table(folder, *lines, end="\n", encoding="utf-8", name="t.csv"):
    path = folder / name
    path.write_bytes("".join(line + end for line in lines).encode(encoding))
    return path


def onsets(contents):
    return [mark.interval.first for one in contents.sets for mark in one.marks]


def refused(path, *said):
    """Ask both readers of tables for one line that names the row."""
    for ask in (read, read_table):
        with pytest.raises(DatasetError) as caught:
            ask(path)
        assert "\n" not in str(caught.value)
        for words in said:
            assert words in str(caught.value)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("sign", [",", ";", "\t"])
@pytest.mark.parametrize("column", range(6))
@pytest.mark.parametrize("row", [1, 2, 3])
def test_a_quote_that_never_closes_swallows_nothing(tmp_path, end, sign, column, row):
    """In any column and row: both readers name the row, neither loses one."""
    lines = [line.split(",") for line in (HEAD, *ROWS)]
    lines[row][column] = '"' + lines[row][column]
    refused(table(tmp_path, *(sign.join(cells) for cells in lines), end=end), f"row {row + 1}")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("first", "second"),
    [('"brow', 'down"'), ('"', '"'), ('"brow', '"'), ('"brow', '"down"'), ('"a""', 'b"')],
)
@pytest.mark.parametrize("apart", [1, 2])
def test_two_odd_quotes_do_not_pair_up_over_a_row(tmp_path, end, first, second, apart):
    """The second closes what the first opened, and the rows between would be a note."""
    lines = [HEAD, *(row.rpartition(",")[0] for row in ROWS)]
    notes = ["", "", ""]
    notes[0], notes[apart] = first, second
    rows = [f"{line},{note}" for line, note in zip(lines[1:], notes, strict=True)]
    refused(table(tmp_path, HEAD, *rows, end=end), "row 2")


@given(
    st.lists(st.integers(0, 10**6), min_size=1, max_size=4),
    st.sampled_from(["\n", "\r\n", "\r"]), st.sampled_from([",", ";", "\t"]),
)  # fmt: skip
@settings(max_examples=120, deadline=None)
def test_wherever_quotes_are_set_no_row_is_lost(tmp_path_factory, places, end, sign):
    """Every row is a mark, or named, or the table is refused with a row."""
    rows = [f"s{i},a{i}.mp4,{30 * i},{30 * i + 8},micro,x {i}" for i in range(1, 6)]
    text = end.join([HEAD, *rows, "s,b.mp4,,,,"]).replace(",", sign) + end
    for place in places:
        place %= len(text) + 1
        text = text[:place] + '"' + text[place:]
    path = tmp_path_factory.getbasetemp() / "quotes.csv"
    path.write_bytes(text.encode())
    try:
        contents = read(path)
    except DatasetError as error:
        event("refused")
        said = str(error)
    else:
        event("read")
        said = f"row: {len(onsets(contents)) + contents.lost} of 5 marks"
        assert len(contents.sets) + contents.lost == 6
    # The last row has no mark; with an odd cell it is one of those that are named.
    assert "quotes.csv, row" in said or said in ("row: 5 of 5 marks", "row: 6 of 5 marks"), text


def test_a_quote_at_the_very_end(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(f'{HEAD}\n{ROWS[0]}\n{ROWS[1]}"')
    refused(path, "row 3")


def test_a_video_that_was_looked_at_is_not_swallowed_either(tmp_path):
    rows = ('s1,a.mp4,30,38,micro,"x', "s1,b.mp4,,,,", 's1,c.mp4,3,9,micro,x"')
    refused(table(tmp_path, HEAD, *rows), "row 2", "row 3")


def test_what_quotes_are_for_is_read(tmp_path):
    r"""Several lines, signs between cells, doubled quotes; \n within, \r\n after a row."""
    note = 'he said ""no"",\nthen; smiled\n\n"'
    path = table(tmp_path, HEAD, 's1,"a, b.mp4",30,38,micro,"' + note, *ROWS[1:], end="\r\n")
    contents = read(path)
    assert contents.remarks == ()
    assert onsets(contents) == [30, 60, 90]
    assert contents.sets[0].marks[0].note == 'he said "no",\nthen; smiled'
    assert contents.sets[0].video == "a, b.mp4"
    rows = read_table(path).rows
    assert [row.video for row in rows] == ["a, b.mp4", "a.mp4", "a.mp4"]


def test_rows_are_named_by_the_line_where_they_begin(tmp_path):
    lines = (HEAD, 's1,a.mp4,30,38,micro,"one\ntwo"', "", "s1,a.mp4,9,3,micro,")
    assert "row 5: left out" in read(table(tmp_path, *lines)).remarks[0]


cells = st.text(
    st.characters(exclude_characters="\0\r", exclude_categories=("Cs",)), max_size=8
)


@given(st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_whatever_a_csv_writer_writes_comes_back(rows):
    r"""Rows end in \r\n, as RFC 4180 has it; nothing in a cell is taken for a row."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(("a", "onset", "offset"))
    writer.writerows(rows)
    found = [tuple(found) for _, found in split(out.getvalue())][1:]
    assert found == [row for row in rows if any(cell.strip() for cell in row)]


@pytest.mark.parametrize(
    "sep", ["sep=;", "SEP=;", '"sep=;"', "sep=;;;;", "sep=,", "sep=\t", "sep=|"]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_line_of_excel_that_names_the_sign(tmp_path, sep, encoding, end):
    sign = sep.strip('"')[4]
    lines = [sep, *(line.replace(",", sign) for line in (HEAD, *ROWS))]
    if encoding == "utf-16-be":
        lines[0] = "\ufeff" + lines[0]
    path = table(tmp_path, *lines, end=end, encoding=encoding)
    assert onsets(read(path)) == [30, 60, 90]
    assert len(read_table(path).rows) == 3
    bad = table(tmp_path, *lines[:-1], sign.join(["s1", "a.mp4", "9", "3", "micro", ""]),
                end=end, encoding=encoding)  # fmt: skip
    assert "row 5: left out" in read(bad).remarks[0]


@pytest.mark.parametrize("sign", [";", "\t"])
def test_decimal_commas_where_the_comma_is_free(tmp_path, sign):
    head = "subject,video,onset,offset,type,score,onset_s,offset_s".replace(",", sign)
    rows = [
        sign.join(("s1", "a.mp4", "30", "38", "micro", "0,83", "1,000", "1,267")),
        sign.join(("s1", "a.mp4", "60", "70", "micro", ",5", "2.5", "3")),
    ]
    path = table(tmp_path, head, *rows)
    contents = read(path)
    assert contents.remarks == ()
    found = contents.sets[0].marks
    assert [(m.score, m.onset_s, m.offset_s) for m in found] == [
        (0.83, 1.0, 1.267), (0.5, 2.5, 3.0),
    ]  # fmt: skip
    assert [row.score for row in read_table(path).rows] == [0.83, 0.5]


@pytest.mark.parametrize("text", ["1.234,5", "1,234,567", "0,8x", "nan", "1e999", "٣", "1_0"])
def test_numbers_that_are_none_name_their_row(tmp_path, text):
    head = "subject;video;onset;offset;type;score"
    path = table(tmp_path, head, f"s1;a.mp4;3;9;micro;{text}", "s1;a.mp4;30;38;micro;1")
    contents = read(path)
    assert onsets(contents) == [30]
    assert contents.lost == 1
    assert f"t.csv, row 2: left out, score is '{text}'" in contents.remarks[0]
    with pytest.raises(DatasetError, match="row 2: score is"):
        read_table(path)


@pytest.mark.parametrize(
    "text", ["1,234", "1.000", "1.234.567", "1 234", "1'234", "3,0", "1e3", "1.5E+03", "0x10"]
)
def test_frames_are_whole_numbers_without_signs_between(tmp_path, text):
    """A spreadsheet's 1,234 is 1234 or 1.234, and its 1.5E+03 may have been 1499."""
    head = "subject;video;onset;offset;type"
    refused_row = table(tmp_path, head, f"s1;a.mp4;{text};9000;micro", "s1;a.mp4;1.0;+9;micro")
    contents = read(refused_row)
    assert onsets(contents) == [1]
    assert "row 2: left out, onset is" in contents.remarks[0]


def vtt(folder, text, name="t.vtt"):
    path = folder / name
    path.write_bytes(text.encode())
    return path


CUE = "00:01.000 --> 00:01.300\nmicro-expression"
NEXT = "00:02.000 --> 00:02.300\nmicro-expression"
CLOCK = Clock(30.0)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"WEBVTT\n\n{CUE}\n{NEXT}\n", 3),
        (f"WEBVTT\n\n1\n{CUE}\n2\n{NEXT}\n", 3),
        (f"WEBVTT\n\n{CUE}\n{NEXT}\n".replace("2.000 -->", "2.000 ->"), 3),
        (f"WEBVTT\n\n{CUE}\n{NEXT}\n".replace("1.000 -->", "1.000 ->"), 3),
        (f"WEBVTT\n{CUE}\n\n{NEXT}\n", 1),
        (f"WEBVTT\n{CUE}\n\n{NEXT}\n".replace("1.000 -->", "1.000 ->"), 1),
        (f"WEBVTT\n\nNOTE by hand\n{CUE}\n\n{NEXT}\n", 3),
        (f"WEBVTT\n\nSTYLE\n::cue {{}}\n{CUE}\n", 3),
        (f"WEBVTT\r\n\r\n{CUE}\r\n{NEXT}\r\n", 3),
    ],
)
def test_blocks_without_a_blank_line_between_are_refused(tmp_path, text, line):
    """A program may show the first of two cues only."""
    with pytest.raises(DatasetError, match=rf"t\.vtt, line {line}: expected a blank line"):
        read(vtt(tmp_path, text), clock=CLOCK)


@pytest.mark.parametrize(
    "text",
    [
        f"WEBVTT\tx\n\n{CUE}\n\n{NEXT}\n",
        f"WEBVTT x\nKind: metadata\nLanguage: en\n\n\n{CUE}\n\n\n{NEXT}",
        f"\ufeffWEBVTT\r\r{CUE}\r\r{NEXT}\r".replace("\n", "\r"),
        f"WEBVTT\n\nNOTE\nseveral\nlines\n\nSTYLE\n::cue {{ color: red }}\n\nREGION\nid:a\n\n"
        f"one\n{CUE}\n\ntwo\n{NEXT}\n",
        "WEBVTT\n\n00:01.000-->00:01.300\nmicro-expression\n\n"
        "0:00:02.000\t-->\t0:00:02.300 position:10% align:end\n"
        "<v Bea><b>micro-expression</b>\n",
    ],
)
def test_all_that_webvtt_allows_is_read(tmp_path, text):
    contents = read(vtt(tmp_path, text), clock=CLOCK)
    assert contents.remarks == ()
    assert onsets(contents) == [30, 60]


def test_more_than_99_hours(tmp_path):
    text = "WEBVTT\n\n100:00:01.000 --> 100:00:01.300\nmicro-expression\n"
    assert onsets(read(vtt(tmp_path, text), clock=CLOCK)) == [30 * 360_001]


@pytest.mark.parametrize(
    "times",
    [
        "NOTE 00:01.000 --> 00:01.300",
        "00:00:01,000 --> 00:00:01,300",
        "1.0 --> 1.3",
        "00:1.000 --> 00:01.300",
    ],
)
def test_times_of_other_formats_are_refused_with_their_line(tmp_path, times):
    with pytest.raises(DatasetError, match="line 6: expected times as"):
        read(vtt(tmp_path, f"WEBVTT\n\n{CUE}\n\n{times}\nmicro-expression\n"), clock=CLOCK)


def test_subtitles_of_a_stream_count_from_elsewhere(tmp_path):
    text = f"WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:900000\n\n{CUE}\n"
    with pytest.raises(DatasetError, match="line 1: X-TIMESTAMP-MAP"):
        read(vtt(tmp_path, text), clock=CLOCK)


def test_subtitles_of_another_kind_are_refused(tmp_path):
    with pytest.raises(DatasetError, match="expected WEBVTT in the first line"):
        read(vtt(tmp_path, f"1\n{CUE}\n"), clock=CLOCK)


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ("00:05.000 --> 00:05.000\nmacro-expression", "ends when it starts, at 5.000 s"),
        ("00:05.000 -> 00:05.500\nmacro-expression", "it is no cue: '00:05.000 -> 00:05.500"),
    ],
)
def test_a_cue_that_is_none_costs_no_other(tmp_path, block, said):
    contents = read(vtt(tmp_path, f"WEBVTT\n\n{block}\n\n{NEXT}\n"), clock=CLOCK)
    assert onsets(contents) == [60]
    assert contents.lost == 1
    assert contents.remarks[0].startswith("t.vtt, line 3: left out, ")
    assert said in contents.remarks[0]
