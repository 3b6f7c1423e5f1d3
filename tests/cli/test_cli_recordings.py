"""``mescope train`` and ``evaluate`` on recordings, from measured motion, without a video."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest
from made_up_recordings import people

from mescope.models.weights import read_card
from mescope.samples.feature_files import write_features

RECIPE = """name = "tiny"
labels = "4-class"
seeds = 1
[model]
name = "me-tst"
[model.options]
dim = 8
depth = 2
states = 4
[data]
kind = "recordings"
[optim]
epochs = 2
batch_size = 16
"""


@pytest.fixture
def recipe(here):
    write_features(here / "features", people(3), regions="18", about="made up")
    (here / "tiny.toml").write_text(RECIPE)
    return "tiny.toml"


def test_a_run_its_files_and_the_same_again(recipe, here, run):
    words = ["evaluate", recipe, "--features", "features", "-o", "out", "--jobs", "1"]
    status, out, err = run(*words, "--keep-weights")
    assert status == 0, err
    assert "tiny, mode clean: loso on casme3a, 6 recordings of 3 people" in out
    assert "with result-level synergy" in out
    assert "as many, at random places" in out
    assert "Published, not ours: ME-TST+ paper (Zou et al.), Table I" in out
    assert "Only 1 of at least 3 seeds" in out
    folder = here / "out"
    assert {p.name for p in folder.glob("*.*")} >= {
        "report.html", "report.json", "found.csv", "truth.csv", "run.json"
    }  # fmt: skip
    assert "mode clean" in (folder / "report.html").read_text()
    first = json.loads((folder / "report.json").read_text())
    status, again, _ = run(*words, "--json")
    assert status == 0
    assert json.loads(again)["methods"] == first["summary"]["methods"]
    # what score makes of the tables is what the report says
    status, scored, _ = run("score", folder / "found.csv", folder / "truth.csv", "--json")
    assert status == 0
    micro = json.loads(scored)["spotting"]["micro"]
    ours = first["summary"]["methods"]["strategy-1"]["per_seed"][0]
    assert [micro[k] for k in ("tp", "fp", "fn")] == [ours[k] for k in ("tp", "fp", "fn")]
    # and the weights of its folds are tested once more
    weights = folder / "weights" / "seed-0"
    words = ["evaluate", recipe, "--features", "features", "--weights", weights, "-o", "two"]
    status, again, err = run(*words, "--jobs", "1", "--json")
    assert status == 0, err
    same = json.loads(again)["methods"]["strategy-1"]["per_seed"][0]
    assert {k: same[k] for k in ours} == ours


def test_weights_from_all_recordings(recipe, here, run):
    status, out, err = run("train", recipe, "--features", "features", "-o", "out")
    assert status == 0, err
    assert out.strip().endswith("tiny.safetensors")
    card = read_card(here / "out" / "tiny.safetensors")
    assert card.trained_on == "6 recordings of 3 people of casme3a"
    assert (card.window, card.dataset, card.without, card.scores) == (20, "casme3a", "", {})
    assert card.proposals["half_length"] == 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("evaluate", "tiny.toml"), "give --dataset and --root, or --features"),
        (("train", "tiny.toml"), "give --dataset and --root, or --features"),
        (
            ("evaluate", "tiny.toml", "--features", "features", "--dataset", "folder"),
            "found both",
        ),
        (("evaluate", "tiny.toml", "--features", "nothing"), "import-features"),
        (
            ("evaluate", "tiny.toml", "--features", "features", "--oracle"),
            "no --oracle for a recipe on recordings",
        ),
        (
            ("evaluate", "tiny.toml", "--features", "features", "--weights", "features"),
            "expected a folder with the weights of folds",
        ),
        (
            ("evaluate", "tiny.toml", "--features", "features", "--set", 'data.regions="5"'),
            "asks for the regions 5",
        ),
        (("evaluate", "clips.toml", "--features", "features"), "which are for recordings"),
        (("evaluate", "clips.toml"), "is tested on clips: give --dataset and --root"),
        (("train", "windows.toml", "--dataset", "folder", "--root", "."), "expected no"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_said_in_a_line(recipe, here, run, words, message):
    (here / "clips.toml").write_text(
        'name = "clips"\n[model]\nname = "flow-cnn"\n[data]\nkind = "flow28"\n'
    )
    (here / "windows.toml").write_text(
        'name = "w"\n[model]\nname = "me-tst-plus-small"\n[data]\nkind = "synthetic"\n'
    )
    status, _, err = run(*words)
    assert status == 1
    assert message in err.replace("\n", " ")
    assert "Traceback" not in err


def test_a_model_of_five_regions_learns_from_simulated_faces_or_says_what_is_wrong(here, run):
    """Once a traceback: 10 channels expected, 36 given."""
    (here / "first.toml").write_text(
        'name = "first"\n[model]\nname = "me-tst"\n[model.options]\nchannels = 10\n'
        '[data]\nkind = "synthetic"\n'
    )
    status, _, err = run("train", "first.toml", "-o", "out")
    assert status == 1
    assert "have 36 channels, [model.options] says 10" in err


@pytest.mark.slow
def test_killed_in_an_epoch_the_same_command_ends_in_the_same_figures(recipe, here):
    """SIGKILL, as a machine that is switched off: nothing is told, nothing is tidied up."""
    words = [
        sys.executable, "-c", "from mescope.cli import main; main()", "evaluate", recipe,
        "--features", "features", "--jobs", "1", "--set", "optim.epochs=20", "--json",
    ]  # fmt: skip
    process = subprocess.Popen([*words, "-o", "cut"], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)  # fmt: skip
    second = here / "cut" / "folds" / "seed-0" / "001" / "checkpoint.safetensors"
    deadline = time.monotonic() + 120
    while not second.exists():  # the first fold is done, the second has finished an epoch
        assert process.poll() is None, "it ended before it was killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    process.wait()
    kept = sorted(p.name for p in (here / "cut" / "folds" / "seed-0").glob("*.json"))
    assert kept == ["000.json"]
    ended = {
        folder: json.loads(
            subprocess.run([*words, "-o", folder], capture_output=True, check=True).stdout
        )
        for folder in ("cut", "whole")
    }
    assert ended["cut"]["methods"] == ended["whole"]["methods"]
