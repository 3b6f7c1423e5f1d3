"""The notebooks are well-formed, hold no output (so no face), and run, cell after cell."""

import json
import sys
from pathlib import Path

import matplotlib as mpl
import pytest

mpl.use("Agg")
import matplotlib.pyplot as plt

NOTEBOOKS = sorted((Path(__file__).parents[1] / "examples" / "notebooks").glob("*.ipynb"))
MADE = {
    "analyze": "analysis.html",
    "figures": "confusion.png",
    "own_data_set": "runs/svm",
    "own_model": "runs/mine/mine.safetensors",
    "scores": "table.tex",
}
"""What each leaves behind."""


def cells(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def code(path):
    """Return the cells as one script; a cell ``%%writefile NAME`` writes a file."""
    lines = []
    for number, cell in enumerate(cells(path)):
        text = "".join(cell["source"])
        if cell["cell_type"] != "code":
            continue
        lines.append(f"# cell {number}")
        if text.startswith("%%writefile "):
            head, _, body = text.partition("\n")
            lines.append(
                f"__import__('pathlib').Path({head.split()[1]!r}).write_text({body!r})"
            )
        else:
            lines.append(text)
    return "\n".join(lines)


def test_there_are_the_five():
    assert {path.stem for path in NOTEBOOKS} == set(MADE)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_they_are_well_formed_and_hold_no_output(path):
    document = json.loads(path.read_text(encoding="utf-8"))
    assert (document["nbformat"], document["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in document["cells"]]
    assert len(set(ids)) == len(ids) >= 6
    assert document["cells"][0]["source"][0].startswith("# ")
    for cell in document["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
    compile(code(path), path.name, "exec")


@pytest.fixture
def folder(tmp_path, monkeypatch, one_thread):
    """A folder to work in; what a notebook registers is forgotten afterwards."""
    from mescope.models import MODELS

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("MESCOPE_PLUGINS", "")
    before = set(MODELS)
    yield tmp_path
    for name in set(MODELS) - before:
        MODELS.remove(name)
    for name in [n for n in sys.modules if n.startswith("mescope_plugin_")]:
        del sys.modules[name]
    plt.close("all")


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_they_run(path, folder):
    """As plain Python: the kernel of a notebook adds nothing that they use."""
    exec(compile(code(path), path.name, "exec"), {"__name__": "__main__"})
    assert (folder / MADE[path.stem]).exists()
