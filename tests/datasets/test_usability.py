"""The last line of a check: usable or not, and for what."""

from __future__ import annotations

import layout_casme3
import layout_long
import layout_smic
import layouts
import pytest

from mescope.cli import run
from mescope.datasets import Dataset, open_dataset
from mescope.datasets.usability import usability

COPIES = {
    "casme2": (layouts.write_casme2, "usable for recognition (5 clips of 4 people)"),
    "smic-hs": (layout_smic.write_smic, "usable for recognition (4 clips of 3 people)"),
    "samm-lv": (
        layout_long.write_samm_long,
        "usable for spotting (3 micro- and 4 macro-expressions in 4 recordings); "
        "1 of 8 rows are left out",
    ),
    "casme3c": (
        layout_casme3.write_part_c,
        "usable for recognition (3 micro-expressions of 2 people) and spotting (4 micro- and 1 "
        "macro-expressions in 3 recordings)",
    ),
}


@pytest.mark.parametrize("name", COPIES)
def test_what_a_copy_is_good_for(tmp_path, name, capsys):
    write, line = COPIES[name]
    root = write(tmp_path / "copy")
    assert usability(open_dataset(name, root)) == line
    code = run(["datasets", "check", name, "--root", str(root)])
    assert code == (3 if "left out" in line else 0)
    assert capsys.readouterr().out.rstrip().splitlines()[-1] == line


def test_one_person_and_nobody():
    assert usability(Dataset(name="x", table_rows=0)) == "not usable: nothing could be read"


def test_one_person_cannot_be_split(tmp_path):
    rows = [layouts.CASME2_ROWS[0]]
    line = usability(open_dataset("casme2", layouts.write_casme2(tmp_path / "c", rows)))
    assert line.endswith(
        "(1 clips of 1 person); one person cannot be split into training and test"
    )


def test_a_choice_on_the_command_line(tmp_path, capsys):
    root = layout_long.write_casmesq(tmp_path / "c")
    words = ["datasets", "check", "casmesq", "--root", str(root)]
    assert run([*words, "--choice", "missing_offset=drop"]) == 3
    assert "the offset is 0, not annotated" in capsys.readouterr().out
    assert run([*words, "--choice", "missing_offset"]) == 2
    assert run([*words, "--choice", "missing_offset=5"]) == 1
    assert "expected missing_offset apex" in capsys.readouterr().err
