"""``mescope compare``: modes stay apart, papers stand apart, bad files get one line."""

import json

import pytest
from made_up_report import made_up_report
from made_up_spotting import made_up_spotting

from mescope.cli import run
from mescope.reports import save_report, save_spotting_report

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
    assert "F1 at random" in ours
    assert "majority UF1" in theirs


def test_papers_stand_apart_with_their_caution(folder, capsys):
    assert run(["compare", "one.json", "--published", "me-tst"]) == 0
    papers, ours = capsys.readouterr().out.split("mode clean")  # ours last, in sight
    assert "0.0912" not in ours
    assert "0.0912" in papers.split("Note: ", 1)[1]
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


@pytest.fixture
def evaluations(folder):
    save_report(made_up_report((0, 1), name="mine", oracle=True), folder / "mine.json")
    other = made_up_report((5,), name="other", hashes={"labels": "b", "split": "c"})
    save_report(other, folder / "other.json")
    save_report(made_up_report((0,), mode="as_published_htnet"), folder / "htnet.json")
    return folder


def test_spotting_and_evaluations_are_compared_apart(evaluations, capsys):
    words = ["compare", "one.json", "mine.json", "other.json", "htnet.json"]
    assert run(words) == 0
    out = capsys.readouterr().out
    clean, theirs = out.split("mode as_published_htnet, answers")
    assert "mode clean\n" in clean
    assert "mode clean, answers on given clips" in clean
    assert "mine" in clean
    assert "other" in clean
    assert "htnet" in theirs
    assert "labels hashes differ" in clean
    assert "Only 1 of at least 3 seeds" in clean
    assert clean.count("always the most frequent class (negative)") == 8
    ours, oracle = clean.split("mode clean, oracle_best_epoch_on_test")
    best = made_up_report((0, 1), oracle=True).summary()["oracle_best_epoch_on_test"]
    figure = f"{best['all']['uf1']['mean']:.4f}"
    assert figure in oracle
    assert figure not in ours
    assert run([*words, "--json"]) == 0
    groups = json.loads(capsys.readouterr().out)["reports"]
    assert set(groups) == {"clean", "as_published_htnet"}
    assert set(groups["clean"]) == {"one", "mine", "other"}


def test_papers_of_the_same_data_are_found(evaluations, capsys):
    assert run(["compare", "mine.json", "--published", "same"]) == 0
    out = capsys.readouterr().out
    papers, ours = out.split("mode clean, answers")
    composite = papers.split("MERba paper, Table V")[1]
    assert "0.8840" not in ours
    assert "0.8840" in composite
    assert "LBP-TOP" in composite.split("baseline of its organisers")[1]
    assert run(["compare", "--published", "megc2019"]) == 0
    assert "0.5785" in capsys.readouterr().out


def test_two_models_differ_person_by_person(evaluations, capsys):
    better = made_up_report((0, 1, 2), skill=0.9, name="better")
    save_report(better, evaluations / "better.json")
    words = ["compare", "better.json", "one.json", "mine.json", "htnet.json"]
    assert run([*words, "--latex", "tables.tex"]) == 0
    out = capsys.readouterr().out
    apart = out.split("better - mine, person by person")[1]
    assert "better - htnet" not in out  # another mode
    rows = {line.split()[0]: line for line in apart.splitlines() if line}
    means = [made_up_report(s, skill=k, oracle=o).summary()["all"]["uf1"]["mean"]
             for s, k, o in (((0, 1, 2), 0.9, False), ((0, 1), 0.7, True))]  # fmt: skip
    assert f"{means[0] - means[1]:+.4f}" in rows["UF1"]
    assert rows["UF1"].split()[-2:] == ["*", "68"]
    tables = (evaluations / "tables.tex").read_text()
    assert f"{means[0] - means[1]:+.4f}" in tables.split("better - mine")[1]
    assert run([*words, "--latex", "tables.tex"]) == 1  # kept
    assert "exists already" in capsys.readouterr().err
    assert run([*words, "--json"]) == 0
    (pair,) = json.loads(capsys.readouterr().out)["differences"].values()
    assert {one["people"] for one in pair} == {68}
    low, high = next(one["interval"] for one in pair if one["metric"] == "uf1")
    assert 0 < low < high


def test_other_clips_have_no_differences_and_say_so(evaluations, capsys):
    fewer = made_up_report((0, 1, 2))
    kept = tuple(p for p in fewer.predictions if p.person[0] == "samm")
    save_report(made_up_report((0,), predictions=kept[: len(kept) // 3], name="few"),
                evaluations / "few.json")  # fmt: skip
    assert run(["compare", "mine.json", "few.json"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "mine - few: no differences person by person: expected the same clips" in shown


def test_a_damaged_evaluation_gets_one_line(evaluations, capsys):
    path = evaluations / "mine.json"
    path.write_text(path.read_text(encoding="utf-8")[:-50], encoding="utf-8")
    assert run(["compare", "mine.json"]) == 1
    err = capsys.readouterr().err
    assert "mine.json: expected a report, found no JSON" in err
    assert len(err.strip().splitlines()) == 1


@pytest.fixture
def recorded(folder):
    for name, seed, people in (("small", 0, 3), ("large", 4, 3), ("else", 0, 2)):
        report = made_up_spotting((seed,), people=people, each=1)
        save_spotting_report(report, folder / name)
    return folder


def test_evaluations_on_recordings_go_by_their_folders(recorded, capsys):
    words = ["compare", "one.json", "small/report.json", "large/report.json"]
    assert run(words) == 0
    out = capsys.readouterr().out
    assert "mode clean, evaluations on recordings" in out
    assert "small: network, with result-level synergy" in out
    assert "large: flow-peaks" in out
    assert out.count("as many, at random places") == 6
    assert "Only 3 people" in out
    assert "hashes differ" not in out
    assert run([*words, "--json"]) == 0
    groups = json.loads(capsys.readouterr().out)["reports"]
    assert set(groups["clean"]) == {"one", "small", "large"}
    assert run(["compare", "small/report.json", "--published", "same"]) == 0
    ours, papers = capsys.readouterr().out.split("ME-TST+ paper (Zou et al.), Table III")
    assert "0.0487" not in ours
    assert "0.0487" in papers


def test_other_recordings_are_noted_and_no_page_is_written(recorded, capsys):
    words = ["compare", "small/report.json", "else/report.json"]
    assert run(words) == 0
    assert "different recordings or annotations (truth hashes differ)" in (
        capsys.readouterr().out
    )
    assert run([*words, "--html", "c.html"]) == 1
    assert "expected evaluations on the same data" in capsys.readouterr().err
    assert not (recorded / "c.html").exists()


def test_a_page_of_two_runs_is_written_once(recorded, capsys):
    words = ["compare", "small/report.json", "large/report.json", "--html", "c.html"]
    assert run(words) == 0
    assert "the page is c.html" in capsys.readouterr().err
    assert "<title>small, large" in (recorded / "c.html").read_text(encoding="utf-8")
    assert run(words) == 1
    assert "exists" in capsys.readouterr().err
    assert run([*words, "--force"]) == 0
    capsys.readouterr()
    assert run(["compare", "one.json", "small/report.json", "--html", "d.html"]) == 1
    assert 'expected "format": "mescope-spotting"' in capsys.readouterr().err
