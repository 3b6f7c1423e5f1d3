"""The app with other weights than the shipped ones: told at the start, and used by analyses."""

import numpy as np
import pytest
import torch
from app_server import serving
from published_states import SMALL, made_up

from mescope.app.limits import Limits
from mescope.cli import run
from mescope.models.me_tst_import import import_checkpoint
from mescope.synthesis.dynamics import random_script
from mescope.synthesis.encode import write_video
from mescope.synthesis.portraits import drawn_portrait
from mescope.synthesis.render import SyntheticVideo


@pytest.fixture
def folds(tmp_path):
    folder = tmp_path / "folds"
    folder.mkdir()
    for number in (1, 2):
        torch.save(made_up("me-tst", seed=number, **SMALL), tmp_path / "fold.pkl")
        import_checkpoint(
            tmp_path / "fold.pkl", folder / f"{number}.safetensors", "me-tst", **SMALL
        )
    return folder


def test_a_worker_is_told_which_weights_to_take(tmp_path):
    with serving(tmp_path, models=["a.safetensors", "b.safetensors"]) as served:
        identity = served.analyzed("good.mp4")
        about = served.client.get(f"/api/recordings/{identity}").json()
    assert about["model"] == "a.safetensors + b.safetensors"


def test_weights_that_cannot_be_used_are_told_before_anything_starts(tmp_path, folds, capsys):
    words = ["app", str(tmp_path), "--no-browser", "--port", "0", "--model"]
    assert run([*words, "me-tst-plus-casc"]) == 1
    assert "there are no weights 'me-tst-plus-casc'" in capsys.readouterr().err
    more = ["--model", "me-tst-plus-small"]
    assert run([*words, str(folds), *more]) == 1
    assert "cannot be averaged: expected one model" in capsys.readouterr().err
    assert run([*words, "merba-s28"]) == 1
    assert "use `mescope recognize`" in capsys.readouterr().err


@pytest.mark.slow
def test_an_analysis_of_the_app_by_imported_folds(tmp_path, folds):
    """The job shows whose mean it is."""
    videos = tmp_path / "videos"
    videos.mkdir()
    script = random_script(np.random.default_rng(1), 3.0, level="calm", micro_per_minute=15)
    write_video(SyntheticVideo(drawn_portrait(3), script), videos / "face.mp4")
    options = {"limits": Limits(free_bytes=0), "models": [str(folds)]}
    with serving(videos, "mescope.app.worker:analyze", **options) as served:
        identity = served.known("face.mp4")
        served.client.post(f"/api/recordings/{identity}/analyze")
        found = served.wait("face.mp4", lambda r: r["state"] in ("to review", "failed"), 500)
        assert found["error"] is None
        about = served.client.get(f"/api/recordings/{identity}").json()
    assert about["model"] == "folds (mean of 2 folds)"
    assert about["simulated"] is False
