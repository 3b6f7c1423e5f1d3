"""What ``benchmarks/map_realism.py`` measures is what it says."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from mescope.datasets.flow28 import PUBLISHED
from mescope.motion.flow import strain
from mescope.synthesis.flow_maps import CLIPS

FILE = Path(__file__).parents[2] / "benchmarks" / "map_realism.py"


@pytest.fixture(scope="module")
def realism():
    spec = importlib.util.spec_from_file_location("map_realism", FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.mark.parametrize("cycles", [3, 7, 11])
def test_a_planted_wave_has_its_power_at_its_cycles(realism, cycles):
    place = np.arange(28) / 28
    wave = np.sin(2 * np.pi * cycles * place)
    maps = np.stack([np.tile(wave, (28, 1)), np.tile(wave, (28, 1)).T])[None] * 40 + 120
    found = realism.spectrum(maps)[0]
    assert realism.CYCLES.index(cycles) == found[0].argmax() == found[1].argmax()
    assert found.max() > 20 * np.median(found)
    np.testing.assert_allclose(realism.spectrum(maps * 0.3)[0], found)


def test_two_halves_of_one_set_are_not_told_apart(realism):
    drawn = np.random.default_rng(0).normal(size=(1200, 1, 3, 3))
    groups = [i // 4 for i in range(1200)]
    for kind in ("linear", "kernel"):
        same = realism.told_apart(drawn[:600], drawn[600:], groups, kind)
        assert same == pytest.approx(0.5, abs=0.06)
        moved = realism.told_apart(drawn[:600] + 1.0, drawn[600:], groups, kind)
        assert moved > 0.95


def test_what_is_known_of_a_person_tells_nothing(realism):
    """Every group has a pattern of its own; only a fold that splits one could learn it."""
    rng = np.random.default_rng(1)
    patterns = rng.normal(size=(40, 1, 6, 6)) * 3
    drawn = np.repeat(patterns, 5, 0) + rng.normal(size=(200, 1, 6, 6)) * 0.1
    groups = [i // 5 for i in range(200)]
    assert realism.told_apart(drawn[:100], drawn[100:], groups, "kernel") < 0.7


def test_strain_of_u_and_v_agrees_whatever_their_scale(realism):
    y, x = np.mgrid[:28, :28] / 28
    u, v = np.sin(5 * x + 2 * y), np.cos(7 * y)
    truth = strain(np.stack([u, v], -1).astype(np.float32))
    noise = np.random.default_rng(2).normal(size=(28, 28))
    maps = np.stack(
        [np.stack([4 * u, v, truth]), np.stack([u, v, noise]), np.zeros((3, 28, 28))]
    )
    found = realism.strain_agreement(maps)
    assert found[0] == pytest.approx(1.0, abs=1e-4)
    assert abs(found[1]) < 0.2
    assert found[2] == 0.0


def test_maps_without_motion_stay_finite(realism):
    still = np.zeros((2, 3, 28, 28))
    assert not realism.prepared(still).any()
    assert not realism.spectrum(still).any()


def test_simulated_maps_are_drawn_in_the_published_shares(realism):
    maps, faces = realism.simulated_maps(60, 0)
    assert len(maps) == len(faces) > 20
    assert max(np.bincount(faces)) <= CLIPS
    assert PUBLISHED["negative"] > PUBLISHED["positive"]


def test_the_table_is_printed_and_kept(realism, capsys, tmp_path):
    rng = np.random.default_rng(3)
    maps = {"flow": rng.integers(0, 256, (20, 28, 28, 3), np.uint8)}
    maps |= {"label": np.arange(20) % 3, "subject": np.array([f"s{i // 2}" for i in range(20)])}
    maps |= {"clip": np.array([f"c{i}" for i in range(20)]), "dataset": np.array(["smic"] * 20)}
    np.savez(tmp_path / "maps.npz", **maps)
    out = tmp_path / "out.json"
    words = ["--real", str(tmp_path / "maps.npz"), "--maps", "30", "--json", str(out)]
    assert realism.main([*words, "--people", "even"]) == 0
    assert "10 real maps (even people)" in capsys.readouterr().out
    rows = json.loads(out.read_text())
    assert rows[-1]["what"] == "AUC, kernel, u, v, strain"
    assert all(np.isfinite(row["simulated"]) for row in rows)
    assert realism.main(["--real", str(tmp_path / "none.npz")]) == 1
    assert "give the maps with --real" in capsys.readouterr().err
