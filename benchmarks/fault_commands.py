"""The commands of the fault campaign, each with tiny inputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from fault_rounds import Command

from mescope.synthesis.corpus import write_corpus

_MAPS = """name = "tiny"
[model]
name = "flow-cnn"
[data]
kind = "synthetic-maps"
maps = 120
[optim]
epochs = 4
batch_size = 32
"""

_CLIPS = """name = "tiny"
seeds = 1
[model]
name = "flow-cnn"
[data]
kind = "flow28"
standardise = true
[optim]
epochs = 2
batch_size = 8
"""

_SEARCH = """name = "tiny"
seeds = 1
[model]
name = "ammsm-s28"
[model.options]
spatial = false
dim = 8
heads = [1, 1, 2, 2]
states = 4
magnifier_width = 4
magnifier_levels = 2
dropped = "gather"
[data]
kind = "flow28"
channels = 2
standardise = true
[optim]
epochs = 3
batch_size = 8
[task]
adaptive_epochs = 2
"""


def films(folder: Path, count: int = 2) -> None:
    """Write recordings of a few seconds with expressions."""
    write_corpus(
        folder / "films", count, 3, duration=3.0, rate=25, levels=["calm"], micro_per_minute=30
    )


def one_film(folder: Path) -> None:
    """Write one recording."""
    films(folder, 1)


def maps(folder: Path) -> None:
    """Write published-like maps of four people, and recipes."""
    rng = np.random.default_rng(0)
    np.savez(
        folder / "maps.npz",
        flow=rng.integers(0, 256, (12, 28, 28, 3)).astype(np.uint8),
        label=np.arange(12) % 3,
        subject=np.array([f"s{i // 3:02d}" for i in range(12)]),
        clip=np.array([f"clip {i}" for i in range(12)]),
        dataset=np.array(["smic"] * 12),
    )
    (folder / "clips.toml").write_text(_CLIPS)
    (folder / "search.toml").write_text(_SEARCH)
    (folder / "train.toml").write_text(_MAPS)


_FLOW28 = ("--dataset", "flow28", "--root", "maps.npz", "-o", "out")
_ANALYZE = ("-o", "out", "--method", "flow-peaks", "--jobs", "1")

COMMANDS = (
    Command(
        "analyze", ("analyze", "films/videos/recording-00000.mp4", *_ANALYZE), one_film, "out",
        ("*",),
    ),
    Command(
        "analyze, two recordings", ("analyze", "films/videos", *_ANALYZE), films, "out", ("*",)
    ),
    Command(
        "train", ("train", "train.toml", "-o", "out"), maps, "out",
        ("tiny.safetensors", "*.json", "recipe.toml"),
    ),
    Command(
        "evaluate", ("evaluate", "clips.toml", *_FLOW28, "--jobs", "1"), maps, "out",
        ("folds/*/*.json", "report.*", "predictions.csv"),
    ),
    Command(
        "search",
        ("search", "search.toml", *_FLOW28, "--population", "4", "--generations", "1"),
        maps, "out", ("*.png", "*.toml", "tiny-searched.safetensors", "history.json"),
    ),
    Command(
        "augment rsmix",
        ("augment", "rsmix", "folder", "--root", "films", "-o", "out", "--size", "56"),
        films, "out", ("clips/*", "done/*", "*.csv"),
    ),
    Command(
        "synthesize corpus",
        ("synthesize", "corpus", "out", "-n", "2", "--duration", "0.5", "--level", "calm"),
        lambda folder: None, "out", ("videos/*", "*.csv"),
    ),
)  # fmt: skip
