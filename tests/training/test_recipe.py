from pathlib import Path

import pytest
import torch
from made_recipes import changed, flat_recipe

from mescope.errors import RecipeError
from mescope.models.ammsm import Ammsm
from mescope.training.classical import CLASSICAL
from mescope.training.flat_recipe import tables_of, with_tables
from mescope.training.recipe import (
    parse_recipe,
    read_clip_recipe,
    read_recipe,
    read_window_recipe,
    recipe_of,
    recipe_text,
    with_settings,
)
from mescope.training.shipped_recipes import shipped_recipes
from mescope.training.tasks import TASKS, task_of
from mescope.training.tasks.ammsm import AmmsmTask
from mescope.training.train import train

CLIPS = 'name = "c"\nmodel.name = "ststnet"\ndata.kind = "flow28"\n'
RENDERED = 'name = "r"\nmodel.name = "me-tst-plus-small"\ndata.kind = "rendered"\n'
GOOD = 'name = "x"\nmodel.name = "me-tst-plus-small"\ndata.kind = "synthetic"\n'
FLAT = 'name = "x"\nmodel = "ammsm"\ndata = "flow"\nepochs = 3\nmesa = 1.0\nflip = true\n'


def test_a_recipe_reads_and_settings_win():
    text = GOOD + "optim.epochs = 3\noptim.learning_rate = 1"
    recipe = parse_recipe(text, settings=["optim.epochs=5", "notes='a b'"])
    assert recipe.optim.epochs == 5
    assert recipe.optim.learning_rate == 1
    assert recipe.notes == "a b"
    again = with_settings(recipe, "data.recordings=7", "model.options.dim=8")
    assert again.data.recordings == 7
    assert again.model.options == {"dim": 8}
    assert again.optim == recipe.optim


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD + "optim.epoch = 3", "unknown key 'epoch' of .optim.; did you mean 'epochs'"),
        (GOOD + "optim.qqq = 3", r"unknown key 'qqq' of .optim.; .optim. has epochs"),
        (
            GOOD + "[optin]\nepochs = 3",
            "unknown table 'optin' of a recipe; did you mean",
        ),
        (GOOD + "epochs = 3", "unknown key 'epochs' of a recipe"),
        (GOOD + 'optim.epochs = "3"', "optim.epochs must be a whole number"),
        (GOOD + "optim.epochs = true", "optim.epochs must be a whole number"),
        (GOOD + "optim.epochs = 0", "optim.epochs must be a whole number in 1..1000000, got 0"),
        (GOOD + "optim = 3", "optim must be a table"),
        (
            GOOD + "augment.flip = true",
            "unknown key 'flip' of .augment.; .* no keys",
        ),
        (GOOD + "task.spotting_weight = 1.5", "a number in 0..1"),
        (GOOD.replace("synthetic", "flow29"), "no kind of samples 'flow29'.*mean 'flow28'"),
        (GOOD.replace('kind = "synthetic"', "recordings = 3"), "needs a kind, one of .*flow28"),
        (CLIPS + "data.recordings = 3", "unknown key 'recordings' of .data."),
        (CLIPS + "augment.flip = 1", "augment.flip must be true or false"),
        (CLIPS + 'optim.schedule = "step"', "one of constant, cosine"),
        (CLIPS + "data.scale = 0", "scale must be a number in 1e-09"),
        (CLIPS + "optim.weight_decay = -1", "a number in 0.."),
        (CLIPS + "seeds = 0", "seeds must be a whole number in 1.."),
        (CLIPS + "task.mesa = 1.0", "unknown key 'mesa' of .task."),
        (CLIPS + 'task.name = "ams"', "no training task 'ams'"),
        (CLIPS.replace("flow28", "faces"), "'ststnet' learns from flow28, flow"),
        (CLIPS.replace("flow28", "clips") + "augment.flip = true", "flip are for flow maps"),
        (CLIPS.replace("flow28", "synthetic-maps"), "data. lacks maps"),
        (RENDERED + 'data.look = "faces"', "look must be one of candidates, windows"),
        (RENDERED + "data.hours = 0", "hours must be a number in"),
        (RENDERED + "data.held_out = 1.0", "held_out must be a number in 0..1 .1 excluded"),
        (RENDERED + "data.recordings = 3", "unknown key 'recordings'"),
        (GOOD + "data.hours = 3", "unknown key 'hours'"),
        ('name = "x"\ndata.kind = "flow"', "lacks model"),
        ('name = "x"', "lacks model, data"),
        ("name = ", "not valid TOML"),
    ],
)
def test_a_wrong_recipe_says_what_to_do(text, says):
    with pytest.raises(RecipeError, match=says):
        parse_recipe(text)


def test_a_flat_recipe_says_how_it_looks_now():
    with pytest.raises(RecipeError) as caught:
        parse_recipe(FLAT, "old.toml")
    said = str(caught.value)
    assert said.startswith("old.toml is flat, as version 0.1.0 had recipes")
    assert "[model] name, [data] kind, [optim] epochs, [task] mesa, [augment] flip" in said
    assert "\n" not in said


def test_flat_values_of_old_cards_and_reports_are_read():
    import tomllib

    old = tomllib.loads(FLAT) | {"au_table": "clean", "options": {"spatial": False}}
    recipe = recipe_of(with_tables(old))
    assert (recipe.optim.epochs, recipe.task.mesa, recipe.augment.flip) == (3, 1.0, True)
    assert recipe.model.options == {"spatial": False}
    assert with_tables(recipe.to_dict()) == recipe.to_dict()
    assert recipe_of(recipe.to_dict()) == recipe


@pytest.mark.parametrize("text", ["optim.epochs", "optim.epochs=", "a=1\nb=2", "notes=a b"])
def test_a_setting_that_is_none_is_refused(text):
    with pytest.raises(RecipeError, match=r"setting such as optim\.epochs=5"):
        parse_recipe(CLIPS, settings=[text])


def test_what_is_set_is_typed_and_checked():
    def set_to(*settings):
        return parse_recipe(CLIPS, settings=list(settings))

    assert set_to("notes=some", "optim.schedule=cosine").optim.schedule == "cosine"
    assert set_to("notes=some").notes == "some"
    numbered = set_to("labels=5-class", "optim.precision=32-true")
    assert (numbered.labels, numbered.optim.precision) == ("5-class", "32-true")
    assert set_to("optim.epochs=7", "optim.learning_rate=1e-3").optim.epochs == 7
    assert set_to("model.options.dim=8").model.options["dim"] == 8
    with pytest.raises(RecipeError, match=r"optim\.epochs must be a whole number, got 'five'"):
        set_to("optim.epochs=five")
    with pytest.raises(RecipeError, match=r"optim\.epochs must be a whole number, got True"):
        set_to("optim.epochs=true")
    with pytest.raises(RecipeError, match=r"unknown key 'epoch' .*did you mean 'epochs'"):
        set_to("optim.epoch=5")


def test_recipes_go_by_name_and_a_file_wins(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shipped = read_recipe("3db-svm-flow")
    assert shipped.model.name == "svm-flow"
    (tmp_path / "3db-svm-flow").mkdir()  # a folder of that name is no recipe
    assert read_recipe("3db-svm-flow") == shipped
    with pytest.raises(RecipeError, match=r"svn-flow\.toml; did you mean '3db-svm"):
        read_recipe("recipes/3db-svn-flow.toml")
    (tmp_path / "softnet-rendered").write_text(CLIPS)
    assert read_recipe("softnet-rendered") == parse_recipe(CLIPS)


def test_every_recipe_has_a_name_of_its_own_and_says_what_it_is_for():
    found = shipped_recipes()
    assert len(found) == len(RECIPES) > 90
    for name, one in found.items():
        assert len(one.purpose.split()) > 2, name


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RecipeError, match=r"nothing\.toml"):
        read_recipe(tmp_path / "nothing.toml")


def test_recipes_are_values():
    made = flat_recipe(name="x", model="me-tst-plus-small", data="synthetic")
    assert parse_recipe(GOOD) == made


def test_the_data_decides_what_a_recipe_is_about(tmp_path):
    assert parse_recipe(CLIPS + "augment.flip = true") == flat_recipe(
        name="c", model="ststnet", data="flow28", flip=True
    )
    clips, windows = tmp_path / "clips.toml", tmp_path / "windows.toml"
    clips.write_text(CLIPS)
    windows.write_text(GOOD)
    assert read_clip_recipe(clips, ["optim.epochs=2"]).optim.epochs == 2
    assert read_window_recipe(windows).optim.epochs == 30
    with pytest.raises(RecipeError, match="run by `mescope evaluate`"):
        read_window_recipe(clips)
    with pytest.raises(RecipeError, match="run by `mescope train`"):
        read_clip_recipe(windows)


def test_rendered_recipes_say_how_much_is_rendered():
    recipe = parse_recipe(RENDERED + "data.hours = 1.5\ndata.seconds = 30")
    assert recipe.data.recordings == 180
    few = parse_recipe(RENDERED + "data.hours = 0.001").data  # to train on, to hold out
    assert few.recordings == 2
    assert parse_recipe(recipe_text(recipe)) == recipe


def test_rendered_recordings_are_measured_before_training(tmp_path):
    with pytest.raises(RecipeError, match="measured first; run it with `mescope train`"):
        train(parse_recipe(RENDERED), tmp_path)


def test_a_task_can_be_asked_for_by_name():
    recipe = parse_recipe(CLIPS + 'task.name = "classification"')
    assert task_of(recipe) is TASKS["classification"]
    assert parse_recipe(recipe_text(recipe)) == recipe


def test_every_key_that_a_flat_recipe_had_has_a_place():
    found = tables_of({"name": "a", "model": "m", "data": "flow", "options": {"dim": 3}})
    assert found == {
        "name": "a", "model": {"name": "m", "options": {"dim": 3}}, "data": {"kind": "flow"},
    }  # fmt: skip
    assert changed(parse_recipe(CLIPS), epochs=2).optim.epochs == 2


def _classes(recipe):
    return int(recipe.labels.partition("-")[0])


RECIPES = sorted((Path(__file__).parents[2] / "src/mescope/recipes").rglob("*.toml"))


@pytest.mark.parametrize("name", TASKS)
def test_some_shipped_recipe_asks_for_every_task(name):
    folder = Path(__file__).parents[2] / "src/mescope/recipes"
    assert any(task_of(read_recipe(path)) is TASKS[name] for path in folder.rglob("*.toml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_names_itself_and_builds_its_model(path):
    recipe = read_recipe(path)
    assert recipe.name in (path.stem, path.stem.removesuffix("-synthetic"))
    assert parse_recipe(recipe_text(recipe)) == recipe
    if recipe.model.name in CLASSICAL:
        return
    task = task_of(recipe)
    with torch.device("meta"):
        model = task.build(recipe, _classes(recipe))
    data = recipe.data
    if task.names_clips and hasattr(model.config, "side"):
        side, channels = model.config.side, model.config.channels
        assert (data.size, data.channels) == (side, channels)
    if isinstance(model, Ammsm):
        assert issubclass(task, AmmsmTask)
        assert (data.size, data.channels) == (model.config.size, model.config.channels)
        assert model.config.spatial == (data.kind == "flow-onset")
        draws = model.config.sparse or model.config.magnify
        assert bool(recipe.task.adaptive_epochs) == (draws and recipe.optim.epochs > 0)


@pytest.mark.parametrize(
    ("name", "setting", "says"),
    [
        (
            "3db-ststnet",
            "data.channels=2",
            "of the channels 3, .data. channels is 2",
        ),
        ("3db-flow-cnn", "model.options.channels=2", "takes samples of the channels 2"),
        ("3db-slstt", "model.options.channels=2", "of the channels 2, .data. channels is 3"),
        ("3db-off-apexnet", "data.channels=1", "2 channels or more, .data. channels is 1"),
        ("3db-featref", "data.channels=1", "2 channels or more, .data. channels is 1"),
    ],
)
def test_channels_that_a_model_does_not_take_are_refused_before_training(name, setting, says):
    with pytest.raises(RecipeError, match=says):
        read_recipe(name, [setting])


@pytest.mark.parametrize("setting", ["augment.mixup=0.4", "optim.balanced=true"])
def test_what_the_two_heads_of_merba_have_no_part_in_is_refused(setting):
    with pytest.raises(RecipeError, match="for models of one head, found two in 'merba'"):
        read_recipe("merba-dfme", [setting])
    read_recipe("merba-dfme-base", [setting])
