"""From a data set on disk to a report: what was planted on one face is named on another."""

from __future__ import annotations

import json

import openpyxl
import pytest
from clip_sets import rendered, write

from mescope.cli import run
from mescope.synthesis.portraits import test_portraits

MOVES = {"happiness": ("12",), "surprise": ("1", "2"), "disgust": ("4",)}
RECIPE = """name = "faces"
seeds = 1
[model]
name = "svm-flow"
options.C = 0.01
[data]
kind = "flow"
"""


@pytest.fixture(scope="module")
def casme2(tmp_path_factory):
    """CASME II in its layout: two people who smile, raise their brows and frown."""
    root = tmp_path_factory.mktemp("casme2")
    book = openpyxl.Workbook()
    book.active.append(
        ["Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None,
         "Action Units", "Estimated Emotion"]
    )  # fmt: skip
    for person, portrait in enumerate(test_portraits(), 1):
        for emotion, units in MOVES.items():
            for k, peak in enumerate((0.8, 1.0)):
                name = f"EP0{k + 1}_{emotion}"
                folder = root / "CASME2_RAW_selected" / f"sub0{person}" / name
                write(folder, rendered(portrait, units, peak=peak))
                row = [f"0{person}", name, None, 46, 54, 65, None, "+".join(units), emotion]
                book.active.append(row)
    book.save(root / "CASME2-coding-20140508.xlsx")
    book.close()
    return root


@pytest.mark.slow
def test_planted_emotions_are_named_on_a_face_never_seen(casme2, tmp_path, capsys):
    (tmp_path / "faces.toml").write_text(RECIPE)
    arguments = [
        "evaluate", str(tmp_path / "faces.toml"), "--dataset", "casme2", "--root", str(casme2),
        "-o", str(tmp_path / "run"), "--jobs", "1",
    ]  # fmt: skip
    assert run([*arguments, "--json"]) == 0
    shown = capsys.readouterr()
    summary = json.loads(shown.out)
    assert summary["all"]["clips"] == 12
    assert summary["all"]["people"] == 2
    assert summary["all"]["uf1"]["mean"] > 0.8
    assert "warnings about the data" in shown.err  # far fewer clips than published
    kept = list((tmp_path / "run" / "features").rglob("*.*"))
    assert kept  # what was measured is there for the next run
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "mode clean" in page


def test_a_recipe_for_other_data_is_refused_before_anything_is_measured(
    casme2, tmp_path, capsys
):
    simulated = RECIPE.replace('"flow"', '"synthetic-maps"\nmaps = 9')
    simulated = simulated.replace('"svm-flow"\noptions.C = 0.01', '"flow-cnn"')
    (tmp_path / "maps.toml").write_text(simulated)
    arguments = ["evaluate", str(tmp_path / "maps.toml"), "--dataset", "casme2"]
    assert run([*arguments, "--root", str(casme2), "-o", str(tmp_path / "run")]) == 1
    assert "is run by `mescope train`" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
