"""What training AMMSM takes beside the loop."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from ammsm_sets import CLASSES, PERSONS, SIDE, TINY, flows, recipe_of
from made_recipes import changed
from torch.nn import functional as F

from mescope.errors import RecipeError
from mescope.models import create_model
from mescope.models.ammsm_config import check_ratios
from mescope.samples.augment import mixup
from mescope.samples.examples import Examples
from mescope.training import ammsm_training
from mescope.training.ammsm_training import (
    ALPHAS,
    RATIOS,
    AmmsmTrainer,
    AmmsmTrainOutput,
    ammsm_loss,
    arguments,
    decay,
    draw_ratios,
    magnifier_loss,
    magnifier_weight,
)
from mescope.training.recognizers import train_recognizer
from mescope.training.search import adopt
from mescope.training.tasks.classification import Classification, TrainingSet
from mescope.training.train_clips import publish_recognizer, train_on_all


def trained(recipe, seed=1, **options):
    return train_recognizer(recipe, *flows(), CLASSES, seed, **options).scores(
        flows(6, seed=9)[0]
    )


def trainee(recipe=None, seed=0):
    recipe = recipe or recipe_of()
    torch.manual_seed(seed)
    return AmmsmTrainer(
        create_model(recipe.model.name, **recipe.model.options), seed,
        epochs=recipe.optim.epochs, adaptive_epochs=recipe.task.adaptive_epochs,
        mesa=recipe.task.mesa, onset=recipe.data.kind == "flow-onset",
    )  # fmt: skip


# --- losses


def test_the_magnifiers_loss_is_the_mean_distance_to_the_scaled_flow():  # check 3
    flow = torch.randn(2, 2, 5, 5)
    assert float(magnifier_loss(flow, 3.0 * flow, 3.0)) == 0.0
    found = magnifier_loss(flow, flow, 3.0)
    torch.testing.assert_close(found, (2.0 * flow).abs().mean())


def test_the_magnifiers_weight_falls_in_a_line():  # check 3
    found = [magnifier_weight(epoch, 100) for epoch in (0, 70, 99)]
    assert found == pytest.approx([1.0, 0.3, 0.01])


def test_the_losses_against_values_by_hand():
    step = AmmsmTrainOutput(
        emotion=torch.tensor([[0.0, 0.0], [0.0, np.log(3.0)]]),
        magnified=torch.full((2, 2, 1, 1), 5.0),
        flow=torch.ones(2, 2, 1, 1),
        alpha=2.0,
        teacher=torch.tensor([[0.0, 0.0], [0.0, 0.0]]),
    )
    named = (np.log(2.0) - np.log(3 / 4)) / 2  # shares 1/2 of class 0, 3/4 of class 1
    taught = (np.log(2.0) - (np.log(1 / 4) + np.log(3 / 4)) / 2) / 2
    wanted = named + 0.6 * 3.0 + 0.5 * taught  # |2 * 1 - 5| = 3, (10 - 4) / 10
    found = ammsm_loss(step, torch.tensor([0, 1]), 4, 10, 0.5)
    assert float(found) == pytest.approx(wanted, rel=1e-5)
    plain = step._replace(magnified=None, teacher=None)
    found = ammsm_loss(plain, torch.tensor([0, 1]), 4, 10, 0.5)
    assert float(found) == pytest.approx(named, rel=1e-5)


# --- what is drawn


def test_ratios_are_of_the_grid_and_ascend():
    rng, seen = np.random.default_rng(0), set()
    for _ in range(100):
        ratios = draw_ratios(rng, (2, 4, 8, 3))
        assert check_ratios(ratios, (2, 4, 8, 3)) == ratios  # pairs equal, stages ascending
        seen |= {r for stage in ratios for r in stage}
    assert seen == set(RATIOS) == {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8}


def test_every_batch_draws_until_the_adaptive_epochs_end(monkeypatch):  # check 27
    drawn = []
    plain = ammsm_training.Ammsm.forward

    def spy(self, *given, ratios=None, alpha=None):
        if self.training:
            drawn.append((ratios, alpha))
        return plain(self, *given, ratios=ratios, alpha=alpha)

    monkeypatch.setattr(ammsm_training.Ammsm, "forward", spy)
    trained(recipe_of())  # 3 adaptive epochs of 2 batches, and one under the model's own
    assert len(drawn) == 8
    assert len(set(drawn[:6])) == 6
    assert all(ALPHAS[0] <= alpha <= ALPHAS[1] for _, alpha in drawn[:6])
    assert drawn[6:] == [(None, None)] * 2


def test_draws_depend_on_seed_and_epoch_alone():
    one, other = trainee(), trainee()
    x = torch.randn(4, 2, SIDE, SIDE)
    one(x), one(x)
    for each in (one, other):
        each.begin(2)
    assert one(x).alpha == other(x).alpha
    other.begin(1)
    assert one(x).alpha != other(x).alpha


@pytest.mark.parametrize(
    ("options", "ratios", "alpha"),
    [({"sparse": False}, False, True), ({"magnify": False}, True, False)],
)
def test_a_model_without_a_part_draws_nothing_for_it(options, ratios, alpha):
    step = trainee(recipe_of(options)).eval()(torch.randn(2, 2, SIDE, SIDE))
    assert (step.magnified is not None) == alpha
    assert np.isfinite(trained(recipe_of(options))).all()


# --- mixup


def test_mixing_with_nothing_changes_nothing():  # check 26
    x, y = torch.randn(4, 2, 3, 3), torch.tensor([0, 2, 1, 0])
    mixed, targets = mixup(x, y, 3, 1.0, torch.tensor([1, 2, 3, 0]))
    assert torch.equal(mixed, x)
    logits = torch.randn(4, 3)
    torch.testing.assert_close(F.cross_entropy(logits, targets), F.cross_entropy(logits, y))


def test_mixed_inputs_and_shares_by_hand():
    x, y = torch.tensor([[4.0], [8.0]]), torch.tensor([0, 1])
    mixed, targets = mixup(x, y, 2, 0.75, torch.tensor([1, 0]))
    assert mixed.tolist() == [[5.0], [7.0]]
    assert targets.tolist() == [[0.75, 0.25], [0.25, 0.75]]
    other, _ = mixup(3.0 * x, y, 2, 0.75, torch.tensor([1, 0]))
    torch.testing.assert_close(other, 3.0 * mixed)  # alpha * mix(flow) = mix(alpha * flow)


def test_mixup_reaches_any_model_of_one_head():
    found = trained(recipe_of(mixup=0.8))
    assert np.isfinite(found).all()
    assert not np.array_equal(found, trained(recipe_of()))
    inputs, labels = np.zeros((8, 3, 28, 28), np.float32), np.arange(8) % 7
    one = changed(
        recipe_of(), model="ststnet", options={}, channels=3, adaptive_epochs=None, mixup=0.8
    )
    assert np.isfinite(
        train_recognizer(one, inputs, labels % 3, CLASSES, 0).scores(inputs)
    ).all()


# --- the teacher


def test_the_teachers_decay_grows_to_its_bound():
    assert [decay(0), decay(1), decay(8)] == pytest.approx([1 / 10, 2 / 11, 9 / 18])
    assert decay(10_000) == 0.99


def test_the_teacher_follows_by_its_formula():  # check 25
    model = trainee(recipe_of(mesa=1.0))
    mine, theirs = model.model.temporal.head.bias, model.teacher.module.temporal.head.bias
    assert not theirs.requires_grad
    wanted = float(theirs[0])
    for step, value in enumerate((1.0, 5.0, -2.0)):
        mine.data.fill_(value)
        model.follow()
        wanted = decay(step) * wanted + (1 - decay(step)) * value
        assert float(theirs[0]) == pytest.approx(wanted, rel=1e-5)
    statistic = "magnifier.encoder.0.1.running_mean"
    model.model.state_dict()[statistic].fill_(7.0)
    model.follow()
    assert float(model.teacher.module.state_dict()[statistic][0]) == pytest.approx(
        7.0 * (1 - decay(3)), rel=1e-5
    )


def test_with_decay_0_the_teacher_is_the_model(monkeypatch):  # check 25
    monkeypatch.setattr(ammsm_training, "decay", lambda step: 0.0)
    model = trainee(recipe_of(mesa=1.0))
    with torch.no_grad():
        for parameter in model.model.parameters():
            parameter.add_(torch.randn_like(parameter))
    model.follow()
    state = model.teacher.module.state_dict()
    assert all(torch.equal(state[k], v) for k, v in model.model.state_dict().items())


def test_the_teacher_is_silent_for_a_quarter_and_never_trains():  # check 25
    model = trainee(recipe_of(epochs=8, mesa=1.0)).train()
    x = torch.randn(4, 2, SIDE, SIDE)
    before = {k: v.clone() for k, v in model.teacher.state_dict().items()}
    for epoch, says in ((0, False), (1, False), (2, True), (7, True)):
        model.begin(epoch)
        step = model(x)
        assert (step.teacher is not None) == says
    assert not step.teacher.requires_grad
    ammsm_loss(step, torch.tensor([0, 1, 2, 0]), 7, 8, 1.0).backward()
    assert all(p.grad is None for p in model.teacher.parameters())
    after = model.teacher.state_dict()
    assert all(torch.equal(after[k], v) for k, v in before.items())  # no running statistics


def test_the_teacher_is_asked_under_what_a_search_found(monkeypatch):
    model = trainee(recipe_of(mesa=1.0))
    adopt(model.model, (0.8, 0.8, 0.8, 0.8, 1.5))
    asked = []
    plain = model.teacher.module.forward
    monkeypatch.setattr(
        model.teacher.module, "forward",
        lambda *given, **options: asked.append(options) or plain(*given, **options),
    )  # fmt: skip
    model.begin(3)  # past the adaptive epochs
    model(torch.randn(4, 2, SIDE, SIDE))
    config = model.model.config
    assert asked == [{"ratios": config.ratios, "alpha": 1.5}]
    assert config.ratios != model.teacher.module.config.default_ratios


def test_the_teacher_takes_every_step_of_the_optimizer(monkeypatch):
    counts = []
    plain = AmmsmTrainer.follow

    def spy(self):
        plain(self)
        counts.append(self.teacher and int(self.teacher.n_averaged) - 1)

    monkeypatch.setattr(AmmsmTrainer, "follow", spy)
    with_teacher = trained(recipe_of(mesa=1.0))
    assert counts == list(range(1, 9))  # 4 epochs of 2 batches
    assert not np.array_equal(with_teacher, trained(recipe_of()))


# --- the whole


def test_training_follows_the_seed():  # check 30
    recipe = recipe_of(mixup=0.8, mesa=1.0)
    found = trained(recipe)
    np.testing.assert_array_equal(found, trained(recipe))
    assert not np.array_equal(found, trained(recipe, seed=2))


def test_planted_motion_is_learned_under_random_sparsity():  # check 29
    """28 x 28 maps in small, without an onset frame."""
    recipe = recipe_of(
        epochs=80, adaptive_epochs=40, batch_size=16, learning_rate=3e-3, schedule="cosine"
    )
    inputs, labels = flows()
    learned = train_recognizer(recipe, inputs, labels, CLASSES, 0)
    assert (learned.scores(inputs).argmax(1) == labels).all()
    half = tuple((0.5, 0.5) for _ in range(4))
    learned.model.eval()
    with torch.no_grad():
        found = learned.model(learned.prepare(inputs), ratios=half, alpha=3.0).emotion
    assert (found.argmax(1).numpy() == labels).mean() > 0.8


def test_a_stopped_run_ends_as_one_that_was_not(tmp_path):
    """The checkpoint keeps the teacher and how far it is."""
    recipe = recipe_of(mesa=1.0, mixup=0.4, schedule="cosine")
    inputs, labels = flows()
    examples = Examples(
        kind="flow28", inputs=inputs, labels=labels, classes=CLASSES, persons=PERSONS,
        names=tuple(map(str, range(16))),
    )  # fmt: skip
    whole, _ = train_on_all(recipe, examples, tmp_path / "whole")

    class StopError(Exception):
        pass

    def stop(done, loss):
        if done == 5:
            raise StopError

    with pytest.raises(StopError):
        train_on_all(recipe, examples, tmp_path / "stopped", report=stop)
    rest, _ = train_on_all(recipe, examples, tmp_path / "stopped")
    np.testing.assert_array_equal(rest.scores(inputs), whole.scores(inputs))
    card = publish_recognizer(rest, recipe, examples, tmp_path / "tiny.safetensors")
    assert card.config["size"] == SIDE


def test_stopping_early_is_a_beginning_of_the_whole():
    seen = []

    def look(epoch, learned):
        seen.append((epoch, learned.scores(flows()[0])))

    recipe = recipe_of(schedule="cosine")
    train_recognizer(recipe, *flows(), CLASSES, 0, monitor=look)
    part = train_recognizer(recipe, *flows(), CLASSES, 0, until=3)
    np.testing.assert_array_equal(part.scores(flows()[0]), seen[2][1])


# --- inputs


def test_the_onset_frame_goes_to_the_spatial_stream():
    recipe = recipe_of({"spatial": True}, data="flow-onset", unit_flow=True)
    inputs, labels = flows()
    inputs[:, 2] = np.random.default_rng(1).uniform(0, 1, (16, SIDE, SIDE))
    learned = train_recognizer(recipe, inputs, labels, CLASSES, 0)
    prepared = learned.prepare(inputs)
    flow, onset = arguments(learned.model, prepared)
    assert flow.shape[1:] == (2, SIDE, SIDE)
    assert onset.shape[1:] == (3, SIDE, SIDE)
    spread = inputs[:, :2].std()
    np.testing.assert_allclose(flow.numpy(), inputs[:, :2] / spread, rtol=1e-4, atol=1e-6)
    grey = (inputs[:, 2] - 0.449) / 0.226
    for channel in range(3):
        np.testing.assert_allclose(onset[:, channel].numpy(), grey, rtol=1e-4, atol=1e-5)
    other = inputs.copy()
    other[:, 2] = 1.0 - other[:, 2]
    assert not np.array_equal(learned.scores(inputs), learned.scores(other))
    mirrored = learned.prepare.mirror(prepared)
    torch.testing.assert_close(mirrored[:, 0], -prepared[:, 0].flip(-1))
    torch.testing.assert_close(mirrored[:, 2], prepared[:, 2].flip(-1))


def test_unit_flow_keeps_the_zero_and_one_unit_for_u_and_v():
    recipe = recipe_of(data="flow", unit_flow=True)
    inputs = flows()[0] + 2.0
    found = recipe.data.measure(inputs)
    assert found.shift == (0.0, 0.0)
    assert found.slope[0] == found.slope[1] == pytest.approx(1 / inputs[:, :2].std())
    inputs[:, 2] *= 9.0  # strain, which is no flow, has no part in it
    assert changed(recipe, channels=3).data.measure(inputs).slope == 3 * found.slope[:1]


@pytest.mark.parametrize(
    ("changes", "options", "text"),
    [
        ({}, {"spatial": True}, "kind = 'flow-onset'"),
        ({"data": "flow-onset", "channels": None}, {}, "kind = 'flow-onset'"),
        ({"model": "ststnet", "options": {}}, None, "unknown key 'adaptive_epochs' of .task"),
        (
            {"model": "ststnet", "options": {}, "adaptive_epochs": None, "mesa": 1.0},
            None,
            "unknown key 'mesa' of .task",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(changes, options, text):
    recipe = recipe_of(options)
    with pytest.raises(RecipeError, match=text):
        trained(changed(recipe, **changes))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"mixup": -0.1}, r"mixup must be a number in 0\.\.1000"),
        ({"mesa": -1.0}, r"mesa must be a number in 0\.\.10000"),
        ({"adaptive_epochs": 5}, "0 to epochs = 4"),
        ({"search_population": 3, "hold_out": 0.3}, "search_population of 4"),
        ({"search_population": 8}, "hold_out for people"),
        ({"search_population": 8, "hold_out": 0.3, "adaptive_epochs": 0}, "adaptive_epochs"),
        ({"data": "flow-onset", "channels": 3}, "unknown key 'channels' of .data"),
        ({"data": "flow-onset", "standardise": True}, "unit_flow"),
        ({"unit_flow": True}, "unknown key 'unit_flow' of .data"),
        ({"data": "flow", "unit_flow": True, "standardise": True}, "exclude each other"),
    ],
)
def test_recipes_that_make_no_sense(changes, text):
    with pytest.raises(RecipeError, match=text):
        recipe_of(**changes)


@pytest.mark.parametrize(
    "options", [{"ratios": [[0.95] * 2] * 4}, {"ratios": [[0.5]]}, {"alpha": 0.0}]
)
def test_options_out_of_range_are_refused_before_training(options):
    from mescope.errors import WeightsError

    with pytest.raises(WeightsError, match="cannot be built"):
        trained(recipe_of(TINY | options))


def test_other_models_are_trained_as_before():
    """Nothing of the wrapper reaches them."""
    recipe = changed(recipe_of(), model="ststnet", options={}, adaptive_epochs=None, channels=3)
    task = Classification(recipe, TrainingSet(*flows(), CLASSES), 0, "cpu")
    assert task.module is task.model
