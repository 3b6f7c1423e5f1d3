"""Clips that lie in a file are learned from as those in memory, and never read as a whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_recipes import flat_recipe

from mescope.samples import clip_samples, mapped_rows
from mescope.samples.clip_features import Computed
from mescope.samples.examples import Examples
from mescope.training.evaluate import evaluate

CLIPS = 24


def examples(inputs):
    return Examples(
        kind="flow28",
        inputs=inputs,
        labels=np.arange(CLIPS) % 3,
        classes=("negative", "positive", "surprise"),
        persons=tuple(("a", f"{i // 6}") for i in range(CLIPS)),
        names=tuple(map(str, range(CLIPS))),
    )


@pytest.fixture
def in_memory():
    rng = np.random.default_rng(0)
    return examples(rng.uniform(0, 255, (CLIPS, 3, 28, 28)).astype(np.float32))


@pytest.mark.parametrize("more", [{}, {"hold_out": 0.4}, {"standardise": True, "flip": True}])
def test_the_same_answers_batch_by_batch(in_memory, tmp_path, monkeypatch, more):
    recipe = flat_recipe(
        name="mapped", model="ststnet", data="flow28", seeds=1, epochs=2, batch_size=8, **more
    )
    np.save(tmp_path / "rows.npy", in_memory.inputs)
    mapped = replace(in_memory, inputs=np.load(tmp_path / "rows.npy", mmap_mode="r"))
    asked, read = [], mapped_rows.Rows.__getitem__

    def counted(rows, key):
        found = read(rows, key)
        asked.append(len(found))
        return found

    monkeypatch.setattr(mapped_rows.Rows, "__getitem__", counted)
    monkeypatch.setattr("mescope.samples.clip_kinds._PART", 5)
    expected = evaluate(recipe, in_memory)
    assert not asked
    assert evaluate(recipe, mapped).predictions == expected.predictions
    if not more.get("standardise"):  # which asks for the deviation of everything
        assert 1 < max(asked) <= 8


def test_large_samples_go_into_a_file_of_the_cache(monkeypatch, tmp_path, in_memory):
    """As float32 whatever a feature gives, and with the same numbers."""
    made = [Computed(values.astype(np.float64)) for values in in_memory.inputs]
    clips = [SmallClip(f"{i}") for i in range(CLIPS)]
    monkeypatch.setattr(mapped_rows, "BIG", 1000)
    for folder, kind in ((tmp_path, np.memmap), (None, np.ndarray)):
        found = clip_samples._Found(
            made, clips, list(in_memory.labels), in_memory.classes, (), folder, {}
        ).stacked("flow28").examples  # fmt: skip
        assert type(found.inputs) is kind
        assert found.inputs.dtype == np.float32
        np.testing.assert_array_equal(found.inputs, in_memory.inputs)
        assert found.hashes()["inputs"] == in_memory.hashes()["inputs"]


class SmallClip:
    dataset, subject, part = "a", "s", ""

    def __init__(self, name):
        self.name = name
