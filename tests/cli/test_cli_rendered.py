"""``mescope train`` on a recipe of rendered recordings; the recordings are made up."""

import json

import numpy as np
import pytest
from planted_motion import smiles_and_brows

from mescope.training import train_rendered as module

RECIPE = (
    'name = "tiny"\nmodel = "me-tst-plus-small"\ndata = "rendered"\n'
    "hours = 0.05\nseconds = 30\nheld_out = 0.5\nepochs = 1\nsteps = 30\nbatch_size = 32\n"
    "learning_rate = 0.01\n"
    "[options]\nchannels = 61\ndim = 16\nblocks = 1\nlayers = 1\nstates = 4\n"
)


@pytest.fixture
def asked(monkeypatch):
    """What the command asked to be rendered."""
    asked = {}

    def recordings(recipe, out, *, jobs=1, progress=None):
        asked.update(recordings=recipe.recordings, out=out, jobs=jobs)
        for done in range(recipe.recordings + 1):
            progress(done, recipe.recordings)
        return [smiles_and_brows(number) for number in range(recipe.recordings)]

    monkeypatch.setattr(module, "measured_for", recordings)
    return asked


@pytest.mark.usefixtures("one_thread")
def test_a_rendered_recipe_ends_in_weights(run, here, asked):
    (here / "r.toml").write_text(RECIPE)
    status, out, err = run("train", "r.toml", "--jobs", "2", "--json")
    assert status == 0, err
    assert asked["jobs"] == 2
    assert asked["recordings"] == 6
    assert asked["out"].name == "r"
    result = json.loads(out)
    assert result["epochs"] == 1
    assert np.isfinite(list(result["scores"].values())).all()
    status, shown, _ = run("models", "show", result["weights"], "--json")
    assert status == 0
    card = json.loads(shown)
    assert (card["look"], card["head"]) == ("candidates", "face")
    assert run("train", "r.toml")[0] == 1  # a run is never overwritten
    assert run("train", "r.toml", "--resume")[0] == 0
