"""Training on annotated recordings: whole passes, masked losses, the same after a stop."""

import numpy as np
import pytest
import torch
from made_up_recordings import people

from mescope.errors import RecipeError
from mescope.models import MeTstOutput
from mescope.samples.recording_targets import RecordingEpochs
from mescope.training.checkpoint import read_history
from mescope.training.losses import masked_me_tst_loss, me_tst_loss
from mescope.training.recipe import parse_recipe
from mescope.training.spotting_fold import fitted
from mescope.training.spotting_rule import first_rule
from mescope.training.tasks.recordings import RecordingSpotting
from mescope.training.train import train

TEXT = """name = "tiny"
labels = "4-class"
seeds = 2
[model]
name = "me-tst"
[model.options]
dim = 8
depth = 2
states = 4
[data]
kind = "recordings"
[optim]
epochs = 3
batch_size = 16
learning_rate = 5e-3
"""


def recipe(*settings):
    return parse_recipe(TEXT, settings=settings)


def source(wanted=None, seed=0):
    wanted = wanted or recipe()
    return RecordingEpochs(wanted.data, wanted.labels, seed, people())


def targets(seed=0):
    rng = np.random.default_rng(seed)
    output = MeTstOutput(
        torch.tensor(rng.random((3, 10))), torch.tensor(rng.normal(size=(3, 10, 5)))
    )
    spotting = torch.tensor(rng.integers(0, 2, (3, 10))).double()
    return output, spotting, torch.tensor(rng.integers(0, 5, (3, 10)))


WEIGHTS = torch.tensor([1.0, 2.0, 0.5, 1.0, 6.0], dtype=torch.float64)


def test_where_all_is_known_the_masked_loss_is_the_published_one():
    output, spotting, classes = targets()
    masked = masked_me_tst_loss(output, spotting, classes, WEIGHTS)
    torch.testing.assert_close(masked, me_tst_loss(output, spotting, classes, WEIGHTS))


def test_what_is_not_known_changes_neither_loss_nor_gradient():
    output, spotting, classes = targets()
    score = output.spotting.clone().requires_grad_()
    logits = output.emotion.clone().requires_grad_()
    spotting[0, :4], classes[0, :4], classes[1, 2] = -1, -1, -1
    masked_me_tst_loss(MeTstOutput(score, logits), spotting, classes, WEIGHTS).backward()
    assert not score.grad[0, :4].any()
    assert score.grad[1, 2] != 0
    assert not logits.grad[0, :4].any()
    assert not logits.grad[1, 2].any()
    # what is left is the mean over the frames that are known
    seen, named = spotting >= 0, classes >= 0
    square = (output.spotting - spotting)[seen].square().mean()
    entropy = torch.nn.functional.cross_entropy(
        output.emotion[named], classes[named], WEIGHTS, reduction="sum"
    )
    wanted = 0.9 * square + 0.1 * entropy / named.sum()
    found = masked_me_tst_loss(output, spotting, classes, WEIGHTS)
    torch.testing.assert_close(found, wanted)


def test_without_anything_known_the_loss_is_zero():
    output, spotting, classes = targets()
    assert masked_me_tst_loss(output, spotting * 0 - 1, classes * 0 - 1, WEIGHTS).item() == 0.0


def test_cross_entropy_also_counts_what_is_known_only_and_is_not_as_published():
    output, spotting, classes = targets()
    spotting[0, :4] = -1
    found = masked_me_tst_loss(
        output, spotting, classes, WEIGHTS, spotting_weight=1.0, spotting_loss="cross-entropy"
    )
    seen = spotting >= 0
    wanted = torch.nn.functional.binary_cross_entropy(output.spotting[seen], spotting[seen])
    torch.testing.assert_close(found, wanted)
    with pytest.raises(RecipeError, match='expected spotting_loss = "squared" with'):
        recipe('task.spotting_loss="cross-entropy"', 'data.mode="as_published"')
    with pytest.raises(RecipeError, match="spotting_loss"):
        recipe('task.spotting_loss="focal"')


def test_an_epoch_goes_once_through_all_windows_scaled_by_a_tenth_at_most():
    chosen = recipe()
    task = RecordingSpotting(chosen, torch.device("cpu"))
    drawn = source(chosen)
    task.learns_from(drawn)
    task.data = iter([(0, drawn(0))])
    batches = list(task.batches(0))
    assert len(batches) == task.steps == -(-drawn.sizes()[0] // 16)
    flow = np.concatenate([batch[0].numpy() for batch in batches])
    every = drawn(0).by_length[20].flow
    assert len(flow) == len(every)
    rms = np.sqrt((every**2).mean((1, 2)))
    ratio = np.sort(np.sqrt((flow**2).mean((1, 2)))) / np.sort(rms)
    assert 0.85 < ratio.min() < 1 < ratio.max() < 1.15


def test_channels_and_mode_follow_from_the_data():
    assert recipe_options() == {"channels": 36, "dim": 8, "depth": 2, "states": 4}
    five = recipe_options('data.regions="5"', 'data.mode="as_published"')
    assert (five["channels"], five["mode"]) == (10, "as_published")


def recipe_options(*settings):
    return RecordingSpotting.options(recipe(*settings), 0)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ('task.k_p_people="everyone"', "goes with .data. mode"),
        ("data.macro=true", "cannot tell macro- from micro"),
        ('labels="7-class"', "labels must be one of"),
        ('task.rule="guess"', "rule must be"),
        ('task.k_p="mode"', "k_p must be"),
        ("task.hold_out=1.0", "hold_out must be"),
        ("task.strategy=0", "strategy must be"),
        ("optim.steps=5", "unknown key 'steps'"),
    ],
)
def test_what_does_not_go_together_is_refused(setting, message):
    with pytest.raises(RecipeError, match=message):
        recipe(setting)


def test_neutral_without_a_part_in_training_leaves_one_strategy():
    assert recipe().task.strategies == (1, 2)
    assert recipe("task.strategy=2").task.strategies == (2, 1)
    assert recipe("task.neutral_weight=0").task.strategies == (0,)


def test_a_recipe_without_its_recordings_says_what_to_give(tmp_path):
    with pytest.raises(RecipeError, match="give --dataset and --root, or --features"):
        train(recipe(), tmp_path)


def test_a_run_that_was_killed_in_an_epoch_ends_in_the_same_weights(tmp_path):
    rule = first_rule(recipe(), people())
    whole, _ = fitted(recipe(), people(), rule, tmp_path / "whole")

    def kill(done, total, loss):
        if done == total - 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fitted(recipe(), people(), rule, tmp_path / "cut", report=kill)
    model, _ = fitted(recipe(), people(), rule, tmp_path / "cut")
    history = read_history(tmp_path / "cut")
    assert len(history) == 3
    with pytest.raises(RecipeError, match="learned from other data"):
        fitted(recipe(), people()[2:], rule, tmp_path / "cut")
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(tensor, whole.state_dict()[name], rtol=0, atol=0)
    first, last = (history[i]["loss"] for i in (0, -1))
    assert last < first
