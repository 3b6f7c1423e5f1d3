"""What is measured on data is measured on training people; mirrors are true mirrors."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from made_recipes import changed, flat_recipe

from mescope.errors import RecipeError, WeightsError
from mescope.training import loop
from mescope.training.losses import class_weights
from mescope.training.recognizers import train_recognizer

CLASSES = ("negative", "positive", "surprise")
BASE = flat_recipe(
    name="r", model="ststnet", data="flow28", epochs=2, batch_size=8, learning_rate=1e-2
)


def maps(n=12, seed=0):
    rng = np.random.default_rng(seed)
    inputs = rng.uniform(0, 255, (n, 3, 28, 28)).astype(np.float32)
    return inputs, (np.arange(n) % 3).astype(np.int64)


def trained(recipe=BASE, seed=1, **options):
    return train_recognizer(recipe, *maps(), CLASSES, seed, **options).scores(
        maps(5, seed=9)[0]
    )


def test_scores_are_probabilities_and_follow_the_seed():
    found = trained()
    assert found.shape == (5, 3)
    np.testing.assert_allclose(found.sum(1), 1)
    np.testing.assert_array_equal(found, trained())
    assert not np.array_equal(found, trained(seed=2))


def test_the_callers_random_numbers_are_left_alone():
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    trained()
    assert torch.equal(torch.rand(3), wanted)


def test_a_monitor_sees_every_epoch_and_changes_nothing():
    seen = []

    def look(epoch, recogniser):
        torch.rand(100)  # draws of its own
        seen.append((epoch, recogniser.scores(maps(5, seed=9)[0])))

    found = trained(monitor=look)
    assert [epoch for epoch, _ in seen] == [0, 1]
    np.testing.assert_array_equal(seen[-1][1], found)
    np.testing.assert_array_equal(found, trained())


def test_standardising_uses_the_training_inputs_only():
    inputs, labels = maps()
    recipe = changed(BASE, standardise=True)
    learned = train_recognizer(recipe, inputs, labels, CLASSES, 0)
    prepared = learned.prepare(inputs)
    torch.testing.assert_close(prepared.mean((0, 2, 3)), torch.zeros(3), rtol=0, atol=1e-5)
    torch.testing.assert_close(prepared.std((0, 2, 3)), torch.ones(3), rtol=1e-4, atol=0)
    other = inputs[:2] + 1000.0
    alone = learned.prepare(other)[1:]
    torch.testing.assert_close(alone, learned.prepare(other[1:]))  # no statistics of the test
    assert float(alone.mean()) > 5  # far away stays far away


def test_units_do_not_matter_once_standardised():
    recipe = changed(BASE, standardise=True)
    scaled = changed(recipe, scale=7.0)
    inputs, labels = maps()
    a = train_recognizer(recipe, inputs, labels, CLASSES, 0).prepare(inputs)
    b = train_recognizer(scaled, inputs, labels, CLASSES, 0).prepare(inputs)
    torch.testing.assert_close(7 * a, b)


@pytest.mark.parametrize("standardise", [False, True])
def test_a_grey_map_of_u_turns_into_its_own_negative(standardise):
    """Zero motion is no fixed grey: u scaled to 0..255 becomes 255 - u where u becomes -u."""
    inputs, labels = maps()
    recipe = changed(BASE, standardise=standardise, scale=0.5)
    learned = train_recognizer(recipe, inputs, labels, CLASSES, 0)
    turned = learned.prepare.mirror(learned.prepare(inputs))
    mirrored = inputs[..., ::-1].copy()
    mirrored[:, 0] = 255 - mirrored[:, 0]
    torch.testing.assert_close(turned, learned.prepare(mirrored), rtol=1e-4, atol=1e-3)


def test_flow_in_px_is_negated():
    inputs, labels = maps()
    learned = train_recognizer(changed(BASE, data="flow"), inputs, labels, CLASSES, 0)
    mirrored = inputs[..., ::-1].copy()
    mirrored[:, 0] *= -1
    turned = learned.prepare.mirror(learned.prepare(inputs))
    torch.testing.assert_close(turned, learned.prepare(mirrored))


def test_flips_reach_about_half_of_the_inputs(monkeypatch):
    share = []

    def spy(model, optimizer, batches, loss, *, epochs, **others):
        known = {image.tobytes() for image in maps(400)[0]}
        for epoch in range(epochs):
            given = [image for x, _ in batches(epoch) for image in x.numpy()]
            share.append(sum(image.tobytes() in known for image in given) / len(given))

    monkeypatch.setattr(loop, "fit", spy)
    train_recognizer(changed(BASE, flip=True), *maps(400), CLASSES, 0)
    assert all(0.4 < s < 0.6 for s in share)
    assert share[0] != share[1]


def test_rare_classes_weigh_more():
    labels = np.array([0, 0, 0, 1], dtype=np.int64)
    weights = class_weights(np.bincount(labels, minlength=3))
    np.testing.assert_allclose(weights, [4 / 9, 4 / 3, 0.0])
    found = trained(changed(BASE, balanced=True, schedule="cosine"))
    assert np.isfinite(found).all()


def test_a_class_nobody_shows_can_still_be_named():
    inputs, labels = maps()
    found = train_recognizer(BASE, inputs[:4], labels[:4] * 0, CLASSES, 0).scores(inputs)
    assert found.shape == (12, 3)
    assert (found.argmax(1) == 0).all()


def test_what_is_wrong_is_told():
    with pytest.raises(WeightsError, match="streams"):
        trained(changed(BASE, options={"stream": 3}))
    with pytest.raises(RecipeError, match="learning_rate must be a number"):
        trained(changed(BASE, learning_rate=1e30, epochs=4))
    inputs, labels = maps()
    with pytest.raises(ValueError, match=r"expected labels 0 to 2 .*, found \[3\]"):
        train_recognizer(BASE, inputs, labels + 1, CLASSES, 0)
    inputs[2, 0, 3, 3] = np.inf
    with pytest.raises(ValueError, match="found NaN or infinity"):
        train_recognizer(changed(BASE, standardise=True), inputs, labels, CLASSES, 0)


def test_maps_without_motion_and_a_single_clip_are_learned_without_fault():
    recipe = changed(
        BASE, model="merba-s28", options={"channels": 3}, epochs=1, standardise=True
    )
    inputs, labels = maps(3)
    for given, truth in ((inputs * 0, labels), (inputs[:1], labels[:1])):
        found = train_recognizer(recipe, given, truth, CLASSES, 0).scores(inputs * 0)
        assert np.isfinite(found).all()


def test_two_heads_name_seven_classes():
    """MERba's coarse and fine head, classes in an order of the data set's own."""
    names = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "contempt")
    recipe = flat_recipe(
        name="two", model="merba-s28", data="flow", options={"dgcm": True}, epochs=25,
        batch_size=14, learning_rate=3e-3, channels=2,
    )  # fmt: skip
    rng = np.random.default_rng(0)
    labels = np.arange(28, dtype=np.int64) % 7
    inputs = 0.1 * rng.standard_normal((28, 3, 28, 28)).astype(np.float32)
    for i, label in enumerate(labels):
        inputs[i, label % 2, 4 * (label // 2) : 4 * (label // 2) + 10] += 3 * (1 - label % 3)
    learned = train_recognizer(recipe, inputs, labels, names, 0)
    found = learned.scores(inputs)
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-6)
    assert (found.argmax(1) == labels).mean() > 0.8
    with pytest.raises(RecipeError, match="7-class labels of DFME"):
        train_recognizer(recipe, inputs, labels % 3, CLASSES, 0)


def test_a_single_input_left_over_is_dropped():
    """Batch statistics of one input are none."""
    inputs, labels = maps(9)
    found = train_recognizer(BASE, inputs, labels, CLASSES, 0).scores(inputs)  # batches of 8
    assert np.isfinite(found).all()
