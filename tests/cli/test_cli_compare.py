"""``mescope compare``: modes stay apart, papers stand apart, bad files get one line."""

import json

import pytest

from mescope.cli import run

TRUTH = "subject,video,onset,offset,type\nA,v,10,29,micro\nB,w,5,20,micro\n"


@pytest.fixture
def folder(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "truth.csv").write_text(TRUTH, encoding="utf-8")
    for name, mode in (("one", "clean"), ("two", "clean"), ("theirs", "as_published_metst")):
        assert run(["score", "truth.csv", "truth.csv", "--mode", mode, "--json"]) == 0
        (tmp_path / f"{name}.json").write_text(capsys.readouterr().out, encoding="utf-8")
    return tmp_path


def test_two_modes_are_two_tables(folder, capsys):
    assert run(["compare", "one.json", "theirs.json", "two.json"]) == 0
    ours, theirs = capsys.readouterr().out.split("mode as_published_metst")
    assert "mode clean" in ours
    assert "one" in ours
    assert "two" in ours
    assert "theirs" in theirs


def test_papers_stand_apart_with_their_caution(folder, capsys):
    assert run(["compare", "one.json", "--published", "me-tst"]) == 0
    ours, *papers = capsys.readouterr().out.split("Mind: ")
    assert "0.0912" not in ours
    assert any("0.0912" in paper for paper in papers)
    assert run(["compare", "--published", "ammsm", "--json"]) == 0
    out = json.loads(capsys.readouterr().out)
    assert [t["title"] for t in out["published"]] == ["CASME II", "SAMM", "Ablation"]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["truth.csv"], 1, "expected a report, found no JSON"),
        (["none.json"], 1, "cannot be read"),
        (["list.json"], 1, "found no 'mode'"),
        (["one.json", "one.json"], 1, "found 'one' twice"),
        (["--published", "x"], 1, "expected a system of me-tst"),
        ([], 2, "found neither"),
    ],
)
def test_bad_input_gets_one_line(folder, capsys, words, status, said):
    (folder / "list.json").write_text("[1, 2]", encoding="utf-8")
    assert run(["compare", *words]) == status
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err
