"""The epoch is chosen by training people alone."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from made_recipes import changed, flat_recipe

from mescope.errors import RecipeError
from mescope.evaluation.folds import hold_out
from mescope.samples.examples import Examples
from mescope.training import loop
from mescope.training.early_stopping import BestEpoch
from mescope.training.evaluate import evaluate
from mescope.training.recognizers import train_recognizer
from mescope.training.train_clips import train_on_all

CLASSES = ("negative", "positive", "surprise")
RECIPE = flat_recipe(
    name="r", model="ststnet", data="flow28", epochs=6, batch_size=8, learning_rate=3e-2,
    seeds=1, hold_out=0.34,
)  # fmt: skip


def maps(n=24, seed=0):
    rng = np.random.default_rng(seed)
    inputs = rng.uniform(0, 255, (n, 3, 28, 28)).astype(np.float32)
    return inputs, rng.integers(0, 3, n)


PERSONS = [("casme2", f"s{i // 4}") for i in range(24)]


def test_the_weights_of_the_best_epoch_come_back(monkeypatch):
    looked = []
    plain = BestEpoch.look

    def look(self, epoch, learned):
        plain(self, epoch, learned)
        state = torch.cat([p.detach().flatten() for p in learned.model.parameters()])
        looked.append((self.uf1, self.epoch, state.clone()))

    monkeypatch.setattr(BestEpoch, "look", look)
    learned = train_recognizer(RECIPE, *maps(), CLASSES, 0, persons=PERSONS)
    _, epoch, _ = looked[-1]
    assert len(looked) == 6
    assert epoch != 5  # otherwise nothing would be shown here
    found = torch.cat([p.detach().flatten() for p in learned.model.parameters()])
    torch.testing.assert_close(found, looked[epoch][2], rtol=0, atol=0)


def test_weights_for_new_recordings_are_of_the_best_epoch_too(tmp_path):
    inputs, labels = maps()
    examples = Examples(
        kind="flow28", inputs=inputs, labels=labels, classes=CLASSES, persons=tuple(PERSONS),
        names=tuple(map(str, range(24))),
    )  # fmt: skip
    learned, _ = train_on_all(RECIPE, examples, tmp_path)
    direct = train_recognizer(RECIPE, inputs, labels, CLASSES, RECIPE.seed, persons=PERSONS)
    assert learned.chosen == direct.chosen != {}
    np.testing.assert_array_equal(learned.scores(inputs), direct.scores(inputs))


def test_held_out_people_are_not_learned_from(monkeypatch):
    inputs, labels = maps()
    given = []
    plain = loop.fit

    def spy(model, optimizer, batches, loss, **options):
        given.extend(y for _, part in batches(0) for y in part)
        plain(model, optimizer, batches, loss, **options)

    monkeypatch.setattr(loop, "fit", spy)
    train_recognizer(RECIPE, inputs, labels, CLASSES, 4, persons=PERSONS)
    fold = hold_out(PERSONS, 0.34, 4)
    assert len(given) == len(fold.train) == 16


def test_what_test_people_are_called_changes_nothing():
    """Labels of the test person have no say, with early stopping too."""
    inputs, labels = maps()
    examples = Examples(
        kind="flow28", inputs=inputs, labels=labels, classes=CLASSES, persons=tuple(PERSONS),
        names=tuple(map(str, range(24))),
    )  # fmt: skip
    tested = np.array([person == ("casme2", "s1") for person in PERSONS])
    swapped = np.where(tested, (labels + 1) % 3, labels)
    one = evaluate(RECIPE, examples)
    other = evaluate(RECIPE, dataclasses.replace(examples, labels=swapped))
    of = [
        [p.predicted for p in report.predictions if p.person == ("casme2", "s1")]
        for report in (one, other)
    ]
    assert of[0] == of[1]


@pytest.mark.parametrize(
    ("persons", "text"),
    [
        ((), "found 0 names"),
        ([("casme2", "s1")] * 24, r"needs 2 training people or more .* found 1"),
    ],
)
def test_too_few_people_to_hold_any_out(persons, text):
    with pytest.raises(RecipeError, match=text):
        train_recognizer(RECIPE, *maps(), CLASSES, 0, persons=persons)


def test_everybody_cannot_be_held_out():
    with pytest.raises(RecipeError, match=r"hold_out must be (0 to 1|a number in 0\.\.1)"):
        changed(RECIPE, hold_out=1.0)
