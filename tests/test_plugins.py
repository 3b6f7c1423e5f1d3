"""What comes from outside: plug-in files, installed packages, and names of version 0.1.0."""

import importlib
import os
import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from mescope import plugins
from mescope.cli import run
from mescope.errors import MescopeError, WeightsError
from mescope.moved import MOVED, renamed
from mescope.plugins import VARIABLE, load_plugin
from mescope.registry import Registry

PLUGIN = """
from mescope.models import MODELS
from torch import nn

@MODELS.register("my-net")
def build(**options):
    return nn.Linear(1, 1)
"""


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Return a plug-in file; whatever it registered is gone afterwards."""
    monkeypatch.setenv(VARIABLE, "")
    path = tmp_path / "my net.py"
    path.write_text(PLUGIN, encoding="utf-8")
    yield path
    from mescope.models import MODELS

    MODELS._entries.pop("my-net", None)
    sys.modules.pop(plugins.module_name(path.resolve()), None)


def test_a_plugin_registers_once(plugin):
    from mescope.models import MODELS, create_model

    first = load_plugin(plugin)
    assert load_plugin(str(plugin)) is first
    assert "my-net" in MODELS
    assert create_model("my-net").weight.shape == (1, 1)


def test_the_command_line_runs_it(plugin, capsys):
    from mescope.models import MODELS

    assert run(["--plugin", str(plugin), "models"]) == 0
    capsys.readouterr()
    assert "my-net" in MODELS


def test_processes_started_later_have_it(plugin):
    load_plugin(plugin)
    code = "from mescope.models import MODELS; print('my-net' in MODELS)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120,
        env=os.environ,
    )  # fmt: skip
    assert done.stdout.strip() == "True"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\nraise RuntimeError('broken')", "line 2 fails: RuntimeError: broken"),
        ("def", "line 1 fails: SyntaxError"),
        ("import not_there", "line 1 fails: ModuleNotFoundError"),
        ("x = 1\nraise SystemExit(0)", "line 2 fails: SystemExit: 0"),
    ],
)
def test_a_plugin_that_fails_is_told_in_one_line(tmp_path, capsys, text, said, monkeypatch):
    monkeypatch.setenv(VARIABLE, "")
    path = tmp_path / "bad.py"
    path.write_text(text, encoding="utf-8")
    assert run(["--plugin", str(path), "models"]) == 1
    told = capsys.readouterr().err
    assert said in told
    assert "Traceback" not in told


def test_names_that_are_alike_but_for_a_sign_are_two_plugins(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "")
    for name in ("a-b.py", "a_b.py", "a b.py"):
        (tmp_path / name).write_text(f"NAME = {name!r}")
        assert name == load_plugin(tmp_path / name).NAME


@pytest.mark.parametrize("name", ["not_there.py", "notes.txt", ".", "a\0b.py"])
def test_a_plugin_must_be_a_python_file(tmp_path, name):
    (tmp_path / "notes.txt").write_text("x = 1", encoding="utf-8")
    with pytest.raises(MescopeError, match="expected a Python file as plug-in"):
        load_plugin(tmp_path / name)


def made_up(monkeypatch, **points):
    things = Registry("thing", "mescope.things", WeightsError)
    found = {
        name: EntryPoint(name=name, value=value, group="mescope.things")
        for name, value in points.items()
    }
    monkeypatch.setitem(things.__dict__, "_installed", found)
    return things


def test_entry_points_are_loaded_when_they_are_asked_for(monkeypatch):
    things = made_up(monkeypatch, root="math:sqrt", lost="not_there:x")
    things.register("own")(abs)
    assert list(things) == ["own", "root", "lost"]
    assert len(things) == 3
    assert things["root"](4.0) == 2.0
    with pytest.raises(WeightsError, match="the thing 'lost' of an installed package"):
        things.named("lost")
    with pytest.raises(ValueError, match="no other thing has, found 'root'"):
        things.register("root")(abs)


def test_a_name_that_is_not_there_gets_the_nearest(monkeypatch):
    things = made_up(monkeypatch)
    things.register("square")(abs)
    with pytest.raises(WeightsError, match=r"no thing 'sqare'.*did you mean 'square'"):
        things.named("sqare")
    with pytest.raises(KeyError):
        things["sqare"]


@pytest.mark.parametrize("old", sorted(MOVED))
def test_old_names_of_modules_give_the_new_ones(old):
    sys.modules.pop(old, None)
    with pytest.warns(DeprecationWarning, match=f"is now {MOVED[old]}"):
        assert importlib.import_module(old) is importlib.import_module(MOVED[old])


def test_old_packages_give_their_modules():
    for name in ("mescope.datasets.coding.elan", "mescope.datasets.coding"):
        sys.modules.pop(name, None)
    with pytest.warns(DeprecationWarning, match="is now mescope.annotations"):
        from mescope.datasets.coding.elan import dumps
    from mescope.annotations import elan

    assert dumps is elan.dumps


def test_old_names_within_a_module_give_the_new_ones():
    get = renamed("mescope.events", {"Span": "mescope.events.Interval"})
    from mescope.events import Interval

    with pytest.warns(DeprecationWarning, match=r"Span is now mescope\.events\.Interval"):
        assert get("Span") is Interval
    with pytest.raises(AttributeError, match="no attribute 'Spam'"):
        get("Spam")
