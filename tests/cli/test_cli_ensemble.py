"""``mescope ensemble``: reports in, a report out."""

import json

import pytest
from made_up_report import made_up_report

from mescope.cli import run
from mescope.reports import save_report


@pytest.fixture
def runs(tmp_path):
    for name, skill in (("a", 0.7), ("b", 0.5)):
        (tmp_path / name).mkdir()
        save_report(made_up_report(skill=skill, name=name), tmp_path / name / "report.json")
    return tmp_path


def test_folders_and_files_become_a_run(runs, capsys):
    out = runs / "both"
    words = [str(runs / "a"), str(runs / "b" / "report.json"), "-o", str(out)]
    assert run(["ensemble", *words]) == 0
    told = capsys.readouterr()
    assert "a+b" in told.out
    assert "chosen by these very figures" in told.out
    names = {file.name for file in out.iterdir()}
    assert {"report.json", "report.html", "report.tex", "predictions.csv"} <= names
    assert run(["compare", str(out / "report.json"), str(runs / "a" / "report.json")]) == 0
    assert "both - a, person by person" in capsys.readouterr().out
    before = (out / "report.json").read_bytes()
    assert run(["ensemble", *words]) == 1
    assert "exists" in capsys.readouterr().err
    assert run(["ensemble", *words, "--force", "--name", "pair", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "pair"
    assert (out / "report.json").read_bytes() != before


def test_what_is_no_evaluation_on_clips_is_refused(runs, capsys):
    (runs / "other.json").write_text('{"format": "something"}')
    assert run(["ensemble", str(runs / "a"), str(runs / "other.json")]) == 1
    assert "expected the report of an evaluation on clips" in capsys.readouterr().err
    assert run(["ensemble", str(runs / "a"), str(runs / "nowhere")]) == 1
    assert "nowhere" in capsys.readouterr().err
    assert run(["ensemble", str(runs / "a"), "-o", str(runs / "x")]) == 1
    assert "two evaluations or more" in capsys.readouterr().err
    assert not (runs / "x").exists()
