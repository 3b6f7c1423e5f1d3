"""Part D of the catalogue of bad inputs, where no reader's own test holds it."""

from __future__ import annotations

import datetime
from dataclasses import replace

import layouts
import openpyxl
import pytest

from mescope.datasets import read
from mescope.errors import DatasetError


def messages(problems):
    return " | ".join(map(str, problems))


def test_subjects_that_a_spreadsheet_mangled(tmp_path):
    """Zeros taken off are restored, a date is named."""
    rows = [replace(r, subject=int(r.subject)) for r in layouts.SAMM_ROWS]
    assert read("samm", layouts.write_samm(tmp_path / "a", rows)).subjects[0] == "006"
    root = layouts.write_samm(tmp_path / "b")
    table = root / "SAMM_Micro_FACS_Codes_v2.xlsx"
    book = openpyxl.load_workbook(table)
    book["MICRO_ONLY"].cell(15, 1).value = datetime.datetime(2026, 1, 2)
    book.save(table)
    book.close()
    dataset = read("samm", root)
    assert len(dataset.clips) == len(layouts.SAMM_ROWS) - 1
    told = messages(dataset.errors)
    assert "row 15" in told
    assert "there is no folder of its pictures" in told


@pytest.fixture
def own(tmp_path, video_bytes):
    (tmp_path / "a.mp4").write_bytes(video_bytes)
    return tmp_path


ROWS = "recording,onset,offset,kind\na,3,9,micro\n"


def test_tables_of_other_programs(own):
    """BOM and semicolons are read, another encoding is refused with its row."""
    table = own / "expressions.csv"
    table.write_bytes(b"\xef\xbb\xbf" + ROWS.encode())
    assert len(read("folder", own).recordings[0].expressions) == 1
    table.write_text(ROWS.replace(",", ";"))
    assert len(read("folder", own).recordings[0].expressions) == 1
    table.write_bytes(ROWS.encode() + "录像,1,2,micro\n".encode("gbk"))
    with pytest.raises(DatasetError, match=r"expressions\.csv, row 3: expected UTF-8"):
        read("folder", own)


def test_a_decimal_comma_is_named_with_its_row(own):
    """One column more than the header has."""
    (own / "expressions.csv").write_text("recording,onset,offset,kind\na,3,5,9,micro\n")
    told = messages(read("folder", own).errors)
    assert (
        "row 2: there are more cells than columns; a comma inside a cell or a decimal" in told
    )


def test_expressions_past_the_end_are_listed(own):
    """The film has frames 0 to 99; 100 smells of counting from 1."""
    (own / "expressions.csv").write_text(
        "recording,onset,offset,kind\na,90,100,micro\na,90,150,micro\na,90,99,micro\n"
    )
    dataset = read("folder", own)
    assert len(dataset.recordings[0].expressions) == 1
    first, second = dataset.errors
    assert first.where == "expressions.csv, row 2"
    assert "has frames 0 to 99; count frames from 0" in first.message
    assert second.message.endswith("has frames 0 to 99")


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("casme", "casme.xlsx"), ("casme2", "CASME2-coding"), ("samm", "SAMM"),
        ("smic-hs", "SMIC_all_raw"), ("mmew", "MMEW_Micro_Exp"), ("dfme", "training_full"),
        ("4dme", "4DME_Labelling"), ("casme3a", "part_A"), ("megc2019", "casme2"),
        ("samm-lv", "SAMM"), ("casmesq", "code_final"), ("smic-e-hs", "SMIC-HS-E"),
    ],
)  # fmt: skip
def test_an_empty_folder_says_what_was_looked_for(tmp_path, name, needed):
    with pytest.raises(DatasetError) as caught:
        read(name, tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert needed.lower() in str(caught.value).lower()
