"""The table of data sets, problems, and corrections that know when not to apply."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import layout_long
import layouts
import pytest

from mescope.annotations.problems import Problem
from mescope.datasets import DATASETS, Correction, read
from mescope.datasets.base import RENDERED_MARK, corrected
from mescope.datasets.workbook import whole
from mescope.errors import DatasetError

FIX = Correction(
    subject="s1", name="c", column="Offset", given={"Offset": 9}, now=91, why="it runs to 91"
)


def test_a_correction_applies_where_the_wrong_value_stands() -> None:
    cells, messages = corrected({"Onset": 3, "Offset": 9}, ("s1", "c"), [FIX])
    assert cells == {"Onset": 3, "Offset": 91}
    assert messages == ["Offset 9 corrected to 91: it runs to 91"]


def test_a_correction_leaves_a_right_sheet_alone() -> None:
    right = {"Onset": 3, "Offset": 91}
    assert corrected(right, ("s1", "c"), [FIX]) == (right, [])


@pytest.mark.parametrize("key", [("s2", "c"), ("s1", "d")])
def test_a_correction_is_for_one_clip_of_one_person(key: tuple[str, str]) -> None:
    assert corrected({"Offset": 9}, key, [FIX]) == ({"Offset": 9}, [])


def test_a_third_value_is_kept_and_told() -> None:
    cells, (message,) = corrected({"Offset": 40}, ("s1", "c"), [FIX])
    assert cells == {"Offset": 40}
    assert "expected Offset 9, found Offset 40" in message


def test_the_given_cells_are_not_changed() -> None:
    cells = {"Offset": 9}
    corrected(cells, ("s1", "c"), [FIX])
    assert cells == {"Offset": 9}


def test_unknown_names_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="did you mean 'casme2'"):
        read("cazme2", tmp_path)
    for name in DATASETS:
        with pytest.raises(DatasetError, match="expected the folder of"):
            read(name, tmp_path / "nowhere")
        with pytest.raises(DatasetError):
            read(name, tmp_path)
        assert DATASETS[name].obtain


def test_a_problem_reads_as_a_line() -> None:
    problem = Problem("error", "a.xlsx/Sheet1, row 3", "offset is before onset")
    assert str(problem) == "error: a.xlsx/Sheet1, row 3: offset is before onset"


@pytest.mark.parametrize(
    ("cell", "number"),
    [(46, 46), ("46", 46), (46.0, 46), ("46.5", None), ("/", None), ("3,647", None),
     (None, None), (float("nan"), None), (-1, -1), ("inf", None)],
)  # fmt: skip
def test_whole_numbers_of_cells(cell: object, number: int | None) -> None:
    assert whole(cell) == number


def test_importing_the_readers_loads_no_torch() -> None:
    code = "import sys, mescope.datasets; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_drawn_faces_in_a_real_layout_are_called_what_they_are(tmp_path: Path) -> None:
    root = layout_long.write_samm_long(tmp_path / "lv")
    assert {r.dataset for r in read("samm-lv", root).recordings} == {"samm-lv"}
    (root / RENDERED_MARK).write_text("nobody sat for these\n")
    found = read("samm-lv", root)
    assert {r.dataset for r in found.recordings} == {"synthetic"}
    assert found.name == "samm-lv"
    clips = layouts.write_samm(tmp_path / "samm")
    (clips / RENDERED_MARK).touch()
    assert {c.dataset for c in read("samm", clips).clips} == {"synthetic"}
