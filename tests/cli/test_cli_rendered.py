"""``mescope train`` on a recipe of rendered recordings; the recordings are made up."""

import json

import numpy as np
import pytest
from planted_motion import measured, recording

from mescope.events import Expression, Interval
from mescope.training import train_rendered as module

RECIPE = (
    'name = "tiny"\nmodel = "me-tst-plus-small"\ndata = "rendered"\n'
    "hours = 0.02\nseconds = 12\nheld_out = 0.5\nepochs = 1\nsteps = 2\nbatch_size = 8\n"
    "[options]\nchannels = 61\ndim = 8\nblocks = 1\nlayers = 1\nstates = 2\n"
)


def planted(number):
    """A smile that is an expression, and brows that are none."""
    events = [((60, 72), ["corner_l", "corner_r"], (0, -3)), ((200, 212), ["brow_l"], (0, -3))]
    smile = Expression(interval=Interval(60, 72), kind="micro", apex=66, emotion="positive")
    return measured(number, recording(350, 0.03, events, seed=number), [smile])


@pytest.fixture
def asked(monkeypatch):
    """What the command asked to be rendered."""
    asked = {}

    def recordings(recipe, out, *, jobs=1, progress=None):
        asked.update(recordings=recipe.recordings, out=out, jobs=jobs)
        for done in range(recipe.recordings + 1):
            progress(done, recipe.recordings)
        return [planted(number) for number in range(recipe.recordings)]

    monkeypatch.setattr(module, "measured_for", recordings)
    return asked


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
