"""Motion between two frames, magnified by a network or plainly, drawn and refused."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
from made_recipes import flat_recipe
from PIL import Image

from mescope.analysis.motion import magnified_motion
from mescope.cli import run
from mescope.errors import VideoError, WeightsError
from mescope.models.weights import load, save
from mescope.reports.flow_picture import flow_frames
from mescope.samples.examples import Examples
from mescope.synthesis.dynamics import PlantedExpression, Script, Waves
from mescope.synthesis.portraits import test_portraits
from mescope.synthesis.render import SyntheticVideo
from mescope.training.recognizers import load_recognizer, train_recognizer
from mescope.training.train_clips import publish_recognizer

STILL = Waves(amplitudes=(), frequencies=(), phases=())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    planted = PlantedExpression(
        onset_s=0.0, apex_s=0.16, offset_s=0.38, kind="micro", emotion="positive",
        action_units=("12",), peak=0.9,
    )  # fmt: skip
    script = Script(
        duration=0.4, expressions=(planted,), disturbances=(), sway=(STILL,) * 4, nods=(),
        flicker=STILL, noise=1.0, quality=None, seed=3, level="calm",
    )  # fmt: skip
    path = tmp_path_factory.mktemp("clip")
    for i, picture in SyntheticVideo(test_portraits()[0], script, rate=50).frames(grey=True):
        Image.fromarray(picture).save(path / f"img{i}.png")
    return path


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    made = {}
    for data, unit in (("flow", {"unit_flow": True}), ("flow28", {})):
        recipe = flat_recipe(
            name=data, model="ammsm-s28", data=data, channels=2, epochs=1, **unit,
            options={"spatial": False, "dim": 8, "heads": [1, 1, 2, 2], "states": 4},
        )  # fmt: skip
        inputs = np.random.default_rng(0).standard_normal((6, 3, 28, 28)).astype(np.float32)
        examples = Examples(
            kind=data, inputs=inputs, labels=np.arange(6) % 3, classes=("a", "b", "c"),
            persons=(("casme2", "s1"),) * 6, names=tuple("abcdef"),
        )  # fmt: skip
        learned = train_recognizer(recipe, inputs, examples.labels, examples.classes, 0)
        made[data] = tmp_path_factory.mktemp("w") / f"{data}.safetensors"
        publish_recognizer(learned, recipe, examples, made[data])
    return made


def test_plain_scaling_multiplies(folder):
    found = magnified_motion(folder, 0, 8, factor=3.0, rate=50)
    assert found.flow.shape == (2, 224, 224)
    assert np.hypot(*found.flow).max() > 1.0  # px: a smile
    np.testing.assert_allclose(found.magnified, 3 * found.flow, rtol=1e-6)
    frames = flow_frames(found)
    assert frames.shape == (50, 224, 448, 3)
    np.testing.assert_array_equal(frames[0, :, :224, 0], found.pictures[0])
    assert (frames[25] != frames[0]).any()


def test_the_network_gets_flow_as_in_training(folder, weights):
    found = magnified_motion(folder, 0, 8, factor=2.0, model=weights["flow"], rate=50)
    learned, _ = load_recognizer(weights["flow"])
    slope = learned.prepare.slope[0]
    learned.model.eval()
    with torch.no_grad():
        out = learned.model.magnify(torch.from_numpy(found.flow * np.float32(slope))[None], 2.0)
    np.testing.assert_allclose(found.magnified, out[0].numpy() / slope, rtol=1e-4, atol=1e-5)
    grey = magnified_motion(folder, 0, 8, factor=2.0, model=weights["flow28"], rate=50)
    assert "grey maps" in " ".join(grey.warnings)
    assert grey.magnified.shape == (2, 28, 28)


def test_weights_from_simulated_faces_say_so(folder, weights, tmp_path):
    model, card = load(weights["flow"])
    save(tmp_path / "made.safetensors", model, dataclasses.replace(card, simulated=True))
    told = [
        " ".join(magnified_motion(folder, 0, 8, model=path, rate=50).warnings)
        for path in (tmp_path / "made.safetensors", weights["flow"])
    ]
    assert ["simulated faces only" in text for text in told] == [True, False]


def test_what_makes_no_sense(folder, weights):
    with pytest.raises(VideoError, match="factor above 0"):
        magnified_motion(folder, 0, 8, factor=0.0, rate=50)
    with pytest.raises(VideoError, match="apex after the onset"):
        magnified_motion(folder, 8, 8, rate=50)
    with pytest.raises(WeightsError, match="AMMSM with a magnifier"):
        magnified_motion(folder, 0, 8, model="merba-s28", rate=50)


def test_the_command(folder, weights, tmp_path, capsys):
    words = [
        "flow",
        str(folder),
        "--rate",
        "50",
        "--onset",
        "0",
        "--apex",
        "8",
        "--magnify",
        "3",
    ]
    made = [tmp_path / name for name in ("out.png", "out.mp4", "out.npz")]
    options = ["--picture", str(made[0]), "--video", str(made[1]), "-o", str(made[2])]
    assert run([*words, *options, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["longest_magnified_px"] == pytest.approx(3 * shown["longest_px"], rel=1e-5)
    assert all(file.stat().st_size > 1000 for file in made)
    assert run([*words, *options]) == 1
    assert "--force replaces it" in capsys.readouterr().err
    assert run(words) == 1
    assert "--picture" in capsys.readouterr().err
