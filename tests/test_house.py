"""Rules of the house that a machine can see."""

import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

import mescope

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.name)
def test_files_stay_short_and_say_what_they_are(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400, f"{path}: is there a topic that wants its own file?"
    assert text.startswith(('"""', 'r"""')), f"{path}: no module docstring"


def test_no_catch_all_file():
    assert not [p for p in SOURCES if p.stem in ("utils", "helpers", "misc", "common")]


def test_versions_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == mescope.__version__
    assert f"version: {mescope.__version__}" in (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"## {mescope.__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_every_dependency_is_pinned_for_the_tests():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["dev"]
    pinned = {
        line.split("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line
    }
    for dependency in wanted:
        name = re.split(r"[<>=\[ ]", dependency)[0].lower().replace("_", "-")
        assert name in pinned, f"constraints.txt does not pin {name}"


def test_only_the_two_public_domain_portraits_are_used():
    """No face lies in the repository; pictures in docs show those two portraits only."""
    pictures = {".png", ".jpg", ".jpeg", ".gif", ".mp4", ".avi", ".npz"}
    found = [
        p.relative_to(ROOT)
        for folder in ("src", "tests", "recipes", "benchmarks", "examples")
        for p in (ROOT / folder).rglob("*")
        if p.suffix.lower() in pictures
    ]
    assert found == []


def test_no_two_test_files_share_a_name():
    """They are imported by their bare names, so the second would hide the first."""
    names = Counter(path.name for path in (ROOT / "tests").rglob("*.py"))
    assert [n for n, count in names.items() if count > 1 and n != "conftest.py"] == []
