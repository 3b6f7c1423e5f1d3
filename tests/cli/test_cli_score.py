"""``mescope score``: tables in, figures out; bad tables get one line."""

import json
from pathlib import Path

import pytest
from made_up_spotting import made_up_spotting

from mescope.cli import run
from mescope.reports import save_spotting_report

TRUTH = "subject,video,onset,offset,type,emotion\nA,v,10,29,micro,negative\nB,w,,,,\n"
FOUND = (
    "subject,video,onset,offset,type,emotion\nA,v,12,31,micro,negative\nB,w,5,9,micro,others\n"
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "truth.csv").write_text(TRUTH, encoding="utf-8")
    (tmp_path / "found.csv").write_text(FOUND, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("read", ["found.csv", "truth.csv"])
@pytest.mark.parametrize("option", ["--submission", "--html"])
def test_force_never_replaces_a_table_that_is_read(folder, capsys, read, option):
    """Nor does another command: a mapping, a comparison, an ensemble."""
    before = (folder / read).read_bytes()
    words = ["score", "found.csv", "truth.csv", option, read, "--rate", "30", "--force"]
    assert run(words) == 1
    assert f"{read} is the file that is read" in capsys.readouterr().err
    for words in (["tiers", read, "-o", read], ["compare", read, "--html", read],
                  ["compare", read, "--latex", read]):  # fmt: skip
        assert run([*words, "--force"]) == 1
        assert f"{read} is the file that is read" in capsys.readouterr().err
    assert (folder / read).read_bytes() == before


@pytest.mark.parametrize("option", ["--rate", "--minutes"])
def test_a_number_without_end_is_wrong_usage(folder, capsys, option):
    words = ["score", "found.csv", "truth.csv", "--rate", "30", "--html", "a.html"]
    assert run([*words, option, "inf"]) == 2
    for words in (["convert", "truth.csv", "o.vtt"], ["agree", "truth.csv", "truth.csv"],
                  ["tiers", "truth.csv"], ["analyze", "a.mp4"]):  # fmt: skip
        assert run([*words, "--rate", "inf"]) == 2
    assert "less than or equal to" in capsys.readouterr().err


def test_figures_as_json(folder, capsys):
    assert run(["score", "found.csv", "truth.csv", "--minutes", "2", "--json"]) == 0
    out = json.loads(capsys.readouterr().out)
    micro = out["spotting"]["micro"]
    assert (micro["tp"], micro["fp"], micro["fn"]) == (1, 1, 0)
    assert micro["false_alarms_per_minute"] == 0.5
    assert out["mode"] == "clean"
    assert out["recognition"]["all"]["n"]["negative"] == 1


def test_figures_as_a_table(folder, capsys):
    assert run(["score", "found.csv", "truth.csv"]) == 0
    out = capsys.readouterr().out
    assert "mode clean: 2 videos, 2 subjects" in out
    assert "0.6667" in out  # F1 of one hit and one false alarm


def test_a_submission_beside_the_figures(folder, capsys):
    words = ["score", "found.csv", "truth.csv", "--submission", "megc.csv"]
    assert run([*words, "--json"]) == 0
    out = capsys.readouterr()
    assert json.loads(out.out)["mode"] == "clean"
    assert "wrote megc.csv" in out.err
    text = "subject,video,onset,offset,emotion\nA,v,13,32,negative\n"  # from 1; no others
    assert Path("megc.csv").read_text(encoding="utf-8") == text
    Path("megc.csv").write_text("mine", encoding="utf-8")
    assert run(words) == 1
    assert "--force replaces it" in capsys.readouterr().err
    assert Path("megc.csv").read_text(encoding="utf-8") == "mine"
    assert run([*words, "--force"]) == 0
    assert Path("megc.csv").read_text(encoding="utf-8") == text


def test_chance_stands_below_every_kind(folder, capsys):
    assert run(["score", "found.csv", "truth.csv", "--minutes", "2"]) == 0
    out = capsys.readouterr().out
    assert out.count("  at random") == 3
    assert "up to the last frame that either table names" in out
    lengths = "subject,video,frames\nA,v,1000\nB,w,500\n"
    Path("lengths.csv").write_text(lengths, encoding="utf-8")
    words = ["score", "found.csv", "truth.csv", "--lengths", "lengths.csv"]
    assert run(words) == 0
    assert "anywhere in its video" in capsys.readouterr().out
    assert run([*words, "--minutes", "2", "--json"]) == 0
    chance = json.loads(capsys.readouterr().out)["chance"]
    assert chance["spotting"]["micro"]["f1"] < 0.2
    assert chance["spotting"]["micro"]["false_alarms_per_minute"] > 0.9
    Path("lengths.csv").write_text("subject,video,frames\nA,v,1000\n", encoding="utf-8")
    assert run(words) == 1
    assert "lengths.csv: expected the frames of every video" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no.csv", "truth.csv"], "no.csv: cannot be read"),
        (["found.csv", "truth.csv", "--mode", "cleen"], "expected a mode of clean"),
        (["found.csv", "truth.csv", "--classes", "a,b"], "name the classes or map them"),
    ],
)
def test_bad_input_gets_one_line(folder, capsys, words, said):
    assert run(["score", *words]) == 1
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1


def test_a_broken_row_is_named(folder, capsys):
    Path("found.csv").write_text(FOUND.replace("5,9", "9,5"), encoding="utf-8")
    assert run(["score", "found.csv", "truth.csv"]) == 1
    assert "found.csv, row 3: expected the offset after the onset" in capsys.readouterr().err


def test_the_tables_of_a_run_give_its_figures_exactly(tmp_path, capsys):
    """Counts, intervals, recognition and chance: nothing is lost on the way through CSV."""
    report = made_up_spotting((0, 1), people=4, macro=True)
    save_spotting_report(report, tmp_path)
    found, truth = str(tmp_path / "found.csv"), str(tmp_path / "truth.csv")
    words = ["score", found, truth, "--lengths", truth, "--minutes", repr(report.minutes)]
    assert run([*words, "--json"]) == 0
    out = json.loads(capsys.readouterr().out)
    assert out["spotting"]["macro"]["tp"] > 0
    assert out["recognition"]["without others"]["strs"] > 0
    summary = json.loads(json.dumps(report.summary()))
    assert {key: summary[key] for key in out} == out
