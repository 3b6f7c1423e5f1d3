"""The evolutionary search."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from ammsm_sets import CLASSES, PERSONS, flows, recipe_of
from torch.nn import functional as F

from mescope.errors import RecipeError
from mescope.models.ammsm_config import PRESETS, check_ratios
from mescope.reports.search_plot import save_winners_plot
from mescope.samples.examples import Examples
from mescope.training import search
from mescope.training.evaluate import evaluate
from mescope.training.map_epochs import MapEpochs
from mescope.training.recognizers import load_recognizer, train_recognizer
from mescope.training.search import (
    HeldOutLoss,
    SearchLog,
    Space,
    adopt,
    ammsm_of,
    evolve,
    held_out,
)
from mescope.training.tasks.ammsm import AmmsmTask
from mescope.training.tasks.classification import TrainingSet
from mescope.training.train_clips import publish_recognizer, train_on_all

PAPER = Space.of(PRESETS["ammsm"])
GOAL = (0.6, 0.4, 0.5, 0.1, 0.2, 0.3, 0.4, 0.2, 0.4, 3.0)


def distance(genome):
    return float(sum(abs(a - b) for a, b in zip(genome, GOAL, strict=True)))


def searched(fitness=distance, **options):
    return evolve(PAPER, fitness, **({"population": 16, "generations": 8, "seed": 0} | options))


# --- genes


def test_ten_genes_decode_to_lists_of_equal_pairs():
    assert PAPER.genes == 10
    rng = np.random.default_rng(0)
    for _ in range(50):
        genome = PAPER.draw(rng)
        found = PAPER.decode(genome, (2, 4, 8, 4))
        assert check_ratios(found["ratios"], (2, 4, 8, 4)) == found["ratios"]
        assert {r for stage in found["ratios"] for r in stage} <= set(search.RATIOS)
        assert 1.0 <= found["alpha"] <= 4.0
        assert found["alpha"] == round(found["alpha"], 1)


def test_mutation_without_chance_is_the_identity_and_with_it_a_new_draw():
    rng = np.random.default_rng(1)
    genome = PAPER.draw(rng)
    assert PAPER.mutate(genome, rng, 0.0) == genome
    changed = [
        sum(a != b for a, b in zip(genome, PAPER.mutate(genome, rng), strict=True))
        for _ in range(300)
    ]
    assert 0.4 < np.mean(changed) < 2.0  # about one gene in ten, some drawn alike, some sorted
    assert all(PAPER.settle(found) == found for found in (PAPER.mutate(genome, rng, 1.0),) * 2)


def test_a_cross_has_genes_of_its_parents_alone():
    rng = np.random.default_rng(2)
    low, high = (0.1,) * 9 + (1.0,), (0.8,) * 9 + (4.0,)
    seen = np.array([PAPER.cross(low, high, rng) for _ in range(50)])
    assert set(np.unique(seen[:, :9])) == {0.1, 0.8}
    assert set(np.unique(seen[:, 9])) == {1.0, 4.0}
    assert PAPER.cross(low, low, rng) == low


def test_a_model_without_a_part_has_fewer_genes():
    dense, plain = recipe_of({"sparse": False}), recipe_of({"magnify": False})
    learned = train_recognizer(dense, *flows(), CLASSES, 0, until=1)
    space = Space.of(ammsm_of(learned).config)
    assert (space.genes, space.pairs) == (1, ())
    adopt(learned.model, (2.5,))
    assert learned.model.config.alpha == 2.5
    learned = train_recognizer(plain, *flows(), CLASSES, 0, until=1)
    space = Space.of(ammsm_of(learned).config)
    assert (space.genes, space.alpha) == (4, False)
    with pytest.raises(RecipeError, match="ratios or a factor"):
        Space.of(PRESETS["vssd-tiny"])


# --- the search


def test_the_best_never_gets_worse_and_the_goal_comes_near():
    found = searched(generations=40)
    assert all(a >= b for a, b in zip(found.best, found.best[1:], strict=False))
    assert found.loss == found.best[-1] == distance(found.winner)
    assert found.loss < found.best[0] / 3
    assert len({c.genome for c in found.candidates}) == len(found.candidates)


def test_nothing_is_scored_twice():
    seen = []

    def fitness(genome):
        seen.append(genome)
        return distance(genome)

    steps = []
    searched(fitness, progress=lambda done, total: steps.append((done, total)))
    assert len(seen) == len(set(seen))
    assert steps[-1] == (16 + 8 * 12, 16 + 8 * 12)
    assert len(seen) < len(steps)  # some came again


def test_the_search_follows_its_seed():
    assert searched() == searched()
    assert searched().candidates != searched(seed=1).candidates


def test_a_stopped_search_goes_on(tmp_path):
    path, whole = tmp_path / "search.jsonl", searched()

    class StopError(Exception):
        pass

    calls = []

    def stopping(genome):
        if len(calls) == 25:
            raise StopError
        calls.append(genome)
        return distance(genome)

    with pytest.raises(StopError):
        searched(stopping, log=SearchLog(path, {"seed": 0}))
    rest = []

    def counted(genome):
        rest.append(genome)
        return distance(genome)

    assert searched(counted, log=SearchLog(path, {"seed": 0})) == whole
    assert len(rest) == len(whole.candidates) - 25
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert len(lines) == 1 + len(whole.candidates)
    assert tuple(lines[-1]["genome"]) == whole.candidates[-1].genome
    assert lines[-1]["loss"] == whole.candidates[-1].loss


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"search": {"seed": 1}}\n', "another search"),
        ('{"search": {"seed": 0}}\n{"genome": [1', "delete it"),
        ("", "delete it"),
    ],
)
def test_a_log_of_something_else_is_refused(tmp_path, text, says):
    path = tmp_path / "search.jsonl"
    path.write_text(text)
    with pytest.raises(RecipeError, match=says):
        SearchLog(path, {"seed": 0})


def test_a_loss_that_is_no_number_ends_the_search():
    with pytest.raises(RecipeError, match="lower learning_rate"):
        searched(lambda genome: float("nan"))


# --- the fitness and who it is measured on


def test_the_fitness_is_the_cross_entropy_under_the_candidate():
    learned = train_recognizer(recipe_of(), *flows(), CLASSES, 0)
    inputs, labels = flows(7, seed=5)
    fitness = HeldOutLoss(learned, inputs, labels)
    genome = (0.5, 0.2, 0.8, 0.1, 2.0)
    ratios = tuple((r, r) for r in genome[:4])
    before = learned.model.training
    found = fitness(genome)
    assert learned.model.training == before
    learned.model.eval()
    with torch.no_grad():
        logits = learned.model(learned.prepare(inputs), ratios=ratios, alpha=2.0).emotion
    wanted = F.cross_entropy(logits.double(), torch.from_numpy(labels))
    assert found == pytest.approx(float(wanted), rel=1e-9)
    adopt(learned.model, genome)
    shares = learned.scores(inputs)
    assert -np.log(shares[np.arange(7), labels]).mean() == pytest.approx(found, rel=1e-5)


@pytest.mark.parametrize(("people", "share"), [(1, 0.3), (2, 0.3), (3, 0.7), (5, 0.9)])
def test_too_few_people_are_told(people, share):
    persons = [("casme2", f"s{i % people}") for i in range(12)]
    with pytest.raises(RecipeError, match="3 training people or more"):
        held_out(persons, share, 0)


def recipe_that_searches():
    """A recipe that searches within two epochs, and what it learns from."""
    recipe = recipe_of(
        epochs=2, adaptive_epochs=1, hold_out=0.3, search_population=4, search_generations=1
    )
    inputs, labels = flows()
    examples = Examples(
        kind="flow28", inputs=inputs, labels=labels, classes=CLASSES, persons=PERSONS,
        names=tuple(map(str, range(16))),
    )  # fmt: skip
    return recipe, examples


def test_a_search_within_a_fold_sees_no_test_person(monkeypatch, tmp_path):  # check 24
    recipe, examples = recipe_that_searches()
    inputs = examples.inputs
    person = {x.tobytes(): p for x, p in zip(inputs, PERSONS, strict=True)}
    slices, trained, adopted = [], [], []
    plain, put = HeldOutLoss.__init__, search.adopt
    epochs = MapEpochs.__init__

    def spy(self, learned, inputs, labels):
        slices.append({person[x.tobytes()] for x in inputs})
        plain(self, learned, inputs, labels)

    def learn_spy(self, optim, augment, preparation, inputs, *others):
        trained.append({person[x.tobytes()] for x in inputs})
        epochs(self, optim, augment, preparation, inputs, *others)

    def adopt_spy(model, genome):
        put(model, genome)
        adopted.append((genome, model.config.alpha))

    monkeypatch.setattr(HeldOutLoss, "__init__", spy)
    monkeypatch.setattr(MapEpochs, "__init__", learn_spy)
    monkeypatch.setattr(search, "adopt", adopt_spy)
    report = evaluate(recipe, examples, "5-fold")
    trained, all_of = trained[::2], trained[1::2]
    assert len(slices) == len(trained) == len(all_of) == len(adopted) == 5
    for fold, (chosen, learned) in enumerate(zip(slices, trained, strict=True)):
        name = f"{fold + 1} of 5"
        tested = {p.person for p in report.predictions if p.fold == name}
        assert chosen
        assert tested
        assert not chosen & tested
        assert not learned & tested
        assert not chosen & learned
        assert all_of[fold] == learned | chosen  # once chosen, everybody is learned from
    assert [one["fold"] for one in report.chosen] == [f"{k + 1} of 5" for k in range(5)]
    assert [tuple(one["genome"]) for one in report.chosen] == [genome for genome, _ in adopted]
    assert save_winners_plot(report.chosen, tmp_path / "found.png")
    assert not save_winners_plot([{"epoch": 3}], tmp_path / "none.png")
    assert all(genome[-1] == alpha for genome, alpha in adopted)


def test_weights_for_new_recordings_are_searched_for_too(tmp_path):
    """`mescope train` of a recipe with a search: some of all people choose, then join."""
    recipe, examples = recipe_that_searches()
    inputs, labels = examples.inputs, examples.labels
    learned, _ = train_on_all(recipe, examples, tmp_path)
    direct = train_recognizer(recipe, inputs, labels, CLASSES, recipe.seed, persons=PERSONS)
    np.testing.assert_array_equal(learned.scores(inputs), direct.scores(inputs))
    publish_recognizer(learned, recipe, examples, tmp_path / "own.safetensors")
    again, card = load_recognizer(tmp_path / "own.safetensors")
    assert learned.chosen["genome"][-1] == again.model.config.alpha == card.config["alpha"]
    assert again.model.config.default_ratios == learned.model.config.default_ratios
    np.testing.assert_allclose(again.scores(inputs), learned.scores(inputs), rtol=1e-6)


def test_a_search_needs_ammsm_and_people():
    recipe = recipe_of(hold_out=0.3, search_population=4)
    with pytest.raises(RecipeError, match="names"):
        train_recognizer(recipe, *flows(), CLASSES, 0)
    persons = [("casme2", f"s{i % 2}") for i in range(16)]
    with pytest.raises(RecipeError, match="3 training people"):
        train_recognizer(recipe, *flows(), CLASSES, 0, persons=persons)


def test_the_rate_goes_on_evenly_where_epochs_grow():
    recipe = recipe_of(epochs=6, adaptive_epochs=2, batch_size=4)
    data = TrainingSet(*flows(8), CLASSES)
    task = AmmsmTask(recipe, data, 0, "cpu")
    task.join(TrainingSet(*flows(16), CLASSES), 2)
    assert [task.steps_before(epoch) for epoch in (0, 2, 3, 6)] == [0, 4, 8, 20]
    assert [task.place(task.steps_before(epoch)) for epoch in range(7)] == [
        0,
        2,
        4,
        6,
        8,
        10,
        12,
    ]
