"""``mescope train`` on a recipe of rendered recordings; the recordings are made up."""

import json

import numpy as np
import pytest
from planted_motion import smiles_and_brows

from mescope.training.tasks import me_tst as module

RECIPE = (
    'name = "tiny"\n[data]\nkind = "rendered"\n'
    "hours = 0.05\nseconds = 30\nheld_out = 0.5\n"
    "[optim]\nepochs = 1\nsteps = 30\nbatch_size = 32\nlearning_rate = 0.01\n"
    '[model]\nname = "me-tst-plus-small"\n'
    "[model.options]\nchannels = 61\ndim = 16\nblocks = 1\nlayers = 1\nstates = 4\n"
)


@pytest.fixture
def asked(monkeypatch):
    """What the command asked to be rendered."""
    asked = {}

    def recordings(wanted, seed, out, *, jobs=1, progress=None):
        asked.update(recordings=wanted.recordings, out=out, jobs=jobs)
        for done in range(wanted.recordings + 1):
            progress(done, wanted.recordings)
        return [smiles_and_brows(number) for number in range(wanted.recordings)]

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
    assert run("train", "r.toml")[0] == 0
