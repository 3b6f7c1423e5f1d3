"""``mescope search``: candidates, winner, tuned weights; stopped and gone on with; refusals."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from mescope.cli import run
from mescope.models.weights import load, read_card
from mescope.training import search
from mescope.training.recipe import parse_recipe, read_clip_recipe, recipe_text

RECIPE = """name = "tiny"
seeds = 1

[data]
kind = "flow28"
channels = 2
standardise = true

[optim]
epochs = 3
batch_size = 8
schedule = "cosine"

[task]
adaptive_epochs = 2
mesa = 1.0

[model]
name = "ammsm-s28"

[model.options]
spatial = false
dim = 8
heads = [1, 1, 2, 2]
states = 4
magnifier_width = 4
magnifier_levels = 2
dropped = "gather"
"""


@pytest.fixture
def maps(tmp_path):
    return written(tmp_path / "maps.npz", 4)


def written(path, people):
    rng = np.random.default_rng(0)
    n = 3 * people
    np.savez(
        path,
        flow=rng.integers(0, 256, (n, 28, 28, 3)).astype(np.uint8),
        label=np.arange(n) % 3,
        subject=np.array([f"s{i // 3:02d}" for i in range(n)]),
        clip=np.array([f"clip {i}" for i in range(n)]),
        dataset=np.array(["smic"] * n),
    )
    return path


def arguments(folder, maps, *more, text=RECIPE):
    recipe = folder / "tiny.toml"
    recipe.write_text(text)
    return [
        "search", str(recipe), "--dataset", "flow28", "--root", str(maps), "-o",
        str(folder / "run"), "--population", "4", "--generations", "1", *more,
    ]  # fmt: skip


def test_a_search_its_files_and_going_on(tmp_path, maps, capsys, monkeypatch):
    plain, calls = search.HeldOutLoss.__call__, []

    class StopError(BaseException):
        pass

    def stopping(self, genome):
        if len(calls) == 2:
            raise StopError
        calls.append(genome)
        return plain(self, genome)

    monkeypatch.setattr(search.HeldOutLoss, "__call__", stopping)
    with pytest.raises(StopError):
        run(arguments(tmp_path, maps))
    folder = tmp_path / "run"
    assert len((folder / "search.jsonl").read_text().splitlines()) == 3
    assert not list(folder.glob("*-searched*"))
    monkeypatch.setattr(search.HeldOutLoss, "__call__", plain)
    assert run([*arguments(tmp_path, maps), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert 5 <= shown["candidates"] <= 6
    assert shown["loss"] == shown["best"][-1] <= shown["best"][0]
    rows = [json.loads(x) for x in (folder / "search.jsonl").read_text().splitlines()[1:]]
    assert [tuple(row["genome"]) for row in rows[:2]] == calls
    best = min(rows, key=lambda row: row["loss"])
    assert best["genome"][-1] == shown["winner"]["alpha"]
    assert (folder / "search.png").read_bytes().startswith(b"\x89PNG")
    winner = read_clip_recipe(shown["recipe"])
    assert winner.model.options["ratios"] == shown["winner"]["ratios"]
    assert (winner.optim.hold_out, winner.task.search_population) == (0.0, 0)
    model, card = load(shown["weights"])
    assert model.config.alpha == shown["winner"]["alpha"]
    assert [list(stage) for stage in model.config.ratios] == shown["winner"]["ratios"]
    assert len(shown["chosen_on"]) == 1
    assert "clips of 3 people" in card.trained_on
    before = {k: v.clone() for k, v in model.state_dict().items()}
    kept = {p.name: p.stat().st_mtime_ns for p in folder.iterdir()}
    assert run(arguments(tmp_path, maps)) == 0  # done already: the same comes out
    told = capsys.readouterr()
    assert told.out.strip() == shown["recipe"]
    assert "was finished before and is kept" in told.err
    assert {p.name: p.stat().st_mtime_ns for p in folder.iterdir()} == kept
    (folder / "search.png").unlink()
    (folder / "tiny-searched.safetensors").unlink()
    assert run(arguments(tmp_path, maps)) == 0
    assert "was completed: what was there is kept" in capsys.readouterr().err
    assert kept.keys() == {p.name for p in folder.iterdir()}
    log = (folder / "search.jsonl").read_bytes()
    (folder / "search.jsonl").unlink()  # the tuned weights must not choose another winner
    assert run(arguments(tmp_path, maps)) == 1
    assert "lacks candidates" in capsys.readouterr().err
    (folder / "search.jsonl").write_bytes(log)
    after = load(shown["weights"])[0].state_dict()
    assert all(torch.equal(after[k], v) for k, v in before.items())
    assert read_card(shown["weights"]).config["alpha"] == shown["winner"]["alpha"]


WRONG = {
    "two people": (RECIPE, 2, [], "3 training people or more"),
    "no ammsm": (
        RECIPE.split("[task]")[0].replace("channels = 2", "channels = 3")
        + '[model]\nname = "ststnet"',
        4,
        [],
        "a recipe of AMMSM",
    ),
    "no adaptive epochs": (RECIPE.replace("adaptive_", "# "), 4, [], "adaptive_epochs"),
    "everybody held out": (RECIPE, 4, ["--share", "0.9"], "3 training people or more"),
    "nobody": (RECIPE, 4, ["--share", "0"], "hold_out"),
    "nothing to search": (
        RECIPE + "sparse = false\nmagnify = false\n", 4, [], "ratios or a factor",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_wrong_use_says_what_to_mend(case, tmp_path, capsys):
    text, people, more, says = WRONG[case]
    maps = written(tmp_path / "maps.npz", people)
    assert run(arguments(tmp_path, maps, *more, text=text)) == 1
    shown = capsys.readouterr()
    assert says in shown.err
    assert shown.out == ""


def test_another_search_in_the_folder_is_kept(tmp_path, maps, capsys):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "search.jsonl").write_text('{"search": {"recipe": 1}}\n')
    assert run(arguments(tmp_path, maps)) == 1
    assert "another search" in capsys.readouterr().err


def test_a_recipe_written_is_the_recipe_read():
    recipe = parse_recipe(RECIPE)
    assert parse_recipe(recipe_text(recipe)) == recipe
