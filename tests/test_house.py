"""Rules of the house that a machine can see."""

import ast
import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

import mescope

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "mescope"
SOURCES = sorted((ROOT / "src").rglob("*.py"))
ELSEWHERE = re.compile(
    r"\bspec_(?!from_)\w+|[Ee]cosystem [A-Z]?\d|\bS\d+ of the|\bspec section|design decision"
    r"|specification, section|of the [\w+-]+ specification|protocol (L\d|section)"
)
"""Citations of documents that are not in the repository."""

NUMPY_STYLE = re.compile(
    r"^ *(Parameters|Returns|Yields|Raises|Attributes|Notes)\n *-{4,}$", re.MULTILINE
)


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.name)
def test_files_stay_short_and_say_what_they_are(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400, f"{path}: is there a topic that wants its own file?"
    assert text.startswith(('"""', 'r"""')), f"{path}: no module docstring"


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function without signature and docstring."""
    code = function.body[ast.get_docstring(function) is not None :]
    return code[-1].end_lineno - code[0].lineno + 1 if code else 0


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.name)
def test_functions_stay_short(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert body_lines(node) <= 40, f"{path}: {node.name}: which part has a name?"


def test_lines_of_a_function_are_counted_without_its_docstring():
    (function,) = ast.parse('def f(\n  a,\n):\n  """Two.\n\n  """\n  a\n\n  return a').body
    assert body_lines(function) == 3


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
        for folder in ("src", "tests", "benchmarks", "examples")
        for p in (ROOT / folder).rglob("*")
        if p.suffix.lower() in pictures
    ]
    assert found == []


def test_no_two_test_files_share_a_name():
    """They are imported by their bare names, so the second would hide the first."""
    names = Counter(path.name for path in (ROOT / "tests").rglob("*.py"))
    assert [n for n, count in names.items() if count > 1 and n != "conftest.py"] == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.name)
def test_docstrings_are_in_one_style_and_cite_what_can_be_read(path):
    text = path.read_text(encoding="utf-8")
    assert ELSEWHERE.findall(text) == [], "cite the paper and its section, or a page in docs/"
    assert NUMPY_STYLE.findall(text) == [], "write Args:, Returns:, Raises:"


def test_citations_and_styles_are_seen():
    for line in ("spec_merba S6", "ecosystem W89", "S12 of the", "protocol section 6.3"):
        assert ELSEWHERE.search(line), line
    assert not ELSEWHERE.search(
        "importlib.util.spec_from_file_location; section 2 of the paper"
    )
    assert NUMPY_STYLE.search("    Raises\n    ------\n    VideoError")
    assert not NUMPY_STYLE.search("    Raises:\n        VideoError: no file.")


def private_names(path: Path, modules: set[str]) -> list[str]:
    """Return what a file takes from another room although its name begins with ``_``."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    known = {name: name for name in modules}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                known |= {alias.asname or alias.name: full} if full in modules else {}
                found += (
                    [full] if is_private(alias.name) and full.startswith("mescope.") else []
                )
        elif isinstance(node, ast.Import):
            known |= {a.asname: a.name for a in node.names if a.asname and a.name in modules}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            home = known.get(ast.unparse(node.value))
            found += [f"{home}.{node.attr}"] if home else []
    return [name for name in found if f"{name}.".split(".")[1] != room(path)]


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def test_no_private_name_is_used_in_another_room(tmp_path, monkeypatch):
    modules = {
        ".".join(("mescope", *p.relative_to(PACKAGE).with_suffix("").parts)) for p in SOURCES
    }
    for path in SOURCES:
        assert private_names(path, modules) == [], path
    other = tmp_path / "spotting" / "x.py"
    other.parent.mkdir()
    other.write_text(
        "from mescope.video import files as f\nfrom mescope.video.files import _open\n"
        "import mescope.video.reading\nf._Runner\nmescope.video.reading._open\n"
        "from mescope.spotting.traces import _own\nfrom mescope import __version__\n"
    )
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path)
    assert private_names(other, modules) == [
        "mescope.video.files._open",
        "mescope.video.files._Runner",
        "mescope.video.reading._open",
    ]
