"""A spotter from outside: the file of a user, chosen by name wherever a spotter is chosen."""

import csv
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from planted_motion import recording, region_flow

import mescope
from mescope import plugins
from mescope.cli import run
from mescope.errors import MescopeError
from mescope.events import Interval
from mescope.plugins import VARIABLE, load_plugin
from mescope.spotting import SPOTTERS
from mescope.synthesis.dynamics import PlantedExpression, random_script
from mescope.synthesis.encode import write_video
from mescope.synthesis.portraits import test_portraits as portraits
from mescope.synthesis.render import SyntheticVideo

FILE = Path(__file__).parents[1] / "plugins" / "own_spotter.py"
NAME = "lip-threshold"


@pytest.fixture
def plugin(monkeypatch):
    """Return the file; what it registers is gone afterwards."""
    monkeypatch.setenv(VARIABLE, "")
    yield FILE
    if NAME in SPOTTERS:
        SPOTTERS.remove(NAME)
    sys.modules.pop(plugins.module_name(FILE.resolve()), None)


@pytest.fixture(scope="module")
def smile(tmp_path_factory):
    """Write a recording of 2.5 seconds, with a smile of a third of one in their middle."""
    script = random_script(
        np.random.default_rng(5), 2.5, level="calm", micro_per_minute=0, macro_per_minute=0
    )
    planted = PlantedExpression(
        onset_s=1.0, apex_s=1.15, offset_s=1.35, kind="micro", emotion="positive",
        action_units=("12",), peak=1.0,
    )  # fmt: skip
    video = SyntheticVideo(
        portraits()[0], replace(script, expressions=(planted,)), 30.0, name="smile"
    )
    path = tmp_path_factory.mktemp("films") / "smile.mp4"
    write_video(video, path)
    return path, video.expressions[0].interval


def test_it_is_chosen_by_name(plugin):
    """No weights are read for it, not even those of a name that does not exist."""
    load_plugin(plugin)
    analyzer = mescope.load("no such weights", method=NAME)
    assert analyzer.card is None
    flow = region_flow(recording(noise=0.02, events=[((100, 114), ["corner_r"], (0.0, -3.0))]))
    (found,) = analyzer.spot(flow).detections
    assert found.interval.iou(Interval(100, 114)) > 0.5
    with pytest.raises(MescopeError, match="'model' needs weights"):
        analyzer.spot(flow, method="model")


def test_the_command_line_knows_it(plugin, smile, tmp_path, capsys, monkeypatch):
    """Detections go into every file, under the spotter's name."""
    monkeypatch.chdir(tmp_path)
    path, truth = smile
    words = ["--plugin", str(plugin)]
    assert run([*words, "spot", str(path), "--method", NAME, "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)["results"]
    (spotted,) = entry["intervals"]
    assert Interval(spotted["onset"], spotted["offset"]).iou(truth) > 0.4
    analyze = ["analyze", str(path), "--method", NAME, "-o", "out", "--format", "json,csv"]
    assert run([*words, *analyze]) == 0
    document = json.loads(Path("out/smile.json").read_text("utf-8"))
    (found,) = document["detections"]
    assert found["onset"] == spotted["onset"]
    assert document["provenance"]["model"] == NAME
    assert document["provenance"]["parameters"]["method"] == NAME
    assert document["provenance"]["parameters"]["spotting"]["region"] == "MOUTH_54"
    rows = list(csv.DictReader(Path("out/smile.csv").read_text("utf-8").splitlines()))
    assert [int(row["onset"]) for row in rows] == [spotted["onset"]]


def test_a_result_that_does_not_fit_the_recording_is_refused(plugin, monkeypatch):
    load_plugin(plugin)
    flow = region_flow(recording(noise=0.02, events=[]))
    short = replace(SPOTTERS[NAME]().spot(flow), score=np.zeros(3))
    monkeypatch.setattr(SPOTTERS[NAME], "spot", lambda self, flow: short)
    with pytest.raises(MescopeError, match=r"'lip-threshold' returned scores of shape \(3,\)"):
        mescope.load(method=NAME).spot(flow)


def test_torch_is_loaded_only_by_who_needs_it():
    code = (
        "import sys, mescope; mescope.load(method='flow-peaks'); "
        "print([m for m in ('torch', 'mescope.models') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
