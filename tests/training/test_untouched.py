"""Weights that a recipe asks as they are, with 0 epochs."""

import numpy as np
import pytest

from mescope.errors import RecipeError
from mescope.training.recipe import read_recipe
from mescope.training.recognizers import load_recognizer, train_recognizer
from mescope.training.train_clips import train_on_all

NAME, WEIGHTS = "ammsm-3db-flow28-untouched", "ammsm-s28-dense-simulated"


def maps(count=12):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, 3, 28, 28)).astype(np.float32), np.arange(count) % 3


def test_nothing_is_learned_and_the_answers_are_those_of_the_weights():
    inputs, labels = maps()
    known, card = load_recognizer(WEIGHTS)
    asked = train_recognizer(read_recipe(NAME), inputs, labels, card.labels, 0)
    np.testing.assert_array_equal(asked.scores(inputs), known.scores(inputs))
    other = train_recognizer(read_recipe(NAME), inputs[:6], labels[:6], card.labels, 3)
    np.testing.assert_array_equal(other.scores(inputs), known.scores(inputs))


def test_one_epoch_is_another_thing():
    inputs, labels = maps()
    known, card = load_recognizer(WEIGHTS)
    recipe = read_recipe(NAME, ["optim.epochs=1", "optim.batch_size=6"])
    tuned = train_recognizer(recipe, inputs, labels, card.labels, 0)
    assert not np.allclose(tuned.scores(inputs), known.scores(inputs))


@pytest.mark.parametrize(
    ("name", "other"),
    [
        (NAME, 'model.weights=""'),
        (NAME, "optim.hold_out=0.2"),
        ("3db-flow-cnn", "optim.epochs=0"),
    ],
)
def test_without_weights_or_with_a_choice_0_epochs_are_refused(name, other):
    with pytest.raises(RecipeError, match="epochs = 0 asks weights as they are"):
        read_recipe(name, [other])


def test_there_are_no_new_weights(tmp_path):
    with pytest.raises(RecipeError, match="learns nothing"):
        train_on_all(read_recipe(NAME), None, tmp_path)
    assert not list(tmp_path.iterdir())
