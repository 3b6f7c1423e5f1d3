"""The documentation site builds without a warning, fetches nothing, says what is there."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PACKAGE = ROOT / "src" / "mescope"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Build the site; a link or an anchor that leads nowhere is an error."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


def pages(site):
    return sorted(site.rglob("*.html"))


@pytest.mark.slow
def test_every_page_is_there_once(site):
    here = {page.relative_to(DOCS).with_suffix(".html") for page in DOCS.rglob("*.md")}
    here = {p.with_name("index.html") if p.stem == "README" else p for p in here}
    here |= {Path(name) for name in ("terms.html", "contributing.html", "changelog.html")}
    notebooks = sorted((ROOT / "examples" / "notebooks").glob("*.ipynb"))
    here |= {Path("notebooks", path.with_suffix(".html").name) for path in notebooks}
    assert here == {p.relative_to(site) for p in pages(site)} - {Path("404.html")}
    assert not list(site.rglob("*.py"))


@pytest.mark.slow
def test_reading_it_fetches_nothing(site):
    loads = re.compile(r'<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)="(https?:)?//')
    for page in pages(site):
        text = page.read_text(encoding="utf-8")
        assert not loads.search(text), page.name
    for sheet in site.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert not re.search(r"(?:@import|url\()\s*['\"]?https?:", text), sheet.name


@pytest.mark.slow
def test_nothing_of_a_docstring_is_left_raw(site):
    for page in (site / "api").glob("*.html"):
        shown = page.read_text(encoding="utf-8")
        assert ":class:" not in shown, page.name
        assert "&gt;&gt;&gt; </p>" not in shown, page.name
        assert "<blockquote>" not in shown, f"{page.name}: an example is shown as a quotation"


@pytest.mark.slow
def test_public_names_have_their_signature(site):
    shown = (site / "api" / "steps.html").read_text(encoding="utf-8")
    assert 'id="mescope.open_video"' in shown
    assert "frames per second" in shown


def script(name):
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_drawing_is_that_of_the_imports():
    drawing = script("generate_architecture")
    words = drawing.described(drawing.arrows(drawing.imports()))
    assert words in drawing.PICTURE.read_text(encoding="utf-8"), "run `make docs`"


def test_every_room_has_its_place_in_the_drawing():
    drawing = script("generate_architecture")
    assert drawing.imports().keys() <= drawing.ROOMS.keys()


def test_an_arrow_that_follows_from_others_is_left_out():
    drawing = script("generate_architecture")
    needs = {"a": {"b", "c"}, "b": {"c"}, "c": {drawing.GROUND}}
    down = drawing.arrows({room: frozenset(its) for room, its in needs.items()})
    assert down == {"a": {"b"}, "b": {"c"}, "c": {drawing.GROUND}}
    assert drawing.levels(down) == {drawing.GROUND: 0, "c": 1, "b": 2, "a": 3}


def test_the_drawing_is_the_same_twice(tmp_path, monkeypatch):
    drawing = script("generate_architecture")
    written = []
    for name in ("one.svg", "two.svg"):
        monkeypatch.setattr(drawing, "PICTURE", tmp_path / name)
        drawing.main()
        written.append((tmp_path / name).read_bytes())
    assert written[0] == written[1]


def test_the_architecture_names_files_that_exist():
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z0-9_/]+\.py)`", text))
    assert len(named) > 40
    for name in named:
        assert (PACKAGE / name).is_file() or (ROOT / name).is_file(), name


def test_examples_in_docstrings_are_fenced():
    before = (
        "Say it.\n\nExample:\n    >>> 1 + 1\n    2\n    >>> for i in (1,):\n"
        "    ...     print(i)\n    1\n\nMore."
    )
    docstring = SimpleNamespace(value=before)
    script("griffe_doctests").Doctests().on_object(obj=SimpleNamespace(docstring=docstring))
    assert docstring.value == (
        "Say it.\n\nExample:\n    ```pycon\n    >>> 1 + 1\n    2\n    >>> for i in (1,):\n"
        "    ...     print(i)\n    1\n    ```\n\nMore."
    )
