"""The batches of an epoch: what is done to maps, and simulated ones among them."""

import dataclasses

import numpy as np
import pytest
import torch

from mescope.errors import RecipeError
from mescope.samples.examples import Examples
from mescope.samples.preparation import GreyMapPreparation
from mescope.training import map_epochs
from mescope.training.map_epochs import MapEpochs, simulated_beside
from mescope.training.recipe import parse_recipe
from mescope.training.tables import Augment, Optim
from mescope.training.tasks.classification import Classification, Session, TrainingSet

PLAIN = GreyMapPreparation(
    data="flow28", size=28, channels=3, slope=(1.0,) * 3, shift=(0.0,) * 3
)
CNN = """name = "x"
model.name = "flow-cnn"
data.kind = "flow28"
optim.epochs = 1
optim.batch_size = 8
"""


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Draw few simulated maps: a pool of thousands takes a minute."""
    monkeypatch.setattr(map_epochs, "POOL", 40)
    map_epochs._drawn.cache_clear()
    yield
    map_epochs._drawn.cache_clear()


def epochs(augment, count=20, beside=None, batch=8):
    rng = np.random.default_rng(0)
    maps = rng.uniform(0, 255, (count, 3, 28, 28)).astype(np.float32)
    labels = np.arange(count) % 3
    return maps, MapEpochs(Optim(batch_size=batch), augment, PLAIN, maps, labels, 3, 5, beside)


def simulated(count=30):
    return Examples(
        kind="synthetic-maps",
        inputs=np.full((count, 3, 28, 28), -7.0, np.float32),
        labels=np.full(count, 2),
        classes=("a", "b", "c"),
        persons=tuple(("s", str(i)) for i in range(count)),
        names=("map",) * count,
    )


def test_as_many_simulated_maps_are_among_the_real_ones_and_count_their_share():
    maps, both = epochs(Augment(simulated=0.3), beside=simulated())
    seen = []
    for batch, labels, counts in both.batches(0):
        drawn = batch.mean((1, 2, 3)) == -7.0
        assert int(drawn.sum()) == len(batch) // 2
        torch.testing.assert_close(counts, torch.where(drawn, 0.3, 1.0))
        assert (labels[drawn] == 2).all()
        seen += [int(np.argmax((maps == one.numpy()).all((1, 2, 3)))) for one in batch[~drawn]]
        assert [i % 3 for i in seen[-len(batch) // 2 :]] == labels[~drawn].tolist()
    assert sorted(seen) == list(range(20))
    assert both.steps == 3


def test_without_simulated_maps_a_batch_is_inputs_and_labels():
    assert {len(batch) for batch in epochs(Augment(flip=True))[1].batches(0)} == {2}


@pytest.mark.parametrize("augment", [{"turn": 10.0}, {"zoom": 0.2}, {"turn": 5.0, "shift": 2}])
def test_turned_maps_differ_and_follow_from_seed_and_epoch(augment):
    first, again = (list(epochs(Augment(**augment))[1].batches(3)) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        assert torch.equal(one[0], other[0])
    plain = list(epochs(Augment())[1].batches(3))
    for one, other in zip(first, plain, strict=True):
        assert torch.equal(one[1], other[1])  # the same maps in the same order
        assert not torch.allclose(one[0], other[0])


def test_a_simulated_map_counts_its_share_in_the_loss():
    recipe = parse_recipe(CNN + "augment.simulated = 0.25")
    maps = np.random.default_rng(1).uniform(0, 255, (6, 3, 28, 28)).astype(np.float32)
    classes = ("negative", "positive", "surprise")
    task = Classification(recipe, TrainingSet(maps, np.arange(6) % 3, classes), 0, "cpu")
    output, labels = torch.randn(4, 3), torch.tensor([0, 1, 2, 1])
    counts = torch.tensor([1.0, 0.25, 1.0, 0.25])
    each = torch.nn.functional.cross_entropy(output, labels, reduction="none")
    found = task.loss(output, (torch.empty(0), labels, counts))
    torch.testing.assert_close(found, (each * counts).sum() / counts.sum())
    task.weights = torch.tensor([1.0, 2.0, 3.0])
    heavy = counts * task.weights[labels]
    found = task.loss(output, (torch.empty(0), labels, counts))
    torch.testing.assert_close(found, (each * heavy).sum() / heavy.sum())


def test_classes_of_simulated_maps_are_those_of_the_recipe():
    data = parse_recipe(CNN).data
    plain = simulated_beside(data, ("negative", "positive", "surprise"), 3)
    other = simulated_beside(data, ("surprise", "negative", "positive"), 3)
    names = [[found.classes[i] for i in found.labels] for found in (plain, other)]
    assert names[0] == names[1]
    with pytest.raises(RecipeError, match="expected the classes negative, positive, surprise"):
        simulated_beside(data, ("negative", "positive"), 3)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"flow-cnn": "featref"}, "plain cross-entropy"),
        ({"flow28": "flow"}, "published flow maps"),
        ({'"flow28"': '"flow28"\ndata.size = 56'}, "28 px"),
        ({"epochs = 1": "epochs = 1\naugment.mixup = 0.2"}, "exclude each other"),
        ({"simulated = 0.3": "simulated = -1.0"}, "simulated must be a number"),
        ({"simulated = 0.3": "turn = 200.0"}, "turn must be a number in 0..180"),
        ({"simulated = 0.3": "zoom = 1.0"}, "zoom must be a number in 0..0.9"),
    ],
)
def test_what_does_not_go_together_is_refused(changed, says):
    text = CNN + "augment.simulated = 0.3"
    for old, new in changed.items():
        text = text.replace(old, new)
    with pytest.raises(RecipeError, match=says):
        parse_recipe(text)


def test_clips_are_not_turned():
    text = CNN.replace("flow28", "clips") + "augment.turn = 3.0"
    with pytest.raises(RecipeError, match="turn are for flow maps"):
        parse_recipe(text)


def test_a_recipe_with_everything_trains():
    more = "augment.simulated = 0.3\naugment.turn = 5.0\naugment.zoom = 0.1"
    recipe = parse_recipe(CNN + more)
    maps = np.random.default_rng(1).uniform(0, 255, (12, 3, 28, 28)).astype(np.float32)
    classes = ("negative", "positive", "surprise")
    given = TrainingSet(maps, np.arange(12) % 3, classes)
    one, two = (Classification.train(recipe, given, 0, Session()) for _ in range(2))
    np.testing.assert_array_equal(one.scores(maps), two.scores(maps))
    without = dataclasses.replace(recipe, augment=Augment(turn=5.0, zoom=0.1))
    other = Classification.train(without, given, 0, Session())
    assert not np.allclose(one.scores(maps), other.scores(maps))


def test_a_model_asked_about_both_sides_has_no_better_one():
    recipe = parse_recipe(CNN + "data.both_sides = true")
    maps = np.random.default_rng(2).integers(0, 256, (12, 3, 28, 28)).astype(np.float32)
    classes = ("negative", "positive", "surprise")
    given = TrainingSet(maps, np.arange(12) % 3, classes)
    both = Classification.train(recipe, given, 0, Session())
    mirrored = maps[..., ::-1].copy()
    mirrored[:, 0] = 255.0 - mirrored[:, 0]
    np.testing.assert_allclose(both.scores(maps), both.scores(mirrored), atol=1e-6)
    one = Classification.train(parse_recipe(CNN), given, 0, Session())
    mean = (one.scores(maps) + one.scores(mirrored)) / 2
    np.testing.assert_allclose(both.scores(maps), mean, atol=1e-6)
    assert not np.allclose(one.scores(maps), one.scores(mirrored), atol=1e-3)


@pytest.mark.parametrize(
    "text",
    [
        CNN.replace("flow28", "clips"),
        'name = "x"\nmodel.name = "svm-flow"\ndata.kind = "flow28"\n',
    ],
)
@pytest.mark.parametrize("what", ["both_sides", "canonical"])
def test_both_sides_and_canonical_are_for_networks_on_flow_maps(text, what):
    with pytest.raises(RecipeError, match=what):
        parse_recipe(f"{text}data.{what} = true")


@pytest.mark.parametrize("kind", ["flow28", "flow"])
def test_canonical_maps_have_no_unit_and_no_zero(kind):
    """What a person's amount of motion, or a map's grey of no motion, is teaches nothing."""
    text = f"{CNN.replace('flow28', kind)}data.canonical = true\ndata.both_sides = true\n"
    recipe = parse_recipe(text)
    maps = np.random.default_rng(3).integers(0, 256, (12, 3, 28, 28)).astype(np.float32)
    classes = ("negative", "positive", "surprise")
    given = TrainingSet(maps, np.arange(12) % 3, classes)
    learned = Classification.train(recipe, given, 0, Session())
    seen = learned.prepare(maps)
    torch.testing.assert_close(seen.square().mean((2, 3)), torch.ones(12, 3))
    np.testing.assert_allclose(np.median(seen, axis=(2, 3)), 0, atol=1e-6)
    other = 3.0 * maps + np.arange(12, dtype=np.float32)[:, None, None, None]
    torch.testing.assert_close(learned.prepare(other), seen, atol=1e-5, rtol=1e-5)
    mirrored = maps[..., ::-1].copy()
    mirrored[:, 0] *= -1
    torch.testing.assert_close(learned.prepare.mirror(seen), learned.prepare(mirrored))
    np.testing.assert_allclose(learned.scores(maps), learned.scores(mirrored), atol=1e-6)


@pytest.mark.parametrize("other", ["data.standardise = true", "data.scale = 2.0"])
def test_canonical_maps_are_scaled_in_no_other_way(other):
    with pytest.raises(RecipeError, match="canonical"):
        parse_recipe(f"{CNN}data.canonical = true\n{other}\n")
