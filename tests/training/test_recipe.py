from pathlib import Path

import pytest
import torch

from mescope.errors import RecipeError
from mescope.models import create_model
from mescope.models.ammsm import Ammsm
from mescope.training.ammsm_training import Trainee
from mescope.training.classical import CLASSICAL
from mescope.training.recipe import (
    ClipRecipe,
    Recipe,
    RenderedRecipe,
    parse_recipe,
    read_clip_recipe,
    read_recipe,
    read_window_recipe,
    recipe_text,
)
from mescope.training.recognizers import fresh_model
from mescope.training.train import train

CLIPS = 'name = "c"\nmodel = "ststnet"\ndata = "flow28"\n'
RENDERED = 'name = "r"\nmodel = "me-tst-plus-small"\ndata = "rendered"\n'
GOOD = 'name = "x"\nmodel = "me-tst-plus-small"\ndata = "synthetic"\n'


def test_a_recipe_reads_and_overrides_win():
    recipe = parse_recipe(GOOD + "epochs = 3\nlearning_rate = 1", epochs=5)
    assert recipe.epochs == 5
    assert recipe.learning_rate == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD + "epoch = 3", "did you mean 'epochs'"),  # ecosystem C111
        (GOOD + "qqq = 3", "options are"),
        (GOOD + 'epochs = "3"', "epochs must be int"),
        (GOOD + "epochs = true", "epochs must be int"),
        (GOOD + "epochs = 0", "above 0"),
        (GOOD + "spotting_weight = 1.5", "0 to 1"),
        (GOOD.replace("synthetic", "casme9"), "one of synthetic, rendered, flow28"),
        (CLIPS + "recordings = 3", "unknown option 'recordings'"),
        (CLIPS + "flip = 1", "flip must be bool"),
        (CLIPS + 'schedule = "step"', "one of constant, cosine"),
        (CLIPS + "scale = 0", "scale must be above 0"),
        (CLIPS + "weight_decay = -1", "0 or above"),
        (RENDERED + 'look = "faces"', "look must be one of candidates, windows"),
        (RENDERED + "hours = 0", "hours must be above 0"),
        (RENDERED + "held_out = 1.0", "held_out must be 0 to 1"),
        (RENDERED + "recordings = 3", "unknown option 'recordings'"),
        (GOOD + "hours = 3", "unknown option 'hours'"),
        ('name = "x"\nmodel = "m"\ndata = 3', "data must be str"),
        ('name = "x"', "lacks model, data"),
        ("name = ", "not valid TOML"),
    ],
)
def test_a_wrong_recipe_says_what_to_mend(text, says):
    with pytest.raises(RecipeError, match=says):
        parse_recipe(text)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RecipeError, match=r"nothing\.toml"):
        read_recipe(tmp_path / "nothing.toml")


def test_recipes_are_values():
    assert parse_recipe(GOOD) == Recipe(name="x", model="me-tst-plus-small", data="synthetic")


def test_the_data_decides_what_a_recipe_is_about(tmp_path):
    assert parse_recipe(CLIPS + "flip = true") == ClipRecipe(
        name="c", model="ststnet", data="flow28", flip=True
    )
    clips, windows = tmp_path / "clips.toml", tmp_path / "windows.toml"
    clips.write_text(CLIPS)
    windows.write_text(GOOD)
    assert read_clip_recipe(clips, epochs=2).epochs == 2
    assert read_window_recipe(windows).epochs == 30
    with pytest.raises(RecipeError, match="run by `mescope evaluate`"):
        read_window_recipe(clips)
    with pytest.raises(RecipeError, match="run by `mescope train`"):
        read_clip_recipe(windows)


def test_rendered_recipes_say_how_much_is_rendered():
    recipe = parse_recipe(RENDERED + "hours = 1.5\nseconds = 30")
    assert isinstance(recipe, RenderedRecipe)
    assert recipe.recordings == 180
    assert parse_recipe(RENDERED + "hours = 0.001").recordings == 2  # to train on, to hold out
    assert parse_recipe(recipe_text(recipe)) == recipe


def test_rendered_recordings_are_measured_before_training(tmp_path):
    with pytest.raises(RecipeError, match="measured first; run it with `mescope train`"):
        train(parse_recipe(RENDERED), tmp_path)


def _classes(recipe):
    return int(recipe.labels.partition("-")[0])


RECIPES = sorted((Path(__file__).parents[2] / "recipes").rglob("*.toml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_names_itself_and_builds_its_model(path):
    recipe = read_recipe(path)
    assert recipe.name in (path.stem, path.stem.removesuffix("-synthetic"))
    if recipe.model in CLASSICAL:
        return
    with torch.device("meta"):
        if isinstance(recipe, ClipRecipe):
            model = fresh_model(recipe, _classes(recipe))
        else:
            model = create_model(recipe.model, **recipe.options)
    if isinstance(recipe, ClipRecipe) and hasattr(model.config, "side"):
        side, channels = model.config.side, model.config.channels
        assert (recipe.size, recipe.channels) == (side, channels)
    if isinstance(model, Ammsm):
        assert (recipe.size, recipe.channels) == (model.config.size, model.config.channels)
        Trainee(model, recipe, 0)  # refuses an onset frame that one has and the other has not
        assert bool(recipe.adaptive_epochs) == (model.config.sparse or model.config.magnify)
