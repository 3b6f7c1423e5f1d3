"""Every sheet saved as text, or under another suffix, reads as the workbook did."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import layout_casme3
import layout_clips
import layout_long
import layout_sheets
import layouts
import pytest
from layout_sheets import SmicLine, resaved

from mescope.datasets import open_dataset
from mescope.datasets.text_sheets import decoded
from mescope.datasets.workbook import find_workbooks, read_sheets
from mescope.errors import DatasetError


def smic_e(root: Path) -> Path:
    lines = (SmicLine("s1_ne_01", [(12, 20)], 5, 30), SmicLine("s2_po_03", [(8, 9)], 5, 30))
    return layout_sheets.smic_e(root, lines, 17)


def part_a(root: Path) -> Path:
    few = {video: layout_casme3.PICTURES_A[video] for video in ("spNO.1/a", "spNO.1/b")}
    return layout_casme3.write_part_a(root, layout_casme3.ROWS_A[:3], pictures=few)


LAYOUTS: dict[str, Callable[[Path], Path]] = {
    "casme": layout_clips.write_casme,
    "casme2": layouts.write_casme2,
    "samm": layouts.write_samm,
    "samm-lv": layout_long.write_samm_long,
    "casmesq": layout_long.write_casmesq,
    "casme3a": part_a,
    "casme3c": layout_casme3.write_part_c,
    "smic-e-hs": smic_e,
    "mmew": layout_clips.write_mmew,
    "4dme": layout_clips.write_4dme,
    "dfme": layout_clips.write_dfme,
}
STYLES = (
    (".csv", ",", ""), (".TSV", "\t", ""), (".csv", ";", "sep=;\r\n"), (".Csv", ";", ""),
)  # fmt: skip


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_sheet_may_be_text(tmp_path, name):
    root = LAYOUTS[name](tmp_path / "copy")
    before = open_dataset(name, root)
    books = [p for p in root.rglob("*.xls*") if p.is_file()]
    assert books
    for i, path in enumerate(sorted(books)):
        suffix, separator, head = STYLES[(i + len(name)) % len(STYLES)]
        resaved(path, suffix, separator, head)
    after = open_dataset(name, root)
    assert after.clips == before.clips
    assert after.recordings == before.recordings
    assert len(after.errors) == len(before.errors)
    assert after.table_rows == before.table_rows


def test_workbooks_in_capitals_and_with_another_suffix(tmp_path):
    root = layout_clips.write_mmew(tmp_path / "MMEW")
    count = len(open_dataset("mmew", root).clips)
    for name in ("MMEW_MICRO_EXP.XLSX", "mmew_micro_exp.XLS", "MMEW_Micro_Exp.csv"):
        (path,) = find_workbooks(root, ("MMEW_Micro_Exp.xlsx",))
        shutil.move(path, root / name)  # what it is decides, not what it is called
        assert len(open_dataset("mmew", root).clips) == count


def test_a_workbook_goes_before_its_own_text(tmp_path):
    root = layout_clips.write_mmew(tmp_path / "MMEW")
    (root / "MMEW_Micro_Exp.csv").write_text("nothing", encoding="utf-8")
    assert len(open_dataset("mmew", root).clips) == 3


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "gb18030"])
def test_remarks_in_any_encoding_cost_no_row(tmp_path, encoding):
    root = layout_clips.write_mmew(tmp_path / "MMEW")
    path = resaved(root / "MMEW_Micro_Exp.xlsx")
    text = path.read_text(encoding="utf-8-sig")
    note = "注意" if encoding == "gb18030" else "größer"
    lines = text.splitlines()
    path.write_bytes("\r\n".join([lines[0], f"{lines[1]}{note}", *lines[2:]]).encode(encoding))
    assert len(open_dataset("mmew", root).clips) == 3


def test_quoted_commas_and_lines_stay_in_their_cell(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('a,"4,24",c\n"two\nlines",5,"say ""x"""\n', encoding="utf-8")
    assert read_sheets(path) == {"a": [["a", "4,24", "c"], ["two\nlines", "5", 'say "x"']]}


@pytest.mark.parametrize("data", [b"\0\1\2" * 40, b'a,"b\nc,d\n', b"PK\3\4 cut short"])
def test_what_is_neither_text_nor_workbook_is_told(tmp_path, data):
    root = layout_clips.write_mmew(tmp_path / "MMEW")
    (root / "MMEW_Micro_Exp.xlsx").write_bytes(data)
    with pytest.raises(DatasetError, match="expected an Excel workbook that opens without"):
        open_dataset("mmew", root)


def test_no_bytes_are_no_sheet():
    assert decoded(b"") == ""


def test_a_sheet_of_eye_blinks_saved_by_itself(tmp_path):
    root = part_a(tmp_path / "c")
    before = open_dataset("casme3a", root)
    for path in sorted(root.rglob("*.xls*")):
        resaved(path)  # the first sheet only: the blinks are gone
    assert open_dataset("casme3a", root).events == {}
    text = "Subject,Filename,Onset,Offset\nspNO.1,a,1,4\n"
    (root / "annotation" / "eye blink.CSV").write_text(text, encoding="utf-8")
    assert open_dataset("casme3a", root).events == before.events != {}
