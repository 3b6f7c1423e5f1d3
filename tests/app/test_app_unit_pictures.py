"""The pictures of action units are those that the script draws, and each has a name."""

import importlib.util
import json
from pathlib import Path

import pytest

from mescope.app.routes_scheme import drawn_units
from mescope.app.words import ENGLISH

SCRIPT = Path(__file__).parents[2] / "docs" / "generate_unit_pictures.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("generate_unit_pictures", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_picture_is_as_the_script_draws_it(script):
    for number in script.NUMBERS:
        kept = (script.FOLDER / f"{number}.svg").read_text(encoding="utf-8")
        assert kept == script.picture(number), "run python docs/generate_unit_pictures.py"


def test_a_unit_moves_what_it_should(script):
    """12 pulls the corners of the mouth up and out, 45 shuts the eyes, 38 has marks only."""
    rest = script.placed(script.mean_shape())
    smile, blink = script.motion("12", rest), script.motion("45", rest)
    assert smile[48, 0] < -1 < 1 < smile[54, 0]
    assert (smile[[48, 54], 1] < -1).all()
    assert abs(smile[19]).max() < 0.1
    shut = rest + blink
    assert abs(shut[37] - rest[41]).max() < 0.5
    assert "circle" in script.picture("38")
    assert "circle" not in script.picture("12")


def test_every_picture_has_a_name(script):
    words = json.loads(ENGLISH.read_text(encoding="utf-8"))["units_of_facs"]
    assert drawn_units() == list(script.NUMBERS) == list(words)
