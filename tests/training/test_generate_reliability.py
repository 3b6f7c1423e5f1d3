"""The script that draws how far the cascade's scores can be believed."""

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest
from made_recipes import flat_recipe
from planted_motion import smiles_and_brows

from mescope.training.train_rendered import train_rendered

SCRIPT = Path(__file__).parents[2] / "docs" / "generate_reliability.py"

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def script():
    spec = importlib.util.spec_from_file_location("generate_reliability", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_scores_of_what_is_right_are_drawn_above_those_of_what_is_wrong(
    script, tmp_path, monkeypatch, capsys
):
    recipe = flat_recipe(
        name="tiny", model="me-tst-plus-small", data="rendered", hours=0.1, held_out=0.25,
        options={"dim": 16, "blocks": 1, "layers": 1, "states": 4, "channels": 61},
        epochs=2, steps=20, batch_size=32, learning_rate=1e-2,
    )  # fmt: skip
    recordings = [smiles_and_brows(number) for number in range(8)]
    train_rendered(recipe, recordings, tmp_path)
    asked = []

    def measured_for(wanted, seed, out, *, jobs):
        asked.append((seed, wanted.hours, out, jobs))
        return recordings if seed == 0 else [smiles_and_brows(50), smiles_and_brows(51)]

    monkeypatch.setattr(script, "measured_for", measured_for)
    picture = tmp_path / "plot.png"
    weights = str(tmp_path / "tiny.safetensors")
    script.main([str(tmp_path), "--weights", weights, "--picture", str(picture)])
    assert asked == [(0, 0.1, tmp_path, 1), (script.FRESH_SEED, 0.3, tmp_path, 1)]
    held, fresh = capsys.readouterr().out.splitlines()
    assert held.startswith("held out [")
    assert fresh.startswith("rendered anew [")
    low, *_, high = eval(fresh.removeprefix("rendered anew "))
    assert low[0] < high[0]
    assert low[1] < 0.3 < 0.7 < high[1]
    drawn = cv2.imread(str(picture))
    assert drawn.shape[0] > 300
    assert np.ptp(drawn) > 200
