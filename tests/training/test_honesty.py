"""Nothing is learned where there is nothing, and one person cannot be two."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from made_recipes import flat_recipe

from mescope.errors import LeakError
from mescope.evaluation.folds import Fold
from mescope.evaluation.recognition import count_classes, uf1
from mescope.samples.examples import Examples
from mescope.training.evaluate import evaluate

CLASSES = ("negative", "positive", "surprise")


def noise(seed, people=10, each=6):
    rng = np.random.default_rng(seed)
    n = people * each
    return Examples(
        kind="flow28",
        inputs=rng.uniform(0, 255, (n, 3, 12, 12)).astype(np.float32),
        labels=rng.integers(0, 3, n),
        classes=CLASSES,
        persons=tuple(("a", f"{i // each}") for i in range(n)),
        names=tuple(map(str, range(n))),
    )


def interval(labels, draws=2000):
    """Where 99.8 % of the UF1 of shuffled answers lie, one set of labels."""
    rng = np.random.default_rng(0)
    names = [CLASSES[i] for i in labels]
    found = []
    for _ in range(draws):
        answers = [CLASSES[i] for i in rng.integers(0, 3, len(labels))]
        found.append(uf1(count_classes(names, answers, CLASSES)))
    return np.quantile(found, [0.001, 0.999])


@pytest.mark.slow
@pytest.mark.parametrize("model", ["svm-flow", "ststnet"])
def test_labels_without_meaning_score_at_chance(model):
    """Twenty sets of random labels, standardised, whole protocol."""
    learned = {
        "options": {"size": 12}, "epochs": 3, "batch_size": 20, "learning_rate": 1e-2,
        "standardise": True,
    }  # fmt: skip
    own = learned if model == "ststnet" else {}
    recipe = flat_recipe(name="chance", model=model, data="flow28", seeds=1, **own)
    sets = range(20 if model == "svm-flow" else 4)
    found = []
    for seed in sets:
        data = noise(seed)
        low, high = interval(data.labels)
        score = evaluate(recipe, data).summary()["all"]["uf1"]["mean"]
        assert low - 0.1 <= score <= high  # answering one class only is worse than shuffling
        found.append(score)
    assert np.mean(found) < 0.40


def test_the_same_clip_under_two_people_is_refused():
    """One person under two names, or in two data sets."""
    data = noise(0)
    inputs = data.inputs.copy()
    inputs[7] = inputs[40]
    recipe = flat_recipe(name="r", model="svm-flow", data="flow28", seeds=1)
    with pytest.raises(LeakError, match="found the same one as a/1/7 and as a/6/40"):
        evaluate(recipe, dataclasses.replace(data, inputs=inputs))
    inputs[7] = data.inputs[8]  # twice under one person: told apart by name, no leak
    evaluate(recipe, dataclasses.replace(data, inputs=inputs))
    inputs[7] = inputs[40] = 0  # nobody moves
    evaluate(recipe, dataclasses.replace(data, inputs=inputs))


def test_windows_of_one_person_cannot_be_split():
    """Overlapping windows are items of one person, so a fold refuses them."""
    persons = (("a", "1"), ("a", "1"), ("a", "2"))
    with pytest.raises(LeakError, match="expected nobody in both parts, found a/1"):
        Fold("cut", (0, 2), (1,), persons)


def test_a_class_that_only_the_test_person_shows_is_told():
    """No figure is lost, and nobody is left in the dark."""
    data = noise(0)
    labels = data.labels % 2
    labels[:3] = 2  # only person 0 shows it
    recipe = flat_recipe(name="r", model="svm-flow", data="flow28", seeds=1)
    report = evaluate(recipe, dataclasses.replace(data, labels=labels))
    assert report.warnings == ("fold a/0: no training clip of surprise",)
    assert 0 <= report.summary()["all"]["uf1"]["mean"] < 1
