"""Interval tables: what is read, and what is refused with file and line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mescope.errors import DatasetError
from mescope.evaluation.interval_table import read_lengths, read_table
from mescope.events import Interval

HEAD = "subject,video,onset,offset,type,emotion,apex,score\n"


def table(folder, text, encoding="utf-8"):
    path = folder / "table.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("s1,v,9,3,micro,,,", "row 2: expected the offset after the onset, found 9 to 3"),
        ("s1,v,3,9,micro,,12,", "row 2: expected the apex within 3 to 9, found 12"),
        ("s1,v,-3,9,micro,,,", "row 2: onset is '-3': expected a whole frame number from 0 on"),
        ("s1,v,nan,9,micro,,,", "row 2: onset is 'nan': expected a number"),
        ("s1,v,3.5,9,micro,,,", "onset is '3.5': expected a whole frame number"),
        ('s1,v,"3,5",9,micro,,,', "onset is '3,5': expected a whole number, found a comma"),
        ("s1,v,3,,micro,,,", "offset is '': expected a number"),
        ("s1,v,3,9,tiny,,,", "expected the kind micro or macro, found 'tiny'"),
        ("s1,v,3,9,micro,,,inf", "score is 'inf': expected a number"),
        ("s1,,3,9,micro,,,", "expected a video"),
    ],
)
def test_rows_that_make_no_sense(tmp_path, row, said):
    with pytest.raises(DatasetError, match=r"table\.csv") as caught:
        read_table(table(tmp_path, HEAD + row + "\n"))
    assert said in str(caught.value)


def test_all_bad_rows_are_counted(tmp_path):
    text = HEAD + "s1,v,9,3,micro,,,\ns1,v,1,2,micro,,,\ns1,v,8,3,micro,,,\n"
    with pytest.raises(DatasetError, match=r"row 2.*and 1 more"):
        read_table(table(tmp_path, text))


def test_missing_columns_are_named(tmp_path):
    with pytest.raises(DatasetError, match=r"found clip, start.*add recording, onset"):
        read_table(table(tmp_path, "clip,start\n1,2\n"))


def test_other_encodings_empty_and_absent_files(tmp_path):
    with pytest.raises(DatasetError, match="expected UTF-8"):
        read_table(table(tmp_path, HEAD + "Zoë,v,1,2,micro,,,\n", "latin-1"))
    with pytest.raises(DatasetError, match="empty file"):
        read_table(table(tmp_path, ""))
    with pytest.raises(DatasetError, match="cannot be read"):
        read_table(tmp_path / "no.csv")


def test_what_spreadsheets_do_is_read(tmp_path):
    """A byte-order mark, semicolons, capitals, whole numbers as decimals, blank lines."""
    text = "\ufeffSubject;Video;Onset;Offset;Type\ns1;v;3.0;9.0;micro-expression\n;;;;\n"
    [row] = read_table(table(tmp_path, text)).rows
    assert (row.where, row.interval, row.kind) == (("s1", "v"), Interval(3, 9), "micro")


def test_a_video_without_expressions_is_kept(tmp_path):
    found = read_table(table(tmp_path, HEAD + "s1,v1,,,,,,\ns1,v2,1,4,micro,,,\n"))
    assert found.videos == {("s1", "v1"), ("s1", "v2")}
    assert len(found.rows) == 1


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b"]), st.integers(0, 10**6), st.integers(0, 500),
            st.sampled_from(["micro", "macro"]),
        )
    )
)  # fmt: skip
def test_rows_come_back_unchanged(tmp_path_factory, rows):
    text = "".join(f"s,{v},{a},{a + n},{kind},,,\n" for v, a, n, kind in rows)
    back = read_table(table(tmp_path_factory.mktemp("t"), HEAD + text)).rows
    assert [(r.video, r.interval.first, len(r.interval) - 1, r.kind) for r in back] == rows


@pytest.mark.parametrize(
    "text", ["subject,video,frames\n,001_2,90\n", "video,frames\n001_2,90\n"]
)
def test_lengths_without_a_subject_are_found_as_other_rows_without_one(tmp_path, text):
    """Rows of nobody get the person whom the name begins with, or stay as they are."""
    path = table(tmp_path, text)
    for subject in ("001", ""):
        assert read_lengths(path, [(subject, "001_2")]) == {(subject, "001_2"): 90}


@pytest.mark.parametrize("row", ["s1,v,1,200", "s1,v,1.5", 's1,"v,200', "s1,v,x"])
def test_lengths_that_are_none_name_their_row(tmp_path, row):
    path = table(tmp_path, f"subject,video,frames\n{row}\n")
    with pytest.raises(DatasetError, match=r"table\.csv, row 2"):
        read_lengths(path, [("s1", "v")])
