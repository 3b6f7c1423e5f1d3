"""Weights of recognisers: trained, stopped, resumed, published, read again, started from."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
from made_recipes import changed, flat_recipe
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from mescope.cli import run
from mescope.errors import OutputError, RecipeError, WeightsError
from mescope.models import MODELS, create_model
from mescope.models.weights import read_card, save
from mescope.samples.examples import Examples
from mescope.samples.prepare import prepare
from mescope.training import loop, train_clips
from mescope.training.recognizers import load_recognizer, train_recognizer
from mescope.training.tasks.classification import DROPOUT
from mescope.training.train_clips import publish_recognizer, train_on_all

RECIPE = flat_recipe(
    name="tiny", model="flow-cnn", data="synthetic-maps", maps=60, epochs=4, batch_size=16,
    schedule="cosine", standardise=True, flip=True,
)  # fmt: skip


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module", autouse=True)
def few_maps():
    """Weights are scored on 60 simulated maps: the 3,000 of a real run take half a minute."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_clips, "MAPS", 60)
        yield


@pytest.fixture(scope="module")
def simulated():
    return RECIPE.data.drawn(0)


def real(examples: Examples) -> Examples:
    return dataclasses.replace(examples, kind="flow28")


def weights_of(model):
    return torch.cat([p.detach().flatten() for p in model.state_dict().values()])


@pytest.mark.parametrize("schedule", ["constant", "cosine", "warm-up"])
def test_a_stopped_run_ends_as_one_that_was_not(simulated, tmp_path, schedule):
    recipe = changed(RECIPE, schedule=schedule)
    whole, _ = train_on_all(recipe, simulated, tmp_path / "whole")

    class StopError(Exception):
        pass

    def stop(done, loss):
        if done == 10:  # in the middle of the third epoch
            raise StopError

    with pytest.raises(StopError):
        train_on_all(recipe, simulated, tmp_path / "stopped", report=stop)
    steps = []
    rest, checkpointer = train_on_all(
        recipe, simulated, tmp_path / "stopped", report=lambda done, _: steps.append(done)
    )
    assert steps[0] == 9  # goes on after two epochs of four batches
    assert checkpointer.progress.epoch == 4
    torch.testing.assert_close(weights_of(rest.model), weights_of(whole.model), rtol=0, atol=0)
    history = json.loads((tmp_path / "stopped" / "history.json").read_text())
    assert [entry["epoch"] for entry in history] == [0, 1, 2, 3]


def test_a_checkpoint_of_other_people_is_not_gone_on_from(simulated, tmp_path):
    """Whoever was taken out to be tested must not stand in the weights."""
    recipe = changed(RECIPE, data="flow28", maps=None, epochs=2)
    everyone = dataclasses.replace(
        real(simulated), persons=tuple(("smic", str(i % 6)) for i in range(len(simulated)))
    )
    rest = [i for i, (_, subject) in enumerate(everyone.persons) if subject != "0"]
    inputs, labels = everyone.take(rest)
    few = dataclasses.replace(
        everyone, inputs=inputs, labels=labels,
        persons=tuple(everyone.persons[i] for i in rest),
        names=tuple(everyone.names[i] for i in rest),
    )  # fmt: skip

    def stop(done, loss):
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_on_all(recipe, everyone, tmp_path, report=stop)
    with pytest.raises(RecipeError, match="learned from other data than what is given now"):
        train_on_all(recipe, few, tmp_path)
    path = tmp_path / "checkpoint.safetensors"
    with safe_open(path, "pt") as file:
        told = {k: v for k, v in file.metadata().items() if k != "data"}
    save_file(load_file(path), path, told)  # as older versions wrote it: it is believed
    assert train_on_all(recipe, few, tmp_path)[1].progress.epoch == 2


def test_without_resume_a_run_is_kept(simulated, tmp_path):
    train_on_all(RECIPE, simulated, tmp_path)
    with pytest.raises(OutputError, match="exists; resume it"):
        train_on_all(RECIPE, simulated, tmp_path, resume=False)


def test_published_weights_tell_everything_and_score_the_same(simulated, tmp_path):
    learned, _ = train_on_all(RECIPE, simulated, tmp_path)
    path = tmp_path / "tiny.safetensors"
    card = publish_recognizer(learned, RECIPE, simulated, path, unseen=real(simulated))
    again, read = load_recognizer(path)
    assert read.sha256 == card.sha256
    assert card.simulated
    assert card.trained_on == "60 simulated flow maps of simulated faces; no real face"
    assert card.scores["real_clips"] == 60
    assert 0 < card.scores["simulated_uf1"] < 1
    assert again.classes == ("negative", "positive", "surprise")
    np.testing.assert_array_equal(
        again.scores(simulated.inputs), learned.scores(simulated.inputs)
    )


def test_weights_from_rendered_clips_say_so(simulated, tmp_path):
    rendered = tuple(("synthetic", f"drawn-{i % 7}") for i in range(len(simulated)))
    trained = dataclasses.replace(real(simulated), persons=rendered)
    recipe = changed(RECIPE, data="flow28", maps=None)
    learned, _ = train_on_all(recipe, trained, tmp_path)
    card = publish_recognizer(learned, recipe, trained, tmp_path / "w.safetensors")
    assert card.simulated
    assert card.trained_on == "60 clips of 7 rendered faces, their motion simulated"
    mixed = dataclasses.replace(trained, persons=(("casme2", "01"), *rendered[1:]))
    card = publish_recognizer(learned, recipe, mixed, tmp_path / "mixed.safetensors")
    assert not card.simulated


def test_weights_that_saw_people_are_never_scored_on_people(simulated, tmp_path):
    recipe = changed(RECIPE, data="flow28", maps=None)
    learned, _ = train_on_all(recipe, real(simulated), tmp_path)
    path = tmp_path / "tiny.safetensors"
    with pytest.raises(RecipeError, match="saw simulated faces only"):
        publish_recognizer(learned, recipe, real(simulated), path, unseen=real(simulated))
    card = publish_recognizer(learned, recipe, real(simulated), path)
    assert not card.simulated
    assert not card.scores
    assert card.trained_on == "clips of 60 people (simulated 60)"


@pytest.fixture(scope="module")
def pretrained(simulated, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pretrained")
    learned, _ = train_on_all(RECIPE, simulated, folder)
    publish_recognizer(learned, RECIPE, simulated, folder / "tiny.safetensors")
    return folder / "tiny.safetensors"


def test_training_starts_from_weights(simulated, pretrained, monkeypatch):
    recipe = changed(RECIPE, data="flow28", maps=None, weights=str(pretrained))
    started = []
    monkeypatch.setattr(loop, "fit", lambda model, *a, **k: started.append(model))
    train_recognizer(recipe, simulated.inputs, simulated.labels, simulated.classes, 7)
    torch.testing.assert_close(
        weights_of(started[0]), weights_of(load_recognizer(pretrained)[0].model)
    )


def test_dropout_is_the_recipes_where_training_starts_from_weights(
    simulated, pretrained, monkeypatch
):
    """Recipe, report and card state it: it was that of the weights."""
    options = {"dropout": 0.1}
    recipe = changed(RECIPE, data="flow28", maps=None, weights=str(pretrained), options=options)
    started = []
    monkeypatch.setattr(loop, "fit", lambda model, *a, **k: started.append(model))
    train_recognizer(recipe, simulated.inputs, simulated.labels, simulated.classes, 7)
    learned = load_recognizer(pretrained)[0].model
    assert (started[0].config.dropout, learned.config.dropout) == (0.1, 0.5)
    assert set(started[0].state_dict()) == set(learned.state_dict())
    torch.testing.assert_close(weights_of(started[0]), weights_of(learned))


@pytest.mark.parametrize("name", MODELS)
def test_only_dropout_may_differ_from_that_of_the_weights(name):
    """AMMSM's ``dropped`` decides what is computed, though its name begins like theirs."""
    with torch.device("meta"):
        config = create_model(name).config
    named = {field.name for field in dataclasses.fields(config) if "drop" in field.name}
    assert named - {"dropped"} == named & set(DROPOUT)


def test_a_card_tells_what_its_start_saw(simulated, pretrained, tmp_path):
    """Weights that began from a published file have seen what that file saw."""
    learned, card = load_recognizer(pretrained)
    recipe = changed(RECIPE, weights=str(pretrained))
    ours = publish_recognizer(learned, recipe, simulated, tmp_path / "ours.safetensors")
    assert (ours.simulated, ours.licence) == (True, "Apache-2.0")
    assert ours.trained_on.endswith(f"; begun from weights trained on {card.trained_on}")
    path = tmp_path / "imported.safetensors"
    told = {"simulated": False, "trained_on": "ImageNet-1k", "licence": "CC-BY-NC-4.0"}
    save(path, learned.model, dataclasses.replace(card, **told))
    recipe = changed(RECIPE, weights=str(path))
    theirs = publish_recognizer(
        learned, recipe, simulated, tmp_path / "theirs.safetensors", unseen=real(simulated)
    )
    assert (theirs.simulated, theirs.licence) == (False, "CC-BY-NC-4.0")
    assert theirs.trained_on == (
        "60 simulated flow maps of simulated faces; begun from weights trained on ImageNet-1k"
    )
    assert theirs.scores["real_clips"] == 60


def test_weights_that_saw_people_are_no_start(simulated, pretrained, tmp_path):
    """One of them could be tested later: the protocol cannot leak."""
    learned, card = load_recognizer(pretrained)
    path = tmp_path / "seen.safetensors"
    save(path, learned.model, dataclasses.replace(card, simulated=False, trained_on="casme2"))
    recipe = changed(RECIPE, data="flow28", maps=None, weights=str(path))
    with pytest.raises(RecipeError, match=r"simulated faces only, found .* casme2"):
        train_recognizer(recipe, simulated.inputs, simulated.labels, simulated.classes, 0)


@pytest.mark.parametrize(
    "change", [{"model": "ststnet"}, {"options": {"filters": (3, 4)}}], ids=["model", "options"]
)
def test_weights_of_something_else_are_no_start(simulated, pretrained, change):
    base = changed(RECIPE, data="flow28", maps=None, weights=str(pretrained))
    recipe = changed(base, **change)
    with pytest.raises(RecipeError, match="or with other options"):
        train_recognizer(recipe, simulated.inputs, simulated.labels, simulated.classes, 0)


def test_other_classes_are_no_start(simulated, pretrained):
    recipe = changed(RECIPE, data="flow28", maps=None, weights=str(pretrained))
    with pytest.raises(RecipeError, match="weights of flow-cnn for joy, rage, awe"):
        train_recognizer(recipe, simulated.inputs, simulated.labels, ("joy", "rage", "awe"), 0)


def test_classical_models_leave_no_weights(simulated, tmp_path):
    svm = flat_recipe(name="svm", model="svm-flow", data="flow28")
    with pytest.raises(RecipeError, match="expected a network"):
        train_on_all(svm, real(simulated), tmp_path)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"data": "synthetic-maps", "maps": 0}, "maps must be a whole number in 1"),
        ({"data": "flow28", "maps": 5}, "unknown key 'maps' of .data"),
    ],
)
def test_maps_belong_to_simulated_data(values, text):
    with pytest.raises(RecipeError, match=text):
        changed(RECIPE, **values)


def test_simulated_recipes_are_not_evaluated_on_people(tmp_path):
    from mescope.datasets.base import Dataset

    with pytest.raises(RecipeError, match="is run by `mescope train`"):
        prepare(RECIPE.data, Dataset(name="casme2", clips=()), labels="3-class")


@pytest.mark.parametrize(
    ("inputs", "text"),
    [
        (np.zeros((2, 1, 28, 28), np.float32), r"found \(2, 1, 28, 28\)"),
        (np.full((2, 3, 28, 28), np.nan, np.float32), "found NaN or infinity"),
        (np.zeros((28, 28), np.float32), r"found \(28, 28\)"),
    ],
    ids=["channels", "nan", "dimensions"],
)
def test_odd_inputs_are_named(simulated, inputs, text):
    """MERba's bad input: every network is reached through this."""
    preparation = RECIPE.data.measure(simulated.inputs)
    with pytest.raises(ValueError, match=text):
        preparation(inputs)


def test_a_card_without_inputs_names_no_clips(pretrained, tmp_path):
    learned, card = load_recognizer(pretrained)
    path = tmp_path / "odd.safetensors"
    for inputs in ({}, {"data": "flow28"}, {**card.inputs, "slope": ["a"]}):
        save(path, learned.model, dataclasses.replace(card, inputs=inputs))
        with pytest.raises(WeightsError, match="expected weights that name clips"):
            load_recognizer(path)


def test_the_command(tmp_path, capsys):
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(
        'name = "tiny"\nmodel.name = "flow-cnn"\noptim.epochs = 9\n'
        '[data]\nkind = "synthetic-maps"\nmaps = 20\n'
    )
    words = ["train", str(recipe), "-o", str(tmp_path / "run"), "--set", "optim.epochs=1"]
    assert run([*words, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["epochs"] == 1
    assert read_card(shown["weights"]).labels == ("negative", "positive", "surprise")
    folder = tmp_path / "run"
    kept = {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.iterdir()}
    assert run([*words, "--json"]) == 0  # finished: nothing is made again
    told = capsys.readouterr()
    assert json.loads(told.out) == shown
    assert "was finished before and is kept" in told.err
    assert {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.iterdir()} == kept
    for name in ("history.json", "repeat.json"):
        (folder / name).unlink()
        assert run([*words, "--json"]) == 0
        assert (folder / name).read_bytes() == kept[name][0]
        assert (folder / "tiny.safetensors").stat().st_mtime_ns == kept["tiny.safetensors"][1]
    capsys.readouterr()
    (folder / "history.json").unlink()
    (folder / "tiny.safetensors").unlink()
    assert run([*words, "--resume"]) == 0  # the weights are published again, not trained again
    told = capsys.readouterr().err
    assert "goes on from there" in told
    assert "--resume is no longer needed" in told
    again = {p.name: p.read_bytes() for p in folder.iterdir()}
    assert again == {name: data for name, (data, _) in kept.items()}
    assert run([*words[:-1], "optim.epochs=2"]) == 1
    assert "made by another recipe" in capsys.readouterr().err
    (folder / "checkpoint.safetensors").unlink()
    assert run([*words[:-1], "optim.epochs=2"]) == 1
    assert "tiny.safetensors exists already and is kept: another" in capsys.readouterr().err
    assert (folder / "tiny.safetensors").read_bytes() == kept["tiny.safetensors"][0]


def test_the_command_wants_people_where_the_recipe_does(tmp_path, capsys):
    recipe = tmp_path / "tiny.toml"
    recipe.write_text('name = "tiny"\nmodel.name = "flow-cnn"\ndata.kind = "flow28"\n')
    assert run(["train", str(recipe), "-o", str(tmp_path / "run")]) == 1
    assert "give --dataset and --root" in capsys.readouterr().err
    words = ["--dataset", "flow28", "-o", str(tmp_path / "run")]
    assert run(["train", str(recipe), *words]) == 1
    assert "together, found one of them" in capsys.readouterr().err
