"""Every public name resolves, is described, and stands in docs/api.md."""

import inspect
from pathlib import Path

import pytest

import mescope

API = (Path(__file__).parents[1] / "docs" / "api.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", mescope.__all__)
def test_public_names_are_described(name):
    thing = getattr(mescope, name)
    assert f"`{name}" in API, f"docs/api.md does not describe {name}"
    if inspect.isclass(thing) or inspect.isfunction(thing):
        assert inspect.getdoc(thing), f"{name} has no docstring"


def test_api_page_describes_nothing_else():
    described = {
        line.split("`")[1].split("(")[0]
        for line in API.splitlines()
        if line.startswith("### `")
    }
    assert described == set(mescope.__all__)


def test_unknown_names_are_no_attributes():
    with pytest.raises(AttributeError, match="spotting_magic"):
        mescope.spotting_magic  # noqa: B018


def test_dir_lists_the_public_names():
    assert dir(mescope) == sorted(mescope.__all__)
