"""A plug-in's own network with its own loss goes every way that ours go."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mescope import plugins
from mescope.analysis.recognition import recognize
from mescope.cli import run
from mescope.errors import RecipeError, WeightsError
from mescope.models import MODELS
from mescope.models.weights import load, read_card
from mescope.plugins import VARIABLE, load_plugin
from mescope.synthesis.portraits import test_portraits
from mescope.training.recipe import parse_recipe, read_recipe
from mescope.training.recognizers import load_recognizer
from mescope.training.tasks import TASKS, task_of

OWN = Path(__file__).parent / "own_recogniser.py"
RECIPE = """name = "mine"
seeds = 1
[model]
name = "my-net"
options.width = 4
[data]
kind = "flow28"
standardise = true
[optim]
epochs = 2
batch_size = 8
learning_rate = 1e-2
[augment]
flip = true
[task]
smoothing = 0.2
"""

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def plugin(monkeypatch):
    """Return the plug-in; what it registered is gone afterwards."""
    monkeypatch.setenv(VARIABLE, "")
    yield OWN
    MODELS._entries.pop("my-net", None)
    TASKS._entries.pop("my-task", None)
    sys.modules.pop(plugins.module_name(OWN.resolve()), None)


@pytest.fixture
def here(tmp_path):
    """A folder with the recipe and published maps of three made-up people."""
    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / "maps.npz",
        flow=rng.integers(0, 256, (18, 28, 28, 3)).astype(np.uint8),
        label=np.arange(18) % 3,
        subject=np.array([f"s{i // 6:02d}" for i in range(18)]),
        clip=np.array([f"clip {i}" for i in range(18)]),
        dataset=np.array(["smic"] * 18),
    )
    (tmp_path / "mine.toml").write_text(RECIPE)
    return tmp_path


def words(here, command, *more):
    return [
        "--plugin", str(OWN), command, str(here / "mine.toml"), "--dataset", "flow28",
        "--root", str(here / "maps.npz"), "-o", str(here / command), *more,
    ]  # fmt: skip


def test_it_trains_is_saved_and_loaded_and_names_an_expression(plugin, here, capsys):
    assert run(words(here, "train", "--set", "optim.epochs=3", "--json")) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["epochs"] == 3
    card = read_card(shown["weights"])
    assert (card.model, card.task, card.config) == (
        "my-net", "my-task", {"classes": 3, "width": 4},
    )  # fmt: skip
    assert json.loads(card.recipe)["task"] == {"name": "", "smoothing": 0.2}
    assert not card.simulated
    model, _ = load(shown["weights"])
    assert type(model).__name__ == "MyNet"
    assert float(model.scale) == 0.5
    again, _ = load_recognizer(shown["weights"])
    scores = again.scores(np.zeros((2, 3, 28, 28), np.float32))
    np.testing.assert_allclose(scores.sum(1), 1.0)
    found = recognize(film(), 0, 8, models=[shown["weights"]]).found[0]
    assert sum(found.shares.values()) == pytest.approx(1.0)


def film():
    from mescope.synthesis.dynamics import PlantedExpression, Script, Waves
    from mescope.synthesis.render import SyntheticVideo

    still = Waves(amplitudes=(), frequencies=(), phases=())
    planted = PlantedExpression(
        onset_s=0.0, apex_s=0.16, offset_s=0.38, kind="micro", emotion="positive",
        action_units=("12",), peak=0.9,
    )  # fmt: skip
    script = Script(
        duration=0.4, expressions=(planted,), disturbances=(), sway=(still,) * 4, nods=(),
        flicker=still, noise=1.0, quality=None, seed=3, level="calm",
    )  # fmt: skip
    return SyntheticVideo(test_portraits()[0], script, rate=50)


def test_it_is_evaluated_in_several_processes(here):
    """They inherit the plug-in, whose table of the recipe travels to them."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", VARIABLE: ""}
    code = "import sys; from mescope.cli import run; sys.exit(run(sys.argv[1:]))"
    call = [sys.executable, "-c", code, *words(here, "evaluate", "--jobs", "2", "--json")]
    done = subprocess.run(call, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["all"]["clips"] == 18
    assert 0 <= summary["all"]["uf1"]["mean"] <= 1
    report = json.loads((here / "evaluate" / "report.json").read_text())
    assert report["recipe"]["task"] == {"name": "", "smoothing": 0.2}


def test_its_loss_and_its_field_are_what_a_recipe_gets(plugin, here):
    load_plugin(plugin)
    recipe = read_recipe(here / "mine.toml")
    assert task_of(recipe) is TASKS["my-task"]
    assert recipe.task.smoothing == 0.2
    with pytest.raises(RecipeError, match=r"unknown key 'smothing' .*mean 'smoothing'"):
        parse_recipe(RECIPE.replace("smoothing", "smothing"))
    plain = parse_recipe(RECIPE.replace("smoothing = 0.2", 'name = "classification"'))
    assert task_of(plain) is TASKS["classification"]  # its own loss is not asked for


def test_without_the_plugin_its_weights_say_what_is_missing(plugin, here, capsys):
    assert run(words(here, "train", "--json")) == 0
    weights = json.loads(capsys.readouterr().out)["weights"]
    MODELS.remove("my-net")
    with pytest.raises(WeightsError, match=r"no model 'my-net'.*name it by --plugin"):
        load(weights)
