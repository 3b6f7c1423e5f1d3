"""What an epoch over clips of faces holds, and that recipes on them learn and stay honest."""

import dataclasses

import numpy as np
import pytest
import torch
from face_sets import FRAMES, RECIPE, SIDE, face_clips
from made_recipes import changed, flat_recipe

from mescope.errors import LeakError, RecipeError, WeightsError
from mescope.evaluation.report import SUBJECT_DEPENDENT
from mescope.evaluation.report_files import as_json, from_json
from mescope.models.card import read_card
from mescope.models.weights import save
from mescope.samples.kinds import preparation_of
from mescope.samples.preparation import IMAGENET_MEAN, IMAGENET_SPREAD
from mescope.training import train_clips
from mescope.training.evaluate import evaluate
from mescope.training.face_epochs import FaceEpochs
from mescope.training.flat_recipe import tables_of
from mescope.training.recipe import parse_recipe, recipe_of, recipe_text
from mescope.training.recognizers import load_recognizer, train_recognizer
from mescope.training.tasks.faces import weighted_mean


def viewed(recipe, count):
    """The recipe, tested with so many views."""
    return dataclasses.replace(recipe, data=dataclasses.replace(recipe.data, views=count))


def epochs(data, views=1, **changes):
    recipe = viewed(changed(RECIPE, difference=False, **changes), views)
    return FaceEpochs(
        recipe.optim, recipe.data, recipe.augment.flip, recipe.data.measure(data.inputs),
        data.inputs, data.labels, data.origins, 0,
    )  # fmt: skip


def pixels(clips):
    """Grey levels of prepared clips."""
    return np.rint((clips.numpy() / 4.0 * 0.226 + 0.449) * 255).astype(int)


def test_an_epoch_holds_two_of_every_original_and_one_of_every_copy():  # check 10
    data = face_clips(people=2, roles=("original", "rsmix"))
    made = epochs(data, flip=True)
    n, m = 16, 16
    assert len(made.items) == 2 * n + m
    batches = list(made.batches(0))
    assert len(batches) == made.steps == 6
    labels = torch.cat([b[1] for b in batches])
    assert torch.bincount(labels).tolist() == [12] * 4
    assert 2 * 3887 + 3472 == 11246  # the paper's counts by the same rule


def test_mirrored_copies_are_mirror_images():
    data = face_clips(people=1, each=2, roles=("original",))
    data.inputs[..., :2] = 7  # a bar at the left
    made = epochs(data, flip=True, draws=0, shuffle=False)
    clips = np.concatenate([pixels(b[0]) for b in made.batches(0)])
    assert (clips[: len(data)][..., :2] == 7).all()
    assert (clips[len(data) :] == clips[: len(data)][..., ::-1]).all()


def test_frames_come_from_the_draws_segment_by_segment():
    data = face_clips(people=1, each=1, roles=("original",), macro=False)
    data.inputs[:] = np.arange(2 * FRAMES)[:, None, None]  # the stored frame's number
    (batch,) = epochs(data).batches(0)
    assert pixels(batch[0])[0, 0, :, 0, 0].tolist() == [4, 5, 6, 7]  # the one draw
    (batch,) = epochs(data, draws=0).batches(0)
    assert pixels(batch[0])[0, 0, :, 0, 0].tolist() == [0, 1, 2, 3]
    more = np.concatenate([data.inputs, data.inputs[:, :, FRAMES:] + FRAMES], axis=2)
    made = epochs(dataclasses.replace(data, inputs=more), draws=2)
    seen = np.concatenate([pixels(next(made.batches(e))[0])[:, 0, :, 0, 0] for e in range(40)])
    assert (seen % FRAMES == np.arange(FRAMES)).all()
    assert {tuple(np.unique(column)) for column in seen.T} == {(4 + i, 8 + i) for i in range(4)}


@pytest.mark.parametrize("draws", [0, 1, 3])
def test_training_is_shown_the_same_with_any_number_of_views(draws):
    one = face_clips(people=2, each=2)
    rng = np.random.default_rng(1)
    taken = rng.integers(0, 256, (len(one), 1, max(draws, 1) * FRAMES, SIDE, SIDE))
    rest = rng.integers(0, 256, (len(one), 1, 3 * FRAMES, SIDE, SIDE))
    stored = {
        1: [taken] if not draws else [rest[:, :, :FRAMES], taken],
        3: [rest, taken],
    }
    found = {}
    for count, parts in stored.items():
        data = dataclasses.replace(one, inputs=np.concatenate(parts, 2).astype(np.uint8))
        made = epochs(data, draws=draws, views=count, flip=True)
        found[count] = [batch for e in range(3) for batch in made.batches(e)]
    for a, b in zip(found[1], found[3], strict=True):
        assert all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def in_views(data, count):
    """The clips with ``count`` views before their draw, each a little darker than the last."""
    first, drawn = data.inputs[:, :, :FRAMES], data.inputs[:, :, FRAMES:]
    parts = [(first * (1 - 0.3 * v)).astype(np.uint8) for v in range(count)]
    return dataclasses.replace(data, inputs=np.concatenate([*parts, drawn], axis=2))


def test_a_fold_is_tested_with_the_mean_of_the_shares_of_all_views(monkeypatch):
    from mescope.training import evaluate as evaluation

    data, kept = in_views(face_clips(people=4), 3), []

    def keep(*given, **others):
        kept.append(train_recognizer(*given, **others))
        return kept[-1]

    monkeypatch.setattr(evaluation, "train_recognizer", keep)
    recipe = viewed(changed(RECIPE, epochs=20, rsmix=True, control=True), 3)
    report = evaluate(recipe, data, "70-30")
    assert report.recipe["data"]["views"] == 3
    (trained,) = kept
    known = list(zip(data.persons, data.names, strict=True))
    rows = [known.index((p.person, p.name)) for p in report.predictions]
    assert len(rows) == len(set(rows)) == 4  # a clip counts once
    prepare, model = trained.prepare, trained.model.eval()
    with torch.no_grad():
        logits = [
            model(prepare(data.inputs[rows][:, :, v * FRAMES : (v + 1) * FRAMES])).emotion
            for v in range(3)
        ]
    shares = torch.stack([one.double().softmax(-1) for one in logits])
    found = np.array([p.scores for p in report.predictions])
    np.testing.assert_allclose(found, shares.mean(0), rtol=1e-6)
    assert (shares[0] - shares[2]).abs().max() > 1e-3  # the views do differ
    of_logits = torch.stack(logits).mean(0).double().softmax(-1)
    assert np.abs(found - of_logits.numpy()).max() > 1e-6
    assert len(report.control) == 4  # asked in the same way
    # what was learned is what is learned with one view
    alone = in_views(face_clips(people=4), 1)
    evaluate(viewed(recipe, 1), alone, "70-30")
    for a, b in zip(model.parameters(), kept[1].model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_clips_without_all_views_are_refused():
    data = in_views(face_clips(people=2), 2)
    recipe = viewed(changed(RECIPE, epochs=1), 2)
    trained = train_recognizer(recipe, data.inputs, data.labels, data.classes, 0)
    with pytest.raises(ValueError, match="expected 4 frames for each of 2 views, found"):
        trained.scores(face_clips(people=1).inputs[:, :, :FRAMES])


def test_weights_keep_the_views_that_they_are_asked_with(tmp_path):
    data = in_views(face_clips(people=2, roles=("original",)), 3)
    recipe = viewed(changed(RECIPE, epochs=1), 3)
    learned, _ = train_clips.train_on_all(recipe, data, tmp_path / "run")
    path = tmp_path / "three.safetensors"
    train_clips.publish_recognizer(learned, recipe, data, path)
    loaded, card = load_recognizer(path)
    assert (card.inputs["views"], loaded.prepare.views) == (3, 3)
    np.testing.assert_array_equal(loaded.scores(data.inputs), learned.scores(data.inputs))
    old = dataclasses.replace(
        card, inputs={k: v for k, v in card.inputs.items() if k != "views"}
    )
    assert preparation_of(old).views == 1  # of cards before there were views


def test_a_difference_forgets_who_it_is():
    data = face_clips(people=1, each=1, roles=("original",), macro=False)
    recipe = changed(RECIPE, channels=1)
    prepare = recipe.data.measure(data.inputs)
    brighter = data.inputs + np.uint8(20)
    torch.testing.assert_close(prepare(data.inputs), prepare(brighter))
    assert (prepare(data.inputs)[:, :, 0] == 0).all()
    assert prepare(data.inputs).shape == (1, 1, FRAMES, SIDE, SIDE)


def test_colours_are_scaled_as_imagenets():
    recipe = changed(RECIPE, channels=3, scale=1.0, difference=False)
    prepare = recipe.data.measure(np.zeros((1, 3, FRAMES, SIDE, SIDE), np.uint8))
    for k in range(3):
        one = np.zeros((1, 3, FRAMES, SIDE, SIDE), np.uint8)
        one[:, k] = 255
        found = prepare(one)[0, k, 0, 0, 0].item()
        assert found == pytest.approx((1 - IMAGENET_MEAN[k]) / IMAGENET_SPREAD[k], rel=1e-5)


def test_macro_expressions_weigh_what_the_recipe_says():
    data = face_clips(people=1, each=1, roles=("original",))
    (batch,) = epochs(data, macro_weight=0.25).batches(0)
    assert sorted(batch[2].tolist()) == [0.25, 1.0]
    output = type("Output", (), {"emotion": torch.tensor([[0.0, 0, 0, 0], [3.0, 0, 0, 0]])})
    each = torch.nn.functional.cross_entropy(output.emotion, batch[1], reduction="none")
    expected = (each * batch[2]).sum() / 1.25
    torch.testing.assert_close(weighted_mean(output, batch[1], batch[2]), expected)


def test_what_was_planted_is_found_on_other_people():
    recipe = changed(RECIPE, rsmix=True, macro=True, flip=False, control=True)
    report = evaluate(recipe, face_clips(), "70-30")
    assert report.mode == "clean"
    hits = np.mean([p.predicted == p.truth for p in report.predictions])
    assert hits >= 0.9
    assert {p.name.split()[1] for p in report.predictions} == {"micro"}
    # control clips hold no expression: a model without a shortcut cannot name them
    summary = report.summary()["control"]
    assert summary["clips"] == len(report.predictions) == 8
    assert summary["named"] <= 0.6
    assert from_json(as_json(report)) == report
    assert "Shortcut control" in report.compare()


def test_test_people_reach_training_in_no_shape(monkeypatch):  # check 11
    """Whatever role their clips have, nothing of the people tested is handed to learning."""
    from mescope.training import evaluate as evaluation

    data, seen = face_clips(), []

    def spy(recipe, inputs, labels, classes, seed, *, origins, persons, **others):
        seen.append((set(persons), {o.recording[1] for o in origins}, len(inputs)))
        return train_recognizer(changed(recipe, epochs=1), inputs, labels, classes, seed,
                     origins=origins)  # fmt: skip

    monkeypatch.setattr(evaluation, "train_recognizer", spy)
    report = evaluate(changed(RECIPE, rsmix=True, macro=True), data, "loso")
    for (persons, films, count), person in zip(seen, sorted(set(data.persons)), strict=True):
        assert person not in persons
        assert f"{person[1]}-a" not in films
        assert count == 5 * 4 * 2 * 2
    assert len(report.predictions) == 24


def test_weights_for_everybody_never_see_a_control_clip(tmp_path, monkeypatch):
    data = face_clips(people=2, each=1)
    seen = []

    def spy(recipe, inputs, labels, classes, seed, *, origins, **others):
        seen.extend(o.role for o in origins)
        assert len(inputs) == len(labels) == len(origins)

    monkeypatch.setattr(train_clips, "train_recognizer", spy)
    train_clips.train_on_all(changed(RECIPE, rsmix=True), data, tmp_path)
    assert sorted(set(seen)) == ["original", "rsmix"]


def test_a_split_of_clips_is_never_clean():
    recipe = changed(RECIPE, epochs=1)
    report = evaluate(recipe, face_clips(), "70-30-clips")
    assert report.mode == SUBJECT_DEPENDENT
    assert "Subject-dependent" in report.compare()
    with pytest.raises(LeakError, match="a split of clips tests people that were learned from"):
        dataclasses.replace(report, mode="clean")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"data": "clips"}, "unknown key 'frames' of .data"),
        ({"options": {"frames": 8}}, "decide the model's frames"),
        ({"frames": 1}, "frames must be a whole number in 2"),
        ({"channels": 2}, "1 or 3 channels"),
        ({"macro_weight": 0.0}, "macro_weight must be a number in"),
        ({"hold_out": 0.2}, "no hold_out"),
        ({"precision": "16"}, "precision must be one of"),
    ],
)
def test_recipes_that_make_no_sense(changes, says):
    with pytest.raises(RecipeError, match=says):
        changed(RECIPE, **changes)


@pytest.mark.parametrize("count", ["0", "65", "1.5", "true", '"3"'])
def test_views_that_make_no_sense(count):
    text = recipe_text(RECIPE).replace('kind = "faces"', f'kind = "faces"\nviews = {count}')
    with pytest.raises(
        RecipeError, match=r"data.views must be a whole number( in 1\.\.64)?, got"
    ):
        parse_recipe(text)


def test_weights_asked_as_they_are_see_the_views_of_the_recipe(tmp_path):
    data = in_views(face_clips(people=2, roles=("original",)), 3)
    drawn = viewed(changed(RECIPE, epochs=1), 1)
    path = tmp_path / "one.safetensors"
    one = in_views(face_clips(people=2, roles=("original",)), 1)
    learned, _ = train_clips.train_on_all(drawn, one, tmp_path / "run")
    train_clips.publish_recognizer(learned, drawn, one, path)
    card = read_card(path)
    save(path, learned.model, dataclasses.replace(card, simulated=True))
    asked = viewed(changed(RECIPE, epochs=0, weights=str(path)), 3)
    found = train_recognizer(asked, data.inputs, data.labels, data.classes, 0)
    assert found.prepare.views == 3
    each = [learned.scores(data.inputs[:, :, v * FRAMES :]) for v in range(3)]
    np.testing.assert_allclose(found.scores(data.inputs), np.mean(each, 0), rtol=1e-6)


def test_faces_are_for_videomamba_and_it_for_nothing_else():
    data = face_clips(people=2)
    with pytest.raises(RecipeError, match=r"'ststnet' learns from flow28, .*, found"):
        changed(RECIPE, model="ststnet", options={})
    with pytest.raises(RecipeError, match="'videomamba-xs' learns from faces, found kind"):
        flat_recipe(name="x", model="videomamba-xs", data="flow")
    asked = tables_of({"name": "x", "model": "ststnet", "data": "faces"})
    other = recipe_of(asked | {"task": {"name": "faces"}})  # whoever asks for the task has it
    with pytest.raises(WeightsError, match="unknown model option 'frames'"):
        train_recognizer(other, data.inputs, data.labels, data.classes, 0)
