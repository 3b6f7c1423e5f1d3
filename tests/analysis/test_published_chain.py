"""From a published checkpoint to a report: import, average, analyze, spot; nothing is real."""

import json

import numpy as np
import pytest
import torch
from published_states import SMALL, made_up

from mescope.cli import run
from mescope.models import weights
from mescope.synthesis.dynamics import random_script
from mescope.synthesis.encode import write_video
from mescope.synthesis.portraits import drawn_portrait
from mescope.synthesis.render import SyntheticVideo

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A short rendered recording, and two folds as their authors would offer them."""
    folder = tmp_path_factory.mktemp("desk")
    script = random_script(np.random.default_rng(1), 3.0, level="calm", micro_per_minute=15)
    write_video(SyntheticVideo(drawn_portrait(3), script), folder / "face.mp4")
    for number in (6, 7):
        torch.save(
            made_up("me-tst-plus", seed=number, **SMALL), folder / f"subject_{number}.pkl"
        )
    return folder


@pytest.fixture
def ask(desk, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(desk)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def call(*words):
        assert run([str(word) for word in words]) == 0
        return capsys.readouterr()

    return call


def test_published_folds_are_imported_averaged_and_asked(ask, desk, tmp_path):
    sizes = [f"--set={name}={value}" for name, value in SMALL.items()]
    (desk / "folds").mkdir()
    for number in (6, 7):
        ask(
            "models", "import", f"subject_{number}.pkl", "--as", "me-tst-plus", *sizes,
            "--trained-on", "casme3", "--without", f"spNO.{number}", "-o", "folds", "--name",
            f"without-{number}",
        )  # fmt: skip
    one = weights.read_card(desk / "folds" / "without-6.safetensors")
    ask("analyze", "face.mp4", "--model", "folds/without-6.safetensors", "-o", tmp_path / "one")
    alone = json.loads((tmp_path / "one" / "face.json").read_text(encoding="utf-8"))
    about = alone["provenance"]
    assert (about["model"], about["architecture"]) == ("without-6", "me-tst-plus")
    assert about["weights_sha256"] == one.sha256
    assert "CAS(ME)^3 without subject spNO.6" in about["trained_on"]
    assert "none is stated" in about["weights_licence"]
    assert about["simulated"] is False
    measured = about["parameters"]["extraction"]
    assert (measured["mode"], measured["window"], measured["reference"]) == (
        "as_published", 50, "late",
    )  # fmt: skip
    assert about["parameters"]["spotting"] == one.proposals
    page = (tmp_path / "one" / "face.html").read_text(encoding="utf-8")
    assert "without subject spNO.6" in page
    assert "sha256" in page

    ask("analyze", "face.mp4", "--model", "folds", "-o", tmp_path / "mean")
    both = json.loads((tmp_path / "mean" / "face.json").read_text(encoding="utf-8"))
    about = both["provenance"]
    assert about["model"] == "folds (mean of 2 folds)"
    assert [fold["without"] for fold in about["folds"]] == ["spNO.6", "spNO.7"]
    assert about["parameters"]["extraction"] == measured
    page = (tmp_path / "mean" / "face.html").read_text(encoding="utf-8")
    assert "folds (mean of 2 folds)" in page
    assert all(fold["sha256"] in page for fold in about["folds"])

    files = [f"folds/without-{number}.safetensors" for number in (6, 7)]
    told = ask("spot", "face.mp4", "--model", files[0], "--model", files[1], "--json").out
    entry = json.loads(told)["results"][0]
    assert [i["onset"] for i in entry["intervals"]] == [d["onset"] for d in both["detections"]]
