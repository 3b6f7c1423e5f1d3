"""Support vector machines through the same protocol; the reference figure on the real maps."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from made_recipes import flat_recipe
from sklearn.svm import SVC

from mescope.datasets.flow28 import read_flow_maps
from mescope.errors import RecipeError, WeightsError
from mescope.samples.published_maps import map_examples
from mescope.training.classical import CLASSICAL, build
from mescope.training.evaluate import evaluate
from mescope.training.recognizers import train_recognizer

REAL = Path(__file__).parents[2] / ".." / "shared" / "data" / "3db_flow28.npz"


def planted(name, n=24):
    """Two classes: motion to the right or to the left; flicker or stillness."""
    rng = np.random.default_rng(0)
    labels = np.arange(n, dtype=np.int64) % 2
    if name == "lbp-top-svm":
        inputs = np.repeat(rng.random((n, 1, 14, 14)), 6, axis=1)
        inputs[labels == 1] += rng.random((n // 2, 6, 14, 14))
    else:
        inputs = 0.1 * rng.standard_normal((n, 3, 14, 14))
        moving = 7 if name == "svm-flow-rbf" else 14  # it takes off what all of a map does
        inputs[:, 0, :, :moving] += np.where(labels == 1, 1.0, -1.0)[:, None, None]
        inputs[:, 2] = np.abs(inputs[:, 2]) + 0.1
    return inputs.astype(np.float32), labels


@pytest.mark.parametrize("name", CLASSICAL)
def test_each_learns_what_was_planted(name):
    inputs, labels = planted(name)
    recipe = flat_recipe(
        name="c", model=name, data="clips" if name == "lbp-top-svm" else "flow"
    )
    learned = train_recognizer(recipe, inputs[:16], labels[:16], ("left", "right"), 0)
    found = learned.scores(inputs[16:])
    assert found.shape == (8, 2)
    np.testing.assert_allclose(found.sum(1), 1)
    assert found.min() >= 0
    np.testing.assert_array_equal(found.argmax(1), labels[16:])


def test_channels_that_the_recipe_leaves_out_are_not_read():
    """The report states two; strain alone would tell the classes apart."""
    inputs, labels = planted("svm-flow")
    inputs[:, :2] = np.random.default_rng(1).standard_normal(inputs[:, :2].shape)
    inputs[:, 2] = labels[:, None, None]
    recipe = flat_recipe(name="c", model="svm-flow", data="flow", channels=2)
    learned = train_recognizer(recipe, inputs, labels, ("left", "right"), 0)
    other = inputs.copy()
    other[:, 2] = 1 - other[:, 2]
    np.testing.assert_array_equal(learned.scores(other), learned.scores(inputs))
    np.testing.assert_array_equal(learned.scores(inputs[:, :2]), learned.scores(inputs))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"model": "svm-flow", "standardise": True}, "scales what it reads itself"),
        ({"model": "svm-flow-rbf", "unit_flow": True}, "scales what it reads itself"),
        ({"model": "bi-woof-svm", "scale": 2.0}, "found scale in .data."),
        ({"model": "svm-flow-rbf", "channels": 1}, "reads u and v of every extraction"),
    ],
)
def test_what_a_classical_model_would_not_do_is_refused(fields, says):
    with pytest.raises(RecipeError, match=says):
        flat_recipe(name="c", data="flow", **fields)


@pytest.mark.parametrize(("model", "channels"), [("bi-woof-svm", 2), ("svm-flow", 4)])
def test_too_few_channels_are_told_in_words(model, channels):
    inputs, labels = planted(model)
    recipe = flat_recipe(name="c", model=model, data="flow", channels=channels)
    with pytest.raises(RecipeError, match=r"expected (flow|at most)"):
        train_recognizer(recipe, inputs, labels, ("left", "right"), 0)


def test_people_who_show_one_class_only_teach_that_class():
    """A small data set of one's own: no error, the report warns that the others are missing."""
    inputs, _ = planted("svm-flow")
    labels = np.ones(len(inputs), np.int64)
    recipe = flat_recipe(name="c", model="svm-flow", data="flow")
    learned = train_recognizer(recipe, inputs[:16], labels[:16], ("left", "right"), 0)
    assert learned.scores(inputs[16:]).tolist() == [[0.0, 1.0]] * 8


def test_scaling_is_learned_from_what_it_is_fitted_on():
    inputs, labels = planted("svm-flow")
    machine = build("svm-flow").fit(inputs[:16], labels[:16])
    mean = machine.named_steps["standardscaler"].mean_
    np.testing.assert_allclose(mean, inputs[:16].reshape(16, -1).mean(0), atol=1e-5)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.skipif(not REAL.exists(), reason="the real maps in ../shared/data are not here")
@pytest.mark.parametrize(
    ("name", "figures"),
    [("svm-flow", (0.7222, 0.7422)), ("svm-flow-rbf", (0.7480, 0.7835))],
)
def test_the_reference_figures_on_real_maps(name, figures):
    """Leave one person out: UF1 and UAR as measured outside mescope (0.748 / 0.784)."""
    recipe = flat_recipe(name="svm", model=name, data="flow28", seeds=1)
    found = evaluate(recipe, map_examples(read_flow_maps(REAL))).summary()["all"]
    assert tuple(round(found[metric]["mean"], 4) for metric in ("uf1", "uar")) == figures


def test_the_bar_equals_a_plain_one():
    """Kernels by loops, gamma from the originals, decisions of map and mirror averaged."""
    rng = np.random.default_rng(1)
    inputs = rng.standard_normal((14, 6, 28, 28)).astype(np.float32)
    labels = np.arange(12, dtype=np.int64) % 3
    inputs[:12, 0, :14] += labels[:, None, None]
    inputs[:12, 3, :, :14] -= labels[:, None, None]

    def canonical(one):
        pair = np.stack([one[[0, 1]], one[[3, 4]]]).astype(float)  # views, u and v
        for plane in pair.reshape(4, 28, 28):
            plane -= np.median(plane)
            plane /= np.sqrt((plane**2).mean())
        return pair.reshape(2, 2, 14, 2, 14, 2).mean((3, 5))

    def mirrored(pair):
        turned = pair[..., ::-1].copy()
        turned[:, 0] *= -1
        return turned

    known = [canonical(one) for one in inputs[:12]]
    asked = [canonical(one) for one in inputs[12:]]
    gammas = [
        0.5
        / np.median([((a - b)[v] ** 2).sum() for i, a in enumerate(known) for b in known[:i]])
        for v in range(2)
    ]
    rows = known + [mirrored(one) for one in known]

    def kernel(some):
        return np.array(
            [
                [np.mean([np.exp(-gammas[v] * ((a - b)[v] ** 2).sum()) for v in (0, 1)])
                 for b in rows]
                for a in some
            ]
        )  # fmt: skip

    machine = SVC(kernel="precomputed", C=1.0, class_weight="balanced")
    machine.fit(kernel(rows), np.tile(labels, 2))
    decisions = machine.decision_function(kernel(asked + [mirrored(one) for one in asked]))
    wanted = (decisions[:2] + decisions[2:]).argmax(1)
    ours = build("svm-flow-rbf", views=2).fit(inputs[:12], labels)
    np.testing.assert_allclose(ours._gammas, gammas)
    np.testing.assert_allclose(
        ours._kernel(ours._seen(inputs[12:])),
        kernel(asked + [mirrored(one) for one in asked]), atol=1e-12,
    )  # fmt: skip
    assert ours.predict(inputs[12:]).tolist() == wanted.tolist()
    mean = np.exp((decisions[:2] + decisions[2:]) / 2)
    shares = mean / mean.sum(1, keepdims=True)
    np.testing.assert_allclose(ours.shares(inputs[12:]), shares, rtol=1e-9)
    assert ours.classes.tolist() == [0, 1, 2]


def test_the_bar_does_not_see_the_unit_nor_what_all_of_a_map_does():
    inputs, labels = planted("svm-flow-rbf")
    machine = build("svm-flow-rbf").fit(inputs[:16], labels[:16])
    other = 3.0 * inputs[16:] + 100.0
    np.testing.assert_allclose(
        machine._kernel(machine._seen(other)),
        machine._kernel(machine._seen(inputs[16:])), atol=1e-5,
    )  # fmt: skip
    still = np.zeros((2, 3, 14, 14), np.float32)
    assert np.isfinite(machine._kernel(machine._seen(still))).all()


def test_the_bar_says_what_it_wants_to_see():
    inputs, labels = planted("svm-flow-rbf")
    recipe = flat_recipe(name="c", model="svm-flow-rbf", data="flow")
    for options, said in (({"views": 2}, "--choice second=FILE"), ({"side": 5}, "multiples")):
        wrong = dataclasses.replace(
            recipe, model=dataclasses.replace(recipe.model, options=options)
        )
        with pytest.raises(RecipeError, match=said):
            train_recognizer(wrong, inputs, labels, ("left", "right"), 0)


def test_what_is_wrong_is_told():
    with pytest.raises(WeightsError, match="did you mean 'svm-flow'"):
        build("svm-flo")
    with pytest.raises(WeightsError, match="svm-flow cannot be built so"):
        build("svm-flow", kernel="rbf")
