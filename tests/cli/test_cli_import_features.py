"""``mescope datasets import-features``: a good file, wrong orders, nothing overwritten."""

import json
from pathlib import Path

import pytest
from feature_lists import pickled, samm_sheets, windows

from mescope.samples.feature_files import read_features

ROOT = Path(__file__).parents[2]
ROWS = (("006_1_1", 12, 20, 31, True), ("007_2_1", 40, 41, 45, True))


@pytest.fixture
def words(here):
    root = samm_sheets(here / "sheets", ROWS, emotions=False)
    file = pickled(here / "SAMMLV_dataset.pkl", [windows(2, 30), windows(3, 30)])
    return ["datasets", "import-features", file, "--dataset", "samm-lv", "--root", root]


def test_a_file_becomes_a_folder_of_recordings(run, words, here):
    status, out, err = run(*words, "-o", "features")
    assert status == 0
    assert out.startswith("2 recordings of 2 subjects, 2 micro-expressions, 5 windows of 18")
    assert "2 of 2 micro-expressions have no emotion" in err
    assert "mescope evaluate RECIPE --features features" in err
    assert [one.used for one in read_features(here / "features")[0]] == [45, 60]


def test_as_json(run, words):
    status, out, _ = run(*words, "-o", "features", "--json")
    told = json.loads(out)
    assert status == 0
    assert (told["recordings"], told["frames"], told["regions"]) == (2, 105, "18")
    assert len(told["remarks"]) == 1


def test_nothing_is_overwritten_without_being_asked(run, words):
    assert run(*words, "-o", "features")[0] == 0
    status, _, err = run(*words, "-o", "features")
    assert status == 1
    assert "features.json exists already" in err
    assert run(*words, "-o", "features", "--force")[0] == 0


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--dataset", "casme2"], "published for casme3a and samm-lv, found 'casme2'"),
        (["--root", "nowhere"], "expected the folder of SAMM Long Videos"),
        (["--leave-out", "006_1"], "name 1 recordings"),
        (["--leave-out", "9"], "to leave out, found 9"),
    ],
)
def test_wrong_orders_get_one_line(run, words, more, says):
    status, _, err = run(*words, "-o", "features", *more)
    assert status == 1
    assert says in err
    assert len(err.splitlines()) == 1


@pytest.mark.slow
def test_imported_features_are_trained_and_tested_on(run, here, words):
    """Without any video: import, one epoch a fold, report."""
    people = ("006", "007", "009")
    samm_sheets(here / "sheets", [(f"{p}_1_1", 50, 60, 90, True) for p in people])
    pickled(here / "SAMMLV_dataset.pkl", [windows(8, 30, seed=n) for n in range(3)])
    assert run(*words, "-o", "features")[0] == 0
    recipe = ROOT / "src/mescope/recipes/me-tst" / "boosting-vrme-samm-lv-as-published.toml"
    status, out, err = run(
        "evaluate", recipe, "--features", "features", "-o", "run", "--seeds", "1",
        "--set", "optim.epochs=1", "--set", "model.options={dim=8, states=4}",
    )  # fmt: skip
    assert status == 0, err
    assert (here / "run" / "report.html").is_file()
    assert "samm-lv" in out
