"""Every block of code in the tutorials and the pages of the API runs as it stands there."""

import sys
from pathlib import Path

import pytest

from doc_blocks import Block, blocks, commands, run_page

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
TUTORIALS = sorted((DOCS / "tutorials").glob("*.md"))
API = [DOCS / "api.md", *sorted((DOCS / "api").glob("*.md"))]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A cache that pages share: the practice recording is measured once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def reader(tmp_path, monkeypatch, cache, one_thread):
    """A folder to work in, as a reader has it."""
    from mescope.models import MODELS

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.setenv("MESCOPE_PLUGINS", "")
    before = set(MODELS)
    yield tmp_path
    for name in set(MODELS) - before:
        MODELS.remove(name)
    for name in [n for n in sys.modules if n.startswith("mescope_plugin_")]:
        del sys.modules[name]


@pytest.mark.slow
@pytest.mark.parametrize("page", TUTORIALS, ids=lambda p: p.stem)
def test_tutorials_run(page, reader):
    run_page(page)


@pytest.mark.slow
@pytest.mark.parametrize("page", API, ids=lambda p: p.stem)
def test_examples_of_the_api_run(page, reader):
    run_page(page)


def test_from_the_wheel_to_figures_takes_ten_commands():
    """The line of pip is checked by `make wheel`, which installs the wheel and runs it."""
    page = DOCS / "tutorials" / "lab.md"
    given = [line for b in blocks(page) if b.language == "sh" for line in commands(b.text)]
    installed = [b.text for b in blocks(page) if b.text.startswith("pip install mescope-")]
    assert len(installed) + len(given) <= 10
    assert sum("evaluate" in line and "--dataset folder" in line for line in given) == 2


def test_the_tutorials_have_something_to_run():
    for page in TUTORIALS:
        kinds = [block.language for block in blocks(page)]
        assert kinds.count("sh") + kinds.count("python") >= 4, page.name


def test_a_block_that_fails_says_where(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Page\n\n```python\nx = 1\nassert x == 2\n```\n", encoding="utf-8")
    with pytest.raises(AssertionError) as caught:
        run_page(page)
    assert caught.traceback[-1].lineno + 1 == 5


def test_a_command_that_fails_says_where(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    page = tmp_path / "page.md"
    page.write_text("\n```sh\nmescope analyze nothing.mp4\n```\n", encoding="utf-8")
    with pytest.raises(AssertionError, match=r"page.md, block in line 2: mescope analyze"):
        run_page(page)
    capsys.readouterr()


def test_other_programs_are_not_run():
    with pytest.raises(AssertionError, match="rm"):
        Block("sh", None, "rm x\n", 1).run(Path("page.md"), {})


def test_a_block_says_what_it_is():
    with pytest.raises(AssertionError, match="is ```bash run or not"):
        Block("bash", None, "mescope\n", 1).run(Path("page.md"), {})


def test_commands_may_go_over_lines():
    assert commands("mescope a \\\n  b\n\nmescope c  # why\n") == [
        "mescope a    b",
        "mescope c",
    ]
