"""``mescope evaluate``: from a file of flow maps to a page, resumed, and every refusal."""

from __future__ import annotations

import json

import numpy as np
import pytest

from mescope.cli import run

RECIPE = """name = "tiny"
seeds = 1
[model]
name = "flow-cnn"
[data]
kind = "flow28"
standardise = true
[optim]
epochs = 2
batch_size = 8
"""


@pytest.fixture
def maps(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "maps.npz"
    np.savez(
        path,
        flow=rng.integers(0, 256, (12, 28, 28, 3)).astype(np.uint8),
        label=np.arange(12) % 3,
        subject=np.array([f"s{i // 4:02d}" for i in range(12)]),
        clip=np.array([f"clip {i}" for i in range(12)]),
        dataset=np.array(["smic"] * 12),
    )
    return path


@pytest.fixture
def arguments(tmp_path, maps):
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(RECIPE)
    return [
        "evaluate", str(recipe), "--dataset", "flow28", "--root", str(maps),
        "-o", str(tmp_path / "run"), "--jobs", "1",
    ]  # fmt: skip


def test_folds_in_parts_give_the_report_of_the_whole(arguments, tmp_path, capsys):
    """Parts into one folder, as an array of jobs does; the report with the last."""
    assert run([*arguments, "--json"]) == 0
    whole = json.loads(capsys.readouterr().out)
    parts = [str(tmp_path / "parts") if a == str(tmp_path / "run") else a for a in arguments]
    assert run([*parts, "--folds", "2-3"]) == 0
    assert "2 of 3 folds are done, missing: 1 of seed 0" in capsys.readouterr().err
    assert not (tmp_path / "parts" / "report.html").exists()
    assert run([*parts, "--collect"]) != 0
    assert "missing: 1 of seed 0" in capsys.readouterr().err
    assert run([*parts, "--folds", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["all"] == whole["all"]
    assert run([*parts, "--collect", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["all"] == whole["all"]


@pytest.mark.parametrize("command", ["evaluate", "train"])
def test_what_a_reader_lets_choose_reaches_it(arguments, capsys, command):
    """These maps let choose nothing, and say so; a choice without a value is none."""
    words = [command, *arguments[1:6]]
    assert run([*words, "--choice", "missing_offset=apex"]) != 0
    assert "missing_offset" in capsys.readouterr().err
    assert run([*words, "--choice", "apex"]) != 0
    assert "expected --choice NAME=VALUE" in capsys.readouterr().err


@pytest.mark.parametrize("folds", ["0", "3-2", "a", "1-", "", "1,,2", "99999999"])
def test_folds_that_are_none_are_refused(arguments, tmp_path, capsys, folds):
    assert run([*arguments, f"--folds={folds}"]) != 0
    assert "folds" in capsys.readouterr().err
    assert not (tmp_path / "run" / "folds").exists()


def test_a_run_and_its_files(arguments, tmp_path, capsys):
    assert run(arguments) == 0
    shown = capsys.readouterr()
    assert "tiny, mode clean: loso on smic, 12 clips of 3 people" in shown.out
    assert "always the most frequent class" in shown.out
    assert "Only 1 of at least 3 seeds" in shown.out
    assert "Published, not ours" not in shown.out  # papers have no such data set alone
    assert "2 warnings about the data" in shown.err  # fewer clips and people than published
    folder = tmp_path / "run"
    assert "mode clean" in (folder / "report.html").read_text()
    report = json.loads((folder / "report.json").read_text())
    assert len(report["predictions"]) == 12
    assert len((folder / "predictions.csv").read_text().splitlines()) == 13
    assert len(list(folder.glob("folds/seed-0/*.json"))) == 3
    kept = {p: p.stat().st_mtime_ns for p in folder.glob("folds/*/*.json")}
    whole = {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.glob("*.*")}
    assert run([*arguments, "--json"]) == 0  # goes on: nothing is left to do
    told = capsys.readouterr()
    assert "was finished before and is kept" in told.err
    again = json.loads(told.out)
    assert whole == {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.glob("*.*")}
    (folder / "report.html").unlink()
    assert run(arguments) == 0
    assert "was completed: what was there is kept" in capsys.readouterr().err
    assert (folder / "report.html").read_bytes() == whole["report.html"][0]
    assert again["all"]["clips"] == 12
    assert kept == {p: p.stat().st_mtime_ns for p in folder.glob("folds/*/*.json")}
    assert run(["compare", str(folder / "report.json")]) == 0
    assert "tiny" in capsys.readouterr().out


def test_the_oracle_stands_apart(arguments, capsys):
    assert run([*arguments, "--oracle"]) == 0
    shown = capsys.readouterr().out
    head, _, oracle = shown.partition("oracle_best_epoch_on_test")
    assert oracle
    assert "no result" in shown
    assert "all" in head


def test_another_recipe_in_the_same_folder_is_refused(arguments, tmp_path, capsys):
    assert run(arguments) == 0
    (tmp_path / "tiny.toml").write_text(RECIPE.replace("epochs = 2", "epochs = 3"))
    assert run(arguments) == 1
    assert "holds the results of another run: recipe" in capsys.readouterr().err


REFUSED = {
    "typing slip": (RECIPE.replace("epochs", "epoch"), [], 1, "did you mean 'epochs'"),
    "other data": (RECIPE.replace("flow28", "clips"), [], 1, "expected data for 'clips'"),
    "model": (RECIPE.replace("flow-cnn", "flow-cn"), [], 1, "did you mean 'flow-cnn'"),
    "protocol": (RECIPE, ["--protocol", "los"], 1, "expected a protocol of loso"),
    "engine": (RECIPE, ["--engine", "slurm"], 1, "expected an engine of local, ray"),
    "spotting recipe": (
        'name = "x"\nmodel.name = "me-tst"\ndata.kind = "synthetic"\n', [], 1,
        "run by `mescope train`",
    ),
    "seeds": (RECIPE, ["--seeds", "0"], 2, "seeds"),
    "data set": (RECIPE, ["--dataset", "flow29"], 1, "no data set 'flow29'"),
    "root": (RECIPE, ["--root", "/nowhere"], 1, "found none at /nowhere"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_run_is_one_line(case, arguments, tmp_path, capsys):
    text, more, status, message = REFUSED[case]
    (tmp_path / "tiny.toml").write_text(text)
    assert run([*arguments, *more]) == status
    shown = capsys.readouterr()
    assert message in shown.err
    assert len(shown.err.strip().splitlines()) <= 3
    assert "Traceback" not in shown.err


def test_too_few_people_are_refused(tmp_path, arguments, capsys):
    stored = dict(np.load(tmp_path / "maps.npz"))
    stored["subject"][:] = "s01"
    np.savez(tmp_path / "maps.npz", **stored)
    assert run(arguments) == 1
    assert "expected training items, found none" in capsys.readouterr().err


def test_a_split_of_clips_is_told_apart(arguments, tmp_path, capsys):
    assert run([*arguments, "--protocol", "70-30-clips"]) == 0
    shown = capsys.readouterr()
    assert "mode as_published_subject_dependent: 70-30-clips on smic, 3 clips" in shown.out
    assert "Subject-dependent: people of the test part were learned from" in shown.out
    assert "as_published_subject_dependent" in (tmp_path / "run" / "report.html").read_text()


FACES = """name = "faces"
labels = "4-class"
seeds = 1
[model]
name = "videomamba-xs"
[model.options]
dim = 16
depth = 1
[data]
kind = "faces"
size = 28
frames = 4
draws = 1
channels = 1
macro = true
rsmix = true
control = true
[optim]
epochs = 1
batch_size = 8
[augment]
flip = true
"""


def test_rendered_recordings_from_the_command_line(tmp_path, capsys):
    """Rendered, found by dlib, mixed, learned from, named: the whole way of a real data set."""
    from mescope.synthesis.corpus import write_corpus

    made = write_corpus(
        tmp_path / "corpus", 3, 1, duration=6.0, rate=15.0, levels=("calm",),
        micro_per_minute=60, macro_per_minute=0,
    )  # fmt: skip
    planted = sum(len(r.expressions) for r in made)
    (tmp_path / "faces.toml").write_text(FACES)
    words = [
        "evaluate", str(tmp_path / "faces.toml"), "--dataset", "folder", "--jobs", "1",
        "--root", str(tmp_path / "corpus"), "--cache", str(tmp_path / "kept"),
    ]  # fmt: skip
    assert run([*words, "--protocol", "loso", "-o", str(tmp_path / "run")]) == 0
    said = capsys.readouterr().out
    assert "Shortcut control" in said
    assert "Simulated faces" in said
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert 3 <= len(report["predictions"]) <= planted
    assert len(report["control"]) >= 1
    assert len(list((tmp_path / "kept").rglob("*.cache"))) == 3
    assert not (tmp_path / "run" / "features").exists()
