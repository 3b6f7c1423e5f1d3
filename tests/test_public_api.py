"""Every public name resolves, stands in docs/api and has an example that is run."""

import inspect
import re
from pathlib import Path

import pytest

import mescope
from doc_blocks import blocks

DOCS = Path(__file__).parents[1] / "docs"
OVERVIEW = (DOCS / "api.md").read_text(encoding="utf-8")
PAGES = [DOCS / "api.md", *sorted((DOCS / "api").glob("*.md"))]
REFERENCE = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
RUN = "\n".join(b.text for page in PAGES for b in blocks(page) if b.language == "python")
RUN_NAMES = {
    *re.findall(r"\bmescope\.(\w+)", RUN),
    *(["Report"] if "report.summary()" in RUN else []),
}


@pytest.mark.parametrize("name", mescope.__all__)
def test_public_names_are_described(name):
    thing = getattr(mescope, name)
    assert f"`{name}`" in OVERVIEW, f"docs/api.md does not name {name}"
    if name == "__version__":
        return
    assert REFERENCE.count(f"::: mescope.{name}\n") == 1, f"docs/api/ does not show {name}"
    if inspect.isclass(thing) or inspect.isfunction(thing):
        assert inspect.getdoc(thing), f"{name} has no docstring"


@pytest.mark.parametrize("name", mescope.__all__)
def test_public_names_have_an_example_that_is_run(name):
    """In the docstring, run as a doctest, or on a page of docs/api (test_tutorials.py)."""
    thing = getattr(mescope, name)
    own = thing.__doc__ if inspect.isclass(thing) or inspect.isfunction(thing) else None
    on_page = name in RUN_NAMES
    assert ">>>" in (own or "") or on_page, f"{name}: give its docstring an Example"


def test_api_page_describes_nothing_else():
    described = re.findall(r"^\| \[?`(\w+)`", OVERVIEW.split("## Where the rest is")[0], re.M)
    assert sorted(described) == sorted(mescope.__all__)


def test_unknown_names_are_no_attributes():
    with pytest.raises(AttributeError, match="spotting_magic"):
        mescope.spotting_magic  # noqa: B018


def test_dir_lists_the_public_names():
    assert dir(mescope) == sorted(mescope.__all__)
