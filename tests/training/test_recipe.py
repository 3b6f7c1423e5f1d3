import pytest

from mescope.errors import RecipeError
from mescope.training.recipe import Recipe, parse_recipe, read_recipe

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
        (GOOD.replace("synthetic", "casme9"), "one of synthetic"),
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
