"""The documentation says what is there, and nothing that is not."""

import ast
import dataclasses
import importlib
import importlib.util
import re
from pathlib import Path

import pytest
import typer

import mescope
from doc_blocks import blocks
from mescope.cli import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [p for p in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")] if p.is_file()]


def generator():
    spec = importlib.util.spec_from_file_location("generate_cli", ROOT / "docs/generate_cli.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_commands_is_what_the_commands_say():
    written = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert written == generator().page(), "run `make docs`"


def commands(group, name="mescope"):
    for key, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{name} {key}")
        else:
            yield f"{name} {key}", command


def test_every_command_and_option_is_explained():
    for name, command in commands(typer.main.get_command(app)):
        assert command.help, name
        for parameter in command.params:
            assert getattr(parameter, "help", ""), f"{name} {parameter.name}"
        assert name.split()[1] in README, f"README does not name {name}"


def test_readme_begins_with_its_two_commands():
    block = re.search(r"```(?:\w*)\n(.*?)```", README, re.DOTALL).group(1)
    assert block.split("\n")[:2] == ["make demo", "make test"]


def test_readme_python_uses_public_names_only():
    for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
        for node in ast.walk(ast.parse(block)):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "mescope"
            ):
                assert node.attr in mescope.__all__


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#\s]+)", text):
        if "://" not in link and not link.startswith("mailto:"):
            assert (page.parent / link).exists(), f"{page.name} links to {link}"


NOW = [p for p in PAGES if p.name != "CHANGELOG.md" and p.parent.name != "decisions"]
"""Pages that speak of how it is, not of how it was."""


@pytest.mark.parametrize("page", NOW, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_named_on_pages_exist(page):
    named = re.findall(r"`((?:\w+/)+[\w.*-]+\.(?:py|toml))`", page.read_text(encoding="utf-8"))
    for name in named:
        places = (ROOT, ROOT / "src", ROOT / "src" / "mescope")
        if Path(name).stem.isupper():
            continue  # NAME.toml stands for any
        assert any(list(place.glob(name)) for place in places), f"{page.name} names {name}"


@pytest.mark.parametrize("page", NOW, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_on_pages_resolve(page):
    for block in blocks(page):
        if block.language != "python":
            continue
        for node in ast.walk(ast.parse(block.text)):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("mescope"):
                home = importlib.import_module(node.module)
                for alias in node.names:
                    assert hasattr(home, alias.name), f"{page.name}: {node.module}.{alias.name}"


def test_every_field_of_a_card_is_a_term():
    from mescope.models.weights import Card

    rows = re.findall(r"^\| card: ([^|]+) \|", (ROOT / "CONTEXT.md").read_text("utf-8"), re.M)
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert told == {field.name for field in dataclasses.fields(Card)}


def test_no_term_is_explained_twice():
    terms = re.findall(r"^\| ([^|]+?) \|", (ROOT / "CONTEXT.md").read_text("utf-8"), re.M)
    assert len(terms) == len(set(terms)) > 80


def test_decisions_are_listed():
    index = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    for record in (ROOT / "docs" / "decisions").glob("[0-9]*.md"):
        assert record.name in index


def test_the_page_of_flow_maps_is_made_from_reports(tmp_path, monkeypatch):
    from mescope.evaluation.report import Prediction, Report
    from mescope.reports import save_report

    monkeypatch.syspath_prepend(ROOT / "docs")  # its page_parts
    spec = importlib.util.spec_from_file_location("flow28", ROOT / "docs/generate_flow28.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    classes = ("negative", "positive", "surprise")
    recipe = {"model": "m", "epochs": 3, "seeds": 1}
    paths = []
    for name, answers in (("good", classes), ("bad", ("surprise",) * 3)):
        predictions = tuple(
            Prediction(
                person=(part, f"p{i}"), name="c", truth=classes[i], predicted=answers[i],
                fold=f"{part}/p{i}", seed=0, oracle=classes[i],
            )
            for part in ("casme2", "samm", "smic")
            for i in range(3)
        )  # fmt: skip
        report = Report(
            name=name, recipe=recipe, protocol="loso", mode="clean", classes=classes,
            predictions=predictions, hashes={"inputs": "ab"}, environment={"python": "3"},
            seconds=7200.0, warnings=(),
        )  # fmt: skip
        paths.append(str(save_report(report, tmp_path / f"{name}.json")))
    monkeypatch.setattr(module, "PAGE", tmp_path / "page.md")
    module.main(paths)
    lines = (tmp_path / "page.md").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith(("| good", "| bad"))]
    assert rows[0].startswith("| good | 1 | **1.0000** |")  # the best first
    assert rows[1].startswith("| bad | 1 | **0.1667** |")
    assert "| bad | 0.1667 | 1.0000 | +0.8333 |" in rows
    assert "| good | m | 3 | 2.00 |" in rows
